//! Times as the pages write them: in the feed's language and zone, with the offset that held on the day, hours from 00 to 23.
//! The widget has the same texts from its browser (`web/widget/dates.js`), and both from the Unicode consortium's data
//! (CLDR); where the two differ is written down in `tests/widget/words.test.mjs`.

use std::fmt::Display;

use icu_calendar::Iso;
use icu_datetime::{
    DateTimeFormatter, DateTimeFormatterPreferences, NoCalendarFormatter,
    fieldsets::{MD, T, YMDE, YMDET, YMDT},
    input::{Date, DateTime, Time},
    options::{Alignment, TimePrecision},
};
use icu_locale_core::{Locale, preferences::extensions::unicode::keywords::HourCycle};
use jiff::{Timestamp, ToSpan as _, ZonedDateTime, tz::TimeZone};

use crate::{
    http::words::{Words, fill},
    news::{Feed, Moment},
};

/// Writes the times of a feed.
#[derive(Debug)]
pub(super) struct Dates {
    zone: TimeZone,
    /// What is written before, or around, a distance from UTC.
    gmt: &'static str,
    day: DateTimeFormatter<YMDE>,
    short: DateTimeFormatter<MD>,
    clock: NoCalendarFormatter<T>,
    full: DateTimeFormatter<YMDT>,
    exact: DateTimeFormatter<YMDET>,
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
    /// In the feed's zone; in UTC where it has none, or one that this build does not know. In English where the feed has no
    /// language, or one of which nothing is known.
    pub(super) fn of(feed: &Feed, words: &'static Words) -> Self {
        let zone = feed.time_zone.as_deref().and_then(|name| TimeZone::get(name).ok()).unwrap_or(TimeZone::UTC);
        let language = feed.language.as_deref().and_then(|tag| tag.parse::<Locale>().ok());
        let known =
            language.and_then(|language| Self::speaking(&language, &zone, words).filter(Self::is_of_a_language));
        known.or_else(|| Self::speaking(&"en".parse().ok()?, &zone, words)).expect("the data of English is compiled in")
    }

    fn speaking(language: &Locale, zone: &TimeZone, words: &'static Words) -> Option<Self> {
        let mut prefs = DateTimeFormatterPreferences::from(language);
        prefs.hour_cycle = Some(HourCycle::H23);
        let full = YMDT::medium().with_time_precision(TimePrecision::Minute);
        let exact = YMDET::long().with_time_precision(TimePrecision::Second);
        Some(Self {
            zone: zone.clone(),
            gmt: &words.gmt,
            day: DateTimeFormatter::try_new(prefs, YMDE::long()).ok()?,
            short: DateTimeFormatter::try_new(prefs, MD::medium()).ok()?,
            clock: NoCalendarFormatter::try_new(prefs, T::hm().with_alignment(Alignment::Column)).ok()?,
            full: DateTimeFormatter::try_new(prefs, full).ok()?,
            exact: DateTimeFormatter::try_new(prefs, exact).ok()?,
        })
    }

    /// Whether there are names of months: what is written in no language has them as `M01`.
    fn is_of_a_language(&self) -> bool {
        !self.short(Moment::from_millis(0)).contains("M01")
    }

    /// `Monday, November 23, 2026`.
    pub(super) fn day(&self, at: Moment) -> String {
        plain(self.day.format(&self.at(at).date))
    }

    /// `Nov 23`.
    pub(super) fn short(&self, at: Moment) -> String {
        plain(self.short.format(&self.at(at).date))
    }

    /// `21:52`.
    pub(super) fn clock(&self, at: Moment) -> String {
        plain(self.clock.format(&self.at(at).time))
    }

    /// `21:52`, `GMT+1`, and `Monday, November 23, 2026 at 21:52:00 GMT+1`.
    pub(super) fn published(&self, at: Moment) -> Published {
        Published { clock: self.clock(at), zone: self.offset(at), exact: self.exact(at) }
    }

    /// `Monday, November 23, 2026 at 21:52:00 GMT+1`.
    pub(super) fn exact(&self, at: Moment) -> String {
        format!("{} {}", plain(self.exact.format(&self.at(at))), self.offset(at))
    }

    /// `Nov 23, 2026, 21:52 GMT+1`.
    pub(super) fn full(&self, at: Moment) -> String {
        format!("{} {}", plain(self.full.format(&self.at(at))), self.offset(at))
    }

