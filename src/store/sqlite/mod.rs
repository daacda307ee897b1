//! The embedded store: one SQLite file, the default.
//!
//! One `writer` thread commits, many jobs at a time; a few connections read (`reads`); a `keeper` thread makes the
//! checkpoints. One server per file, held by a lock; the command line may work beside it, as a second and more patient
//! writer. Deliberately absent: a cache (SQLite has one), and any state that is not in the file, except which run of
//! the server this is.

mod backup;
mod commit;
mod due;
mod dump;
mod fault;
mod floor;
mod follower;
mod items;
mod keeper;
mod keys;
mod load;
mod prune;
mod reads;
mod rows;
mod schema;
mod tokens;
mod wal;
mod walk;
mod writer;

use std::{
    fmt,
    fs::{File, TryLockError},
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

use async_trait::async_trait;
use rusqlite::Connection;
use tokio::{sync::watch, time::Instant};
use uuid::Uuid;

pub use backup::{backup, restore};

use super::{
    Changed, Commit, CommitError, Committed, Due, Dump, FeedState, Follower, Hash, Log, Lost, Once, Page, Remembered,
    Row, Store, StoreError, Token, Version, Witness,
};

use crate::news::{After, Cursor, FeedId, Filter, Mark, Moment, Position, Record, feed::Keep};

/// The name of the file in the data directory.
pub const FILE: &str = "newswire.sqlite";

/// The name of the file beside it that a running server has locked.
pub const LOCK: &str = "newswire.lock";

/// The version of what is stored. An older program refuses a newer file, and this one migrates an older one.
pub const SCHEMA: u32 = 2;

/// From this size on, an operator is told that the write-ahead log does not get shorter.
const LOG_TOO_LARGE: u64 = 256 * 1024 * 1024;

/// How long it counts that writing worked. Anybody may ask for the state of health, and each write waits for the disk.
const HEALTHY_FOR: Duration = Duration::from_secs(1);

/// Who opens the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The server: the only one for this file.
    Server,
    /// The command line, beside a server that may be running.
    Beside,
}

/// The store.
pub struct Sqlite {
    file: PathBuf,
    reads: reads::Reads,
    committed: watch::Sender<u64>,
    /// Which run of the server this is; beside it, that is not known.
    run: [u8; 16],
    /// The latest now that was told, in milliseconds: a clock that is set back does not make it go back.
    latest: AtomicI64,
    /// When a check of health last succeeded in writing.
    healthy: Mutex<Option<Instant>>,
    /// None once it is closed.
    threads: Mutex<Option<Threads>>,
}

/// The ways to the threads, and what is to be given up with them.
struct Threads {
    writer: writer::Writer,
    keeper: keeper::Keeper,
    writing: JoinHandle<()>,
    keeping: JoinHandle<()>,
    /// Held by a server; unlocked when it is dropped.
    _lock: Option<File>,
}

impl Sqlite {
    /// Opens the store in this directory, which is made if it is not there. It reads and writes a little, so it blocks
    /// for some milliseconds.
    ///
    /// # Errors
    /// [`StoreError::InUse`] where another server has the file; [`StoreError::NewerSchema`]; [`StoreError::Unavailable`]
    /// where the directory or the file cannot be made, opened or written to; [`StoreError::Corrupt`] where the file is
    /// not ours.
    ///
    /// # Panics
    /// When the operating system has no random numbers to give.
    pub fn open(dir: &Path, role: Role) -> Result<Self, StoreError> {
        // Nobody else on the machine may read it: it holds what is withheld, and the hashes of tokens.
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(|error| {
            StoreError::Unavailable(format!("cannot make the directory {}: {error}", dir.display()))
        })?;
        let file = dir.join(FILE);
        let lock = match role {
            Role::Server => Some(lock(&dir.join(LOCK))?),
            // An older server that may be running could not go on with a newer file.
            Role::Beside if schema::found(&file)?.is_some_and(|found| found < SCHEMA) => {
                Some(lock(&dir.join(LOCK)).map_err(|error| match error {
                    StoreError::InUse(said) => StoreError::InUse(format!(
                        "{said}, and it is older than this program: stop it, or use the program that it runs"
                    )),
                    other => other,
                })?)
            }
            Role::Beside => None,
        };
        schema::known(&file)?;
        let mut db = schema::writing(&file, role)?;
        schema::create(&mut db)?;
        let reads = reads::Reads::open(file.clone())?;
        let committed = watch::Sender::new(0);
        let wal = Arc::<wal::Wal>::default();
        let (writer, writing) = writer::Writer::start(db, file.clone(), role, committed.clone(), wal.clone())?;
        let (keeper, keeping) = keeper::Keeper::start(file.clone(), role, committed.clone(), wal)?;
        let mut run = floor::TOLD;
        if role == Role::Server {
            getrandom::fill(&mut run).expect("the operating system gives random numbers");
        }
        let threads = Threads { writer, keeper, writing, keeping, _lock: lock };
        let latest = AtomicI64::new(i64::MIN);
        Ok(Self { file, reads, committed, run, latest, healthy: Mutex::default(), threads: Mutex::new(Some(threads)) })
    }

