//! Atom (RFC 4287). What was retracted is a tombstone (RFC 6721, `at:deleted-entry`), so that software which has the entry
//! takes it away and says why. What is withheld or removed is in no form there: of that nothing may be said.

use std::collections::BTreeMap;

use atom_syndication::{
    Category, Content, Entry, Feed, FixedDateTime, Generator, Link, Person, Text, extension::Extension,
};

use super::{
    Item, content,
    item::Media,
    listing::{Listing, urn},
    xml,
};
use crate::news::Moment;

/// Its name below a feed's page.
pub const FILE: &str = "feed.atom";
/// Its media type.
pub const TYPE: &str = "application/atom+xml; charset=utf-8";

/// The namespace of tombstones.
const TOMBSTONES: &str = "http://purl.org/atompub/tombstones/1.0";

/// The whole document.
#[must_use]
pub fn write(listing: &Listing<'_>) -> String {
    let feed = listing.feed;
    let language = feed.language.as_deref();
    let tombstones: Vec<_> = listing.items.iter().chain(listing.retracted).filter_map(tombstone).collect();
    let mut document = Feed {
        title: text(&feed.title, None),
        id: listing.id(FILE),
        // It must be said even of nothing: whatever comes first is newer.
        updated: date(listing.updated().unwrap_or_default()),
        // An entry without an author has the feed's.
        authors: vec![Person { name: feed.title.clone(), ..Person::default() }],
        generator: Some(Generator { value: "newswire".to_owned(), ..Generator::default() }),
        links: vec![
            link("self", &listing.of(FILE), Some("application/atom+xml")),
            link("alternate", &listing.addresses.page(feed), Some("text/html")),
        ],
        subtitle: feed.description.as_deref().map(|description| text(description, None)),
        entries: listing.usable().map(|item| entry(item, listing)).collect(),
        lang: language.map(str::to_owned),
        ..Feed::default()
    };
    if !tombstones.is_empty() {
        document.namespaces.insert("at".to_owned(), TOMBSTONES.to_owned());
        document.extensions.insert("at".to_owned(), BTreeMap::from([("deleted-entry".to_owned(), tombstones)]));
    }
    xml::legal(document.to_string())
}

fn entry(item: &Item, listing: &Listing<'_>) -> Entry {
    let address = listing.item(item);
    let language = item.language.as_deref();
    let signed = item.signed().into_iter();
    Entry {
        title: text(&item.title(), language),
        id: urn(item.id),
        updated: date(item.updated),
        authors: signed.map(|author| Person { name: author.name, uri: author.url, ..Person::default() }).collect(),
        categories: item.labels().into_iter().map(category).collect(),
        links: [link("alternate", &address, Some("text/html"))]
            .into_iter()
            .chain(item.media.iter().map(enclosure))
            .collect(),
        published: Some(date(item.published)),
        rights: item.rights.as_deref().map(|rights| text(rights, language)),
        // An empty one is read as who knows what.
        content: content::html(item).map(|html| Content {
            lang: language.map(str::to_owned),
            value: Some(html),
            content_type: Some("html".to_owned()),
            ..Content::default()
        }),
        ..Entry::default()
    }
}

/// The notice of a retracted item.
fn tombstone(item: &Item) -> Option<Extension> {
    let retraction = item.retraction.as_ref().filter(|_| !item.is_usable())?;
    let comment =
        Extension { name: "at:comment".to_owned(), value: Some(retraction.reason.clone()), ..Extension::default() };
    Some(Extension {
        name: "at:deleted-entry".to_owned(),
        attrs: BTreeMap::from([("ref".to_owned(), urn(item.id)), ("when".to_owned(), retraction.at.to_string())]),
        children: BTreeMap::from([("comment".to_owned(), vec![comment])]),
        ..Extension::default()
    })
}

fn text(value: &str, language: Option<&str>) -> Text {
    Text { lang: language.map(str::to_owned), ..Text::plain(value) }
}

fn category(label: &str) -> Category {
    Category { term: label.to_owned(), ..Category::default() }
}

fn enclosure(media: &Media) -> Link {
    let title = media.caption.clone().or_else(|| media.alt.clone());
    Link { title, ..link("enclosure", &media.href, media.content_type.as_deref()) }
}

fn link(rel: &str, href: &str, kind: Option<&str>) -> Link {
    let (href, rel, mime_type) = (href.to_owned(), rel.to_owned(), kind.map(str::to_owned));
    Link { href, rel, mime_type, ..Link::default() }
}

fn date(moment: Moment) -> FixedDateTime {
    moment.to_string().parse().expect("a moment is written as RFC 3339")
}
