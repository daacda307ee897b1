//! What a round happens in: a store, the nodes on it, and the wires between them and to their readers.

use std::{
    net::Ipv4Addr,
    path::PathBuf,
    sync::{Arc, Mutex, OnceLock},
    time::Duration,
};

use tempfile::TempDir;
use tokio::{process::Command, sync::MutexGuard, time::Instant};

use crate::{
    fault::Layer,
    namespace::Namespace,
    node::Node,
    reader::Reader,
    record::Record,
    support::{self, redis::RedisServer, sentinels::Sentinels, server::FEED},
    wire::Wire,
};

/// How long a round waits for a fact. Several rounds share the machine with whatever else is tested there; what has to
/// be quick is measured, and does not hang on this.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Waits until this holds.
pub(crate) async fn until<F: AsyncFnMut() -> bool>(what: &str, fact: F) {
    support::within(PATIENCE, what, fact).await;
}

/// A directory for the tests' files that is not in memory.
pub(crate) const ON_DISK: &str = env!("CARGO_TARGET_TMPDIR");

/// Where a round keeps its feeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kept {
    /// In an SQLite file.
    Sqlite,
    /// In a Redis that brings each change to its disk before it answers.
    Always,
    /// In a Redis that does so every second.
    EverySecond,
    /// In a Redis with a replica, found through Sentinels.
    Sentinels,
    /// The same, and nothing is acknowledged that the replica has not received.
    Acknowledged,
}

impl Kept {
    /// What the tables call it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite",
            Self::Always => "Redis, always",
            Self::EverySecond => "Redis, everysec",
            Self::Sentinels => "Redis with a replica and Sentinels",
            Self::Acknowledged => "the same with --ack-replicas 1",
        }
    }
}

/// What a store keeps of what was written to it, whatever is going to be done to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Word {
    /// Everything.
    Kept,
    /// What was acknowledged. What readers were shown before may be gone, and is told.
    KeptToEditors,
    /// Not even that.
    Broken,
}

/// What is special about a world.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub(crate) kept: Kept,
    pub(crate) nodes: usize,
    pub(crate) word: Word,
    /// Whether the nodes' clocks can be set.
    pub(crate) settable: bool,
    /// Whether the last node is in a network of its own.
    pub(crate) networked: bool,
    /// Whether the store's files shall be sealed.
    pub(crate) sealable: bool,
}

/// A store and its nodes.
pub(crate) struct World {
    pub(crate) plan: Plan,
    pub(crate) nodes: Vec<Node>,
    pub(crate) record: Record,
    /// Who reads here.
    pub(crate) readers: OnceLock<Vec<Arc<Reader>>>,
    /// One for each layer, so that two faults that break the same thing follow one another.
    turns: [tokio::sync::Mutex<()>; 4],
    redis: Option<RedisServer>,
    /// What may take its place, and who decides that.
    replica: Option<RedisServer>,
    sentinels: Option<Sentinels>,
    data: TempDir,
    token: Mutex<String>,
}

impl World {
    /// A new one, all of it up.
    pub(crate) async fn new(plan: Plan) -> Self {
        // Not every file system can seal files; the temporary directory may be in memory.
        let data = if plan.sealable { TempDir::new_in(ON_DISK) } else { TempDir::new() };
        let data = data.expect("a temporary directory");
        let redis = match plan.kept {
            Kept::Sqlite => None,
            Kept::Always | Kept::Sentinels | Kept::Acknowledged => {
                Some(RedisServer::start_as(&["--enable-debug-command", "yes"]))
            }
            Kept::EverySecond => {
                Some(RedisServer::start_as(&["--enable-debug-command", "yes", "--appendfsync", "everysec"]))
            }
        };
        let (mut replica, mut sentinels) = (None, None);
        if let (Kept::Sentinels | Kept::Acknowledged, Some(master)) = (plan.kept, &redis) {
            replica = Some(master.start_replica().await);
            sentinels = Some(Sentinels::over(master, 1).await);
        }
        let mut nodes = Vec::new();
        for number in 0..plan.nodes {
            let networked = plan.networked && number == plan.nodes - 1;
            let network = networked.then(|| Namespace::new().expect("a network can be made"));
            let wire = match (&redis, &replica, &sentinels) {
                (Some(master), Some(replica), Some(sentinels)) => {
                    Some(Wire::through(sentinels, &[master.port(), replica.port()]).await)
                }
                (Some(redis), ..) => {
                    let at = network.as_ref().map_or(Ipv4Addr::LOCALHOST, Namespace::store);
                    Some(Wire::to(redis.port(), at).await)
                }
                (None, ..) => None,
            };
            let copies = if plan.kept == Kept::Acknowledged { "1" } else { "0" };
            let address = wire.as_ref().map(Wire::url);
            let file = data.path().join("data");
            let store = match &address {
                Some(address) => vec!["--store", address, "--ack-replicas", copies],
                None => vec!["--data", file.to_str().expect("a path of text")],
            };
            nodes.push(Node::new(&store, wire, network, plan.settable).await);
        }
        let mut world = Self {
            plan,
            nodes,
            record: Record::default(),
            readers: OnceLock::new(),
            turns: Default::default(),
            redis,
            replica,
            sentinels,
            data,
            token: Mutex::default(),
        };
        for (number, node) in world.nodes.iter().enumerate() {
            node.start().await.expect("newswire starts");
            if number == 0 {
                world.token = Mutex::new(node.token().expect("a first run prints a token"));
            }
            node.green().await;
        }
        world
    }

