//! Several feeds on one WebSocket: `GET /v1/live?feed=a&feed=b@POSITION`.

use axum::{
    extract::{Request, State},
    response::Response,
};

use super::{Doors, Problem, Query, Walk, begin, client, right, wire};
use crate::{
    live::{Goodbye, Reader, Start, Wish},
    news::{After, FeedId},
};

/// How many feeds one connection can follow.
pub const MOST: usize = 16;

/// `GET /v1/live`. One feed that is unknown, or may not be read, refuses the request by its name; later, the end of any
/// feed is the end of the connection.
pub async fn stream(State(doors): State<Doors>, mut query: Query, request: Request) -> Result<Response, Problem> {
    let feeds = query.all("feed");
    let (last, filter) = (query.number("last")?, query.filter()?);
    query.end("feed, last, urgency, tag and subject")?;
    if last == Some(0) {
        return Err(Problem::bad_request("last", "last is how many items to begin with: at least 1."));
    }
    if !(1..=MOST).contains(&feeds.len()) {
        let detail = format!("Name 1 to {MOST} feeds, as feed=ID or feed=ID@POSITION; these are {}.", feeds.len());
        return Err(Problem::bad_request("feed", detail));
    }
    let wire = wire(request.headers())?;
    if !wire.is_web_socket() {
        let detail = "Several feeds share a WebSocket: ask for an upgrade, or read one feed at /v1/feeds/{feed}/live.";
        return Err(Problem::not_acceptable(detail));
    }
    let place = doors.room.enter(client(&request)).map_err(Problem::full)?;
    let mut readers: Vec<Reader> = Vec::with_capacity(feeds.len());
    let mut ids: Vec<FeedId> = Vec::with_capacity(feeds.len());
    for named in &feeds {
        let (id, position) = named.split_once('@').map_or((named.as_str(), None), |(id, at)| (id, Some(at)));
        let parsed: FeedId = id.parse().map_err(|_| Problem::no_feed(id))?;
        if ids.contains(&parsed) {
            return Err(Problem::bad_request("feed", format!("The feed {id} is named twice.")));
        }
        let start = position.map_or(Start::Newest, |at| at.parse::<After>().map_or(Start::Unknown, Start::Resume));
        if doors.drain.spread().is_some() {
            return begin(Walk::refused(&parsed, wire, Goodbye::Draining), &request);
        }
        let awake = match doors.feeds.open(&parsed).await {
            Ok(awake) => awake.ok_or_else(|| Problem::no_feed(id))?,
            Err(error) => {
                tracing::warn!(%error, feed = id, "a reader could not be served");
                return begin(Walk::refused(&parsed, wire, Goodbye::StoreAway), &request);
            }
        };
        let opened = right(&doors, request.headers(), &awake).await?.and_then(|right| {
            let wish = Wish { start, size: last.unwrap_or(0), filter: filter.clone(), right };
            Reader::open(doors.feeds.clone(), awake, wire, wish)
        });
        match opened {
            Ok(reader) => readers.push(reader),
            Err(why) => return begin(Walk::refused(&parsed, wire, why), &request),
        }
        ids.push(parsed);
    }
    begin(Walk::of(wire, readers).at(place), &request)
}
