//! What a store is asked for and how commits come out, as far as it is counted apart ([`super::measured`]).

use super::Witness;
use crate::{count::Label, news::Kind};

/// What a store is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// A change, a feed's deletion, or a cut is committed.
    Commit,
    /// What an idempotency key stands for.
    Key,
    /// The state of feeds.
    Feed,
    /// An item, or versions of it.
    Item,
    /// What changed after a position, for who is behind the window.
    Changed,
    /// A part of the log, for the window.
    Log,
    /// A page of items.
    Page,
    /// Tokens.
    Token,
    /// What any node does by the clock.
    Upkeep,
    /// Whether the store takes writes.
    Health,
}

/// How a commit came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is committed now.
    Committed,
    /// It was committed before, under the same idempotency key.
    Repeated,
    /// Something stood in the way.
    Conflict,
    /// The store was away, full, slow or read-only; whether it was committed is not known.
    Unavailable,
    /// It is committed, and too few replicas have received it in time.
    NotReplicated,
    /// The store failed in a way it should not.
    Failed,
}

impl Label for Operation {
    fn all() -> impl Iterator<Item = Self> {
        [
            Self::Commit,
            Self::Key,
            Self::Feed,
            Self::Item,
            Self::Changed,
            Self::Log,
            Self::Page,
            Self::Token,
            Self::Upkeep,
            Self::Health,
        ]
        .into_iter()
    }

    fn name(self) -> &'static str {
        match self {
            Self::Commit => "commit",
            Self::Key => "key",
            Self::Feed => "feed",
            Self::Item => "item",
            Self::Changed => "changed",
            Self::Log => "log",
            Self::Page => "page",
            Self::Token => "token",
            Self::Upkeep => "upkeep",
            Self::Health => "health",
        }
    }
}

impl Label for Outcome {
    fn all() -> impl Iterator<Item = Self> {
        [Self::Committed, Self::Repeated, Self::Conflict, Self::Unavailable, Self::NotReplicated, Self::Failed]
            .into_iter()
    }

    fn name(self) -> &'static str {
        match self {
            Self::Committed => "committed",
            Self::Repeated => "repeated",
            Self::Conflict => "conflict",
            Self::Unavailable => "unavailable",
            Self::NotReplicated => "not_replicated",
            Self::Failed => "failed",
        }
    }
}

impl Label for Kind {
    fn all() -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().map(|(kind, _)| kind)
    }

    fn name(self) -> &'static str {
        Kind::name(self)
    }
}

impl Label for Witness {
    fn all() -> impl Iterator<Item = Self> {
        [Self::Follower, Self::Reader].into_iter()
    }

    fn name(self) -> &'static str {
        match self {
            Self::Follower => "follower",
            Self::Reader => "reader",
        }
    }
}
