//! Giving up what a feed no longer keeps, and all of a feed that is deleted.
//!
//! What may go is looked for by a connection that reads, so that no commit waits for the search. The writer looks again
//! at what can have changed meanwhile: an item that did has a newest change above the floor.

use rusqlite::{Connection, OptionalExtension, params};
use uuid::Uuid;

use super::{
    floor, keys,
    rows::{self, integer, number, uuid},
};
use crate::{
    news::{FeedId, Moment, feed::Keep},
    store::{Committed, Conflict, Once, StoreError, budget, used_id},
};

/// Milliseconds of a day.
const DAY: i64 = 24 * 60 * 60 * 1000;

/// What may be given up of a feed.
pub(super) struct Plan {
    /// The floor that its log shall have.
    floor: u64,
    /// Items that may be dropped once the log has that floor.
    items: Vec<Uuid>,
    /// Whether there are more of these.
    more: bool,
}

/// Where the newest listed items end that a feed keeps.
enum Listed {
    /// There are fewer of them, or they are not counted.
    All,
    /// After this one, by (published, id) descending; its items' newest changes begin with this seq.
    To(i64, Uuid, u64),
    /// None is kept.
    None,
}

/// Looks for what may be given up. None where there is nothing.
pub(super) fn plan(db: &Connection, feed: &FeedId, keep: &Keep, now: Moment) -> Result<Option<Plan>, StoreError> {
    let Some(row) = rows::feed(db, feed)? else { return Ok(None) };
    let head = row.state.head.seq;
    let mut floor = row.state.floor;
    if let Some(changes) = keep.changes {
        floor = floor.max((head + 1).saturating_sub(changes.max(1)));
    }
    let oldest = keep.days.map(|days| now.millis().saturating_sub(integer(days).saturating_mul(DAY)));
    if let Some(oldest) = oldest {
        // From the end: clocks that are set back may leave an old entry above a young one.
        let mut old = db.prepare_cached("SELECT seq FROM log WHERE feed = ? AND at < ? ORDER BY seq DESC LIMIT 1")?;
        let old = old.query_row(params![feed.as_str(), oldest], |row| number(row, 0)).optional()?;
        floor = floor.max(old.map_or(0, |seq| seq + 1));
    }
    let listed = listed(db, feed, keep.items)?;
    match listed {
        Listed::All => {}
        Listed::To(_, _, seq) => floor = floor.max(seq),
        Listed::None => floor = head,
    }
    let floor = floor.min(head);
    let mut items = match (oldest, keep.items) {
        (None, None) => Vec::new(),
        _ => droppable(db, feed, floor, oldest, keep.items.is_some().then_some(&listed), now)?,
    };
    let more = items.len() > budget::DROPPED;
    items.truncate(budget::DROPPED);
    let nothing = floor == row.state.floor && items.is_empty();
    Ok((!nothing).then_some(Plan { floor, items, more }))
}

/// Where the newest so many listed items end.
fn listed(db: &Connection, feed: &FeedId, keep: Option<u64>) -> Result<Listed, StoreError> {
    let Some(keep) = keep else { return Ok(Listed::All) };
    if keep == 0 {
        return Ok(Listed::None);
    }
    let mut last = db.prepare_cached(
        "SELECT published, id FROM items WHERE feed = ? AND status IN ('usable', 'canceled')
         ORDER BY published DESC, id DESC LIMIT 1 OFFSET ?",
    )?;
    let last = last
        .query_row(params![feed.as_str(), integer(keep - 1)], |row| Ok((row.get::<_, i64>(0)?, uuid(row, 1)?)))
        .optional()?;
    let Some((published, id)) = last else { return Ok(Listed::All) };
    let mut oldest = db.prepare_cached(
        "SELECT min(last_seq) FROM items WHERE feed = ? AND status IN ('usable', 'canceled')
         AND (published, id) >= (?, ?)",
    )?;
    let seq = oldest.query_row(params![feed.as_str(), published, id.as_bytes()], |row| number(row, 0))?;
    Ok(Listed::To(published, id, seq))
}

