//! Server-sent events (WHATWG HTML, section 9.2): the head of the answer. The events are the connection's last bytes, so
//! that they need no chunks, and a client of HTTP/1.0 is served like any other.

use axum::{
    body::Body,
    response::{IntoResponse as _, Response},
};
use futures_util::stream;
use http::{HeaderName, HeaderValue, Method, header};

use super::{super::takeover::Takeover, Walk};

/// The response: 200 whatever the walk says, with headers that keep proxies from buffering it.
pub(super) fn respond(walk: Walk, method: &Method) -> Response {
    let head = [
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "no-store, no-transform"),
        (HeaderName::from_static("x-accel-buffering"), "no"),
    ];
    // A body without a length, of which HEAD gets the head.
    let body = Body::from_stream(stream::empty::<Result<bytes::Bytes, std::convert::Infallible>>());
    let mut response = (head, body).into_response();
    if method == Method::GET {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        response.extensions_mut().insert(Takeover::of(walk));
    }
    response
}
