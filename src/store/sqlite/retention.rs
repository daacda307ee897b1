//! What ends by itself, and what a feed gives up: the due list, retention, deletion.

use rusqlite::{Connection, OptionalExtension, params};
use uuid::Uuid;

use super::{
    commit::append,
    floor::raise,
    rows::{self, integer, moment, number, unreadable, uuid},
};
use crate::{
    news::{FeedId, Kind, Moment, Position, TimedEnd, feed::Keep},
    store::{Due, StoreError, budget},
};

/// A day, in milliseconds.
const DAY: i64 = 24 * 60 * 60 * 1_000;

/// What ends at or before this moment, soonest first.
pub(super) fn due(db: &Connection, by: Moment) -> Result<Vec<Due>, StoreError> {
    let mut found =
        db.prepare_cached("SELECT feed, item, what, until FROM due WHERE until <= ? ORDER BY until LIMIT ?")?;
    let found = found.query_map(params![by.millis(), integer(budget::ITEMS as u64)], |row| {
        let what = match row.get_ref(2)?.as_str()? {
            "breaking" => TimedEnd::Breaking,
            "pin" => TimedEnd::Pin,
            _ => return Err(unreadable(2, "nothing of that name ends")),
        };
        let feed =
            row.get_ref(0)?.as_str()?.parse().map_err(|error: crate::news::feed::NotAFeedId| unreadable(0, error))?;
        Ok(Due { feed, item: uuid(row, 1)?, what, until: moment(row, 3)? })
    })?;
    Ok(found.collect::<Result<_, _>>()?)
}

/// Gives up a part of what is no longer kept. True: there is more.
pub(super) fn prune(db: &Connection, feed: &FeedId, keep: &Keep, now: Moment) -> Result<bool, StoreError> {
    let Some(row) = rows::feed(db, feed)? else { return Ok(false) };
    let head = row.state.head.seq;
    let oldest = keep.days.map_or(i64::MIN, |days| now.millis().saturating_sub(integer(days).saturating_mul(DAY)));
    let by_changes = keep.changes.map_or(1, |changes| (head + 1).saturating_sub(changes.max(1)));
    let by_days = match keep.days {
        Some(_) => above_the_last(db, feed, oldest)?,
        None => 1,
    };
    let by_items = match keep.items {
        Some(items) => oldest_change(db, feed, items)?,
        None => 1,
    };
    let floor = by_changes.max(by_days).max(by_items).min(head);
    if floor > row.state.floor {
        raise(db, feed, floor)?;
    }
    drop_items(db, feed, keep, floor.max(row.state.floor), oldest, now)
}

/// The seq after the newest change that was made before this time.
fn above_the_last(db: &Connection, feed: &FeedId, before: i64) -> Result<u64, StoreError> {
    // Times rise with the seq but for the steps of a clock, so the log need not be read whole.
    let mut newest = db.prepare_cached("SELECT seq FROM log WHERE feed = ? AND at >= ? ORDER BY seq LIMIT 1")?;
    let kept = newest.query_row(params![feed.as_str(), before], |row| number(row, 0)).optional()?;
    Ok(kept.unwrap_or(u64::MAX >> 1))
}

/// The oldest newest-change of the newest listed items; 1 where there are no more items than those.
fn oldest_change(db: &Connection, feed: &FeedId, items: u64) -> Result<u64, StoreError> {
    let mut oldest = db.prepare_cached(
        "SELECT count(*), min(last_seq) FROM (
             SELECT last_seq FROM items WHERE feed = ? AND status IN ('usable', 'canceled')
             ORDER BY published DESC, id DESC LIMIT ?)",
    )?;
    let (count, oldest): (i64, Option<i64>) =
        oldest.query_row(params![feed.as_str(), integer(items)], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let full = count >= integer(items);
    Ok(oldest.filter(|_| full).and_then(|seq| u64::try_from(seq).ok()).unwrap_or(1))
}

/// Drops a bounded number of items whose newest change is below the floor. True: there are more.
fn drop_items(
    db: &Connection,
    feed: &FeedId,
    keep: &Keep,
    floor: u64,
    oldest: i64,
    now: Moment,
) -> Result<bool, StoreError> {
    if keep.items.is_none() && keep.days.is_none() {
        return Ok(false);
    }
    // The last of the items that are kept by their number; what is older goes.
    let last: Option<(i64, [u8; 16])> = match keep.items {
        Some(items) => db
            .prepare_cached(
                "SELECT published, id FROM items WHERE feed = ? AND status IN ('usable', 'canceled')
                 ORDER BY published DESC, id DESC LIMIT 1 OFFSET ?",
            )?
            .query_row(params![feed.as_str(), integer(items.saturating_sub(1))], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?,
        None => None,
    };
    let (published, id) = last.unwrap_or((i64::MIN, [0; 16]));
    let mut found = db.prepare_cached(
        "SELECT id FROM items WHERE feed = ?1 AND last_seq < ?2 AND (published < ?3 OR (published, id) < (?4, ?5))
         AND NOT (pin IS NOT NULL AND (pin_until IS NULL OR pin_until > ?6))
         AND NOT EXISTS (SELECT 1 FROM due WHERE due.feed = items.feed AND due.item = items.id)
         ORDER BY last_seq LIMIT ?7",
    )?;
    let params =
        params![feed.as_str(), integer(floor), oldest, published, id, now.millis(), integer(budget::DROPPED as u64)];
    let ids: Vec<Uuid> = found.query_map(params, |row| uuid(row, 0))?.collect::<Result<_, _>>()?;
    for id in &ids {
        for table in ["items", "versions"] {
            let mut drop = db.prepare_cached(&format!("DELETE FROM {table} WHERE feed = ? AND id = ?"))?;
            drop.execute(params![feed.as_str(), id.as_bytes()])?;
        }
    }
    Ok(ids.len() == budget::DROPPED)
}

/// Deletes a feed with everything in it. False if there is none.
pub(super) fn delete_feed(db: &Connection, feed: &FeedId, now: Moment) -> Result<bool, StoreError> {
    let Some(row) = rows::feed(db, feed)? else { return Ok(false) };
    // What is trimmed makes the keeper empty the log of writes.
    raise(db, feed, row.state.head.seq + 1)?;
    for table in [
        "feeds WHERE id",
        "items WHERE feed",
        "versions WHERE feed",
        "alt_ids WHERE feed",
        "due WHERE feed",
        "keys WHERE feed",
    ] {
        db.execute(&format!("DELETE FROM {table} = ?"), [feed.as_str()])?;
    }
    // By this entry, before the first of any feed that is made again under the id, followers know to look.
    let head = Position { seq: 0, mark: row.state.head.mark };
    append(db, feed, head, Kind::FeedUpdated, now, None)?;
    Ok(true)
}
