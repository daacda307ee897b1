//! What a follower reads in a server's message, and what it makes of it. Pure.

use std::time::Duration;

use serde::Deserialize;

use crate::news::{FeedId, Position};

/// One message of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Message {
    /// Its JSON, on one line.
    pub(super) text: String,
    /// What it is.
    pub(super) what: What,
    /// Of which feed it is.
    pub(super) feed: Option<FeedId>,
    /// The position of that feed that a follower keeps once this message, and all before it, are dealt with.
    pub(super) position: Option<Position>,
}

/// What a message is to a follower.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum What {
    /// The stream begins; a heartbeat comes this often.
    Hello(Duration),
    /// A change, a page of a snapshot, or a reset: what is printed, and what a command is run for.
    News,
    /// Told to start from a snapshot, for this reason. It is news, too.
    Reset(String),
    /// The source of the feed is away since then.
    Stale(String),
    /// Still alive, or up to date: it may move the position.
    Pulse,
    /// The server ends the stream.
    Bye {
        /// Why; a stable word.
        reason: String,
        /// How long to stay away.
        pause: Option<Duration>,
    },
    /// A kind of message that a newer server sends; it is passed over.
    Unknown,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    #[serde(rename = "type")]
    kind: String,
    feed: Option<FeedId>,
    position: Option<Position>,
    #[serde(default)]
    done: bool,
    heartbeat: Option<f64>,
    reason: Option<String>,
    since: Option<String>,
    retry_ms: Option<u64>,
}

/// The longest pause that a server's `bye` can ask for.
const LONGEST_PAUSE: u64 = 3_600_000;

impl Message {
    /// Reads a message.
    ///
    /// # Errors
    /// It is not one: not JSON, without a type, or with a position that is none.
    pub(super) fn read(text: &str) -> Result<Self, serde_json::Error> {
        let wire: Wire = serde_json::from_str(text)?;
        let mut position = wire.position;
        let what = match wire.kind.as_str() {
            "hello" => {
                // The position in it is the one this follower came with.
                position = None;
                let seconds = wire.heartbeat.unwrap_or(15.0).clamp(1.0, 600.0);
                What::Hello(Duration::from_secs_f64(seconds))
            }
            "snapshot" => {
                position = position.filter(|_| wire.done);
                What::News
            }
            "reset" => {
                position = None;
                What::Reset(wire.reason.unwrap_or_default())
            }
            "caughtUp" | "heartbeat" => What::Pulse,
            "stale" => {
                position = None;
                What::Stale(wire.since.unwrap_or_default())
            }
            "bye" => {
                position = None;
                let pause = wire.retry_ms.map(|millis| Duration::from_millis(millis.min(LONGEST_PAUSE)));
                What::Bye { reason: wire.reason.unwrap_or_default(), pause }
            }
            kind if kind.starts_with("item.") || kind.starts_with("feed.") => What::News,
            _ => {
                position = None;
                What::Unknown
            }
        };
        Ok(Self { text: on_one_line(text), what, feed: wire.feed, position })
    }

    /// Whether it is printed, and a command is run for it.
    #[must_use]
    pub(super) fn is_news(&self) -> bool {
        matches!(self.what, What::News | What::Reset(_))
    }
}

/// JSON holds line breaks only between its parts, where a space does as well.
fn on_one_line(text: &str) -> String {
    text.replace(['\n', '\r'], " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn position(text: &str) -> Option<String> {
        Message::read(text).expect("a message").position.map(|position| position.to_string())
    }

    #[test]
    fn only_what_the_protocol_says_moves_the_position() {
        let at = Some("7-9f3a2c1b".to_owned());
        for (text, moves) in [
            (r#"{"type":"item.published","position":"7-9f3a2c1b","item":{}}"#, true),
            (r#"{"type":"item.left","position":"7-9f3a2c1b","id":"x"}"#, true),
            (r#"{"type":"feed.updated","position":"7-9f3a2c1b"}"#, true),
            (r#"{"type":"caughtUp","position":"7-9f3a2c1b"}"#, true),
            (r#"{"type":"heartbeat","position":"7-9f3a2c1b"}"#, true),
            (r#"{"type":"snapshot","done":true,"position":"7-9f3a2c1b","items":[]}"#, true),
            (r#"{"type":"snapshot","done":false,"position":"7-9f3a2c1b","items":[]}"#, false),
            (r#"{"type":"hello","position":"7-9f3a2c1b"}"#, false),
            (r#"{"type":"reset","position":"7-9f3a2c1b","reason":"trimmed"}"#, false),
            (r#"{"type":"news.from.the.future","position":"7-9f3a2c1b"}"#, false),
            (r#"{"type":"heartbeat"}"#, false),
        ] {
            assert_eq!(position(text), at.clone().filter(|_| moves), "{text}");
        }
    }

    #[test]
    fn what_is_no_message_is_an_error() {
        for text in ["", "[]", "{}", r#"{"type":"caughtUp","position":"seven"}"#] {
            assert!(Message::read(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_message_over_many_lines_becomes_one_line() {
        let message = Message::read("{\n\"type\":\r\n\"item.removed\", \"id\": \"a\\nb\"}").expect("a message");
        assert_eq!(message.text, "{ \"type\":  \"item.removed\", \"id\": \"a\\nb\"}");
    }

    #[test]
    fn a_bye_says_why_and_for_how_long() {
        let bye = Message::read(r#"{"type":"bye","reason":"draining","retryMs":1500}"#).expect("a message").what;
        assert_eq!(bye, What::Bye { reason: "draining".to_owned(), pause: Some(Duration::from_millis(1500)) });
    }
}
