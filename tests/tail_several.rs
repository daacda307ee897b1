//! `newswire tail` on several feeds at once, and with filters: one connection, a position of each feed.

mod support;

use serde_json::{Value, json};
use support::{
    program::{newswire, tell_to_end},
    server::{FEED, Kept, Server, accepted},
};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader, Lines},
    process::{Child, ChildStdout},
};

async fn publish(server: &Server, feed: &str, item: &Value) {
    let url = server.url(&format!("/v1/feeds/{feed}/items"));
    accepted(server.client.post(url).bearer_auth(&server.token).json(item).send().await).await;
}

fn tail(server: &Server, words: &[&str]) -> (Child, Lines<BufReader<ChildStdout>>) {
    let mut child = newswire(server, &[&["tail"], words].concat()).spawn().expect("newswire runs");
    let out = child.stdout.take().expect("piped");
    (child, BufReader::new(out).lines())
}

/// The next message that is about an item: its feed, type and headline.
async fn next(out: &mut Lines<BufReader<ChildStdout>>) -> (String, String, String) {
    loop {
        let line = tokio::time::timeout(support::PATIENCE, out.next_line()).await.expect("in time");
        let message: Value = serde_json::from_str(&line.expect("text").expect("it goes on")).expect("JSON");
        let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        if word(&message["type"]).starts_with("item.") {
            return (word(&message["feed"]), word(&message["type"]), word(&message["item"]["headline"]));
        }
    }
}

fn published(feed: &str, headline: &str) -> (String, String, String) {
    (feed.to_owned(), "item.published".to_owned(), headline.to_owned())
}

#[tokio::test]
async fn each_feed_goes_on_where_it_was_left() {
    let server = Server::start(Kept::Sqlite).await;
    server.beside_it(&["feed", "create", "sports", "--title", "Sports"]);
    let dir = tempfile::tempdir().expect("a directory");
    let state = dir.path().join("state").display().to_string();
    let words = ["--feed", FEED, "--feed", "sports", "--after", "0", "--state", &state];

    let (mut child, mut out) = tail(&server, &words);
    for (feed, headline) in [(FEED, "One"), ("sports", "Two"), (FEED, "Three")] {
        publish(&server, feed, &json!({"headline": headline})).await;
        assert_eq!(next(&mut out).await, published(feed, headline));
    }
    tell_to_end(&child);
    assert!(child.wait().await.expect("it ran").success());

    publish(&server, "sports", &json!({"headline": "Four"})).await;
    let (_child, mut out) = tail(&server, &words);
    assert_eq!(next(&mut out).await, published("sports", "Four"));
    publish(&server, FEED, &json!({"headline": "Five"})).await;
    assert_eq!(next(&mut out).await, published(FEED, "Five"));

    // A file of both feeds is not taken for that of one.
    let refused = newswire(&server, &["tail", "--feed", FEED, "--state", &state]).output().await.expect("it runs");
    assert_eq!(refused.status.code(), Some(2));
}

#[tokio::test]
async fn only_what_a_filter_wants_comes() {
    let server = Server::start(Kept::Sqlite).await;
    for words in [&["--feed", FEED][..], &["--feed", FEED, "--feed", "sports"]] {
        if words.len() > 2 {
            server.beside_it(&["feed", "create", "sports", "--title", "Sports"]);
        }
        let (_child, mut out) =
            tail(&server, &[words, &["--last", "1", "--urgency", "1..2", "--tag", "vote"]].concat());
        // The first page tells that it is connected.
        let first = tokio::time::timeout(support::PATIENCE, out.next_line()).await.expect("in time").expect("text");
        assert!(first.is_some_and(|line| line.contains("snapshot")));
        for (headline, urgency, tag) in [("Low", 5, "vote"), ("Other", 1, "rain"), ("Wanted", 2, "vote")] {
            publish(&server, FEED, &json!({"headline": headline, "urgency": urgency, "tags": [tag]})).await;
        }
        assert_eq!(next(&mut out).await, published(FEED, "Wanted"));
    }
}
