//! The file: its tables, and how every connection to it is set up.
//!
//! What the store sets or compares is a column of its own; a story is a text that is never parsed. Times are
//! milliseconds since 1970, marks are numbers, ids are their 16 bytes. `log.n` orders the changes of all feeds, so that
//! a follower needs one number. Nothing refers to anything by rowid, and nothing is enforced twice: the writer checks
//! before it writes.

use std::{path::Path, thread, time::Duration};

use rusqlite::{Connection, OpenFlags, TransactionBehavior, config::DbConfig};
use tokio::time::Instant;

use super::{Role, SCHEMA, keys};
use crate::store::StoreError;

/// `nwir`: by this, tools such as file(1) tell the file from other SQLite files.
const APPLICATION_ID: u32 = 0x6e77_6972;

/// How long the server waits for a lock. The command line holds it for one small commit at a time.
pub(super) const SERVER_WAITS: Duration = Duration::from_secs(5);

/// How long the command line waits. The server comes first, and somebody who typed a command can wait.
const BESIDE_WAITS: Duration = Duration::from_secs(10);

impl Role {
    /// How long its writes wait for a lock.
    pub(super) fn waits(self) -> Duration {
        match self {
            Self::Server => SERVER_WAITS,
            Self::Beside => BESIDE_WAITS,
        }
    }
}

/// How often whoever waits for a lock looks whether it is free.
const LOOKS_EVERY: Duration = Duration::from_micros(500);

/// How long the log of writes may stay where it was longer, in bytes.
const LOG_STAYS: u32 = 64 * 1024 * 1024;

/// Statements that a connection keeps prepared: more than there are in this store.
const STATEMENTS: usize = 64;

const TABLES: &str = "
CREATE TABLE feeds (
    id TEXT PRIMARY KEY, document TEXT NOT NULL,
    -- The newest change, the floor and the last cut.
    head INTEGER NOT NULL, mark INTEGER NOT NULL, floor INTEGER NOT NULL, cut INTEGER NOT NULL,
    -- The newest change of the feed itself.
    own_seq INTEGER NOT NULL, own_mark INTEGER NOT NULL, own_kind TEXT NOT NULL, own_at INTEGER NOT NULL,
    -- The run of the server in which it was created, or a cut was last told.
    run BLOB NOT NULL
) STRICT;
CREATE TABLE log (
    n INTEGER PRIMARY KEY AUTOINCREMENT,
    feed TEXT NOT NULL, seq INTEGER NOT NULL, mark INTEGER NOT NULL, kind TEXT NOT NULL, at INTEGER NOT NULL,
    item BLOB, version INTEGER
) STRICT;
CREATE UNIQUE INDEX log_by_seq ON log (feed, seq);
CREATE TABLE items (
    feed TEXT NOT NULL, id BLOB NOT NULL, version INTEGER NOT NULL, mark INTEGER NOT NULL, kind TEXT NOT NULL,
    at INTEGER NOT NULL, born INTEGER NOT NULL, last_seq INTEGER NOT NULL, status TEXT NOT NULL,
    published INTEGER NOT NULL, updated INTEGER NOT NULL, breaking_until INTEGER, pin INTEGER, pin_until INTEGER,
    ever TEXT NOT NULL, story TEXT NOT NULL,
    PRIMARY KEY (feed, id)
) STRICT;
CREATE UNIQUE INDEX items_by_change ON items (feed, last_seq);
CREATE INDEX items_listed ON items (feed, published DESC, id DESC) WHERE status IN ('usable', 'canceled');
CREATE INDEX items_pinned ON items (feed, pin) WHERE pin IS NOT NULL;
CREATE TABLE versions (
    feed TEXT NOT NULL, id BLOB NOT NULL, version INTEGER NOT NULL, mark INTEGER NOT NULL, kind TEXT NOT NULL,
    at INTEGER NOT NULL, born INTEGER NOT NULL, last_seq INTEGER NOT NULL, status TEXT NOT NULL,
    published INTEGER NOT NULL, updated INTEGER NOT NULL, breaking_until INTEGER, pin INTEGER, pin_until INTEGER,
    ever TEXT NOT NULL, story TEXT NOT NULL, who TEXT NOT NULL, fields TEXT NOT NULL,
    PRIMARY KEY (feed, id, version)
) STRICT;
CREATE TABLE alt_ids (
    feed TEXT NOT NULL, hash BLOB NOT NULL, item BLOB NOT NULL, PRIMARY KEY (feed, hash)
) STRICT, WITHOUT ROWID;
CREATE TABLE due (
    feed TEXT NOT NULL, item BLOB NOT NULL, what TEXT NOT NULL, until INTEGER NOT NULL, PRIMARY KEY (feed, item, what)
) STRICT, WITHOUT ROWID;
CREATE INDEX due_by_time ON due (until);
CREATE TABLE tokens (
    name TEXT PRIMARY KEY, hash BLOB NOT NULL, scopes TEXT NOT NULL, feeds TEXT NOT NULL, created INTEGER NOT NULL,
    expires INTEGER, revoked INTEGER, last_used INTEGER
) STRICT;
CREATE INDEX tokens_by_hash ON tokens (hash);
-- One row. trimmed: the highest log.n that was ever trimmed away; a follower below it may have missed a change.
-- checks: counts checks of health, since SQLite leaves out a write that changes nothing.
CREATE TABLE whole (trimmed INTEGER NOT NULL, checks INTEGER NOT NULL) STRICT;
INSERT INTO whole VALUES (0, 0);
";

