//! A private feed is read with a token alone, through every door; and who loses the right to read is told to leave
//! within a second, before anything more is sent.

mod support;

use std::{collections::BTreeMap, sync::Arc};

use newswire::{
    live::right::{Right, Rights},
    store::{
        Scope, SharedStore, Token,
        sqlite::{Role, Sqlite},
        token::Secret,
    },
};
use serde_json::{Value, json};
use support::{
    server::{FEED, Kept, Server},
    stream::{Door, Said, Stream},
    watched::Watched,
};
use tokio_tungstenite::{
    connect_async,
    tungstenite::{client::IntoClientRequest as _, protocol::CloseFrame},
};

/// A server whose feed needs a token, and a token that may read it.
async fn private(kept: Kept) -> (Server, String) {
    let server = Server::start(kept).await;
    server.beside_it(&["feed", "set", FEED, "--access", "token"]);
    let closed = async || server.get(&format!("/v1/feeds/{FEED}")).await.is_ok_and(|answer| answer.status() == 401);
    support::until("the feed is private", closed).await;
    let token = server.token(&["--can", "read"]);
    (server, token)
}

async fn ticket(server: &Server, token: &str) -> Value {
    let url = server.url(&format!("/v1/feeds/{FEED}/tickets"));
    let answer = server.client.post(url).bearer_auth(token).send().await.expect("the server answers");
    assert_eq!(
        (answer.status().as_u16(), &answer.headers()["cache-control"]),
        (201, &"no-store".parse().expect("text"))
    );
    answer.json().await.expect("JSON")
}

/// The bye, and the close frame after it.
async fn bye(reader: &mut Stream) -> (Value, Option<CloseFrame>) {
    let bye = reader.until("bye").await;
    match reader.next().await {
        Said::End(frame) => (bye, frame),
        Said::Message(message) => panic!("after bye: {message}"),
    }
}

#[tokio::test]
async fn a_private_feed_is_read_by_token_subprotocol_and_ticket_and_not_without() {
    let (server, token) = private(Kept::Sqlite).await;
    server.publish(&json!({"headline": "For subscribers"})).await;
    for path in ["", "/live", "/items", "/changes?after=0"] {
        let answer = server.get(&format!("/v1/feeds/{FEED}{path}")).await.expect("the server answers");
        let (status, body) = (answer.status().as_u16(), answer.text().await.expect("a body"));
        assert!(status == 401 && !body.contains("subscribers"), "{path}: {status} {body}");
        let url = server.url(&format!("/v1/feeds/{FEED}{path}"));
        let with = server.client.get(url).bearer_auth(&token).send().await.expect("the server answers");
        assert_eq!(with.status(), 200, "{path}");
        let caching = with.headers()["cache-control"].to_str().expect("text");
        assert!(caching.contains("private") || caching.contains("no-store"), "{path}: {caching}");
    }
    let listed = server.read("/v1/feeds").await;
    assert_eq!(listed["feeds"], json!([]));

    // A browser's WebSocket: the answer names a subprotocol that was offered, and not the token where it can.
    for (offered, answered) in [
        (format!("newswire.v1, newswire.token.{token}"), "newswire.v1".to_owned()),
        (format!("newswire.token.{token}"), format!("newswire.token.{token}")),
    ] {
        let url = server.url(&format!("/v1/feeds/{FEED}/live")).replace("http:", "ws:");
        let mut request = url.into_client_request().expect("a request");
        request.headers_mut().insert("sec-websocket-protocol", offered.parse().expect("text"));
        let (socket, response) = connect_async(request).await.expect("the token lets it in");
        assert_eq!(response.headers()["sec-websocket-protocol"], answered.as_str());
        let mut reader = Stream::WebSocket(Box::new(socket));
        assert_eq!(reader.until("snapshot").await["items"][0]["headline"], "For subscribers");
    }

    let given = ticket(&server, &token).await;
    let query = format!("ticket={}", given["ticket"].as_str().expect("a ticket"));
    let mut reader = Stream::open(&server, Door::Sse, &query).await;
    assert_eq!(reader.until("snapshot").await["items"][0]["headline"], "For subscribers");
    let polled = server.read(&format!("/v1/feeds/{FEED}/changes?after=0&{query}")).await;
    // The item, and the newest change of the feed itself.
    assert_eq!(polled["changes"].as_array().map(Vec::len), Some(2));
}

