//! The canary: what this node writes with its commands' connection for nothing but to be seen by its own follower.
//!
//! A connection that answers proves little: after a failover the follower may be blocked on one server while commands go
//! to another, and everybody says that all is well while nobody receives anything. So every [`EVERY`] a number is added
//! to a stream of this node's own, which stands among those that the follower reads. A read that was begun [`GRACE`]
//! after a number was written, and is answered without it, is a miss: the follower's answer is to find the servers anew.
//! A stream holds one number, and goes by itself [`LEFT`] after its node.

use std::{sync::Mutex, time::Duration};

use redis::Pipeline;
use tokio::time::{Instant, MissedTickBehavior, interval};
use uuid::Uuid;

use super::{
    keys,
    link::{Link, Request},
};

/// How often a number is written.
const EVERY: Duration = Duration::from_secs(3);
/// How old a number is before a read must show it. A master shows it at once; a server that was one until a moment ago,
/// and is now fed by another, a little later.
const GRACE: Duration = Duration::from_secs(1);
/// How long the stream of a node stays that has ended.
const LEFT: Duration = Duration::from_secs(60);

/// The canary of one node.
pub(super) struct Canary {
    key: String,
    flight: Mutex<Flight>,
}

#[derive(Default)]
struct Flight {
    /// The newest number that was tried.
    tried: u64,
    /// The newest that was written, and when.
    written: Option<(u64, Instant)>,
    /// The one that was written before it.
    before: u64,
    /// When a number was last heard, or when the first follower began to listen.
    heard: Option<Instant>,
}

impl Canary {
    /// One that nobody listens to yet.
    pub(super) fn new() -> Self {
        Self { key: keys::canary(Uuid::now_v7()), flight: Mutex::default() }
    }

    /// The stream.
    pub(super) fn key(&self) -> &str {
        &self.key
    }

    /// A follower listens from now on.
    pub(super) fn listen(&self) {
        self.flight().heard.get_or_insert_with(Instant::now);
    }

    /// The number that a read must show which begins now.
    pub(super) fn due(&self) -> u64 {
        let flight = self.flight();
        match flight.written {
            Some((number, at)) if at.elapsed() >= GRACE => number,
            _ => flight.before,
        }
    }

    /// A follower read a number.
    pub(super) fn heard(&self) {
        self.flight().heard = Some(Instant::now());
    }

    /// How long nothing was heard; no time at all where nobody listens.
    pub(super) fn unheard(&self) -> Duration {
        self.flight().heard.map_or(Duration::ZERO, |heard| heard.elapsed())
    }

    /// Writes a number again and again, for as long as it is polled, once somebody listens.
    pub(super) async fn sing(&self, link: &Link) {
        let mut ticks = interval(EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let Some(number) = self.next() else { continue };
            let mut write = Pipeline::new();
            // The number is the id, so that a server whose clock is behind takes it all the same.
            write.cmd("XADD").arg(&self.key).arg(&["MAXLEN", "1"]).arg(format!("{number}-0")).arg(&["c", ""]).ignore();
            write.cmd("EXPIRE").arg(&self.key).arg(LEFT.as_secs()).ignore();
            // One that was not written is not due; that the server is away is told by whoever asks something.
            if link.ask::<()>(Request::Many(&write)).await.is_ok() {
                self.wrote(number);
            }
        }
    }

    /// The next number to be written, if somebody listens.
    fn next(&self) -> Option<u64> {
        let mut flight = self.flight();
        flight.heard?;
        flight.tried += 1;
        Some(flight.tried)
    }

    fn wrote(&self, number: u64) {
        let mut flight = self.flight();
        flight.before = flight.written.map_or(0, |(before, _)| before);
        flight.written = Some((number, Instant::now()));
    }

    fn flight(&self) -> std::sync::MutexGuard<'_, Flight> {
        self.flight.lock().expect("nobody panics while holding it")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_number_is_due_a_second_after_it_was_written() {
        let canary = Canary::new();
        assert_eq!((canary.next(), canary.unheard()), (None, Duration::ZERO), "nobody listens");
        canary.listen();
        for number in 1..=2 {
            assert_eq!(canary.next(), Some(number));
            canary.wrote(number);
            assert_eq!(canary.due(), number - 1);
            tokio::time::advance(GRACE).await;
            assert_eq!(canary.due(), number);
        }
        assert_eq!(canary.unheard(), GRACE * 2);
        canary.heard();
        assert_eq!(canary.unheard(), Duration::ZERO);
        // One that could not be written is not waited for.
        assert_eq!(canary.next(), Some(3));
        assert_eq!(canary.due(), 2);
    }
}
