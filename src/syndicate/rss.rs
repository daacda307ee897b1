//! RSS 2.0, with what others have added and readers know: the whole content (`content:encoded`), names (`dc:creator`),
//! languages and rights of items, and Media RSS. What was retracted is left out: the format has no word for it.

use std::collections::BTreeMap;

use atom_syndication::Link;
use rss::{
    Category, Channel, Enclosure, Guid,
    extension::{Extension, ExtensionMap, atom::AtomExtension, dublincore::DublinCoreExtension},
};

use super::{
    Item, content,
    item::{Media, MediaKind},
    listing::{Listing, urn},
    xml,
};

/// Its name below a feed's page.
pub const FILE: &str = "feed.rss";
/// Its media type.
pub const TYPE: &str = "application/rss+xml; charset=utf-8";

/// The namespace of Media RSS.
const MEDIA: &str = "http://search.yahoo.com/mrss/";

/// The whole document.
#[must_use]
pub fn write(listing: &Listing<'_>) -> String {
    let feed = listing.feed;
    let own = Link {
        href: listing.of(FILE),
        rel: "self".to_owned(),
        mime_type: Some("application/rss+xml".to_owned()),
        ..Link::default()
    };
    let items: Vec<_> = listing.usable().map(|item| entry(item, listing)).collect();
    let shown = items.iter().any(|item| !item.extensions.is_empty());
    let channel = Channel {
        title: feed.title.clone(),
        link: listing.addresses.page(feed),
        description: feed.description.clone().unwrap_or_else(|| feed.title.clone()),
        language: feed.language.clone(),
        last_build_date: Some(listing.updated().http_date()),
        generator: Some("newswire".to_owned()),
        atom_ext: Some(AtomExtension { links: vec![own] }),
        namespaces: shown.then(|| ("media".to_owned(), MEDIA.to_owned())).into_iter().collect(),
        items,
        ..Channel::default()
    };
    xml::legal(channel.to_string())
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
    let contents = item.media.iter().map(one).collect();
    ExtensionMap::from([("media".to_owned(), BTreeMap::from([("content".to_owned(), contents)]))])
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