#[tokio::test]
async fn a_ticket_opens_every_node_also_after_the_store_was_flushed() {
    let (one, token) = private(Kept::Redis).await;
    let other = one.beside().await;
    let opens = async |on: &Server, given: &Value| {
        let query = format!("ticket={}", given["ticket"].as_str().expect("a ticket"));
        Stream::open(on, Door::Sse, &query).await.next().await.message()["type"] == "hello"
    };
    assert!(opens(&other, &ticket(&one, &token).await).await);
    one.redis().command(&["FLUSHALL"]);
    one.beside_it(&["feed", "create", FEED, "--title", "Anew", "--access", "token"]);
    let token = one.token(&["--can", "read"]);
    // A third, which never knew the key that is lost, makes another one.
    let third = one.beside().await;
    support::until("all of them use the new key", async || {
        let (from_one, from_third) = (ticket(&one, &token).await, ticket(&third, &token).await);
        opens(&third, &from_one).await && opens(&one, &from_third).await && opens(&other, &from_third).await
    })
    .await;
}

#[tokio::test]
async fn a_ticket_that_is_over_or_made_up_is_told_so() {
    let (server, token) = private(Kept::Sqlite).await;
    let given = ticket(&server, &token).await;
    let good = given["ticket"].as_str().expect("a ticket");
    // A later end, under the old signature.
    let (expires, rest) = good.split_once('.').expect("its end");
    let later = format!("{}.{rest}", expires.parse::<i64>().expect("a number") + 60_000);
    for bad in ["x", "1.2.3", later.as_str(), &format!("0.{rest}")] {
        for door in [Door::WebSocket, Door::Sse] {
            let mut reader = Stream::open(&server, door, &format!("ticket={bad}")).await;
            let (bye, frame) = bye(&mut reader).await;
            assert_eq!(bye["reason"], "ticket", "{bad}");
            assert_eq!(frame.map(|frame| u16::from(frame.code)), (door == Door::WebSocket).then_some(1008));
        }
        let path = format!("/v1/feeds/{FEED}/changes?after=0&ticket={bad}");
        assert_eq!(server.get(&path).await.expect("the server answers").status(), 401);
    }
}

#[tokio::test]
async fn a_revoked_token_ends_its_open_readers_on_every_node() {
    let (one, token) = private(Kept::Redis).await;
    let other = one.beside().await;
    let mut readers = Vec::new();
    for server in [&one, &other] {
        for door in [Door::WebSocket, Door::Sse] {
            let given = ticket(server, &token).await;
            let query = format!("ticket={}", given["ticket"].as_str().expect("a ticket"));
            let mut reader = Stream::open(server, door, &query).await;
            reader.until("caughtUp").await;
            readers.push((door, reader));
        }
    }
    let begun = tokio::time::Instant::now();
    one.beside_it(&["token", "revoke", "test-0"]);
    for (door, reader) in &mut readers {
        let (bye, frame) = bye(reader).await;
        assert_eq!(bye["reason"], "revoked");
        assert_eq!(frame.map(|frame| u16::from(frame.code)), (*door == Door::WebSocket).then_some(1008));
    }
    println!("all readers of a revoked token were told after {:?}, the command's own time included", begun.elapsed());
}

#[tokio::test]
async fn an_expired_token_ends_its_open_readers() {
    let (server, _) = private(Kept::Sqlite).await;
    let until = newswire::news::Moment::of_this_machine().plus(std::time::Duration::from_secs(3));
    let token = server.token(&["--can", "read", "--expires", &until.to_string()]);
    let given = ticket(&server, &token).await;
    let query = format!("ticket={}", given["ticket"].as_str().expect("a ticket"));
    let mut reader = Stream::open(&server, Door::Sse, &query).await;
    reader.until("caughtUp").await;
    assert_eq!(reader.until("bye").await["reason"], "revoked");
    let late = newswire::news::Moment::of_this_machine().millis() - until.millis();
    assert!(late >= 0, "{late} ms before its end");
}

