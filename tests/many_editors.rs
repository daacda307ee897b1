//! Editors do not wait for each other: a commit that the store holds up delays those to its own feed and no others, and on
//! Redis commits share a connection without taking turns on it.

mod support;

use std::sync::Arc;

use futures_util::future::join_all;
use newswire::store::{Scope, SharedStore, Token, redis::Redis, token::Secret};
use reqwest::Response;
use serde_json::json;
use support::{
    PATIENCE,
    newsroom::Newsroom,
    node::Node,
    proxy::{Order, Proxy},
    redis::RedisServer,
    stream::{Door, Stream},
};

const FEEDS: usize = 20;
const EDITORS: usize = 10;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_that_the_store_holds_up_keeps_no_other_feed_waiting() {
    let node = Node::start(4).await;
    let store: SharedStore = node.store.clone();
    let secret = Secret::random();
    let token = Token {
        name: "desk".to_owned(),
        hash: secret.hash(),
        scopes: vec![Scope::Publish],
        feeds: Vec::new(),
        created: store.now(),
        expires: None,
        revoked: None,
        last_used: None,
    };
    assert!(store.create_token(token).await.expect("the store answers"));
    let mut feeds = Vec::new();
    for number in 0..FEEDS {
        feeds.push(Newsroom::open(&store, &format!("feed-{number}")).await.feed);
    }
    let client = reqwest::Client::builder().timeout(PATIENCE).build().expect("a client");
    let publish = async |feed, headline: &str| -> Response {
        let item = json!({"headline": headline});
        let sent =
            client.post(node.url(&format!("/v1/feeds/{feed}/items"))).bearer_auth(secret.reveal()).json(&item).send();
        sent.await.expect("the node answers")
    };
    let mut reader = Stream::at(&node.live(""), Door::WebSocket).await;
    reader.until("caughtUp").await;

    node.store.hold(Some(node.feed().clone()));
    let held = join_all((0..EDITORS).map(|_| publish(node.feed(), "Held up")));
    let others = async {
        node.store.held(EDITORS).await;
        let published = feeds.iter().flat_map(|feed| (0..EDITORS).map(|_| publish(feed, "On its way")));
        for answer in join_all(published).await {
            assert_eq!(answer.status(), 201);
        }
        node.store.held(EDITORS).await;
        node.store.hold(None);
    };
    let (held, ()) = tokio::join!(held, others);
    for answer in held {
        assert_eq!(answer.status(), 201);
        reader.until("item.published").await;
    }
    assert!(node.drain().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_redis_two_commits_are_under_way_at_once_on_one_connection() {
    let redis = RedisServer::start();
    let proxy = Proxy::before(redis.port()).await;
    let settings = proxy.url().parse().expect("an address");
    let store: SharedStore = Arc::new(Redis::open(&settings).await.expect("the store opens"));
    let (one, two) = (Newsroom::open(&store, "desk-one").await, Newsroom::open(&store, "desk-two").await);
    // One that finds its connection silent for a moment asks for a sign of life first, and that takes its turn.
    for _ in 0..20 {
        proxy.order("desk-one", Order::Gather("desk-two"));
        tokio::join!(one.publish("The one"), two.publish("The other"));
        if proxy.carried_out() > 0 {
            return;
        }
    }
    panic!("the second commit was never sent before the first was answered");
}
