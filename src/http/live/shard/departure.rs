//! Who leaves when, while the server drains: a shard's connections one after the other, evenly over the spread.
//!
//! A connection is told when its turn has come and not before, whatever its socket or its reader is busy with; one that
//! has closed meanwhile is passed over. Until the server drains, nothing is kept for it.

use tokio::time::Instant;

use crate::live::drain::Spread;

/// A connection: its slot, and the serial that tells it from others that had the slot.
pub(super) type Seated = (u32, u64);

/// A shard's departure.
#[derive(Debug)]
pub(super) struct Departure {
    spread: Spread,
    /// How many there were.
    all: usize,
    /// Who has not had its turn; the last one is next.
    waiting: Vec<Seated>,
}

impl Departure {
    /// Of everybody who is here.
    pub(super) fn of(here: Vec<Seated>, spread: Spread) -> Self {
        Self { spread, all: here.len(), waiting: here }
    }

    /// Whose turn has come since it was asked last.
    pub(super) fn turns(&mut self, now: Instant) -> Vec<Seated> {
        let left = self.all - self.spread.told(self.all, now);
        self.waiting.split_off(left.min(self.waiting.len()))
    }
}
