//! What a proxy in front changes: the address under which the public knows this server, and who it is that asks.
//!
//! A proxy says for whom it asks, and what for, in `Forwarded` (RFC 7239) or in `X-Forwarded-For`, `-Proto` and `-Host`.
//! Anybody can send these headers, so they count only where the connection comes from a proxy that the operator trusts,
//! and of a chain of addresses only what trusted proxies have added: the client is the last address that is not one of
//! theirs. [`Proxy::admit`] stands before every door, and behind it no header says what is not to be believed.

use std::{
    convert::Infallible,
    net::{IpAddr, Ipv6Addr, SocketAddr},
    str::FromStr,
};

use axum::extract::FromRequestParts;
use http::{Extensions, HeaderMap, HeaderName, HeaderValue, Uri, header, request::Parts, uri::PathAndQuery};
use ipnet::IpNet;
use url::Url;

use crate::syndicate::Addresses;

/// The address of who made a request: what a request carries among its extensions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Client(pub IpAddr);

impl Client {
    /// Who made the request that has these extensions; where it did not come over a connection, nobody in particular.
    #[must_use]
    pub fn of(extensions: &Extensions) -> Self {
        extensions.get().copied().unwrap_or(Self(IpAddr::V6(Ipv6Addr::UNSPECIFIED)))
    }
}

impl<S: Sync> FromRequestParts<S> for Client {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        Ok(Self::of(&parts.extensions))
    }
}

/// What counts as one address: a household gets a /64 of IPv6, and can use all of it.
#[must_use]
pub fn household(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) if !address.is_loopback() => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
        whole => whole,
    }
}

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
        let secure = headers.get(PROTO).is_some_and(|proto| proto.as_bytes().eq_ignore_ascii_case(b"https"));
        let scheme = if secure { "https" } else { "http" };
        let asked = headers.get(header::HOST)?.to_str().ok()?;
        // It stands in markup of all kinds as it is.
        let plain = asked.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._:[]".contains(&b));
        // Whatever is not a host and a port alone is no public address either.
        let url: PublicUrl = format!("{scheme}://{asked}").parse().ok().filter(|_| plain)?;
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

    /// Who made a request that came over a connection from this peer. What its headers say afterwards of how it was asked
    /// for is to be believed: `Host` and [`PROTO`] are the client's, as far as trusted proxies tell, and there are no others.
    #[must_use]
    pub fn admit(&self, peer: IpAddr, headers: &mut HeaderMap) -> Client {
        let mut client = peer.to_canonical();
        let (mut host, mut proto) = (None, None);
        if self.trusts(client) {
            // From the last, which the nearest proxy added, to the first, which anybody may have made up.
            for hop in forwarded(headers).iter().rev() {
                (host, proto) = (hop.host.map(ToOwned::to_owned), hop.proto.map(ToOwned::to_owned));
                // A proxy that does not tell (`unknown`, `_hidden`) is itself the last that is known.
                let Some(address) = address(hop.whom) else { break };
                client = address.to_canonical();
                if !self.trusts(client) {
                    break;
                }
            }
        }
        for name in [header::FORWARDED, FOR, HOST, PROTO] {
            headers.remove(name);
        }
        for (name, said) in [(header::HOST, host), (PROTO, proto)] {
            if let Some(said) = said.and_then(|said| HeaderValue::from_str(&said).ok()) {
                headers.insert(name, said);
            }
        }
        Client(client)
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.trusted.iter().any(|network| network.contains(&address))
    }
}

const FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
/// The scheme that a client asked with.
const PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// What a proxy says of the request that it passes on.
#[derive(Debug, Default)]
struct Hop<'a> {
    whom: &'a str,
    proto: Option<&'a str>,
    host: Option<&'a str>,
}

/// What proxies say, first to last. `Forwarded` is the standard, so it beats the others; of those, host and scheme are not
/// told for each proxy, and the last to tell is the nearest.
fn forwarded(headers: &HeaderMap) -> Vec<Hop<'_>> {
    let lists = |name: HeaderName| {
        let values = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
        values.flat_map(|list| list.split(',')).map(str::trim)
    };
    if headers.contains_key(header::FORWARDED) {
        return lists(header::FORWARDED).map(hop).collect();
    }
    let (proto, host) = (lists(PROTO).next_back(), lists(HOST).next_back());
    let mut all: Vec<_> = lists(FOR).map(|whom| Hop { whom, proto, host }).collect();
    if all.is_empty() {
        all.push(Hop { whom: "unknown", proto, host });
    }
    all
}

/// An element of `Forwarded`.
fn hop(element: &str) -> Hop<'_> {
    let mut hop = Hop::default();
    for (name, value) in element.split(';').filter_map(|pair| pair.split_once('=')) {
        let value = value.trim().trim_matches('"');
        match name.trim().to_ascii_lowercase().as_str() {
            "for" => hop.whom = value,
            "proto" => hop.proto = Some(value),
            "host" => hop.host = Some(value),
            _ => {}
        }
    }
    hop
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
        proxy("", trusted).admit(peer.parse().expect("an address"), &mut map).0.to_string()
    }

    /// Where a request for this host, over a connection from 127.0.0.1, finds the server.
    fn place(trusted: &[&str], headers: &[(&'static str, &str)]) -> Option<String> {
        let mut map = HeaderMap::from_iter([(header::HOST, "a.example:8787".parse().expect("a value"))]);
        for (name, value) in headers {
            map.append(*name, value.parse().expect("a value"));
        }
        let proxy = proxy("", trusted);
        let _ = proxy.admit("127.0.0.1".parse().expect("an address"), &mut map);
        proxy.addresses(&map).map(|addresses| addresses.front())
    }

    #[test]
    fn what_was_asked_for_is_told_by_trusted_proxies_alone() {
        let trusted = ["127.0.0.0/8", "10.0.0.0/8"];
        for (headers, found) in [
            (vec![("x-forwarded-proto", "https")], "https://a.example:8787/"),
            (vec![("x-forwarded-proto", "HTTPS")], "https://a.example:8787/"),
            (vec![("x-forwarded-proto", "https"), ("x-forwarded-host", "b.example")], "https://b.example/"),
            (vec![("x-forwarded-host", "made-up.example, b.example")], "http://b.example/"),
            (vec![("x-forwarded-for", "192.0.2.1"), ("x-forwarded-proto", "gopher")], "http://a.example:8787/"),
            (vec![("forwarded", "for=192.0.2.1;proto=https;host=b.example")], "https://b.example/"),
            (vec![("forwarded", "for=192.0.2.1;proto=Https")], "https://a.example:8787/"),
            (vec![("forwarded", "for=\"_a\";host=\"b.example:1\";proto=http")], "http://b.example:1/"),
            // What the proxy nearest to the client was asked for; what stands before that a client made up.
            (
                vec![("forwarded", "host=c.example, for=192.0.2.1;host=b.example, for=10.0.0.1;host=in")],
                "http://b.example/",
            ),
            (vec![("forwarded", "for=192.0.2.1"), ("x-forwarded-proto", "https")], "http://a.example:8787/"),
        ] {
            assert_eq!(place(&trusted, &headers).as_deref(), Some(found), "{headers:?}");
            assert_eq!(place(&["10.0.0.0/8"], &headers).as_deref(), Some("http://a.example:8787/"), "{headers:?}");
        }
        assert_eq!(place(&trusted, &[("x-forwarded-host", "a\"b&c")]), None);
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
            ("a\"b", None),
            ("a&b", None),
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
