//! The pages that people read.

use serde_json::{Value, json};

use super::{
    door::{Door, door},
    doors::READING,
    parameter::FILTER,
};

/// What keeps a page from doing what it should not; one that tells of a problem comes with these, too.
pub(super) const GUARDS: [&str; 2] = ["Content-Security-Policy", "X-Content-Type-Options"];

/// What every page comes with.
const HEADERS: [&str; 5] = ["ETag", "Cache-Control", "Vary", "Content-Security-Policy", "X-Content-Type-Options"];

/// Every page.
pub(super) fn all() -> Vec<Door> {
    let page = |path, name, about, takes: &[&str]| {
        door("get", path, name, about)
            .takes(takes)
            .takes(&["If-None-Match"])
            .answers(200, "The page.", &[html()], &HEADERS)
            .answers(304, "What the client has is current.", &[], &HEADERS)
    };
    let list = ["feed", "before"].into_iter().chain(FILTER).collect::<Vec<_>>();
    let framed = ["feed"].into_iter().chain(FILTER).collect::<Vec<_>>();
    vec![
        door("get", "/", "front", "The page of the only feed that everybody may read, or a list of those feeds.")
            .open()
            .takes(&["If-None-Match"])
            .answers(200, "The list.", &[html()], &HEADERS)
            .answers(
                302,
                "The page of the only feed.",
                &[],
                &["Location", "Cache-Control", "Content-Security-Policy", "X-Content-Type-Options"],
            )
            .answers(304, "What the client has is current.", &[], &HEADERS)
            .refuses(&[&["unavailable"]]),
        page("/feeds/{feed}", "feedPage", "A feed as people read it; it goes on live.", &list).refuses(&[READING]),
        page("/feeds/{feed}/items/{id}", "itemPage", "An item as people read it.", &["feed", "id"])
            .refuses(&[READING, &["gone"]]),
        page("/embed/{feed}", "embeddedFeed", "A feed for the frames of other sites.", &framed).refuses(&[READING]),
    ]
}

pub(super) fn html() -> (&'static str, Value) {
    ("text/html; charset=utf-8", json!({"type": "string"}))
}
