//! The keeper: a thread beside the writer that copies the write-ahead log into the file, and notices what other
//! processes commit.
//!
//! The bytes of what was removed stand in that log until it is emptied. The keeper does so whenever it notices a
//! removal, its own process's or another's, and after its start, since the run before may have been ended between a
//! removal and that: so nobody has to ask for it, and nothing has to be remembered.
//!
//! No commit waits for it, except where bytes have to leave the log.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        mpsc::{self, RecvTimeoutError, TrySendError},
    },
    thread,
    time::Duration,
};

use rusqlite::Connection;
use tokio::sync::{oneshot, watch};

use super::{
    Role, fault, follower, schema,
    wal::{self, Wal},
};
use crate::store::StoreError;

/// How often it looks.
const LOOKS_EVERY: Duration = Duration::from_millis(250);

/// How long one try to empty the log waits for the readers of old views, which are short.
const TRY: Duration = Duration::from_millis(500);

/// Tries of a scrub.
const TRIES: usize = 10;

/// Looks to be passed over, at most, between two tries to empty the log where nobody asks for it: commits wait during
/// a try, and who reads an old view for a second may do so for an hour.
const LOOKS_PASSED_OVER: u32 = 40;

/// Scrubs that may wait: each takes seconds at most, and the first leaves nothing to do for the others.
const SCRUBS: usize = 16;

/// A scrub that somebody waits for.
type Scrub = oneshot::Sender<Result<Option<String>, StoreError>>;

/// The way to the keeper.
#[derive(Clone)]
pub(super) struct Keeper {
    scrubs: mpsc::SyncSender<Scrub>,
}

impl Keeper {
    /// Starts it. It ends once all ways to it are gone.
    pub(super) fn start(
        file: PathBuf,
        role: Role,
        committed: watch::Sender<u64>,
        wal: Arc<Wal>,
    ) -> Result<(Self, thread::JoinHandle<()>), StoreError> {
        let (scrubs, asked) = mpsc::sync_channel(SCRUBS);
        let thread = thread::Builder::new()
            .name("sqlite-keeper".to_owned())
            .spawn(move || Loop::new(file, role, committed, wal).run(&asked))
            .map_err(|error| StoreError::Unavailable(format!("no thread for checkpoints: {error}")))?;
        Ok((Self { scrubs }, thread))
    }

    /// Empties the log now, so that no byte of what was removed is left in it. A sentence if that did not succeed.
    pub(super) async fn scrub(&self) -> Result<Option<String>, StoreError> {
        let (asked, answer) = oneshot::channel();
        self.scrubs.try_send(asked).map_err(|error| match error {
            TrySendError::Full(_) => StoreError::Unavailable("other scrubs are waiting; try again".to_owned()),
            TrySendError::Disconnected(_) => fault::closed(),
        })?;
        answer.await.map_err(|_| fault::closed())?
    }
}

struct Loop {
    /// None before the first look, and after a failure.
    db: Option<Connection>,
    file: PathBuf,
    role: Role,
    committed: watch::Sender<u64>,
    wal: Arc<Wal>,
    /// `PRAGMA data_version` at the last look by this connection, which alone can compare it; none before its first.
    seen: Option<i64>,
    /// Whether anything was committed since the last checkpoint that copied all.
    uncopied: bool,
    /// The newest change of all feeds at the last look; none before the first.
    newest: Option<i64>,
    /// Whether bytes of something removed may stand in the log.
    remains: bool,
    /// Looks to be passed over before the next try to empty it, and how many after one that fails.
    passes: (u32, u32),
}

impl Loop {
    fn new(file: PathBuf, role: Role, committed: watch::Sender<u64>, wal: Arc<Wal>) -> Self {
        // Where the command line works beside a server, what an earlier run left is the server's to see to; and where
        // there is no server, the log goes when the command line ends.
        let remains = role == Role::Server;
        Self { db: None, file, role, committed, wal, seen: None, uncopied: true, newest: None, remains, passes: (0, 1) }
    }

