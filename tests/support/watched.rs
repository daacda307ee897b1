//! A store that is watched: what is asked of it is counted, commits to a feed wait while a test holds them, and it panics
//! where a test wants that something in its node's own threads does. Everything else it leaves to the store that it stands before.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard},
    thread,
    time::Duration,
};

use async_trait::async_trait;
use newswire::{
    news::{After, Cursor, FeedId, Filter, Mark, Moment, Position, Record, feed::Keep},
    store::{
        Changed, Commit, CommitError, Committed, Due, Dump, FeedState, Follower, Hash, Log, Lost, Once, Page,
        Remembered, Row, SharedStore, Store, StoreError, Token, Version, Witness,
    },
};
use tokio::sync::watch;
use uuid::Uuid;

use super::PATIENCE;

/// A watched store.
#[derive(Debug)]
pub(crate) struct Watched {
    store: SharedStore,
    watch: Mutex<Watch>,
    /// The feed whose commits are held, and how many there are.
    gate: watch::Sender<(Option<FeedId>, usize)>,
}

#[derive(Debug, Default)]
struct Watch {
    /// How often each read of what feeds hold was asked for.
    reads: BTreeMap<&'static str, usize>,
    /// The thread that panics when it asks what time it is.
    thread: Option<String>,
    /// The read that panics.
    read: Option<&'static str>,
}

impl Watched {
    pub(crate) fn new(store: SharedStore) -> Self {
        Self { store, watch: Mutex::default(), gate: watch::Sender::default() }
    }

    /// Commits to this feed wait from now on, and none do where there is no feed.
    pub(crate) fn hold(&self, feed: Option<FeedId>) {
        self.gate.send_modify(|(held, _)| *held = feed);
    }

    /// Waits until so many commits are held.
    pub(crate) async fn held(&self, commits: usize) {
        let mut gate = self.gate.subscribe();
        let held = tokio::time::timeout(PATIENCE, gate.wait_for(|(_, waiting)| *waiting == commits)).await;
        held.unwrap_or_else(|_| panic!("{commits} commits are not there")).expect("the gate is there");
    }

    /// How often each read was asked for since this was asked last.
    pub(crate) fn reads(&self) -> BTreeMap<&'static str, usize> {
        std::mem::take(&mut self.watch().reads)
    }

    /// The thread of this name panics, once, when it next asks what time it is.
    pub(crate) fn panic_in_thread(&self, name: String) {
        self.watch().thread = Some(name);
    }

    /// The next read of this name panics, once.
    pub(crate) fn panic_in_read(&self, name: &'static str) {
        self.watch().read = Some(name);
    }

    /// Counts a read; the store that does it.
    fn read(&self, name: &'static str) -> &SharedStore {
        let mut watch = self.watch();
        *watch.reads.entry(name).or_default() += 1;
        let panics = watch.read.take_if(|read| *read == name).is_some();
        drop(watch);
        assert!(!panics, "the test wants {name} to panic");
        &self.store
    }

    fn watch(&self) -> MutexGuard<'_, Watch> {
        self.watch.lock().expect("nothing panics while holding it")
    }
}

#[async_trait]
impl Store for Watched {
    fn now(&self) -> Moment {
        let panics = self.watch().thread.take_if(|name| thread::current().name() == Some(name)).is_some();
        assert!(!panics, "the test wants this thread to panic");
        self.store.now()
    }

    async fn feeds(&self) -> Result<Vec<FeedState>, StoreError> {
        self.read("feeds").feeds().await
    }

    async fn feed(&self, feed: &FeedId) -> Result<Option<FeedState>, StoreError> {
        self.read("feed").feed(feed).await
    }

    async fn commit(&self, commit: Commit) -> Result<Committed, CommitError> {
        let mut gate = self.gate.subscribe();
        let holds = |(held, _): &(Option<FeedId>, usize)| held.as_ref() == Some(&commit.feed);
        if holds(&gate.borrow_and_update()) {
            self.gate.send_modify(|(_, waiting)| *waiting += 1);
            gate.wait_for(|gate| !holds(gate)).await.expect("the gate is there");
            self.gate.send_modify(|(_, waiting)| *waiting -= 1);
        }
        self.store.commit(commit).await
    }

    async fn recall(&self, feed: &FeedId, token: &str, key: &str) -> Result<Option<Remembered>, StoreError> {
        self.store.recall(feed, token, key).await
    }

