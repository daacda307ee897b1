//! The absolute addresses under which the public finds a feed and its items. Formats that are read far from here have
//! no use for relative ones.

use uuid::Uuid;

use crate::news::{Feed, FeedId};

/// All addresses of one server, as the public writes them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Addresses(String);

impl Addresses {
    /// Those below this address: `https://example.org/news`, with or without a slash at its end.
    #[must_use]
    pub fn below(base: &str) -> Self {
        Self(base.trim_end_matches('/').to_owned())
    }

    /// What they begin with, without a slash at its end.
    #[must_use]
    pub fn base(&self) -> &str {
        &self.0
    }

    /// The server's first page.
    #[must_use]
    pub fn front(&self) -> String {
        format!("{}/", self.0)
    }

    /// Where a feed is read: its newsroom's own page ([`Feed::url`]), or else ours.
    #[must_use]
    pub fn page(&self, feed: &Feed) -> String {
        match &feed.url {
            Some(own) => own.split('#').next().unwrap_or_default().to_owned(),
            None => self.of(&feed.id, ""),
        }
    }

    /// Where an item is read: its place on the feed's page. It stays the same for as long as the feed's page does.
    #[must_use]
    pub fn item(&self, feed: &Feed, item: Uuid) -> String {
        format!("{}#item-{item}", self.page(feed))
    }

    /// Where an item is read however many newer ones came: the page of its own, where this server has the feed's page.
    #[must_use]
    pub fn permalink(&self, feed: &Feed, item: Uuid) -> String {
        if feed.url.is_some() { self.item(feed, item) } else { self.of(&feed.id, &format!("/items/{item}")) }
    }

    /// What this server has below a feed's page: `rest` is empty, or begins with a slash.
    #[must_use]
    pub fn of(&self, feed: &FeedId, rest: &str) -> String {
        format!("{}/feeds/{feed}{rest}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_feed_with_a_page_of_its_own_is_read_there() {
        let addresses = Addresses::below("https://example.org/news/");
        let mut feed = Feed::new("storm".parse().expect("an id"), "Storm");
        assert_eq!(
            addresses.item(&feed, Uuid::nil()),
            format!("https://example.org/news/feeds/storm#item-{}", Uuid::nil())
        );
        assert_eq!(
            addresses.permalink(&feed, Uuid::nil()),
            format!("https://example.org/news/feeds/storm/items/{}", Uuid::nil())
        );
        feed.url = Some("https://paper.example/storm?live=1#top".to_owned());
        assert_eq!(addresses.page(&feed), "https://paper.example/storm?live=1");
        assert_eq!(addresses.permalink(&feed, Uuid::nil()), addresses.item(&feed, Uuid::nil()));
        assert_eq!(addresses.of(&feed.id, "/feed.atom"), "https://example.org/news/feeds/storm/feed.atom");
    }
}
