//! The feeds: `GET /v1/feeds` lists those the request may read, `GET /v1/feeds/{feed}` is one of them.

use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;
use serde_json::{Value, json};

use super::{Doors, access, access::Sight, address::Address, conditional, problem::Problem};
use crate::{
    news::{FeedId, feed::Access},
    store::{FeedState, Scope},
};

/// `GET /v1/feeds`.
pub async fn list(State(doors): State<Doors>, headers: HeaderMap) -> Result<Response, Problem> {
    let token = access::token(&doors, &headers).await?;
    let readable = |state: &FeedState| {
        let allowed = token.as_ref().is_some_and(|token| token.allows(Scope::Read, &state.feed.id));
        allowed || state.feed.access == Access::Public
    };
    let feeds: Vec<_> = doors.store.feeds().await?.iter().filter(|state| readable(state)).map(described).collect();
    let sight = if token.is_some() { Sight::Full } else { Sight::Public };
    Ok(conditional::json(&headers, sight, None, json!({"feeds": feeds}).to_string()))
}

/// `GET /v1/feeds/{feed}`.
pub async fn one(
    State(doors): State<Doors>,
    Address(feed): Address<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let state = state(&doors, &feed).await?;
    let sight = access::reader(&doors, &headers, &state).await?;
    Ok(conditional::json(&headers, sight, None, described(&state).to_string()))
}

/// The state of the feed that an address names, from the store.
///
/// # Errors
/// 404 for a feed that does not exist or cannot, 503 where the store is away.
pub async fn state(doors: &Doors, feed: &str) -> Result<FeedState, Problem> {
    let id: FeedId = feed.parse().map_err(|_| Problem::no_feed(feed))?;
    doors.store.feed(&id).await?.ok_or_else(|| Problem::no_feed(feed))
}

/// The ETag by which editors name the state of a feed's own document: its newest change.
pub fn etag(state: &FeedState) -> String {
    format!("\"{}\"", state.own)
}

/// A feed as it is shown: its document, and where its log stands.
pub fn described(state: &FeedState) -> Value {
    let mut feed = serde_json::to_value(&state.feed).expect("a feed's document is plain data");
    feed["position"] = json!(state.head);
    feed["floorSeq"] = json!(state.floor);
    feed
}
