//! The store's now: measured with `TIME`, carried forward on the monotonic clock, never running backwards.

use std::sync::{
    RwLock,
    atomic::{AtomicI64, Ordering},
};

use tokio::time::Instant;

use super::link::{Link, Request};
use crate::{news::Moment, store::StoreError};

/// The clock of the Redis server, as seen from here.
#[derive(Debug)]
pub(super) struct Clock {
    /// What the server's clock showed, and when that was here.
    measured: RwLock<(i64, Instant)>,
    /// The latest now that was ever told, in milliseconds.
    told: AtomicI64,
}

impl Clock {
    /// A clock that was measured just now.
    ///
    /// # Errors
    /// The server is away.
    pub(super) async fn of(link: &Link) -> Result<Self, StoreError> {
        Ok(Self { measured: RwLock::new(measured(link).await?), told: AtomicI64::new(i64::MIN) })
    }

    /// Measures again.
    ///
    /// # Errors
    /// The server is away; the clock goes on from its last measurement.
    pub(super) async fn measure(&self, link: &Link) -> Result<(), StoreError> {
        let now = measured(link).await?;
        *self.measured.write().expect("nobody panics while holding the clock") = now;
        Ok(())
    }

    /// The server's now. Where its clock was set back, this one stands still until that has caught up.
    pub(super) fn now(&self) -> Moment {
        let (server, here) = *self.measured.read().expect("nobody panics while holding the clock");
        let since = i64::try_from(here.elapsed().as_millis()).unwrap_or(i64::MAX);
        let now = server.saturating_add(since);
        Moment::from_millis(self.told.fetch_max(now, Ordering::Relaxed).max(now))
    }
}

/// Asks the server for its time. It was read somewhere between asking and the answer; the middle is off by half of
/// that at most.
async fn measured(link: &Link) -> Result<(i64, Instant), StoreError> {
    // The first answer may have waited for a connection, so it is the second that counts.
    let time = redis::cmd("TIME");
    let _: (i64, i64) = link.ask(Request::One(&time)).await?;
    let asked = Instant::now();
    let (seconds, micros): (i64, i64) = link.ask(Request::One(&time)).await?;
    Ok((seconds * 1_000 + micros / 1_000, asked + asked.elapsed() / 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_was_set_back_does_not_run_backwards_here() {
        let clock = Clock { measured: RwLock::new((9_000, Instant::now())), told: AtomicI64::new(i64::MIN) };
        let before = clock.now();
        *clock.measured.write().expect("no panic") = (4_000, Instant::now());
        assert!(clock.now() >= before);
        *clock.measured.write().expect("no panic") = (12_000, Instant::now());
        assert!(clock.now().millis() >= 12_000);
    }
}
