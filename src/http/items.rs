//! Items as they read now: a page of them, or one. Read from the store in one consistent view, never from memory.

use axum::{extract::State, response::Response};
use http::HeaderMap;
use uuid::Uuid;

use super::{
    Doors,
    access::{self, Sight},
    address::{self, Address},
    conditional, feeds,
    problem::Problem,
    query::Query,
};
use crate::news::{Cursor, FeedId, Record, position::NotACursor};

/// `GET /v1/feeds/{feed}/items?before=&limit=` and a filter: items by (published, id) descending; the first page begins
/// with the pinned ones, which are not counted. A filtered page may come back short, even empty, and go on.
pub async fn page(
    State(doors): State<Doors>,
    Address(feed): Address<String>,
    mut query: Query,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let filter = query.filter()?;
    let before = query.one("before")?.map(|text| cursor(&text)).transpose()?;
    let limit = address::limit(query.number("limit")?)?;
    query.end("before, limit, urgency, tag and subject")?;
    let state = feeds::state(&doors, &feed).await?;
    let sight = access::reader(&doors, &headers, &state).await?;
    let Some(page) = doors.store.page(&state.feed.id, before, limit, filter.as_ref()).await? else {
        return Err(Problem::no_feed(&feed));
    };
    let text = |record: &Record| seen(&doors, sight, record, &state.feed.id);
    let listed = |record: &&Record| filter.as_ref().is_none_or(|filter| filter.lists(record));
    let items: Vec<_> = page.pinned.iter().chain(&page.items).filter(listed).map(text).collect();
    let before = page.before.map_or_else(String::new, |before| format!(",\"before\":\"{before}\""));
    let json = format!("{{\"items\":[{}],\"position\":\"{}\"{before}}}", items.join(","), page.state.head);
    Ok(conditional::json(&headers, sight, None, json))
}

/// Where a page goes on, as an address has it.
///
/// # Errors
/// It is no cursor.
pub fn cursor(text: &str) -> Result<Cursor, Problem> {
    text.parse().map_err(|wrong: NotACursor| Problem::bad_request("before", wrong.to_string()))
}

/// `GET /v1/feeds/{feed}/items/{id}`.
pub async fn one(
    State(doors): State<Doors>,
    Address((feed, id)): Address<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let state = feeds::state(&doors, &feed).await?;
    let sight = access::reader(&doors, &headers, &state).await?;
    let record = stored(&doors, &state.feed.id, &id).await?;
    let json = seen(&doors, sight, &record, &state.feed.id);
    // An editor needs the ETag that If-Match takes. The public form also changes where a pin or a breaking mark ends by
    // the clock, without a new version, so its ETag comes from its bytes.
    let etag = (sight == Sight::Full).then(|| record.etag());
    Ok(conditional::json(&headers, sight, etag, json))
}

/// The item that an address names.
///
/// # Errors
/// 404 where there is none, 503 where the store is away.
pub async fn stored(doors: &Doors, feed: &FeedId, id: &str) -> Result<Record, Problem> {
    let uuid: Uuid = id.parse().map_err(|_| missing(feed, id))?;
    doors.store.item(feed, uuid).await?.ok_or_else(|| missing(feed, id))
}

/// 404 for an item.
pub fn missing(feed: &FeedId, id: &str) -> Problem {
    Problem::not_found(format!("There is no item {id:?} in the feed {feed}."))
}

/// An item as this request may see it.
pub fn seen(doors: &Doors, sight: Sight, record: &Record, feed: &FeedId) -> String {
    match sight {
        Sight::Public | Sight::Readers => record.public(feed, doors.store.now()),
        Sight::Full => record.full(feed, doors.store.now()),
    }
}