    /// Carries out a job of the writer, once it is on the disk.
    async fn write<T: Send + 'static>(
        &self,
        act: impl Fn(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let writer = self.open_threads(|threads| threads.writer.clone())?;
        writer.write(act).await
    }

    /// Reads something of a feed; nothing where there is none: what stands under its id may be half loaded.
    async fn seen<T: Default + Send + 'static>(
        &self,
        feed: FeedId,
        act: impl FnOnce(&Connection, &FeedId) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let read = move |db: &Connection| if rows::is_there(db, &feed)? { act(db, &feed) } else { Ok(T::default()) };
        self.reads.read(read).await
    }

    fn open_threads<T>(&self, get: impl FnOnce(&Threads) -> T) -> Result<T, StoreError> {
        let threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        threads.as_ref().map(get).ok_or_else(fault::closed)
    }
}

/// The schema of the file in this directory, if there is one of ours. Nothing is changed.
///
/// # Errors
/// The file cannot be read.
pub fn found(dir: &Path) -> Result<Option<u32>, StoreError> {
    schema::found(&dir.join(FILE))
}

/// Takes the lock of a server.
fn lock(path: &Path) -> Result<File, StoreError> {
    let cannot = |error| StoreError::Unavailable(format!("cannot lock {}: {error}", path.display()));
    let file = File::options().create(true).append(true).open(path).map_err(cannot)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StoreError::InUse(format!(
            "another newswire server has locked {}: stop that one, or give this one another data directory",
            path.display()
        ))),
        Err(TryLockError::Error(error)) => Err(cannot(error)),
    }
}

impl fmt::Debug for Sqlite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sqlite").field("file", &self.file).finish_non_exhaustive()
    }
}

#[async_trait]
impl Store for Sqlite {
    fn now(&self) -> Moment {
        let now = Moment::of_this_machine().millis();
        Moment::from_millis(self.latest.fetch_max(now, Ordering::Relaxed).max(now))
    }

    async fn feeds(&self) -> Result<Vec<FeedState>, StoreError> {
        self.reads.read(rows::feeds).await
    }

    async fn feed(&self, feed: &FeedId) -> Result<Option<FeedState>, StoreError> {
        let feed = feed.clone();
        self.reads.read(move |db| Ok(rows::feed(db, &feed)?.map(|row| row.state))).await
    }

    async fn commit(&self, commit: Commit) -> Result<Committed, CommitError> {
        let (now, run) = (self.now(), self.run);
        let outcome = self.write(move |db| commit::commit(db, &commit, now, run)).await?;
        outcome.map_err(CommitError::Conflict)
    }

    async fn recall(&self, feed: &FeedId, token: &str, key: &str) -> Result<Option<Remembered>, StoreError> {
        let (feed, token, key, now) = (feed.clone(), token.to_owned(), key.to_owned(), self.now());
        let read = move |db: &Connection| {
            let there = rows::is_there(db, &feed)?;
            // What was asked of a feed itself is known beyond its deletion.
            Ok(keys::recall(db, &feed, &token, &key, now)?.filter(|done| there || done.item.is_nil()))
        };
        self.reads.read(read).await
    }

