//! What answers carry beside a body, each header described once.

use serde_json::{Map, Value, json};

use crate::http::request;

/// Headers of every answer.
pub(super) const ALWAYS: [&str; 3] = ["X-Request-Id", "Access-Control-Allow-Origin", "Access-Control-Expose-Headers"];

/// A header that may be missing.
pub(super) fn optional(name: &str) -> Value {
    json!({"$ref": format!("#/components/headers/{name}-Optional")})
}

/// The headers of these names, and those of every answer. One with a question mark may be missing.
pub(super) fn headers(names: &[&str]) -> Value {
    let place = |name: &&str| match name.strip_suffix('?') {
        Some(name) => (name.to_owned(), optional(name)),
        None => ((*name).to_owned(), json!({"$ref": format!("#/components/headers/{name}")})),
    };
    names.iter().chain(&ALWAYS).map(place).collect::<Map<_, _>>().into()
}

/// Every header, by its name; and once more, for answers that may be without it.
pub(super) fn all() -> Map<String, Value> {
    let matching = |pattern: &str| json!({"type": "string", "pattern": pattern});
    let constant = |value: &str| json!({"const": value});
    let all = [
        (
            "X-Request-Id",
            matching(&format!("^[A-Za-z0-9._-]{{1,{}}}$", request::LONGEST)),
            "The request's id, as the log has it.",
        ),
        ("Access-Control-Allow-Origin", constant("*"), "Any page may read the answer."),
        ("Access-Control-Expose-Headers", matching("^[a-z, -]+$"), "What it may see of these headers."),
        (
            "ETag",
            matching("^\"[!-~]+\"$"),
            "Names what was answered, for If-None-Match; an editor's, for If-Match too.",
        ),
        (
            "Cache-Control",
            json!({"anyOf": [{"enum": ["no-store", "public, no-cache", "private, no-cache", "no-store, no-transform",
                "public, max-age=300", "public, max-age=3600", "public, max-age=31536000, immutable", "private, no-store"]},
                {"pattern": "^public, max-age=0, must-revalidate, s-maxage=[0-5]$"}]}),
            "What readers may see is kept only to be asked for again, a page or a feed for other software for seconds, the \
             widget and its words for a while; nothing else is kept.",
        ),
        (
            "Vary",
            json!({"enum": ["authorization", "accept-encoding", "accept-language"]}),
            "Who has a token may see more; the widget, pages and feeds for other software are compressed for who takes that; what \
             is of no feed is in the reader's language.",
        ),
        (
            "Last-Modified",
            matching("^[A-Z][a-z]{2}, [0-9]{2} [A-Z][a-z]{2} [0-9]{4} [0-9]{2}:[0-9]{2}:[0-9]{2} GMT$"),
            "Since when it reads like this; not said before that is a few seconds ago.",
        ),
        ("Location", matching("^[^ ]+$"), "Where what was made is."),
        ("Content-Location", matching("^[^ ]+$"), "Where what was found is."),
        ("Idempotency-Replayed", constant("true"), "The request was carried out before, under the same key."),
        ("Retry-After", matching("^[1-9][0-9]*$"), "Try again after so many seconds."),
        ("WWW-Authenticate", matching("^Bearer "), "What a token is sent as."),
        ("Allow", matching("^[A-Z]+(, ?[A-Z]+)*$"), "The methods that the address takes."),
        ("Upgrade", constant("websocket"), "What is spoken from here on, or could be."),
        ("Connection", matching("^[Uu]pgrade$"), "The connection changes hands."),
        ("Sec-WebSocket-Accept", matching("^[A-Za-z0-9+/]{27}=$"), "The key, taken up (RFC 6455)."),
        ("Sec-WebSocket-Protocol", matching("^newswire\\."), "The subprotocol, of those that were offered."),
        ("Sec-WebSocket-Extensions", matching("^permessage-deflate;"), "What was agreed on (RFC 7692)."),
        ("Sec-WebSocket-Version", constant("13"), "The version of WebSocket that is spoken here."),
        ("Content-Security-Policy", matching("^default-src 'none';"), "What the page may load."),
        ("X-Content-Type-Options", constant("nosniff"), "It is what it says it is."),
        ("X-Accel-Buffering", constant("no"), "Keeps proxies from holding the stream back."),
    ];
    let described = all.into_iter().flat_map(|(name, schema, about)| {
        let header = |required| json!({"description": about, "required": required, "schema": schema.clone()});
        [(name.to_owned(), header(true)), (format!("{name}-Optional"), header(false))]
    });
    described.collect()
}