#[tokio::test]
async fn a_feed_that_turns_private_sends_its_anonymous_readers_away_before_anything_more() {
    let server = Server::start(Kept::Sqlite).await;
    let mut readers = Vec::new();
    for door in [Door::WebSocket, Door::Sse] {
        let mut reader = Stream::open(&server, door, "").await;
        reader.until("caughtUp").await;
        readers.push(reader);
    }
    server.beside_it(&["feed", "set", FEED, "--access", "token", "--title", "Subscribers only"]);
    for reader in &mut readers {
        let said = reader.next().await.message();
        assert_eq!((&said["type"], &said["reason"]), (&json!("bye"), &json!("revoked")), "{said}");
    }
}

#[tokio::test]
async fn when_a_token_was_last_used_is_known_after_the_server_has_stopped() {
    let (server, token) = private(Kept::Sqlite).await;
    assert!(
        !server.beside_it(&["token", "list"]).lines().any(|line| line.starts_with("test-0") && line.contains("used"))
    );
    ticket(&server, &token).await;
    server.stop().await;
    let list = server.beside_it(&["token", "list"]);
    assert!(list.lines().any(|line| line.starts_with("test-0") && line.contains("last used")), "{list}");
}

#[tokio::test]
async fn who_comes_with_a_token_has_the_store_asked_for_that_one_and_a_revocation_for_all() {
    const HELD: usize = 50;
    let dir = tempfile::tempdir().expect("a temporary directory");
    let watched = Arc::new(Watched::new(Arc::new(Sqlite::open(dir.path(), Role::Server).expect("the store opens"))));
    let store: SharedStore = watched.clone();
    let rights = Rights::default();
    let come = async |name: String| {
        let token = Token {
            name,
            hash: Secret::random().hash(),
            scopes: vec![Scope::Read],
            feeds: Vec::new(),
            created: store.now(),
            expires: None,
            revoked: None,
            last_used: None,
        };
        assert!(store.create_token(token.clone()).await.expect("the store answers"));
        token
    };
    let mut tokens = Vec::new();
    for number in 0..=HELD {
        tokens.push(come(format!("reader-{number}")).await);
    }
    // Whether somebody lost the right, and how many tokens were read for it.
    let look = async || {
        watched.reads();
        let any = rights.look(&store).await.expect("the store answers");
        (any, watched.reads())
    };
    let read = |times| if times == 0 { BTreeMap::new() } else { BTreeMap::from([("token", times)]) };
    assert_eq!(look().await, (false, read(0)), "nobody holds one");
    let mut held: Vec<Right> = tokens[..HELD].iter().map(|token| rights.of(token)).collect();
    assert_eq!(look().await, (false, read(HELD)));
    assert_eq!(look().await, (false, read(0)), "nothing has changed");
    held.push(rights.of(&tokens[HELD]));
    let same = rights.of(&tokens[0]);
    assert_eq!(look().await, (false, read(1)), "one more has come, and one with a token that is held");
    assert!(store.revoke_token("reader-7").await.expect("the store answers"));
    assert_eq!(look().await, (true, read(HELD + 1)));
    let lost: Vec<usize> = (0..=HELD).filter(|number| held[*number].is_lost(false, store.now())).collect();
    assert_eq!((lost, same.is_lost(false, store.now())), (vec![7], false));

    // It may have been revoked between the request that showed it and the reader's coming.
    drop(held.pop());
    assert!(store.revoke_token(&format!("reader-{HELD}")).await.expect("the store answers"));
    assert_eq!(look().await, (false, read(HELD)));
    let late = rights.of(&tokens[HELD]);
    assert_eq!(look().await, (true, read(1)));
    assert!(late.is_lost(false, store.now()));
}
