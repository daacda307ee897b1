//! The words that schemas are written in (JSON Schema 2020-12): a few functions that each say one thing.
//!
//! A schema is plain JSON: what can be said in it is said, and what only some tool understands is not.

use std::ops::RangeInclusive;

use serde_json::{Map, Value, json};

use crate::news::limits;

/// Where the schemas of the API stand in its document.
pub(super) const PLACE: &str = "#/components/schemas/";

/// The schema of that name.
pub(super) fn refer(name: &str) -> Value {
    json!({"$ref": format!("{PLACE}{name}")})
}

/// A text of 1 to `most` characters.
pub(super) fn text(most: usize) -> Value {
    json!({"$ref": format!("{PLACE}Text"), "maxLength": most})
}

/// A list of 1 to `most` different entries, as it is shown: an empty one is left out.
pub(super) fn list(most: usize, entry: Value) -> Value {
    json!({"type": "array", "items": entry, "minItems": 1, "maxItems": most, "uniqueItems": true})
}

/// A whole number in a range.
pub(super) fn whole(range: &RangeInclusive<u64>) -> Value {
    json!({"type": "integer", "minimum": range.start(), "maximum": range.end()})
}

/// A whole number of at least this.
pub(super) fn at_least(least: u64) -> Value {
    json!({"type": "integer", "minimum": least})
}

/// One of a few words.
pub(super) fn word(of: &[&str]) -> Value {
    if let [one] = of { json!({"const": one}) } else { json!({"type": "string", "enum": of}) }
}

/// What a schema allows, or null, which takes it away.
pub(super) fn or_null(schema: Value) -> Value {
    json!({"anyOf": [schema, {"type": "null"}]})
}

/// Exactly one of these.
pub(super) fn one_of(schemas: &[Value]) -> Value {
    json!({"oneOf": schemas})
}

/// A schema with a sentence about it.
pub(super) fn told(mut schema: Value, about: &str) -> Value {
    schema["description"] = about.into();
    schema
}

/// Fields of an object: their names and schemas.
pub(super) type Fields = Vec<(&'static str, Value)>;

/// An object that has the first fields and may have the second. A client ignores what else there is.
pub(super) fn object(must: Fields, may: Fields) -> Value {
    let required: Vec<&str> = must.iter().map(|(name, _)| *name).collect();
    let fields: Map<String, Value> = must.into_iter().chain(may).map(|(name, is)| (name.to_owned(), is)).collect();
    let mut object = json!({"type": "object", "properties": fields});
    if !required.is_empty() {
        object["required"] = json!(required);
    }
    object
}

/// An object as it is sent: with no other fields.
pub(super) fn only(mut object: Value) -> Value {
    object["additionalProperties"] = false.into();
    object
}

/// A character of a text: no control character but newline and tab.
pub(super) const PLAIN: &str = "[^\\u0000-\\u0008\\u000b-\\u001f\\u007f-\\u009f]";

/// The schemas of single values, by name.
pub(super) fn values() -> Fields {
    const SEEN: &str = "[^\\s\\u0000-\\u001f\\u007f-\\u009f]";
    const SEQ: &str = "[1-9][0-9]{0,15}";
    const MARK: &str = "[0-9a-f]{8}";
    const UUID: &str = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}";
    let written = |pattern: String, example: &str, about: &str| {
        told(json!({"type": "string", "pattern": pattern, "examples": [example]}), about)
    };
    let sent_time = json!({"type": "string", "format": "date-time", "examples": ["2026-02-19T21:38:39+02:00"],
        "description": "A time (RFC 3339), with any offset. What is finer than a millisecond is cut off."});
    let link = json!({"type": "string", "format": "uri", "maxLength": limits::LINK,
        "pattern": "^[Hh][Tt][Tt][Pp][Ss]?://[^\\s<>\"`\\\\]+$", "examples": ["https://example.org/a"],
        "description": "An absolute http or https address."});
    let tag = json!({"type": "string", "pattern": "^([A-Za-z]{2,8}|[xX]-[A-Za-z0-9]{1,8})(-[A-Za-z0-9]{1,8})*$",
        "maxLength": limits::LANGUAGE, "examples": ["en-GB"], "description": "A language tag (BCP 47)."});
    vec![
        (
            "Text",
            written(format!("^{PLAIN}*{SEEN}{PLAIN}*$"), "Counting is under way", "Plain text that is not blank."),
        ),
        (
            "Position",
            written(
                format!("^{SEQ}-{MARK}$"),
                "1207-9f3a2c1b",
                "A place in a feed's log, SEQ-MARK: kept by a reader, given back, and compared with nothing.",
            ),
        ),
        (
            "Cursor",
            written(
                format!("^-?[0-9]{{1,15}}_{UUID}$"),
                "1771529919000_019c7658-1fd8-7000-8000-000000000001",
                "Where a page of items goes on.",
            ),
        ),
        (
            "Time",
            written(
                "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{3}Z$".to_owned(),
                "2026-02-19T19:38:39.000Z",
                "A time in UTC with milliseconds (RFC 3339).",
            ),
        ),
        ("SentTime", sent_time),
        ("Id", written(format!("^{UUID}$"), "019c7658-1fd8-7000-8000-000000000001", "An item's id.")),
        (
            "FeedId",
            written(
                format!("^[a-z0-9-]{{1,{}}}$", crate::news::FeedId::LONGEST),
                "news-feed",
                "A feed's name in addresses.",
            ),
        ),
        ("Link", link),
        ("Language", tag),
    ]
}
