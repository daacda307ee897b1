//! Tokens as rows. Only their hashes are here.

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::rows::{json, json_text, moment, optional_moment};
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

/// Marks one as revoked, if it is not yet. False if there is none of that name.
pub(super) fn revoke(db: &Connection, name: &str, now: Moment) -> Result<bool, StoreError> {
    let revoked =
        db.execute("UPDATE tokens SET revoked = coalesce(revoked, ?) WHERE name = ?", params![now.millis(), name])?;
    Ok(revoked == 1)
}
