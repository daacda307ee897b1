//! When this node last knew that what it holds is what the store holds, and whether that is recent enough to claim it.

use std::{sync::Mutex, time::Duration};

use tokio::time::Instant;

use crate::news::Moment;

/// After this long without a confirmation, readers are told `stale`, and nobody new is served from memory.
pub const STALE_AFTER: Duration = Duration::from_secs(5);

/// The newest confirmation.
#[derive(Debug)]
pub struct Freshness {
    last: Mutex<Confirmed>,
}

#[derive(Clone, Copy, Debug)]
struct Confirmed {
    /// For people: the store's clock.
    moment: Moment,
    /// For judging: the monotonic clock, which nobody sets.
    instant: Option<Instant>,
}

impl Freshness {
    /// Nothing has been confirmed yet.
    #[must_use]
    pub fn unconfirmed(now: Moment) -> Self {
        Self { last: Mutex::new(Confirmed { moment: now, instant: None }) }
    }

    /// The node holds what the store held at this moment.
    pub fn confirm(&self, moment: Moment, instant: Instant) {
        *self.last.lock().expect("nothing panics while holding it") = Confirmed { moment, instant: Some(instant) };
    }

    /// When it was last confirmed: `checked` on the wire.
    #[must_use]
    pub fn checked(&self) -> Moment {
        self.last.lock().expect("nothing panics while holding it").moment
    }

    /// How long ago that was; none where nothing was confirmed yet.
    #[must_use]
    pub fn age(&self) -> Option<Duration> {
        let last = self.last.lock().expect("nothing panics while holding it").instant;
        last.map(|instant| instant.elapsed())
    }

    /// Whether that is recent enough.
    #[must_use]
    pub fn is_fresh(&self) -> bool {
        self.age().is_some_and(|age| age <= STALE_AFTER)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_was_confirmed_more_than_five_seconds_ago_is_not_fresh() {
        let freshness = Freshness::unconfirmed(Moment::from_millis(0));
        assert!(!freshness.is_fresh(), "nothing was confirmed");
        freshness.confirm(Moment::from_millis(1), Instant::now());
        tokio::time::advance(STALE_AFTER).await;
        assert!(freshness.is_fresh());
        tokio::time::advance(Duration::from_millis(1)).await;
        assert!(!freshness.is_fresh());
        assert_eq!(freshness.checked(), Moment::from_millis(1));
    }
}
