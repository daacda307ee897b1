//! The editorial fields: what each is called, what may stand in it, and whether a reader should notice that it changed.

use serde_json::Value;

use super::{
    parts::{self, list, one_of},
    text::{text, uuid, whole, wrong},
};
use crate::news::{language, limits, refusal::Refusal};

/// How a field is read: its path and what was sent, to what is kept. None: what was sent says no more than its absence
/// (an empty list, `false`).
type Read = fn(&str, &Value) -> Result<Option<Value>, Refusal>;

/// An editorial field.
pub(crate) struct Field {
    /// Its name on the wire.
    pub(crate) name: &'static str,
    /// Whether it is told apart by a reader: a difference moves `updated`.
    pub(in crate::news) noticed: Notice,
    /// How it is read.
    pub(super) read: Read,
}

/// Whether a difference in a field moves `updated`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::news) enum Notice {
    /// The story reads, looks or is signed differently.
    Reader,
    /// It is sorted, marked or referred to differently; the story is what it was.
    Desk,
}

/// Every editorial field, in the order in which an item is written.
pub(crate) const FIELDS: [Field; 18] = [
    Field { name: "headline", noticed: Notice::Reader, read: |p, v| some(text(p, v, limits::HEADLINE)) },
    Field { name: "body", noticed: Notice::Reader, read: parts::body },
    Field { name: "byline", noticed: Notice::Reader, read: |p, v| some(text(p, v, limits::BYLINE)) },
    Field { name: "authors", noticed: Notice::Reader, read: |p, v| list(p, v, limits::AUTHORS, parts::author) },
    Field { name: "located", noticed: Notice::Reader, read: |p, v| some(text(p, v, limits::LOCATED)) },
    Field { name: "urgency", noticed: Notice::Desk, read: |p, v| some(whole(p, v, &limits::URGENCY)) },
    Field { name: "keyEvent", noticed: Notice::Desk, read: flag },
    Field { name: "summary", noticed: Notice::Desk, read: flag },
    Field { name: "updateOf", noticed: Notice::Desk, read: |p, v| some(uuid(p, v).map(|id| id.to_string())) },
    Field { name: "media", noticed: Notice::Reader, read: |p, v| list(p, v, limits::MEDIA, parts::media) },
    Field { name: "related", noticed: Notice::Desk, read: |p, v| list(p, v, limits::RELATED, parts::related) },
    Field { name: "subjects", noticed: Notice::Desk, read: words },
    Field { name: "tags", noticed: Notice::Desk, read: words },
    Field { name: "language", noticed: Notice::Desk, read: |p, v| some(tag(p, v)) },
    Field { name: "dir", noticed: Notice::Desk, read: |p, v| some(one_of(p, v, &["ltr", "rtl"])) },
    Field { name: "source", noticed: Notice::Reader, read: |p, v| some(text(p, v, limits::NAME)) },
    Field { name: "rights", noticed: Notice::Desk, read: |p, v| some(text(p, v, limits::RIGHTS)) },
    Field { name: "altIds", noticed: Notice::Desk, read: |p, v| list(p, v, limits::ALT_IDS, parts::alt_id) },
];

/// The editorial field of that name.
pub(in crate::news) fn named(name: &str) -> Option<&'static Field> {
    FIELDS.iter().find(|field| field.name == name)
}

fn some<T: Into<Value>>(read: Result<T, Refusal>) -> Result<Option<Value>, Refusal> {
    read.map(|kept| Some(kept.into()))
}

fn flag(path: &str, value: &Value) -> Result<Option<Value>, Refusal> {
    match value {
        Value::Bool(true) => Ok(Some(Value::Bool(true))),
        Value::Bool(false) => Ok(None),
        _ => Err(wrong(path, "true or false", value)),
    }
}

fn words(path: &str, value: &Value) -> Result<Option<Value>, Refusal> {
    list(path, value, limits::WORDS, |path, value| text(path, value, limits::WORD).map(Value::String))
}

fn tag(path: &str, value: &Value) -> Result<String, Refusal> {
    let sent = text(path, value, limits::LANGUAGE)?;
    if language::is_well_formed(&sent) {
        Ok(sent)
    } else {
        Err(wrong(path, "a BCP 47 language tag, such as en-GB", value))
    }
}
