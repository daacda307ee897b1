//! What a node counts of how changes move through it. Nothing here is touched when a change is delivered to a stream:
//! each shard counts that for itself.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use prometheus_client::metrics::histogram::Histogram;

use super::message::Reset;
use crate::{
    count::{Count, Each, Label},
    news::Moment,
    store::{Entry, measured::SECONDS},
};

/// What is counted.
#[derive(Debug)]
pub struct Numbers {
    /// Changes that were taken into the windows of awake feeds.
    pub followed: Count,
    /// How long after its commit each of them was there, by the store's clock, in seconds.
    pub lag: Histogram,
    /// How often following the store failed.
    pub failed: Count,
    /// Readers that were told to begin anew.
    pub resets: Each<Reset>,
    /// What went through the poll door.
    pub polls: Polls,
}

/// What went through the poll door.
#[derive(Debug, Default)]
pub struct Polls {
    waiting: AtomicU64,
    /// Changes that polls were answered with.
    pub deliveries: Count,
    /// Bytes of their answers.
    pub bytes: Count,
}

/// A poll that waits for a change, until it is dropped.
#[derive(Debug)]
pub struct Waiting<'a>(&'a Polls);

impl Default for Numbers {
    fn default() -> Self {
        Self {
            followed: Count::default(),
            lag: Histogram::new(SECONDS),
            failed: Count::default(),
            resets: Each::default(),
            polls: Polls::default(),
        }
    }
}

impl Numbers {
    /// These entries of a log go into a window now. How old one is whose item has changed again since then is not told.
    pub fn follow(&self, entries: &[Entry], now: Moment) {
        self.followed.add(entries.len() as u64);
        for change in entries.iter().filter_map(|entry| entry.change.as_ref()) {
            let late = u64::try_from(now.millis() - change.at.millis()).unwrap_or(0);
            self.lag.observe(Duration::from_millis(late).as_secs_f64());
        }
    }
}

impl Polls {
    /// A poll waits.
    #[must_use]
    pub fn wait(&self) -> Waiting<'_> {
        self.waiting.fetch_add(1, Ordering::Relaxed);
        Waiting(self)
    }

    /// How many wait.
    #[must_use]
    pub fn waiting(&self) -> u64 {
        self.waiting.load(Ordering::Relaxed)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Label for Reset {
    fn all() -> impl Iterator<Item = Self> {
        Self::ALL.into_iter()
    }

    fn name(self) -> &'static str {
        Reset::name(self)
    }
}
