//! Every setting of the server: what it means, its unit, its default, its name in the environment.
//!
//! A setting is given on the command line or in the environment; the command line wins. What is unknown or
//! contradictory is refused here, before a file or a port is opened. There is no configuration file.

use std::{
    env, fmt,
    net::{IpAddr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

use clap::{Args, ValueEnum};
use ipnet::IpNet;

use crate::store::redis::{Address as RedisAddress, Settings as RedisSettings};
pub use crate::{http::proxy::PublicUrl, store::open::Address as StoreAddress};

/// Every name in the environment that means something to this program.
const NAMES: [&str; 15] = [
    "NEWSWIRE_LISTEN",
    "NEWSWIRE_METRICS",
    "NEWSWIRE_DATA",
    "NEWSWIRE_STORE",
    "NEWSWIRE_STORE_CA",
    "NEWSWIRE_ACK_REPLICAS",
    "NEWSWIRE_PUBLIC_URL",
    "NEWSWIRE_TRUST_PROXY",
    "NEWSWIRE_MAX_READERS",
    "NEWSWIRE_MAX_READERS_PER_ADDRESS",
    "NEWSWIRE_LOG_FORMAT",
    "NEWSWIRE_SPREAD",
    "NEWSWIRE_DRAIN",
    "NEWSWIRE_SERVER",
    "NEWSWIRE_TOKEN",
];

/// The spread with a store that other servers share: some hundred readers a second leave a full one, which another
/// takes without anybody's noticing.
const SPREAD: Duration = Duration::from_secs(10);

/// What the server runs by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Where it listens, an IP address and a port. Default `127.0.0.1:8787`; port 0 takes a free one. `NEWSWIRE_LISTEN`.
    pub listen: SocketAddr,
    /// Where metrics are served, at `/metrics`: an address that only those reach who watch the server, and another one than
    /// readers have; port 0 takes a free one. Default: nowhere. `NEWSWIRE_METRICS`.
    pub metrics: Option<SocketAddr>,
    /// Where feeds are kept. Default: SQLite, one file in the directory of `--data` (`NEWSWIRE_DATA`), which is
    /// `newswire-data` in the working directory unless given, and is created. A directory is refused together with
    /// another store, which keeps nothing there. `NEWSWIRE_STORE`. Of a Redis over TLS, the certificates that its own must
    /// lead to, as a file (PEM); default: those that the system trusts. `NEWSWIRE_STORE_CA`. And of any Redis, how many of
    /// its replicas must have received a change before it is acknowledged; default: none. `NEWSWIRE_ACK_REPLICAS`.
    pub store: StoreAddress,
    /// Where the public finds the server: scheme, host and perhaps a path below which a proxy serves it. Addresses that it
    /// tells begin there; requests are understood with and without that path. Default: where it listens.
    /// `NEWSWIRE_PUBLIC_URL`.
    pub public_url: Option<PublicUrl>,
    /// The networks of the proxies in front, whose `Forwarded`, or `X-Forwarded-For`, `-Proto` and `-Host`, tell who asks and
    /// what for. Default: none, so that nobody can pass for another. `NEWSWIRE_TRUST_PROXY`, separated by commas.
    pub trust_proxy: Vec<IpNet>,
    /// How many readers may have streams open at once. Default: 100,000, or three quarters of the files that may be open if
    /// that is less. `NEWSWIRE_MAX_READERS`.
    pub max_readers: Option<usize>,
    /// How many of them one address may have, a /64 of IPv6 counting as one; the public's addresses are known only behind
    /// trusted proxies. Default: half of all, and for this machine's own address all. `NEWSWIRE_MAX_READERS_PER_ADDRESS`.
    pub max_readers_per_address: Option<usize>,
    /// Whether the feed is filled with sample items, followed by a further one every few seconds. Default: no. Never
    /// from the environment, so that nobody publishes samples by an inherited variable.
    pub sample: bool,
    /// How the log is written. Default: text. `NEWSWIRE_LOG_FORMAT`.
    pub log: LogFormat,
    /// Over how long a stop tells its readers to leave, one after the other; until its turn, each is served as before.
    /// Seconds, 0 to 3600. Default: 10 with Redis, where other servers take them; 0 with SQLite, where every second that
    /// the stop takes is one in which nobody can come back. `NEWSWIRE_SPREAD`.
    pub spread: Duration,
    /// How long a stop waits, once all are told, for readers that are still open and for writes in flight. Seconds, 0 to
    /// 3600; default 20. `NEWSWIRE_DRAIN`.
    pub drain: Duration,
}

/// How the log is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// Lines for people.
    #[default]
    Text,
    /// One JSON object a line, for collectors.
    Json,
}

