//! Finding the server that takes writes, and connecting to it.
//!
//! Where the address names one server, that is it. Where it names Sentinels, all of them are asked at once, each within
//! [`ASKED`], and the one with the newest configuration is believed: a Sentinel that was cut off still tells of the old
//! master. What is connected to must then say itself that it is a master, since one that was demoted answers as before.
//! Nothing is subscribed to: every [`LOOK`] they are asked again, so that a master from which the others have turned
//! away is believed no longer than that.

use std::{
    collections::HashMap,
    fs,
    path::Path,
    sync::{
        RwLock,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_util::future::join_all;
use redis::{
    AsyncConnectionConfig, Client, ConnectionAddr, ErrorKind, IntoConnectionInfo as _, RedisConnectionInfo,
    TlsCertificates, aio::MultiplexedConnection, io::tcp::TcpSettings,
};
use tokio::{sync::Mutex, time::timeout};

use super::{
    address::{Address, Host, Login, Place, Settings},
    link::{CONNECTING, DEADLINE, told},
};
use crate::store::StoreError;

/// What a Sentinel may take to say who is the master, connecting included: the answer is one line from memory.
const ASKED: Duration = Duration::from_millis(500);
/// How often the Sentinels are asked whether the master is still the same.
pub(super) const LOOK: Duration = Duration::from_secs(1);

/// The servers behind an address.
pub(super) struct Servers {
    address: Address,
    tls: Option<TlsCertificates>,
    /// The connections to the Sentinels, in their order, where there are some.
    sentinels: Vec<Mutex<Option<MultiplexedConnection>>>,
    /// The server that was last found to be the master.
    master: RwLock<Option<Host>>,
    /// How many Sentinels answered when they were last asked.
    answered: AtomicUsize,
    doubts: AtomicU64,
}

/// A connection, and to which server.
pub(super) struct Connected {
    pub(super) connection: MultiplexedConnection,
    pub(super) to: Host,
}

/// What a Sentinel says.
struct Named {
    master: Host,
    /// Grows with each failover.
    epoch: u64,
}

impl Servers {
    /// Those that the settings name; nothing is connected yet.
    ///
    /// # Errors
    /// The file of certificates cannot be used.
    pub(super) fn new(settings: &Settings) -> Result<Self, StoreError> {
        let address = settings.address.clone();
        let tls = address.tls.then(|| certificates(settings.ca.as_deref())).transpose()?;
        let sentinels = match &address.place {
            Place::Server(_) => 0,
            Place::Sentinels { at, .. } => at.len(),
        };
        Ok(Self {
            address,
            tls,
            sentinels: (0..sentinels).map(|_| Mutex::default()).collect(),
            master: RwLock::default(),
            answered: AtomicUsize::new(0),
            doubts: AtomicU64::new(0),
        })
    }

    /// Connects to the server that takes writes.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`]: no server, or none that is a master by its own word.
    pub(super) async fn connect(&self) -> Result<Connected, StoreError> {
        let Address { place, login, db, .. } = &self.address;
        let to = match place {
            Place::Server(host) => host.clone(),
            Place::Sentinels { .. } => self.find().await?,
        };
        let mut connection = self.open(&to, login.to(*db), CONNECTING).await?;
        if !self.sentinels.is_empty() {
            must_be_master(&mut connection, &to).await?;
        }
        Ok(Connected { connection, to })
    }

    /// Whether another server than this one has become the master, as far as is known.
    pub(super) fn turned_from(&self, server: &Host) -> bool {
        let master = self.master.read().expect("nobody panics while holding it");
        master.as_ref().is_some_and(|master| master != server)
    }

    /// Lets nobody use a connection that was made until now: the server is to be found anew.
    pub(super) fn doubt(&self) {
        self.doubts.fetch_add(1, Ordering::Relaxed);
    }

    /// How often they were doubted.
    pub(super) fn doubts(&self) -> u64 {
        self.doubts.load(Ordering::Relaxed)
    }

    /// Asks the Sentinels, if there are any, whether the master is still the same.
    ///
    /// # Errors
    /// None of them knows one.
    pub(super) async fn look(&self) -> Result<(), StoreError> {
        if self.sentinels.is_empty() { Ok(()) } else { self.find().await.map(drop) }
    }

    /// What an operator should know of the Sentinels.
    pub(super) fn sentence(&self) -> Option<String> {
        let answered = self.answered.load(Ordering::Relaxed);
        (!self.sentinels.is_empty() && answered == 0).then(|| {
            "None of the Sentinels answers: a master that takes over from this one would not be found.".to_owned()
        })
    }

    /// The master, if one was found, and how many of the Sentinels answer.
    pub(super) fn facts(&self) -> Vec<(&'static str, String)> {
        if self.sentinels.is_empty() {
            return Vec::new();
        }
        let master = self.master.read().expect("nobody panics while holding it");
        let master = master.as_ref().map_or_else(|| "not known".to_owned(), Host::to_string);
        let (answered, all) = (self.answered.load(Ordering::Relaxed), self.sentinels.len());
        vec![("master", master), ("sentinels", format!("{answered} of {all} answer"))]
    }

    /// The master by the Sentinel with the newest configuration.
    async fn find(&self) -> Result<Host, StoreError> {
        let Place::Sentinels { at, name, login } = &self.address.place else {
            unreachable!("only Sentinels are asked");
        };
        let asked = at.iter().zip(&self.sentinels).map(|(at, kept)| self.ask(at, kept, name, login));
        let (mut best, mut answered, mut why) = (None::<Named>, 0, None);
        for said in join_all(asked).await {
            match said {
                Ok(named) => {
                    answered += 1;
                    best = match (best, named) {
                        (Some(best), Some(named)) if named.epoch <= best.epoch => Some(best),
                        (best, named) => named.or(best),
                    };
                }
                Err(error) => why = why.or(Some(error)),
            }
        }
        self.answered.store(answered, Ordering::Relaxed);
        let Some(Named { master, .. }) = best else {
            return Err(match why {
                Some(error) if answered == 0 => error,
                _ => StoreError::Unavailable(format!("no Sentinel knows a master of the name {name:?}")),
            });
        };
        let mut known = self.master.write().expect("nobody panics while holding it");
        if known.as_ref() != Some(&master) {
            if let Some(known) = known.as_ref() {
                tracing::warn!(from = %known, to = %master, "the Sentinels name another master");
            }
            *known = Some(master.clone());
        }
        Ok(master)
    }

    /// Asks one Sentinel, over the connection that is kept to it, or a new one.
    async fn ask(
        &self,
        at: &Host,
        kept: &Mutex<Option<MultiplexedConnection>>,
        name: &str,
        login: &Login,
    ) -> Result<Option<Named>, StoreError> {
        let answer = timeout(ASKED, async {
            let mut kept = kept.lock().await;
            // Given back only after an answer.
            let mut connection = match kept.take() {
                Some(connection) => connection,
                None => self.open(at, login.to(0), ASKED).await?,
            };
            let named = named_by(&mut connection, name).await?;
            *kept = Some(connection);
            Ok(named)
        });
        let late = |_| StoreError::Unavailable(format!("no answer within {ASKED:?}"));
        answer.await.unwrap_or_else(|elapsed| Err(late(elapsed))).map_err(|error| match error {
            StoreError::Unavailable(words) => StoreError::Unavailable(format!("the Sentinel at {at}: {words}")),
            error => error,
        })
    }

    /// Opens a connection.
    async fn open(
        &self,
        to: &Host,
        login: RedisConnectionInfo,
        within: Duration,
    ) -> Result<MultiplexedConnection, StoreError> {
        let (name, port) = (to.name.clone(), to.port);
        let addr = match self.tls {
            None => ConnectionAddr::Tcp(name, port),
            Some(_) => ConnectionAddr::TcpTls { host: name, port, insecure: false, tls_params: None },
        };
        let info = addr.into_connection_info().map_err(|error| told(&error))?;
        let info = info.set_redis_settings(login).set_tcp_settings(TcpSettings::default().set_nodelay(true));
        let client = match &self.tls {
            None => Client::open(info),
            Some(tls) => Client::build_with_tls(info, tls.clone()),
        };
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(within))
            .set_response_timeout(Some(DEADLINE))
            .set_pipeline_buffer_size(1_000);
        let client = client.map_err(|error| told(&error))?;
        client.get_multiplexed_async_connection_with_config(&config).await.map_err(|error| told(&error))
    }
}

/// The certificates that those of the servers must lead to.
fn certificates(ca: Option<&Path>) -> Result<TlsCertificates, StoreError> {
    let Some(file) = ca else { return Ok(TlsCertificates { client_tls: None, root_cert: None }) };
    let unusable = |why: String| {
        StoreError::Unavailable(format!("the file of certificates {} (--store-ca) {why}", file.display()))
    };
    let pem = fs::read(file).map_err(|error| unusable(format!("cannot be read: {error}")))?;
    if !pem.windows(CERTIFICATE.len()).any(|part| part == CERTIFICATE) {
        return Err(unusable("holds no certificate in PEM".to_owned()));
    }
    let tls = TlsCertificates { client_tls: None, root_cert: Some(pem) };
    // The library reads them at each connection; once now, so that a damaged one is told before anything begins.
    let anywhere = ConnectionAddr::TcpTls { host: "localhost".to_owned(), port: 0, insecure: false, tls_params: None };
    Client::build_with_tls(anywhere, tls.clone()).map_err(|error| unusable(format!("holds a damaged one: {error}")))?;
    Ok(tls)
}

const CERTIFICATE: &[u8] = b"-----BEGIN CERTIFICATE-----";

/// What a Sentinel says of the master of this name. None: it knows none.
async fn named_by(sentinel: &mut MultiplexedConnection, name: &str) -> Result<Option<Named>, StoreError> {
    let ask = redis::cmd("SENTINEL").arg("GET-MASTER-ADDR-BY-NAME").arg(name).to_owned();
    let master: Option<(String, u16)> = ask.query_async(sentinel).await.map_err(|error| told(&error))?;
    let Some((host, port)) = master else { return Ok(None) };
    // How new its configuration is. One that does not tell, since this user may not ask, is believed last.
    let ask = redis::cmd("SENTINEL").arg("MASTER").arg(name).to_owned();
    let more: HashMap<String, String> = match ask.query_async(sentinel).await {
        Err(error) if error.is_io_error() => return Err(told(&error)),
        more => more.unwrap_or_default(),
    };
    let epoch = more.get("config-epoch").and_then(|epoch| epoch.parse().ok()).unwrap_or(0);
    Ok(Some(Named { master: Host { name: host, port }, epoch }))
}

/// Whether a server says itself that it is a master. One that does not let this user ask is believed.
async fn must_be_master(connection: &mut MultiplexedConnection, at: &Host) -> Result<(), StoreError> {
    let role: redis::RedisResult<redis::Value> = redis::cmd("ROLE").query_async(connection).await;
    let role = match role {
        Ok(redis::Value::Array(role)) => role,
        Ok(_) => return Ok(()),
        Err(error) if error.kind() == ErrorKind::Server(redis::ServerErrorKind::NoPerm) => return Ok(()),
        Err(error) => return Err(told(&error)),
    };
    let role: Option<String> = role.into_iter().next().and_then(|role| redis::from_redis_value(role).ok());
    match role.as_deref() {
        Some("master") => Ok(()),
        role => Err(StoreError::Unavailable(format!(
            "the Sentinels name {at} as the master, and it says that it is a {}",
            role.unwrap_or("server of no role")
        ))),
    }
}
