//! Where a Redis is, and who we are to it.
//!
//! ```text
//! redis://[USER[:PASSWORD]@]HOST[:PORT][/DB]
//! redis+sentinel://[USER[:PASSWORD]@]HOST[:PORT],HOST[:PORT]…/NAME[/DB][?sentinel_user=…&sentinel_password=…]
//! ```
//!
//! `rediss://` and `rediss+sentinel://` are the same over TLS. The first names one server; the second the Sentinels, and
//! the name under which they watch a master. User and password are those of the servers; Sentinels that want some are
//! given theirs as parameters. Nothing that is told of an address, and no error, repeats names or passwords.

use std::{fmt, path::PathBuf, str::FromStr};

use redis::{ConnectionAddr, IntoConnectionInfo as _, RedisConnectionInfo};
use url::form_urlencoded;

/// Where a server listens unless told otherwise.
const SERVER_PORT: u16 = 6_379;
/// Where Sentinels do.
const SENTINEL_PORT: u16 = 26_379;

/// How a Redis is reached, and what must have happened there before a change counts as made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Where it is.
    pub address: Address,
    /// A file with the certificates (PEM) that its own must lead to; none: those that the system trusts.
    pub ca: Option<PathBuf>,
    /// How many replicas must have received a change before it is acknowledged.
    pub ack_replicas: u32,
}

impl From<Address> for Settings {
    fn from(address: Address) -> Self {
        Self { address, ca: None, ack_replicas: 0 }
    }
}

impl FromStr for Settings {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse::<Address>().map(Self::from)
    }
}

/// A host, by name or number, and a port.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Host {
    pub(super) name: String,
    pub(super) port: u16,
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, port } = self;
        if name.contains(':') { write!(f, "[{name}]:{port}") } else { write!(f, "{name}:{port}") }
    }
}

/// Who we are.
#[derive(Clone, Default, PartialEq, Eq)]
pub(super) struct Login {
    user: Option<String>,
    password: Option<String>,
}

impl Login {
    /// As the library takes it.
    pub(super) fn to(&self, db: i64) -> RedisConnectionInfo {
        let mut info = RedisConnectionInfo::default().set_db(db);
        if let Some(user) = &self.user {
            info = info.set_username(user);
        }
        if let Some(password) = &self.password {
            info = info.set_password(password);
        }
        info
    }
}

/// Who knows where the server is.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// Everybody: it is always there.
    Server(Host),
    /// The Sentinels.
    Sentinels { at: Vec<Host>, name: String, login: Login },
}

/// Where a Redis is.
#[derive(Clone, PartialEq, Eq)]
pub struct Address {
    pub(super) place: Place,
    pub(super) login: Login,
    pub(super) db: i64,
    pub(super) tls: bool,
}

impl Address {
    /// Whether it is spoken to over TLS.
    #[must_use]
    pub fn is_secure(&self) -> bool {
        self.tls
    }
}

/// What every wrong address is told.
const FORMS: &str = "a Redis is redis://HOST[:PORT][/DB], rediss:// the same over TLS, or, with Sentinels, \
                     redis+sentinel://HOST[:PORT],HOST[:PORT]/NAME[/DB]; USER:PASSWORD@ goes before the hosts, and what is \
                     special in them is written as %XX";
const NO_NAME: &str = "Sentinels are asked for a master by its name: redis+sentinel://HOST:PORT,HOST:PORT/NAME, with the \
                       NAME of `sentinel monitor`";
const NO_PARAMETERS: &str = "the address of a Redis takes no parameters and no #fragment; with Sentinels it takes \
                             sentinel_user and sentinel_password";
const NO_DB: &str = "the database of a Redis is a number: redis://HOST:PORT/0";

impl FromStr for Address {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (scheme, rest) = text.split_once("://").ok_or(FORMS)?;
        let (tls, by_sentinels) = match scheme {
            "redis" => (false, false),
            "rediss" => (true, false),
            "redis+sentinel" => (false, true),
            "rediss+sentinel" => (true, true),
            _ => return Err(FORMS),
        };
        if rest.contains('#') {
            return Err(NO_PARAMETERS);
        }
        let (rest, parameters) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (who, hosts) = authority.rsplit_once('@').unwrap_or(("", authority));
        if !by_sentinels {
            if !parameters.is_empty() {
                return Err(NO_PARAMETERS);
            }
            let (host, login) = parts(who, hosts, SERVER_PORT)?;
            return Ok(Self { place: Place::Server(host), login, db: database(path)?, tls });
        }
        let hosts: Vec<_> = hosts.split(',').map(|host| parts(who, host, SENTINEL_PORT)).collect::<Result<_, _>>()?;
        let login = hosts.first().map(|(_, login)| login.clone()).ok_or(FORMS)?;
        let at = hosts.into_iter().map(|(host, _)| host).collect();
        let (name, db) = path.split_once('/').unwrap_or((path, ""));
        if name.is_empty() {
            return Err(NO_NAME);
        }
        let place = Place::Sentinels { at, name: name.to_owned(), login: sentinels_login(parameters)? };
        Ok(Self { place, login, db: database(db)?, tls })
    }
}

