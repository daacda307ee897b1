//! A Redis that stops answering: readers stay and are told `stale`, nobody new is served from memory, editors are told
//! to try again, and when it is back everybody goes on, without anything that was taken away meanwhile.

mod support;

use reqwest::Method;
use serde_json::json;
use support::{
    server::{FEED, Kept, Server},
    stream::{Door, Said, Stream},
};
use tokio_tungstenite::{connect_async, tungstenite::client::IntoClientRequest as _};

async fn a_store_that_is_away(take: impl Fn(&Server), give_back: impl Fn(&Server)) {
    let server = Server::start(Kept::Redis).await;
    let other = server.beside().await;
    let item = server.publish(&json!({"headline": "Before"})).await;
    let before = item["position"].as_str().expect("a position").to_owned();
    server.beside_it(&["feed", "create", "asleep", "--title", "Nobody reads it"]);
    let mut readers = Vec::new();
    for door in [Door::WebSocket, Door::Sse] {
        let mut reader = Stream::open(&server, door, "").await;
        reader.until("caughtUp").await;
        readers.push(reader);
    }

    // A feed for other software is kept once it was asked for.
    let feed = format!("/feeds/{FEED}/feed.atom");
    assert_eq!(server.get(&feed).await.expect("the server answers").status(), 200);

    take(&server);
    for reader in &mut readers {
        let stale = reader.until("stale").await;
        assert!(stale["since"].is_string(), "{stale}");
    }
    // Nobody new is served from memory, whichever door and position.
    for door in [Door::WebSocket, Door::Sse] {
        for query in ["", &format!("after={before}")] {
            let mut reader = Stream::open(&server, door, query).await;
            let bye = reader.next().await.message();
            assert_eq!((&bye["type"], &bye["reason"]), (&json!("bye"), &json!("storeAway")), "{query}");
            assert!(matches!(reader.next().await, Said::End(_)));
        }
    }
    // Several feeds on one connection are told the same, also of one that slept.
    for feed in [FEED, "asleep"] {
        let mut reader = Stream::at(&server.url(&format!("/v1/live?feed={feed}")), Door::WebSocket).await;
        let bye = reader.next().await.message();
        assert_eq!((&bye["type"], &bye["reason"]), (&json!("bye"), &json!("storeAway")), "{feed}");
    }
    let paths = [
        format!("/v1/feeds/{FEED}/changes?after={before}"),
        format!("/v1/feeds/{FEED}/items"),
        "/readyz".to_owned(),
        feed,
    ];
    for path in paths {
        let answer = server.get(&path).await.expect("the server answers");
        assert_eq!(answer.status(), 503, "{path}");
    }
    let refused =
        server.edit(Method::POST, "items").json(&json!({"headline": "During"})).send().await.expect("an answer");
    assert_eq!(refused.status(), 503);
    assert!(refused.headers().contains_key("retry-after"));
    assert_eq!(server.get("/healthz").await.expect("an answer").status(), 200);

    give_back(&server);
    support::until("both nodes are ready again", async || {
        let ready = async |node: &Server| node.get("/readyz").await.is_ok_and(|answer| answer.status() == 200);
        ready(&server).await && ready(&other).await
    })
    .await;
    // The readers that stayed go on.
    let after = other.publish(&json!({"headline": "After"})).await;
    for reader in &mut readers {
        assert_eq!(reader.until("item.published").await["item"]["id"], after["item"]["id"]);
    }
}

#[tokio::test]
async fn readers_stay_while_redis_is_paused_and_go_on_when_it_is_back() {
    a_store_that_is_away(|server| server.redis().pause(), |server| server.redis().resume()).await;
}

#[tokio::test]
async fn readers_stay_while_redis_is_stopped_and_go_on_when_it_is_back() {
    a_store_that_is_away(|server| server.redis().kill(), |server| server.redis().up()).await;
}

