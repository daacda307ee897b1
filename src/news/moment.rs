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

    /// The moment as headers of HTTP have it (RFC 9110, section 5.6.7), to the second.
    #[must_use]
    pub fn http_date(self) -> String {
        let at =
            jiff::Timestamp::from_millisecond(self.0).expect("a moment is kept within the years that can be written");
        let written = jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&at);
        written.expect("those years can be written here, too")
    }

    /// Reads what [`Self::http_date`] writes, in whatever form of RFC 2822; none: it is no such date.
    #[must_use]
    pub fn of_http_date(text: &str) -> Option<Self> {
        let at = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?;
        Some(Self::from_millis(at.as_millisecond()))
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
    fn a_date_of_http_is_read_back_to_the_second() {
        let moment: Moment = "1931-02-09T19:38:39.123Z".parse().expect("RFC 3339");
        assert_eq!(moment.http_date(), "Mon, 09 Feb 1931 19:38:39 GMT");
        assert_eq!(Moment::of_http_date(&moment.http_date()), "1931-02-09T19:38:39Z".parse().ok());
        assert_eq!(Moment::of_http_date("1931-02-09"), None);
    }

    #[test]
    fn a_moment_outside_the_writable_years_is_the_nearest_that_can_be_written() {
        for millis in [i64::MIN, i64::MAX] {
            let written = Moment::from_millis(millis).to_string();
            assert_eq!(written.parse::<Moment>().expect("its own form"), Moment::from_millis(millis));
        }
    }
}
