//! A Redis that went back in time: flushed, or restored from an older copy whose numbers then go on. Every open and
//! every returning reader is told `reset`, and none is left with what was lost, or without what it had skipped.

mod support;

use serde_json::{Value, json};
use support::{
    PATIENCE,
    server::{FEED, Kept, Server},
    stream::{Door, Held, Said, Stream},
};
use tokio::time::timeout;

async fn publish(server: &Server, headline: &str) -> Value {
    server.publish(&json!({"headline": headline})).await
}

fn position(answer: &Value) -> String {
    answer["position"].as_str().expect("a position").to_owned()
}

/// Reads until it has caught up, and says what it then holds.
async fn caught_up(server: &Server, door: Door, query: &str) -> (Stream, Held) {
    let mut reader = Stream::open(server, door, query).await;
    let mut held = Held::default();
    for message in reader.up_to("caughtUp").await {
        held.apply(&message);
    }
    (reader, held)
}

fn headlines(held: &Held) -> Vec<&str> {
    let mut headlines: Vec<_> = held.items.values().filter_map(|item| item["headline"].as_str()).collect();
    headlines.sort_unstable();
    headlines
}

#[tokio::test]
async fn a_store_restored_from_an_older_copy_resets_every_reader() {
    let server = Server::start(Kept::Redis).await;
    let first = publish(&server, "first").await;
    let second = publish(&server, "second").await;
    let id = second["item"]["id"].as_str().expect("an id");
    let second =
        server.patch(id, second["etag"].as_str().expect("an ETag"), &json!({"headline": "second, edited"})).await;
    let third = publish(&server, "third").await;
    server.kill();
    server.redis().copy_files();
    server.up().await;

    // What will be lost: a newer form of the second item, and two more.
    let lost = server.patch(id, second["etag"].as_str().expect("an ETag"), &json!({"headline": "second, lost"})).await;
    let lost_too = publish(&server, "lost").await;
    let (mut open, held) = caught_up(&server, Door::WebSocket, "").await;
    assert_eq!(headlines(&held), ["first", "lost", "second, lost", "third"]);
    let (mut open_events, _) = caught_up(&server, Door::Sse, "after=0").await;
    // This one goes away at the third item: it has skipped "second, edited", for a newer form that will be lost.
    let skipped = position(&third);

    server.redis().kill();
    server.redis().put_copy_back();
    server.redis().up();
    // The numbers go on: the same ones are given out again.
    support::until("the server is ready", async || server.get("/readyz").await.is_ok_and(|a| a.status() == 200)).await;
    for n in 0..4 {
        publish(&server, &format!("new {n}")).await;
    }
    let listed = ["first", "new 0", "new 1", "new 2", "new 3", "second, edited", "third"];

    for reader in [&mut open, &mut open_events] {
        assert_eq!(reader.until("reset").await["reason"], "storeChanged");
        let mut held = Held::default();
        let coming = async {
            while headlines(&held) != listed {
                held.apply(&reader.next().await.message());
            }
        };
        let came = timeout(PATIENCE, coming).await;
        assert!(came.is_ok(), "the reader ends with {:?}, and {listed:?} is listed", headlines(&held));
    }
    // Whoever comes back, from before, within and after the lost part, is told too.
    for after in [position(&first), skipped, position(&lost), position(&lost_too)] {
        for door in [Door::WebSocket, Door::Sse] {
            let (mut reader, held) = caught_up(&server, door, &format!("after={after}")).await;
            assert_eq!(headlines(&held), listed, "after={after}");
            assert_eq!(held.resets, 1, "after={after}");
            // And is told once: from its new position it goes on.
            publish(&server, "then").await;
            reader.until("item.published").await;
            let (_, again) = caught_up(&server, door, &held.query()).await;
            assert_eq!(again.resets, 0);
            let items = server.items().await;
            let then = items.iter().find(|item| item["headline"] == "then").expect("it is listed");
            server.act(then["id"].as_str().expect("an id"), "remove", &json!({})).await;
        }
        let polled = server.read(&format!("/v1/feeds/{FEED}/changes?after={after}")).await;
        assert_eq!(polled["reset"], "storeChanged", "after={after}");
    }
}

#[tokio::test]
async fn a_cut_that_happened_while_no_server_ran_is_told_by_the_first_reader_that_returns() {
    let server = Server::start(Kept::Redis).await;
    let first = publish(&server, "first").await;
    server.kill();
    server.redis().copy_files();
    server.up().await;
    let lost = publish(&server, "lost").await;
    server.kill();
    server.redis().kill();
    server.redis().put_copy_back();
    server.redis().up();
    server.up().await;
    publish(&server, "new 0").await;
    publish(&server, "new 1").await;
    // A reader that stood before the lost part cannot know; one that stood in it does, and then all are told.
    let (mut unknowing, _) = caught_up(&server, Door::WebSocket, &format!("after={}", position(&first))).await;
    let (_, held) = caught_up(&server, Door::Sse, &format!("after={}", position(&lost))).await;
    assert_eq!(held.resets, 1);
    assert_eq!(unknowing.until("reset").await["reason"], "storeChanged");
    // A made-up position is nobody else's reset.
    unknowing.until("caughtUp").await;
    let (_, liar) = caught_up(&server, Door::Sse, "after=5-00000000").await;
    assert_eq!(liar.resets, 1);
    publish(&server, "last").await;
    let next = unknowing.up_to("item.published").await;
    assert!(next.iter().all(|message| message["type"] != "reset"), "{next:?}");
}

#[tokio::test]
async fn a_flushed_store_is_never_silence() {
    let server = Server::start(Kept::Redis).await;
    let held = publish(&server, "flushed").await;
    let (mut open, _) = caught_up(&server, Door::WebSocket, "").await;
    let (mut open_events, _) = caught_up(&server, Door::Sse, "").await;
    server.redis().command(&["FLUSHALL"]);
    for reader in [&mut open, &mut open_events] {
        assert_eq!(reader.until("reset").await["reason"], "gone");
        assert_eq!(reader.until("bye").await["reason"], "gone");
        assert!(matches!(reader.next().await, Said::End(_)));
    }
    let after = format!("after={}", position(&held));
    let mut returning = Stream::open(&server, Door::WebSocket, &after).await;
    assert_eq!(returning.next().await.message()["reason"], "gone");
    // The operator creates the feed again, and its numbers begin anew.
    let place = server.place();
    let mut create = std::process::Command::new(env!("CARGO_BIN_EXE_newswire"));
    create.args(["feed", "create", FEED, "--title", "News"]);
    for (option, value) in &place {
        create.arg(option).arg(value);
    }
    assert!(create.status().expect("newswire runs").success());
    let (_, held) = caught_up(&server, Door::Sse, &after).await;
    assert_eq!((held.resets, held.items.len()), (1, 0));
}