    /// `21:52 GMT+1`.
    pub(super) fn time(&self, at: Moment) -> String {
        format!("{} {}", self.clock(at), self.offset(at))
    }

    /// Whether two moments are on one day.
    pub(super) fn same_day(&self, one: Moment, other: Moment) -> bool {
        self.zoned(one).date() == self.zoned(other).date()
    }

    /// When the day ends: what is written of today reads otherwise from then on.
    pub(super) fn tomorrow(&self, now: Moment) -> Moment {
        let next = self.zoned(now).checked_add(1.day()).and_then(|next| next.start_of_day());
        // At the end of the years that can be written no day follows.
        next.map_or(now, |next| Moment::from_millis(next.timestamp().as_millisecond()))
    }

    fn zoned(&self, at: Moment) -> ZonedDateTime {
        let at =
            Timestamp::from_millisecond(at.millis()).expect("a moment is kept within the years that can be written");
        at.to_zoned_datetime(self.zone.clone())
    }

    fn at(&self, at: Moment) -> DateTime<Iso> {
        let at = self.zoned(at);
        let part = |number: i8| u8::try_from(number).expect("no part of a time is below zero");
        let date = Date::try_new_iso(at.year().into(), part(at.month()), part(at.day()));
        let time = Time::try_new(part(at.hour()), part(at.minute()), part(at.second()), 0);
        DateTime { date: date.expect("a day of the calendar"), time: time.expect("a time of the day") }
    }

    /// `GMT`, `GMT+1`, `GMT-3:30`.
    fn offset(&self, at: Moment) -> String {
        let seconds = self.zoned(at).offset().seconds();
        let (sign, rest) = (if seconds < 0 { '-' } else { '+' }, seconds.unsigned_abs());
        fill(
            self.gmt,
            &match (rest / 3_600, rest / 60 % 60, rest % 60) {
                (0, 0, 0) => String::new(),
                (hours, 0, 0) => format!("{sign}{hours}"),
                (hours, minutes, 0) => format!("{sign}{hours}:{minutes:02}"),
                (hours, minutes, seconds) => format!("{sign}{hours}:{minutes:02}:{seconds:02}"),
            },
        )
    }
}

/// Browsers write a space in the place of the narrow one that breaks no line.
fn plain(text: impl Display) -> String {
    text.to_string().replace('\u{202f}', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dates(zone: &str) -> Dates {
        let mut feed = Feed::new("a".parse().expect("an id"), "A");
        feed.time_zone = Some(zone.to_owned());
        Dates::of(&feed, Words::lookup(None))
    }

    /// Of a feed in a language, in UTC.
    fn speaking(language: &str) -> Dates {
        let mut feed = Feed::new("a".parse().expect("an id"), "A");
        feed.language = Some(language.to_owned());
        Dates::of(&feed, Words::lookup(Some(language)))
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
        let british = speaking("en-GB");
        assert_eq!(british.exact(winter), "Monday, 23 November 2026 at 20:52:00 GMT");
        assert_eq!(british.full(moment("2026-09-01T07:00:00Z")), "1 Sept 2026, 07:00 GMT");
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

    #[test]
    fn a_time_is_in_the_language_of_the_feed_with_its_numerals() {
        let at = moment("2026-11-03T07:52:00.000Z");
        for (language, day, short, full) in [
            ("de", "Dienstag, 3. November 2026", "3. Nov.", "03.11.2026, 07:52 GMT"),
            ("fr", "mardi 3 novembre 2026", "3 nov.", "3 nov. 2026, 07:52 UTC"),
            ("ar", "الثلاثاء، 3 نوفمبر 2026", "3 نوفمبر", "03\u{200f}/11\u{200f}/2026، 07:52 غرينتش"),
            ("ar-EG", "الثلاثاء، ٣ نوفمبر ٢٠٢٦", "٣ نوفمبر", "٠٣\u{200f}/١١\u{200f}/٢٠٢٦، ٠٧:٥٢ غرينتش"),
            ("fi", "tiistai 3. marraskuuta 2026", "3.11.", "3.11.2026 klo 7.52 GMT"),
            ("tlh", "Tuesday, November 3, 2026", "Nov 3", "Nov 3, 2026, 07:52 GMT"),
            ("x-none", "Tuesday, November 3, 2026", "Nov 3", "Nov 3, 2026, 07:52 GMT"),
        ] {
            let dates = speaking(language);
            assert_eq!([dates.day(at), dates.short(at), dates.full(at)], [day, short, full], "{language}");
        }
    }
}
