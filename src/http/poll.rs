//! The poll door: `GET /v1/feeds/{feed}/changes?after=&limit=&wait=`, for clients that cannot hold a stream.

use std::time::Duration;

use axum::{
    body::Body,
    extract::State,
    response::{IntoResponse as _, Response},
};
use http::{HeaderMap, header};
use serde::Deserialize;
use serde_json::json;

use super::{
    Doors, access,
    address::{self, Address, Asked},
    problem::Problem,
};
use crate::{
    live::{
        message::Reset,
        poll::{Polled, poll},
    },
    news::{After, position::NotAPosition},
};

/// How long a poll waits for a change at most, in seconds.
const LONGEST_WAIT: u64 = 30;

/// The query of a poll.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PollQuery {
    after: Option<String>,
    limit: Option<usize>,
    wait: Option<u64>,
}

/// `GET …/changes`.
pub async fn changes(
    State(doors): State<Doors>,
    Address(feed): Address<String>,
    Asked(query): Asked<PollQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let Some(after) = query.after else {
        let detail = "Say after which position: \"after=0\" for everything that is kept, or the position that \
                      GET …/items returned with its items.";
        return Err(Problem::bad_request("after", detail));
    };
    let after: After = after.parse().map_err(|e: NotAPosition| Problem::bad_request("after", e.to_string()))?;
    let limit = address::limit(query.limit)?;
    let wait = query.wait.unwrap_or(0);
    if wait > LONGEST_WAIT {
        return Err(Problem::bad_request("wait", format!("wait is 0 to {LONGEST_WAIT} seconds, not {wait}.")));
    }
    let id = feed.parse().map_err(|_| Problem::no_feed(&feed))?;
    let Some(awake) = doors.feeds.open(&id).await? else { return Err(Problem::no_feed(&feed)) };
    access::reader(&doors, &headers, &awake.state()).await?;
    let polled = poll(&doors.feeds, &awake, after, limit, Duration::from_secs(wait)).await?;
    let body = match polled {
        Polled::Reset { reason: Reset::Gone, .. } => return Err(Problem::no_feed(&feed)),
        Polled::Reset { reason, position } => json!({"reset": reason.name(), "position": position}).to_string(),
        Polled::Changes { changes, position, more } => {
            let texts: Vec<_> = changes.iter().map(|change| String::from_utf8_lossy(change)).collect();
            format!("{{\"changes\":[{}],\"position\":\"{position}\",\"more\":{more}}}", texts.join(","))
        }
    };
    let head = [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")];
    Ok((head, Body::from(body)).into_response())
}
