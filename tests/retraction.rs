//! What is retracted, withheld or removed is gone at every public door at once, searched for as bytes in everything
//! the doors send; what is removed is gone from the store's files too.

mod support;

use serde_json::json;
use support::{
    server::{FEED, Kept, Server},
    stream::{Door, Stream},
};

/// Words that nothing else holds.
const SECRET: &str = "zanzibar-quicksilver";

/// Everything that the public doors send to somebody who comes now, from every position there is.
async fn all_that_is_public(server: &Server, positions: &[String]) -> String {
    let feed = format!("/v1/feeds/{FEED}");
    let mut paths = vec!["/v1/feeds".to_owned(), feed.clone(), format!("{feed}/items"), "/".to_owned()];
    paths.extend(
        server.items().await.iter().map(|item| format!("{feed}/items/{}", item["id"].as_str().expect("an id"))),
    );
    paths.extend(positions.iter().map(|position| format!("{feed}/changes?after={position}&limit=200")));
    let mut said = String::new();
    for path in paths {
        said += &server.get(&path).await.expect("the server answers").text().await.expect("a body");
    }
    for door in [Door::WebSocket, Door::Sse] {
        for query in positions.iter().map(|position| format!("after={position}")).chain(["last=10".to_owned()]) {
            let mut stream = Stream::open(server, door, &query).await;
            said += &serde_json::to_string(&stream.up_to("caughtUp").await).expect("JSON");
        }
    }
    said
}

async fn is_gone_at_once(kept: Kept) {
    let server = Server::start(kept).await;
    let mut positions = vec!["0".to_owned()];
    let mut victims = Vec::new();
    for verb in ["retract", "withhold", "remove"] {
        let item = json!({
            "headline": format!("{SECRET} by {verb}"),
            "body": format!("<p>{SECRET}</p>"),
            "tags": [SECRET],
            "altIds": [{"role": "wire", "value": format!("{SECRET}-{verb}")}],
            "media": [{"kind": "picture", "href": "https://example.org/a.jpg", "alt": SECRET, "width": 4, "height": 3}],
        });
        let answer = server.publish(&item).await;
        positions.push(answer["position"].as_str().expect("a position").to_owned());
        let id = answer["item"]["id"].as_str().expect("an id").to_owned();
        let etag = answer["etag"].as_str().expect("an ETag").to_owned();
        let answer = server.patch(&id, &etag, &json!({"located": SECRET})).await;
        positions.push(answer["position"].as_str().expect("a position").to_owned());
        victims.push((verb, id));
    }
    // Somebody reads, so that windows and snapshots hold the text in every form.
    assert!(all_that_is_public(&server, &positions).await.contains(SECRET), "the search finds what is there");

    for (verb, id) in &victims {
        let body = if *verb == "retract" { json!({"reason": "It was not so."}) } else { json!({}) };
        let answer = server.act(id, verb, &body).await;
        assert_eq!(answer.get("remains"), None, "{answer}");
        positions.push(answer["position"].as_str().expect("a position").to_owned());
    }
    let said = all_that_is_public(&server, &positions).await;
    assert!(!said.contains(SECRET), "found in {said}");
    for (_, id) in &victims {
        let item =
            server.get(&format!("/v1/feeds/{FEED}/items/{id}")).await.expect("an answer").text().await.expect("a body");
        assert!(item.contains(id) && !item.contains(SECRET), "{item}");
    }

    // The newsroom still has what was retracted and what is held back, and gets the latter back.
    let (_, withheld) = &victims[1];
    server.act(withheld, "release", &json!({})).await;
    assert!(all_that_is_public(&server, &positions).await.contains(SECRET));
}

#[tokio::test]
async fn what_is_taken_away_is_found_at_no_public_door_on_sqlite() {
    is_gone_at_once(Kept::Sqlite).await;
}

#[tokio::test]
async fn what_is_taken_away_is_found_at_no_public_door_on_redis() {
    is_gone_at_once(Kept::Redis).await;
}

async fn leaves_the_files(kept: Kept) {
    let server = Server::start(kept).await;
    let key = format!("key-{}", std::process::id());
    let item = json!({"headline": SECRET, "body": format!("<p>{SECRET}</p>"), "tags": [SECRET]});
    let sent = server.edit(reqwest::Method::POST, "items").header("Idempotency-Key", &key).json(&item).send().await;
    let answer = support::server::accepted(sent).await;
    let (id, etag) = (answer["item"]["id"].as_str().expect("an id"), answer["etag"].as_str().expect("an ETag"));
    server.patch(id, etag, &json!({"headline": format!("{SECRET} again")})).await;
    server.publish(&json!({"headline": "Something else"})).await;
    assert!(support::holds(server.files(), SECRET.as_bytes()), "the search finds what is there");
    let removed = server.act(id, "remove", &json!({})).await;
    assert_eq!(removed.get("remains"), None, "{removed}");
    // Redis rewrites its file beside its work, so that it takes a moment.
    support::until("the text has left the files", async || !support::holds(server.files(), SECRET.as_bytes())).await;
    // The key still stands for the item, which no longer has any text.
    let sent = server.edit(reqwest::Method::POST, "items").header("Idempotency-Key", &key).json(&item).send().await;
    let again = support::server::accepted(sent).await;
    assert_eq!((&again["item"]["id"], &again["item"]["status"]), (&json!(id), &json!("removed")));
    assert!(!again.to_string().contains(SECRET), "{again}");
}

#[tokio::test]
async fn what_is_removed_leaves_the_files_of_sqlite() {
    leaves_the_files(Kept::Sqlite).await;
}

#[tokio::test]
async fn what_is_removed_leaves_the_files_of_redis() {
    leaves_the_files(Kept::Redis).await;
}
