//! A place where a store is kept. It outlives the stores opened on it, so that a test can close, crash and open again,
//! and it shows what no door of the store shows: due entries and raw files.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use async_trait::async_trait;
use newswire::{
    news::{FeedId, Moment},
    store::{
        SharedStore, StoreError,
        sqlite::{FILE, Role, SCHEMA, Sqlite},
    },
};
use tempfile::TempDir;
use uuid::Uuid;

/// What ends by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Ends {
    /// An item's being breaking news.
    Breaking,
    /// A pin.
    Pin,
}

/// A place, empty at first.
#[async_trait]
pub(crate) trait Place: Send + Sync {
    /// A new one, which is gone once it is dropped.
    async fn new() -> Self
    where
        Self: Sized;

    /// Opens the store as a server does.
    async fn open(&self) -> Result<SharedStore, StoreError>;

    /// Opens it once more beside the first: another node, or the command line.
    async fn beside(&self) -> Result<SharedStore, StoreError>;

    /// Ends the store's own process without warning and starts it again. An embedded store has none, so its restart is
    /// that it is dropped and opened.
    async fn restart(&self);

    /// Keeps a copy of the store's files as they are. No store is open.
    async fn copy_files(&self);

    /// Puts the copy in the place of the files, as a restored backup. No store is open.
    async fn put_copy_back(&self);

    /// Makes it look as if a newer newswire had written here. No store is open.
    async fn age(&self);

    /// The due entries of a feed, in order.
    async fn due(&self, feed: &FeedId) -> Vec<(Moment, Ends, Uuid)>;

    /// The directory of all the store's files.
    fn dir(&self) -> &Path;
}

/// A directory with an SQLite file.
pub(crate) struct SqlitePlace {
    dir: TempDir,
}

impl SqlitePlace {
    /// The database file.
    pub(crate) fn file(&self) -> PathBuf {
        self.dir.path().join(FILE)
    }

    /// A closed store is its file alone: nothing stands beside it that a copy would have to take along.
    fn assert_closed(&self) {
        assert!(!self.dir.path().join(format!("{FILE}-wal")).exists(), "the store was closed");
    }
}

#[async_trait]
impl Place for SqlitePlace {
    async fn new() -> Self {
        Self { dir: TempDir::new().expect("a temporary directory") }
    }

    async fn open(&self) -> Result<SharedStore, StoreError> {
        Ok(Arc::new(Sqlite::open(self.dir.path(), Role::Server)?))
    }

    async fn beside(&self) -> Result<SharedStore, StoreError> {
        Ok(Arc::new(Sqlite::open(self.dir.path(), Role::Beside)?))
    }

    async fn restart(&self) {}

    async fn copy_files(&self) {
        self.assert_closed();
        std::fs::copy(self.file(), self.dir.path().join("copy")).expect("the file can be copied");
    }

    async fn put_copy_back(&self) {
        self.assert_closed();
        std::fs::copy(self.dir.path().join("copy"), self.file()).expect("the copy can be put back");
    }

    async fn age(&self) {
        let file = rusqlite::Connection::open(self.file()).expect("the file opens");
        file.pragma_update(None, "user_version", SCHEMA + 1).expect("the version is written");
    }

    async fn due(&self, feed: &FeedId) -> Vec<(Moment, Ends, Uuid)> {
        let file = rusqlite::Connection::open(self.file()).expect("the file opens");
        let mut entries = file
            .prepare("SELECT until, what, item FROM due WHERE feed = ? ORDER BY until, what, item")
            .expect("there is a due list");
        let rows = entries.query_map([feed.as_str()], |row| {
            let what = match row.get_ref(1)?.as_str()? {
                "breaking" => Ends::Breaking,
                "pin" => Ends::Pin,
                other => panic!("{other:?} is nothing that ends"),
            };
            Ok((Moment::from_millis(row.get(0)?), what, Uuid::from_bytes(row.get(2)?)))
        });
        rows.expect("the due list can be read").map(|row| row.expect("an entry can be read")).collect()
    }

    fn dir(&self) -> &Path {
        self.dir.path()
    }
}