    async fn settle(&self, _feed: &FeedId) -> Result<(), StoreError> {
        // What is committed is on the disk.
        Ok(())
    }

    async fn remember(&self, feed: &FeedId, once: &Once, item: Uuid, head: Position) -> Result<(), StoreError> {
        let (feed, once, now) = (feed.clone(), once.clone(), self.now());
        let done = Remembered { hash: once.hash, item, version: 0, position: head };
        self.write(move |db| keys::remember(db, &feed, &once, &done, now)).await
    }

    async fn item(&self, feed: &FeedId, id: Uuid) -> Result<Option<Record>, StoreError> {
        let feed = feed.clone();
        self.seen(feed, move |db, feed| items::item(db, feed, id)).await
    }

    async fn versions(&self, feed: &FeedId, id: Uuid, after: u64) -> Result<Vec<Version>, StoreError> {
        let feed = feed.clone();
        self.seen(feed, move |db, feed| items::versions(db, feed, id, after)).await
    }

    async fn item_by_alt_id(&self, feed: &FeedId, hash: &Hash) -> Result<Option<Uuid>, StoreError> {
        let (feed, hash) = (feed.clone(), *hash);
        self.seen(feed, move |db, feed| items::by_alt_id(db, feed, &hash)).await
    }

    async fn changed(
        &self,
        feed: &FeedId,
        after: After,
        filter: Option<&Filter>,
    ) -> Result<Result<Changed, Lost>, StoreError> {
        let (feed, filter) = (feed.clone(), filter.cloned());
        self.reads.read(move |db| walk::changed(db, &feed, after, filter.as_ref())).await
    }

    async fn log(&self, feed: &FeedId, after: Position) -> Result<Result<Log, Lost>, StoreError> {
        let feed = feed.clone();
        self.reads.read(move |db| walk::log(db, &feed, after)).await
    }

    async fn position(&self, feed: &FeedId, seq: u64) -> Result<Option<Position>, StoreError> {
        let feed = feed.clone();
        self.seen(feed, move |db, feed| walk::position(db, feed, seq)).await
    }

    async fn page(
        &self,
        feed: &FeedId,
        before: Option<Cursor>,
        limit: usize,
        filter: Option<&Filter>,
    ) -> Result<Option<Page>, StoreError> {
        let (feed, filter, now) = (feed.clone(), filter.cloned(), self.now());
        let page = move |db: &Connection| {
            items::page(db, &feed, &items::Wanted { before, limit, filter: filter.as_ref() }, now)
        };
        self.reads.read(page).await
    }

    async fn began(&self, feed: &FeedId) -> Result<Option<Moment>, StoreError> {
        let feed = feed.clone();
        self.reads.read(move |db| items::began(db, &feed)).await
    }

    async fn follow(&self) -> Result<Box<dyn Follower>, StoreError> {
        let following = follower::Following::start(self.reads.clone(), self.committed.subscribe()).await?;
        Ok(Box::new(following))
    }

    async fn due(&self, by: Moment) -> Result<Vec<Due>, StoreError> {
        self.reads.read(move |db| due::by(db, by)).await
    }

    async fn prune(&self, feed: &FeedId, keep: &Keep) -> Result<bool, StoreError> {
        let (named, keep, now) = (feed.clone(), *keep, self.now());
        let Some(plan) = self.reads.read(move |db| prune::plan(db, &named, &keep, now)).await? else {
            return Ok(false);
        };
        let feed = feed.clone();
        self.write(move |db| prune::carry_out(db, &feed, &plan)).await
    }

    async fn delete_feed(&self, feed: &FeedId, once: Option<&Once>) -> Result<Committed, CommitError> {
        let (feed, once, now) = (feed.clone(), once.cloned(), self.now());
        let outcome = self.write(move |db| prune::delete(db, &feed, once.as_ref(), now)).await?;
        outcome.map_err(CommitError::Conflict)
    }

    async fn cut(&self, feed: &FeedId, known: Option<u64>, witness: Witness, mark: Mark) -> Result<bool, StoreError> {
        let (feed, now, run) = (feed.clone(), self.now(), self.run);
        self.write(move |db| floor::cut(db, &feed, (known, witness), mark, now, run)).await
    }

