//! Each request's id, its line in the log, and the text of its problem if it ends in one, which is counted by its code.
//!
//! Every line that is logged while a request is served carries its id and who asks. The log names method, path, status and
//! time. It never has a header, a query or a body: those may hold a token or an item's text.

use std::sync::Arc;

use axum::{
    body::Body,
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use http::{HeaderName, HeaderValue, header};
use tokio::time::Instant;
use tracing::Instrument as _;
use uuid::Uuid;

use super::{describe, page::wrong::Told, problem::Problem, proxy::Client};
use crate::count::{Each, Label};

/// The header that carries a request's id; a client's or a proxy's own is kept if it is plain and short.
pub const ID: HeaderName = HeaderName::from_static("x-request-id");

/// How long a client's own request id may be.
pub(super) const LONGEST: usize = 64;

/// The code of a problem.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code(&'static str);

impl Label for Code {
    fn all() -> impl Iterator<Item = Self> {
        describe::codes().map(Self)
    }

    fn name(self) -> &'static str {
        self.0
    }
}

/// How often requests were refused.
pub type Refusals = Arc<Each<Code>>;

/// Runs around every request.
pub async fn tell(State(refusals): State<Refusals>, request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let given = request.headers().get(ID).filter(|id| plain(id)).cloned();
    let id = given.unwrap_or_else(|| HeaderValue::from_str(&Uuid::now_v7().to_string()).expect("a UUID is plain text"));
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let text = id.to_str().expect("only plain ids are kept").to_owned();
    let client = request.extensions().get::<Client>().map(|Client(address)| tracing::field::display(*address));
    let person = Told::of(&request);
    let span = tracing::info_span!("request", id = text, client);
    let mut response = next.run(request).instrument(span.clone()).await;
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        let code = Code::all().find(|code| code.name() == problem.code());
        // Every problem is described; one that is not is answered all the same.
        code.into_iter().for_each(|code| refusals.one(code));
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response.headers_mut().remove(header::CONTENT_LENGTH);
        let written = match person {
            Some(told) => told.page(&problem, &text, response.headers_mut()),
            None => problem.json(&text),
        };
        if method != http::Method::HEAD {
            *response.body_mut() = Body::from(written);
        }
    }
    let status = response.status().as_u16();
    tracing::debug!(parent: &span, %method, path, status, ms = begun.elapsed().as_millis(), "answered");
    response.headers_mut().insert(ID, id);
    response
}

fn plain(id: &HeaderValue) -> bool {
    let id = id.as_bytes();
    (1..=LONGEST).contains(&id.len()) && id.iter().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(b))
}
