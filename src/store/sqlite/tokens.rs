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
    if kept == 1 {
        revise(db)?;
    }
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

/// Marks one as revoked, if it is not yet. False if there is none of that name.
pub(super) fn revoke(db: &Connection, name: &str, now: Moment) -> Result<bool, StoreError> {
    let revoked =
        db.execute("UPDATE tokens SET revoked = coalesce(revoked, ?) WHERE name = ?", params![now.millis(), name])?;
    if revoked == 1 {
        revise(db)?;
    }
    Ok(revoked == 1)
}

/// Keeps when these were last used, unless a later time is kept.
pub(super) fn used(db: &Connection, used: &[(Hash, Moment)]) -> Result<(), StoreError> {
    let mut keep =
        db.prepare_cached("UPDATE tokens SET last_used = max(coalesce(last_used, ?1), ?1) WHERE hash = ?2")?;
    for (hash, at) in used {
        keep.execute(params![at.millis(), hash])?;
    }
    Ok(())
}

/// How often a token was made or revoked.
pub(super) fn revision(db: &Connection) -> Result<u64, StoreError> {
    Ok(db.prepare_cached("SELECT tokens FROM whole")?.query_row([], |row| number(row, 0))?)
}

fn revise(db: &Connection) -> Result<(), StoreError> {
    db.execute("UPDATE whole SET tokens = tokens + 1", [])?;
    Ok(())
}

/// The key of tickets: this one from now on, where there is none yet.
pub(super) fn ticket_key(db: &Connection, new: &Hash) -> Result<Hash, StoreError> {
    db.execute("UPDATE whole SET ticket_key = ? WHERE ticket_key IS NULL", [new])?;
    Ok(db.query_row("SELECT ticket_key FROM whole", [], |row| row.get(0))?)
}
