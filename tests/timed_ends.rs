//! Breaking news and pins end by themselves: each end is a change that readers are shown, happens once however many
//! nodes there are, and comes late but comes where no node ran at the time.

mod support;

use std::{collections::BTreeMap, time::Duration};

use newswire::news::Moment;
use serde_json::{Value, json};
use support::{
    server::{FEED, Kept, Server},
    stream::{Door, Held, Stream},
};

fn soon(pause: Duration) -> String {
    Moment::of_this_machine().plus(pause).to_string()
}

fn id(answer: &Value) -> String {
    answer["item"]["id"].as_str().expect("an id").to_owned()
}

async fn versions(server: &Server, id: &str) -> u64 {
    let answer = server.edit(reqwest::Method::GET, &format!("items/{id}")).send().await.expect("the server answers");
    let item: Value = answer.json().await.expect("JSON");
    item["version"].as_u64().expect("a version")
}

#[tokio::test]
async fn what_ends_by_itself_is_a_change_that_readers_see() {
    let server = Server::start(Kept::Sqlite).await;
    let mut reader = Stream::open(&server, Door::Sse, "").await;
    reader.until("caughtUp").await;
    let until = soon(Duration::from_millis(800));
    let item = server.publish(&json!({"headline": "Now", "breaking": {"until": until}})).await;
    server.act(&id(&item), "pin", &json!({"position": 2, "until": until})).await;
    let mut ends = BTreeMap::new();
    while ends.len() < 2 {
        let message = reader.next().await.message();
        let kind = message["type"].as_str().expect("a type").to_owned();
        if ["item.breakingEnded", "item.unpinned"].contains(&kind.as_str()) {
            let at: Moment = message["at"].as_str().expect("a time").parse().expect("RFC 3339");
            assert!(at >= until.parse().expect("RFC 3339"), "{kind} not before its time");
            ends.insert(kind, message["item"].clone());
        }
    }
    let last = server.read(&format!("/v1/feeds/{FEED}/items/{}", id(&item))).await;
    assert_eq!((last["version"].as_u64(), last.get("breaking"), last.get("pinned")), (Some(4), None, None));
    assert_eq!(last["updated"], item["item"]["updated"], "the story reads as it did");
}

#[tokio::test]
async fn a_server_that_was_down_ends_it_at_its_start() {
    for kept in [Kept::Sqlite, Kept::Redis] {
        let server = Server::start(kept).await;
        let until = Duration::from_millis(1_500);
        let item = server.publish(&json!({"headline": "Now", "breaking": {"until": soon(until)}})).await;
        server.kill();
        let begun = tokio::time::Instant::now();
        support::until("its time has come", async || begun.elapsed() > until).await;
        server.up().await;
        let position = item["position"].as_str().expect("a position");
        let mut reader = Stream::open(&server, Door::WebSocket, &format!("after={position}")).await;
        let ended = reader.until("item.breakingEnded").await;
        assert_eq!((&ended["item"]["id"], ended["item"].get("breaking")), (&item["item"]["id"], None), "{kept:?}");
    }
}

#[tokio::test]
async fn an_end_that_an_editor_moves_comes_at_its_new_time_alone() {
    let server = Server::start(Kept::Sqlite).await;
    let item = server.publish(&json!({"headline": "Now", "breaking": {"until": soon(Duration::from_secs(1))}})).await;
    let later = soon(Duration::from_secs(2));
    let etag = item["etag"].as_str().expect("an ETag");
    server.patch(&id(&item), etag, &json!({"breaking": {"until": later}})).await;
    let mut reader = Stream::open(&server, Door::Sse, "after=0").await;
    let ended = reader.until("item.breakingEnded").await;
    let at: Moment = ended["at"].as_str().expect("a time").parse().expect("RFC 3339");
    assert!(at >= later.parse().expect("RFC 3339"), "{at} is after {later}");
    assert_eq!(ended["item"]["version"], 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_end_happens_once_on_two_nodes_under_load() {
    const ITEMS: usize = 60;
    let one = Server::start(Kept::Redis).await;
    let other = one.beside().await;
    let until = soon(Duration::from_secs(2));
    let mut items = Vec::new();
    for n in 0..ITEMS {
        let node = if n % 2 == 0 { &one } else { &other };
        items.push(node.publish(&json!({"headline": format!("Item {n}"), "breaking": {"until": until}})).await);
    }
    let mut reader = Stream::open(&one, Door::WebSocket, "after=0").await;
    let mut held = Held::default();
    let mut ended = BTreeMap::<String, usize>::new();
    // Editors go on meanwhile, in the very items that end.
    let load = async {
        for (n, item) in items.iter().enumerate() {
            let path = format!("items/{}", id(item));
            let edit = other.edit(reqwest::Method::PATCH, &path).header("If-Match", "*");
            let answer = edit.json(&json!({"headline": format!("Item {n}, edited")})).send().await;
            assert_eq!(answer.expect("the server answers").status(), 200);
        }
    };
    let read = async {
        // Published, edited, ended: whichever of the two came last is what a late reader is shown.
        while held.items.len() < ITEMS || held.items.values().any(|item| item["version"] != 3) {
            let message = reader.next().await.message();
            held.apply(&message);
            if message["type"] == "item.breakingEnded" {
                *ended.entry(message["item"]["id"].as_str().expect("an id").to_owned()).or_default() += 1;
            }
        }
    };
    tokio::join!(load, read);
    assert!(ended.values().all(|times| *times == 1), "{ended:?}");
    // A second end would be a fourth version.
    for item in &items {
        assert_eq!(versions(&one, &id(item)).await, 3);
    }
    println!("{ITEMS} ends on two nodes, each once; {} seen as such", ended.len());
}
