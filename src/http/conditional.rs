//! Answers that a client may have already: ETag, `If-None-Match`, 304 (RFC 9110, section 13).

use axum::{
    body::Body,
    response::{IntoResponse as _, Response},
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use sha2::{Digest as _, Sha256};

use super::access::Sight;
use crate::news::Moment;

/// A JSON answer with its ETag, or 304 where the client has it. Without an ETag of its own it gets one from its bytes.
pub fn json(headers: &HeaderMap, sight: Sight, etag: Option<String>, json: String) -> Response {
    let etag = etag.unwrap_or_else(|| self::etag(&json));
    let whole = ([(header::CONTENT_TYPE, "application/json")], Body::from(json)).into_response();
    answer(headers, sight, &etag, whole)
}

/// The ETag of a text that has no other: a hash of its bytes.
pub(super) fn etag(text: impl AsRef<[u8]>) -> String {
    let hash = Sha256::digest(text);
    hash[..12].iter().fold("\"".to_owned(), |text, byte| text + &format!("{byte:02x}")) + "\""
}

/// The whole answer with its ETag, or 304 where the client has it.
pub fn answer(headers: &HeaderMap, sight: Sight, etag: &str, whole: Response) -> Response {
    let mut response = if has(headers, etag) { StatusCode::NOT_MODIFIED.into_response() } else { whole };
    let caching = match sight {
        // A cache may keep it but asks each time: what is retracted must be gone at once.
        Sight::Public => HeaderValue::from_static("public, no-cache"),
        Sight::Readers => HeaderValue::from_static("private, no-cache"),
        Sight::Full => HeaderValue::from_static("no-store"),
    };
    let out = response.headers_mut();
    out.insert(header::ETAG, HeaderValue::from_str(etag).expect("an ETag is plain text"));
    out.insert(header::CACHE_CONTROL, caching);
    out.append(header::VARY, HeaderValue::from_static("authorization"));
    response
}

/// Whether `If-None-Match` names this ETag; weakly compared, as RFC 9110 asks.
pub(super) fn has(headers: &HeaderMap, etag: &str) -> bool {
    let given = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    given.flat_map(|list| list.split(',')).map(str::trim).any(|tag| tag == "*" || tag.trim_start_matches("W/") == etag)
}

/// Whether `If-Modified-Since` says that the client has what was last modified then. What is no date says nothing.
pub(super) fn has_since(headers: &HeaderMap, modified: Moment) -> bool {
    let given = headers.get(header::IF_MODIFIED_SINCE).and_then(|date| date.to_str().ok());
    given.and_then(Moment::of_http_date).is_some_and(|since| modified <= since)
}
