//! Moments that all processes of a machine agree on (CLOCK_MONOTONIC), and the schedule of an open loop.
//!
//! What is published is due at a moment that nobody's slowness moves: a latency counts from there, so that a server that
//! stalls is charged for everything that had to wait meanwhile.

use std::time::Duration;

use rustix::{
    thread::clock_nanosleep_absolute,
    time::{ClockId, Timespec, clock_gettime},
};
use serde::{Deserialize, Serialize};

/// A moment, in nanoseconds since some moment in the past that is the same for every process.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(crate) struct Moment(u64);

impl Moment {
    /// This moment.
    pub(crate) fn now() -> Self {
        let Timespec { tv_sec, tv_nsec } = clock_gettime(ClockId::Monotonic);
        let part = |number: i64| u64::try_from(number).expect("the monotonic clock is never negative");
        Self(part(tv_sec) * 1_000_000_000 + part(tv_nsec))
    }

    /// So much later.
    pub(crate) fn later(self, by: Duration) -> Self {
        Self(self.0 + nanos(by))
    }

    /// How long ago `earlier` was; nothing where it lies ahead.
    pub(crate) fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }

    /// How long it is until this moment; nothing where it is past.
    pub(crate) fn ahead(self) -> Duration {
        self.since(Self::now())
    }

    /// Waits until it has come.
    pub(crate) fn wait(self) {
        let when = Duration::from_nanos(self.0).try_into().expect("the clock of this machine fits");
        // Interrupted by a signal, it waits on.
        while clock_nanosleep_absolute(ClockId::Monotonic, &when).is_err() {}
    }
}

/// When each of a number of publications is due.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub(crate) struct Schedule {
    start: Moment,
    every: u64,
    /// How many there are.
    pub(crate) count: u32,
}

impl Schedule {
    /// One that begins in a moment, so that everybody who keeps to it knows it by then.
    pub(crate) fn soon(count: u32, every: Duration) -> Self {
        Self { start: Moment::now().later(Duration::from_millis(50)), every: nanos(every), count }
    }

    /// When publication `number`, counted from 0, is due.
    pub(crate) fn due(&self, number: u32) -> Moment {
        Moment(self.start.0 + u64::from(number) * self.every)
    }

    /// When the last one is due.
    pub(crate) fn end(&self) -> Moment {
        self.due(self.count.saturating_sub(1))
    }
}

/// A duration in whole nanoseconds.
pub(crate) fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).expect("nobody measures for centuries")
}
