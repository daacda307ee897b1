//! Why this server ends a stream, and what the reader's client should do about it: one table for every transport.

use std::time::Duration;

use bytes::Bytes;

use super::{
    message::{Message, Reset},
    wire::Wire,
};
use crate::news::FeedId;

/// The reason of a `bye`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Goodbye {
    /// The server is stopping; another, or the same one again, takes over.
    Draining,
    /// The store cannot be reached, so nothing can be claimed to be current.
    StoreAway,
    /// This server has not yet seen the change that the reader's position names.
    Behind,
    /// There is no such feed (any more).
    Gone,
    /// The reader's token was revoked or has expired, or the feed is not public any more.
    Revoked,
    /// The ticket that the reader came with is over.
    Ticket,
    /// The readers of this feed, or of this server, have too many different filters.
    TooManyFilters,
    /// This server, or the reader's address, has as many readers as it may.
    Full,
    /// The client sent more than a reader has to say.
    TooMuch,
}

impl Goodbye {
    /// Every reason.
    pub const ALL: [Self; 9] = [
        Self::Draining,
        Self::StoreAway,
        Self::Behind,
        Self::Gone,
        Self::Revoked,
        Self::Ticket,
        Self::TooManyFilters,
        Self::Full,
        Self::TooMuch,
    ];

    /// The name on the wire.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Draining => "draining",
            Self::StoreAway => "storeAway",
            Self::Behind => "behind",
            Self::Gone => "gone",
            Self::Revoked => "revoked",
            Self::Ticket => "ticket",
            Self::TooManyFilters => "tooManyFilters",
            Self::Full => "full",
            Self::TooMuch => "tooMuch",
        }
    }

    /// The WebSocket close code (RFC 6455, section 7.4, and IANA's registry).
    #[must_use]
    pub fn close_code(self) -> u16 {
        match self {
            Self::Draining => 1012,
            Self::StoreAway | Self::Behind | Self::TooManyFilters | Self::Full => 1013,
            Self::Gone | Self::Revoked | Self::Ticket => 1008,
            Self::TooMuch => 1009,
        }
    }

    /// After what pause to come back: different for each reader, so that a crowd does not return in one instant.
    #[must_use]
    pub fn pause(self) -> Duration {
        let (least, most) = match self {
            Self::Draining => (500, 4_000),
            Self::Behind => (1_000, 3_000),
            Self::StoreAway => (2_000, 8_000),
            Self::TooManyFilters | Self::Full => (10_000, 60_000),
            // Nothing to come back to soon; a browser's EventSource cannot be told to stop, only to wait.
            Self::Gone | Self::Revoked | Self::Ticket | Self::TooMuch => (60_000, 120_000),
        };
        between((least, most))
    }
}

/// The pause of a reader that left in its turn: the least and the most milliseconds.
const SOON: (u64, u64) = (100, 1_000);

/// A random pause.
fn between((least, most): (u64, u64)) -> Duration {
    // Without random numbers the pause is the shortest one: late is worse than crowded.
    let random = getrandom::u32().unwrap_or(0);
    Duration::from_millis(least + u64::from(random) % (most - least + 1))
}

/// The end of a stream.
#[derive(Clone, Debug)]
pub struct Ending {
    /// What is still sent: a `reset` where there is nothing to go on from, and `bye`.
    pub messages: Vec<Bytes>,
    /// Why it ends.
    pub why: Goodbye,
    /// When the client should come back.
    pub pause: Duration,
}

impl Ending {
    /// The end of a stream of this feed.
    #[must_use]
    pub fn of(feed: &FeedId, wire: Wire, why: Goodbye) -> Self {
        Self::after(feed, wire, why, why.pause())
    }

    /// The end for a reader that leaves a server which drains, in its turn: others take it, and few come with it.
    #[must_use]
    pub fn in_turn(feed: &FeedId, wire: Wire) -> Self {
        Self::after(feed, wire, Goodbye::Draining, between(SOON))
    }

    fn after(feed: &FeedId, wire: Wire, why: Goodbye, pause: Duration) -> Self {
        let bye = Message::bye(feed, why, pause).on(wire);
        let reset = (why == Goodbye::Gone).then(|| Message::reset(feed, Reset::Gone).on(wire));
        Self { messages: reset.into_iter().chain([bye]).collect(), why, pause }
    }
}

#[cfg(test)]
mod tests {
    use super::Goodbye;

    #[test]
    fn pauses_are_spread() {
        let pauses: std::collections::HashSet<_> = (0..50).map(|_| Goodbye::Draining.pause()).collect();
        assert!(pauses.len() > 10, "{pauses:?}");
        for pause in pauses {
            assert!((500..=4_000).contains(&pause.as_millis()));
        }
    }
}
