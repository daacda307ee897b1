//! What a page of a feed shows, read from the store: items as they read now, and the head in the same view.

use crate::{
    http::Doors,
    news::{Cursor, FeedId, Filter, Record},
    store::{FeedState, StoreError},
    syndicate::listing,
};

/// How many items a page has, pinned ones not counted: as many as a new reader of a stream begins with.
const ITEMS: usize = crate::live::snapshot::DEFAULT_SIZE;
/// How many pages of the store are looked through for a filtered page, before it ends early: 20,000 items.
const LOOKS: usize = 10;

/// Which items of a feed are asked for.
#[derive(Clone, Debug, Default)]
pub(super) struct Asked {
    /// Those older than this; none: the newest.
    pub(super) before: Option<Cursor>,
    /// Those that match; none: all.
    pub(super) filter: Option<Filter>,
}

/// What was read.
#[derive(Debug)]
pub(super) struct Read {
    /// The feed, at the first read: a filtered page's later items may be newer than its position.
    pub(super) state: FeedState,
    /// Pinned ones first.
    pub(super) records: Vec<Record>,
    /// Where older ones go on.
    pub(super) before: Option<Cursor>,
}

impl Asked {
    /// Whether it is the feed itself, and no part of it.
    pub(super) fn is_whole(&self) -> bool {
        self.before.is_none() && self.filter.is_none()
    }

    /// The same as the query of an address, in one form only: empty, or it begins with a question mark.
    pub(super) fn query(&self) -> String {
        let before = self.before.map(|before| format!("before={before}"));
        let filter = Some(listing::query(self.filter.as_ref())).filter(|filter| !filter.is_empty());
        let query: Vec<_> = before.into_iter().chain(filter).collect();
        if query.is_empty() { String::new() } else { format!("?{}", query.join("&")) }
    }

    /// The same items further on.
    pub(super) fn from(&self, before: Option<Cursor>) -> Self {
        Self { before, filter: self.filter.clone() }
    }
}

/// The names and values of a filter.
pub(super) fn values(filter: &Filter) -> Vec<(&'static str, String)> {
    let (urgencies, tags, subjects) = filter.parts();
    let urgencies = urgencies.iter().map(|urgency| ("urgency", urgency.to_string()));
    let tags = tags.iter().map(|tag| ("tag", tag.clone()));
    urgencies.chain(tags).chain(subjects.iter().map(|subject| ("subject", subject.clone()))).collect()
}

/// Reads what was asked for. None: there is no such feed.
pub(super) async fn read(doors: &Doors, feed: &FeedId, asked: &Asked) -> Result<Option<Read>, StoreError> {
    let filter = asked.filter.as_ref();
    let Some(first) = doors.store.page(feed, asked.before, ITEMS, filter).await? else { return Ok(None) };
    let listed = |record: &Record| filter.is_none_or(|filter| filter.lists(record));
    let mut records: Vec<_> = first.pinned.into_iter().filter(&listed).collect();
    let mut items: Vec<_> = first.items.into_iter().filter(&listed).collect();
    let (state, mut before) = (first.state, first.before);
    // Where few match, the store stops looking before a page is full.
    for _ in 1..if filter.is_some() { LOOKS } else { 1 } {
        if before.is_none() || items.len() >= ITEMS {
            break;
        }
        let Some(page) = doors.store.page(feed, before, ITEMS - items.len(), filter).await? else { return Ok(None) };
        items.extend(page.items.into_iter().filter(&listed));
        before = page.before;
    }
    records.append(&mut items);
    Ok(Some(Read { state, records, before }))
}
