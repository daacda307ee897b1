//! Where feeds are kept: the contract that every store keeps.
//!
//! Two stores keep it: [`sqlite`] (one embedded file, the default) and [`redis`]. One contract suite,
//! `tests/store_contract/main.rs`, holds both to every sentence here. What the contract leaves out on purpose: anything
//! that waits for readers, anything that parses a story, and any promise that rides on notifications (the log is the
//! truth; a notice is only a hint to look).
//!
//! **A commit is all or nothing**: idempotency record, expected version, next seq with the given mark, log entry, item,
//! version, due entries and altId hashes stand or fall together. **A read is one consistent view**, has a budget
//! *inside* the store ([`budget`]) and says where it stopped.

pub mod commit;
mod document;
pub mod dump;
pub mod error;
pub mod hash;
pub mod measured;
pub mod open;
pub mod operation;
pub mod redis;
pub mod sqlite;
pub mod token;
pub mod view;

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use uuid::Uuid;

use crate::news::{After, Cursor, Feed, FeedId, Filter, Kind, Mark, Moment, Position, Record, feed::Keep};
pub use commit::{Commit, Committed, Conflict, Expected, FeedWrite, ItemWrite, Once, Remembered, Write, used_id};
pub use dump::{Dump, Row};
pub use error::{CommitError, StoreError};
pub use hash::Hash;
pub use token::{Scope, Token};
pub use view::{Changed, Due, Entry, FeedState, Log, Lost, Page, Version};

/// What one read may cost, whatever is behind it. At least one entry is always returned.
pub mod budget {
    /// Bytes of records (their stories, mostly) that one read returns.
    pub const BYTES: usize = 256 * 1024;
    /// Items, or log entries, that one read returns.
    pub const ITEMS: usize = 200;
    /// Items that one read with a filter looks at.
    pub const LOOKED_AT: usize = 2_000;
    /// Items that one [`super::Store::prune`] drops.
    pub const DROPPED: usize = 500;
}

/// How many changes of a feed's log are kept to resume over, whatever else is set.
pub const LOG_KEPT: u64 = 100_000;

/// How long an idempotency key is remembered.
pub const KEY_KEPT: Duration = Duration::from_secs(24 * 60 * 60);

/// After this long without hearing what it writes, a node hears nothing ([`Store::unheard`]): two signs of life were missed.
pub const DEAF_AFTER: Duration = Duration::from_secs(7);

/// Who noticed that the store went back in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Witness {
    /// A node that held a change which the store no longer has.
    Follower,
    /// A reader that came back with a position which the store does not have. Readers can be wrong, or lie: they are
    /// believed only while no cut, whoever noticed it, was told since the store was started (or the feed created, if
    /// that is later): what is lost while the store runs a follower sees itself.
    Reader,
}

/// What a follower learned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Followed {
    /// These changes were committed since the last call, in the order of each feed; none: the store was asked and has
    /// nothing new.
    Commits(Vec<(FeedId, Position)>),
    /// The store may have gone back in time, or notices were lost: check every feed's head against what is held.
    Doubt,
}

/// One follower's place in the stream of commits of all feeds.
#[async_trait]
pub trait Follower: Send {
    /// Waits for commits, at most a second; an answer means that the store was asked and confirmed it. Every commit
    /// is told of once it can be read, by this node or any other, or else there is a [`Followed::Doubt`].
    ///
    /// # Errors
    /// The store is away. The next call goes on where this one stood.
    async fn next(&mut self) -> Result<Followed, StoreError>;
}

