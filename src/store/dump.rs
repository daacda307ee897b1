//! Everything that a store keeps, as rows that any store can load: what `export` writes, a JSON object a line, and
//! `import` reads.
//!
//! Rows of one feed stand together: [`Row::Begin`], its changes, versions, altIds and keys, and last [`Row::Feed`],
//! without which nothing of it is seen. An item is its newest version, so it has no row of its own. Texts, ids, times,
//! marks and numbers are those of the store they came from, so that every position from the floor on still holds.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, value::RawValue};
use uuid::Uuid;

use super::{Hash, StoreError, Token, document, hash};
use crate::news::{Ever, Feed, FeedId, Kind, Mark, Moment, Pin, Position, Record, Status};

/// The version of this form, told in the first line of an export.
pub const FORM: u32 = 1;

/// One row. What serde derives reads no [`Row::Version`] back (a story as raw text cannot stand in a tagged enum): who
/// reads lines looks at `row` first, and reads a [`VersionRow`] then.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "row", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Row {
    /// A token, as its hash.
    Token(Token),
    /// Here begins a feed.
    Begin {
        /// Its id.
        feed: FeedId,
    },
    /// An entry of its log, from the floor on, in order.
    Change {
        /// The feed.
        feed: FeedId,
        /// Its place.
        position: Position,
        /// What happened.
        kind: Kind,
        /// When.
        at: Moment,
        /// The item that it changed, and which version of it that made; none for the feed itself.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        item: Option<(Uuid, u64)>,
    },
    /// A version of an item, an item's in order.
    Version(Box<VersionRow>),
    /// An altId that an item has, or had.
    AltId {
        /// The feed.
        feed: FeedId,
        /// Its hash.
        #[serde(with = "hash")]
        hash: Hash,
        /// The item, which may be kept no more.
        item: Uuid,
    },
    /// An idempotency key that is not forgotten.
    Key {
        /// The feed.
        feed: FeedId,
        /// By what it is known ([`super::Once::name`]).
        #[serde(with = "hash")]
        name: Hash,
        /// Hash of the request that used it.
        #[serde(with = "hash")]
        hash: Hash,
        /// The item it was about.
        item: Uuid,
        /// The item's version after it; 0 where it made no change.
        version: u64,
        /// The change it made, or the head of that time.
        position: Position,
        /// When it is forgotten.
        expires: Moment,
    },
    /// The feed itself: its last row.
    Feed {
        /// Its document, also what a newer version wrote into it.
        #[serde(with = "document")]
        document: Feed,
        /// The newest change.
        head: Position,
        /// The lowest seq that can be resumed from.
        floor: u64,
        /// The seq of the change by which the last cut was told; 0 where there was none.
        cut: u64,
        /// Where the feed's own newest change stands, what and when it was.
        own: (Position, Kind, Moment),
    },
}

/// A version of an item.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VersionRow {
    /// The feed.
    pub feed: FeedId,
    /// The item.
    pub id: Uuid,
    /// Its number.
    pub version: u64,
    /// The mark of the change that made it.
    #[serde(with = "mark")]
    pub mark: Mark,
    /// What that change was.
    pub kind: Kind,
    /// When it was committed.
    pub at: Moment,
    /// The seq of the item's first publication.
    pub born: u64,
    /// The seq of that change.
    pub seq: u64,
    /// The item's status.
    pub status: Status,
    /// When the item was published.
    pub published: Moment,
    /// When it last changed in a way that a reader should notice.
    pub updated: Moment,
    /// Until when it is breaking news.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub breaking_until: Option<Moment>,
    /// Its place at the top.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub pin: Option<Pin>,
    /// What filters could ever have matched.
    pub ever: Ever,
    /// What a newer version compares ([`Record::more`]).
    #[serde(skip_serializing_if = "Map::is_empty", default)]
    pub more: Map<String, Value>,
    /// The name of the token that made it.
    pub who: String,
    /// Which fields differ from the version before.
    pub fields: Vec<String>,
    /// The editorial part, byte for byte.
    pub story: Box<RawValue>,
}

impl VersionRow {
    /// The row of a version.
    ///
    /// # Errors
    /// Its story is no JSON.
    pub fn of(feed: &FeedId, version: super::Version) -> Result<Self, StoreError> {
        let super::Version { record, who, fields } = version;
        let story = RawValue::from_string(record.story)
            .map_err(|error| StoreError::Corrupt(format!("the story of {}: {error}", record.id)))?;
        Ok(Self {
            feed: feed.clone(),
            id: record.id,
            version: record.version,
            mark: record.mark,
            kind: record.kind,
            at: record.at,
            born: record.born,
            seq: record.last_seq,
            status: record.status,
            published: record.published,
            updated: record.updated,
            breaking_until: record.breaking_until,
            pin: record.pin,
            ever: record.ever,
            more: record.more,
            who,
            fields,
            story,
        })
    }

    /// The feed, and the version as it stands there.
    #[must_use]
    pub fn into_version(self) -> (FeedId, super::Version) {
        let record = Record {
            id: self.id,
            version: self.version,
            mark: self.mark,
            kind: self.kind,
            at: self.at,
            born: self.born,
            last_seq: self.seq,
            status: self.status,
            published: self.published,
            updated: self.updated,
            breaking_until: self.breaking_until,
            pin: self.pin,
            ever: self.ever,
            more: self.more,
            story: self.story.get().to_owned(),
        };
        (self.feed, super::Version { record, who: self.who, fields: self.fields })
    }
}

/// A dump under way.
#[async_trait]
pub trait Dump: Send {
    /// The next rows, some hundred at most; none: that was all.
    ///
    /// # Errors
    /// The store is away, or went back in time meanwhile.
    async fn next(&mut self) -> Result<Option<Vec<Row>>, StoreError>;
}

/// A mark as eight hex digits.
mod mark {
    use serde::{Deserialize as _, Deserializer, Serializer, de};

    use crate::news::Mark;

    pub(super) fn serialize<S: Serializer>(mark: &Mark, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(mark)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Mark, D::Error> {
        String::deserialize(from)?.parse().map_err(de::Error::custom)
    }
}
