//! The feeds for other software. Their formats are described by those who made them; of JSON Feed it is said here what of
//! it there is.

use serde_json::{Value, json};

use super::{
    door::{Door, door},
    doors::READING,
    parameter::FILTER,
    schema::{object, refer, told},
};
use crate::syndicate::{atom, json_feed, listing::NEWEST, rss};

/// Their doors.
pub(super) fn all() -> Vec<Door> {
    let xml = |about| told(json!({"type": "string"}), about);
    vec![
        feed(
            "/feeds/{feed}/feed.atom",
            "atom",
            "The newest items as Atom.",
            (atom::TYPE, xml("Atom (RFC 4287), with tombstones (RFC 6721) of what was retracted.")),
        ),
        feed("/feeds/{feed}/feed.rss", "rss", "The newest items as RSS.", (rss::TYPE, xml("RSS 2.0."))),
        feed("/feeds/{feed}/feed.json", "jsonFeed", "The newest items as JSON Feed.", (json_feed::TYPE, written())),
    ]
}

fn feed(path: &'static str, name: &str, about: &str, content: (&str, Value)) -> Door {
    let names = ["ETag", "Last-Modified?", "Cache-Control", "Vary"];
    door("get", path, name, about)
        .takes(&["feed", "If-None-Match", "If-Modified-Since"])
        .takes(&FILTER)
        .answers(200, "The feed.", &[content], &names)
        .answers(304, "What the client has is current.", &[], &names)
        .refuses(&[READING])
}

/// A JSON Feed (version 1.1).
fn written() -> Value {
    let text = || json!({"type": "string"});
    let link = || json!({"type": "string", "format": "uri"});
    let some = |entry: Value| json!({"type": "array", "items": entry, "minItems": 1});
    let author = object(vec![("name", text())], vec![("url", link())]);
    let attachment = object(
        vec![("url", link()), ("mime_type", text())],
        vec![("title", text()), ("duration_in_seconds", json!({"type": "number"}))],
    );
    let item = object(
        vec![
            ("id", json!({"type": "string", "pattern": "^urn:uuid:"})),
            ("url", link()),
            ("content_html", text()),
            ("date_published", refer("Time")),
            ("date_modified", refer("Time")),
        ],
        vec![
            ("title", text()),
            ("image", link()),
            ("authors", some(author)),
            ("tags", some(text())),
            ("language", text()),
            ("attachments", some(attachment)),
        ],
    );
    object(
        vec![
            ("version", json!({"const": "https://jsonfeed.org/version/1.1"})),
            ("title", text()),
            ("home_page_url", link()),
            ("feed_url", link()),
            ("items", json!({"type": "array", "items": item, "maxItems": NEWEST})),
        ],
        vec![
            ("description", text()),
            ("language", text()),
            ("expired", told(json!({"const": true}), "The feed is closed.")),
        ],
    )
}
