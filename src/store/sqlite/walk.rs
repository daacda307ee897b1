//! Walking a feed: what changed after a position, and the log itself. Every read is one view.

use rusqlite::{Connection, OptionalExtension, Row, params};
use uuid::Uuid;

use super::rows::{self, Budget, FeedRow, integer, json, kind, number, record, record_columns};
use crate::{
    news::{After, Change, FeedId, Filter, Mark, Position, Status},
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
    // What a filter hides is looked at without its story, which may fill pages of its own.
    let mut looks = db.prepare_cached(
        "SELECT last_seq, mark, status, ever FROM items WHERE feed = ? AND last_seq > ? ORDER BY last_seq LIMIT ?",
    )?;
    let mut newest =
        db.prepare_cached(concat!("SELECT ", record_columns!(), " FROM items WHERE feed = ? AND last_seq = ?"))?;
    let (mut looked, mut full) = (0, false);
    let mut reached = None;
    let mut found = looks.query(params![feed.as_str(), integer(after), integer(budget::LOOKED_AT as u64)])?;
    while let Some(look) = found.next()? {
        let position = Position { seq: number(look, 0)?, mark: Mark(look.get(1)?) };
        looked += 1;
        // The feed's own change costs next to nothing, so it counts as an entry without bytes.
        if let Some(change) = own.take_if(|own| own.position.seq < position.seq) {
            full = !budget.takes(0);
            if !full {
                reached = Some(change.position);
                changes.push(change);
            }
        }
        if !full && shown(look, filter)? {
            let record = newest.query_row(params![feed.as_str(), integer(position.seq)], record)?;
            full = !budget.takes(record.story.len());
            if !full {
                changes.push(Change::of_item(record));
            }
        }
        if full {
            break;
        }
        reached = Some(position);
    }
    if let Some(change) = own
        && !full
        && looked < budget::LOOKED_AT
        && budget.takes(0)
    {
        reached = Some(change.position);
        changes.push(change);
    }
    let more = reached.map_or(after, |reached| reached.seq) < row.state.head.seq;
    let reached = reached.filter(|_| more).unwrap_or(row.state.head);
    Ok(Ok(Changed { changes, reached, more, state: row.state }))
}

/// Whether a filter lets an item pass, of which a row has the status and what it ever had in its columns 2 and 3.
fn shown(look: &Row<'_>, filter: Option<&Filter>) -> rusqlite::Result<bool> {
    let Some(filter) = filter else { return Ok(true) };
    // What a removed item ever had is erased, so that nobody can tell any more who was shown it.
    Ok(look.get_ref(2)?.as_str()? == Status::Removed.name() || filter.ever(&json(look, 3)?))
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
