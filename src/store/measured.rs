//! A store whose answers are timed and counted: the same store, as the server asks it. It changes nothing of what is
//! asked and answered.
//!
//! What is given up half-way (a deadline of the asker's, a client that hangs up) is timed up to there and counts as
//! neither answer nor error.

use std::{fmt, future::Future, sync::Arc, time::Duration};

use async_trait::async_trait;
use prometheus_client::metrics::histogram::Histogram;
use tokio::time::Instant;
use uuid::Uuid;

use super::{
    Changed, Commit, CommitError, Committed, Conflict, Due, Dump, FeedState, Follower, Hash, Log, Lost, Once, Page,
    Remembered, Row, SharedStore, Store, StoreError, Token, Version, Witness,
    operation::{Operation, Outcome},
};
use crate::{
    count::{Each, Label},
    news::{After, Cursor, FeedId, Filter, Kind, Mark, Moment, Position, Record, feed::Keep},
};

/// The upper ends of the classes that durations are counted in, in seconds: from a read of a file in memory to a store
/// that answers at the last moment before it is given up.
pub const SECONDS: [f64; 14] = [0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// A store that is measured.
#[derive(Debug)]
pub struct Measured {
    store: SharedStore,
    /// How commits came out.
    pub commits: Each<Outcome>,
    /// What was committed.
    pub changes: Each<Kind>,
    /// Cuts that were told, by who noticed.
    pub cuts: Each<Witness>,
    /// What the store could not answer.
    pub errors: Each<Operation>,
    took: Box<[Histogram]>,
}

/// Times from its making to its end, whoever ends it.
struct Timed<'a> {
    begun: Instant,
    took: &'a Histogram,
}

impl Drop for Timed<'_> {
    fn drop(&mut self) {
        self.took.observe(self.begun.elapsed().as_secs_f64());
    }
}

impl Measured {
    /// This store, measured from here on.
    #[must_use]
    pub fn around(store: SharedStore) -> Arc<Self> {
        Arc::new(Self {
            store,
            commits: Each::default(),
            changes: Each::default(),
            cuts: Each::default(),
            errors: Each::default(),
            took: Operation::all().map(|_| Histogram::new(SECONDS)).collect(),
        })
    }

    /// How long this took, each time.
    #[must_use]
    pub fn took(&self, operation: Operation) -> &Histogram {
        let place = Operation::all().position(|one| one == operation).expect("all of them are timed");
        &self.took[place]
    }

    async fn timed<T, E: fmt::Display>(
        &self,
        operation: Operation,
        asked: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        let timed = Timed { begun: Instant::now(), took: self.took(operation) };
        let answer = asked.await;
        drop(timed);
        answer.inspect_err(|_| self.errors.one(operation))
    }

    /// Times a commit and counts how it came out.
    async fn committed(
        &self,
        asked: impl Future<Output = Result<Committed, CommitError>>,
    ) -> Result<Committed, CommitError> {
        // A conflict is an answer, and no error of the store's.
        let asked = async {
            match asked.await {
                Ok(committed) => Ok(Ok(committed)),
                Err(CommitError::Conflict(conflict)) => Ok(Err(conflict)),
                Err(CommitError::Store(error)) => Err(error),
            }
        };
        let answer: Result<Result<Committed, Conflict>, StoreError> = self.timed(Operation::Commit, asked).await;
        self.commits.one(match &answer {
            Ok(Ok(Committed::Now(_))) => Outcome::Committed,
            Ok(Ok(Committed::Before(_))) => Outcome::Repeated,
            Ok(Err(_)) => Outcome::Conflict,
            Err(StoreError::Unavailable(_)) => Outcome::Unavailable,
            Err(StoreError::NotReplicated { .. }) => Outcome::NotReplicated,
            Err(_) => Outcome::Failed,
        });
        answer?.map_err(CommitError::Conflict)
    }
}

#[async_trait]
impl Store for Measured {
    fn now(&self) -> Moment {
        self.store.now()
    }

    async fn feeds(&self) -> Result<Vec<FeedState>, StoreError> {
        self.timed(Operation::Feed, self.store.feeds()).await
    }

    async fn feed(&self, feed: &FeedId) -> Result<Option<FeedState>, StoreError> {
        self.timed(Operation::Feed, self.store.feed(feed)).await
    }

    async fn commit(&self, commit: Commit) -> Result<Committed, CommitError> {
        let kind = commit.kind;
        let committed = self.committed(self.store.commit(commit)).await?;
        if let Committed::Now(_) = committed {
            self.changes.one(kind);
        }
        Ok(committed)
    }

    async fn recall(&self, feed: &FeedId, token: &str, key: &str) -> Result<Option<Remembered>, StoreError> {
        self.timed(Operation::Key, self.store.recall(feed, token, key)).await
    }

