//! An item as it is stored: what the store sets and compares, and one opaque text.
//!
//! The editorial part ([`Record::story`]) is the text of a JSON object which no store parses, so that fields a newer
//! version of this server writes survive an older one. What a reader may see of a record is decided in one place,
//! [`Record::public`].

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::{FeedId, Kind, Mark, Moment};

/// Where an item stands in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Status {
    /// Public.
    Usable,
    /// Held back; it may return.
    Withheld,
    /// Retracted: a public notice stays.
    Canceled,
    /// Removed for good: only the id stays.
    Removed,
}

impl Status {
    /// Every status, with its name on the wire (IPTC ninjs `pubStatus`; `removed` is ours).
    pub const ALL: [(Self, &'static str); 4] = [
        (Self::Usable, "usable"),
        (Self::Withheld, "withheld"),
        (Self::Canceled, "canceled"),
        (Self::Removed, "removed"),
    ];

    /// The name on the wire.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(status, _)| *status == self).expect("every status has its name").1
    }

    /// Whether snapshots and pages list the item.
    #[must_use]
    pub fn listed(self) -> bool {
        matches!(self, Self::Usable | Self::Canceled)
    }
}

/// A place at the top of the feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pin {
    /// 1 (topmost) to 3.
    pub position: u8,
    /// When it ends by itself; none: when it is unpinned.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub until: Option<Moment>,
}

impl Pin {
    /// Whether the pin still holds.
    #[must_use]
    pub fn holds(&self, now: Moment) -> bool {
        self.until.is_none_or(|until| now < until)
    }
}

/// What of an item ends by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum TimedEnd {
    /// Its being breaking news.
    Breaking,
    /// Its pin.
    Pin,
}

/// Everything that filters could ever have matched in an item while it was public. It only grows, until the item is
/// removed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ever {
    /// Tags.
    pub tags: Vec<String>,
    /// Subjects.
    pub subjects: Vec<String>,
    /// Urgencies.
    pub urgencies: Vec<u8>,
    /// What a newer version of this server keeps here.
    #[serde(flatten)]
    pub more: Map<String, Value>,
}

/// An item as the store keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// UUIDv7; never reused.
    pub id: Uuid,
    /// From 1, one more at each change.
    pub version: u64,
    /// The mark of the newest change; with the version it makes the ETag.
    pub mark: Mark,
    /// What the newest change was.
    pub kind: Kind,
    /// When the newest change was committed.
    pub at: Moment,
    /// The seq of its first publication. Set by the store.
    pub born: u64,
    /// The seq of its newest change. Set by the store.
    pub last_seq: u64,
    /// Where it stands in its life.
    pub status: Status,
    /// When it was published; never changes.
    pub published: Moment,
    /// When it last changed in a way that a reader should notice; never before `published`.
    pub updated: Moment,
    /// Until when it is breaking news.
    pub breaking_until: Option<Moment>,
    /// Its place at the top.
    pub pin: Option<Pin>,
    /// What filters could ever have matched.
    pub ever: Ever,
    /// What a newer version of this server compares. It is carried along, and shown to nobody.
    pub more: Map<String, Value>,
    /// The editorial part: the text of one JSON object.
    pub story: String,
}

/// What a text starts as once an item's own is gone.
pub const NO_STORY: &str = "{}";

impl Record {
    /// The ETag of the record as it now reads, with its quotes: `"VERSION-MARK"`.
    #[must_use]
    pub fn etag(&self) -> String {
        format!("\"{}-{}\"", self.version, self.mark)
    }

    /// What its newest change is to everybody: whatever is edited in an item that is held back, it is still that.
    #[must_use]
    pub fn public_kind(&self) -> Kind {
        match self.status {
            Status::Withheld => Kind::ItemWithheld,
            Status::Removed => Kind::ItemRemoved,
            Status::Usable | Status::Canceled => self.kind,
        }
    }

