//! The stream door: `GET /v1/feeds/{feed}/live`, as a WebSocket or as server-sent events.
//!
//! Both say the same messages; which one it is follows from the request. A reader that cannot be served is told so in
//! the stream itself (`bye`), because a browser's EventSource never comes back after an error status; a proxy that can
//! send the reader elsewhere may ask for one ([`elsewhere`]).

mod control;
pub mod ear;
mod elsewhere;
pub mod room;
pub mod several;
pub mod shard;
mod sse;
mod web_socket;

use std::net::IpAddr;

use axum::{
    extract::{Request, State},
    response::Response,
};
use http::{HeaderMap, HeaderName, header};

use super::{Doors, access, address::Address, problem::Problem, proxy::Client, query::Query, ticket};
use crate::{
    live::{Awake, Ending, Goodbye, Reader, Start, Wire, Wish, right::Right},
    news::{After, FeedId},
};
use room::Place;

/// What is walked on a stream.
#[derive(Debug)]
pub struct Walk {
    /// The form in which messages leave.
    pub wire: Wire,
    /// The readers that share the connection: of one feed each, and none where it is refused.
    pub readers: Vec<Reader>,
    /// Why nothing is walked, if so.
    pub refused: Option<Ending>,
    /// Its place among this node's readers.
    pub place: Option<Place>,
}

impl Walk {
    fn of(wire: Wire, readers: Vec<Reader>) -> Self {
        Self { wire, readers, refused: None, place: None }
    }

    fn at(self, place: Place) -> Self {
        Self { place: Some(place), ..self }
    }

    fn refused(feed: &FeedId, wire: Wire, why: Goodbye) -> Self {
        Self { wire, readers: Vec::new(), refused: Some(Ending::of(feed, wire, why)), place: None }
    }
}

/// `GET …/live?after=POSITION` or `?last=N`.
pub async fn stream(
    State(doors): State<Doors>,
    Address(feed): Address<String>,
    mut query: Query,
    request: Request,
) -> Result<Response, Problem> {
    let (after, last, filter) = (query.one("after")?, query.number("last")?, query.filter()?);
    let ticket = query.one("ticket")?;
    query.end("after, last, urgency, tag, subject and ticket")?;
    if last == Some(0) {
        return Err(Problem::bad_request("last", "last is how many items to begin with: at least 1."));
    }
    let wire = wire(request.headers())?;
    let start = start(request.headers(), after.as_deref());
    let wish = Wish { start, size: last.unwrap_or(0), filter, right: Right::Anybody };
    let place = match doors.room.enter(client(&request)) {
        Ok(place) => place,
        Err(full) if wire.is_web_socket() => return Err(Problem::full(full)),
        // A browser's EventSource would never come back after an error status.
        Err(_) => {
            let id: FeedId = feed.parse().map_err(|_| Problem::no_feed(&feed))?;
            return begin(Walk::refused(&id, wire, Goodbye::Full), &request);
        }
    };
    begin(open(&doors, &feed, wire, wish, (request.headers(), ticket.as_deref())).await?.at(place), &request)
}

/// The answer with which a stream begins, or is refused.
fn begin(walk: Walk, request: &Request) -> Result<Response, Problem> {
    if let Some(ending) = elsewhere::refusal(walk.refused.as_ref(), request.headers()) {
        return Err(Problem::refused(ending));
    }
    match walk.wire.is_web_socket() {
        true => web_socket::upgrade(walk, request),
        false => Ok(sse::respond(walk, request.method())),
    }
}

/// The address of who asks.
fn client(request: &Request) -> IpAddr {
    Client::of(request.extensions()).0
}

/// Which transport the request asks for.
fn wire(headers: &HeaderMap) -> Result<Wire, Problem> {
    // Clients that can do HTTP/2 offer an upgrade to it with every request; that is no wish for a WebSocket.
    if web_socket::names(headers, header::UPGRADE, "websocket") {
        return Ok(web_socket::wire(headers));
    }
    let accept = headers.get(header::ACCEPT).map_or(Ok("*/*"), |accept| accept.to_str()).unwrap_or_default();
    let takes = |kind: &str| accept.split([',', ';']).any(|offered| offered.trim().eq_ignore_ascii_case(kind));
    if takes("text/event-stream") || takes("*/*") || takes("text/*") {
        return Ok(Wire::Sse);
    }
    Err(Problem::not_acceptable("This is a stream: ask for text/event-stream, or for an upgrade to websocket."))
}

/// Where the reader wants to begin. What a browser's EventSource remembers beats the address it was opened with.
fn start(headers: &HeaderMap, after: Option<&str>) -> Start {
    let remembered = headers.get(HeaderName::from_static("last-event-id")).map(|id| id.to_str().unwrap_or("?"));
    match remembered.filter(|id| !id.is_empty()).or(after) {
        None => Start::Newest,
        Some(text) => text.parse::<After>().map_or(Start::Unknown, Start::Resume),
    }
}

async fn open(
    doors: &Doors,
    feed: &str,
    wire: Wire,
    wish: Wish,
    (headers, ticket): (&HeaderMap, Option<&str>),
) -> Result<Walk, Problem> {
    let id: FeedId = feed.parse().map_err(|_| Problem::no_feed(feed))?;
    if doors.drain.spread().is_some() {
        return Ok(Walk::refused(&id, wire, Goodbye::Draining));
    }
    let awake = match doors.feeds.open(&id).await {
        Ok(Some(awake)) => awake,
        Ok(None) if wish.start == Start::Newest => return Err(Problem::no_feed(feed)),
        Ok(None) => return Ok(Walk::refused(&id, wire, Goodbye::Gone)),
        Err(error) => {
            tracing::warn!(%error, feed, "a reader could not be served");
            return Ok(Walk::refused(&id, wire, Goodbye::StoreAway));
        }
    };
    if !doors.feeds.freshness.is_fresh() {
        return Ok(Walk::refused(&id, wire, Goodbye::StoreAway));
    }
    let right = match ticket {
        None => right(doors, headers, &awake).await?,
        Some(ticket) => match ticket::token(doors, &id, ticket).await {
            Ok(Some(token)) => Ok(doors.feeds.rights.of(&token)),
            // A browser's EventSource comes back with the same ticket, and would never do so after an error status.
            Ok(None) => Err(Goodbye::Ticket),
            Err(_) => Err(Goodbye::StoreAway),
        },
    };
    let opened = right.and_then(|right| Reader::open(doors.feeds.clone(), awake, wire, Wish { right, ..wish }));
    Ok(match opened {
        Ok(reader) => Walk::of(wire, vec![reader]),
        Err(why) => Walk::refused(&id, wire, why),
    })
}

/// By what right the request reads. A store that cannot tell, before this node knows that it is away, refuses the stream
/// as one that is known to be away does.
async fn right(doors: &Doors, headers: &HeaderMap, awake: &Awake) -> Result<Result<Right, Goodbye>, Problem> {
    match access::right(doors, headers, &awake.state()).await {
        Err(problem) if problem.is_of_the_server() => Ok(Err(Goodbye::StoreAway)),
        right => right.map(Ok),
    }
}
