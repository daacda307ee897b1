//! An item as everybody may see it, read back from its public text ([`Record::public`]): what is not in that text can
//! reach no page. Fields that no page shows are passed over.

use serde::Deserialize;
use url::Url;
use uuid::Uuid;

use crate::news::{FeedId, Moment, Pin, Record, Status};

/// A usable item, or the notice of a retracted one.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Item {
    pub(super) id: Uuid,
    pub(super) version: u64,
    pub(super) status: Status,
    pub(super) published: Moment,
    pub(super) updated: Moment,
    pub(super) headline: Option<String>,
    pub(super) body: Option<String>,
    pub(super) byline: Option<String>,
    #[serde(default)]
    pub(super) authors: Vec<Author>,
    pub(super) located: Option<String>,
    pub(super) breaking: Option<Breaking>,
    pub(super) pinned: Option<Pin>,
    #[serde(default)]
    pub(super) key_event: bool,
    #[serde(default)]
    pub(super) summary: bool,
    pub(super) update_of: Option<Uuid>,
    #[serde(default)]
    pub(super) media: Vec<Medium>,
    #[serde(default)]
    pub(super) related: Vec<Related>,
    #[serde(default)]
    pub(super) tags: Vec<String>,
    #[serde(default)]
    pub(super) corrections: Vec<Correction>,
    pub(super) retraction: Option<Retraction>,
    pub(super) language: Option<String>,
    pub(super) dir: Option<String>,
}

/// Until when an item is breaking news.
#[derive(Debug, Deserialize)]
pub(super) struct Breaking {
    pub(super) until: Moment,
}

/// Who wrote an item.
#[derive(Debug, Deserialize)]
pub(super) struct Author {
    pub(super) name: String,
    pub(super) role: Option<String>,
    pub(super) url: Option<String>,
}

/// A picture, video or sound.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Medium {
    pub(super) kind: String,
    pub(super) href: String,
    pub(super) alt: Option<String>,
    pub(super) caption: Option<String>,
    pub(super) credit: Option<String>,
    pub(super) width: Option<u64>,
    pub(super) height: Option<u64>,
    content_type: Option<String>,
}

/// The card of a related story.
#[derive(Debug, Deserialize)]
pub(super) struct Related {
    pub(super) title: String,
    pub(super) url: String,
    pub(super) image: Option<String>,
}

/// What was wrong in an item, and when that was said.
#[derive(Debug, Deserialize)]
pub(super) struct Correction {
    pub(super) kind: String,
    pub(super) note: Option<String>,
    pub(super) at: Moment,
}

/// Why an item was retracted.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Retraction {
    pub(super) reason: String,
    pub(super) at: Moment,
    pub(super) replaced_by: Option<Uuid>,
}

impl Item {
    /// The item of a listed record, and the text that it was read from.
    pub(super) fn of(record: &Record, feed: &FeedId, now: Moment) -> (Self, String) {
        let text = record.public(feed, now);
        (serde_json::from_str(&text).expect("the public text of a listed item is an item"), text)
    }

    /// Whether it can be read, and is not only the notice of its retraction.
    pub(super) fn is_usable(&self) -> bool {
        self.status == Status::Usable
    }

    /// When something of it next ends by itself.
    pub(super) fn next_end(&self) -> Option<Moment> {
        let pin = self.pinned.and_then(|pin| pin.until);
        pin.into_iter().chain(self.breaking.as_ref().map(|breaking| breaking.until)).min()
    }

    /// Whether it says who wrote it.
    pub(super) fn has_author(&self) -> bool {
        self.byline.is_some() || !self.authors.is_empty()
    }

    /// Whether it says who wrote it, or where.
    pub(super) fn is_signed(&self) -> bool {
        self.has_author() || self.located.is_some()
    }

    /// Which way it runs: a text of no known language finds out by itself.
    pub(super) fn dir(&self) -> Option<&str> {
        self.dir.as_deref().or(if self.language.is_none() { Some("auto") } else { None })
    }

    /// Its first picture.
    pub(super) fn picture(&self) -> Option<&Medium> {
        self.media.iter().find(|medium| medium.kind == "picture")
    }
}

impl Medium {
    /// The site that a video or sound is a page of, where it is no file: nothing of that is loaded unasked.
    pub(super) fn elsewhere(&self) -> Option<String> {
        let page = match &self.content_type {
            Some(kind) => kind.starts_with("text/html"),
            None => !is_file(&self.href),
        };
        if self.kind == "picture" || !page {
            return None;
        }
        let url = Url::parse(&self.href).ok()?;
        let host = url.host_str()?;
        Some(url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")))
    }
}

/// Whether an address ends as files do: in a dot and two to four letters, digits or underscores.
fn is_file(href: &str) -> bool {
    let path = href.split(['?', '#']).next().unwrap_or_default();
    let ending = path.rsplit('/').next().and_then(|name| name.rsplit_once('.')).map(|(_, ending)| ending);
    ending.is_some_and(|ending| {
        (2..=4).contains(&ending.len()) && ending.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
    })
}
