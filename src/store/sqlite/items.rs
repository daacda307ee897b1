//! Items as they read now, page by page, and the versions they had.

use rusqlite::{Connection, OptionalExtension, params};
use uuid::Uuid;

use super::rows::{self, Budget, integer, json, record, record_columns};
use crate::{
    news::{Cursor, FeedId, Filter, Moment, Record},
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
    filter: Option<&Filter>,
    now: Moment,
) -> Result<Option<Page>, StoreError> {
    let Some(row) = rows::feed(db, feed)? else { return Ok(None) };
    let mut pinned = if before.is_none() { pinned(db, feed, now)? } else { Vec::new() };
    if let Some(filter) = filter {
        pinned.retain(|record| filter.ever(&record.ever));
    }
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
    let limit = if filter.is_some() { budget::LOOKED_AT } else { budget.items() } + 1;
    let (mut items, mut passed, mut looked_at) = (Vec::new(), None, 0);
    let mut follows = false;
    let params = params![feed.as_str(), now.millis(), published, id.as_bytes(), integer(limit as u64)];
    let mut found = found.query(params)?;
    while let Some(row) = found.next()? {
        looked_at += 1;
        let hidden = filter.map_or(Ok(false), |filter| rows::hidden(row, filter))?;
        let record = if hidden { None } else { Some(record(row)?) };
        let fits = record.as_ref().is_none_or(|record| budget.takes(record.story.len()));
        if looked_at == limit || !fits {
            follows = true;
            break;
        }
        passed = Some(Cursor { published: rows::moment(row, 8)?, id: rows::uuid(row, 0)? });
        items.extend(record);
    }
    let before = passed.filter(|_| follows);
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
