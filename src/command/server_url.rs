//! The address of a server, as the client commands are given it, and the doors below it.

use std::{fmt, str::FromStr};

use url::Url;

use crate::news::FeedId;

/// Where a server is: `http://` or `https://`, a host, perhaps a port, perhaps a path that a proxy puts before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerUrl(Url);

impl ServerUrl {
    /// The door at which items are published.
    #[must_use]
    pub fn items(&self, feed: &FeedId) -> Url {
        self.door(feed, "items")
    }

    /// The door at which a feed is followed over a WebSocket.
    #[must_use]
    pub fn live(&self, feed: &FeedId) -> Url {
        as_socket(self.door(feed, "live"))
    }

    /// The door at which several feeds are followed over one WebSocket.
    #[must_use]
    pub fn live_together(&self) -> Url {
        as_socket(self.below(&["v1", "live"]))
    }

    /// Where it says how it is: `healthz` or `readyz`.
    #[must_use]
    pub fn health(&self, name: &str) -> Url {
        self.below(&[name])
    }

    fn door(&self, feed: &FeedId, name: &str) -> Url {
        self.below(&["v1", "feeds", feed.as_str(), name])
    }

    fn below(&self, segments: &[&str]) -> Url {
        let mut url = self.0.clone();
        url.path_segments_mut().expect("a http address has a path").pop_if_empty().extend(segments);
        url
    }
}

fn as_socket(mut url: Url) -> Url {
    let scheme = if url.scheme() == "https" { "wss" } else { "ws" };
    url.set_scheme(scheme).expect("http and ws are both special schemes, which may be exchanged");
    url
}

impl FromStr for ServerUrl {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const WRONG: &str = "a server's address looks like http://127.0.0.1:8787 or https://news.example.org";
        let url = Url::parse(text).map_err(|_| WRONG)?;
        if !matches!(url.scheme(), "http" | "https") || url.query().is_some() || url.fragment().is_some() {
            return Err(WRONG);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("a server's address carries no name or password: give a token with --token");
        }
        Ok(Self(url))
    }
}

impl fmt::Display for ServerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str().trim_end_matches('/'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_doors_stand_below_the_server_and_below_what_a_proxy_puts_before_it() {
        let feed: FeedId = "news-feed".parse().expect("a feed id");
        let at = |text: &str| text.parse::<ServerUrl>().expect("an address");
        assert_eq!(at("http://h:8787").items(&feed).as_str(), "http://h:8787/v1/feeds/news-feed/items");
        assert_eq!(at("http://h:8787/").live(&feed).as_str(), "ws://h:8787/v1/feeds/news-feed/live");
        assert_eq!(at("https://h/wire").live_together().as_str(), "wss://h/wire/v1/live");
        assert_eq!(at("https://h/wire/").live(&feed).as_str(), "wss://h/wire/v1/feeds/news-feed/live");
    }

    #[test]
    fn what_is_no_address_of_a_server_is_refused() {
        for bad in ["", "localhost:8787", "ws://h", "http://", "http://h/?a=1", "http://h/#x", "http://me:pw@h"] {
            assert!(bad.parse::<ServerUrl>().is_err(), "{bad:?}");
        }
    }
}
