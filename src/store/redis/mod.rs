//! The store on a Redis server, version 7 or newer (Valkey too).
//!
//! What it promises beyond the contract: every write is one script, whole or not at all, and every script's keys stand
//! in one slot; a request has its answer or an error within three seconds; nothing that was sent is sent again, so
//! that a commit happens once or its caller knows that it may have. The server is the one that decides order and
//! conflicts; marks and times come from here, since a script's random numbers repeat after a restart.
//!
//! What is deliberately absent: PUB/SUB, locks, anything that lives only in this process. Two nodes need not know of
//! each other. In reading order: `keys` and `record` (what is kept), `script` and the Lua files (what is done there),
//! `address` and `servers` (where it is), `link` (the connection), `replicas`, `write`, `read`, `follower`, `canary`, `tokens`,
//! `clock`, `scrub`, `health`.

mod address;
mod canary;
mod clock;
mod dump;
mod follower;
mod health;
mod info;
mod keys;
mod link;
mod load;
mod read;
mod record;
mod replicas;
mod retention;
mod script;
mod scrub;
mod servers;
mod tokens;
mod write;

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use tokio::{sync::Mutex, task::JoinSet, time::sleep};
use uuid::Uuid;

pub use self::address::{Address, Settings};
use self::{
    canary::Canary,
    clock::Clock,
    dump::RedisDump,
    follower::RedisFollower,
    link::Link,
    scrub::Scrub,
    servers::{LOOK, Servers},
};
use super::{
    Changed, Commit, CommitError, Committed, Due, Dump, FeedState, Follower, Hash, Log, Lost, Once, Page, Remembered,
    Row, Store, StoreError, Token, Version, Witness,
};
use crate::news::{After, Cursor, FeedId, Filter, Mark, Moment, Position, Record, feed::Keep};

/// The version of what is stored. An older program refuses a newer store.
pub const SCHEMA: u32 = 1;

/// How often the server's clock is measured. With the time that a request may take, this stays below the ten seconds
/// that are promised.
const MEASURE: Duration = Duration::from_secs(5);

/// A store on Redis.
pub struct Redis {
    link: Arc<Link>,
    /// The same one, or another where commits wait for replicas.
    commits: Arc<Link>,
    clock: Arc<Clock>,
    scrub: Arc<Scrub>,
    canary: Arc<Canary>,
    /// Measures the clock, looks after the Sentinels, keeps the canary singing and fulfils wishes for rewrites; ends
    /// with the store.
    background: Mutex<JoinSet<()>>,
}

impl Redis {
    /// Connects to the server that these settings lead to. To be called within a Tokio runtime.
    ///
    /// # Errors
    /// The server is away or refuses, or what it holds was written by a newer newswire.
    pub async fn open(settings: &Settings) -> Result<Self, StoreError> {
        let servers = Arc::new(Servers::new(settings)?);
        let link = Arc::new(Link::new(Arc::clone(&servers), 0));
        let commits = match settings.ack_replicas {
            0 => Arc::clone(&link),
            replicas => Arc::new(Link::new(servers, replicas)),
        };
        let clock = Arc::new(Clock::of(&link).await?);
        let (scrub, canary) = (Arc::new(Scrub::new()), Arc::new(Canary::new()));
        let mut background = JoinSet::new();
        background.spawn({
            let (link, clock) = (Arc::clone(&link), Arc::clone(&clock));
            async move {
                loop {
                    sleep(MEASURE).await;
                    // A server that is away is told of by whoever asks something; the clock goes on without it.
                    let _ = clock.measure(&link).await;
                    let _ = link.keep_schema().await;
                }
            }
        });
        background.spawn({
            let link = Arc::clone(&link);
            async move {
                loop {
                    sleep(LOOK).await;
                    // Where no Sentinel answers, the server that was found stays the one: it may well be there.
                    let _ = link.servers().look().await;
                }
            }
        });
        background.spawn({
            let (link, canary) = (Arc::clone(&link), Arc::clone(&canary));
            async move { canary.sing(&link).await }
        });
        background.spawn({
            let (link, scrub) = (Arc::clone(&link), Arc::clone(&scrub));
            async move { scrub.fulfil(&link).await }
        });
        Ok(Self { link, commits, clock, scrub, canary, background: Mutex::new(background) })
    }
}

impl fmt::Debug for Redis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redis").finish_non_exhaustive()
    }
}

#[async_trait]
impl Store for Redis {
    fn now(&self) -> Moment {
        self.clock.now()
    }

    async fn feeds(&self) -> Result<Vec<FeedState>, StoreError> {
        read::feeds(&self.link).await
    }

    async fn feed(&self, feed: &FeedId) -> Result<Option<FeedState>, StoreError> {
        read::feed(&self.link, feed).await
    }

    async fn commit(&self, commit: Commit) -> Result<Committed, CommitError> {
        write::commit(&self.commits, &commit).await
    }