    /// The store's Redis.
    pub(crate) fn redis(&self) -> &RedisServer {
        self.redis.as_ref().expect("a store on Redis")
    }

    /// Its replica.
    pub(crate) fn replica(&self) -> &RedisServer {
        self.replica.as_ref().expect("a store with a replica")
    }

    /// Its Sentinels.
    pub(crate) fn sentinels(&self) -> &Sentinels {
        self.sentinels.as_ref().expect("a store with Sentinels")
    }

    /// The directory of an SQLite store.
    pub(crate) fn data(&self) -> PathBuf {
        self.data.path().join("data")
    }

    /// Whether the store may lose what was acknowledged.
    pub(crate) fn may_lose(&self) -> bool {
        self.plan.word == Word::Broken
    }

    /// The editors' token, as it is now.
    pub(crate) fn token(&self) -> String {
        self.token.lock().expect("no panic while it was held").clone()
    }

    /// The operator makes the feed and the token anew, under its old name, to which idempotency keys belong. A node that
    /// started meanwhile may have done that, and told the token.
    pub(crate) async fn lay_out(&self) {
        let _there = self.operator(&["feed", "create", FEED, "--title", "News"]).await;
        let token = match self.operator(&["token", "create", "editor", "--can", "publish"]).await {
            Ok(token) => token.trim().to_owned(),
            Err(words) => self.nodes.iter().find_map(Node::token).expect(&words),
        };
        *self.token.lock().expect("no panic while it was held") = token;
    }

    /// Runs the program beside the nodes, on the same store, and returns what it prints.
    pub(crate) async fn operator(&self, words: &[&str]) -> Result<String, String> {
        let mut command = Command::new(env!("CARGO_BIN_EXE_newswire"));
        command.args(words);
        match &self.redis {
            Some(redis) => command.args(["--store", &redis.url()]),
            None => command.arg("--data").arg(self.data()),
        };
        let ran = command.output().await.expect("newswire runs");
        let (out, err) = (String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
        if ran.status.success() { Ok(out.into_owned()) } else { Err(err.into_owned()) }
    }

    /// The turn of whoever breaks this.
    pub(crate) async fn turn(&self, layer: Layer) -> MutexGuard<'_, ()> {
        self.turns[layer as usize].lock().await
    }

    /// Waits until every reader that had a stream open at this node then was told that something is amiss, or was cut
    /// off; and says how many these are.
    pub(crate) async fn told(&self, node: usize, since: Instant) -> usize {
        let readers = self.readers.get().expect("readers came before anything broke");
        let there =
            |reader: &&Arc<Reader>| reader.look(|seen| seen.was_at(since) == Some(node) && !seen.was_stale(since));
        let open: Vec<_> = readers.iter().filter(|reader| reader.is_stream()).filter(there).collect();
        for reader in &open {
            let what = format!("the {} is told that the store is away", reader.name);
            until(&what, async || reader.look(|seen| seen.told_since(since).is_some())).await;
        }
        open.len()
    }

    /// Waits until so many more changes were acknowledged.
    pub(crate) async fn more(&self, changes: usize) {
        let enough = self.record.count() + changes;
        until("editors go on", async || self.record.count() >= enough).await;
    }

    /// Waits until every node is ready again.
    pub(crate) async fn green(&self) {
        for node in &self.nodes {
            node.green().await;
        }
    }
}