    async fn settle(&self, feed: &FeedId) -> Result<(), StoreError> {
        self.store.settle(feed).await
    }

    async fn remember(&self, feed: &FeedId, once: &Once, item: Uuid, head: Position) -> Result<(), StoreError> {
        self.store.remember(feed, once, item, head).await
    }

    async fn item(&self, feed: &FeedId, id: Uuid) -> Result<Option<Record>, StoreError> {
        self.read("item").item(feed, id).await
    }

    async fn versions(&self, feed: &FeedId, id: Uuid, after: u64) -> Result<Vec<Version>, StoreError> {
        self.read("versions").versions(feed, id, after).await
    }

    async fn item_by_alt_id(&self, feed: &FeedId, hash: &Hash) -> Result<Option<Uuid>, StoreError> {
        self.read("item_by_alt_id").item_by_alt_id(feed, hash).await
    }

    async fn changed(
        &self,
        feed: &FeedId,
        after: After,
        filter: Option<&Filter>,
    ) -> Result<Result<Changed, Lost>, StoreError> {
        self.read("changed").changed(feed, after, filter).await
    }

    async fn log(&self, feed: &FeedId, after: Position) -> Result<Result<Log, Lost>, StoreError> {
        self.read("log").log(feed, after).await
    }

    async fn position(&self, feed: &FeedId, seq: u64) -> Result<Option<Position>, StoreError> {
        self.read("position").position(feed, seq).await
    }

    async fn page(
        &self,
        feed: &FeedId,
        before: Option<Cursor>,
        limit: usize,
        filter: Option<&Filter>,
    ) -> Result<Option<Page>, StoreError> {
        self.read("page").page(feed, before, limit, filter).await
    }

    async fn began(&self, feed: &FeedId) -> Result<Option<Moment>, StoreError> {
        self.read("began").began(feed).await
    }

    async fn follow(&self) -> Result<Box<dyn Follower>, StoreError> {
        self.store.follow().await
    }

    async fn due(&self, by: Moment) -> Result<Vec<Due>, StoreError> {
        self.store.due(by).await
    }

    async fn prune(&self, feed: &FeedId, keep: &Keep) -> Result<bool, StoreError> {
        self.store.prune(feed, keep).await
    }

    async fn delete_feed(&self, feed: &FeedId, once: Option<&Once>) -> Result<Committed, CommitError> {
        self.store.delete_feed(feed, once).await
    }

    async fn cut(&self, feed: &FeedId, known: Option<u64>, witness: Witness, mark: Mark) -> Result<bool, StoreError> {
        self.store.cut(feed, known, witness, mark).await
    }

    async fn scrub(&self) -> Result<Option<String>, StoreError> {
        self.store.scrub().await
    }

    async fn create_token(&self, token: Token) -> Result<bool, StoreError> {
        self.store.create_token(token).await
    }

    async fn token(&self, hash: &Hash) -> Result<Option<Token>, StoreError> {
        self.read("token").token(hash).await
    }

    async fn tokens(&self) -> Result<Vec<Token>, StoreError> {
        self.read("tokens").tokens().await
    }

    async fn revoke_token(&self, name: &str) -> Result<bool, StoreError> {
        self.store.revoke_token(name).await
    }

    async fn use_tokens(&self, used: &[(Hash, Moment)]) -> Result<(), StoreError> {
        self.store.use_tokens(used).await
    }

    async fn tokens_revision(&self) -> Result<u64, StoreError> {
        self.store.tokens_revision().await
    }

    async fn ticket_key(&self, new: Hash) -> Result<Hash, StoreError> {
        self.store.ticket_key(new).await
    }

    async fn dump(&self, feeds: &[FeedId]) -> Result<Box<dyn Dump>, StoreError> {
        self.store.dump(feeds).await
    }

    async fn load(&self, rows: Vec<Row>) -> Result<(), StoreError> {
        self.store.load(rows).await
    }

    async fn facts(&self) -> Result<Vec<(&'static str, String)>, StoreError> {
        self.store.facts().await
    }

    async fn health(&self) -> Result<Vec<String>, StoreError> {
        self.store.health().await
    }

    fn unheard(&self) -> Duration {
        self.store.unheard()
    }

    async fn close(&self) {
        self.store.close().await;
    }
}
