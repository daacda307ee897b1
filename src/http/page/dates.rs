//! Times as the pages write them: in the feed's zone, with the offset that held on the day. The words are English, as are
//! all words of the pages' own: American, or British where the feed is. The widget writes the same texts, in the feed's
//! language whatever it is.

use jiff::{Timestamp, ToSpan as _, ZonedDateTime, tz::TimeZone};

use crate::news::{Feed, Moment};

/// Writes the times of a feed.
#[derive(Clone, Debug)]
pub(super) struct Dates {
    zone: TimeZone,
    order: Order,
}

/// What comes first in a date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    /// `November 23`.
    Month,
    /// `23 November`.
    Day,
}

/// When an item was published.
#[derive(Debug)]
pub(super) struct Published {
    /// Hours and minutes.
    pub(super) clock: String,
    /// The zone's distance from UTC.
    pub(super) zone: String,
    /// To the second.
    pub(super) exact: String,
}

impl Dates {
    /// In the feed's zone; in UTC where it has none, or one that this build does not know.
    pub(super) fn of(feed: &Feed) -> Self {
        let zone = feed.time_zone.as_deref().and_then(|name| TimeZone::get(name).ok());
        let british = feed.language.as_deref().is_some_and(|tag| tag.eq_ignore_ascii_case("en-GB"));
        Self { zone: zone.unwrap_or(TimeZone::UTC), order: if british { Order::Day } else { Order::Month } }
    }

    /// `Monday, November 23, 2026`.
    pub(super) fn day(&self, at: Moment) -> String {
        let day = match self.order {
            Order::Month => "%A, %B %-d, %Y",
            Order::Day => "%A, %-d %B %Y",
        };
        self.at(at).strftime(day).to_string()
    }

    /// `Nov 23`.
    pub(super) fn short(&self, at: Moment) -> String {
        let at = self.at(at);
        match self.order {
            Order::Month => at.strftime("%b %-d").to_string(),
            Order::Day if at.month() == 9 => at.strftime("%-d Sept").to_string(),
            Order::Day => at.strftime("%-d %b").to_string(),
        }
    }

    /// `21:52`.
    pub(super) fn clock(&self, at: Moment) -> String {
        self.at(at).strftime("%H:%M").to_string()
    }

    /// `21:52`, `GMT+1`, and `Monday, November 23, 2026 at 21:52:00 GMT+1`.
    pub(super) fn published(&self, at: Moment) -> Published {
        Published { clock: self.clock(at), zone: offset(&self.at(at)), exact: self.exact(at) }
    }

    /// `Monday, November 23, 2026 at 21:52:00 GMT+1`.
    pub(super) fn exact(&self, at: Moment) -> String {
        let zoned = self.at(at);
        format!("{} at {} {}", self.day(at), zoned.strftime("%H:%M:%S"), offset(&zoned))
    }

    /// `Nov 23, 2026, 21:52 GMT+1`.
    pub(super) fn full(&self, at: Moment) -> String {
        let zoned = self.at(at);
        let comma = if self.order == Order::Month { "," } else { "" };
        format!("{}{comma} {}, {}", self.short(at), zoned.year(), self.time(at))
    }

    /// `21:52 GMT+1`.
    pub(super) fn time(&self, at: Moment) -> String {
        format!("{} {}", self.clock(at), offset(&self.at(at)))
    }

    /// Whether two moments are on one day.
    pub(super) fn same_day(&self, one: Moment, other: Moment) -> bool {
        self.at(one).date() == self.at(other).date()
    }

    /// When the day ends: what is written of today reads otherwise from then on.
    pub(super) fn tomorrow(&self, now: Moment) -> Moment {
        let next = self.at(now).checked_add(1.day()).and_then(|next| next.start_of_day());
        // At the end of the years that can be written no day follows.
        next.map_or(now, |next| Moment::from_millis(next.timestamp().as_millisecond()))
    }

    fn at(&self, at: Moment) -> ZonedDateTime {
        let at =
            Timestamp::from_millisecond(at.millis()).expect("a moment is kept within the years that can be written");
        at.to_zoned_datetime(self.zone.clone())
    }
}

/// `GMT`, `GMT+1`, `GMT-3:30`.
fn offset(at: &ZonedDateTime) -> String {
    let seconds = at.offset().seconds();
    let (sign, rest) = (if seconds < 0 { '-' } else { '+' }, seconds.unsigned_abs());
    match (rest / 3_600, rest / 60 % 60, rest % 60) {
        (0, 0, 0) => "GMT".to_owned(),
        (hours, 0, 0) => format!("GMT{sign}{hours}"),
        (hours, minutes, 0) => format!("GMT{sign}{hours}:{minutes:02}"),
        (hours, minutes, seconds) => format!("GMT{sign}{hours}:{minutes:02}:{seconds:02}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dates(zone: &str) -> Dates {
        let mut feed = Feed::new("a".parse().expect("an id"), "A");
        feed.time_zone = Some(zone.to_owned());
        Dates::of(&feed)
    }

    fn moment(text: &str) -> Moment {
        text.parse().expect("RFC 3339")
    }

    #[test]
    fn a_time_has_the_offset_of_its_own_day() {
        let berlin = dates("Europe/Berlin");
        let winter = moment("2026-11-23T20:52:00.000Z");
        assert_eq!(berlin.exact(winter), "Monday, November 23, 2026 at 21:52:00 GMT+1");
        assert_eq!(berlin.full(winter), "Nov 23, 2026, 21:52 GMT+1");
        assert_eq!(berlin.time(moment("2026-07-01T20:52:00Z")), "22:52 GMT+2");
        let mut feed = Feed::new("a".parse().expect("an id"), "A");
        feed.language = Some("en-GB".to_owned());
        assert_eq!(Dates::of(&feed).exact(winter), "Monday, 23 November 2026 at 20:52:00 GMT");
        assert_eq!(Dates::of(&feed).full(moment("2026-09-01T07:00:00Z")), "1 Sept 2026, 07:00 GMT");
        for (zone, written) in [
            ("Asia/Kolkata", "GMT+5:30"),
            ("America/St_Johns", "GMT-3:30"),
            ("America/New_York", "GMT-5"),
            ("Europe/London", "GMT"),
            ("Mars/Olympus", "GMT"),
        ] {
            assert_eq!(dates(zone).published(winter).zone, written, "{zone}");
        }
    }

    #[test]
    fn a_day_ends_at_midnight_in_its_zone_also_where_the_clocks_change() {
        let berlin = dates("Europe/Berlin");
        for (now, end) in [
            ("2026-11-23T20:52:00.000Z", "2026-11-23T23:00:00.000Z"),
            ("2026-10-24T22:00:00.000Z", "2026-10-25T23:00:00.000Z"),
            ("2026-03-28T23:30:00.000Z", "2026-03-29T22:00:00.000Z"),
        ] {
            assert_eq!(berlin.tomorrow(moment(now)).to_string(), end);
        }
        assert!(berlin.same_day(moment("2026-11-22T23:00:00Z"), moment("2026-11-23T22:59:59Z")));
        assert!(!berlin.same_day(moment("2026-11-22T22:59:59Z"), moment("2026-11-22T23:00:00Z")));
    }
}
