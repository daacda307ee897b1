//! Idempotency keys: what each stands for, for as long as it is remembered. They hold hashes and no text.

use rusqlite::{Connection, OptionalExtension, Row, params};
use uuid::Uuid;

use super::rows::{integer, number, uuid};
use crate::{
    news::{FeedId, Mark, Moment, Position},
    store::{Committed, Conflict, Hash, KEY_KEPT, Once, Remembered, StoreError},
};

/// Carries out what a key has not carried out before, and remembers which item and version came of it, and where.
pub(super) fn once(
    db: &Connection,
    feed: &FeedId,
    once: Option<&Once>,
    now: Moment,
    carry_out: impl FnOnce() -> Result<Result<(Uuid, u64, Position), Conflict>, StoreError>,
) -> Result<Result<Committed, Conflict>, StoreError> {
    if let Some(once) = once
        && let Some(before) = recall(db, feed, &once.token, &once.key, now)?
    {
        let same = before.hash == once.hash;
        return Ok(if same { Ok(Committed::Before(before)) } else { Err(Conflict::KeyReused) });
    }
    let (item, version, position) = match carry_out()? {
        Ok(done) => done,
        Err(conflict) => return Ok(Err(conflict)),
    };
    if let Some(once) = once {
        remember(db, feed, once, &Remembered { hash: once.hash, item, version, position }, now)?;
    }
    Ok(Ok(Committed::Now(position)))
}

/// The moment at or before which a key must have been used to be forgotten.
pub(super) fn forgotten(now: Moment) -> i64 {
    let kept = i64::try_from(KEY_KEPT.as_millis()).expect("a day in milliseconds is a small number");
    now.millis() - kept
}

/// What a key stands for.
pub(super) fn recall(
    db: &Connection,
    feed: &FeedId,
    token: &str,
    key: &str,
    now: Moment,
) -> Result<Option<Remembered>, StoreError> {
    let mut found =
        db.prepare_cached("SELECT hash, item, version, seq, mark FROM keys WHERE feed = ? AND name = ? AND used > ?")?;
    let remembered = found.query_row(params![feed.as_str(), Once::name(token, key), forgotten(now)], remembered);
    Ok(remembered.optional()?)
}

/// Reads what a key stands for from the columns `hash, item, version, seq, mark`.
pub(super) fn remembered(row: &Row<'_>) -> rusqlite::Result<Remembered> {
    let position = Position { seq: number(row, 3)?, mark: Mark(row.get(4)?) };
    Ok(Remembered { hash: row.get(0)?, item: uuid(row, 1)?, version: number(row, 2)?, position })
}

/// Remembers, unless the key is taken by a request that is not yet forgotten.
pub(super) fn remember(
    db: &Connection,
    feed: &FeedId,
    once: &Once,
    done: &Remembered,
    now: Moment,
) -> Result<(), StoreError> {
    if recall(db, feed, &once.token, &once.key, now)?.is_some() {
        return Ok(());
    }
    put(db, feed, &Once::name(&once.token, &once.key), done, now)
}

/// Writes a key, used at that time.
pub(super) fn put(
    db: &Connection,
    feed: &FeedId,
    name: &Hash,
    done: &Remembered,
    used: Moment,
) -> Result<(), StoreError> {
    let mut kept = db.prepare_cached("INSERT OR REPLACE INTO keys VALUES (?, ?, ?, ?, ?, ?, ?, ?)")?;
    kept.execute(params![
        feed.as_str(),
        name,
        done.hash,
        done.item.as_bytes(),
        integer(done.version),
        integer(done.position.seq),
        done.position.mark.0,
        used.millis(),
    ])?;
    Ok(())
}

/// Gives the keys of a file of schema 1, which hold the clients' texts, the names by which they are known since.
pub(super) fn carry_over(db: &Connection) -> Result<(), StoreError> {
    let mut old = db.prepare("SELECT rowid, token, key FROM keys_1")?;
    let mut keep = db
        .prepare("INSERT INTO keys SELECT feed, ?, hash, item, version, seq, mark, used FROM keys_1 WHERE rowid = ?")?;
    let mut found = old.query([])?;
    while let Some(row) = found.next()? {
        let (token, key): (String, String) = (row.get(1)?, row.get(2)?);
        keep.execute(params![Once::name(&token, &key), row.get::<_, i64>(0)?])?;
    }
    Ok(())
}

/// Drops at most so many keys that are forgotten. Called with every group of commits for more than they can bring, it
/// keeps the table small without ever taking long.
pub(super) fn forget_old(db: &Connection, now: Moment, at_most: usize) -> Result<(), StoreError> {
    let mut drop = db.prepare_cached(
        "DELETE FROM keys WHERE rowid IN (SELECT rowid FROM keys WHERE used <= ? ORDER BY used LIMIT ?)",
    )?;
    drop.execute(params![forgotten(now), integer(at_most as u64)])?;
    Ok(())
}
