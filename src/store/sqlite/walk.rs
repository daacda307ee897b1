//! Walking a feed: what changed after a position, and the log itself. Every read is one view.

use rusqlite::{Connection, OptionalExtension, params};
use uuid::Uuid;

use super::rows::{self, Budget, FeedRow, integer, kind, number, record, record_columns};
use crate::{
    news::{After, Change, FeedId, Mark, Position},
    store::{Changed, Entry, Log, Lost, StoreError, budget},
};

/// What changed after a position.
pub(super) fn changed(db: &Connection, feed: &FeedId, after: After) -> Result<Result<Changed, Lost>, StoreError> {
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
    // The feed's own change costs next to nothing, so it counts as an entry without bytes.
    let limit = integer(budget.items() as u64);
    let mut full = false;
    for record in newest.query_map(params![feed.as_str(), integer(after), limit], record)? {
        let record = record?;
        if let Some(change) = own.take_if(|own| own.position.seq < record.last_seq) {
            full = !budget.takes(0);
            changes.extend((!full).then_some(change));
        }
        full = full || !budget.takes(record.story.len());
        if full {
            break;
        }
        changes.push(Change::of_item(record));
    }
    if let Some(change) = own
        && !full
        && budget.takes(0)
    {
        changes.push(change);
    }
    let last = changes.last().map_or(after, |change| change.position.seq);
    let more = last < row.state.head.seq;
    let reached = changes.last().filter(|_| more).map_or(row.state.head, |change| change.position);
    Ok(Ok(Changed { changes, reached, more, state: row.state }))
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
