//! A change: one entry of a feed's log, with the thing it changed as that now reads.

use std::{fmt, str::FromStr, sync::Arc};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Feed, Moment, Position, Record};

/// What happened; the `type` of a change on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Kind {
    /// The feed began; always change 1.
    #[serde(rename = "feed.created")]
    FeedCreated,
    /// The feed's document changed, or its store went back in time.
    #[serde(rename = "feed.updated")]
    FeedUpdated,
    /// Its coverage ended.
    #[serde(rename = "feed.closed")]
    FeedClosed,
    /// Its coverage goes on.
    #[serde(rename = "feed.reopened")]
    FeedReopened,
    /// A new item.
    #[serde(rename = "item.published")]
    ItemPublished,
    /// An item was edited.
    #[serde(rename = "item.updated")]
    ItemUpdated,
    /// An item was edited with a note of what was wrong.
    #[serde(rename = "item.corrected")]
    ItemCorrected,
    /// An item is held back; it may return.
    #[serde(rename = "item.withheld")]
    ItemWithheld,
    /// An item that was held back returned.
    #[serde(rename = "item.released")]
    ItemReleased,
    /// An item was retracted; a public notice stays.
    #[serde(rename = "item.retracted")]
    ItemRetracted,
    /// An item was removed; only its id stays.
    #[serde(rename = "item.removed")]
    ItemRemoved,
    /// An item was pinned.
    #[serde(rename = "item.pinned")]
    ItemPinned,
    /// An item is no longer pinned.
    #[serde(rename = "item.unpinned")]
    ItemUnpinned,
    /// An item is no longer breaking.
    #[serde(rename = "item.breakingEnded")]
    ItemBreakingEnded,
}

impl Kind {
    /// Every kind, with its name on the wire.
    pub const ALL: [(Self, &'static str); 14] = [
        (Self::FeedCreated, "feed.created"),
        (Self::FeedUpdated, "feed.updated"),
        (Self::FeedClosed, "feed.closed"),
        (Self::FeedReopened, "feed.reopened"),
        (Self::ItemPublished, "item.published"),
        (Self::ItemUpdated, "item.updated"),
        (Self::ItemCorrected, "item.corrected"),
        (Self::ItemWithheld, "item.withheld"),
        (Self::ItemReleased, "item.released"),
        (Self::ItemRetracted, "item.retracted"),
        (Self::ItemRemoved, "item.removed"),
        (Self::ItemPinned, "item.pinned"),
        (Self::ItemUnpinned, "item.unpinned"),
        (Self::ItemBreakingEnded, "item.breakingEnded"),
    ];

    /// The name on the wire.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(kind, _)| *kind == self).expect("every kind has its name").1
    }

    /// Whether this change takes text away from the public, so that nothing made before it may be shown any more.
    #[must_use]
    pub fn takes_away(self) -> bool {
        matches!(self, Self::ItemWithheld | Self::ItemRetracted | Self::ItemRemoved)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A name that no kind of change has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no kind of change")]
pub struct NotAKind(String);

impl FromStr for Kind {
    type Err = NotAKind;

    fn from_str(text: &str) -> Result<Self, NotAKind> {
        let found = Self::ALL.iter().find(|(_, name)| *name == text);
        found.map(|(kind, _)| *kind).ok_or_else(|| NotAKind(text.to_owned()))
    }
}

/// What a change changed, as it reads since.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// An item.
    Item(Record),
    /// The feed itself.
    Feed(Feed),
}

/// One change, and the thing it changed as that now reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Its place in the log.
    pub position: Position,
    /// What happened.
    pub kind: Kind,
    /// When it was committed.
    pub at: Moment,
    /// The seq at which its item was first published (1 for the feed itself).
    pub born: u64,
    /// What it changed. Shared, because windows, caches and readers all hold it.
    pub what: Arc<What>,
}

impl Change {
    /// The newest change of an item, told from its record.
    #[must_use]
    pub fn of_item(record: Record) -> Self {
        Self {
            position: Position { seq: record.last_seq, mark: record.mark },
            kind: record.kind,
            at: record.at,
            born: record.born,
            what: Arc::new(What::Item(record)),
        }
    }

    /// The item that it changed; none for the feed itself.
    #[must_use]
    pub fn item(&self) -> Option<Uuid> {
        match &*self.what {
            What::Item(record) => Some(record.id),
            What::Feed(_) => None,
        }
    }
}
