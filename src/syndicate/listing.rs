//! What a feed for other software is made of, whichever its format.

use std::collections::HashSet;

use uuid::Uuid;

use super::{Addresses, Item, item::Author};
use crate::news::{Feed, Filter, Moment};

/// How many items a feed for other software has.
pub const NEWEST: usize = 50;

/// The newest items of a feed, newest first, usable ones and notices.
#[derive(Clone, Debug)]
pub struct Listing<'a> {
    /// The feed.
    pub feed: &'a Feed,
    /// What the listing is known by for good, where that is not the address that it is fetched from.
    pub own: Option<Uuid>,
    /// Its items.
    pub items: &'a [Item],
    /// Notices of items that are older than those, where the format has a word for them, newest first.
    pub retracted: &'a [Item],
    /// Where both are found.
    pub addresses: &'a Addresses,
    /// What the items were filtered by, as [`query`] writes it; empty: by nothing.
    pub query: &'a str,
}

impl Listing<'_> {
    /// The items that can be read.
    pub(super) fn usable(&self) -> impl Iterator<Item = &Item> {
        self.items.iter().filter(|item| item.is_usable())
    }

    /// Where a file of this feed is fetched from again.
    pub(super) fn of(&self, file: &str) -> String {
        let query = if self.query.is_empty() { String::new() } else { format!("?{}", self.query) };
        self.addresses.of(&self.feed.id, &format!("/{file}{query}"))
    }

    /// What it is known by for good: where it is fetched from, unless that is only what the server happens to be called.
    pub(super) fn id(&self, file: &str) -> String {
        self.own.map_or_else(|| self.of(file), urn)
    }

    /// Where an item is read.
    pub(super) fn item(&self, item: &Item) -> String {
        self.addresses.permalink(self.feed, item.id)
    }

    /// When something in it last changed in a way that a reader should notice. None: there is nothing.
    pub(super) fn updated(&self) -> Option<Moment> {
        let changed = |item: &Item| item.retraction.as_ref().map_or(item.updated, |retraction| retraction.at);
        self.items.iter().chain(self.retracted).map(changed).max()
    }
}

/// A filter as it stands in an address, written in one way only. Empty: it wants everything.
#[must_use]
pub fn query(filter: Option<&Filter>) -> String {
    let Some((urgencies, tags, subjects)) = filter.map(Filter::parts) else { return String::new() };
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    let numbers: Vec<_> = urgencies.iter().map(ToString::to_string).collect();
    query.extend_pairs(numbers.iter().map(|urgency| ("urgency", urgency)));
    query.extend_pairs(tags.iter().map(|tag| ("tag", tag)));
    query.extend_pairs(subjects.iter().map(|subject| ("subject", subject)));
    query.finish()
}

/// An item's id in every format: the same everywhere, wherever its feed moves.
pub(super) fn urn(id: Uuid) -> String {
    format!("urn:uuid:{id}")
}

impl Item {
    /// Who wrote it: its authors, or whom its byline names.
    pub(super) fn signed(&self) -> Vec<Author> {
        if !self.authors.is_empty() {
            return self.authors.clone();
        }
        self.byline.iter().map(|name| Author { name: name.clone(), role: None, url: None }).collect()
    }

    /// Its tags and subjects, each once.
    pub(super) fn labels(&self) -> Vec<&str> {
        let mut known = HashSet::new();
        self.tags.iter().chain(&self.subjects).map(String::as_str).filter(|label| known.insert(*label)).collect()
    }
}
