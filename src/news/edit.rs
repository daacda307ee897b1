//! The rules of editing: what a verb makes of an item. Pure: what is now, which mark is next and what stands are given.

use serde_json::{Map, Value};

use super::{Feed, Kind, Mark, Moment, Record, Refusal};

/// What an editor can do to an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verb {
    /// A new item.
    Publish,
    /// RFC 7396 over the editorial fields.
    Update,
    /// The same, with a note of what was wrong.
    Correct,
    /// Hold back.
    Withhold,
    /// Let a held-back item return.
    Release,
    /// Retract; a notice stays.
    Retract,
    /// Remove for good.
    Remove,
    /// Pin to the top.
    Pin,
    /// Unpin.
    Unpin,
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
    /// Which fields differ.
    pub fields: Vec<String>,
    /// Hashes of the item's altIds.
    pub alt_ids: Vec<[u8; 32]>,
}

/// Applies a verb. None: there is no difference, so there is no change.
///
/// # Errors
/// What was sent breaks a rule, or the item does not allow the verb.
pub fn edit(_edit: &Edit<'_>) -> Result<Option<Draft>, Refusal> {
    todo!()
}