/// A host and who is named before it, undone from their form in an address.
fn parts(who: &str, host: &str, port: u16) -> Result<(Host, Login), &'static str> {
    if host.contains(',') {
        return Err(FORMS);
    }
    let port = if host.ends_with(']') || !host.contains(':') { format!(":{port}") } else { String::new() };
    let at = if who.is_empty() { "" } else { "@" };
    let info = format!("redis://{who}{at}{host}{port}").into_connection_info().map_err(|_| FORMS)?;
    let ConnectionAddr::Tcp(name, port) = info.addr().clone() else { return Err(FORMS) };
    let settings = info.redis_settings();
    let login = Login {
        user: settings.username().map(ToOwned::to_owned),
        password: settings.password().map(ToOwned::to_owned),
    };
    if name.is_empty() { Err(FORMS) } else { Ok((Host { name, port }, login)) }
}

fn database(text: &str) -> Result<i64, &'static str> {
    if text.is_empty() {
        return Ok(0);
    }
    text.parse::<u16>().map(i64::from).map_err(|_| NO_DB)
}

fn sentinels_login(parameters: &str) -> Result<Login, &'static str> {
    let mut login = Login::default();
    for (name, value) in form_urlencoded::parse(parameters.as_bytes()) {
        match name.as_ref() {
            "sentinel_user" => login.user = Some(value.into_owned()),
            "sentinel_password" => login.password = Some(value.into_owned()),
            _ => return Err(NO_PARAMETERS),
        }
    }
    Ok(login)
}

impl fmt::Display for Address {
    /// Without names and passwords.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let secure = if self.tls { "s" } else { "" };
        match &self.place {
            Place::Server(host) => write!(f, "redis{secure}://{host}")?,
            Place::Sentinels { at, name, .. } => {
                let at: Vec<_> = at.iter().map(Host::to_string).collect();
                write!(f, "redis{secure}+sentinel://{}/{name}", at.join(","))?;
            }
        }
        if self.db == 0 { Ok(()) } else { write!(f, "/{}", self.db) }
    }
}

impl fmt::Debug for Address {
    /// Without names and passwords.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Address {
        text.parse().unwrap_or_else(|why| panic!("{text}: {why}"))
    }

    #[test]
    fn an_address_names_a_server_or_sentinels_and_who_we_are() {
        let plain = address("redis://db");
        assert_eq!((plain.to_string().as_str(), plain.tls, plain.db), ("redis://db:6379", false, 0));
        let full = address("rediss://me:p%40ss@[::1]:7000/3");
        assert_eq!((full.to_string().as_str(), full.tls, full.db), ("rediss://[::1]:7000/3", true, 3));
        let who = Login { user: Some("me".to_owned()), password: Some("p@ss".to_owned()) };
        assert!(full.login == who);
        let watched = address("redis+sentinel://:p%40ss@a,b:1,[::1]/news/2?sentinel_user=s&sentinel_password=%26");
        assert_eq!(watched.to_string(), "redis+sentinel://a:26379,b:1,[::1]:26379/news/2");
        assert!(watched.login == Login { user: None, ..who });
        let Place::Sentinels { login, .. } = &watched.place else { panic!("they are Sentinels") };
        assert!(*login == Login { user: Some("s".to_owned()), password: Some("&".to_owned()) });
        assert!(address("rediss+sentinel://a/news").tls);
    }

    #[test]
    fn a_wrong_address_is_told_what_to_write_and_no_password() {
        for (bad, told) in [
            ("redis", FORMS),
            ("redis://", FORMS),
            ("redis://:s3cr3t@", FORMS),
            ("redis://:s3cr3t@db:x", FORMS),
            ("redis://:s3cr3t@a,b", FORMS),
            ("http://:s3cr3t@db", FORMS),
            ("redis://:s3cr3t@db/news", NO_DB),
            ("redis://:s3cr3t@db/-1", NO_DB),
            ("redis://:s3cr3t@db?protocol=resp3", NO_PARAMETERS),
            ("rediss://:s3cr3t@db/#insecure", NO_PARAMETERS),
            ("redis+sentinel://:s3cr3t@a,b", NO_NAME),
            ("redis+sentinel://:s3cr3t@a,b/", NO_NAME),
            ("redis+sentinel://:s3cr3t@a,,b/news", FORMS),
            ("redis+sentinel:///news", FORMS),
            ("redis+sentinel://a/news/x", NO_DB),
            ("redis+sentinel://a/news?password=s3cr3t", NO_PARAMETERS),
        ] {
            let said = bad.parse::<Address>().expect_err(bad);
            assert_eq!(said, told, "{bad}");
            assert!(!said.contains("s3cr3t"));
        }
    }

    #[test]
    fn what_is_told_of_an_address_has_no_names_and_no_passwords() {
        for text in ["redis://me:s3cr3t@db/1", "redis+sentinel://me:s3cr3t@a/news?sentinel_password=s3cr3t"] {
            let settings: Settings = text.parse().expect("an address");
            let told = format!("{settings:?} {}", settings.address);
            assert!(!told.contains("s3cr3t") && !told.contains("me:"), "{told}");
        }
    }
}
