//! What a proxy in front changes: the address under which the public knows this server, and who it is that asks.
//!
//! A proxy says for whom it asks in `Forwarded` (RFC 7239) or in `X-Forwarded-For`. Anybody can send these headers, so
//! they count only where the connection comes from a proxy that the operator trusts, and of a chain of addresses only
//! what trusted proxies have added: the client is the last address that is not one of theirs.

use std::{
    net::{IpAddr, SocketAddr},
    str::FromStr,
};

use http::{HeaderMap, HeaderName, Uri, header, uri::PathAndQuery};
use ipnet::IpNet;
use url::Url;

use crate::syndicate::Addresses;

/// The address of who made a request: what a request carries among its extensions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Client(pub IpAddr);

/// Where the public finds this server: `http://` or `https://`, a host, and perhaps the path below which a proxy serves it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicUrl(Url);

impl PublicUrl {
    /// The address, without a slash at its end.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str().trim_end_matches('/')
    }

    /// The path below which everything is: empty, or it begins with a slash and ends without one.
    #[must_use]
    pub fn prefix(&self) -> &str {
        self.0.path().trim_end_matches('/')
    }
}

impl FromStr for PublicUrl {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const WRONG: &str = "a public address looks like https://news.example.org or https://example.org/news";
        let url = Url::parse(text).map_err(|_| WRONG)?;
        let bare = url.query().is_none() && url.fragment().is_none();
        let anonymous = url.username().is_empty() && url.password().is_none();
        if !matches!(url.scheme(), "http" | "https") || !bare || !anonymous || url.path().contains("//") {
            return Err(WRONG);
        }
        Ok(Self(url))
    }
}

/// What stands in front of this server.
#[derive(Clone, Debug, Default)]
pub struct Proxy {
    /// Where the public finds it; none: where it listens.
    pub public: Option<PublicUrl>,
    /// The networks whose word on who asks is taken.
    pub trusted: Vec<IpNet>,
}

impl Proxy {
    /// The path below which the public finds everything.
    #[must_use]
    pub fn prefix(&self) -> &str {
        self.public.as_ref().map_or("", PublicUrl::prefix)
    }

    /// The addresses under which the public finds everything: below the public address, or else below the host that was
    /// asked for. None: there is no public address, and no host of that name can be.
    #[must_use]
    pub fn addresses(&self, headers: &HeaderMap) -> Option<Addresses> {
        if let Some(public) = &self.public {
            return Some(Addresses::below(public.as_str()));
        }
        let asked = headers.get(header::HOST)?.to_str().ok()?;
        // Whatever is not a host and a port alone is no public address either.
        let url: PublicUrl = format!("http://{asked}").parse().ok()?;
        url.prefix().is_empty().then(|| Addresses::below(url.as_str()))
    }

    /// The address without the public path before it, for a proxy that leaves that where it is; none: it has none, or
    /// it is that path itself.
    #[must_use]
    pub fn stripped(&self, uri: &Uri) -> Option<Uri> {
        let prefix = self.prefix();
        let rest = uri.path_and_query()?.as_str().strip_prefix(prefix).filter(|_| !prefix.is_empty())?;
        let rest: PathAndQuery = rest.starts_with('/').then(|| rest.parse().ok())??;
        let mut parts = uri.clone().into_parts();
        parts.path_and_query = Some(rest);
        Uri::from_parts(parts).ok()
    }

    /// Who made a request that came over a connection from this peer.
    #[must_use]
    pub fn client(&self, peer: IpAddr, headers: &HeaderMap) -> Client {
        let mut client = peer.to_canonical();
        if self.trusts(client) {
            // From the last, which the nearest proxy added, to the first, which anybody may have made up.
            for said in forwarded(headers).iter().rev() {
                // A proxy that does not tell (`unknown`, `_hidden`) is itself the last that is known.
                let Some(address) = address(said) else { break };
                client = address.to_canonical();
                if !self.trusts(client) {
                    break;
                }
            }
        }
        Client(client)
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.trusted.iter().any(|network| network.contains(&address))
    }
}

/// The chain of addresses for which proxies asked, first to last. `Forwarded` is the standard, so it beats the other.
fn forwarded(headers: &HeaderMap) -> Vec<&str> {
    let values = |name| headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    if headers.contains_key(header::FORWARDED) {
        let elements = values(header::FORWARDED).flat_map(|list| list.split(','));
        return elements.map(|element| element.split(';').find_map(whom).unwrap_or_default()).collect();
    }
    values(HeaderName::from_static("x-forwarded-for")).flat_map(|list| list.split(',')).map(str::trim).collect()
}

/// What a pair of a `Forwarded` element says of for whom it was made.
fn whom(pair: &str) -> Option<&str> {
    let (name, value) = pair.split_once('=')?;
    name.trim().eq_ignore_ascii_case("for").then(|| value.trim().trim_matches('"'))
}

