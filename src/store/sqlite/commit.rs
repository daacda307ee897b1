//! One commit: what stands against it is looked at first, and only then is anything written.

use rusqlite::{Connection, OptionalExtension, params};
use uuid::Uuid;

use super::{
    due, floor, items, keys, prune,
    rows::{self, integer, json_text, uuid},
};
use crate::{
    news::{Ever, Feed, FeedId, Kind, Mark, Moment, Position, Record, Status, item::NO_STORY},
    store::{Commit, Committed, Conflict, Expected, FeedWrite, ItemWrite, StoreError, Write, document, used_id},
};

/// Creates a feed with its first change, and tells where that stands.
fn create_feed(
    db: &Connection,
    feed: &Feed,
    mark: Mark,
    at: Moment,
    run: [u8; 16],
) -> Result<Result<Position, Conflict>, StoreError> {
    if rows::feed(db, &feed.id)?.is_some() {
        return Ok(Err(Conflict::Exists));
    }
    // A load that was cut off may have left something under its id.
    prune::clear(db, &feed.id)?;
    let first = Position { seq: 1, mark };
    db.execute(
        "INSERT INTO feeds VALUES (?, ?, 1, ?, 1, 0, 1, ?, ?, ?, ?)",
        params![feed.id.as_str(), document::write(feed), mark.0, mark.0, Kind::FeedCreated.name(), at.millis(), run],
    )?;
    append(db, &feed.id, first, Kind::FeedCreated, at, None)?;
    Ok(Ok(first))
}

/// Commits, or says what stands against it; in that case nothing was written. `run` is the server's present run.
pub(super) fn commit(
    db: &Connection,
    commit: &Commit,
    now: Moment,
    run: [u8; 16],
) -> Result<Result<Committed, Conflict>, StoreError> {
    keys::once(db, &commit.feed, commit.once.as_ref(), now, || match &commit.write {
        Write::Create(feed) => {
            let first = create_feed(db, feed, commit.mark, commit.at, run)?;
            Ok(first.map(|position| (Uuid::nil(), 0, position)))
        }
        write => change(db, commit, write, now),
    })
}

/// Commits a change of a feed that is there: which item, which version of it, and where.
fn change(
    db: &Connection,
    commit: &Commit,
    write: &Write,
    now: Moment,
) -> Result<Result<(Uuid, u64, Position), Conflict>, StoreError> {
    let feed = &commit.feed;
    let Some(Stands { head, floor, own }) = stands(db, feed)? else { return Ok(Err(Conflict::NoFeed)) };
    let position = Position { seq: head + 1, mark: commit.mark };
    let (item, version) = match write {
        Write::Create(_) => unreachable!("a new feed is not there yet"),
        Write::Item(ItemWrite { under: Some(under), .. }) if *under != own => return Ok(Err(Conflict::Feed)),
        Write::Item(write) => {
            let born = match stands_against(db, feed, write, now)? {
                Ok(born) => born.unwrap_or(position.seq),
                Err(conflict) => return Ok(Err(conflict)),
            };
            let record = Record { born, last_seq: position.seq, ..write.record.clone() };
            put_item(db, commit, write, &record)?;
            (record.id, record.version)
        }
        Write::Feed(FeedWrite { expected, document }) => {
            if own != *expected {
                return Ok(Err(Conflict::Version));
            }
            put_feed(db, feed, Some(document), position, commit.kind, commit.at)?;
            // A feed is not an item: its changes stand under the id that none has.
            (Uuid::nil(), 0)
        }
    };
    let changed = (!item.is_nil()).then_some((item, version));
    append(db, feed, position, commit.kind, commit.at, changed)?;
    advance(db, feed, position)?;
    floor::keep_bounded(db, feed, position.seq, floor)?;
    Ok(Ok((item, version, position)))
}

/// How a feed stands before a commit, without its document.
struct Stands {
    head: u64,
    floor: u64,
    /// The newest change of the feed itself.
    own: Position,
}

fn stands(db: &Connection, feed: &FeedId) -> Result<Option<Stands>, StoreError> {
    let mut found = db.prepare_cached("SELECT head, floor, own_seq, own_mark FROM feeds WHERE id = ?")?;
    let stands = found.query_row([feed.as_str()], |row| {
        let own = Position { seq: rows::number(row, 2)?, mark: Mark(row.get(3)?) };
        Ok(Stands { head: rows::number(row, 0)?, floor: rows::number(row, 1)?, own })
    });
    Ok(stands.optional()?)
}

