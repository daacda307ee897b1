//! The one connection that a store's commands share (and another one its commits, where replicas are waited for), and how
//! it comes back.
//!
//! Every request has [`DEADLINE`] for everything: connecting, waiting for others who connect, asking. A request that
//! was sent is never sent again, since it may have been carried out; the one exception is a script which the server
//! says it does not know. A connection that was silent for a moment is asked for a sign of life before a request is
//! given to it, so that a server's restart costs no request but those under way.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use redis::{
    Cmd, ErrorKind, FromRedisValue, Pipeline, RedisError, RedisResult, ServerErrorKind, Value,
    aio::MultiplexedConnection,
};
use tokio::{
    sync::Mutex,
    time::{Instant, sleep_until, timeout, timeout_at},
};
use tokio_util::task::TaskTracker;

use super::{
    SCHEMA,
    address::Host,
    info::Info,
    keys,
    replicas::Waits,
    script::Call,
    servers::{Connected, Servers},
};
use crate::store::StoreError;

/// What one request may take, with all waiting.
pub(super) const DEADLINE: Duration = Duration::from_millis(2_800);
/// What connecting may take: it must leave time to report that it failed.
pub(super) const CONNECTING: Duration = Duration::from_millis(1_500);
/// After how much silence a connection is asked for a sign of life. No server restarts faster (a small one takes 10
/// ms), and requests that follow upon each other do not pay for it.
const SILENCE: Duration = Duration::from_millis(3);
/// What the sign of life may take. A busy server's scripts take milliseconds.
const SIGN_OF_LIFE: Duration = Duration::from_secs(1);
/// The pause between two attempts to connect.
pub(super) const PAUSE: Duration = Duration::from_millis(100);

/// The connection, shared.
pub(super) struct Link {
    servers: Arc<Servers>,
    /// How many replicas must have received what is [written](Link::write).
    replicas: u32,
    state: Mutex<State>,
    under_way: TaskTracker,
    opened: Instant,
}

#[derive(Default)]
struct State {
    live: Option<Arc<Live>>,
    failed: Option<Failed>,
}

/// An attempt to connect that failed.
struct Failed {
    began: Instant,
    ended: Instant,
    error: StoreError,
}

/// A connection, to one run of the server.
pub(super) struct Live {
    connection: MultiplexedConnection,
    /// Which server it is to.
    to: Host,
    run: String,
    /// When it last answered, in milliseconds since [`Link::opened`].
    answered: AtomicU64,
    /// Whether a request waited in vain, so that nobody shall use it any more.
    dead: AtomicBool,
    /// How often the servers had been doubted when it was made.
    doubts: u64,
    waits: Waits,
}