    async fn scrub(&self) -> Result<Option<String>, StoreError> {
        let keeper = self.open_threads(|threads| threads.keeper.clone())?;
        keeper.scrub().await
    }

    async fn create_token(&self, token: Token) -> Result<bool, StoreError> {
        self.write(move |db| tokens::create(db, &token)).await
    }

    async fn token(&self, hash: &Hash) -> Result<Option<Token>, StoreError> {
        let hash = *hash;
        self.reads.read(move |db| tokens::find(db, &hash)).await
    }

    async fn tokens(&self) -> Result<Vec<Token>, StoreError> {
        self.reads.read(tokens::all).await
    }

    async fn revoke_token(&self, name: &str) -> Result<bool, StoreError> {
        let (name, now) = (name.to_owned(), self.now());
        self.write(move |db| tokens::revoke(db, &name, now)).await
    }

    async fn use_tokens(&self, used: &[(Hash, Moment)]) -> Result<(), StoreError> {
        let (writer, used) = (self.open_threads(|threads| threads.writer.clone())?, used.to_vec());
        writer.beside_feeds(move |db| tokens::used(db, &used)).await
    }

    async fn tokens_revision(&self) -> Result<u64, StoreError> {
        self.reads.read(tokens::revision).await
    }

    async fn ticket_key(&self, new: Hash) -> Result<Hash, StoreError> {
        let writer = self.open_threads(|threads| threads.writer.clone())?;
        writer.beside_feeds(move |db| tokens::ticket_key(db, &new)).await
    }

    async fn dump(&self, feeds: &[FeedId]) -> Result<Box<dyn Dump>, StoreError> {
        let (file, feeds, now) = (self.file.clone(), feeds.to_vec(), self.now());
        let started = tokio::task::spawn_blocking(move || dump::Dumping::start(&file, &feeds, now));
        let dump = started.await.map_err(|error| StoreError::Corrupt(format!("a read failed: {error}")))??;
        Ok(Box::new(dump))
    }

    async fn load(&self, rows: Vec<Row>) -> Result<(), StoreError> {
        self.write(move |db| load::load(db, rows.clone())).await
    }

    async fn facts(&self) -> Result<Vec<(&'static str, String)>, StoreError> {
        let size = std::fs::metadata(&self.file).map_or(0, |found| found.len());
        Ok(vec![
            ("store", "sqlite".to_owned()),
            ("file", self.file.display().to_string()),
            ("size", size.to_string()),
            ("write-ahead log", wal::size(&self.file).to_string()),
            ("SQLite", rusqlite::version().to_owned()),
            ("schema", SCHEMA.to_string()),
        ])
    }

    async fn health(&self) -> Result<Vec<String>, StoreError> {
        let writer = self.open_threads(|threads| threads.writer.clone())?;
        let healthy = *self.healthy.lock().unwrap_or_else(PoisonError::into_inner);
        if healthy.is_none_or(|healthy| healthy.elapsed() > HEALTHY_FOR) {
            writer.beside_feeds(|db| Ok(db.execute("UPDATE whole SET checks = checks + 1", [])?)).await?;
            *self.healthy.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
        }
        let size = wal::size(&self.file);
        let too_large = format!(
            "the write-ahead log {}-wal has {} MiB: a program keeps an old state of the file open",
            self.file.display(),
            size / 1024 / 1024
        );
        Ok(Vec::from_iter((size > LOG_TOO_LARGE).then_some(too_large)))
    }

    fn unheard(&self) -> Duration {
        Duration::ZERO
    }

    async fn close(&self) {
        let threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner).take();
        // A connection that only reads cannot copy the log into the file, so one that writes has to be the last: it does,
        // and removes the log with whatever was in it.
        self.reads.close().await;
        if let Some(Threads { writer, keeper, writing, keeping, _lock }) = threads {
            // They end once what is under way is done; the keeper after the writer, so that it sees the last commit. A
            // panic in one of them has been told by then.
            let ended = tokio::task::spawn_blocking(move || {
                drop(writer);
                let written = writing.join().is_ok();
                drop(keeper);
                keeping.join().is_ok() && written
            });
            drop(ended.await);
        }
    }
}
