//! The keeper: a thread beside the writer that copies the write-ahead log into the file, and notices what other
//! processes commit.
//!
//! No commit waits for a checkpoint, except where the log has grown so large that letting it grow on would be worse,
//! and except for a scrub, which is asked for.

use std::{
    path::{Path, PathBuf},
    sync::mpsc::{self, RecvTimeoutError, TrySendError},
    thread,
    time::Duration,
};

use rusqlite::Connection;
use tokio::sync::{oneshot, watch};

use super::{Role, fault, schema};
use crate::store::StoreError;

/// How often it looks.
const LOOKS_EVERY: Duration = Duration::from_millis(250);

/// From this size on, the log is copied into the file beside the writer.
const CHECKPOINT_AT: u64 = 4 * 1024 * 1024;

/// From this size on, the writer has to wait until the log is copied and emptied: readers that followed each other
/// without a gap have kept it from starting over.
const TRUNCATE_AT: u64 = 64 * 1024 * 1024;

/// How long one try to empty the log waits for the readers of old views, which are short.
const TRY: Duration = Duration::from_millis(500);

/// Tries of a scrub.
const TRIES: usize = 10;

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
    ) -> Result<(Self, thread::JoinHandle<()>), StoreError> {
        let (scrubs, asked) = mpsc::sync_channel(SCRUBS);
        let thread = thread::Builder::new()
            .name("sqlite-keeper".to_owned())
            .spawn(move || Loop { db: None, file, role, committed, seen: 0, uncopied: true }.run(&asked))
            .map_err(|error| StoreError::Unavailable(format!("no thread for checkpoints: {error}")))?;
        Ok((Self { scrubs }, thread))
    }

    /// Empties the log, so that no byte of what was removed is left in it. A sentence if that did not succeed.
    pub(super) async fn scrub(&self) -> Result<Option<String>, StoreError> {
        let (asked, answer) = oneshot::channel();
        self.scrubs.try_send(asked).map_err(|error| match error {
            TrySendError::Full(_) => StoreError::Unavailable("other scrubs are waiting; try again".to_owned()),
            TrySendError::Disconnected(_) => fault::closed(),
        })?;
        answer.await.map_err(|_| fault::closed())?
    }
}

/// The size of the write-ahead log beside this file, in bytes.
pub(super) fn log_size(file: &Path) -> u64 {
    let mut log = file.as_os_str().to_owned();
    log.push("-wal");
    std::fs::metadata(log).map_or(0, |found| found.len())
}

struct Loop {
    /// None before the first look, and after a failure.
    db: Option<Connection>,
    file: PathBuf,
    role: Role,
    committed: watch::Sender<u64>,
    /// `PRAGMA data_version` at the last look.
    seen: i64,
    /// Whether anything was committed since the last checkpoint that copied all.
    uncopied: bool,
}

impl Loop {
    /// What wakes it: the time to look, a scrub, or the end of all ways to it.
    fn run(mut self, asked: &mpsc::Receiver<Scrub>) {
        loop {
            match asked.recv_timeout(LOOKS_EVERY) {
                // Whoever asked may have gone; the bytes are.
                Ok(scrub) => drop(scrub.send(self.scrub())),
                Err(RecvTimeoutError::Timeout) => {
                    if let Err(error) = self.look() {
                        tracing::warn!(%error, "no look at the store's file");
                        self.db = None;
                    }
                }
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    fn look(&mut self) -> Result<(), StoreError> {
        let db = self.connection()?;
        let version: i64 = db.pragma_query_value(None, "data_version", |row| row.get(0))?;
        if version != self.seen {
            (self.seen, self.uncopied) = (version, true);
            self.committed.send_modify(|commits| *commits += 1);
        }
        let size = log_size(&self.file);
        if self.uncopied && size > CHECKPOINT_AT {
            let how = if size > TRUNCATE_AT { "TRUNCATE" } else { "PASSIVE" };
            self.uncopied = !checkpoint(self.connection()?, how)?;
        }
        Ok(())
    }

    fn scrub(&mut self) -> Result<Option<String>, StoreError> {
        let db = self.connection()?;
        for _ in 0..TRIES {
            if checkpoint(db, "TRUNCATE")? {
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
            let db = schema::writing(&self.file, self.role)?;
            db.busy_timeout(TRY)?;
            self.db = Some(db);
        }
        Ok(self.db.as_ref().expect("it was opened just now"))
    }
}

/// Copies the log into the file. True if all of it was copied.
fn checkpoint(db: &Connection, how: &str) -> Result<bool, StoreError> {
    let (busy, pages, copied): (bool, i64, i64) =
        db.query_row(&format!("PRAGMA wal_checkpoint({how})"), [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    Ok(!busy && pages == copied)
}