    /// What wakes it: the time to look, a scrub, or the end of all ways to it.
    fn run(mut self, asked: &mpsc::Receiver<Scrub>) {
        self.try_look();
        loop {
            match asked.recv_timeout(LOOKS_EVERY) {
                // Whoever asked may have gone; the bytes are.
                Ok(scrub) => drop(scrub.send(self.scrub())),
                Err(RecvTimeoutError::Timeout) => self.try_look(),
                Err(RecvTimeoutError::Disconnected) => {
                    // Once more, however lately that failed: another process may keep the log when this one closes.
                    self.passes.0 = 0;
                    return self.try_look();
                }
            }
        }
    }

    fn try_look(&mut self) {
        if let Err(error) = self.look() {
            tracing::warn!(%error, "no look at the store's file");
            (self.db, self.seen) = (None, None);
        }
    }

    fn look(&mut self) -> Result<(), StoreError> {
        self.notice()?;
        if self.remains {
            let (left, after_failure) = self.passes;
            if left > 0 {
                self.passes.0 = left - 1;
            } else if wal::checkpoint(self.connection()?, "TRUNCATE")? {
                self.emptied();
            } else {
                self.passes = (after_failure, LOOKS_PASSED_OVER.min(after_failure * 2));
            }
        }
        if self.uncopied && self.wal.is_long() {
            self.uncopied = !wal::checkpoint(self.connection()?, "PASSIVE")?;
            self.wal.copied();
        }
        Ok(())
    }

    /// Sees what was committed since the last look: changes, for the followers, and removals.
    fn notice(&mut self) -> Result<(), StoreError> {
        let (seen, before) = (self.seen, self.newest);
        let db = self.connection()?;
        let version = Some(db.pragma_query_value(None, "data_version", |row| row.get(0))?);
        if version == seen {
            return Ok(());
        }
        let (newest, _) = follower::newest(db)?;
        let removed = match before {
            // What was removed before the first look is seen to without being looked for.
            None => false,
            Some(before) => removed_since(db, before)?,
        };
        self.remains |= removed;
        (self.seen, self.uncopied, self.newest) = (version, true, Some(newest));
        // What is no change of a feed, a check of health say, is nothing to a follower.
        if before != Some(newest) {
            self.committed.send_modify(|commits| *commits += 1);
        }
        Ok(())
    }

    /// The log was emptied.
    fn emptied(&mut self) {
        (self.uncopied, self.remains, self.passes) = (false, false, (0, 1));
    }

    fn scrub(&mut self) -> Result<Option<String>, StoreError> {
        self.notice()?;
        for _ in 0..TRIES {
            if wal::checkpoint(self.connection()?, "TRUNCATE")? {
                self.emptied();
                return Ok(None);
            }
        }
        Ok(Some(format!(
            "bytes of removed items may remain in {}-wal until the next checkpoint, since a program has been reading \
             an old state of the file for {:?}",
            self.file.display(),
            TRY * u32::try_from(TRIES).expect("a handful"),
        )))
    }

    fn connection(&mut self) -> Result<&Connection, StoreError> {
        if self.db.is_none() {
            let mut db = schema::writing(&self.file, self.role)?;
            schema::wait_for_locks(&mut db, TRY)?;
            self.db = Some(db);
        }
        Ok(self.db.as_ref().expect("it was opened just now"))
    }
}

/// Whether anything was removed by a change above this one, or may have been by one that is trimmed already.
fn removed_since(db: &Connection, newest: i64) -> Result<bool, StoreError> {
    let mut removed = db.prepare_cached(
        "SELECT EXISTS (
             SELECT 1 FROM log JOIN versions
             ON versions.feed = log.feed AND versions.id = log.item AND versions.version = log.version
             WHERE log.n > ?1 AND versions.status = 'removed'
         ) OR (SELECT trimmed FROM whole) > ?1",
    )?;
    Ok(removed.query_row([newest], |row| row.get(0))?)
}
