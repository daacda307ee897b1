//! Walking a feed: what changed after a position, and the log itself. Every read is one view.

use rusqlite::{Connection, OptionalExtension, params};
use uuid::Uuid;

use super::rows::{self, Budget, FeedRow, integer, kind, number, record, record_columns};
use crate::{
    news::{After, Change, FeedId, Filter, Mark, Position},
    store::{Changed, Entry, Log, Lost, StoreError, budget},
};

/// What changed after a position.
pub(super) fn changed(
    db: &Connection,
    feed: &FeedId,
    after: After,
    filter: Option<&Filter>,
) -> Result<Result<Changed, Lost>, StoreError> {
    let Some(row) = rows::feed(db, feed)? else { return Ok(Err(Lost::Gone)) };
    let after = match after {
        After::First if row.state.floor > 1 => return Ok(Err(Lost::Trimmed)),
        After::First => 0,
        After::Position(position) => match verify(db, feed, &row, position)? {
            Ok(()) => position.seq,
            Err(lost) => return Ok(Err(lost)),
        },
    };
    let mut own = (row.own_seq() > after).then(|| row.own_change());
    let mut budget = Budget::of(budget::ITEMS);
    let mut changes: Vec<Change> = Vec::new();
    let mut newest = db.prepare_cached(concat!(
        "SELECT ",
        record_columns!(),
        " FROM items WHERE feed = ? AND last_seq > ? ORDER BY last_seq LIMIT ?"
    ))?;
    let limit = if filter.is_some() { budget::LOOKED_AT } else { budget.items() };
    let mut found = newest.query(params![feed.as_str(), integer(after), integer(limit as u64)])?;
    // How far it came, and whether anything is left that it did not look at.
    let mut passed = None;
    let mut looked_at = 0;
    let mut full = false;
    while let Some(item) = found.next()? {
        let at = rows::newest_change(item)?;
        // The feed's own change costs next to nothing, so it counts as an entry without bytes.
        if let Some(change) = own.take_if(|own| own.position.seq < at.seq) {
            full = !budget.takes(0);
            changes.extend((!full).then_some(change));
        }
        let hidden = filter.map_or(Ok(false), |filter| rows::hidden(item, filter))?;
        if !full && !hidden {
            let record = record(item)?;
            full = !budget.takes(record.story.len());
            changes.extend((!full).then(|| Change::of_item(record)));
        }
        if full {
            break;
        }
        looked_at += 1;
        passed = Some(at);
    }
    let mut all = !full && looked_at < limit;
    if let Some(change) = own.filter(|_| all) {
        all = budget.takes(0);
        changes.extend(all.then_some(change));
    }
    let last = changes.last().map(|change| change.position);
    let furthest = last.into_iter().chain(passed).max_by_key(|position| position.seq);
    let reached = furthest.filter(|_| !all).unwrap_or(row.state.head);
    Ok(Ok(Changed { changes, reached, more: reached != row.state.head, state: row.state }))
}

/// The log after a position.
pub(super) fn log(db: &Connection, feed: &FeedId, after: Position) -> Result<Result<Log, Lost>, StoreError> {
    let Some(row) = rows::feed(db, feed)? else { return Ok(Err(Lost::Gone)) };
    if let Err(lost) = verify(db, feed, &row, after)? {
        return Ok(Err(lost));
    }
    let mut budget = Budget::of(budget::ITEMS);
    let mut entries = Vec::new();
    let mut part =
        db.prepare_cached("SELECT seq, mark, kind, item FROM log WHERE feed = ? AND seq > ? ORDER BY seq LIMIT ?")?;
    // An item's record stands with its newest change alone, found by the seq of that change.
    let mut newest =
        db.prepare_cached(concat!("SELECT ", record_columns!(), " FROM items WHERE feed = ? AND last_seq = ?"))?;
    let limit = integer(budget.items() as u64);
    let mut found = part.query(params![feed.as_str(), integer(after.seq), limit])?;
    while let Some(entry) = found.next()? {
        let position = Position { seq: number(entry, 0)?, mark: Mark(entry.get(1)?) };
        let item = entry.get::<_, Option<[u8; 16]>>(3)?.map(Uuid::from_bytes);
        let (change, bytes) = if item.is_some() {
            let record = newest.query_row(params![feed.as_str(), integer(position.seq)], record).optional()?;
            let bytes = record.as_ref().map_or(0, |record| record.story.len());
            (record.map(Change::of_item), bytes)
        } else {
            ((row.own_seq() == position.seq).then(|| row.own_change()), 0)
        };
        if !budget.takes(bytes) {
            break;
        }
        entries.push(Entry { position, kind: kind(entry, 2)?, item, change });
    }
    Ok(Ok(Log { entries, state: row.state }))
}

/// The position of the change with this number.
pub(super) fn position(db: &Connection, feed: &FeedId, seq: u64) -> Result<Option<Position>, StoreError> {
    let mut entry = db.prepare_cached("SELECT mark FROM log WHERE feed = ? AND seq = ?")?;
    let mark = entry.query_row(params![feed.as_str(), integer(seq)], |row| row.get(0)).optional()?;
    Ok(mark.map(|mark| Position { seq, mark: Mark(mark) }))
}

/// Whether a position is one of this feed and can be gone on from.
fn verify(db: &Connection, feed: &FeedId, row: &FeedRow, at: Position) -> Result<Result<(), Lost>, StoreError> {
    let state = &row.state;
    if at.seq < state.cut || at.seq > state.head.seq {
        return Ok(Err(Lost::Changed));
    }
    if at.seq < state.floor {
        return Ok(Err(Lost::Trimmed));
    }
    let same = position(db, feed, at.seq)? == Some(at);
    Ok(if same { Ok(()) } else { Err(Lost::Changed) })
}