#[tokio::test]
async fn a_private_feed_whose_tokens_cannot_be_asked_for_is_no_error_to_its_streams() {
    let server = Server::start(Kept::Redis).await;
    server.beside_it(&["feed", "set", FEED, "--access", "token"]);
    let private = async || server.get(&format!("/v1/feeds/{FEED}")).await.is_ok_and(|answer| answer.status() == 401);
    support::until("the feed is private", private).await;
    let (other, token) = (server.token(&["--can", "read"]), server.token(&["--can", "read"]));
    let open = async |token: &str| {
        let request = server.client.get(server.url(&format!("/v1/feeds/{FEED}/live"))).bearer_auth(token);
        request.send().await.expect("the server answers")
    };
    // The feed is awake, nobody has shown the token here yet, and this node does not know yet that its store is away.
    let there = open(&other).await;
    assert_eq!(there.status(), 200);
    server.redis().pause();
    let socket = async |path: &str| {
        let url = server.url(path).replace("http:", "ws:");
        let mut request = url.into_client_request().expect("a request");
        request.headers_mut().insert("authorization", format!("Bearer {token}").parse().expect("text"));
        let (socket, _) = connect_async(request).await.expect("the server takes readers");
        Stream::WebSocket(Box::new(socket)).next().await.message()
    };
    let one = format!("/v1/feeds/{FEED}/live");
    let several = format!("/v1/live?feed={FEED}");
    let (events, one, several) = tokio::join!(open(&token), socket(&one), socket(&several));
    assert_eq!(events.status(), 200);
    let events = events.text().await.expect("a stream that ends");
    assert!(events.contains("retry: ") && events.contains("\"reason\":\"storeAway\""), "{events}");
    assert_eq!((&one["reason"], &several["reason"]), (&json!("storeAway"), &json!("storeAway")));
    server.redis().resume();
    drop(there);
}

#[tokio::test]
async fn a_feed_that_could_not_wake_wakes_for_the_next_reader() {
    let server = Server::start(Kept::Redis).await;
    // Nobody has read the feed here yet, and this node does not know yet that its store is away.
    server.redis().pause();
    let (mut one, mut two) =
        tokio::join!(Stream::open(&server, Door::Sse, "after=0"), Stream::open(&server, Door::WebSocket, "after=0"));
    for reader in [&mut one, &mut two] {
        assert_eq!(reader.next().await.message()["reason"], "storeAway");
    }
    server.redis().resume();
    support::until("the server is ready", async || server.get("/readyz").await.is_ok_and(|a| a.status() == 200)).await;
    let mut reader = Stream::open(&server, Door::Sse, "after=0").await;
    reader.until("caughtUp").await;
    let made = server.publish(&json!({"headline": "A"})).await;
    assert_eq!(made["readers"], 1);
    assert_eq!(reader.until("item.published").await["position"], made["position"]);
}

#[tokio::test]
async fn what_another_node_retracts_while_this_one_is_cut_off_is_not_shown_afterwards() {
    const SECRET: &str = "zanzibar-quicksilver";
    let server = Server::start(Kept::Redis).await;
    let other = server.beside().await;
    let item = server.publish(&json!({"headline": SECRET})).await;
    let id = item["item"]["id"].as_str().expect("an id");
    let mut reader = Stream::open(&server, Door::WebSocket, "").await;
    reader.until("caughtUp").await;
    // The first node sleeps as a whole, as one does that is cut off, while the other retracts.
    server.pause();
    other.act(id, "retract", &json!({"reason": "It was not so."})).await;
    tokio::time::timeout(std::time::Duration::from_secs(6), std::future::pending::<()>()).await.ok();
    server.resume();
    for door in [Door::WebSocket, Door::Sse] {
        let mut reader = Stream::open(&server, door, "").await;
        loop {
            match reader.next().await {
                Said::Message(message) => {
                    assert!(!message.to_string().contains(SECRET), "{message}");
                    if message["type"] == "caughtUp" {
                        break;
                    }
                }
                // Not current yet, and says so: come back.
                Said::End(_) => reader = Stream::open(&server, door, "").await,
            }
        }
    }
    assert_eq!(reader.until("item.retracted").await["item"]["id"], id);
}