/// What `serve` is told on the command line and in the environment, before it is judged as a whole.
#[derive(Args, Clone, Debug)]
pub struct ServeArgs {
    /// Address and port to listen on; port 0 takes a free one
    #[arg(long, value_name = "ADDR", env = "NEWSWIRE_LISTEN", default_value = "127.0.0.1:8787")]
    listen: SocketAddr,
    /// Address and port to serve metrics on, at /metrics; one that only those reach who watch the server [default: nowhere]
    #[arg(long, value_name = "ADDR", env = "NEWSWIRE_METRICS")]
    metrics: Option<SocketAddr>,
    #[command(flatten)]
    place: StoreArgs,
    /// Where the public finds the server, with the path below which a proxy serves it, if any
    #[arg(long, value_name = "URL", env = "NEWSWIRE_PUBLIC_URL")]
    public_url: Option<PublicUrl>,
    /// Network of a proxy in front, or its address, whose Forwarded and X-Forwarded-For, -Proto and -Host headers are believed; may be repeated
    #[arg(long, value_name = "CIDR", env = "NEWSWIRE_TRUST_PROXY", value_delimiter = ',', value_parser = network)]
    trust_proxy: Vec<IpNet>,
    /// How many streams may be open at once [default: 100000, or 3/4 of the limit of open files]
    #[arg(long, value_name = "N", env = "NEWSWIRE_MAX_READERS", value_parser = readers)]
    max_readers: Option<usize>,
    /// How many of them one address may have [default: half of them]
    #[arg(long, value_name = "N", env = "NEWSWIRE_MAX_READERS_PER_ADDRESS", value_parser = readers)]
    max_readers_per_address: Option<usize>,
    /// Fill the feed with sample items, then publish a further one every few seconds
    #[arg(long)]
    sample: bool,
    /// How the log is written, on standard error
    #[arg(long, value_name = "FORMAT", env = "NEWSWIRE_LOG_FORMAT", default_value = "text")]
    log: LogFormat,
    /// Over how long a stop tells its readers to leave, one after the other [default: 10 with Redis, else 0]
    #[arg(long, value_name = "SECONDS", env = "NEWSWIRE_SPREAD", value_parser = clap::value_parser!(u64).range(0..=3600))]
    spread: Option<u64>,
    /// How long a stop waits then for open readers and for writes in flight
    #[arg(long, value_name = "SECONDS", env = "NEWSWIRE_DRAIN", default_value_t = 20,
          value_parser = clap::value_parser!(u64).range(0..=3600))]
    drain: u64,
}

/// Which store: for the server, and for the commands that work beside it.
#[derive(Args, Clone, Debug)]
pub struct StoreArgs {
    /// Directory of the SQLite file; created if it is not there [default: newswire-data]
    #[arg(long, value_name = "DIR", env = "NEWSWIRE_DATA")]
    data: Option<PathBuf>,
    /// Where feeds are kept: `sqlite` (one file in the data directory), or the address of a Redis or Valkey server:
    /// `redis://[USER:PASSWORD@]HOST[:PORT][/DB]`, or `rediss://` for TLS, or `redis+sentinel://HOST,HOST/NAME`
    #[arg(
        long,
        value_name = "sqlite|redis://HOST[:PORT][/DB]",
        env = "NEWSWIRE_STORE",
        default_value = "sqlite",
        hide_env_values = true
    )]
    store: Secretive,
    /// Certificates (PEM) that those of a rediss:// server must lead to [default: what the system trusts]
    #[arg(long, value_name = "FILE", env = "NEWSWIRE_STORE_CA")]
    store_ca: Option<PathBuf>,
    /// How many replicas of a Redis must have received a change before it is acknowledged [default: 0]
    #[arg(long, value_name = "N", env = "NEWSWIRE_ACK_REPLICAS", value_parser = clap::value_parser!(u32).range(0..=MOST_REPLICAS))]
    ack_replicas: Option<u32>,
}

/// More replicas than this nobody waits for: most likely it is another number.
const MOST_REPLICAS: i64 = 16;

/// A text that may hold a password. It is judged only by [`StoreArgs::address`]: what the command line itself refuses, it
/// repeats.
#[derive(Clone, PartialEq, Eq)]
struct Secretive(String);

