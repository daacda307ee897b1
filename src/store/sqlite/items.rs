//! Items as they read now, page by page, and the versions they had.

use rusqlite::{Connection, OptionalExtension, params};
use uuid::Uuid;

use super::rows::{self, Budget, integer, json, record, record_columns};
use crate::{
    news::{Cursor, FeedId, Moment, Record},
    store::{Page, StoreError, Version, budget},
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
    let found = found.query_map(params![feed.as_str(), id.as_bytes(), integer(after), limit], |row| {
        Ok(Version { record: record(row)?, who: row.get(15)?, fields: json(row, 16)? })
    })?;
    for version in found {
        let version = version?;
        if !budget.takes(version.record.story.len()) {
            break;
        }
        versions.push(version);
    }
    Ok(versions)
}

/// A page of listed items, and the pinned ones with the first.
pub(super) fn page(
    db: &Connection,
    feed: &FeedId,
    before: Option<Cursor>,
    limit: usize,
    now: Moment,
) -> Result<Option<Page>, StoreError> {
    let Some(row) = rows::feed(db, feed)? else { return Ok(None) };
    let pinned = if before.is_none() { pinned(db, feed, now)? } else { Vec::new() };
    let (published, id) = match before {
        Some(cursor) => (cursor.published.millis(), cursor.id),
        None => (i64::MAX, Uuid::max()),
    };
    let mut budget = Budget::of(limit);
    let mut found = db.prepare_cached(concat!(
        "SELECT ",
        record_columns!(),
        " FROM items WHERE feed = ?1 AND status IN ('usable', 'canceled') AND NOT ",
        is_pinned!(),
        " AND (published, id) < (?3, ?4) ORDER BY published DESC, id DESC LIMIT ?5"
    ))?;
    // One more than fits tells whether another page follows.
    let one_more = integer(budget.items() as u64 + 1);
    let mut items: Vec<Record> = Vec::new();
    let mut follows = false;
    let found = found.query_map(params![feed.as_str(), now.millis(), published, id.as_bytes(), one_more], record)?;
    for record in found {
        let record = record?;
        if !budget.takes(record.story.len()) {
            follows = true;
            break;
        }
        items.push(record);
    }
    let before = items.last().filter(|_| follows).map(|last| Cursor { published: last.published, id: last.id });
    Ok(Some(Page { pinned, items, before, state: row.state }))
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
