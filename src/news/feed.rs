//! A feed: what a newsroom names, describes and keeps as one stream of items.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A feed's name in addresses: `[a-z0-9-]{1,64}`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct FeedId(std::sync::Arc<str>);

/// What was given cannot name a feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a feed's id is 1 to 64 characters of a-z, 0-9 and hyphen")]
pub struct NotAFeedId;

impl FeedId {
    /// How long one may be, in characters.
    pub const LONGEST: usize = 64;

    /// The id as it stands in addresses.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for FeedId {
    type Err = NotAFeedId;

    fn from_str(text: &str) -> Result<Self, NotAFeedId> {
        let fits = (1..=Self::LONGEST).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if fits { Ok(Self(text.into())) } else { Err(NotAFeedId) }
    }
}

impl fmt::Display for FeedId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for FeedId {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
    }
}

/// Who may read a feed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Access {
    /// Everybody.
    #[default]
    Public,
    /// Whoever has a token that may read it.
    Token,
}

/// Whether a feed still takes new items.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum FeedStatus {
    /// It does.
    #[default]
    Live,
    /// Its coverage has ended.
    Closed,
}

/// How much of a feed is kept; nothing set keeps everything.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Keep {
    /// How many changes can be resumed over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub changes: Option<u64>,
    /// How many items.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub items: Option<u64>,
    /// For how many days.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub days: Option<u64>,
}

/// A feed's document: what `hello` and `feed.*` changes carry as `feedInfo`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Feed {
    /// Its name in addresses.
    pub id: FeedId,
    /// 1 to 300 characters of plain text.
    pub title: String,
    /// What it covers; plain text.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub description: Option<String>,
    /// BCP 47; items are in this language unless they say otherwise.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub language: Option<String>,
    /// `ltr` or `rtl`; as for language.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub dir: Option<String>,
    /// The newsroom's zone, an IANA name.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub time_zone: Option<String>,
    /// Where the feed's own page is.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub url: Option<String>,
    /// Who may read it.
    #[serde(default)]
    pub access: Access,
    /// Whether it takes new items.
    #[serde(default)]
    pub status: FeedStatus,
    /// How much of it is kept.
    #[serde(default)]
    pub keep: Keep,
    /// What a newer version of this server keeps here. It is carried along by stores that several versions share, and
    /// shown to nobody.
    #[serde(skip)]
    pub more: Map<String, Value>,
}

impl Feed {
    /// A public, live feed that keeps everything.
    #[must_use]
    pub fn new(id: FeedId, title: &str) -> Self {
        Self {
            id,
            title: title.to_owned(),
            description: None,
            language: None,
            dir: None,
            time_zone: None,
            url: None,
            access: Access::Public,
            status: FeedStatus::Live,
            keep: Keep::default(),
            more: Map::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::FeedId;

    #[test]
    fn a_feed_id_is_what_an_address_can_carry() {
        for good in ["news-feed", "a", "0-9", &"x".repeat(64)] {
            assert_eq!(good.parse::<FeedId>().expect("fits").as_str(), good);
        }
        for bad in ["", "News", "a b", "a/b", "ä", &"x".repeat(65)] {
            assert!(bad.parse::<FeedId>().is_err(), "{bad:?}");
        }
    }
}