/// A store. All methods may be called at once from any task, and survive being dropped half-way: a commit then may or
/// may not have happened, whole.
#[async_trait]
pub trait Store: fmt::Debug + Send + Sync + 'static {
    /// The store's now, carried forward on the monotonic clock from a measurement at most 10 s old.
    fn now(&self) -> Moment;

    /// Creates a feed by a [`commit`](Store::commit). False if there is one of that id, which is left as it is.
    async fn create_feed(&self, feed: Feed, mark: Mark, who: &str) -> Result<bool, StoreError> {
        let commit = Commit {
            feed: feed.id.clone(),
            once: None,
            mark,
            kind: Kind::FeedCreated,
            at: self.now(),
            who: who.to_owned(),
            write: Write::Create(feed),
        };
        match self.commit(commit).await {
            Ok(_) => Ok(true),
            Err(CommitError::Conflict(_)) => Ok(false),
            Err(CommitError::Store(error)) => Err(error),
        }
    }

    /// All feeds, by id.
    async fn feeds(&self) -> Result<Vec<FeedState>, StoreError>;

    /// One feed.
    async fn feed(&self, feed: &FeedId) -> Result<Option<FeedState>, StoreError>;

    /// Commits one change. The idempotency key is looked at first, then the feed, the expected version, the altIds and
    /// the pin, in this order.
    async fn commit(&self, commit: Commit) -> Result<Committed, CommitError>;

    /// What the key of this token stands for, if it was used within [`KEY_KEPT`].
    async fn recall(&self, feed: &FeedId, token: &str, key: &str) -> Result<Option<Remembered>, StoreError>;

    /// Waits until everything that was committed in a feed is as safe as what a [`commit`](Store::commit) answers for: so
    /// that who finds that nothing is left to be changed is told so only then. [`recall`](Store::recall) and
    /// [`remember`](Store::remember) do it by themselves.
    async fn settle(&self, feed: &FeedId) -> Result<(), StoreError>;

    /// Remembers a request that was answered without a change. A key that is taken stays as it is.
    async fn remember(&self, feed: &FeedId, once: &Once, item: Uuid, head: Position) -> Result<(), StoreError>;

    /// One item, whatever its status.
    async fn item(&self, feed: &FeedId, id: Uuid) -> Result<Option<Record>, StoreError>;

    /// An item's versions above `after`, oldest first, at most [`budget::ITEMS`] of them.
    async fn versions(&self, feed: &FeedId, id: Uuid, after: u64) -> Result<Vec<Version>, StoreError>;

    /// The item that has, or had, the altId with this hash.
    async fn item_by_alt_id(&self, feed: &FeedId, hash: &Hash) -> Result<Option<Uuid>, StoreError>;

    /// What changed after a position, if that is one of this feed. With a filter: of the items only those that it may
    /// ever have matched ([`Filter::ever`]) and removed ones, at most [`budget::LOOKED_AT`] looked at. Changes of the
    /// feed itself pass every filter.
    async fn changed(
        &self,
        feed: &FeedId,
        after: After,
        filter: Option<&Filter>,
    ) -> Result<Result<Changed, Lost>, StoreError>;

    /// The log after a position, if that is one of this feed.
    async fn log(&self, feed: &FeedId, after: Position) -> Result<Result<Log, Lost>, StoreError>;

    /// The position of the change with this number, if the log still has it.
    async fn position(&self, feed: &FeedId, seq: u64) -> Result<Option<Position>, StoreError>;

    /// At most `limit` items older than the cursor, or the newest ones and the pinned. With a filter: only those that
    /// it may ever have matched, at most [`budget::LOOKED_AT`] looked at; such a page can have few items or none and
    /// still name where the next one goes on. None: no such feed.
    async fn page(
        &self,
        feed: &FeedId,
        before: Option<Cursor>,
        limit: usize,
        filter: Option<&Filter>,
    ) -> Result<Option<Page>, StoreError>;

    /// When the oldest listed item was published. None: none is listed.
    async fn began(&self, feed: &FeedId) -> Result<Option<Moment>, StoreError>;

    /// A new follower, which is told of what is committed from now on.
    async fn follow(&self) -> Result<Box<dyn Follower>, StoreError>;

    /// What ends by itself at or before this moment, soonest first, at most [`budget::ITEMS`] entries. An entry goes
    /// with the commit that ends it, or that sets another end.
    async fn due(&self, by: Moment) -> Result<Vec<Due>, StoreError>;

    /// Gives up what a feed no longer keeps, a bounded part of it at a time; true: there is more to give up.
    ///
    /// The log is cut first and the floor rises with it, at least to the highest of these, and never above the head:
    /// the newest [`Keep::changes`] changes (at least one) stay; those older than [`Keep::days`] go; and with
    /// [`Keep::items`], those go that are older than the oldest newest-change of that many newest listed items.
    ///
    /// Then items are dropped, with their versions, whose newest change is below the floor and which are either
    /// published longer ago than the days, or not among the newest listed items: but never one that is pinned or has a
    /// due entry. The hashes of its altIds stay, so that the same story sent again by a wire is still known, and so does
    /// its id ([`used_id`]), which is never used again. Items that are hidden (withheld, removed) go as others do.
    async fn prune(&self, feed: &FeedId, keep: &Keep) -> Result<bool, StoreError>;

    /// Deletes a feed with everything in it, also its altIds and the idempotency keys of its items. Followers are told.
    /// Its bytes leave the store's files like those of a removed item. The keys of requests about the feed itself stay:
    /// one that is sent again must not delete, or make, a feed that came later. The answer tells its last position;
    /// [`Conflict::NoFeed`] if there is none.
    async fn delete_feed(&self, feed: &FeedId, once: Option<&Once>) -> Result<Committed, CommitError>;

    /// Tells that the store went back in time: commits a `feed.updated` with the given mark, which becomes the floor
    /// and [`FeedState::cut`]. Not where the feed's cut is above `known`: then somebody else has told it since. One that
    /// is below `known` says that the store went back behind that cut too, and this is told like any other; only then,
    /// since the numbers begin again, may each node that knew of the lost cut tell it once. See [`Witness`] for who is
    /// believed. True if it was committed now. `None` for `known` is a witness that knows of none: a reader.
    async fn cut(&self, feed: &FeedId, known: Option<u64>, witness: Witness, mark: Mark) -> Result<bool, StoreError>;

    /// Hurries the bytes of what was removed out of the store's files, which they leave by themselves sooner or later, and
    /// waits for it a few seconds at most. The answer says in a sentence which remain, if any.
    async fn scrub(&self) -> Result<Option<String>, StoreError>;

    /// Keeps a token. False if its name is taken.
    async fn create_token(&self, token: Token) -> Result<bool, StoreError>;

    /// The token with this hash, revoked and expired ones too.
    async fn token(&self, hash: &Hash) -> Result<Option<Token>, StoreError>;

    /// All tokens, by name.
    async fn tokens(&self) -> Result<Vec<Token>, StoreError>;

    /// Marks a token as revoked. False if there is none of that name.
    async fn revoke_token(&self, name: &str) -> Result<bool, StoreError>;

    /// Keeps when tokens were last used; never an earlier time than is kept. Unknown ones are passed over.
    async fn use_tokens(&self, used: &[(Hash, Moment)]) -> Result<(), StoreError>;

    /// A number that differs from all before it once a token was made or revoked, by whoever.
    async fn tokens_revision(&self) -> Result<u64, StoreError>;

    /// The key that tickets are signed with: the given one is kept where there is none yet.
    async fn ticket_key(&self, new: Hash) -> Result<Hash, StoreError>;

    /// Everything that is kept, as rows that any store can [`load`](Store::load): one state of each feed, although
    /// changes may be committed meanwhile. The feeds named, with no tokens; or none named: all feeds, and the tokens.
    async fn dump(&self, feeds: &[FeedId]) -> Result<Box<dyn Dump>, StoreError>;

    /// Loads rows of a dump, in their order, any number at a time. A feed can be seen once its last row is loaded. A
    /// feed that is there already is not loaded over: that is [`StoreError::Taken`], and so is a token of that name. Of a
    /// loaded feed one reader is believed ([`Witness::Reader`]): what was committed where it came from, after the dump, is
    /// lost here, and then every reader must begin anew.
    async fn load(&self, rows: Vec<Row>) -> Result<(), StoreError>;

    /// What the store is, for an operator: names and values, without secrets.
    async fn facts(&self) -> Result<Vec<(&'static str, String)>, StoreError>;

    /// Whether the store can be reached and written to, and what an operator should know of it, a sentence each.
    async fn health(&self) -> Result<Vec<String>, StoreError>;

    /// How long this node's followers have heard nothing of what it writes, every few seconds, for nothing but to be
    /// heard: longer than [`DEAF_AFTER`], and commits of others reach nobody here, whatever the connections say. No time at
    /// all where nobody follows, and where commits cannot go astray between this process and its follower.
    fn unheard(&self) -> Duration;

    /// Waits for what is under way and closes.
    async fn close(&self);
}

/// A store that several parts of the program share.
pub type SharedStore = Arc<dyn Store>;
