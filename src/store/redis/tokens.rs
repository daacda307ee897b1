//! Tokens. What is kept of one never changes; that it was revoked, and when it was last used, stand beside it.

use std::collections::HashMap;

use redis::Pipeline;

use super::{
    keys::{NAMES, REVOKED, TICKETS, TOKENS, TOKENS_REVISION, USED},
    link::{Link, Request},
    record::corrupt,
    script::{self, Call},
};
use crate::{
    news::Moment,
    store::{
        Hash, StoreError, Token,
        hash::{hex, unhex},
    },
};

/// Moments by hash, in milliseconds.
type Moments = HashMap<String, i64>;

fn read(text: &str, revoked: Option<i64>, used: Option<i64>) -> Result<Token, StoreError> {
    let mut token: Token = serde_json::from_str(text).map_err(|_| corrupt("a token is not one"))?;
    token.revoked = token.revoked.or(revoked.map(Moment::from_millis));
    token.last_used = token.last_used.max(used.map(Moment::from_millis));
    Ok(token)
}

/// [`super::Store::create_token`].
pub(super) async fn create(link: &Link, token: &Token) -> Result<bool, StoreError> {
    let text = serde_json::to_string(token).expect("a token is plain data");
    let call = Call::new(&script::CREATE_TOKEN, &[NAMES, TOKENS, TOKENS_REVISION])
        .arg(token.name.as_str())
        .arg(hex(&token.hash))
        .arg(text);
    link.ask(Request::Script(&call)).await
}

/// [`super::Store::token`].
pub(super) async fn token(link: &Link, hash: &Hash) -> Result<Option<Token>, StoreError> {
    let hash = hex(hash);
    let mut ask = Pipeline::new();
    for of in [TOKENS, REVOKED, USED] {
        ask.cmd("HGET").arg(of).arg(&hash);
    }
    let (text, revoked, used): (Option<String>, Option<i64>, Option<i64>) = link.ask(Request::Many(&ask)).await?;
    text.map(|text| read(&text, revoked, used)).transpose()
}

/// [`super::Store::tokens`].
pub(super) async fn tokens(link: &Link) -> Result<Vec<Token>, StoreError> {
    let mut ask = Pipeline::new();
    ask.cmd("HGETALL").arg(TOKENS).cmd("HGETALL").arg(REVOKED).cmd("HGETALL").arg(USED);
    let (texts, revoked, used): (HashMap<String, String>, Moments, Moments) = link.ask(Request::Many(&ask)).await?;
    let tokens = texts.iter().map(|(hash, text)| read(text, revoked.get(hash).copied(), used.get(hash).copied()));
    let mut tokens = tokens.collect::<Result<Vec<_>, _>>()?;
    tokens.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(tokens)
}

/// [`super::Store::revoke_token`].
pub(super) async fn revoke(link: &Link, name: &str, now: Moment) -> Result<bool, StoreError> {
    let call = Call::new(&script::REVOKE_TOKEN, &[NAMES, REVOKED, TOKENS_REVISION]).arg(name).arg(now.millis());
    link.ask(Request::Script(&call)).await
}

/// [`super::Store::use_tokens`]. Two nodes may write at once, and the later time should stand: what is newer by then is
/// read first, and to be off by a moment is no harm.
pub(super) async fn used(link: &Link, used: &[(Hash, Moment)]) -> Result<(), StoreError> {
    if used.is_empty() {
        return Ok(());
    }
    let hashes: Vec<String> = used.iter().map(|(hash, _)| hex(hash)).collect();
    let mut ask = redis::cmd("HMGET");
    ask.arg(USED).arg(&hashes);
    let known: Vec<Option<i64>> = link.ask(Request::One(&ask)).await?;
    let newer = used
        .iter()
        .zip(hashes)
        .zip(known)
        .filter(|(((_, at), _), known)| known.is_none_or(|known| known < at.millis()));
    let mut keep = Pipeline::new();
    let mut any = false;
    for (((_, at), hash), _) in newer {
        keep.cmd("HSET").arg(USED).arg(hash).arg(at.millis()).ignore();
        any = true;
    }
    if any { link.ask(Request::Many(&keep)).await } else { Ok(()) }
}

/// [`super::Store::tokens_revision`].
pub(super) async fn revision(link: &Link) -> Result<u64, StoreError> {
    let revision: Option<u64> = link.ask(Request::One(redis::cmd("GET").arg(TOKENS_REVISION))).await?;
    Ok(revision.unwrap_or(0))
}

/// [`super::Store::ticket_key`].
pub(super) async fn ticket_key(link: &Link, new: Hash) -> Result<Hash, StoreError> {
    let mut ask = Pipeline::new();
    ask.cmd("SETNX").arg(TICKETS).arg(hex(&new)).ignore().cmd("GET").arg(TICKETS);
    let (key,): (String,) = link.ask(Request::Many(&ask)).await?;
    unhex(&key).ok_or_else(|| corrupt("the key of tickets is none"))
}
