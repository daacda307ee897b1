//! What a read returns: a feed's state, and a part of what it keeps, in one consistent view.
//!
//! Each says where it stopped, so that the next read goes on from there. None of it parses a story.

use uuid::Uuid;

use crate::news::{Change, Cursor, Feed, FeedId, Kind, Moment, Position, Record, TimedEnd};

/// A feed and where its log stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedState {
    /// Its document.
    pub feed: Feed,
    /// The newest change.
    pub head: Position,
    /// The lowest seq that can still be resumed from; at least 1.
    pub floor: u64,
    /// The seq of the change by which the last cut was told; 0 where there was none. Positions below it resume with
    /// [`Lost::Changed`].
    pub cut: u64,
    /// The newest change of the feed itself.
    pub own: Position,
}

/// Why a position cannot be gone on from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lost {
    /// Its seq is below the floor.
    Trimmed,
    /// The store has no such change: another mark, a seq above the head, or below the last cut.
    Changed,
    /// There is no such feed.
    Gone,
}

/// What changed after a position: every changed item once, in its newest form, in the order of the newest changes.
#[derive(Clone, Debug)]
pub struct Changed {
    /// Items (and the feed itself) whose newest change is after the position, oldest first. Each one's position can
    /// be resumed from.
    pub changes: Vec<Change>,
    /// How far it looked: the last change, or one after it that the filter hides; the head where there is no more. It
    /// can be resumed from.
    pub reached: Position,
    /// The feed's state in the same view.
    pub state: FeedState,
    /// Whether the budget ended the read before the head.
    pub more: bool,
}

/// One entry of the log.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its place.
    pub position: Position,
    /// What happened.
    pub kind: Kind,
    /// The item that it changed; none for the feed itself.
    pub item: Option<Uuid>,
    /// The change, unless a newer change of the same item (or of the feed itself) is already committed.
    pub change: Option<Change>,
}

/// A part of the log, without gaps.
#[derive(Clone, Debug)]
pub struct Log {
    /// The entries after the position, oldest first, seqs rising by one.
    pub entries: Vec<Entry>,
    /// The feed's state in the same view.
    pub state: FeedState,
}

/// A page of items as they read now: listed ones only (usable, or retracted with their notice).
#[derive(Clone, Debug)]
pub struct Page {
    /// On the first page, the pinned items by position. Pins that have ended are not pinned.
    pub pinned: Vec<Record>,
    /// Items that are not pinned, by (published, id) descending.
    pub items: Vec<Record>,
    /// Where the next page goes on; none on the last.
    pub before: Option<Cursor>,
    /// The feed's state in the same view.
    pub state: FeedState,
}

/// One version of an item: who made it, when, and what differed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// The item as it read, with version, mark, kind, time and status.
    pub record: Record,
    /// The name of the token that made it.
    pub who: String,
    /// Which fields differ from the version before.
    pub fields: Vec<String>,
}

/// Something that ends by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    /// The feed.
    pub feed: FeedId,
    /// The item.
    pub item: Uuid,
    /// What of it ends.
    pub what: TimedEnd,
    /// When.
    pub until: Moment,
}
