//! What is retracted, withheld or removed is gone at every public door at once, searched for as bytes in everything
//! the doors send; what is removed is gone from the store's files too.

mod support;

use serde_json::json;
use support::{
    server::{FEED, Kept, Server},
    stream::{Door, Stream},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpSocket, TcpStream},
};

/// Words that nothing else holds.
const SECRET: &str = "zanzibar-quicksilver";

/// What is answered there, which no cache may keep for more than five seconds without asking again: with the five for which
/// a server may go on that lost its store, ten.
async fn text(server: &Server, path: &str) -> String {
    let answer = server.get(path).await.expect("the server answers");
    let said = answer.headers().get("cache-control").unwrap_or_else(|| panic!("{path} says nothing to caches"));
    let said = said.to_str().expect("text").to_owned();
    let asked_again = said.split(", ").any(|one| ["no-store", "no-cache"].contains(&one));
    let kept = said.split(", ").find_map(|one| one.strip_prefix("s-maxage=")?.parse().ok()).unwrap_or(u32::MAX);
    let soon = kept <= 5 && said.contains("max-age=0") && said.contains("must-revalidate");
    assert!(asked_again || soon && !said.contains("stale"), "{path}: {said}");
    answer.text().await.expect("a body")
}

/// Everything that the public doors send to somebody who comes now, from every position there is.
async fn all_that_is_public(server: &Server, positions: &[String]) -> String {
    let feed = format!("/v1/feeds/{FEED}");
    let mut paths = vec!["/v1/feeds".to_owned(), feed.clone(), format!("{feed}/items"), "/".to_owned()];
    paths.extend(
        server.items().await.iter().map(|item| format!("{feed}/items/{}", item["id"].as_str().expect("an id"))),
    );
    paths.extend(
        server.items().await.iter().map(|item| format!("/feeds/{FEED}/items/{}", item["id"].as_str().expect("an id"))),
    );
    for query in ["".to_owned(), "?tag=marked".to_owned(), "?urgency=5".to_owned()] {
        paths.extend(["feed.atom", "feed.rss", "feed.json"].map(|file| format!("/feeds/{FEED}/{file}{query}")));
        paths.extend([
            format!("/feeds/{FEED}{query}"),
            format!("/embed/{FEED}{query}"),
            format!("{feed}/items{query}"),
        ]);
    }
    paths.extend(positions.iter().map(|position| format!("{feed}/changes?after={position}&limit=200")));
    let mut said = String::new();
    for path in paths {
        said += &text(server, &path).await;
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
            "tags": [SECRET, "marked"],
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
        let item = text(&server, &format!("/v1/feeds/{FEED}/items/{id}")).await;
        assert!(item.contains(id) && !item.contains(SECRET), "{item}");
        let page = text(&server, &format!("/feeds/{FEED}/items/{id}")).await;
        assert!(!page.contains(SECRET), "{page}");
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

#[tokio::test]
async fn a_reader_that_is_slow_to_take_a_snapshot_is_not_sent_what_was_taken_away_meanwhile() {
    let server = Server::start(Kept::Sqlite).await;
    let words = "Much is known. ".repeat(1_200);
    let mut ids = Vec::new();
    for n in 0..100 {
        let text = if n == 0 { format!("{SECRET} {words}") } else { words.clone() };
        let made = server.publish(&json!({"headline": format!("Item {n}"), "body": format!("<p>{text}</p>")})).await;
        ids.push(made["item"]["id"].as_str().expect("an id").to_owned());
    }
    // It has the newest items and then takes nothing; the first item is on the last page.
    let slow = TcpSocket::new_v4().expect("a socket");
    slow.set_recv_buffer_size(4 * 1024).expect("a small buffer");
    let address = format!("127.0.0.1:{}", server.port()).parse().expect("an address");
    let mut slow = slow.connect(address).await.expect("the server takes readers");
    let request = format!("GET /v1/feeds/{FEED}/live?last=500 HTTP/1.1\r\nHost: newswire\r\n\r\n");
    slow.write_all(request.as_bytes()).await.expect("the request is sent");
    let mut came = vec![0; 1_024];
    slow.read_exact(&mut came).await.expect("the first page begins");

    server.act(&ids[0], "retract", &json!({"reason": "It was not so."})).await;
    server.act(&ids[1], "withhold", &json!({})).await;
    let mut part = vec![0; 64 * 1024];
    let caught_up = b"\"caughtUp\"";
    while !came.windows(caught_up.len()).any(|bytes| bytes == caught_up) {
        let read = tokio::time::timeout(support::PATIENCE, slow.read(&mut part)).await;
        let read = read.expect("something comes").expect("the socket can be read");
        assert!(read > 0, "the stream ended");
        // What may lie across two reads is searched again, and no more than that.
        came.drain(..came.len().saturating_sub(64));
        came.extend_from_slice(&part[..read]);
        assert!(!came.windows(SECRET.len()).any(|bytes| bytes == SECRET.as_bytes()), "text that was retracted is sent");
    }
}

#[tokio::test]
async fn a_removal_is_finished_and_told_in_the_log_although_its_editor_hangs_up() {
    let server = Server::start(Kept::Sqlite).await;
    let mut ids = Vec::new();
    for n in 0..10 {
        let made = server.publish(&json!({"headline": format!("{SECRET} {n}")})).await;
        ids.push(made["item"]["id"].as_str().expect("an id").to_owned());
    }
    for id in &ids {
        let mut editor = TcpStream::connect(("127.0.0.1", server.port())).await.expect("a connection");
        let request = format!(
            "POST /v1/feeds/{FEED}/items/{id}/remove HTTP/1.1\r\nHost: newswire\r\nAuthorization: Bearer {}\r\n\
             Content-Length: 0\r\n\r\n",
            server.token
        );
        editor.write_all(request.as_bytes()).await.expect("the request is sent");
    }
    // A request may have been dropped before it was read; what was carried out was carried out whole.
    let left = server.items().await.len();
    support::until("what was removed is in the log", async || {
        server.log().matches("Remove").count() == ids.len() - server.items().await.len()
    })
    .await;
    for id in &ids {
        server.act(id, "remove", &json!({})).await;
    }
    assert!(left <= ids.len() && !support::holds(server.files(), SECRET.as_bytes()));
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
