//! The editorial part of an item: a JSON object of known fields, and of whatever a newer version of this server wrote.
//!
//! What is sent is checked field by field (in `field`) and applied as a JSON Merge Patch (RFC 7396). A *sent* field that
//! is not known is refused; a *stored* one is carried along untouched. Derived fields (`wordCount`, `readTime`) are
//! made here, so that they can never be out of step.

pub(crate) mod field;
pub(super) mod parts;
#[cfg(test)]
mod tests;
pub(super) mod text;

use std::collections::BTreeSet;

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use self::field::FIELDS;
use super::{
    Feed, FeedId, html, language, limits, reading,
    refusal::{Code, Refusal},
};

/// Fields that are made from others.
const DERIVED: [&str; 2] = ["wordCount", "readTime"];

/// The editorial part of an item.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Story(Map<String, Value>);

impl Story {
    /// The story that a record keeps.
    ///
    /// # Panics
    /// When the text is no JSON object: every story was written by [`Self::to_text`].
    #[must_use]
    pub fn of(text: &str) -> Self {
        Self(serde_json::from_str(text).expect("a stored story is a JSON object"))
    }

    /// The text that a record keeps.
    #[must_use]
    pub fn to_text(&self) -> String {
        serde_json::to_string(&self.0).expect("JSON values can be written")
    }

    /// One field.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// Sets a field that is not for editors to send: `corrections`, `retraction`.
    pub(super) fn set(&mut self, name: &str, value: Value) {
        self.0.insert(name.to_owned(), value);
    }

    /// The texts of a field that is a list of them.
    pub(super) fn words(&self, name: &str) -> impl Iterator<Item = &str> {
        self.get(name).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
    }

    /// Checks a merge patch of editorial fields and writes each value as it would be kept; null for what would not be.
    ///
    /// # Errors
    /// A value breaks the rule of its field. The caller has made sure that all fields are known.
    pub(super) fn check(patch: &Map<String, Value>) -> Result<Map<String, Value>, Refusal> {
        let mut checked = Map::new();
        for (name, value) in patch {
            let Some(field) = field::named(name) else { continue };
            let kept = if value.is_null() { None } else { (field.read)(name, value)? };
            checked.insert(name.clone(), kept.unwrap_or(Value::Null));
        }
        Ok(checked)
    }

    /// This story with a checked patch applied: filled in from the feed where it says nothing, and derived anew.
    ///
    /// # Errors
    /// Nothing would be left to read or see.
    pub(super) fn after(&self, patch: &Map<String, Value>, feed: &Feed) -> Result<Self, Refusal> {
        let mut merged = self.0.clone();
        merge(&mut merged, patch);
        if !["headline", "body", "media"].iter().any(|name| merged.contains_key(*name)) {
            return Err(Refusal::new(
                Code::Missing,
                "An item needs a headline, unless it has a body or media that can stand alone.",
            )
            .field("headline"));
        }
        merged.entry("urgency").or_insert_with(|| limits::URGENCY_DEFAULT.into());
        self.fill_in_language(&mut merged, patch, feed);

        let body = merged.get("body").and_then(Value::as_str).map(html::plain).unwrap_or_default();
        let headline = merged.get("headline").and_then(Value::as_str).unwrap_or_default();
        let words = reading::words(headline) + reading::words(&body);
        for name in DERIVED {
            merged.remove(name);
        }
        // Known fields in the order of the table, then what this version does not know, then what is derived.
        let mut ordered = Map::new();
        for field in &FIELDS {
            if let Some(value) = merged.shift_remove(field.name) {
                ordered.insert(field.name.to_owned(), value);
            }
        }
        ordered.extend(merged);
        ordered.insert("wordCount".to_owned(), words.into());
        ordered.insert("readTime".to_owned(), reading::minutes(words).into());
        Ok(Self(ordered))
    }

    /// A new story is in its feed's language unless it says otherwise; `dir` follows the language unless it is said.
    fn fill_in_language(&self, merged: &mut Map<String, Value>, patch: &Map<String, Value>, feed: &Feed) {
        let is_new = self.0.is_empty();
        let fill = |name: &str| is_new || patch.get(name).is_some_and(Value::is_null);
        if fill("language")
            && let (None, Some(language)) = (merged.get("language"), &feed.language)
        {
            merged.insert("language".to_owned(), language.as_str().into());
        }
        let said = patch.get("dir").is_some_and(|dir| !dir.is_null());
        let changed = merged.get("language") != self.get("language");
        if said || !(fill("dir") || changed) {
            return;
        }
        let own = merged.get("language").and_then(Value::as_str);
        let of_feed = own.is_none() || own == feed.language.as_deref();
        let dir = feed.dir.as_deref().filter(|_| of_feed).or_else(|| own.map(language::direction));
        match dir {
            Some(dir) => merged.insert("dir".to_owned(), dir.into()),
            None => merged.shift_remove("dir"),
        };
    }

    /// The names of the fields in which two stories differ, derived ones left out.
    #[must_use]
    pub fn differences(&self, other: &Self) -> BTreeSet<String> {
        let names = self.0.keys().chain(other.0.keys());
        let differs = |name: &&String| !DERIVED.contains(&name.as_str()) && self.get(name) != other.get(name);
        names.filter(differs).cloned().collect()
    }

    /// Hashes of the story's altIds: SHA-256 over feed, role and value, each preceded by its length in bytes (64 bits,
    /// big-endian), so that no two different ones are written alike.
    #[must_use]
    pub fn alt_id_hashes(&self, feed: &FeedId) -> Vec<[u8; 32]> {
        let ids = self.get("altIds").and_then(Value::as_array);
        let text = |id: &Value, name: &str| id[name].as_str().unwrap_or_default().to_owned();
        let hash = |id: &Value| Self::alt_id_hash(feed, &text(id, "role"), &text(id, "value"));
        ids.into_iter().flatten().map(hash).collect()
    }

    /// The hash of one of them.
    #[must_use]
    pub fn alt_id_hash(feed: &FeedId, role: &str, value: &str) -> [u8; 32] {
        let mut hash = Sha256::new();
        for part in [feed.as_str(), role, value] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        hash.finalize().into()
    }
}

/// Applies a JSON Merge Patch (RFC 7396, section 2) to an object.
pub fn merge(target: &mut Map<String, Value>, patch: &Map<String, Value>) {
    for (name, value) in patch {
        match value {
            Value::Null => {
                target.shift_remove(name);
            }
            Value::Object(patch) => {
                let entry = target.entry(name).or_insert(Value::Null);
                let mut nested = match entry.take() {
                    Value::Object(nested) => nested,
                    _ => Map::new(),
                };
                merge(&mut nested, patch);
                *entry = Value::Object(nested);
            }
            value => {
                target.insert(name.clone(), value.clone());
            }
        }
    }
}