/// An address as proxies write it: with or without a port, an IPv6 one in brackets.
fn address(said: &str) -> Option<IpAddr> {
    let alone = said.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(said);
    alone.parse().ok().or_else(|| said.parse::<SocketAddr>().ok().map(|socket| socket.ip()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxy(public: &str, trusted: &[&str]) -> Proxy {
        let public = (!public.is_empty()).then(|| public.parse().expect("a public address"));
        Proxy { public, trusted: trusted.iter().map(|network| network.parse().expect("a network")).collect() }
    }

    fn client(trusted: &[&str], peer: &str, headers: &[(&'static str, &str)]) -> String {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().expect("a value"));
        }
        proxy("", trusted).client(peer.parse().expect("an address"), &map).0.to_string()
    }

    #[test]
    fn nobody_is_believed_who_is_not_trusted() {
        let said = [("x-forwarded-for", "192.0.2.1"), ("forwarded", "for=192.0.2.1")];
        assert_eq!(client(&[], "127.0.0.1", &said), "127.0.0.1");
        assert_eq!(client(&["10.0.0.0/8"], "192.0.2.9", &said), "192.0.2.9");
    }

    #[test]
    fn the_client_is_the_last_that_no_trusted_proxy_is() {
        let trusted = ["127.0.0.0/8", "10.0.0.0/8", "::1/128", "2001:db8:1::/48"];
        for (peer, name, value, expected) in [
            ("127.0.0.1", "x-forwarded-for", "192.0.2.1", "192.0.2.1"),
            // What a client made up stands before what the proxies added.
            ("127.0.0.1", "x-forwarded-for", "198.51.100.7, 192.0.2.1, 10.1.2.3", "192.0.2.1"),
            ("127.0.0.1", "x-forwarded-for", "10.9.9.9, 10.1.2.3", "10.9.9.9"),
            ("127.0.0.1", "x-forwarded-for", "192.0.2.1:4711", "192.0.2.1"),
            ("::ffff:127.0.0.1", "x-forwarded-for", "::ffff:192.0.2.1", "192.0.2.1"),
            ("::1", "forwarded", "for=\"[2001:db8::7]:4711\";proto=https;by=10.0.0.1", "2001:db8::7"),
            ("::1", "forwarded", "For=192.0.2.1, for=\"[2001:db8:1::2]\"", "192.0.2.1"),
            ("127.0.0.1", "forwarded", "for=192.0.2.1, for=unknown", "127.0.0.1"),
            ("127.0.0.1", "forwarded", "for=192.0.2.1, proto=https", "127.0.0.1"),
            ("127.0.0.1", "forwarded", "for=_hidden", "127.0.0.1"),
            ("127.0.0.1", "x-forwarded-for", "nonsense", "127.0.0.1"),
        ] {
            assert_eq!(client(&trusted, peer, &[(name, value)]), expected, "{name}: {value}");
        }
        let both = [("x-forwarded-for", "192.0.2.1"), ("forwarded", "for=192.0.2.2")];
        assert_eq!(client(&trusted, "127.0.0.1", &both), "192.0.2.2");
        let lines = [("x-forwarded-for", "192.0.2.1"), ("x-forwarded-for", "10.0.0.2")];
        assert_eq!(client(&trusted, "127.0.0.1", &lines), "192.0.2.1");
    }

    #[test]
    fn the_public_path_is_left_out_where_a_proxy_left_it() {
        let proxy = proxy("https://example.org/live/news/", &[]);
        assert_eq!(proxy.prefix(), "/live/news");
        for (given, stripped) in [
            ("/live/news/v1/feeds?a=/live/news", Some("/v1/feeds?a=/live/news")),
            ("/live/news/", Some("/")),
            ("/live/news", None),
            ("/live/newsroom/v1", None),
            ("/v1/feeds", None),
        ] {
            let found = proxy.stripped(&given.parse().expect("an address"));
            assert_eq!(found.map(|uri| uri.to_string()).as_deref(), stripped, "{given}");
        }
    }

    #[test]
    fn without_a_public_address_the_host_that_was_asked_for_counts() {
        let found = |public: &str, host: &str| {
            let headers = HeaderMap::from_iter([(header::HOST, host.parse().expect("a value"))]);
            let feed = "a".parse().expect("an id");
            proxy(public, &[]).addresses(&headers).map(|addresses| addresses.of(&feed, ""))
        };
        for (host, address) in [
            ("News.Example.org", Some("http://news.example.org/feeds/a")),
            ("127.0.0.1:8787", Some("http://127.0.0.1:8787/feeds/a")),
            ("[::1]:8787", Some("http://[::1]:8787/feeds/a")),
            ("", None),
            ("a/b", None),
            ("a?b", None),
            ("a#b", None),
            ("a@b", None),
            ("a b", None),
            ("a\"><script>", None),
        ] {
            assert_eq!(found("", host).as_deref(), address, "{host}");
            assert_eq!(found("https://a.example/news", host).as_deref(), Some("https://a.example/news/feeds/a"));
        }
    }

    #[test]
    fn a_public_address_is_one_of_a_web_server() {
        for good in ["http://localhost:8787", "https://example.org/news", "https://[::1]/"] {
            assert!(good.parse::<PublicUrl>().is_ok(), "{good}");
        }
        for bad in [
            "example.org",
            "ftp://example.org",
            "https://a:b@example.org",
            "https://a/?b",
            "https://a/#b",
            "https://a//b",
        ] {
            assert!(bad.parse::<PublicUrl>().is_err(), "{bad}");
        }
    }
}
