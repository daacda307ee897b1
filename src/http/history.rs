//! What an item was: its versions, for those who may publish, and where it is found by an id that it has elsewhere.

use axum::{
    body::Body,
    extract::State,
    response::{IntoResponse as _, Response},
};
use http::{HeaderMap, HeaderValue, header};
use serde_json::json;

use super::{
    Doors,
    access::{self, Sight},
    address::Address,
    conditional, feeds, items,
    problem::Problem,
    query::Query,
};
use crate::{
    news::{FeedId, Position, Status, story::Story},
    store::Version,
};

/// `GET …/items/{id}/versions?after=`: who made each version, when, and what differed, oldest first. With `after` in
/// the answer there are more: ask again with it.
pub async fn versions(
    State(doors): State<Doors>,
    Address((feed, id)): Address<(String, String)>,
    mut query: Query,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let feed: FeedId = feed.parse().map_err(|_| Problem::no_feed(&feed))?;
    access::editor(&doors, &headers, &feed).await?;
    let after = query.number("after")?.unwrap_or(0);
    query.end("after")?;
    feeds::state(&doors, feed.as_str()).await?;
    let current = items::stored(&doors, &feed, &id).await?;
    let versions = doors.store.versions(&feed, current.id, after).await?;
    let now = doors.store.now();
    let told = |Version { record, who, fields }: &Version| {
        let position = Position { seq: record.last_seq, mark: record.mark };
        let about = json!({
            "version": record.version, "position": position, "kind": record.kind, "at": record.at, "who": who,
            "fields": fields,
        })
        .to_string();
        // The item's text continues the object.
        format!("{},\"item\":{}}}", about.trim_end_matches('}'), record.full(&feed, now))
    };
    let more = versions.last().map(|last| last.record.version).filter(|last| *last < current.version);
    let after = more.map_or_else(String::new, |last| format!(",\"after\":{last}"));
    let texts: Vec<_> = versions.iter().map(told).collect();
    let body = Body::from(format!("{{\"versions\":[{}]{after}}}", texts.join(",")));
    let head = [
        (header::CONTENT_TYPE, "application/json"),
        (header::CACHE_CONTROL, "no-store"),
        (header::VARY, "authorization"),
    ];
    Ok((head, body).into_response())
}

/// `GET …/items/by-alt-id?role=R&value=V`: the item that has, or had, this altId, and where it is (`Content-Location`).
pub async fn by_alt_id(
    State(doors): State<Doors>,
    Address(feed): Address<String>,
    mut query: Query,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (role, value) = (query.one("role")?, query.one("value")?);
    query.end("role and value")?;
    let (Some(role), Some(value)) = (role, value) else {
        return Err(Problem::bad_request("value", "An altId is a role and a value: \"role=guid&value=…\"."));
    };
    let state = feeds::state(&doors, &feed).await?;
    let id = &state.feed.id;
    let sight = access::reader(&doors, &headers, &state).await?;
    let hash = Story::alt_id_hash(id, &role, &value);
    let missing = || Problem::not_found(format!("There is no item with that altId in the feed {id}."));
    let item = doors.store.item_by_alt_id(id, &hash).await?.ok_or_else(missing)?;
    let record = doors.store.item(id, item).await?.ok_or_else(missing)?;
    // The public finds by what it can see: not what is held back, and not by a number that a story got meanwhile.
    let shown = record.status == Status::Usable && Story::of(&record.story).alt_id_hashes(id).contains(&hash);
    if sight != Sight::Full && !shown {
        return Err(missing());
    }
    let etag = (sight == Sight::Full).then(|| record.etag());
    let mut response = conditional::json(&headers, sight, etag, items::seen(&doors, sight, &record, id));
    let place = format!("{}/v1/feeds/{id}/items/{item}", doors.proxy.prefix());
    let place = HeaderValue::from_str(&place).expect("an address is plain text");
    response.headers_mut().insert(header::CONTENT_LOCATION, place);
    Ok(response)
}
