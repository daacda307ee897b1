//! The handshake of a WebSocket (RFC 6455, section 4.2). What follows on the connection is its shard's.

use axum::{body::Body, extract::Request, response::Response};
use http::{HeaderMap, HeaderName, Method, StatusCode, Version, header};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::{Problem, Walk, access};
use crate::{http::takeover::Takeover, live::Wire};

/// Answers the handshake.
pub(super) fn upgrade(walk: Walk, request: &Request) -> Result<Response, Problem> {
    if request.method() != Method::GET {
        return Err(Problem::bad_request(
            "Upgrade",
            "A WebSocket is opened by GET; leave Upgrade out of other requests.",
        ));
    }
    if request.version() != Version::HTTP_11 {
        return Err(Problem::bad_request("Upgrade", "This connection cannot be upgraded; use HTTP/1.1."));
    }
    if !http_body::Body::is_end_stream(request.body()) {
        return Err(Problem::bad_request("body", "A handshake has no body."));
    }
    let key = accepted(request.headers())?;
    let mut response = Response::builder();
    if let Some(subprotocol) = chosen(request.headers()) {
        response = response.header(header::SEC_WEBSOCKET_PROTOCOL, subprotocol);
    }
    if walk.wire == Wire::Deflate {
        response = response.header(header::SEC_WEBSOCKET_EXTENSIONS, DEFLATE);
    }
    let response = response
        .status(StatusCode::SWITCHING_PROTOCOLS)
        .header(header::CONNECTION, "upgrade")
        .header(header::UPGRADE, "websocket")
        .header(HeaderName::from_static("sec-websocket-accept"), key)
        .extension(Takeover::of(walk))
        .body(Body::empty());
    Ok(response.expect("these headers are plain text"))
}

/// How permessage-deflate (RFC 7692) is agreed to: every message stands alone, on both sides.
const DEFLATE: &str = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";

/// The wire that a handshake asks for: a compressed one where it offers what is done here.
pub(super) fn wire(headers: &HeaderMap) -> Wire {
    let lists = headers.get_all(header::SEC_WEBSOCKET_EXTENSIONS).iter().filter_map(|value| value.to_str().ok());
    if lists.flat_map(|list| list.split(',')).any(acceptable) { Wire::Deflate } else { Wire::WebSocket }
}

/// Whether an offer can be agreed to (RFC 7692, section 7.1). All readers share what is compressed with a window of 15
/// bits, so that an offer which asks for a smaller one is declined; the client may use what window it likes, since
/// nothing that it sends is looked at.
fn acceptable(offer: &str) -> bool {
    let mut parts = offer.split(';').map(str::trim);
    if !parts.next().is_some_and(|name| name.eq_ignore_ascii_case("permessage-deflate")) {
        return false;
    }
    let mut seen = Vec::new();
    parts.all(|parameter| {
        let (name, value) = match parameter.split_once('=') {
            Some((name, value)) => (name.trim(), Some(value.trim().trim_matches('"'))),
            None => (parameter, None),
        };
        // A parameter that comes twice, is unknown or has a value that it cannot have declines its offer.
        if seen.contains(&name) {
            return false;
        }
        seen.push(name);
        let bits = value.and_then(|value| value.parse::<u8>().ok());
        match name {
            "server_no_context_takeover" | "client_no_context_takeover" => value.is_none(),
            "server_max_window_bits" => value == Some("15"),
            "client_max_window_bits" => value.is_none() || bits.is_some_and(|bits| (8..=15).contains(&bits)),
            _ => false,
        }
    })
}

/// The value of `Sec-WebSocket-Accept`, if the handshake is one (RFC 6455, section 4.2.1).
fn accepted(headers: &HeaderMap) -> Result<String, Problem> {
    if !names(headers, header::CONNECTION, "upgrade") {
        let detail = "An upgrade to websocket needs the header \"Connection: Upgrade\".";
        return Err(Problem::bad_request("Connection", detail));
    }
    if !names(headers, header::SEC_WEBSOCKET_VERSION, "13") {
        return Err(Problem::upgrade_required());
    }
    match headers.get(header::SEC_WEBSOCKET_KEY) {
        // 16 bytes in base64 are 24 characters.
        Some(key) if key.len() == 24 => Ok(derive_accept_key(key.as_bytes())),
        _ => Err(Problem::bad_request("Sec-WebSocket-Key", "A handshake carries 16 random bytes in base64.")),
    }
}

/// What a browser can name its connection by; a token that it offers beside stays out of the answer then.
const SUBPROTOCOL: &str = "newswire.v1";

/// The subprotocol to answer with, of those that are offered: a browser fails a connection that answers with none.
fn chosen(headers: &HeaderMap) -> Option<String> {
    let lists = headers.get_all(header::SEC_WEBSOCKET_PROTOCOL).iter().filter_map(|value| value.to_str().ok());
    let offered: Vec<&str> = lists.flat_map(|list| list.split(',')).map(str::trim).collect();
    let ours = offered.iter().find(|offered| **offered == SUBPROTOCOL);
    let token = || offered.iter().find(|offered| offered.starts_with(access::SUBPROTOCOL));
    ours.or_else(token).map(|chosen| (*chosen).to_owned())
}

/// Whether a header that is a list names this word.
pub(super) fn names(headers: &HeaderMap, name: HeaderName, word: &str) -> bool {
    let lists = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    lists.flat_map(|list| list.split(',')).any(|token| token.trim().eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offer_of_deflate_is_taken_where_it_asks_for_what_is_done_here() {
        let wire_of = |offers: &[&str]| {
            let mut headers = HeaderMap::new();
            for offer in offers {
                headers.append(header::SEC_WEBSOCKET_EXTENSIONS, offer.parse().expect("a header"));
            }
            wire(&headers)
        };
        for taken in [
            "permessage-deflate",
            "permessage-deflate; client_max_window_bits",
            "permessage-deflate; client_max_window_bits=9; server_no_context_takeover",
            "permessage-deflate; server_max_window_bits=15",
            "x-unknown, permessage-deflate; server_max_window_bits=10, permessage-deflate",
        ] {
            assert_eq!(wire_of(&[taken]), Wire::Deflate, "{taken}");
        }
        assert_eq!(wire_of(&["x-unknown", "permessage-deflate"]), Wire::Deflate);
        for declined in [
            "",
            "x-webkit-deflate-frame",
            "permessage-deflate; server_max_window_bits=10",
            "permessage-deflate; server_max_window_bits",
            "permessage-deflate; client_max_window_bits=16",
            "permessage-deflate; client_no_context_takeover=1",
            "permessage-deflate; server_no_context_takeover; server_no_context_takeover",
            "permessage-deflate; unheard_of",
        ] {
            assert_eq!(wire_of(&[declined]), Wire::WebSocket, "{declined}");
        }
    }
}
