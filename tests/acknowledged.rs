//! What an editor is told of a write, where its answer is cut off or replicas are away: 503 and when to try again; and the
//! same request again comes to one change, which each reader sees once.

mod support;

use std::time::Duration;

use reqwest::{Method, Response};
use serde_json::{Value, json};
use support::{
    proxy::{Order, Proxy},
    redis::RedisServer,
    server::{Server, accepted},
    stream::{Door, Stream},
    until,
};
use tokio::time::Instant;

/// Publishes under a key.
async fn publish(node: &Server, key: &str) -> Response {
    let request = node.edit(Method::POST, "items").header("Idempotency-Key", key).json(&json!({"headline": key}));
    request.send().await.expect("the node answers")
}

/// An answer that says when to try again: its code.
async fn refused(answer: Response) -> String {
    assert_eq!(answer.status(), 503);
    assert!(answer.headers().contains_key("retry-after"));
    let problem: Value = answer.json().await.expect("a problem");
    problem["code"].as_str().expect("a code").to_owned()
}

/// The answer to a request that was carried out before.
async fn repeated(answer: Response) -> Value {
    assert_eq!(answer.status(), 201);
    assert_eq!(answer.headers()["idempotency-replayed"], "true");
    accepted(Ok(answer)).await
}

/// Publishes one more item, and sees that it is the next thing that a reader is told of.
async fn is_told_nothing_more(reader: &mut Stream, node: &Server) {
    let next = node.publish(&json!({"headline": "Next"})).await;
    loop {
        let message = reader.next().await.message();
        if message["type"] != "heartbeat" {
            assert_eq!((&message["type"], &message["position"]), (&json!("item.published"), &next["position"]));
            return;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_publish_whose_answer_was_cut_off_is_one_change_when_it_is_sent_again() {
    let redis = RedisServer::start();
    let proxy = Proxy::before(redis.port()).await;
    let node = Server::start_at(&[("--store", &proxy.url())], None).await;
    let other = Server::start_at(&[("--store", &redis.url())], Some(&node.token)).await;
    node.publish(&json!({"headline": "First"})).await;
    let mut reader = Stream::open(&other, Door::WebSocket, "").await;
    reader.until("caughtUp").await;

    proxy.order("item.published", Order::CutAnswer);
    assert_eq!(refused(publish(&node, "Once").await).await, "unavailable");
    assert_eq!(proxy.carried_out(), 1);
    assert_eq!(other.items().await.len(), 2, "it was committed all the same");

    // At the same node or at another one.
    let change = repeated(publish(&node, "Once").await).await;
    assert_eq!(repeated(publish(&other, "Once").await).await["position"], change["position"]);
    assert_eq!(other.items().await.len(), 2);
    assert_eq!(reader.until("item.published").await["position"], change["position"]);
    is_told_nothing_more(&mut reader, &node).await;
}

#[tokio::test]
async fn without_its_replica_a_publish_is_not_acknowledged_and_later_it_is_one_change() {
    let master = RedisServer::start();
    let replica = master.start_replica().await;
    let url = master.url();
    let options = [("--store", url.as_str()), ("--ack-replicas", "1")];
    let node = Server::start_at(&options, None).await;
    let other = Server::start_at(&options, Some(&node.token)).await;
    let first = node.publish(&json!({"headline": "First"})).await;
    let mut reader = Stream::open(&other, Door::Sse, "").await;
    reader.until("caughtUp").await;

    replica.pause();
    let began = Instant::now();
    let (one, two) = tokio::join!(publish(&node, "Once"), publish(&other, "Once"));
    assert_eq!((refused(one).await.as_str(), refused(two).await.as_str()), ("not_replicated", "not_replicated"));
    assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
    assert_eq!(refused(publish(&node, "Once").await).await, "not_replicated");
    // An edit that finds nothing left to do says no more of it than the one that did it.
    let id = first["item"]["id"].as_str().expect("an id");
    let edit = || {
        let request = node.edit(Method::PATCH, &format!("items/{id}")).header("If-Match", "*");
        request.json(&json!({"headline": "Edited"})).send()
    };
    for _ in 0..2 {
        assert_eq!(refused(edit().await.expect("the node answers")).await, "not_replicated");
    }
    // Reading goes on meanwhile, and who was reading has seen it.
    assert_eq!(node.items().await.len(), 2);
    let seen = reader.until("item.published").await;

    replica.resume();
    until("it is acknowledged", async || publish(&other, "Once").await.status() == 201).await;
    let change = repeated(publish(&node, "Once").await).await;
    assert_eq!(change["position"], seen["position"]);
    assert_eq!(edit().await.expect("the node answers").status(), 200);
    assert_eq!(node.items().await.len(), 2);
    reader.until("item.updated").await;
    is_told_nothing_more(&mut reader, &node).await;
}
