//! What ends by itself, and when. The entries of an item follow from its newest record.

use rusqlite::{Connection, params};

use super::rows::{integer, moment, uuid};
use crate::{
    news::{FeedId, Moment, Record, TimedEnd},
    store::{Due, StoreError, budget},
};

/// The entries at or before this moment, soonest first.
pub(super) fn by(db: &Connection, by: Moment) -> Result<Vec<Due>, StoreError> {
    let mut due = db.prepare_cached(
        "SELECT feed, item, what, until FROM due WHERE until <= ? ORDER BY until, feed, item, what LIMIT ?",
    )?;
    let mut found = due.query((by.millis(), integer(budget::ITEMS as u64)))?;
    let mut entries = Vec::new();
    while let Some(row) = found.next()? {
        let what = match row.get_ref(2)?.as_str().map_err(rusqlite::Error::from)? {
            "breaking" => TimedEnd::Breaking,
            "pin" => TimedEnd::Pin,
            other => return Err(StoreError::Corrupt(format!("{other:?} is nothing that ends"))),
        };
        let feed: String = row.get(0)?;
        let feed: FeedId = feed.parse().map_err(|error| StoreError::Corrupt(format!("{feed:?}: {error}")))?;
        entries.push(Due { feed, item: uuid(row, 1)?, what, until: moment(row, 3)? });
    }
    Ok(entries)
}

/// Makes the entries of an item those that follow from this record.
pub(super) fn put(db: &Connection, feed: &FeedId, record: &Record) -> Result<(), StoreError> {
    let (feed, id) = (feed.as_str(), record.id.as_bytes());
    db.prepare_cached("DELETE FROM due WHERE feed = ? AND item = ?")?.execute(params![feed, id])?;
    let mut due = db.prepare_cached("INSERT INTO due VALUES (?, ?, ?, ?)")?;
    for (what, until) in [("breaking", record.breaking_until), ("pin", record.pin.and_then(|pin| pin.until))] {
        if let Some(until) = until {
            due.execute(params![feed, id, what, until.millis()])?;
        }
    }
    Ok(())
}