/// Items whose newest change is below the floor and which are old, or not among the newest listed ones; one more than
/// are dropped at once.
fn droppable(
    db: &Connection,
    feed: &FeedId,
    floor: u64,
    oldest: Option<i64>,
    listed: Option<&Listed>,
    now: Moment,
) -> Result<Vec<Uuid>, StoreError> {
    // What is hidden is never among the listed; of the listed, those before the last that is kept are not.
    let (hidden, published, id) = match listed {
        None => (false, i64::MIN, Uuid::nil()),
        Some(Listed::All) => (true, i64::MIN, Uuid::nil()),
        Some(Listed::To(published, id, _)) => (true, *published, *id),
        Some(Listed::None) => (true, i64::MAX, Uuid::max()),
    };
    let mut found = db.prepare_cached(
        "SELECT id FROM items WHERE feed = ?1 AND last_seq < ?2
         AND (published < ?3 OR (?4 AND status NOT IN ('usable', 'canceled')) OR (published, id) < (?5, ?6))
         AND NOT (pin IS NOT NULL AND (pin_until IS NULL OR pin_until > ?7))
         AND NOT EXISTS (SELECT 1 FROM due WHERE due.feed = items.feed AND due.item = items.id)
         ORDER BY last_seq LIMIT ?8",
    )?;
    let found = found.query_map(
        params![
            feed.as_str(),
            integer(floor),
            oldest.unwrap_or(i64::MIN),
            hidden,
            published,
            id.as_bytes(),
            now.millis(),
            integer(budget::DROPPED as u64 + 1)
        ],
        |row| uuid(row, 0),
    )?;
    Ok(found.collect::<Result<_, _>>()?)
}

/// Carries a plan out, except where the feed has changed meanwhile. True: there is more to give up.
pub(super) fn carry_out(db: &Connection, feed: &FeedId, plan: &Plan) -> Result<bool, StoreError> {
    let Some(row) = rows::feed(db, feed)? else { return Ok(false) };
    // Above the head where the feed was deleted and made again, or is an older one put back: then it waits.
    if plan.floor > row.state.head.seq {
        return Ok(true);
    }
    if plan.floor > row.state.floor {
        floor::raise(db, feed, plan.floor)?;
    }
    let mut item = db.prepare_cached("DELETE FROM items WHERE feed = ? AND id = ? AND last_seq < ?")?;
    let mut versions = db.prepare_cached("DELETE FROM versions WHERE feed = ? AND id = ?")?;
    // Its id is never used again.
    let mut used = db.prepare_cached("INSERT OR IGNORE INTO alt_ids VALUES (?, ?, ?)")?;
    for id in &plan.items {
        if item.execute(params![feed.as_str(), id.as_bytes(), integer(plan.floor)])? == 1 {
            versions.execute(params![feed.as_str(), id.as_bytes()])?;
            used.execute(params![feed.as_str(), used_id(*id), id.as_bytes()])?;
        }
    }
    Ok(plan.more)
}

/// Deletes a feed with everything in it, once for each key.
///
/// It takes a number of the log, as a change would, and tells it as trimmed: so every follower is in doubt, and the
/// keeper empties the write-ahead log.
pub(super) fn delete(
    db: &Connection,
    feed: &FeedId,
    once: Option<&Once>,
    now: Moment,
) -> Result<Result<Committed, Conflict>, StoreError> {
    keys::once(db, feed, once, now, || {
        let Some(row) = rows::feed(db, feed)? else { return Ok(Err(Conflict::NoFeed)) };
        db.execute("DELETE FROM feeds WHERE id = ?", [feed.as_str()])?;
        clear(db, feed)?;
        doubt(db)?;
        Ok(Ok((Uuid::nil(), 0, row.state.head)))
    })
}

/// Deletes whatever is kept under a feed's id, but for the keys of what was asked of the feed itself.
pub(super) fn clear(db: &Connection, feed: &FeedId) -> Result<(), StoreError> {
    for table in ["log", "items", "versions", "alt_ids", "due"] {
        db.execute(&format!("DELETE FROM {table} WHERE feed = ?"), [feed.as_str()])?;
    }
    db.execute("DELETE FROM keys WHERE feed = ? AND item <> ?", params![feed.as_str(), Uuid::nil().as_bytes()])?;
    Ok(())
}

/// Makes every follower check where each feed stands.
pub(super) fn doubt(db: &Connection) -> Result<(), StoreError> {
    db.execute("UPDATE sqlite_sequence SET seq = seq + 1 WHERE name = 'log'", [])?;
    db.execute("UPDATE whole SET trimmed = coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'log'), 0)", [])?;
    Ok(())
}
