//! What is promised of the Redis store alone, beside the contract that it shares: it notices a server that went back
//! in time, a server that does not answer is an error in time, its keys suit a cluster, and what was removed leaves
//! the server's files. Each test has a real redis-server of its own.

#![expect(clippy::disallowed_methods, reason = "a test waits for the tasks that it starts")]

#[path = "../support/mod.rs"]
mod support;

mod doubt;
mod files;
mod newer;
mod reached;
mod replicas;
mod server;

use std::sync::Arc;

use newswire::store::{SharedStore, redis::Redis};

use crate::support::redis::RedisServer;

async fn open(server: &RedisServer) -> SharedStore {
    Arc::new(Redis::open(&server.settings()).await.expect("the server is there"))
}
