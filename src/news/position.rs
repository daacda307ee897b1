//! A position: the cursor that every reader of a feed keeps.
//!
//! Written `SEQ-MARK`, e.g. `1207-9f3a2c1b`. The seq counts the feed's changes; the mark is 32 random bits stamped on
//! that change when it was committed. A position therefore names one change and not just a number: where a store was
//! flushed, restored or failed over, the number may exist again, but its mark differs. Positions are compared with the
//! store's own, never with each other's order alone.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use uuid::Uuid;

use super::Moment;

/// 32 random bits that tell one change from another of the same number; eight lower-case hex digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Mark(pub u32);

impl Mark {
    /// A mark from the system's random source.
    ///
    /// # Panics
    /// When the operating system has no random numbers to give.
    #[must_use]
    pub fn random() -> Self {
        Self(getrandom::u32().expect("the operating system gives random numbers"))
    }
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", self.0)
    }
}

impl FromStr for Mark {
    type Err = NotAPosition;

    fn from_str(text: &str) -> Result<Self, NotAPosition> {
        let written = text.len() == 8 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        if !written {
            return Err(NotAPosition);
        }
        u32::from_str_radix(text, 16).map(Self).map_err(|_| NotAPosition)
    }
}

/// One change of a feed, by number (from 1) and mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Position {
    /// The change's number in its feed, from 1.
    pub seq: u64,
    /// The mark that was stamped on it.
    pub mark: Mark,
}

/// What was given is not written as a position is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a position: a position is written SEQ-MARK, for example 1207-9f3a2c1b")]
pub struct NotAPosition;

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.seq, self.mark)
    }
}

impl FromStr for Position {
    type Err = NotAPosition;

    fn from_str(text: &str) -> Result<Self, NotAPosition> {
        let (seq, mark) = text.split_once('-').ok_or(NotAPosition)?;
        Ok(Self { seq: number(seq)?, mark: mark.parse()? })
    }
}

/// A positive decimal number without sign or leading zero, as this server writes it.
fn number(text: &str) -> Result<u64, NotAPosition> {
    let plain = text.bytes().all(|b| b.is_ascii_digit()) && !text.starts_with('0');
    // Redis keeps numbers in scripts as doubles, so beyond 2^53 they would no longer be exact. No feed gets there.
    match text.parse::<u64>() {
        Ok(seq) if plain && seq < 1 << 53 => Ok(seq),
        _ => Err(NotAPosition),
    }
}

impl Serialize for Position {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Position {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(de::Error::custom)
    }
}

/// Where a reader wants to go on from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum After {
    /// Before the first change (written `0`).
    First,
    /// After this change.
    Position(Position),
}

impl FromStr for After {
    type Err = NotAPosition;

    fn from_str(text: &str) -> Result<Self, NotAPosition> {
        if text == "0" { Ok(Self::First) } else { text.parse().map(Self::Position) }
    }
}

/// Where a page of items goes on: strictly older than this (published, id). Written `MILLIS_ID`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cursor {
    /// When the last item of the page before was published.
    pub published: Moment,
    /// Its id: two items may share a time, never an id.
    pub id: Uuid,
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}_{}", self.published.millis(), self.id)
    }
}

impl FromStr for Cursor {
    type Err = NotACursor;

    fn from_str(text: &str) -> Result<Self, NotACursor> {
        let (millis, id) = text.split_once('_').ok_or(NotACursor)?;
        let published = Moment::from_millis(millis.parse().map_err(|_| NotACursor)?);
        Ok(Self { published, id: id.parse().map_err(|_| NotACursor)? })
    }
}

/// What was given is no page cursor of this server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a page cursor: give `before` as an earlier page returned it")]
pub struct NotACursor;

impl Serialize for Cursor {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_reads_back_as_it_was_written() {
        let position = Position { seq: 1207, mark: Mark(0x9f3a_2c1b) };
        assert_eq!(position.to_string(), "1207-9f3a2c1b");
        assert_eq!("1207-9f3a2c1b".parse(), Ok(position));
        assert_eq!("0".parse(), Ok(After::First));
    }

    #[test]
    fn only_the_one_written_form_is_a_position() {
        for text in [
            "",
            "0",
            "7",
            "-",
            "7-",
            "-9f3a2c1b",
            "07-9f3a2c1b",
            "+7-9f3a2c1b",
            "0-9f3a2c1b",
            "7-9F3A2C1B",
            "7-9f3a2c1",
            "7-9f3a2c1b0",
            "7-+f3a2c1b",
            " 7-9f3a2c1b",
            "9007199254740992-9f3a2c1b",
            "99999999999999999999-9f3a2c1b",
        ] {
            assert_eq!(text.parse::<Position>(), Err(NotAPosition), "{text:?}");
        }
    }

    #[test]
    fn a_page_cursor_reads_back_as_it_was_written() {
        let cursor = Cursor { published: Moment::from_millis(1_613_761_119_000), id: Uuid::now_v7() };
        assert_eq!(cursor.to_string().parse(), Ok(cursor));
        assert_eq!("yesterday".parse::<Cursor>(), Err(NotACursor));
    }
}
