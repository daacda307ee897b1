//! What is sent over an item: known and writable fields only, each checked, before anything is made of it.

use serde_json::{Map, Value};

use super::{Moment, Refusal, Story};
use crate::news::{
    refusal::Code,
    story::{field, parts::Object, text},
};

/// Fields of an item that are not to be written, and how they come to change.
const READ_ONLY: [(&str, &str); 9] = [
    ("feed", "it is the feed that the item was sent to"),
    ("version", "the server counts versions"),
    ("status", "use withhold, release, retract or remove"),
    ("pinned", "use pin and unpin"),
    ("corrections", "use correct"),
    ("retraction", "use retract"),
    ("wordCount", "it is derived"),
    ("readTime", "it is derived"),
    ("readers", "it is counted"),
];

/// Fields that only a new item may bring.
const ONLY_NEW: [(&str, &str); 3] = [
    ("id", "an item keeps its id"),
    ("published", "an item was published once"),
    ("updated", "the server moves it when a reader should notice"),
];

/// Whether an item is being made or changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Over {
    /// It is being made.
    Nothing,
    /// It is being changed.
    Item,
}

/// A checked patch.
pub(super) struct Patch {
    /// The editorial fields, as [`Story::check`] writes them.
    pub(super) story: Map<String, Value>,
    /// What becomes of `breaking`: until then, or ended. None: it was not sent.
    pub(super) breaking: Option<Option<Moment>>,
}

impl Patch {
    /// Checks what was sent. Names come first: a field that cannot be meant is told before any value is looked at.
    pub(super) fn read(sent: &Map<String, Value>, over: Over, now: Moment) -> Result<Self, Refusal> {
        for name in sent.keys() {
            writable(name, over)?;
        }
        let breaking = match sent.get("breaking") {
            None => None,
            Some(Value::Null) => Some(None),
            Some(value) => {
                let mut until = None;
                Object::open("breaking", value, &["until"])?.must("until", |path, value| {
                    until = Some(text::future(path, value, now)?);
                    Ok(Value::Null)
                })?;
                Some(until)
            }
        };
        Ok(Self { story: Story::check(sent)?, breaking })
    }
}

/// Refuses a field that an item does not have, or that is not to be written here.
fn writable(name: &str, over: Over) -> Result<(), Refusal> {
    if field::named(name).is_some() || name == "breaking" {
        return Ok(());
    }
    let why = |(read_only, why): &(&str, &'static str)| (*read_only == name).then_some(*why);
    let only_new = ONLY_NEW.iter().find_map(why);
    if only_new.is_some() && over == Over::Nothing {
        return Ok(());
    }
    if let Some(why) = only_new.or_else(|| READ_ONLY.iter().find_map(why)) {
        return Err(Refusal::new(Code::ReadOnly, format!("{name} cannot be set here: {why}")).field(name));
    }
    let name = text::short(name);
    Err(Refusal::new(Code::UnknownField, format!("an item has no field {name:?}")).field(name))
}
