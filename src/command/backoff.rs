//! Growing, jittered pauses between attempts, so that a thousand clients that lost the same server do not all come back
//! in the same instant.

use std::time::Duration;

/// The pauses of one series of attempts.
#[derive(Clone, Debug)]
pub struct Backoff {
    first: Duration,
    longest: Duration,
    failed: u32,
}

impl Backoff {
    /// Pauses that grow from about `first` to about `longest`, doubling.
    #[must_use]
    pub fn new(first: Duration, longest: Duration) -> Self {
        Self { first, longest, failed: 0 }
    }

    /// Something went well: the next pause is a first one again.
    pub fn succeeded(&mut self) {
        self.failed = 0;
    }

    /// The pause before the next attempt.
    ///
    /// # Panics
    /// When the operating system has no random numbers to give.
    pub fn next_pause(&mut self) -> Duration {
        let random = getrandom::u32().expect("the operating system gives random numbers");
        let pause = self.pause(f64::from(random) / (f64::from(u32::MAX) + 1.0));
        self.failed = self.failed.saturating_add(1);
        pause
    }

    /// Between half of the full pause and all of it. `random` is from 0 up to, but not including, 1.
    fn pause(&self, random: f64) -> Duration {
        let full = self.first.saturating_mul(1_u32.checked_shl(self.failed).unwrap_or(u32::MAX)).min(self.longest);
        full.mul_f64(0.5 + random / 2.0)
    }
}

/// A `Retry-After` in seconds, as servers write it; a date is not read, since the clocks may differ. Never more than an
/// hour: who asks for longer is not meant to be waited for, and asking again costs little.
#[must_use]
pub fn retry_after(headers: &http::HeaderMap) -> Option<Duration> {
    let seconds: u64 = headers.get(http::header::RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds.min(3600)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_between_their_bounds_and_never_exceed_the_longest() {
        let mut backoff = Backoff::new(Duration::from_millis(500), Duration::from_secs(30));
        for attempt in 0..80_u32 {
            let full = Duration::from_millis(500 << attempt.min(6)).min(Duration::from_secs(30));
            assert_eq!(backoff.pause(0.0), full / 2, "{attempt}");
            assert!(backoff.pause(0.999_999) <= full, "{attempt}");
            let pause = backoff.next_pause();
            assert!((full / 2..=full).contains(&pause), "{attempt}: {pause:?}");
        }
        backoff.succeeded();
        assert!(backoff.next_pause() <= Duration::from_millis(500));
    }

    #[test]
    fn a_pause_asked_for_is_read_in_seconds_and_bounded() {
        let asked = |value: &'static str| {
            let mut headers = http::HeaderMap::new();
            headers.insert(http::header::RETRY_AFTER, http::HeaderValue::from_static(value));
            retry_after(&headers)
        };
        assert_eq!(asked("7"), Some(Duration::from_secs(7)));
        assert_eq!(asked("999999999"), Some(Duration::from_secs(3600)));
        assert_eq!(asked("Wed, 21 Oct 2015 07:28:00 GMT"), None);
    }
}
