//! Loading the rows of a dump. A feed's own row comes last: until then nothing shows what stands under its id.

use rusqlite::{Connection, OptionalExtension, params};

use super::{
    commit, due, keys, prune,
    rows::{self, integer, record, record_columns},
    tokens,
};
use crate::{
    news::{Feed, FeedId, Kind, Moment, Position, Record},
    store::{Hash, Remembered, Row, StoreError, Token, Version, document},
};

/// No run of the server is called that: a reader who has seen more than was dumped is believed.
const LOADED: [u8; 16] = [0; 16];

/// Loads rows, all of them or none.
pub(super) fn load(db: &Connection, rows: Vec<Row>) -> Result<(), StoreError> {
    for row in rows {
        match row {
            Row::Token(loaded) => token(db, &loaded)?,
            // What stands there was left by a load that was cut off.
            Row::Begin { feed } => {
                free(db, &feed)?;
                prune::clear(db, &feed)?;
            }
            Row::Change { feed, position, kind, at, item } => {
                free(db, &feed)?;
                commit::append(db, &feed, position, kind, at, item)?;
            }
            Row::Version(row) => {
                let (feed, Version { record, who, fields }) = row.into_version();
                free(db, &feed)?;
                commit::put_version(db, &feed, &record, &who, &fields)?;
            }
            Row::AltId { feed, hash, item } => {
                free(db, &feed)?;
                let mut own = db.prepare_cached("INSERT OR IGNORE INTO alt_ids VALUES (?, ?, ?)")?;
                own.execute(params![feed.as_str(), hash, item.as_bytes()])?;
            }
            Row::Key { feed, name, hash, item, version, position, expires } => {
                free(db, &feed)?;
                let used = Moment::from_millis(keys::forgotten(expires));
                keys::put(db, &feed, &name, &Remembered { hash, item, version, position }, used)?;
            }
            Row::Feed { document, head, floor, cut, own } => {
                free(db, &document.id)?;
                feed(db, &document, head, (floor, cut), own)?;
            }
        }
    }
    Ok(())
}

/// Refuses to load over a feed.
fn free(db: &Connection, feed: &FeedId) -> Result<(), StoreError> {
    if rows::is_there(db, feed)? {
        return Err(StoreError::Taken(format!("there is a feed {feed} already")));
    }
    Ok(())
}

/// Loads a token, unless it is there.
fn token(db: &Connection, token: &Token) -> Result<(), StoreError> {
    if tokens::create(db, token)? {
        return Ok(());
    }
    let hash: Option<Hash> =
        db.query_row("SELECT hash FROM tokens WHERE name = ?", [&token.name], |row| row.get(0)).optional()?;
    if hash != Some(token.hash) {
        return Err(StoreError::Taken(format!("there is another token of the name {:?}", token.name)));
    }
    Ok(())
}

/// Loads the feed itself, by which it is seen.
fn feed(
    db: &Connection,
    document: &Feed,
    head: Position,
    (floor, cut): (u64, u64),
    (own, kind, at): (Position, Kind, Moment),
) -> Result<(), StoreError> {
    let id = &document.id;
    db.execute(
        "INSERT INTO feeds VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        params![
            id.as_str(),
            document::write(document),
            integer(head.seq),
            head.mark.0,
            integer(floor),
            integer(cut),
            integer(own.seq),
            own.mark.0,
            kind.name(),
            at.millis(),
            LOADED
        ],
    )?;
    let mut ending = db.prepare(concat!(
        "SELECT ",
        record_columns!(),
        " FROM items WHERE feed = ? AND (breaking_until IS NOT NULL OR pin_until IS NOT NULL)"
    ))?;
    let ending: Vec<Record> = ending.query_map([id.as_str()], record)?.collect::<Result<_, _>>()?;
    for record in &ending {
        due::put(db, id, record)?;
    }
    // Followers were told of its changes while none of them could be read.
    prune::doubt(db)
}