    async fn recall(&self, feed: &FeedId, token: &str, key: &str) -> Result<Option<Remembered>, StoreError> {
        write::recall(&self.link, &self.commits, feed, token, key).await
    }

    async fn remember(&self, feed: &FeedId, once: &Once, item: Uuid, head: Position) -> Result<(), StoreError> {
        write::remember(&self.link, feed, once, item, head).await?;
        write::settle(&self.commits, feed).await
    }

    async fn settle(&self, feed: &FeedId) -> Result<(), StoreError> {
        write::settle(&self.commits, feed).await
    }

    async fn item(&self, feed: &FeedId, id: Uuid) -> Result<Option<Record>, StoreError> {
        read::item(&self.link, feed, id).await
    }

    async fn versions(&self, feed: &FeedId, id: Uuid, after: u64) -> Result<Vec<Version>, StoreError> {
        read::versions(&self.link, feed, id, after).await
    }

    async fn item_by_alt_id(&self, feed: &FeedId, hash: &Hash) -> Result<Option<Uuid>, StoreError> {
        read::item_by_alt_id(&self.link, feed, hash).await
    }

    async fn changed(
        &self,
        feed: &FeedId,
        after: After,
        filter: Option<&Filter>,
    ) -> Result<Result<Changed, Lost>, StoreError> {
        read::changed(&self.link, feed, after, filter).await
    }

    async fn log(&self, feed: &FeedId, after: Position) -> Result<Result<Log, Lost>, StoreError> {
        read::log(&self.link, feed, after).await
    }

    async fn position(&self, feed: &FeedId, seq: u64) -> Result<Option<Position>, StoreError> {
        read::position_of(&self.link, feed, seq).await
    }

    async fn began(&self, feed: &FeedId) -> Result<Option<Moment>, StoreError> {
        read::began(&self.link, feed).await
    }

    async fn page(
        &self,
        feed: &FeedId,
        before: Option<Cursor>,
        limit: usize,
        filter: Option<&Filter>,
    ) -> Result<Option<Page>, StoreError> {
        read::page(&self.link, feed, before, limit, filter, self.now()).await
    }

    async fn follow(&self) -> Result<Box<dyn Follower>, StoreError> {
        Ok(Box::new(RedisFollower::new(Arc::clone(&self.link), Arc::clone(&self.canary)).await?))
    }

    async fn due(&self, by: Moment) -> Result<Vec<Due>, StoreError> {
        retention::due(&self.link, by).await
    }

    async fn prune(&self, feed: &FeedId, keep: &Keep) -> Result<bool, StoreError> {
        retention::prune(&self.link, feed, keep, self.now()).await
    }

    async fn delete_feed(&self, feed: &FeedId, once: Option<&Once>) -> Result<Committed, CommitError> {
        retention::delete_feed(&self.commits, feed, once).await?.map_err(CommitError::Conflict)
    }

    async fn cut(&self, feed: &FeedId, known: Option<u64>, witness: Witness, mark: Mark) -> Result<bool, StoreError> {
        write::cut(&self.link, feed, known, witness, mark, self.now()).await
    }

    async fn scrub(&self) -> Result<Option<String>, StoreError> {
        self.scrub.hurry(&self.link).await
    }

    async fn create_token(&self, token: Token) -> Result<bool, StoreError> {
        tokens::create(&self.link, &token).await
    }

    async fn token(&self, hash: &Hash) -> Result<Option<Token>, StoreError> {
        tokens::token(&self.link, hash).await
    }

    async fn tokens(&self) -> Result<Vec<Token>, StoreError> {
        tokens::tokens(&self.link).await
    }

    async fn revoke_token(&self, name: &str) -> Result<bool, StoreError> {
        tokens::revoke(&self.link, name, self.now()).await
    }

    async fn use_tokens(&self, used: &[(Hash, Moment)]) -> Result<(), StoreError> {
        tokens::used(&self.link, used).await
    }

    async fn tokens_revision(&self) -> Result<u64, StoreError> {
        tokens::revision(&self.link).await
    }

    async fn ticket_key(&self, new: Hash) -> Result<Hash, StoreError> {
        tokens::ticket_key(&self.link, new).await
    }

    async fn dump(&self, feeds: &[FeedId]) -> Result<Box<dyn Dump>, StoreError> {
        Ok(Box::new(RedisDump::begin(Arc::clone(&self.link), feeds).await?))
    }

    async fn load(&self, rows: Vec<Row>) -> Result<(), StoreError> {
        load::load(&self.link, rows).await
    }

    async fn facts(&self) -> Result<Vec<(&'static str, String)>, StoreError> {
        health::facts(&self.link).await
    }

    async fn health(&self) -> Result<Vec<String>, StoreError> {
        health::health(&self.link, self.now(), self.commits.replicas()).await
    }

    fn unheard(&self) -> Duration {
        self.canary.unheard()
    }

    async fn close(&self) {
        self.background.lock().await.shutdown().await;
        self.link.close().await;
        self.commits.close().await;
    }
}