impl From<&str> for Secretive {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl fmt::Debug for Secretive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

/// Why the settings cannot be served by.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Contradiction {
    /// A data directory for a store that has none.
    #[error(
        "a data directory (--data, NEWSWIRE_DATA) is for the sqlite store, and the store is redis: leave one of them out"
    )]
    DataForRedis,
    /// Replicas of a store that has none.
    #[error(
        "replicas (--ack-replicas, NEWSWIRE_ACK_REPLICAS) are those of a Redis, and the store is sqlite: leave them out, or \
         give --store redis://HOST"
    )]
    ReplicasOfSqlite,
    /// Certificates for a store that shows none.
    #[error(
        "certificates (--store-ca, NEWSWIRE_STORE_CA) are for a Redis over TLS: leave them out, or give --store \
         rediss://HOST (or rediss+sentinel://…)"
    )]
    CaWithoutTls,
    /// One address for the public and for who watches.
    #[error(
        "metrics (--metrics, NEWSWIRE_METRICS) need an address of their own: at {0} they would be where readers are \
         (--listen, NEWSWIRE_LISTEN); give another port"
    )]
    MetricsForReaders(SocketAddr),
    /// An address of no store.
    #[error("--store (NEWSWIRE_STORE) names no store: it is `sqlite`, or {0}")]
    NoStore(&'static str),
    /// A variable that means nothing.
    #[error("{name} in the environment is not a setting of newswire: known are {}", NAMES.join(", "))]
    UnknownName {
        /// Its name.
        name: String,
    },
}

impl StoreArgs {
    /// The store they name.
    ///
    /// # Errors
    /// They contradict each other.
    pub fn address(&self) -> Result<StoreAddress, Contradiction> {
        if self.store.0 == "sqlite" {
            return match (&self.store_ca, self.ack_replicas) {
                (Some(_), _) => Err(Contradiction::CaWithoutTls),
                (None, Some(1..)) => Err(Contradiction::ReplicasOfSqlite),
                (None, _) => Ok(StoreAddress::Sqlite { dir: self.dir() }),
            };
        }
        let address: RedisAddress = self.store.0.parse().map_err(Contradiction::NoStore)?;
        if self.data.is_some() {
            return Err(Contradiction::DataForRedis);
        }
        if self.store_ca.is_some() && !address.is_secure() {
            return Err(Contradiction::CaWithoutTls);
        }
        let (ca, ack_replicas) = (self.store_ca.clone(), self.ack_replicas.unwrap_or(0));
        Ok(StoreAddress::Redis(RedisSettings { address, ca, ack_replicas }))
    }

    fn dir(&self) -> PathBuf {
        self.data.clone().unwrap_or_else(|| PathBuf::from("newswire-data"))
    }
}

impl ServeArgs {
    /// The settings they make.
    ///
    /// # Errors
    /// They contradict each other, or the environment holds one that nobody knows.
    pub fn settings(&self) -> Result<Settings, Contradiction> {
        let names = env::vars_os().filter_map(|(name, _)| name.into_string().ok());
        if let Some(name) = unknown(names) {
            return Err(Contradiction::UnknownName { name });
        }
        if let Some(metrics) = self.metrics.filter(|metrics| meet(*metrics, self.listen)) {
            return Err(Contradiction::MetricsForReaders(metrics));
        }
        let store = self.place.address()?;
        let spread = match store {
            StoreAddress::Sqlite { .. } => Duration::ZERO,
            StoreAddress::Redis { .. } => SPREAD,
        };
        Ok(Settings {
            listen: self.listen,
            metrics: self.metrics,
            store,
            public_url: self.public_url.clone(),
            trust_proxy: self.trust_proxy.clone(),
            max_readers: self.max_readers,
            max_readers_per_address: self.max_readers_per_address,
            sample: self.sample,
            log: self.log,
            spread: self.spread.map_or(spread, Duration::from_secs),
            drain: Duration::from_secs(self.drain),
        })
    }
}

/// Whether who listens at one of these would be in the way of the other.
fn meet(one: SocketAddr, other: SocketAddr) -> bool {
    let everywhere = one.ip().is_unspecified() || other.ip().is_unspecified();
    one.port() == other.port() && one.port() != 0 && (one.ip() == other.ip() || everywhere)
}

/// A number of readers: at least one.
fn readers(text: &str) -> Result<usize, &'static str> {
    text.parse().ok().filter(|readers| *readers > 0).ok_or("a number of readers is at least 1")
}

/// A network, or a single address as a network of its own.
fn network(text: &str) -> Result<IpNet, &'static str> {
    let alone = || text.parse::<IpAddr>().map(IpNet::from);
    text.parse().or_else(|_| alone()).map_err(|_| "a network looks like 10.0.0.0/8, 192.0.2.7 or 2001:db8::/32")
}

