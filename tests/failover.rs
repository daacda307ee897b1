//! Servers of Redis that change places under the nodes: these go where the master is without being restarted, say so
//! while there is none, and are not taken in by connections that answer and lead nowhere.

mod support;

use std::time::Duration;

use reqwest::Method;
use serde_json::json;
use support::{
    proxy::{Order, Proxy},
    redis::RedisServer,
    sentinels::{NAME, Sentinels},
    server::Server,
    stream::{Door, Stream},
    until,
};
use tokio::time::Instant;

async fn is_ready(node: &Server) -> bool {
    node.get("/readyz").await.is_ok_and(|answer| answer.status() == 200)
}

/// How many feeds of a server have items.
async fn items(server: &RedisServer) -> usize {
    server.say::<Vec<String>>(&["KEYS", "nw:*:items:*"]).await.len()
}

/// Publishes as an editor's program does: the same request with the same key until it is accepted.
async fn publish_until_accepted(node: &Server, headline: &str) -> serde_json::Value {
    let mut accepted = None;
    until("a publish is accepted", async || {
        let request = node.edit(Method::POST, "items").header("Idempotency-Key", headline);
        let answer = request.json(&json!({"headline": headline})).send().await.expect("the node answers");
        if answer.status() != 201 {
            assert_eq!(answer.status(), 503);
            assert!(answer.headers().contains_key("retry-after"));
            return false;
        }
        accepted = answer.json().await.ok();
        true
    })
    .await;
    accepted.expect("JSON")
}

#[tokio::test]
async fn when_the_master_dies_publishing_and_delivery_go_on_without_a_restart() {
    let master = RedisServer::start();
    let replica = master.start_replica().await;
    let sentinels = Sentinels::over(&master, 1).await;
    let url = sentinels.url();
    let node = Server::start_at(&[("--store", &url)], None).await;
    let other = Server::start_at(&[("--store", &url)], Some(&node.token)).await;
    let mut readers = Vec::new();
    for (node, door) in [(&node, Door::WebSocket), (&other, Door::Sse)] {
        let mut reader = Stream::open(node, door, "").await;
        reader.until("caughtUp").await;
        readers.push(reader);
    }
    let before = node.publish(&json!({"headline": "Before"})).await;
    for reader in &mut readers {
        assert_eq!(reader.until("item.published").await["position"], before["position"]);
    }
    until("the replica has it", async || items(&replica).await == 1).await;

    master.kill();
    until("a node without a master says so", async || !is_ready(&node).await).await;
    sentinels.name(&replica).await;
    let named = Instant::now();
    let after = publish_until_accepted(&node, "After").await;
    for reader in &mut readers {
        assert_eq!(reader.until("item.published").await["item"]["id"], after["item"]["id"]);
    }
    println!("delivered {:?} after the Sentinels had named the new master", named.elapsed());
    assert!(named.elapsed() < Duration::from_secs(5), "{:?}", named.elapsed());
    until("both nodes are ready again", async || is_ready(&node).await && is_ready(&other).await).await;

    // The old master comes back as a replica, and nobody returns to it.
    master.up();
    until("the old master is a replica", async || master.is_replica().await).await;
    let last = other.publish(&json!({"headline": "Last"})).await;
    for reader in &mut readers {
        assert_eq!(reader.until("item.published").await["position"], last["position"]);
    }
}

#[tokio::test]
async fn a_master_from_which_the_sentinels_have_turned_is_not_believed_for_long() {
    let old = RedisServer::start();
    let new = old.start_replica().await;
    let sentinels = Sentinels::over(&old, 1).await;
    let node = Server::start_at(&[("--store", &sentinels.url())], None).await;
    let mut reader = Stream::open(&node, Door::WebSocket, "").await;
    reader.until("caughtUp").await;
    // The old one answers as before and says that it is a master, as one does on the wrong side of a partition.
    () = new.say(&["REPLICAOF", "NO", "ONE"]).await;
    for index in 0..3 {
        let port = new.port().to_string();
        let _: String = sentinels.one(index).say(&["SENTINEL", "REMOVE", NAME]).await;
        let _: String = sentinels.one(index).say(&["SENTINEL", "MONITOR", NAME, "127.0.0.1", &port, "2"]).await;
    }
    let turned = Instant::now();
    let mut number = 0;
    let mut last = json!(null);
    until("a change is written to the new one", async || {
        number += 1;
        last = node.publish(&json!({"headline": format!("Number {number}")})).await;
        items(&new).await == 1
    })
    .await;
    assert!(turned.elapsed() < Duration::from_secs(3), "{:?}", turned.elapsed());
    // What went to the old one is lost, and the reader is told; what is in the new one it has.
    if number > 1 {
        reader.until("reset").await;
        reader.until("snapshot").await;
    } else {
        reader.until("item.published").await;
    }
    let next = node.publish(&json!({"headline": "Next"})).await;
    while reader.until("item.published").await["position"] != next["position"] {}
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_follower_that_is_answered_by_another_server_is_found_out() {
    let redis = RedisServer::start();
    let proxy = Proxy::before(redis.port()).await;
    let node = Server::start_at(&[("--store", &proxy.url())], None).await;
    let other = Server::start_at(&[("--store", &redis.url())], Some(&node.token)).await;
    let mut reader = Stream::open(&node, Door::WebSocket, "").await;
    reader.until("caughtUp").await;
    let copy = redis.start_replica().await;
    () = copy.say(&["REPLICAOF", "NO", "ONE"]).await;

    // Everything answers, all that was committed stands there, too, and nothing new ever comes.
    proxy.order("XREAD", Order::LeadTo(copy.port()));
    let astray = Instant::now();
    let mut reason = String::new();
    until("the node is not ready", async || {
        let answer = node.get("/readyz").await.expect("the node answers");
        let ready = answer.status() == 200;
        reason = answer.text().await.expect("a body");
        !ready
    })
    .await;
    println!("not ready after {:?}: {reason}", astray.elapsed());
    assert!(astray.elapsed() < Duration::from_secs(10), "{:?}", astray.elapsed());
    assert!(proxy.carried_out() > 1, "it looked for its server anew");
    assert!(is_ready(&other).await);

    proxy.nothing();
    let missed = other.publish(&json!({"headline": "Missed"})).await;
    assert_eq!(reader.until("item.published").await["position"], missed["position"]);
    until("the node is ready again", async || is_ready(&node).await).await;
}
