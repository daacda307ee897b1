//! The schemas of items: as the public sees them, as their editors do, and as they are sent.

use serde_json::{Value, json};

use super::schema::{Fields, PLAIN, at_least, list, object, one_of, only, or_null, refer, text, told, whole, word};
use crate::news::limits;

/// Which way an item goes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    /// From the server: what is empty is left out.
    Shown,
    /// To the server: null and an empty list are as good as nothing, and there are no other fields.
    Sent,
}

impl Way {
    fn list(self, most: usize, entry: Value) -> Value {
        match self {
            Self::Shown => list(most, entry),
            Self::Sent => json!({"type": "array", "items": entry, "maxItems": most}),
        }
    }

    fn object(self, must: Fields, may: Fields) -> Value {
        match self {
            Self::Shown => object(must, may),
            Self::Sent => only(object(must, may.into_iter().map(|(name, is)| (name, or_null(is))).collect())),
        }
    }

    fn time(self) -> Value {
        refer(if self == Self::Shown { "Time" } else { "SentTime" })
    }
}

/// The editorial fields.
fn editorial(way: Way) -> Fields {
    let body = match way {
        Way::Shown => json!({"type": "string", "minLength": 1, "maxLength": limits::BODY,
            "description": "HTML from a small allow-list, which needs no further cleaning."}),
        Way::Sent => {
            json!({"type": "string", "maxLength": limits::BODY_SENT, "pattern": format!("^{PLAIN}*$"),
            "description": format!("HTML. It is cleaned, and may have {} characters then.", limits::BODY)})
        }
    };
    let flag = if way == Way::Shown { json!({"const": true}) } else { json!({"type": "boolean"}) };
    let author =
        way.object(vec![("name", text(limits::NAME))], vec![("role", text(limits::NAME)), ("url", refer("Link"))]);
    let card = way.object(vec![("title", text(limits::TITLE)), ("url", refer("Link"))], vec![("image", refer("Link"))]);
    let alt_id = way.object(vec![("role", text(limits::ALT_ID_ROLE)), ("value", text(limits::ALT_ID_VALUE))], vec![]);
    vec![
        ("headline", text(limits::HEADLINE)),
        ("body", body),
        ("byline", text(limits::BYLINE)),
        ("authors", way.list(limits::AUTHORS, author)),
        ("located", told(text(limits::LOCATED), "Where it was written.")),
        ("urgency", told(whole(&limits::URGENCY), "1 (flash) to 8 (routine).")),
        ("keyEvent", flag.clone()),
        ("summary", flag),
        ("updateOf", told(sent_id(way), "The item that this one carries forward.")),
        ("media", way.list(limits::MEDIA, media(way))),
        ("related", way.list(limits::RELATED, card)),
        ("subjects", way.list(limits::WORDS, text(limits::WORD))),
        ("tags", way.list(limits::WORDS, text(limits::WORD))),
        ("language", refer("Language")),
        ("dir", word(&["ltr", "rtl"])),
        ("source", text(limits::NAME)),
        ("rights", text(limits::RIGHTS)),
        ("altIds", told(way.list(limits::ALT_IDS, alt_id), "Ids that it has elsewhere, unique in the feed.")),
    ]
}

/// An id, which may be sent in capitals.
fn sent_id(way: Way) -> Value {
    if way == Way::Shown { refer("Id") } else { json!({"type": "string", "format": "uuid"}) }
}

/// A picture, which says what it shows and how large it is; or a video or sound, which may.
fn media(way: Way) -> Value {
    let shape = || vec![("alt", text(limits::ALT)), ("width", whole(&limits::SIDE)), ("height", whole(&limits::SIDE))];
    let what = |kinds: &[&str]| vec![("kind", word(kinds)), ("href", refer("Link"))];
    let more = || {
        let seconds = json!({"type": "number", "exclusiveMinimum": 0, "maximum": limits::MEDIA_SECONDS});
        let kind = json!({"type": "string", "maxLength": limits::CONTENT_TYPE, "examples": ["image/jpeg"],
            "pattern": "^[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]*/[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]*$"});
        vec![
            ("caption", text(limits::CAPTION)),
            ("credit", text(limits::NAME)),
            ("contentType", kind),
            ("duration", seconds),
        ]
    };
    one_of(&[
        way.object([what(&["picture"]), shape()].concat(), more()),
        way.object(what(&["video", "audio"]), [shape(), more()].concat()),
    ])
}

/// What every item has that is shown with more than its id and status.
fn head(statuses: &[&str]) -> Fields {
    vec![
        ("id", refer("Id")),
        ("feed", refer("FeedId")),
        ("version", at_least(1)),
        ("status", word(statuses)),
        ("published", refer("Time")),
        ("updated", refer("Time")),
    ]
}

/// What the server sets in an item that has a text.
fn set() -> (Fields, Fields) {
    let pin = object(vec![("position", whole(&limits::PIN))], vec![("until", refer("Time"))]);
    let correction = object(
        vec![("kind", word(&["correction", "clarification"])), ("at", refer("Time")), ("version", at_least(1))],
        vec![("note", text(limits::NOTE))],
    );
    let counted = vec![("urgency", whole(&limits::URGENCY)), ("wordCount", at_least(0)), ("readTime", at_least(1))];
    let marks = vec![
        ("breaking", told(object(vec![("until", refer("Time"))], vec![]), "It ends by itself.")),
        ("pinned", pin),
        ("corrections", list(limits::CORRECTIONS, correction)),
    ];
    (counted, marks)
}

