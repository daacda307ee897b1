//! A place on a redis-server of its own.

use std::{path::Path, sync::Arc};

use async_trait::async_trait;
use newswire::{
    news::{FeedId, Moment},
    store::{
        SharedStore, StoreError,
        redis::{Redis, SCHEMA},
    },
};
use uuid::Uuid;

use super::{
    place::{Ends, Place},
    redis::RedisServer,
};

/// A redis-server.
pub(crate) struct RedisPlace {
    server: RedisServer,
}

#[async_trait]
impl Place for RedisPlace {
    async fn new() -> Self {
        Self { server: RedisServer::start() }
    }

    async fn open(&self) -> Result<SharedStore, StoreError> {
        Ok(Arc::new(Redis::open(&self.server.settings()).await?))
    }

    async fn beside(&self) -> Result<SharedStore, StoreError> {
        self.open().await
    }

    async fn restart(&self) {
        self.server.kill();
        self.server.up();
    }

    async fn copy_files(&self) {
        self.server.kill();
        self.server.copy_files();
        self.server.up();
    }

    async fn put_copy_back(&self) {
        self.server.kill();
        self.server.put_copy_back();
        self.server.up();
    }

    async fn age(&self) {
        () = self.server.say(&["SET", "nw:{all}:schema", &(SCHEMA + 1).to_string()]).await;
    }

    async fn due(&self, feed: &FeedId) -> Vec<(Moment, Ends, Uuid)> {
        let mut entries = Vec::new();
        for key in self.server.say::<Vec<String>>(&["KEYS", "nw:*:due"]).await {
            let due: Vec<(String, i64)> = self.server.say(&["ZRANGE", &key, "0", "-1", "WITHSCORES"]).await;
            for (entry, until) in due {
                let words: Vec<_> = entry.split(' ').collect();
                let [of, item, what] = words[..] else { panic!("{entry:?} is no entry") };
                let ends = match what {
                    "breaking" => Ends::Breaking,
                    "pin" => Ends::Pin,
                    other => panic!("{other:?} is nothing that ends"),
                };
                if of == feed.as_str() {
                    entries.push((Moment::from_millis(until), ends, item.parse().expect("an item's id")));
                }
            }
        }
        entries.sort();
        entries
    }

    fn dir(&self) -> &Path {
        self.server.dir()
    }
}
