//! A dump: everything that is kept, part by part, read by a connection of its own in one view of the file.
//!
//! While it goes on, the write-ahead log cannot be emptied: whoever takes a dump should not dawdle.

use std::{collections::VecDeque, path::Path};

use async_trait::async_trait;
use rusqlite::{Connection, params};
use uuid::Uuid;

use super::{
    fault, items, keys,
    rows::{self, Budget, integer, kind, moment, number, uuid},
    schema, tokens,
};
use crate::{
    news::{FeedId, Mark, Moment, Position},
    store::{Dump, Hash, KEY_KEPT, Row, StoreError, budget, dump::VersionRow},
};

/// What is still to be read, and where in it.
enum Part {
    Tokens,
    Begin(FeedId),
    /// Above this seq.
    Changes(FeedId, u64),
    /// Above this item and version.
    Versions(FeedId, Uuid, u64),
    /// Above this hash.
    AltIds(FeedId, Hash),
    /// Above this name.
    Keys(FeedId, Hash),
    Feed(FeedId),
}

/// A dump under way.
pub(super) struct Dumping {
    /// None while it reads, and after a failure.
    db: Option<Connection>,
    parts: VecDeque<Part>,
    now: Moment,
}

impl Dumping {
    /// Of these feeds; of all and the tokens where none is named. It blocks.
    pub(super) fn start(file: &Path, feeds: &[FeedId], now: Moment) -> Result<Self, StoreError> {
        let db = schema::reading(file)?;
        db.execute_batch("BEGIN")?;
        let all: Vec<FeedId> = rows::feeds(&db)?.into_iter().map(|state| state.feed.id).collect();
        let mut parts = VecDeque::new();
        if feeds.is_empty() {
            parts.push_back(Part::Tokens);
        }
        for feed in all.into_iter().filter(|feed| feeds.is_empty() || feeds.contains(feed)) {
            parts.extend([
                Part::Begin(feed.clone()),
                Part::Changes(feed.clone(), 0),
                Part::Versions(feed.clone(), Uuid::nil(), 0),
                Part::AltIds(feed.clone(), Hash::default()),
                Part::Keys(feed.clone(), Hash::default()),
                Part::Feed(feed),
            ]);
        }
        Ok(Self { db: Some(db), parts, now })
    }
}

#[async_trait]
impl Dump for Dumping {
    async fn next(&mut self) -> Result<Option<Vec<Row>>, StoreError> {
        while let Some(part) = self.parts.pop_front() {
            let (db, now) = (self.db.take().ok_or_else(fault::closed)?, self.now);
            let read = tokio::task::spawn_blocking(move || {
                let (rows, rest) = read(&db, part, now)?;
                Ok::<_, StoreError>((db, rows, rest))
            });
            let read = read.await.map_err(|error| StoreError::Corrupt(format!("a read failed: {error}")))?;
            let (db, rows, rest) = read?;
            self.db = Some(db);
            if let Some(rest) = rest {
                self.parts.push_front(rest);
            }
            if !rows.is_empty() {
                return Ok(Some(rows));
            }
        }
        Ok(None)
    }
}

/// Rows of a part, and the rest of it. A part has ended once it has no more rows.
fn read(db: &Connection, part: Part, now: Moment) -> Result<(Vec<Row>, Option<Part>), StoreError> {
    Ok(match part {
        Part::Tokens => (tokens::all(db)?.into_iter().map(Row::Token).collect(), None),
        Part::Begin(feed) => (vec![Row::Begin { feed }], None),
        Part::Changes(feed, after) => changes(db, feed, after)?,
        Part::Versions(feed, id, version) => versions(db, feed, id, version)?,
        Part::AltIds(feed, after) => alt_ids(db, feed, &after)?,
        Part::Keys(feed, after) => all_keys(db, feed, &after, now)?,
        Part::Feed(feed) => (rows::feed(db, &feed)?.map(|row| last(&row)).into_iter().collect(), None),
    })
}

