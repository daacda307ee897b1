//! The write-ahead log, as writer and keeper see to it together.
//!
//! The keeper copies it into the file beside the writer. It starts over by itself only where a commit finds it copied and
//! nobody reading from it, which under load is never. So once it is long, the keeper asks, and the writer sees to it
//! between two transactions: what is left to be copied is what was committed since the keeper did.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use rusqlite::{Connection, hooks};

use super::schema;
use crate::store::StoreError;

/// From so many pages on (4 MiB), the log is copied into the file.
const COPIED_AT: u64 = 1_024;
/// From so many pages on (16 MiB), it is to start over.
const RESTARTED_AT: u64 = 4_096;
/// How long the writer waits for the readers of old views then, which are short. Where one is not, it is tried again at
/// the keeper's next look.
const PATIENCE: Duration = Duration::from_millis(10);

/// What is known of the log.
#[derive(Debug, Default)]
pub(super) struct Wal {
    /// How many pages it has, as of the writer's last commit.
    pages: AtomicU64,
    /// Whether the writer is to let it start over.
    restart: AtomicBool,
}

impl Wal {
    /// Has this connection, which is the writer's, tell with each commit how long the log is.
    pub(super) fn watch(self: &Arc<Self>, db: &mut Connection) -> Result<(), StoreError> {
        let wal = self.clone();
        db.wal_hook(Some(move |_: &mut hooks::Wal, pages: i32| {
            wal.pages.store(u64::try_from(pages).unwrap_or(0), Ordering::Relaxed);
            Ok(())
        }))?;
        Ok(())
    }

    /// Whether it has grown so long that it is to be copied.
    pub(super) fn is_long(&self) -> bool {
        self.pages.load(Ordering::Relaxed) > COPIED_AT
    }

    /// It was copied, as far as it went: the writer lets it start over if it is too long even so.
    pub(super) fn copied(&self) {
        self.restart.store(self.pages.load(Ordering::Relaxed) > RESTARTED_AT, Ordering::Relaxed);
    }

    /// Called by the writer before each transaction. Where it fails, the log grows on and it is tried again at the keeper's
    /// next look: what is to be committed can be, for all that is known.
    pub(super) fn restart_if_asked(&self, db: &mut Connection, patience: Duration) {
        if !self.restart.swap(false, Ordering::Relaxed) {
            return;
        }
        let restarted = schema::wait_for_locks(db, PATIENCE).and_then(|()| checkpoint(db, "RESTART"));
        if let Err(error) = restarted.and(schema::wait_for_locks(db, patience)) {
            tracing::warn!(%error, "the write-ahead log could not start over");
        }
    }
}

/// The size of the log's file, in bytes. It stays where the log starts over.
pub(super) fn size(file: &Path) -> u64 {
    let mut log = file.as_os_str().to_owned();
    log.push("-wal");
    std::fs::metadata(log).map_or(0, |found| found.len())
}

/// Copies the log into the file. True if all of it was copied.
pub(super) fn checkpoint(db: &Connection, how: &str) -> Result<bool, StoreError> {
    let (busy, pages, copied): (bool, i64, i64) =
        db.query_row(&format!("PRAGMA wal_checkpoint({how})"), [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    Ok(!busy && pages == copied)
}
