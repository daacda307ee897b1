//! From an older schema to the present one, step by step, in one transaction with everything else of an opening.

use rusqlite::{Connection, params};

use super::rows::uuid;
use crate::store::{Once, StoreError};

/// Brings the tables from this schema to the newest.
pub(super) fn migrate(db: &Connection, from: u32) -> Result<(), StoreError> {
    if from < 2 {
        to_2(db)?;
    }
    Ok(())
}

/// Schema 2 knows idempotency keys by a hash instead of by the client's own text, and has a place for secrets.
fn to_2(db: &Connection) -> Result<(), StoreError> {
    db.execute_batch(
        "DROP INDEX keys_by_age;
         ALTER TABLE keys RENAME TO keys_1;
         CREATE TABLE keys (
             feed TEXT NOT NULL, name BLOB NOT NULL, hash BLOB NOT NULL, item BLOB NOT NULL, version INTEGER NOT NULL,
             seq INTEGER NOT NULL, mark INTEGER NOT NULL, used INTEGER NOT NULL, PRIMARY KEY (feed, name)
         ) STRICT;
         CREATE INDEX keys_by_age ON keys (used);
         CREATE TABLE secrets (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT;",
    )?;
    let mut old = db.prepare("SELECT feed, token, key, hash, item, version, seq, mark, used FROM keys_1")?;
    let mut new = db.prepare("INSERT INTO keys VALUES (?, ?, ?, ?, ?, ?, ?, ?)")?;
    let mut rows = old.query([])?;
    while let Some(row) = rows.next()? {
        let name = Once::name(&row.get::<_, String>(1)?, &row.get::<_, String>(2)?);
        new.execute(params![
            row.get::<_, String>(0)?,
            name,
            row.get::<_, Vec<u8>>(3)?,
            uuid(row, 4)?.as_bytes(),
            row.get::<_, i64>(5)?,
            row.get::<_, i64>(6)?,
            row.get::<_, i64>(7)?,
            row.get::<_, i64>(8)?,
        ])?;
    }
    drop(rows);
    drop(old);
    Ok(db.execute_batch("DROP TABLE keys_1")?)
}