fn retraction() -> Value {
    object(vec![("reason", text(limits::REASON)), ("at", refer("Time"))], vec![("replacedBy", refer("Id"))])
}

/// An object without any of the text, and with no other mark than it names.
fn without_text(mut item: Value) -> Value {
    let fields = item["properties"].as_object_mut().expect("an object has fields");
    let others = ["breaking", "pinned", "corrections", "wordCount", "readTime"];
    for name in editorial(Way::Shown).into_iter().map(|(name, _)| name).chain(others) {
        fields.entry(name).or_insert(Value::Bool(false));
    }
    item
}

/// An object that has something to read or to see.
fn with_content(mut item: Value, way: Way) -> Value {
    let has = |name: &str| match way {
        Way::Shown => json!({"required": [name]}),
        Way::Sent => json!({"required": [name], "properties": {name: {"not": {"type": "null"}}}}),
    };
    item["anyOf"] = ["headline", "body", "media"].iter().map(|name| has(name)).collect();
    item
}

/// The schemas of items as they are shown, by name.
pub(super) fn shown() -> Fields {
    let whole_item = |statuses: &[&str], also: Fields| {
        let (counted, marks) = set();
        let text = editorial(Way::Shown).into_iter().filter(|(name, _)| *name != "urgency").collect();
        with_content(object([head(statuses), counted].concat(), [text, marks, also].concat()), Way::Shown)
    };
    let mark = |status: &str| without_text(object(vec![("id", refer("Id")), ("status", word(&[status]))], vec![]));
    let retracted = [head(&["canceled"]), vec![("retraction", retraction())]].concat();
    let public = ["UsableItem", "RetractedItem", "WithheldItem", "RemovedItem"].map(refer);
    let desk = ["UsableItem", "HeldItem", "EmptiedItem"].map(refer);
    vec![
        ("Item", told(one_of(&public), "An item as it reads to the public.")),
        ("UsableItem", told(whole_item(&["usable"], vec![]), "An item that is public.")),
        ("RetractedItem", told(without_text(object(retracted, vec![])), "The public notice of a retracted item.")),
        ("WithheldItem", told(mark("withheld"), "What the public sees of an item that is held back.")),
        ("RemovedItem", told(mark("removed"), "What the public sees of a removed item.")),
        ("EditorsItem", told(one_of(&desk), "An item as its editors see it.")),
        (
            "HeldItem",
            told(
                whole_item(&["withheld", "canceled"], vec![("retraction", retraction())]),
                "An item that is not public, as its editors see it.",
            ),
        ),
        (
            "EmptiedItem",
            told(without_text(object(head(&["removed"]), vec![])), "A removed item, as its editors see it."),
        ),
        (
            "EmptiedVersion",
            told(
                without_text(object(head(&["usable", "withheld", "canceled"]), set().1.drain(..2).collect())),
                "What is kept of an earlier version of a removed item.",
            ),
        ),
    ]
}

/// The schemas of what editors send, by name.
pub(super) fn sent() -> Fields {
    let way = Way::Sent;
    let until = |about: &str| told(way.object(vec![("until", way.time())], vec![]), about);
    let fields = || [editorial(way), vec![("breaking", until("It ends by itself, at a time to come."))]].concat();
    let new = json!({"type": "string", "format": "uuid", "examples": ["019c7658-1fd8-7000-8000-000000000001"],
        "pattern": "^[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-7[0-9A-Fa-f]{3}-[89ABab][0-9A-Fa-f]{3}-[0-9A-Fa-f]{12}$",
        "description": "A UUIDv7; the server makes one unless it is given."});
    let ahead = format!("At most {} s ahead.", limits::AHEAD.as_secs());
    let times = vec![("id", new), ("published", told(way.time(), &ahead)), ("updated", told(way.time(), &ahead))];
    let mut item = with_content(way.object(vec![], [fields(), times].concat()), way);
    item["examples"] = json!([{"headline": "Polls close in Brennick", "body": "<p>Counting is under way.</p>",
        "urgency": 3, "tags": ["election"], "authors": [{"name": "A. Reporter"}]}]);
    let patch = told(way.object(vec![], fields()), "A merge patch (RFC 7396): null takes a field away.");
    let note = |kind: &str, must: Fields, may: Fields| {
        way.object(
            [vec![("kind", word(&[kind]))], must].concat(),
            [may, vec![("changes", refer("ItemPatch"))]].concat(),
        )
    };
    let says = || vec![("note", text(limits::NOTE))];
    vec![
        ("NewItem", item),
        ("ItemPatch", patch),
        (
            "Correction",
            told(
                one_of(&[
                    note("correction", says(), vec![]),
                    note("clarification", vec![], says()),
                    note("refile", vec![], vec![("note", json!({"type": "null"}))]),
                ]),
                "A correction says what was wrong; a refile, of a typo, shows no note.",
            ),
        ),
        ("Retraction", way.object(vec![("reason", text(limits::REASON))], vec![("replacedBy", sent_id(way))])),
        ("Pin", way.object(vec![], vec![("position", whole(&limits::PIN)), ("until", way.time())])),
        ("Nothing", told(way.object(vec![], vec![]), "No fields.")),
    ]
}

#[cfg(test)]
mod tests {
    use super::{Way, editorial};
    use crate::news::story::field::FIELDS;

    #[test]
    fn every_editorial_field_is_described() {
        for way in [Way::Shown, Way::Sent] {
            let described: Vec<_> = editorial(way).into_iter().map(|(name, _)| name).collect();
            assert_eq!(described, FIELDS.iter().map(|field| field.name).collect::<Vec<_>>());
        }
    }
}
