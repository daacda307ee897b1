//! The schemas of feeds.

use serde_json::json;

use super::schema::{Fields, at_least, object, only, or_null, refer, text, told, whole, word};
use crate::news::limits;

/// The document of a feed, but for its id, title and what always stands in it.
fn described() -> Fields {
    let zone = json!({"type": "string", "minLength": 1, "maxLength": limits::TIME_ZONE,
        "examples": ["Europe/Athens"], "description": "The newsroom's time zone, an IANA name."});
    vec![
        ("description", text(limits::DESCRIPTION)),
        ("language", told(refer("Language"), "What items are in that say nothing of it.")),
        ("dir", word(&["ltr", "rtl"])),
        ("timeZone", zone),
        ("url", told(refer("Link"), "The feed's own page.")),
    ]
}

fn kept() -> Fields {
    vec![
        ("changes", told(whole(&limits::KEEP_CHANGES), "How many changes can be resumed over.")),
        ("items", whole(&limits::KEEP_ITEMS)),
        ("days", whole(&limits::KEEP_DAYS)),
    ]
}

/// What always stands in a feed's document.
fn settings() -> Fields {
    vec![
        ("access", told(word(&["public", "token"]), "Who may read it: everybody, or who has a token.")),
        ("status", told(word(&["live", "closed"]), "Whether it takes new items.")),
    ]
}

/// The schemas of feeds, by name.
pub(super) fn schemas() -> Fields {
    let title = || told(text(limits::TITLE), "One line.");
    let shown = |more: Fields| {
        let keep = vec![("keep", told(object(vec![], kept()), "How much is kept; without a number, everything."))];
        object([vec![("id", refer("FeedId")), ("title", title())], settings(), keep, more].concat(), described())
    };
    let stands =
        vec![("position", refer("Position")), ("floorSeq", told(at_least(0), "Below this seq, `reset` `trimmed`."))];
    // Each can be null: it is as it was when the feed was new.
    let set = || {
        let keep = only(object(vec![], kept().into_iter().map(|(name, is)| (name, or_null(is))).collect()));
        let fields = [described(), settings(), vec![("keep", keep)]].concat();
        fields.into_iter().map(|(name, is)| (name, or_null(is))).collect::<Fields>()
    };
    let mut new = only(object(vec![("id", refer("FeedId")), ("title", title())], set()));
    new["examples"] = json!([{"id": "election", "title": "Election night", "language": "en", "keep": {"days": 30}}]);
    let patch = only(object(vec![], [vec![("title", title())], set()].concat()));
    vec![
        ("Feed", told(shown(stands), "A feed, and where its log stands.")),
        ("FeedInfo", told(shown(vec![]), "A feed's document.")),
        ("NewFeed", new),
        ("FeedPatch", told(patch, "A merge patch (RFC 7396): null makes a field what it was when the feed was new.")),
    ]
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use crate::news::amend;

    #[test]
    fn every_field_of_a_feed_is_described() {
        let schemas = super::schemas();
        let (_, patch) = schemas.iter().find(|(name, _)| *name == "FeedPatch").expect("it is described");
        let described: BTreeSet<&str> =
            patch["properties"].as_object().expect("fields").keys().map(String::as_str).collect();
        assert_eq!(described, amend::FIELDS.into_iter().collect());
    }
}
