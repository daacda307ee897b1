//! A moment: a point in time to the millisecond, written as RFC 3339 in UTC with three digits (`2026-02-19T19:38:39.000Z`).
//!
//! Whose clock it was read from is the caller's affair: rules that need *now* are given the store's.

use std::{fmt, str::FromStr, time::Duration};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment(i64);

impl Moment {
    /// The moment that many milliseconds after the epoch; outside the years that RFC 3339 can write (0000 to 9999) it
    /// is the nearest that can be written.
    #[must_use]
    pub fn from_millis(millis: i64) -> Self {
        const FIRST: i64 = -62_167_219_200_000;
        const LAST: i64 = 253_402_207_200_000;
        Self(millis.clamp(FIRST, LAST))
    }

    /// What this machine's clock shows.
    #[must_use]
    pub fn of_this_machine() -> Self {
        Self::from_millis(jiff::Timestamp::now().as_millisecond())
    }

    /// Milliseconds since the epoch.
    #[must_use]
    pub fn millis(self) -> i64 {
        self.0
    }

    /// This moment and `later` after it.
    #[must_use]
    pub fn plus(self, later: Duration) -> Self {
        Self::from_millis(self.0.saturating_add(i64::try_from(later.as_millis()).unwrap_or(i64::MAX)))
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at =
            jiff::Timestamp::from_millisecond(self.0).expect("a moment is kept within the years that can be written");
        write!(f, "{at:.3}")
    }
}

impl FromStr for Moment {
    type Err = jiff::Error;

    /// Reads an RFC 3339 time with any offset; what is finer than a millisecond is cut off.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse::<jiff::Timestamp>().map(|at| Self::from_millis(at.as_millisecond()))
    }
}

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        text.parse().map_err(|_| de::Error::custom(format!("{text:?} is not an RFC 3339 time")))
    }
}

#[cfg(test)]
mod tests {
    use super::Moment;

    #[test]
    fn a_moment_is_written_in_utc_with_milliseconds() {
        let moment: Moment = "2021-02-19T21:38:39.1239+02:00".parse().expect("RFC 3339");
        assert_eq!(moment.to_string(), "2021-02-19T19:38:39.123Z");
        assert_eq!(moment.to_string().parse::<Moment>().expect("its own form"), moment);
    }

    #[test]
    fn a_moment_outside_the_writable_years_is_the_nearest_that_can_be_written() {
        for millis in [i64::MIN, i64::MAX] {
            let written = Moment::from_millis(millis).to_string();
            assert_eq!(written.parse::<Moment>().expect("its own form"), Moment::from_millis(millis));
        }
    }
}