/// What is asked.
pub(super) enum Request<'a> {
    /// One command.
    One(&'a Cmd),
    /// Several at once; an error of one is the error of all.
    Many(&'a Pipeline),
    /// A script.
    Script(&'a Call),
}

impl Link {
    /// A link to these servers, over which what is [written](Link::write) must reach so many replicas; nothing is
    /// connected yet.
    pub(super) fn new(servers: Arc<Servers>, replicas: u32) -> Self {
        Self { servers, replicas, state: Mutex::default(), under_way: TaskTracker::new(), opened: Instant::now() }
    }

    /// The servers.
    pub(super) fn servers(&self) -> &Servers {
        &self.servers
    }

    /// How many replicas must have received what is [written](Link::write).
    pub(super) fn replicas(&self) -> u32 {
        self.replicas
    }

    /// Asks, and reads the answer.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], or the answer cannot be read.
    pub(super) async fn ask<T: FromRedisValue>(&self, request: Request<'_>) -> Result<T, StoreError> {
        self.write(request, |_| false).await
    }

    /// Asks for something to be written. Where the answer says that this came about, by `done`, it is waited until as many
    /// replicas have received it as must.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`]; [`StoreError::NotReplicated`]: it is written all the same; or the answer cannot be
    /// read.
    pub(super) async fn write<T: FromRedisValue>(
        &self,
        request: Request<'_>,
        done: impl FnOnce(&T) -> bool,
    ) -> Result<T, StoreError> {
        if self.under_way.is_closed() {
            return Err(StoreError::Unavailable("it was closed".into()));
        }
        let _under_way = self.under_way.token();
        let deadline = Instant::now() + DEADLINE;
        let late = |_| StoreError::Unavailable(format!("no answer from Redis within {DEADLINE:?}"));
        let live = timeout_at(deadline, self.live()).await.map_err(late)??;
        let answer = self.ask_on(&live, deadline, ask(live.connection.clone(), request)).await?;
        let answer = T::from_redis_value(answer).map_err(|error| told(&RedisError::from(error)))?;
        if self.replicas > 0 && done(&answer) {
            let waited = live.waits.received(live.connection.clone(), self.replicas);
            let received = self.ask_on(&live, deadline, waited).await?;
            if received < self.replicas {
                return Err(StoreError::NotReplicated { received, wanted: self.replicas });
            }
        }
        Ok(answer)
    }

    /// Waits for what was asked on a connection, and judges this by what comes.
    async fn ask_on<T>(
        &self,
        live: &Live,
        deadline: Instant,
        asked: impl Future<Output = RedisResult<T>>,
    ) -> Result<T, StoreError> {
        let Ok(answer) = timeout_at(deadline, asked).await else {
            live.dead.store(true, Ordering::Relaxed);
            return Err(StoreError::Unavailable(format!("no answer from Redis within {DEADLINE:?}")));
        };
        // A server that takes no writes any more was a master until a moment ago: another one is by now.
        let lost = |error: &RedisError| {
            error.is_io_error() || error.is_unrecoverable_error() || error.code() == Some("READONLY")
        };
        if answer.as_ref().is_err_and(lost) {
            live.dead.store(true, Ordering::Relaxed);
        } else {
            live.answered.store(self.elapsed(), Ordering::Relaxed);
        }
        answer.map_err(|error| told(&error))
    }

    /// Which run of the server this is; changes with each of its starts. Empty where the server does not say.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub(super) async fn run(&self) -> Result<String, StoreError> {
        let late = |_| StoreError::Unavailable(format!("no connection to Redis within {DEADLINE:?}"));
        let live = timeout(DEADLINE, self.live()).await.map_err(late)??;
        Ok(live.run.clone())
    }

    /// A connection of its own, for who waits on the server's side.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], [`StoreError::NewerSchema`].
    pub(super) async fn separate(&self) -> Result<Connected, StoreError> {
        let Live { connection, to, .. } = self.connect().await?;
        Ok(Connected { connection, to })
    }

    /// Writes the schema where it is gone: a server that was flushed keeps its connections. Where a newer newswire has
    /// written another one, which this program does not know, nothing is asked of the server any more.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub(super) async fn keep_schema(&self) -> Result<(), StoreError> {
        let found: Option<u32> = self.ask(Request::One(redis::cmd("GET").arg(keys::SCHEMA))).await?;
        match found {
            None => self.ask(Request::One(redis::cmd("SETNX").arg(keys::SCHEMA).arg(SCHEMA))).await,
            Some(found) => {
                if found > SCHEMA {
                    // A new connection is refused for it.
                    self.servers.doubt();
                }
                Ok(())
            }
        }
    }

    /// Waits for what is under way; what is asked from now on is refused.
    pub(super) async fn close(&self) {
        self.under_way.close();
        self.under_way.wait().await;
        self.state.lock().await.live = None;
    }

    fn elapsed(&self) -> u64 {
        u64::try_from(self.opened.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// The connection, made if there is none that lives.
    async fn live(&self) -> Result<Arc<Live>, StoreError> {
        let came = Instant::now();
        let mut state = self.state.lock().await;
        if let Some(live) = &state.live {
            if self.lives(live).await {
                return Ok(Arc::clone(live));
            }
            state.live = None;
        }
        if let Some(failed) = &state.failed {
            // Who waited while another tried and failed has its answer.
            if failed.began >= came {
                return Err(failed.error.clone());
            }
            sleep_until(failed.ended + PAUSE).await;
        }
        let began = Instant::now();
        match self.connect().await {
            Ok(live) => {
                let live = Arc::new(live);
                *state = State { live: Some(Arc::clone(&live)), failed: None };
                Ok(live)
            }
            Err(error) => {
                state.failed = Some(Failed { began, ended: Instant::now(), error: error.clone() });
                Err(error)
            }
        }
    }

    async fn lives(&self, live: &Live) -> bool {
        if live.dead.load(Ordering::Relaxed)
            || live.doubts != self.servers.doubts()
            || self.servers.turned_from(&live.to)
        {
            return false;
        }
        let silent = self.elapsed().saturating_sub(live.answered.load(Ordering::Relaxed));
        if u128::from(silent) < SILENCE.as_millis() || live.waits.under_way() {
            return true;
        }
        let ping = redis::cmd("PING");
        let answer = timeout(SIGN_OF_LIFE, live.connection.clone().send_packed_command(&ping)).await;
        let lives = matches!(answer, Ok(Ok(_)));
        if lives {
            live.answered.store(self.elapsed(), Ordering::Relaxed);
        }
        lives
    }

    async fn connect(&self) -> Result<Live, StoreError> {
        let doubts = self.servers.doubts();
        let Connected { mut connection, to } = self.servers.connect().await?;
        let checked = timeout(CONNECTING, async {
            let run = Info::of(&mut connection, "server").await?.text("run_id").unwrap_or_default().to_owned();
            check_schema(&mut connection).await?;
            Ok::<_, StoreError>(run)
        });
        let late = |_| StoreError::Unavailable(format!("Redis says nothing within {CONNECTING:?} of connecting"));
        let run = checked.await.map_err(late)??;
        let (answered, dead) = (AtomicU64::new(self.elapsed()), AtomicBool::new(false));
        Ok(Live { connection, to, run, answered, dead, doubts, waits: Waits::default() })
    }
}

/// Refuses a store of a newer schema, and writes the schema where there is none.
async fn check_schema(connection: &mut MultiplexedConnection) -> Result<(), StoreError> {
    let get = redis::cmd("GET").arg(keys::SCHEMA).to_owned();
    let mut found: Option<u32> = get.query_async(connection).await.map_err(|error| told(&error))?;
    if found.is_none() {
        let set = redis::cmd("SETNX").arg(keys::SCHEMA).arg(SCHEMA).to_owned();
        () = set.query_async(connection).await.map_err(|error| told(&error))?;
        found = get.query_async(connection).await.map_err(|error| told(&error))?;
    }
    match found {
        Some(found) if found > SCHEMA => Err(StoreError::NewerSchema { found, known: SCHEMA }),
        _ => Ok(()),
    }
}

async fn ask(mut connection: MultiplexedConnection, request: Request<'_>) -> RedisResult<Value> {
    match request {
        Request::One(command) => connection.send_packed_command(command).await.and_then(Value::extract_error),
        Request::Many(pipeline) => pipeline.query_async(&mut connection).await,
        Request::Script(call) => {
            let answer = connection.send_packed_command(call.command()).await.and_then(Value::extract_error);
            match answer {
                Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) => {
                    connection.send_packed_command(&call.load()).await.and_then(Value::extract_error)?;
                    connection.send_packed_command(call.command()).await.and_then(Value::extract_error)
                }
                answer => answer,
            }
        }
    }
}

/// What an error is to the program: nearly always a server that is away or refuses, with its words.
pub(super) fn told(error: &RedisError) -> StoreError {
    let damaged = error.code() == Some("WRONGTYPE");
    match error.kind() {
        ErrorKind::Parse | ErrorKind::UnexpectedReturnType => StoreError::Corrupt(format!("Redis: {error}")),
        _ if damaged => StoreError::Corrupt(format!("Redis: {error}")),
        _ => match (error.code(), error.detail()) {
            (Some(code), Some(detail)) => StoreError::Unavailable(format!("Redis: {code} {detail}")),
            (Some(code), None) => StoreError::Unavailable(format!("Redis: {code}")),
            (None, _) => StoreError::Unavailable(format!("Redis: {error}")),
        },
    }
}

impl fmt::Debug for Link {
    /// Says nothing of the address, which may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Link(…)")
    }
}
