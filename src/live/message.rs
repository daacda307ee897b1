//! The messages of a stream, as JSON text. PROTOCOL.md says what each means to a client.

use std::fmt::Write as _;

use serde_json::json;

use super::{Goodbye, wire::Wire};
use crate::news::{Change, Cursor, FeedId, Moment, Position, What};
use crate::store::{FeedState, Lost};

/// The version of this protocol, told in `hello`.
pub const PROTOCOL: u32 = 1;

/// How often a reader hears from the server at least, in seconds; told in `hello`.
pub const HEARTBEAT_SECS: u64 = 15;

/// A message and the position that a client may keep once it has it.
#[derive(Clone, Debug)]
pub struct Message {
    json: String,
    moves_to: Option<Position>,
}

impl Message {
    /// The message on a wire, for one reader alone; [`super::wire::Encodings`] are for many.
    #[must_use]
    pub fn on(&self, wire: Wire) -> bytes::Bytes {
        wire.encode(&self.json, self.moves_to)
    }

    /// Its JSON text.
    #[must_use]
    pub fn json(&self) -> &str {
        &self.json
    }

    /// A message of any text.
    #[cfg(test)]
    pub(super) fn of(json: String, moves_to: Option<Position>) -> Self {
        Self { json, moves_to }
    }

    fn still(message: &serde_json::Value) -> Self {
        Self { json: message.to_string(), moves_to: None }
    }

    /// A change with the thing it changed as that now reads to the public.
    #[must_use]
    pub fn change(feed: &FeedId, change: &Change, now: Moment) -> Self {
        let Change { position, at, born, what, .. } = change;
        let kind = match &**what {
            What::Item(record) => record.public_kind(),
            What::Feed(_) => change.kind,
        };
        let mut json = format!(
            "{{\"type\":\"{kind}\",\"feed\":\"{feed}\",\"position\":\"{position}\",\"born\":{born},\"at\":\"{at}\""
        );
        let written = match &**what {
            What::Item(record) => write!(json, ",\"item\":{}}}", record.public(feed, now)),
            What::Feed(info) => write!(json, ",\"feedInfo\":{}}}", info_text(info)),
        };
        written.expect("a String takes what is written to it");
        Self { json, moves_to: Some(*position) }
    }

    /// A change of an item that a reader was shown and that no longer matches what it wants.
    #[must_use]
    pub fn left(feed: &FeedId, change: &Change) -> Self {
        let Change { position, at, born, .. } = change;
        let json = json!({
            "type": "item.left", "feed": feed, "position": position, "born": born, "at": at,
            "item": {"id": change.item()},
        });
        Self { json: json.to_string(), moves_to: Some(*position) }
    }

    /// The first message of every stream. `resumes` is the position that the reader came with and goes on from.
    #[must_use]
    pub fn hello(state: &FeedState, resumes: Option<Position>) -> Self {
        let mut hello = json!({
            "type": "hello",
            "feed": state.feed.id,
            "headSeq": state.head.seq,
            "floorSeq": state.floor,
            "feedInfo": state.feed,
            "heartbeat": HEARTBEAT_SECS,
            "protocol": PROTOCOL,
        });
        if let Some(position) = resumes {
            hello["position"] = json!(position);
        }
        Self::still(&hello)
    }

    /// A page of a snapshot; `end` is there on the last page only, and what a client may keep comes with it.
    #[must_use]
    pub fn snapshot(feed: &FeedId, items: &[String], end: Option<(Position, Option<Cursor>)>) -> Self {
        let mut json = format!("{{\"type\":\"snapshot\",\"feed\":\"{feed}\",\"items\":[{}]", items.join(","));
        match end {
            None => json.push_str(",\"done\":false}"),
            Some((position, before)) => {
                json.push_str(",\"done\":true");
                if let Some(before) = before {
                    json.push_str(&format!(",\"before\":\"{before}\""));
                }
                json.push_str(&format!(",\"position\":\"{position}\"}}"));
            }
        }
        Self { json, moves_to: end.map(|(position, _)| position) }
    }

    /// The reader has everything there is. Of the log entries since it came, `changes` were sent and `folded` were
    /// not, because a newer form of the same item was.
    #[must_use]
    pub fn caught_up(feed: &FeedId, position: Position, changes: u64, folded: u64) -> Self {
        let json = json!({
            "type": "caughtUp", "feed": feed, "position": position, "changes": changes, "folded": folded,
        });
        Self { json: json.to_string(), moves_to: Some(position) }
    }

    /// The stream is alive; `position` only for a reader that has everything.
    #[must_use]
    pub fn heartbeat(feed: &FeedId, position: Option<Position>, checked: Moment) -> Self {
        let mut json = json!({"type": "heartbeat", "feed": feed, "checked": checked});
        if let Some(position) = position {
            json["position"] = json!(position);
        }
        Self { json: json.to_string(), moves_to: position }
    }

    /// The server has lost touch with its store: what is shown may be out of date.
    #[must_use]
    pub fn stale(feed: &FeedId, since: Moment) -> Self {
        Self::still(&json!({"type": "stale", "feed": feed, "since": since}))
    }

    /// The position is no good (any more): forget the items; a snapshot follows, or `bye` where there is no feed.
    #[must_use]
    pub fn reset(feed: &FeedId, reason: Reset) -> Self {
        Self::still(&json!({"type": "reset", "feed": feed, "reason": reason.name()}))
    }

    /// The last message before an ending that is the server's.
    #[must_use]
    pub fn bye(feed: &FeedId, why: Goodbye, retry: std::time::Duration) -> Self {
        let retry = u64::try_from(retry.as_millis()).expect("pauses are short");
        Self::still(&json!({"type": "bye", "feed": feed, "reason": why.name(), "retryMs": retry}))
    }
}

fn info_text(info: &crate::news::Feed) -> String {
    serde_json::to_string(info).expect("a feed's document is plain data")
}

/// Why a reader must start from a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reset {
    /// Its position is below the floor: what came after it is no longer kept.
    Trimmed,
    /// The store no longer has the change that its position names.
    StoreChanged,
    /// What it gave is not a position.
    Unknown,
    /// There is no such feed.
    Gone,
}

impl Reset {
    /// Every reason.
    pub const ALL: [Self; 4] = [Self::Trimmed, Self::StoreChanged, Self::Unknown, Self::Gone];

    /// The name on the wire.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Trimmed => "trimmed",
            Self::StoreChanged => "storeChanged",
            Self::Unknown => "unknown",
            Self::Gone => "gone",
        }
    }
}

impl From<Lost> for Reset {
    fn from(lost: Lost) -> Self {
        match lost {
            Lost::Trimmed => Self::Trimmed,
            Lost::Changed => Self::StoreChanged,
            Lost::Gone => Self::Gone,
        }
    }
}
