//! What one node takes on at once, whoever asks: how long an address may be, and how many requests may be open.
//!
//! A request is open from its head to the last byte of its answer. Streams are not counted once they are answered: they
//! are readers, which cost their socket and little more. Requests that write have places of their own, so that no crowd
//! of readers keeps an editor out; and so have those that take a text away, so that no crowd of writers keeps one back.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use axum::{
    body::Body,
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use bytes::Bytes;
use http::{Method, StatusCode, header};
use http_body::{Frame, SizeHint};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::problem::Problem;
use crate::news::edit::Verb;

/// How long the address of a request may be, in bytes: the longest filter there can be, percent-encoded, takes less.
pub const ADDRESS: usize = 8 * 1024;
/// How many requests that read may be open at once, long polls among them: as many answers of 256 KiB as fit in a GiB.
pub const READS: usize = 4_096;
/// How many requests that write: as many bodies of 512 KiB as fit in 256 MiB.
pub const WRITES: usize = 512;

/// How many requests that take a text away.
pub const KILLS: usize = 64;
/// What their addresses end with.
const KILLING: [Verb; 3] = [Verb::Withhold, Verb::Retract, Verb::Remove];

/// The places that open requests take.
#[derive(Clone, Debug)]
pub struct Places {
    reads: Arc<Semaphore>,
    writes: Arc<Semaphore>,
    kills: Arc<Semaphore>,
}

impl Default for Places {
    fn default() -> Self {
        let places = |places| Arc::new(Semaphore::new(places));
        Self { reads: places(READS), writes: places(WRITES), kills: places(KILLS) }
    }
}

impl Places {
    /// The kinds of places by name, with how many of each are taken and how many there are.
    #[must_use]
    pub fn taken(&self) -> [(&'static str, usize, usize); 3] {
        let taken = |name, places: &Semaphore, most| (name, most - places.available_permits(), most);
        [taken("reads", &self.reads, READS), taken("writes", &self.writes, WRITES), taken("kills", &self.kills, KILLS)]
    }
}

/// Runs around every request.
pub async fn hold(State(places): State<Places>, request: Request, next: Next) -> Response {
    let length = request.uri().path_and_query().map_or(0, |address| address.as_str().len());
    if length > ADDRESS {
        return Problem::uri_too_long(ADDRESS, length).into_response();
    }
    let (kind, most) = match *request.method() {
        Method::GET | Method::HEAD | Method::OPTIONS => (&places.reads, READS),
        _ if kills(request.uri().path()) => (&places.kills, KILLS),
        _ => (&places.writes, WRITES),
    };
    let Ok(place) = kind.clone().try_acquire_owned() else { return Problem::busy(most).into_response() };
    let response = next.run(request).await;
    let streams = response.status() == StatusCode::SWITCHING_PROTOCOLS
        || response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind == "text/event-stream");
    if streams { response } else { response.map(|body| Body::new(Held { body, _place: place })) }
}

fn kills(path: &str) -> bool {
    KILLING.iter().any(|verb| path.rsplit('/').next() == Some(verb.name()))
}

/// A body that holds its request's place until it is sent, or given up.
struct Held {
    body: Body,
    _place: OwnedSemaphorePermit,
}

impl http_body::Body for Held {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