/// Looks at the expected version, the altIds and the pin. Where nothing stands against the write, the seq at which the
/// item was born, if it is there.
fn stands_against(
    db: &Connection,
    feed: &FeedId,
    write: &ItemWrite,
    now: Moment,
) -> Result<Result<Option<u64>, Conflict>, StoreError> {
    let id = write.record.id;
    let mut found = db.prepare_cached("SELECT version, born FROM items WHERE feed = ? AND id = ?")?;
    let there = found
        .query_row(params![feed.as_str(), id.as_bytes()], |row| Ok((rows::number(row, 0)?, rows::number(row, 1)?)))
        .optional()?;
    match (write.expected, there) {
        (Expected::Nothing, Some(_)) => return Ok(Err(Conflict::Exists)),
        (Expected::Nothing, None) if items::by_alt_id(db, feed, &used_id(id))?.is_some() => {
            return Ok(Err(Conflict::Exists));
        }
        (Expected::Version(expected), there) if there.is_none_or(|(version, _)| version != expected) => {
            return Ok(Err(Conflict::Version));
        }
        _ => {}
    }
    for hash in &write.alt_ids {
        if let Some(other) = items::by_alt_id(db, feed, hash)?.filter(|owner| *owner != id) {
            return Ok(Err(Conflict::AltId(other)));
        }
    }
    if let Some(pin) = write.record.pin.filter(|pin| pin.holds(now)) {
        let mut holder = db.prepare_cached(
            "SELECT id FROM items WHERE feed = ? AND pin = ? AND id <> ? AND (pin_until IS NULL OR pin_until > ?)",
        )?;
        let holder = holder
            .query_row(params![feed.as_str(), pin.position, id.as_bytes(), now.millis()], |row| uuid(row, 0))
            .optional()?;
        if let Some(other) = holder {
            return Ok(Err(Conflict::Pin(other)));
        }
    }
    Ok(Ok(there.map(|(_, born)| born)))
}

/// Writes the item, its version, its altIds and its due entries.
fn put_item(db: &Connection, commit: &Commit, write: &ItemWrite, record: &Record) -> Result<(), StoreError> {
    let feed = commit.feed.as_str();
    let id = record.id.as_bytes();
    if record.status == Status::Removed {
        let mut erase = db.prepare_cached("UPDATE versions SET story = ?, ever = ? WHERE feed = ? AND id = ?")?;
        erase.execute(params![NO_STORY, json_text(&Ever::default()), feed, id])?;
    }
    put_version(db, &commit.feed, record, &commit.who, &write.fields)?;
    let mut own = db.prepare_cached("INSERT OR IGNORE INTO alt_ids VALUES (?, ?, ?)")?;
    for hash in &write.alt_ids {
        own.execute(params![feed, hash, id])?;
    }
    due::put(db, &commit.feed, record)
}

/// Writes a version of an item, and the item as that.
pub(super) fn put_version(
    db: &Connection,
    feed: &FeedId,
    record: &Record,
    who: &str,
    fields: &[String],
) -> Result<(), StoreError> {
    let id = record.id.as_bytes();
    let ever = json_text(&record.ever);
    let pin_until = record.pin.and_then(|pin| pin.until).map(Moment::millis);
    let breaking_until = record.breaking_until.map(Moment::millis);
    let columns = params![
        feed.as_str(),
        id,
        integer(record.version),
        record.mark.0,
        record.kind.name(),
        record.at.millis(),
        integer(record.born),
        integer(record.last_seq),
        record.status.name(),
        record.published.millis(),
        record.updated.millis(),
        breaking_until,
        record.pin.map(|pin| pin.position),
        pin_until,
        ever,
        record.story,
        who,
        json_text(&fields),
    ];
    let mut item =
        db.prepare_cached("INSERT OR REPLACE INTO items VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")?;
    item.execute(&columns[..16])?;
    let mut version =
        db.prepare_cached("INSERT INTO versions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")?;
    version.execute(columns)?;
    Ok(())
}

/// Writes that the feed itself changed, and its document if that did.
pub(super) fn put_feed(
    db: &Connection,
    feed: &FeedId,
    document: Option<&Feed>,
    position: Position,
    kind: Kind,
    at: Moment,
) -> Result<(), StoreError> {
    let mut own = db.prepare_cached(
        "UPDATE feeds SET document = coalesce(?, document), own_seq = ?, own_mark = ?, own_kind = ?, own_at = ?
         WHERE id = ?",
    )?;
    own.execute(params![
        document.map(document::write),
        integer(position.seq),
        position.mark.0,
        kind.name(),
        at.millis(),
        feed.as_str(),
    ])?;
    Ok(())
}

/// Appends an entry to the log.
pub(super) fn append(
    db: &Connection,
    feed: &FeedId,
    position: Position,
    kind: Kind,
    at: Moment,
    item: Option<(Uuid, u64)>,
) -> Result<(), StoreError> {
    let mut entry =
        db.prepare_cached("INSERT INTO log (feed, seq, mark, kind, at, item, version) VALUES (?, ?, ?, ?, ?, ?, ?)")?;
    let (id, version) = item.unzip();
    entry.execute(params![
        feed.as_str(),
        integer(position.seq),
        position.mark.0,
        kind.name(),
        at.millis(),
        id.as_ref().map(Uuid::as_bytes),
        version.map(integer),
    ])?;
    Ok(())
}

/// Makes a position the feed's head.
pub(super) fn advance(db: &Connection, feed: &FeedId, position: Position) -> Result<(), StoreError> {
    let mut head = db.prepare_cached("UPDATE feeds SET head = ?, mark = ? WHERE id = ?")?;
    head.execute(params![integer(position.seq), position.mark.0, feed.as_str()])?;
    Ok(())
}
