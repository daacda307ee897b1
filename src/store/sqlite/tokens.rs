//! Tokens as rows. Only their hashes are here.

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::rows::{json, json_text, moment, number, optional_moment};
use crate::{
    news::Moment,
    store::{Hash, StoreError, Token},
};

fn token(row: &Row<'_>) -> rusqlite::Result<Token> {
    Ok(Token {
        name: row.get(0)?,
        hash: row.get(1)?,
        scopes: json(row, 2)?,
        feeds: json(row, 3)?,
        created: moment(row, 4)?,
        expires: optional_moment(row, 5)?,
        revoked: optional_moment(row, 6)?,
        last_used: optional_moment(row, 7)?,
    })
}

/// Keeps one. False if its name is taken.
pub(super) fn create(db: &Connection, token: &Token) -> Result<bool, StoreError> {
    let kept = db.execute(
        "INSERT OR IGNORE INTO tokens VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        params![
            token.name,
            token.hash,
            json_text(&token.scopes),
            json_text(&token.feeds),
            token.created.millis(),
            token.expires.map(Moment::millis),
            token.revoked.map(Moment::millis),
            token.last_used.map(Moment::millis),
        ],
    )?;
    Ok(kept == 1)
}

/// The one with this hash.
pub(super) fn find(db: &Connection, hash: &Hash) -> Result<Option<Token>, StoreError> {
    let mut found = db.prepare_cached("SELECT * FROM tokens WHERE hash = ?")?;
    Ok(found.query_row([hash], token).optional()?)
}

/// All, by name.
pub(super) fn all(db: &Connection) -> Result<Vec<Token>, StoreError> {
    let mut found = db.prepare_cached("SELECT * FROM tokens ORDER BY name")?;
    Ok(found.query_map([], token)?.collect::<Result<_, _>>()?)
}

/// Keeps when tokens were last used.
pub(super) fn used(db: &Connection, used: &[(Hash, Moment)]) -> Result<(), StoreError> {
    let mut keep =
        db.prepare_cached("UPDATE tokens SET last_used = max(coalesce(last_used, ?1), ?1) WHERE hash = ?2")?;
    for (hash, at) in used {
        keep.execute(params![at.millis(), hash])?;
    }
    Ok(())
}

/// Tokens are never deleted, and revoked once: so their number and that of the revoked only grow.
pub(super) fn revision(db: &Connection) -> Result<u64, StoreError> {
    let mut count = db.prepare_cached("SELECT count(*) + count(revoked) FROM tokens")?;
    Ok(count.query_row([], |row| number(row, 0))?)
}

/// The key of tickets; this one, where there is none yet.
pub(super) fn ticket_key(db: &Connection, new: Hash) -> Result<Hash, StoreError> {
    db.execute("INSERT OR IGNORE INTO secrets VALUES ('tickets', ?)", [new])?;
    Ok(db.query_row("SELECT value FROM secrets WHERE name = 'tickets'", [], |row| row.get(0))?)
}

/// Marks one as revoked, if it is not yet. False if there is none of that name.
pub(super) fn revoke(db: &Connection, name: &str, now: Moment) -> Result<bool, StoreError> {
    let revoked =
        db.execute("UPDATE tokens SET revoked = coalesce(revoked, ?) WHERE name = ?", params![now.millis(), name])?;
    Ok(revoked == 1)
}