    async fn settle(&self, feed: &FeedId) -> Result<(), StoreError> {
        self.timed(Operation::Commit, self.store.settle(feed)).await
    }

    async fn remember(&self, feed: &FeedId, once: &Once, item: Uuid, head: Position) -> Result<(), StoreError> {
        self.timed(Operation::Key, self.store.remember(feed, once, item, head)).await
    }

    async fn item(&self, feed: &FeedId, id: Uuid) -> Result<Option<Record>, StoreError> {
        self.timed(Operation::Item, self.store.item(feed, id)).await
    }

    async fn versions(&self, feed: &FeedId, id: Uuid, after: u64) -> Result<Vec<Version>, StoreError> {
        self.timed(Operation::Item, self.store.versions(feed, id, after)).await
    }

    async fn item_by_alt_id(&self, feed: &FeedId, hash: &Hash) -> Result<Option<Uuid>, StoreError> {
        self.timed(Operation::Item, self.store.item_by_alt_id(feed, hash)).await
    }

    async fn changed(
        &self,
        feed: &FeedId,
        after: After,
        filter: Option<&Filter>,
    ) -> Result<Result<Changed, Lost>, StoreError> {
        self.timed(Operation::Changed, self.store.changed(feed, after, filter)).await
    }

    async fn log(&self, feed: &FeedId, after: Position) -> Result<Result<Log, Lost>, StoreError> {
        self.timed(Operation::Log, self.store.log(feed, after)).await
    }

    async fn position(&self, feed: &FeedId, seq: u64) -> Result<Option<Position>, StoreError> {
        self.timed(Operation::Log, self.store.position(feed, seq)).await
    }

    async fn page(
        &self,
        feed: &FeedId,
        before: Option<Cursor>,
        limit: usize,
        filter: Option<&Filter>,
    ) -> Result<Option<Page>, StoreError> {
        self.timed(Operation::Page, self.store.page(feed, before, limit, filter)).await
    }

    async fn began(&self, feed: &FeedId) -> Result<Option<Moment>, StoreError> {
        self.timed(Operation::Page, self.store.began(feed)).await
    }

    async fn follow(&self) -> Result<Box<dyn Follower>, StoreError> {
        self.store.follow().await
    }

    async fn due(&self, by: Moment) -> Result<Vec<Due>, StoreError> {
        self.timed(Operation::Upkeep, self.store.due(by)).await
    }

    async fn prune(&self, feed: &FeedId, keep: &Keep) -> Result<bool, StoreError> {
        self.timed(Operation::Upkeep, self.store.prune(feed, keep)).await
    }

    async fn delete_feed(&self, feed: &FeedId, once: Option<&Once>) -> Result<Committed, CommitError> {
        self.committed(self.store.delete_feed(feed, once)).await
    }

    async fn cut(&self, feed: &FeedId, known: Option<u64>, witness: Witness, mark: Mark) -> Result<bool, StoreError> {
        let told = self.timed(Operation::Commit, self.store.cut(feed, known, witness, mark)).await?;
        if told {
            self.cuts.one(witness);
            self.changes.one(Kind::FeedUpdated);
        }
        Ok(told)
    }

    async fn scrub(&self) -> Result<Option<String>, StoreError> {
        self.timed(Operation::Upkeep, self.store.scrub()).await
    }

    async fn create_token(&self, token: Token) -> Result<bool, StoreError> {
        self.timed(Operation::Token, self.store.create_token(token)).await
    }

    async fn token(&self, hash: &Hash) -> Result<Option<Token>, StoreError> {
        self.timed(Operation::Token, self.store.token(hash)).await
    }

    async fn tokens(&self) -> Result<Vec<Token>, StoreError> {
        self.timed(Operation::Token, self.store.tokens()).await
    }

    async fn revoke_token(&self, name: &str) -> Result<bool, StoreError> {
        self.timed(Operation::Token, self.store.revoke_token(name)).await
    }

    async fn use_tokens(&self, used: &[(Hash, Moment)]) -> Result<(), StoreError> {
        self.timed(Operation::Upkeep, self.store.use_tokens(used)).await
    }

    async fn tokens_revision(&self) -> Result<u64, StoreError> {
        self.timed(Operation::Token, self.store.tokens_revision()).await
    }

    async fn ticket_key(&self, new: Hash) -> Result<Hash, StoreError> {
        self.timed(Operation::Token, self.store.ticket_key(new)).await
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
        self.timed(Operation::Health, self.store.health()).await
    }

    fn unheard(&self) -> Duration {
        self.store.unheard()
    }

    async fn close(&self) {
        self.store.close().await;
    }
}
