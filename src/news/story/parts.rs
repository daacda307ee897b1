//! The parts of a story that are lists of small objects: authors, media, related stories, ids elsewhere.
//!
//! Each reader gives the object as it is kept: known fields only, in one order, without those that were null.

use serde_json::{Map, Value};

use super::text::{self, link, raw, text, whole, wrong};
use crate::news::{
    html, limits,
    refusal::{Code, Refusal},
};

/// A list of at most `most` entries, each read by `one`. A repeated entry is kept once.
pub(super) fn list(
    path: &str,
    value: &Value,
    most: usize,
    one: impl Fn(&str, &Value) -> Result<Value, Refusal>,
) -> Result<Option<Value>, Refusal> {
    let Value::Array(sent) = value else { return Err(wrong(path, "a list", value)) };
    if sent.len() > most {
        return Err(Refusal::new(Code::TooMany, format!("{path} has more than {most} entries."))
            .field(path)
            .limit(format!("{most} entries"), format!("{} entries", sent.len())));
    }
    let mut kept = Vec::with_capacity(sent.len());
    for (index, value) in sent.iter().enumerate() {
        let entry = one(&format!("{path}[{index}]"), value)?;
        if !kept.contains(&entry) {
            kept.push(entry);
        }
    }
    Ok(if kept.is_empty() { None } else { Some(Value::Array(kept)) })
}

/// An object that is being read, field by field.
pub(in crate::news) struct Object<'a> {
    path: &'a str,
    sent: &'a Map<String, Value>,
    kept: Map<String, Value>,
}

impl<'a> Object<'a> {
    /// An object with no other fields than `known`.
    pub(in crate::news) fn open(path: &'a str, value: &'a Value, known: &[&str]) -> Result<Self, Refusal> {
        let Value::Object(sent) = value else { return Err(wrong(path, "an object", value)) };
        if let Some(name) = sent.keys().find(|name| !known.contains(&name.as_str())) {
            let name = text::short(name);
            return Err(Refusal::new(
                Code::UnknownField,
                format!("{path} has no field {name:?}; it has {}.", known.join(", ")),
            )
            .field(format!("{path}.{name}")));
        }
        Ok(Self { path, sent, kept: Map::new() })
    }

    /// Reads a field that may be missing.
    pub(in crate::news) fn may<T: Into<Value>>(
        &mut self,
        name: &str,
        read: impl FnOnce(&str, &Value) -> Result<T, Refusal>,
    ) -> Result<(), Refusal> {
        if let Some(value) = self.sent.get(name).filter(|value| !value.is_null()) {
            let kept = read(&format!("{}.{name}", self.path), value)?.into();
            self.kept.insert(name.to_owned(), kept);
        }
        Ok(())
    }

    /// Reads a field that must be there.
    pub(in crate::news) fn must<T: Into<Value>>(
        &mut self,
        name: &str,
        read: impl FnOnce(&str, &Value) -> Result<T, Refusal>,
    ) -> Result<(), Refusal> {
        self.may(name, read)?;
        if self.kept.contains_key(name) {
            return Ok(());
        }
        let path = format!("{}.{name}", self.path);
        Err(Refusal::new(Code::Missing, format!("{path} is missing.")).field(path))
    }

    /// The object as it is kept.
    fn close(self) -> Value {
        Value::Object(self.kept)
    }
}

/// Who wrote it.
pub(super) fn author(path: &str, value: &Value) -> Result<Value, Refusal> {
    let mut author = Object::open(path, value, &["name", "role", "url"])?;
    author.must("name", |path, value| text(path, value, limits::NAME))?;
    author.may("role", |path, value| text(path, value, limits::NAME))?;
    author.may("url", link)?;
    Ok(author.close())
}

/// A picture, video or sound. A picture must say what it shows, for who cannot see it, and how large it is, so that a
/// page does not jump when it arrives.
pub(super) fn media(path: &str, value: &Value) -> Result<Value, Refusal> {
    const KNOWN: [&str; 9] = ["kind", "href", "alt", "caption", "credit", "width", "height", "contentType", "duration"];
    let mut media = Object::open(path, value, &KNOWN)?;
    media.must("kind", |path, value| one_of(path, value, &["picture", "video", "audio"]))?;
    media.must("href", link)?;
    if media.kept.get("kind").and_then(Value::as_str) == Some("picture") {
        media.must("alt", |path, value| text(path, value, limits::ALT))?;
        media.must("width", |path, value| whole(path, value, &limits::SIDE))?;
        media.must("height", |path, value| whole(path, value, &limits::SIDE))?;
    } else {
        media.may("alt", |path, value| text(path, value, limits::ALT))?;
        media.may("width", |path, value| whole(path, value, &limits::SIDE))?;
        media.may("height", |path, value| whole(path, value, &limits::SIDE))?;
    }
    media.may("caption", |path, value| text(path, value, limits::CAPTION))?;
    media.may("credit", |path, value| text(path, value, limits::NAME))?;
    media.may("contentType", content_type)?;
    media.may("duration", seconds)?;
    Ok(media.close())
}

/// The card of a related story.
pub(super) fn related(path: &str, value: &Value) -> Result<Value, Refusal> {
    let mut card = Object::open(path, value, &["title", "url", "image"])?;
    card.must("title", |path, value| text(path, value, limits::TITLE))?;
    card.must("url", link)?;
    card.may("image", link)?;
    Ok(card.close())
}

/// An id that the item has elsewhere, and what kind of id it is.
pub(super) fn alt_id(path: &str, value: &Value) -> Result<Value, Refusal> {
    let mut id = Object::open(path, value, &["role", "value"])?;
    id.must("role", |path, value| text(path, value, limits::ALT_ID_ROLE))?;
    id.must("value", |path, value| text(path, value, limits::ALT_ID_VALUE))?;
    Ok(id.close())
}

/// One of a few words.
pub(in crate::news) fn one_of(path: &str, value: &Value, words: &[&str]) -> Result<String, Refusal> {
    let found = words.iter().find(|word| value.as_str() == Some(**word));
    found.map(|word| (*word).to_owned()).ok_or_else(|| wrong(path, &format!("one of {}", words.join(", ")), value))
}

/// A media type: `type/subtype`, without parameters (RFC 6838, section 4.2).
fn content_type(path: &str, value: &Value) -> Result<String, Refusal> {
    let sent = text(path, value, limits::CONTENT_TYPE)?;
    let name = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_alphanumeric())
            && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&b))
    };
    let fits = sent.split_once('/').is_some_and(|(kind, subtype)| name(kind) && name(subtype));
    if fits { Ok(sent) } else { Err(wrong(path, "a media type, such as image/jpeg", value)) }
}

/// How long a video or sound is, in seconds.
fn seconds(path: &str, value: &Value) -> Result<Value, Refusal> {
    let Some(seconds) = value.as_f64() else { return Err(wrong(path, "a number of seconds", value)) };
    if seconds > 0.0 && seconds <= limits::MEDIA_SECONDS {
        return Ok(value.clone());
    }
    Err(Refusal::new(Code::OutOfRange, format!("{path} must be a number of seconds, at most a week."))
        .field(path)
        .limit(format!("above 0, up to {} seconds", limits::MEDIA_SECONDS), value))
}

/// A body of markup: sanitised, and none where no word of it is kept.
pub(super) fn body(path: &str, value: &Value) -> Result<Option<Value>, Refusal> {
    let kept = html::sanitise(path, &raw(path, value)?)?;
    // Markup can spell out a control character that was not there as such.
    text::without_controls(path, &kept)?;
    Ok(if html::plain(&kept).is_empty() { None } else { Some(Value::String(kept)) })
}