fn last(row: &rows::FeedRow) -> Row {
    let (state, own) = (&row.state, row.own_change());
    Row::Feed {
        document: state.feed.clone(),
        head: state.head,
        floor: state.floor,
        cut: state.cut,
        own: (own.position, own.kind, own.at),
    }
}

fn changes(db: &Connection, feed: FeedId, after: u64) -> Result<(Vec<Row>, Option<Part>), StoreError> {
    let mut found = db.prepare_cached(
        "SELECT seq, mark, kind, at, item, version FROM log WHERE feed = ? AND seq > ? ORDER BY seq LIMIT ?",
    )?;
    let found = found.query_map(params![feed.as_str(), integer(after), integer(budget::ITEMS as u64)], |row| {
        let item = match row.get::<_, Option<[u8; 16]>>(4)? {
            Some(id) => Some((Uuid::from_bytes(id), number(row, 5)?)),
            None => None,
        };
        let position = Position { seq: number(row, 0)?, mark: Mark(row.get(1)?) };
        Ok((position, kind(row, 2)?, moment(row, 3)?, item))
    })?;
    let (mut rows, mut last) = (Vec::new(), None);
    for change in found {
        let (position, kind, at, item) = change?;
        last = Some(position.seq);
        rows.push(Row::Change { feed: feed.clone(), position, kind, at, item });
    }
    Ok((rows, last.map(|seq| Part::Changes(feed, seq))))
}

fn versions(db: &Connection, feed: FeedId, id: Uuid, version: u64) -> Result<(Vec<Row>, Option<Part>), StoreError> {
    let mut budget = Budget::of(budget::ITEMS);
    let mut found = items::versions_of_all(db)?;
    let limit = integer(budget.items() as u64);
    let found = found.query_map(params![feed.as_str(), id.as_bytes(), integer(version), limit], items::version)?;
    let (mut rows, mut last) = (Vec::new(), None);
    for version in found {
        let version = version?;
        if !budget.takes(version.record.story.len()) {
            break;
        }
        last = Some((version.record.id, version.record.version));
        rows.push(Row::Version(Box::new(VersionRow::of(&feed, version)?)));
    }
    Ok((rows, last.map(|(id, version)| Part::Versions(feed, id, version))))
}

fn alt_ids(db: &Connection, feed: FeedId, after: &Hash) -> Result<(Vec<Row>, Option<Part>), StoreError> {
    let mut found =
        db.prepare_cached("SELECT hash, item FROM alt_ids WHERE feed = ? AND hash > ? ORDER BY hash LIMIT ?")?;
    let found = found.query_map(params![feed.as_str(), after, integer(budget::ITEMS as u64)], |row| {
        Ok((row.get::<_, Hash>(0)?, uuid(row, 1)?))
    })?;
    let (mut rows, mut last) = (Vec::new(), None);
    for alt_id in found {
        let (hash, item) = alt_id?;
        last = Some(hash);
        rows.push(Row::AltId { feed: feed.clone(), hash, item });
    }
    Ok((rows, last.map(|hash| Part::AltIds(feed, hash))))
}

fn all_keys(db: &Connection, feed: FeedId, after: &Hash, now: Moment) -> Result<(Vec<Row>, Option<Part>), StoreError> {
    let mut found = db.prepare_cached(
        "SELECT hash, item, version, seq, mark, name, used FROM keys WHERE feed = ? AND name > ? AND used > ?
         ORDER BY name LIMIT ?",
    )?;
    let limit = integer(budget::ITEMS as u64);
    let found = found.query_map(params![feed.as_str(), after, keys::forgotten(now), limit], |row| {
        Ok((keys::remembered(row)?, row.get::<_, Hash>(5)?, moment(row, 6)?))
    })?;
    let (mut rows, mut last) = (Vec::new(), None);
    for key in found {
        let (done, name, used) = key?;
        last = Some(name);
        rows.push(Row::Key {
            feed: feed.clone(),
            name,
            hash: done.hash,
            item: done.item,
            version: done.version,
            position: done.position,
            expires: used.plus(KEY_KEPT),
        });
    }
    Ok((rows, last.map(|name| Part::Keys(feed, name))))
}