/// What came with schema 2. Schema 1 had another table of keys, which held the clients' texts.
const TABLES_2: &str = "
CREATE TABLE keys (
    feed TEXT NOT NULL, name BLOB NOT NULL, hash BLOB NOT NULL, item BLOB NOT NULL,
    version INTEGER NOT NULL, seq INTEGER NOT NULL, mark INTEGER NOT NULL, used INTEGER NOT NULL,
    PRIMARY KEY (feed, name)
) STRICT;
CREATE INDEX keys_by_age ON keys (used);
-- Counts tokens made and revoked.
ALTER TABLE whole ADD COLUMN tokens INTEGER NOT NULL DEFAULT 0;
-- What tickets are signed with; none until a server asks for it.
ALTER TABLE whole ADD COLUMN ticket_key BLOB;
";

/// Opens a connection that writes.
pub(super) fn writing(file: &Path, role: Role) -> Result<Connection, StoreError> {
    let mut db = Connection::open(file)?;
    wait_for_locks(&mut db, role.waits())?;
    keep_prepared(&db)?;
    db.pragma_update_and_check(None, "journal_mode", "wal", |row| row.get::<_, String>(0))?;
    // A commit is acknowledged once it is on the disk.
    db.pragma_update(None, "synchronous", "full")?;
    // What was removed is overwritten, also in what SQLite would otherwise put into temporary files.
    db.pragma_update(None, "secure_delete", "on")?;
    db.pragma_update(None, "temp_store", "memory")?;
    // Checkpoints are made beside the writer, so that no commit waits for one.
    db.pragma_update(None, "wal_autocheckpoint", 0)?;
    // The log of writes stays as long as it was when it starts over: to cut it and let it grow again costs each time.
    db.pragma_update(None, "journal_size_limit", LOG_STAYS)?;
    Ok(db)
}

/// Looks often whether a lock is free again, for so long. SQLite's own pauses grow, up to a tenth of a second, and what a
/// writer waits for takes a few milliseconds.
pub(super) fn wait_for_locks(db: &mut Connection, patience: Duration) -> Result<(), StoreError> {
    let mut since = Instant::now();
    db.busy_handler(Some(move |looks: i32| {
        if looks == 0 {
            since = Instant::now();
        }
        thread::park_timeout(LOOKS_EVERY);
        since.elapsed() < patience
    }))?;
    Ok(())
}

/// Keeps statements prepared, as they were: planned for any value, and not anew for each.
fn keep_prepared(db: &Connection) -> Result<(), StoreError> {
    db.set_prepared_statement_cache_capacity(STATEMENTS);
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(())
}

/// Opens a connection that only reads.
pub(super) fn reading(file: &Path) -> Result<Connection, StoreError> {
    let db = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    db.busy_timeout(SERVER_WAITS)?;
    keep_prepared(&db)?;
    Ok(db)
}

/// Refuses a file of a newer schema or of another program, before anything in it is touched.
pub(super) fn known(file: &Path) -> Result<(), StoreError> {
    // A file that is not there, or is empty, is a new store.
    if std::fs::metadata(file).map_or(0, |found| found.len()) == 0 {
        return Ok(());
    }
    let db = Connection::open(file)?;
    db.busy_timeout(SERVER_WAITS)?;
    // It was made and never filled: a first start that was cut short.
    let tables: u32 = db.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if tables == 0 && numbers(&db)? == (0, 0) { Ok(()) } else { ours(&db, file) }
}

/// The schema of a file of ours; none where there is none.
pub(super) fn found(file: &Path) -> Result<Option<u32>, StoreError> {
    if std::fs::metadata(file).map_or(0, |found| found.len()) == 0 {
        return Ok(None);
    }
    let db = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    db.busy_timeout(SERVER_WAITS)?;
    Ok(match numbers(&db)? {
        (APPLICATION_ID, found) => Some(found),
        _ => None,
    })
}

/// Refuses a file of a newer schema, or one that is not ours.
pub(super) fn ours(db: &Connection, file: &Path) -> Result<(), StoreError> {
    match numbers(db)? {
        (APPLICATION_ID, 1..=SCHEMA) => Ok(()),
        (APPLICATION_ID, found) if found > SCHEMA => Err(StoreError::NewerSchema { found, known: SCHEMA }),
        _ => Err(StoreError::Corrupt(format!("{} is not a file of newswire's", file.display()))),
    }
}

/// By what a file says whose it is: the application's id and the schema.
fn numbers(db: &Connection) -> Result<(u32, u32), StoreError> {
    let application = db.pragma_query_value(None, "application_id", |row| row.get(0))?;
    Ok((application, db.pragma_query_value(None, "user_version", |row| row.get(0))?))
}

/// Makes the tables, if there are none yet, and brings those of an older schema up to date.
pub(super) fn create(db: &mut Connection) -> Result<(), StoreError> {
    // Immediate: where two start at once, the second one waits here and finds the tables made.
    let made = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    match numbers(&made)?.1 {
        0 => {
            made.execute_batch(TABLES)?;
            made.execute_batch(TABLES_2)?;
            made.pragma_update(None, "application_id", APPLICATION_ID)?;
        }
        1 => {
            made.execute_batch("ALTER TABLE keys RENAME TO keys_1; DROP INDEX keys_by_age;")?;
            made.execute_batch(TABLES_2)?;
            keys::carry_over(&made)?;
            made.execute_batch("DROP TABLE keys_1")?;
        }
        _ => return Ok(()),
    }
    made.pragma_update(None, "user_version", SCHEMA)?;
    Ok(made.commit()?)
}
