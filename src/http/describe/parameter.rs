//! What requests carry beside a body: parameters of addresses, queries and headers, each described once.

use serde_json::{Map, Value, json};

use super::schema::{refer, text, told, whole};
use crate::{
    http::{address, live::several, once, poll, request},
    live::snapshot,
    news::limits,
    store::budget,
};

/// The largest number that is read as one.
const LARGEST: u64 = u64::MAX;

/// Where the parameters stand.
const PLACE: &str = "#/components/parameters/";

/// The parameter of that name in [`all`].
pub(super) fn refer_to(name: &str) -> Value {
    json!({"$ref": format!("{PLACE}{name}")})
}

/// The parameters by which a reader filters.
pub(super) const FILTER: [&str; 3] = ["urgency", "tag", "subject"];

/// The headers by which a WebSocket is asked for.
pub(super) const HANDSHAKE: [&str; 6] = [
    "Upgrade",
    "Connection",
    "Sec-WebSocket-Version",
    "Sec-WebSocket-Key",
    "Sec-WebSocket-Protocol",
    "Sec-WebSocket-Extensions",
];

/// Every parameter, by the name that it has here.
pub(super) fn all() -> Map<String, Value> {
    let position = || json!({"type": "string", "examples": ["1207-9f3a2c1b"]});
    let after = json!({"anyOf": [refer("Position"), {"const": "0"}]});
    let words = || {
        json!({"type": "array", "items": {"type": "string", "minLength": 1, "maxLength": limits::WORD},
        "maxItems": limits::WORDS})
    };
    let feeds = json!({"type": "array", "minItems": 1, "maxItems": several::MOST, "items": {"type": "string",
        "pattern": format!("^[a-z0-9-]{{1,{}}}(@.*)?$", crate::news::FeedId::LONGEST),
        "examples": ["news-feed", "sport@1207-9f3a2c1b"]}});
    let key = json!({"type": "string", "minLength": 1, "maxLength": once::LONGEST, "pattern": "^[!-~]([ -~]*[!-~])?$"});
    let handshake = json!({"type": "string", "pattern": "^[A-Za-z0-9+/]{22}==$"});
    let etags = || {
        let tag = "(W/)?\"[!#-~]*\"";
        let pattern = format!("^(\\*|{tag}([ \\t]*,[ \\t]*{tag})*)$");
        json!({"type": "string", "pattern": pattern, "examples": ["\"3-9f3a2c1b\"", "*"]})
    };
    let count = |least: usize, most: usize| whole(&(least as u64..=most as u64));
    let all = [
        path("feed", refer("FeedId"), "A feed's id."),
        path("id", refer("Id"), "An item's id."),
        path(
            "file",
            json!({"type": "string", "examples": ["sample-net-street.svg"]}),
            "A picture of the sample items.",
        ),
        path("file", json!({"type": "string", "examples": ["page.css"]}), "A file of the pages.").named("pageFile"),
        path("file", json!({"type": "string", "examples": ["news-feed.css"]}), "A file of the widget.")
            .named("widgetFile"),
        path("file", json!({"type": "string", "examples": ["de-AT.json"]}), "A language (BCP 47), and `.json`.")
            .named("wordsFile"),
        path("hash", json!({"type": "string"}), "The widget's hash, as `/widget.json` tells it in the address."),
        query(
            "v",
            json!({"type": "string"}),
            "The version that is meant: where it is this one, a cache keeps it for good.",
        ),
        query("after", after, "What changed after this position; `0` for everything that is kept.").required(),
        query("after", position(), "Go on after this position; what is none is answered with `reset`.").named("resume"),
        query("after", whole(&(0..=LARGEST)), "Versions above this one.").named("afterVersion"),
        query("before", refer("Cursor"), "Items older than this: the `before` of an earlier page."),
        query("limit", count(1, budget::ITEMS), &format!("How many at most; {} unless given.", address::LIMIT)),
        query(
            "wait",
            whole(&(0..=poll::LONGEST_WAIT)),
            "For how many seconds to wait for a change where there is none.",
        ),
        query(
            "last",
            whole(&(1..=LARGEST)),
            &format!(
                "Begin with the newest so many items, rounded up to one of {:?}; {} unless given.",
                snapshot::SIZES,
                snapshot::DEFAULT_SIZE,
            ),
        ),
        query("urgency", json!({"type": "array", "items": whole(&limits::URGENCY)}), "Only items of these urgencies."),
        query("tag", words(), "Only items with one of these tags."),
        query("subject", words(), "Only items with one of these subjects."),
        query("feed", feeds, "The feeds to follow, each once, as ID or ID@POSITION.").named("feeds").required(),
        query("role", text(limits::ALT_ID_ROLE), "What kind of id it is.").required(),
        query("value", text(limits::ALT_ID_VALUE), "The id.").required(),
        header("If-Match", "The ETag of the item as the editor knows it, or `*`.")
            .is(etags())
            .named("ifMatchRequired")
            .required(),
        header("If-Match", "The ETag as the editor knows it, or `*`. Without it the edit is for whatever stands.")
            .is(etags()),
        header("If-None-Match", "ETags that the client has: 304 where the answer is one of them."),
        header("If-Modified-Since", "The Last-Modified that the client has: 304 where nothing changed since."),
        header("Last-Event-ID", "A position, as a browser's EventSource remembers it. It beats `after`."),
        header(
            "Prefer",
            "`handling=strict`: where another server may take the reader, a refusal is 503 and not `bye` (RFC 7240).",
        ),
        header("Idempotency-Key", "The same request under the same key happens once within 24 hours.").is(key),
        header("Sec-WebSocket-Protocol", "`newswire.v1`, and `newswire.token.TOKEN` where a feed needs a token."),
        header("Sec-WebSocket-Extensions", "`permessage-deflate`, which is then compressed without context takeover."),
        header("Upgrade", "For a WebSocket, together with the next three (RFC 6455).")
            .is(json!({"const": "websocket"})),
        header("Connection", "For a WebSocket: it names `Upgrade`."),
        header("Sec-WebSocket-Version", "For a WebSocket.").is(json!({"const": "13"})),
        header("Sec-WebSocket-Key", "For a WebSocket: 16 random bytes in base64.").is(handshake),
        header(
            "X-Request-Id",
            &format!(
                "An id for the request: at most {} letters, digits, hyphens, underscores and dots. Another is ignored.",
                request::LONGEST,
            ),
        ),
    ];
    all.into_iter().map(|Parameter { name, is }| (name, is)).collect()
}

/// A parameter that is being described.
struct Parameter {
    name: String,
    is: Value,
}

impl Parameter {
    fn new(place: &str, name: &str, schema: Value, about: &str) -> Self {
        Self { name: name.to_owned(), is: json!({"name": name, "in": place, "description": about, "schema": schema}) }
    }

    /// Gives it another name here: what it is called on the wire is taken.
    fn named(mut self, name: &str) -> Self {
        name.clone_into(&mut self.name);
        self
    }

    fn required(mut self) -> Self {
        self.is["required"] = true.into();
        self
    }

    fn is(mut self, schema: Value) -> Self {
        self.is["schema"] = schema;
        self
    }
}

fn path(name: &str, schema: Value, about: &str) -> Parameter {
    Parameter::new("path", name, schema, about).required()
}

fn query(name: &str, schema: Value, about: &str) -> Parameter {
    Parameter::new("query", name, schema, about)
}

fn header(name: &str, about: &str) -> Parameter {
    Parameter::new("header", name, told(json!({"type": "string"}), about), about)
}