    /// The item as everybody may see it, as the text of a JSON object: all of a usable one, the notice of a retracted
    /// one, id and status of a withheld one, the id alone of a removed one. What has ended by `now` (breaking, a pin)
    /// is left out.
    #[must_use]
    pub fn public(&self, feed: &FeedId, now: Moment) -> String {
        match self.status {
            Status::Usable => self.full(feed, now),
            Status::Canceled => {
                let retraction = self.story_field("retraction").unwrap_or_else(|| "null".to_owned());
                format!("{},\"retraction\":{retraction}}}", self.head(feed))
            }
            Status::Withheld => format!("{{\"id\":\"{}\",\"status\":\"withheld\"}}", self.id),
            Status::Removed => format!("{{\"id\":\"{}\",\"status\":\"removed\"}}", self.id),
        }
    }

    /// The item as its editors see it, whatever its status: everything that is still kept.
    #[must_use]
    pub fn full(&self, feed: &FeedId, now: Moment) -> String {
        let mut text = self.head(feed);
        if let Some(until) = self.breaking_until.filter(|until| now < *until) {
            text.push_str(&format!(",\"breaking\":{{\"until\":\"{until}\"}}"));
        }
        if let Some(pin) = self.pin.filter(|pin| pin.holds(now)) {
            let pin = serde_json::to_string(&pin).expect("a pin is plain data");
            text.push_str(&format!(",\"pinned\":{pin}"));
        }
        // The story is a JSON object: without its opening brace it continues this one.
        match self.story.strip_prefix('{') {
            Some("}") | None => text.push('}'),
            Some(rest) => {
                text.push(',');
                text.push_str(rest);
            }
        }
        text
    }

    /// The opening of the object, without its closing brace: what is public of every item that is listed.
    fn head(&self, feed: &FeedId) -> String {
        format!(
            "{{\"id\":\"{}\",\"feed\":\"{feed}\",\"version\":{},\"status\":\"{}\",\"published\":\"{}\",\"updated\":\"{}\"",
            self.id,
            self.version,
            self.status.name(),
            self.published,
            self.updated,
        )
    }

    /// The JSON text of one field of the story.
    fn story_field(&self, name: &str) -> Option<String> {
        let story: Map<String, Value> = serde_json::from_str(&self.story).ok()?;
        story.get(name).map(ToString::to_string)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(status: Status) -> Record {
        Record {
            id: "0190a0c8-0000-7000-8000-000000000001".parse().expect("a UUID"),
            version: 3,
            mark: Mark(0x9f3a_2c1b),
            kind: Kind::ItemUpdated,
            at: Moment::from_millis(2_000),
            born: 2,
            last_seq: 9,
            status,
            published: Moment::from_millis(1_000),
            updated: Moment::from_millis(2_000),
            breaking_until: Some(Moment::from_millis(5_000)),
            pin: Some(Pin { position: 1, until: Some(Moment::from_millis(6_000)) }),
            ever: Ever::default(),
            more: Map::new(),
            story: r#"{"headline":"Secret","retraction":{"reason":"wrong"}}"#.to_owned(),
        }
    }

    fn seen(record: &Record, now: i64) -> serde_json::Value {
        let feed = "news-feed".parse().expect("a feed id");
        serde_json::from_str(&record.public(&feed, Moment::from_millis(now))).expect("valid JSON")
    }

    #[test]
    fn what_has_ended_is_left_out_when_read() {
        let usable = record(Status::Usable);
        let early = seen(&usable, 4_999);
        assert_eq!(early["breaking"]["until"], "1970-01-01T00:00:05.000Z");
        assert_eq!(early["pinned"]["position"], 1);
        let late = seen(&usable, 6_000);
        assert_eq!((late.get("breaking"), late.get("pinned")), (None, None));
        assert_eq!(late["headline"], "Secret");
    }

    #[test]
    fn the_text_of_an_item_that_is_not_usable_is_not_public() {
        for status in [Status::Withheld, Status::Canceled, Status::Removed] {
            let public = seen(&record(status), 0);
            assert_eq!(public["status"], status.name());
            assert!(!public.to_string().contains("Secret"), "{public}");
        }
        assert_eq!(seen(&record(Status::Canceled), 0)["retraction"]["reason"], "wrong");
    }
}
