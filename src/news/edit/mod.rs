//! The rules of editing: what a verb makes of an item. Pure: what is now, which mark is next and what stands are given.
//!
//! Every verb comes out as one [`Draft`] for the store, as a [`Refusal`] that changed nothing, or as None: what was
//! asked already holds, so there is no change. Which fields differ is never claimed by a verb but found by comparing.
//! Not decided here: whether the id, an altId or the pin's place is taken (the store's commit knows), and whether who
//! asks knew the newest version ([`super::precondition`]).

mod end;
mod patch;
mod pin;
mod publish;
mod revise;
mod status;
#[cfg(test)]
mod tests;

pub use end::end;

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::{Feed, Kind, Mark, Moment, Record, Refusal, Status, limits, refusal::Code, story::Story};

/// What an editor can do to an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verb {
    /// A new item. The body is the item: editorial fields, `breaking`, and for an import `id` (a UUIDv7), `published`
    /// and `updated`.
    Publish,
    /// The body is a JSON Merge Patch (RFC 7396) over the editorial fields and `breaking`; null takes a field away.
    Update,
    /// The same with a note of what was wrong: `{"kind": "correction" | "clarification" | "refile", "note": "…",
    /// "changes": {merge patch}}`. A correction needs a note; a refile (a typo) has none, stands in the history only,
    /// and is nothing without changes.
    Correct,
    /// Hold back. No fields.
    Withhold,
    /// Let a held-back item return. No fields.
    Release,
    /// Retract; a notice stays: `{"reason": "…", "replacedBy": id?}`.
    Retract,
    /// Remove for good. No fields.
    Remove,
    /// Pin to the top: `{"position": 1 to 3, default 1, "until": time?}`.
    Pin,
    /// Unpin. No fields.
    Unpin,
}

impl Verb {
    /// Every verb, with its name in addresses and sentences.
    pub const ALL: [(Self, &'static str); 9] = [
        (Self::Publish, "publish"),
        (Self::Update, "update"),
        (Self::Correct, "correct"),
        (Self::Withhold, "withhold"),
        (Self::Release, "release"),
        (Self::Retract, "retract"),
        (Self::Remove, "remove"),
        (Self::Pin, "pin"),
        (Self::Unpin, "unpin"),
    ];

    /// The name in addresses and sentences.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(verb, _)| *verb == self).expect("every verb has its name").1
    }
}

/// A verb and all that it is judged by.
#[derive(Clone, Copy, Debug)]
pub struct Edit<'a> {
    /// The feed as it stands.
    pub feed: &'a Feed,
    /// The item as it stands; none for [`Verb::Publish`].
    pub current: Option<&'a Record>,
    /// What is asked.
    pub verb: Verb,
    /// What was sent with it.
    pub body: &'a Map<String, Value>,
    /// The store's now.
    pub now: Moment,
    /// The mark of the change.
    pub mark: Mark,
}

/// An item as it shall read.
#[derive(Clone, Debug)]
pub struct Draft {
    /// What the change is called.
    pub kind: Kind,
    /// The item; `born` and `last_seq` are the store's to set.
    pub record: Record,
    /// The editorial fields that differ, and of `breaking`, `pinned` and `status` those that do; sorted.
    pub fields: Vec<String>,
    /// Hashes of the item's altIds.
    pub alt_ids: Vec<[u8; 32]>,
}

/// Applies a verb. None: there is no difference, so there is no change.
///
/// # Errors
/// What was sent breaks a rule, or the item does not allow the verb.
pub fn edit(edit: &Edit<'_>) -> Result<Option<Draft>, Refusal> {
    let Some(current) = edit.current else {
        return match edit.verb {
            Verb::Publish => publish::publish(edit).map(Some),
            _ => Err(Refusal::new(Code::NotFound, "There is no such item.")),
        };
    };
    match edit.verb {
        Verb::Publish => Err(Refusal::new(Code::Exists, format!("There is an item {}.", current.id))
            .field("id")
            .item(current.id, current.status.name())),
        Verb::Update => revise::update(edit, current),
        Verb::Correct => revise::correct(edit, current),
        Verb::Withhold => status::withhold(edit, current),
        Verb::Release => status::release(edit, current),
        Verb::Retract => status::retract(edit, current),
        Verb::Remove => status::remove(edit, current),
        Verb::Pin => pin::pin(edit, current),
        Verb::Unpin => pin::unpin(edit, current),
    }
}

impl Edit<'_> {
    /// The record that follows the current one: the same item, one version on.
    fn next(&self, current: &Record, kind: Kind) -> Record {
        Record { version: current.version + 1, mark: self.mark, kind, at: self.now, ..current.clone() }
    }

    /// A moved `updated`: now, but never back in time and never before publication.
    fn moved(&self, record: &Record) -> Moment {
        self.now.max(record.published).max(record.updated)
    }

    /// The draft of a record that followed from `current`; none where nothing differs.
    fn draft(&self, current: Option<&Record>, record: Record) -> Option<Draft> {
        let stories = stories(current, &record);
        let fields = differences(current, &record, &stories);
        if fields.is_empty() {
            return None;
        }
        let [before, after] = stories;
        let kept = if record.status == Status::Removed { before } else { after };
        let alt_ids = kept.alt_id_hashes(&self.feed.id);
        Some(Draft { kind: record.kind, record, fields: fields.into_iter().collect(), alt_ids })
    }

    /// Refuses a record that is too large to be edited further.
    fn fits(&self, record: &Record) -> Result<(), Refusal> {
        let bytes = record.full(&self.feed.id, self.now).len();
        if bytes <= limits::EDITED_BYTES {
            return Ok(());
        }
        Err(Refusal::new(
            Code::TooLarge,
            "The item as a whole is too large: shorten it, or carry it forward by a new one.",
        )
        .limit(format!("{} bytes", limits::EDITED_BYTES), format!("{bytes} bytes")))
    }

    /// Refuses a body with any field in it.
    fn no_fields(&self) -> Result<(), Refusal> {
        let Some(name) = self.body.keys().next() else { return Ok(()) };
        let name = super::story::text::short(name);
        Err(Refusal::new(Code::UnknownField, format!("{} takes no fields, so no {name:?}.", self.verb.name()))
            .field(name))
    }

    /// The body of a verb that has fields of its own.
    fn fields(&self, known: &[&str]) -> Result<&Map<String, Value>, Refusal> {
        match self.body.keys().find(|name| !known.contains(&name.as_str())) {
            None => Ok(self.body),
            Some(name) => {
                let name = super::story::text::short(name);
                let known = known.join(", ");
                Err(Refusal::new(
                    Code::UnknownField,
                    format!("{} has no field {name:?}; it has {known}.", self.verb.name()),
                )
                .field(name))
            }
        }
    }
}

/// The names of what an editor can change and what differs, between two records, or of all that a first one has.
fn differences(before: Option<&Record>, after: &Record, [old, new]: &[Story; 2]) -> BTreeSet<String> {
    let mut names = old.differences(new);
    let mut also = |name: &str, differs: bool| {
        if differs {
            names.insert(name.to_owned());
        }
    };
    also("breaking", before.and_then(|before| before.breaking_until) != after.breaking_until);
    also("pinned", before.and_then(|before| before.pin) != after.pin);
    also("status", before.map_or(Status::Usable, |before| before.status) != after.status);
    names
}

/// The stories of two records; an empty one where there is no first.
fn stories(before: Option<&Record>, after: &Record) -> [Story; 2] {
    let story = |record: &Record| Story::of(&record.story);
    [before.map(story).unwrap_or_default(), story(after)]
}
