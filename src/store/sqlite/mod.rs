//! The embedded store: one SQLite file, the default.

use std::path::Path;

use async_trait::async_trait;
use uuid::Uuid;

use super::{
    Changed, Commit, CommitError, Committed, FeedState, Follower, Hash, Log, Lost, Once, Page, Remembered, Store,
    StoreError, Token, Version, Witness,
};
use crate::news::{After, Cursor, Feed, FeedId, Mark, Moment, Position, Record};

/// The file's name in the data directory.
pub const FILE: &str = "newswire.sqlite";

/// Who opens the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The server: the only one for this file.
    Server,
    /// The command line, beside a server that may be running.
    Beside,
}

/// The store.
#[derive(Debug)]
pub struct Sqlite {}

impl Sqlite {
    /// Opens the store in this directory.
    ///
    /// # Errors
    /// The file cannot be opened.
    pub fn open(_dir: &Path, _role: Role) -> Result<Self, StoreError> {
        unbuilt()
    }
}

fn unbuilt<T>() -> Result<T, StoreError> {
    Err(StoreError::Unavailable("it is not built yet".to_owned()))
}

#[async_trait]
impl Store for Sqlite {
    fn now(&self) -> Moment {
        Moment::of_this_machine()
    }
    async fn create_feed(&self, _: Feed, _: Mark, _: &str) -> Result<bool, StoreError> {
        unbuilt()
    }
    async fn feeds(&self) -> Result<Vec<FeedState>, StoreError> {
        unbuilt()
    }
    async fn feed(&self, _: &FeedId) -> Result<Option<FeedState>, StoreError> {
        unbuilt()
    }
    async fn commit(&self, _: Commit) -> Result<Committed, CommitError> {
        Ok(unbuilt()?)
    }
    async fn recall(&self, _: &FeedId, _: &str, _: &str) -> Result<Option<Remembered>, StoreError> {
        unbuilt()
    }
    async fn remember(&self, _: &FeedId, _: &Once, _: &Record, _: Position) -> Result<(), StoreError> {
        unbuilt()
    }
    async fn item(&self, _: &FeedId, _: Uuid) -> Result<Option<Record>, StoreError> {
        unbuilt()
    }
    async fn versions(&self, _: &FeedId, _: Uuid, _: u64) -> Result<Vec<Version>, StoreError> {
        unbuilt()
    }
    async fn changed(&self, _: &FeedId, _: After) -> Result<Result<Changed, Lost>, StoreError> {
        unbuilt()
    }
    async fn log(&self, _: &FeedId, _: Position) -> Result<Result<Log, Lost>, StoreError> {
        unbuilt()
    }
    async fn position(&self, _: &FeedId, _: u64) -> Result<Option<Position>, StoreError> {
        unbuilt()
    }
    async fn page(&self, _: &FeedId, _: Option<Cursor>, _: usize) -> Result<Option<Page>, StoreError> {
        unbuilt()
    }
    async fn follow(&self) -> Result<Box<dyn Follower>, StoreError> {
        unbuilt()
    }
    async fn trim(&self, _: &FeedId, _: u64) -> Result<(), StoreError> {
        unbuilt()
    }
    async fn cut(&self, _: &FeedId, _: Option<u64>, _: Witness, _: Mark) -> Result<bool, StoreError> {
        unbuilt()
    }
    async fn scrub(&self) -> Result<Option<String>, StoreError> {
        unbuilt()
    }
    async fn create_token(&self, _: Token) -> Result<bool, StoreError> {
        unbuilt()
    }
    async fn token(&self, _: &Hash) -> Result<Option<Token>, StoreError> {
        unbuilt()
    }
    async fn tokens(&self) -> Result<Vec<Token>, StoreError> {
        unbuilt()
    }
    async fn revoke_token(&self, _: &str) -> Result<bool, StoreError> {
        unbuilt()
    }
    async fn health(&self) -> Result<Vec<String>, StoreError> {
        unbuilt()
    }
    async fn close(&self) {}
}