/// The first name that looks like a setting and is none: most likely a mistyped one. Kubernetes puts
/// `NEWSWIRE_SERVICE_…` and `NEWSWIRE_PORT…` into every container beside a service of that name; these are not ours.
fn unknown(mut names: impl Iterator<Item = String>) -> Option<String> {
    names.find(|name| {
        name.strip_prefix("NEWSWIRE_").is_some_and(|rest| {
            let injected = rest.starts_with("SERVICE_") || rest == "PORT" || rest.starts_with("PORT_");
            !injected && !NAMES.contains(&name.as_str())
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(data: Option<&str>, store: &str) -> StoreArgs {
        StoreArgs { data: data.map(PathBuf::from), store: store.into(), store_ca: None, ack_replicas: None }
    }

    #[test]
    fn a_store_is_sqlite_in_the_data_directory_or_a_redis_address() {
        let sqlite = place(None, "sqlite").address();
        assert_eq!(sqlite, Ok(StoreAddress::Sqlite { dir: "newswire-data".into() }));
        for text in ["redis://:secret@db:6379/2", "rediss://db", "redis+sentinel://a:1,b:2/news"] {
            let redis = place(None, text).address();
            assert_eq!(redis, Ok(StoreAddress::Redis(text.parse().expect("an address"))));
        }
        for bad in ["", "mysql", "redis", "redis://", "http://db:6379", "SQLITE"] {
            assert!(matches!(place(None, bad).address(), Err(Contradiction::NoStore(_))), "{bad:?}");
        }
    }

    #[test]
    fn what_contradicts_the_store_is_refused_without_a_password() {
        let of = |store: &str| StoreArgs { store_ca: Some("ca.pem".into()), ..place(None, store) }.address();
        let counted = |n, store: &str| StoreArgs { ack_replicas: Some(n), ..place(None, store) }.address();
        for (said, word) in [
            (place(Some("d"), "redis://:secret@db").address(), "--data"),
            (place(None, "redis://:secret@db:x").address(), "redis://HOST"),
            (of("redis://:secret@db"), "--store-ca"),
            (of("sqlite"), "--store-ca"),
            (counted(1, "sqlite"), "--ack-replicas"),
        ] {
            let said = said.expect_err(word).to_string();
            assert!(said.contains(word) && !said.contains("secret"), "{said}");
        }
        for fine in [of("rediss://:secret@db"), counted(0, "sqlite"), counted(1, "redis://:secret@db")] {
            let told = format!("{:?}", fine.expect("it fits"));
            assert!(!told.contains("secret"), "{told}");
        }
    }

    #[test]
    fn two_listeners_meet_at_one_port_of_one_address_or_of_all() {
        let met = |one: &str, other: &str| meet(one.parse().expect("an address"), other.parse().expect("an address"));
        for (one, other) in [("10.0.0.1:80", "10.0.0.1:80"), ("0.0.0.0:80", "10.0.0.1:80"), ("10.0.0.1:80", "[::]:80")]
        {
            assert!(met(one, other) && met(other, one), "{one} {other}");
        }
        for (one, other) in
            [("10.0.0.1:0", "10.0.0.1:0"), ("10.0.0.1:80", "10.0.0.1:81"), ("10.0.0.1:80", "10.0.0.2:80")]
        {
            assert!(!met(one, other) && !met(other, one), "{one} {other}");
        }
    }

    #[test]
    fn a_network_is_one_in_cidr_notation_or_a_single_address() {
        assert_eq!(network("10.0.0.0/8"), Ok("10.0.0.0/8".parse().expect("a network")));
        assert_eq!(network("::1"), Ok("::1/128".parse().expect("a network")));
        for bad in ["", "10.0.0.0/33", "localhost", "10.0.0"] {
            assert!(network(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_mistyped_name_in_the_environment_is_found_and_an_injected_one_is_not() {
        let first = |names: &[&str]| unknown(names.iter().map(|name| (*name).to_owned()));
        assert_eq!(first(&["PATH", "NEWSWIRE_DATA", "NEWSWIRE_LISTN"]), Some("NEWSWIRE_LISTN".to_owned()));
        assert_eq!(first(&["NEWSWIRE_PORT", "NEWSWIRE_PORT_8787_TCP", "NEWSWIRE_SERVICE_HOST"]), None);
        assert_eq!(first(&NAMES), None);
    }
}
