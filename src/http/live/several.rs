//! Several feeds on one WebSocket: `GET /v1/live?feed=a&feed=b@POSITION`.

use axum::{
    extract::{Request, State},
    response::Response,
};
use futures_util::future::select_all;

use super::{Doors, Problem, Query, Walk, access, web_socket, wire};
use crate::{
    live::{Goodbye, Reader, Start, Turn, Wire, Wish},
    news::{After, FeedId},
};

/// How many feeds one connection can follow.
pub const MOST: usize = 16;

/// Readers of different feeds that share a connection; at least one.
pub(super) struct Several(Vec<Reader>);

impl Several {
    /// The next turn of any of them. Whose turn it was comes last the next time, so that a busy feed hides no other.
    pub(super) async fn next(&mut self) -> Turn {
        // What is dropped half-way here is begun again: nothing is lost by it.
        let (turn, index, others) = select_all(self.0.iter_mut().map(|reader| Box::pin(reader.next()))).await;
        drop(others);
        let after = (index + 1) % self.0.len();
        self.0.rotate_left(after);
        turn
    }

    /// Ends the walk, for a reason of the transport's.
    pub(super) fn end(&self, why: Goodbye) -> Turn {
        self.0[0].end(why)
    }
}

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
    if wire(request.headers())? != Wire::WebSocket {
        let detail = "Several feeds share a WebSocket: ask for an upgrade, or read one feed at /v1/feeds/{feed}/live.";
        return Err(Problem::not_acceptable(detail));
    }
    let mut readers: Vec<Reader> = Vec::with_capacity(feeds.len());
    let mut ids: Vec<FeedId> = Vec::with_capacity(feeds.len());
    for named in &feeds {
        let (id, position) = named.split_once('@').map_or((named.as_str(), None), |(id, at)| (id, Some(at)));
        let parsed: FeedId = id.parse().map_err(|_| Problem::no_feed(id))?;
        if ids.contains(&parsed) {
            return Err(Problem::bad_request("feed", format!("The feed {id} is named twice.")));
        }
        let start = position.map_or(Start::Newest, |at| at.parse::<After>().map_or(Start::Unknown, Start::Resume));
        let awake = doors.feeds.open(&parsed).await?.ok_or_else(|| Problem::no_feed(id))?;
        let right = access::right(&doors, request.headers(), &awake.state()).await?;
        let wish = Wish { start, size: last.unwrap_or(0), filter: filter.clone(), right };
        match Reader::open(doors.feeds.clone(), awake, Wire::WebSocket, wish) {
            Ok(reader) => readers.push(reader),
            Err(why) => {
                let ending = crate::live::Ending::of(&parsed, Wire::WebSocket, why);
                return web_socket::upgrade(&doors, Walk::Refused(ending), request);
            }
        }
        ids.push(parsed);
    }
    web_socket::upgrade(&doors, Walk::Several(Several(readers)), request)
}
