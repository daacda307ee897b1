//! JSON Feed 1.1. A closed feed says `expired`, so that software stops asking. What was retracted is left out: the format
//! has no word for it.

use serde::Serialize;

use super::{
    Item, content,
    item::{Media, MediaKind},
    listing::{Listing, urn},
};
use crate::news::{Moment, feed::FeedStatus};

/// Its name below a feed's page.
pub const FILE: &str = "feed.json";
/// Its media type.
pub const TYPE: &str = "application/feed+json";

#[derive(Serialize)]
struct Feed<'a> {
    version: &'static str,
    title: &'a str,
    home_page_url: String,
    feed_url: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    language: Option<&'a str>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    expired: bool,
    items: Vec<Entry<'a>>,
}

#[derive(Serialize)]
struct Entry<'a> {
    id: String,
    url: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<&'a str>,
    content_html: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    image: Option<&'a str>,
    date_published: Moment,
    date_modified: Moment,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    authors: Vec<Person>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tags: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    language: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    attachments: Vec<Attachment<'a>>,
}

#[derive(Serialize)]
struct Person {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
}

#[derive(Serialize)]
struct Attachment<'a> {
    url: &'a str,
    mime_type: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    duration_in_seconds: Option<f64>,
}

/// The whole document.
///
/// # Panics
/// Never: it is plain data.
#[must_use]
pub fn write(listing: &Listing<'_>) -> String {
    let feed = listing.feed;
    let document = Feed {
        version: "https://jsonfeed.org/version/1.1",
        title: &feed.title,
        home_page_url: listing.addresses.page(feed),
        feed_url: listing.of(FILE),
        description: feed.description.as_deref(),
        language: feed.language.as_deref(),
        expired: feed.status == FeedStatus::Closed,
        items: listing.usable().map(|item| entry(item, listing)).collect(),
    };
    serde_json::to_string(&document).expect("plain data")
}

fn entry<'a>(item: &'a Item, listing: &Listing<'_>) -> Entry<'a> {
    let picture = item.media.iter().find(|media| media.kind == MediaKind::Picture);
    Entry {
        id: urn(item.id),
        url: listing.item(item),
        title: item.headline.as_deref(),
        // The format asks for one, if only an empty one.
        content_html: content::html(item).unwrap_or_default(),
        image: picture.map(|media| media.href.as_str()),
        date_published: item.published,
        date_modified: item.updated,
        authors: item.signed().into_iter().map(|author| Person { name: author.name, url: author.url }).collect(),
        tags: item.labels(),
        language: item.language.as_deref(),
        attachments: item.media.iter().filter_map(attachment).collect(),
    }
}

/// An attachment must say what it is; media of which that is not known stand in the content alone.
fn attachment(media: &Media) -> Option<Attachment<'_>> {
    let title = media.caption.as_deref().or(media.alt.as_deref());
    let mime_type = media.content_type.as_deref()?;
    Some(Attachment { url: &media.href, mime_type, title, duration_in_seconds: media.duration })
}
