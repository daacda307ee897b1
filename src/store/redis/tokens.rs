//! Tokens. What is kept of one never changes, except that it is revoked, which stands beside it.

use std::collections::HashMap;

use redis::Pipeline;

use super::{
    keys::{NAMES, REVOKED, TOKENS},
    link::{Link, Request},
    record::corrupt,
    script::{self, Call},
};
use crate::{
    news::Moment,
    store::{Hash, StoreError, Token, hash::hex},
};

fn read(text: &str, revoked: Option<i64>) -> Result<Token, StoreError> {
    let mut token: Token = serde_json::from_str(text).map_err(|_| corrupt("a token is not one"))?;
    token.revoked = token.revoked.or(revoked.map(Moment::from_millis));
    Ok(token)
}

/// [`super::Store::create_token`].
pub(super) async fn create(link: &Link, token: &Token) -> Result<bool, StoreError> {
    let text = serde_json::to_string(token).expect("a token is plain data");
    let call =
        Call::new(&script::CREATE_TOKEN, &[NAMES, TOKENS]).arg(token.name.as_str()).arg(hex(&token.hash)).arg(text);
    link.ask(Request::Script(&call)).await
}

/// [`super::Store::token`].
pub(super) async fn token(link: &Link, hash: &Hash) -> Result<Option<Token>, StoreError> {
    let hash = hex(hash);
    let mut ask = Pipeline::new();
    ask.cmd("HGET").arg(TOKENS).arg(&hash).cmd("HGET").arg(REVOKED).arg(&hash);
    let (text, revoked): (Option<String>, Option<i64>) = link.ask(Request::Many(&ask)).await?;
    text.map(|text| read(&text, revoked)).transpose()
}

/// [`super::Store::tokens`].
pub(super) async fn tokens(link: &Link) -> Result<Vec<Token>, StoreError> {
    let mut ask = Pipeline::new();
    ask.cmd("HGETALL").arg(TOKENS).cmd("HGETALL").arg(REVOKED);
    let (texts, revoked): (HashMap<String, String>, HashMap<String, i64>) = link.ask(Request::Many(&ask)).await?;
    let tokens = texts.iter().map(|(hash, text)| read(text, revoked.get(hash).copied()));
    let mut tokens = tokens.collect::<Result<Vec<_>, _>>()?;
    tokens.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(tokens)
}

/// [`super::Store::revoke_token`].
pub(super) async fn revoke(link: &Link, name: &str, now: Moment) -> Result<bool, StoreError> {
    let call = Call::new(&script::REVOKE_TOKEN, &[NAMES, REVOKED]).arg(name).arg(now.millis());
    link.ask(Request::Script(&call)).await
}
