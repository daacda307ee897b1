//! The poll door: `GET /v1/feeds/{feed}/changes?after=&limit=&wait=`, for clients that cannot hold a stream.

use std::time::Duration;

use axum::{
    body::Body,
    extract::State,
    response::{IntoResponse as _, Response},
};
use http::{HeaderMap, header};
use serde_json::json;

use super::{
    Doors, access,
    address::{self, Address},
    problem::Problem,
    query::Query,
    ticket,
};
use crate::{
    live::{
        Ending, Goodbye, Wire,
        message::Reset,
        poll::{Asked, Polled, poll},
    },
    news::{After, FeedId, position::NotAPosition},
};

/// How long a poll waits for a change at most, in seconds.
pub(super) const LONGEST_WAIT: u64 = 30;

/// `GET …/changes`.
pub async fn changes(
    State(doors): State<Doors>,
    Address(feed): Address<String>,
    mut query: Query,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let filter = query.filter()?;
    let (limit, wait) = (query.number("limit")?, query.number("wait")?.unwrap_or(0));
    let after = query.one("after")?;
    let ticket = query.one("ticket")?;
    query.end("after, limit, wait, urgency, tag, subject and ticket")?;
    let Some(after) = after else {
        let detail = "Say after which position: \"after=0\" for everything that is kept, or the position that \
                      GET …/items returned with its items.";
        return Err(Problem::bad_request("after", detail));
    };
    let after: After = after.parse().map_err(|e: NotAPosition| Problem::bad_request("after", e.to_string()))?;
    let limit = address::limit(limit)?;
    if wait > LONGEST_WAIT {
        return Err(Problem::bad_request("wait", format!("wait is 0 to {LONGEST_WAIT} seconds, not {wait}.")));
    }
    let id: FeedId = feed.parse().map_err(|_| Problem::no_feed(&feed))?;
    let Some(awake) = doors.feeds.open(&id).await? else { return Err(Problem::no_feed(&feed)) };
    let right = match ticket {
        None => access::right(&doors, &headers, &awake.state()).await?,
        Some(ticket) => match ticket::token(&doors, &id, &ticket).await? {
            Some(token) => doors.feeds.rights.of(&token),
            None => return Err(Problem::unauthorized("This ticket is over; POST …/tickets gives another.")),
        },
    };
    let polled =
        poll(&doors.feeds, &awake, Asked { after, limit, wait: Duration::from_secs(wait), filter, right }).await?;
    let numbers = &doors.feeds.numbers;
    let body = match polled {
        Polled::Revoked => return Err(Problem::unauthorized("The token was revoked, or the feed now needs one.")),
        Polled::Leave => return Err(Problem::refused(&Ending::of(&id, Wire::Json, Goodbye::Draining))),
        Polled::Reset { reason: Reset::Gone, .. } => return Err(Problem::no_feed(&feed)),
        Polled::Reset { reason, position } => {
            numbers.resets.one(reason);
            json!({"reset": reason.name(), "position": position}).to_string()
        }
        Polled::Changes { changes, position, more } => {
            numbers.polls.deliveries.add(changes.len() as u64);
            let texts: Vec<_> = changes.iter().map(|change| String::from_utf8_lossy(change)).collect();
            format!("{{\"changes\":[{}],\"position\":\"{position}\",\"more\":{more}}}", texts.join(","))
        }
    };
    numbers.polls.bytes.add(body.len() as u64);
    let head = [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")];
    Ok((head, Body::from(body)).into_response())
}
