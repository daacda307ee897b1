//! A server that is killed and started again goes on where it was: before anything new is published, a reader that
//! comes back with an old position gets every change it missed, once and in order.

mod support;

use serde_json::{Value, json};
use support::{
    server::{FEED, Kept, Server},
    stream::{Door, Held, Said, Stream, seq},
};

/// Publishes `count` items and returns their ids.
async fn published(server: &Server, count: usize) -> Vec<String> {
    let mut ids = Vec::new();
    for n in 0..count {
        let answer = server.publish(&json!({"headline": format!("Report {n}")})).await;
        ids.push(answer["item"]["id"].as_str().expect("an id").to_owned());
    }
    ids
}

fn ids(changes: &[Value]) -> Vec<&str> {
    changes.iter().filter_map(|change| change["item"]["id"].as_str()).collect()
}

async fn what_was_missed_comes_once_and_in_order(kept: Kept, door: Door) {
    let server = Server::start(kept).await;
    let before = published(&server, 3).await;
    let mut reader = Stream::open(&server, door, "after=0").await;
    let mut held = Held::default();
    for message in reader.up_to("caughtUp").await {
        held.apply(&message);
    }
    assert_eq!(held.items.len(), 3);
    drop(reader);
    let missed = published(&server, 5).await;

    server.kill();
    server.up().await;

    let mut reader = Stream::open(&server, door, &held.query()).await;
    let hello = reader.next().await.message();
    assert_eq!((&hello["type"], &hello["position"]), (&json!("hello"), &json!(held.position)));
    let came = reader.up_to("caughtUp").await;
    let (end, changes) = came.split_last().expect("caughtUp");
    assert_eq!(ids(changes), missed);
    assert_eq!(changes.iter().map(|change| seq(&change["position"])).collect::<Vec<_>>(), [5, 6, 7, 8, 9]);
    assert_eq!((&end["changes"], &end["folded"]), (&json!(5), &json!(0)));

    // And it is live again.
    let next = published(&server, 1).await;
    assert_eq!(ids(&[reader.until("item.published").await]), next);
    let listed = server.items().await;
    assert_eq!(listed.len(), before.len() + missed.len() + next.len());
}

#[tokio::test]
async fn a_reader_that_returns_after_a_kill_gets_what_it_missed_from_sqlite() {
    what_was_missed_comes_once_and_in_order(Kept::Sqlite, Door::WebSocket).await;
    what_was_missed_comes_once_and_in_order(Kept::Sqlite, Door::Sse).await;
}

#[tokio::test]
async fn a_reader_that_returns_after_a_kill_gets_what_it_missed_from_redis() {
    what_was_missed_comes_once_and_in_order(Kept::Redis, Door::WebSocket).await;
    what_was_missed_comes_once_and_in_order(Kept::Redis, Door::Sse).await;
}

#[tokio::test]
async fn a_poll_after_a_kill_gets_what_was_missed() {
    for kept in [Kept::Sqlite, Kept::Redis] {
        let server = Server::start(kept).await;
        published(&server, 2).await;
        let page = server.read(&format!("/v1/feeds/{FEED}/items")).await;
        let missed = published(&server, 3).await;
        server.kill();
        server.up().await;
        let after = page["position"].as_str().expect("a position");
        let polled = server.read(&format!("/v1/feeds/{FEED}/changes?after={after}")).await;
        assert_eq!(ids(polled["changes"].as_array().expect("changes")), missed);
        assert_eq!(polled["more"], false);
    }
}

#[tokio::test]
async fn a_stop_tells_each_reader_to_come_back_and_exits_with_0() {
    let server = Server::start(Kept::Sqlite).await;
    published(&server, 1).await;
    let mut web_socket = Stream::open(&server, Door::WebSocket, "").await;
    let mut events = Stream::open(&server, Door::Sse, "").await;
    web_socket.until("caughtUp").await;
    events.until("caughtUp").await;
    let stopping = server.stop();
    let told = async {
        for (stream, code) in [(&mut web_socket, Some(1012)), (&mut events, None)] {
            let bye = stream.until("bye").await;
            assert_eq!(bye["reason"], "draining");
            assert!((500..=4_000).contains(&bye["retryMs"].as_u64().expect("a pause")), "{bye}");
            match stream.next().await {
                Said::End(frame) => assert_eq!(frame.map(|frame| u16::from(frame.code)), code),
                Said::Message(message) => panic!("nothing comes after bye: {message}"),
            }
        }
    };
    let (status, ()) = tokio::join!(stopping, told);
    assert_eq!(status.code(), Some(0));
}
