//! RSS 2.0, with what others have added and readers know: the whole content (`content:encoded`), names (`dc:creator`),
//! languages and rights of items, and Media RSS. What was retracted is left out: the format has no word for it.

use std::collections::BTreeMap;

use rss::{
    Category, Channel, Enclosure, Guid,
    extension::{Extension, ExtensionMap, dublincore::DublinCoreExtension},
};

use super::{
    Item, content,
    item::{Media, MediaKind},
    listing::{Listing, urn},
    xml,
};
use crate::news::Moment;

/// Its name below a feed's page.
pub const FILE: &str = "feed.rss";
/// Its media type.
pub const TYPE: &str = "application/rss+xml; charset=utf-8";

/// The namespace of Atom, whose link says where a feed is fetched from again.
const ATOM: &str = "http://www.w3.org/2005/Atom";
/// The namespace of Media RSS.
const MEDIA: &str = "http://search.yahoo.com/mrss/";

/// The whole document.
#[must_use]
pub fn write(listing: &Listing<'_>) -> String {
    let feed = listing.feed;
    let items: Vec<_> = listing.usable().map(|item| entry(item, listing)).collect();
    let mut namespaces = BTreeMap::from([("atom".to_owned(), ATOM.to_owned())]);
    if items.iter().any(|item| !item.extensions.is_empty()) {
        namespaces.insert("media".to_owned(), MEDIA.to_owned());
    }
    let channel = Channel {
        title: feed.title.clone(),
        link: listing.addresses.page(feed),
        description: feed.description.clone().unwrap_or_else(|| feed.title.clone()),
        language: feed.language.clone(),
        last_build_date: listing.updated().map(Moment::http_date),
        generator: Some("newswire".to_owned()),
        extensions: extensions("atom", "link", vec![own(listing)]),
        namespaces,
        items,
        ..Channel::default()
    };
    xml::legal(channel.to_string())
}

/// Where it is fetched from again.
fn own(listing: &Listing<'_>) -> Extension {
    let attributes =
        [("href", listing.of(FILE)), ("rel", "self".to_owned()), ("type", "application/rss+xml".to_owned())];
    Extension {
        name: "atom:link".to_owned(),
        attrs: attributes.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
        ..Extension::default()
    }
}

fn extensions(space: &str, name: &str, all: Vec<Extension>) -> ExtensionMap {
    ExtensionMap::from([(space.to_owned(), BTreeMap::from([(name.to_owned(), all)]))])
}

fn entry(item: &Item, listing: &Listing<'_>) -> rss::Item {
    rss::Item {
        title: Some(item.title()),
        link: Some(listing.item(item)),
        categories: item.labels().into_iter().map(category).collect(),
        enclosure: item.media.iter().find_map(enclosure),
        guid: Some(Guid { value: urn(item.id), permalink: false }),
        pub_date: Some(item.published.http_date()),
        content: content::html(item),
        extensions: media(item),
        dublin_core_ext: Some(DublinCoreExtension {
            creators: item.signed().into_iter().map(|author| author.name).collect(),
            languages: item.language.clone().into_iter().collect(),
            rights: item.rights.clone().into_iter().collect(),
            ..DublinCoreExtension::default()
        }),
        ..rss::Item::default()
    }
}

fn category(label: &str) -> Category {
    Category { name: label.to_owned(), domain: None }
}

/// RSS has room for one, and wants its type and its length. The length is not known here, for which 0 is the custom.
fn enclosure(media: &Media) -> Option<Enclosure> {
    let mime_type = media.content_type.clone()?;
    Some(Enclosure { url: media.href.clone(), length: "0".to_owned(), mime_type })
}

/// All of an item's media, as `media:content`.
fn media(item: &Item) -> ExtensionMap {
    if item.media.is_empty() {
        return ExtensionMap::new();
    }
    extensions("media", "content", item.media.iter().map(one).collect())
}

fn one(media: &Media) -> Extension {
    let medium = match media.kind {
        MediaKind::Picture => "image",
        MediaKind::Video => "video",
        MediaKind::Audio => "audio",
    };
    let attributes = [
        ("url", Some(media.href.clone())),
        ("medium", Some(medium.to_owned())),
        ("type", media.content_type.clone()),
        ("width", media.width.map(|pixels| pixels.to_string())),
        ("height", media.height.map(|pixels| pixels.to_string())),
        ("duration", media.duration.map(|seconds| format!("{seconds:.0}"))),
    ];
    let words = [("description", &media.caption), ("title", &media.alt), ("credit", &media.credit)];
    let said = words.into_iter().filter_map(|(name, text)| Some((name.to_owned(), vec![word(name, text.as_ref()?)])));
    Extension {
        name: "media:content".to_owned(),
        attrs: attributes.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect(),
        children: said.collect(),
        ..Extension::default()
    }
}

fn word(name: &str, text: &str) -> Extension {
    Extension { name: format!("media:{name}"), value: Some(text.to_owned()), ..Extension::default() }
}
