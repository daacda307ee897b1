//! Why something an editor or a reader asked for is refused: what is wrong, where, and what to do about it.
//!
//! Every refusal changes nothing. It names the field, the limit and what was sent, as far as there are any. It never
//! carries an item's text: refusals are logged and answered to whoever asked.

use serde::Serialize;

/// The stable code of a refusal; programs may rely on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Code {
    /// The body is not JSON, or not a JSON object.
    NotJson,
    /// A field that an item does not have.
    UnknownField,
    /// A field that only the server sets, or that has a door of its own.
    ReadOnly,
    /// A field's value is of the wrong type or form.
    Invalid,
    /// A required field is missing.
    Missing,
    /// A text is too long.
    TooLong,
    /// A list has too many entries.
    TooMany,
    /// A number or time is outside its range.
    OutOfRange,
    /// The item as a whole would be too large.
    TooLarge,
    /// The item is not in a status that allows this.
    WrongStatus,
    /// An item of that id exists.
    Exists,
    /// An item with that `altIds` entry exists and is not usable.
    AltIdTaken,
    /// Another item is pinned there.
    PinTaken,
    /// The feed takes no new items.
    FeedClosed,
    /// `If-Match` is required here.
    PreconditionRequired,
    /// The item has changed since the version that `If-Match` names.
    PreconditionFailed,
    /// The idempotency key was used for another request.
    KeyReused,
    /// There is no such thing.
    NotFound,
}

/// A refusal.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct Refusal {
    /// The stable code.
    pub code: Code,
    /// A sentence for a person: what is wrong and what to do.
    pub detail: String,
    /// The field, as a path: `media[0].alt`.
    pub field: Option<String>,
    /// The limit that was passed, with its unit.
    pub limit: Option<String>,
    /// What was sent: a size, a count, or a short value.
    pub sent: Option<String>,
    /// The item that stands in the way.
    pub item: Option<uuid::Uuid>,
    /// The ETag or status of that item as it now reads.
    pub current: Option<String>,
}

impl Refusal {
    /// A refusal without particulars.
    #[must_use]
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into(), field: None, limit: None, sent: None, item: None, current: None }
    }

    /// Names the field.
    #[must_use]
    pub fn field(mut self, field: impl Into<String>) -> Self {
        self.field = Some(field.into());
        self
    }

    /// Names the limit and what was sent.
    #[must_use]
    pub fn limit(mut self, limit: impl ToString, sent: impl ToString) -> Self {
        self.limit = Some(limit.to_string());
        self.sent = Some(sent.to_string());
        self
    }

    /// Names the item that stands in the way, and its status or ETag.
    #[must_use]
    pub fn item(mut self, item: uuid::Uuid, current: impl Into<String>) -> Self {
        self.item = Some(item);
        self.current = Some(current.into());
        self
    }
}
