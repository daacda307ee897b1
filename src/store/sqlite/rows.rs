//! How records, feeds and their numbers stand in rows.

use rusqlite::{Connection, OptionalExtension, Row, types::Type};
use serde::{Serialize, de::DeserializeOwned};
use uuid::Uuid;

use crate::{
    news::{Change, FeedId, Kind, Mark, Moment, Pin, Position, Record, Status, What},
    store::{FeedState, StoreError, budget, document},
};

/// The columns of a record, as [`record`] reads them.
macro_rules! record_columns {
    () => {
        "id, version, mark, kind, at, born, last_seq, status, published, updated, breaking_until, pin, pin_until, \
         ever, story"
    };
}
pub(super) use record_columns;

/// Reads a record from the first columns of a row that are [`record_columns`].
pub(super) fn record(row: &Row<'_>) -> rusqlite::Result<Record> {
    let pin = match row.get(11)? {
        Some(position) => Some(Pin { position, until: optional_moment(row, 12)? }),
        None => None,
    };
    let status: String = row.get(7)?;
    let status = Status::ALL.iter().find(|(_, name)| *name == status);
    Ok(Record {
        id: uuid(row, 0)?,
        version: number(row, 1)?,
        mark: Mark(row.get(2)?),
        kind: kind(row, 3)?,
        at: moment(row, 4)?,
        born: number(row, 5)?,
        last_seq: number(row, 6)?,
        status: status.ok_or_else(|| unreadable(7, "no status of that name"))?.0,
        published: moment(row, 8)?,
        updated: moment(row, 9)?,
        breaking_until: optional_moment(row, 10)?,
        pin,
        ever: json(row, 13)?,
        // One file is one server's: no other version shares it.
        more: serde_json::Map::new(),
        story: row.get(14)?,
    })
}

/// A feed's row.
pub(super) struct FeedRow {
    /// Its state.
    pub(super) state: FeedState,
    /// The run in which it was created or a reader was last believed.
    pub(super) run: [u8; 16],
    /// Where, how and when the feed itself last changed.
    own: (Kind, Moment),
}

impl FeedRow {
    /// The newest change of the feed itself.
    pub(super) fn own_change(&self) -> Change {
        let (kind, at) = self.own;
        Change { position: self.state.own, kind, at, born: 1, what: What::Feed(self.state.feed.clone()).into() }
    }

    /// Where that change stands in the log.
    pub(super) fn own_seq(&self) -> u64 {
        self.state.own.seq
    }
}

/// The columns of a feed, as [`feed_row`] reads them.
macro_rules! feed_columns {
    () => {
        "document, head, mark, floor, cut, own_seq, own_mark, own_kind, own_at, run"
    };
}

/// Reads a feed from a row of [`feed_columns`].
pub(super) fn feed_row(row: &Row<'_>) -> rusqlite::Result<FeedRow> {
    let feed = document::read(row.get_ref(0)?.as_str()?).map_err(|error| unreadable(0, error))?;
    let head = Position { seq: number(row, 1)?, mark: Mark(row.get(2)?) };
    let own = Position { seq: number(row, 5)?, mark: Mark(row.get(6)?) };
    Ok(FeedRow {
        state: FeedState { feed, head, floor: number(row, 3)?, cut: number(row, 4)?, own },
        run: row.get(9)?,
        own: (kind(row, 7)?, moment(row, 8)?),
    })
}

/// One feed, if there is one of that id.
pub(super) fn feed(db: &Connection, id: &FeedId) -> Result<Option<FeedRow>, StoreError> {
    let mut found = db.prepare_cached(concat!("SELECT ", feed_columns!(), " FROM feeds WHERE id = ?"))?;
    Ok(found.query_row([id.as_str()], feed_row).optional()?)
}

/// Whether there is a feed of that id. What else stands under an id may be half loaded.
pub(super) fn is_there(db: &Connection, id: &FeedId) -> Result<bool, StoreError> {
    let mut found = db.prepare_cached("SELECT EXISTS (SELECT 1 FROM feeds WHERE id = ?)")?;
    Ok(found.query_row([id.as_str()], |row| row.get(0))?)
}

/// The states of all feeds, by id.
pub(super) fn feeds(db: &Connection) -> Result<Vec<FeedState>, StoreError> {
    let mut found = db.prepare_cached(concat!("SELECT ", feed_columns!(), " FROM feeds ORDER BY id"))?;
    Ok(found.query_map([], |row| Ok(feed_row(row)?.state))?.collect::<Result<_, _>>()?)
}

/// What is left of a read's budget.
pub(super) struct Budget {
    items: usize,
    bytes: usize,
    taken: usize,
}

impl Budget {
    /// That of a read of at most so many entries; at least one, and no more than [`budget::ITEMS`].
    pub(super) fn of(items: usize) -> Self {
        Self { items: items.clamp(1, budget::ITEMS), bytes: budget::BYTES, taken: 0 }
    }

    /// How many entries it allows.
    pub(super) fn items(&self) -> usize {
        self.items
    }

    /// Whether there is room for one more entry, of that many bytes. The first always fits.
    pub(super) fn takes(&mut self, bytes: usize) -> bool {
        let fits = self.taken == 0 || (self.taken < self.items && bytes <= self.bytes);
        if fits {
            self.taken += 1;
            self.bytes = self.bytes.saturating_sub(bytes);
        }
        fits
    }
}

/// A number as SQLite keeps it. No seq or version gets anywhere near the end of it; what is asked for may.
pub(super) fn integer(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A number that is never negative.
pub(super) fn number(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    let value: i64 = row.get(column)?;
    u64::try_from(value).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(column, value))
}

/// An id.
pub(super) fn uuid(row: &Row<'_>, column: usize) -> rusqlite::Result<Uuid> {
    row.get(column).map(Uuid::from_bytes)
}

/// A kind of change.
pub(super) fn kind(row: &Row<'_>, column: usize) -> rusqlite::Result<Kind> {
    row.get::<_, String>(column)?.parse().map_err(|error| unreadable(column, error))
}

/// A moment.
pub(super) fn moment(row: &Row<'_>, column: usize) -> rusqlite::Result<Moment> {
    row.get(column).map(Moment::from_millis)
}

/// A moment, or none.
pub(super) fn optional_moment(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Moment>> {
    Ok(row.get::<_, Option<i64>>(column)?.map(Moment::from_millis))
}

/// Something of several parts, kept as JSON.
pub(super) fn json<T: DeserializeOwned>(row: &Row<'_>, column: usize) -> rusqlite::Result<T> {
    serde_json::from_str(row.get_ref(column)?.as_str()?).map_err(|error| unreadable(column, error))
}

/// Its text.
pub(super) fn json_text(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("plain data with string keys can be written as JSON")
}

/// A value that this program did not write like that.
fn unreadable(column: usize, why: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, Type::Text, why.into())
}
