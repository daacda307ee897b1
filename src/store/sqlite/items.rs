//! Items as they read now, page by page, and the versions they had.

use rusqlite::{CachedStatement, Connection, OptionalExtension, Row, params};
use uuid::Uuid;

use super::rows::{self, Budget, integer, json, record, record_columns};
use crate::{
    news::{Cursor, Ever, FeedId, Filter, Moment, Record},
    store::{Hash, Page, StoreError, Version, budget},
};

/// Whether a row is pinned at the time `?2`.
macro_rules! is_pinned {
    () => {
        "(pin IS NOT NULL AND (pin_until IS NULL OR pin_until > ?2))"
    };
}

/// One item, whatever its status.
pub(super) fn item(db: &Connection, feed: &FeedId, id: Uuid) -> Result<Option<Record>, StoreError> {
    let mut found =
        db.prepare_cached(concat!("SELECT ", record_columns!(), " FROM items WHERE feed = ? AND id = ?"))?;
    Ok(found.query_row(params![feed.as_str(), id.as_bytes()], record).optional()?)
}

/// The item that has, or had, the altId with this hash.
pub(super) fn by_alt_id(db: &Connection, feed: &FeedId, hash: &Hash) -> Result<Option<Uuid>, StoreError> {
    let mut owner = db.prepare_cached("SELECT item FROM alt_ids WHERE feed = ? AND hash = ?")?;
    Ok(owner.query_row(params![feed.as_str(), hash], |row| rows::uuid(row, 0)).optional()?)
}

/// An item's versions above `after`.
pub(super) fn versions(db: &Connection, feed: &FeedId, id: Uuid, after: u64) -> Result<Vec<Version>, StoreError> {
    let mut budget = Budget::of(budget::ITEMS);
    let mut found = db.prepare_cached(concat!(
        "SELECT ",
        record_columns!(),
        ", who, fields FROM versions WHERE feed = ? AND id = ? AND version > ? ORDER BY version LIMIT ?"
    ))?;
    let limit = integer(budget.items() as u64);
    let mut versions = Vec::new();
    let found = found.query_map(params![feed.as_str(), id.as_bytes(), integer(after), limit], version)?;
    for version in found {
        let version = version?;
        if !budget.takes(version.record.story.len()) {
            break;
        }
        versions.push(version);
    }
    Ok(versions)
}

/// The versions of all items of a feed above one of them, by item and version.
pub(super) fn versions_of_all(db: &Connection) -> Result<CachedStatement<'_>, StoreError> {
    Ok(db.prepare_cached(concat!(
        "SELECT ",
        record_columns!(),
        ", who, fields FROM versions WHERE feed = ? AND (id, version) > (?, ?) ORDER BY id, version LIMIT ?"
    ))?)
}

/// Reads a version from such a row.
pub(super) fn version(row: &Row<'_>) -> rusqlite::Result<Version> {
    Ok(Version { record: record(row)?, who: row.get(15)?, fields: json(row, 16)? })
}

/// Which page of a feed is wanted.
pub(super) struct Wanted<'a> {
    /// Older than this; none: the first page.
    pub(super) before: Option<Cursor>,
    /// At most so many items.
    pub(super) limit: usize,
    /// Those that it lets pass.
    pub(super) filter: Option<&'a Filter>,
}

/// A page of listed items, and the pinned ones with the first.
pub(super) fn page(
    db: &Connection,
    feed: &FeedId,
    wanted: &Wanted<'_>,
    now: Moment,
) -> Result<Option<Page>, StoreError> {
    let Some(row) = rows::feed(db, feed)? else { return Ok(None) };
    let passes = |ever: &Ever| wanted.filter.is_none_or(|filter| filter.ever(ever));
    let mut pinned = if wanted.before.is_none() { pinned(db, feed, now)? } else { Vec::new() };
    pinned.retain(|record| passes(&record.ever));
    let (published, id) = match wanted.before {
        Some(cursor) => (cursor.published.millis(), cursor.id),
        None => (i64::MAX, Uuid::max()),
    };
    let mut budget = Budget::of(wanted.limit);
    // What a filter hides is looked at without its story, which may fill pages of its own.
    let mut looks = db.prepare_cached(concat!(
        "SELECT published, id, ever FROM items WHERE feed = ?1 AND status IN ('usable', 'canceled') AND NOT ",
        is_pinned!(),
        " AND (published, id) < (?3, ?4) ORDER BY published DESC, id DESC LIMIT ?5"
    ))?;
    // One more than may be looked at tells whether another page follows.
    let one_more = integer(budget::LOOKED_AT as u64 + 1);
    let (mut items, mut looked, mut last, mut follows) = (Vec::new(), 0, None, false);
    let mut found = looks.query(params![feed.as_str(), now.millis(), published, id.as_bytes(), one_more])?;
    while let Some(look) = found.next()? {
        let cursor = Cursor { published: rows::moment(look, 0)?, id: rows::uuid(look, 1)? };
        if looked == budget::LOOKED_AT {
            follows = true;
            break;
        }
        looked += 1;
        if wanted.filter.is_none() || passes(&json(look, 2)?) {
            let record = item(db, feed, cursor.id)?
                .ok_or_else(|| StoreError::Corrupt(format!("no item {} in one view of the file", cursor.id)))?;
            if !budget.takes(record.story.len()) {
                follows = true;
                break;
            }
            items.push(record);
        }
        last = Some(cursor);
    }
    Ok(Some(Page { pinned, items, before: last.filter(|_| follows), state: row.state }))
}

/// When the oldest listed item was published.
pub(super) fn began(db: &Connection, feed: &FeedId) -> Result<Option<Moment>, StoreError> {
    let mut oldest = db.prepare_cached(
        "SELECT published FROM items WHERE feed = ? AND status IN ('usable', 'canceled') ORDER BY published, id LIMIT 1",
    )?;
    Ok(oldest.query_row([feed.as_str()], |row| rows::moment(row, 0)).optional()?)
}

/// The pinned items by position. There are three places at most, so they need no budget.
fn pinned(db: &Connection, feed: &FeedId, now: Moment) -> Result<Vec<Record>, StoreError> {
    let mut found = db.prepare_cached(concat!(
        "SELECT ",
        record_columns!(),
        " FROM items WHERE feed = ?1 AND status IN ('usable', 'canceled') AND ",
        is_pinned!(),
        " ORDER BY pin, published DESC, id DESC"
    ))?;
    let found = found.query_map(params![feed.as_str(), now.millis()], record)?;
    Ok(found.collect::<Result<_, _>>()?)
}
