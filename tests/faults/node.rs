//! A node: the program as an operator runs it, started again by its supervisor whenever it ended, and killed by its
//! process id.

use std::{
    net::Ipv4Addr,
    path::{Path, PathBuf},
    process::Stdio,
    sync::Mutex,
    time::Duration,
};

use serde_json::Value;
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader},
    process::{Child, Command},
    time::timeout,
};

use crate::{
    link::{Far, Link},
    namespace::Namespace,
    support::port::Port,
    wire::Wire,
    world::{PATIENCE, until},
};

/// Where Debian keeps the library that gives a process another clock.
#[cfg(target_arch = "x86_64")]
const FAKETIME: &str = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1";
#[cfg(not(target_arch = "x86_64"))]
const FAKETIME: &str = "/usr/lib/aarch64-linux-gnu/faketime/libfaketimeMT.so.1";

/// A node, and the wires to it.
pub(crate) struct Node {
    dir: TempDir,
    port: Port,
    here: Ipv4Addr,
    /// Where it is, if not beside the test.
    pub(crate) network: Option<Namespace>,
    /// The options that name its store.
    store: Vec<String>,
    /// What its clock is ahead by, for a node whose clock can be set.
    clock: Option<PathBuf>,
    process: Mutex<Option<Child>>,
    /// The token that it printed last, as it does where it finds an empty store.
    token: Mutex<Option<String>>,
    client: reqwest::Client,
    /// To its Redis.
    pub(crate) wire: Option<Wire>,
    /// From its readers.
    pub(crate) street: Link,
    /// From its slow readers.
    pub(crate) lane: Link,
}

impl Node {
    /// One that keeps its feeds there, not yet started.
    pub(crate) async fn new(store: &[&str], wire: Option<Wire>, network: Option<Namespace>, settable: bool) -> Self {
        let dir = TempDir::new().expect("a temporary directory");
        let port = Port::any();
        let here = network.as_ref().map_or(Ipv4Addr::LOCALHOST, Namespace::here);
        let far = Far::at(here, port.number);
        let street = Link::between(Ipv4Addr::LOCALHOST, far.clone()).await;
        let lane = Link::between(Ipv4Addr::LOCALHOST, far.narrow()).await;
        let clock = settable.then(|| dir.path().join("clock"));
        let client = reqwest::Client::builder().timeout(Duration::from_secs(8)).build().expect("a client");
        let store = store.iter().map(|word| (*word).to_owned()).collect();
        let node = Self {
            dir,
            port,
            here,
            network,
            store,
            clock,
            process: Mutex::new(None),
            token: Mutex::new(None),
            client,
            wire,
            street,
            lane,
        };
        node.set_clock("+0");
        node
    }

    /// Starts the process; an error if it ended before it listened.
    pub(crate) async fn start(&self) -> Result<(), String> {
        self.start_as(self.command(&[])).await
    }

    /// The command that starts it; `before` are the words of a program that starts programs.
    pub(crate) fn command(&self, before: &[&str]) -> Command {
        // Writing beyond a limit of size is an error then, as on a full disk, and no signal.
        let mut command = Command::new("sh");
        command.args(["-c", "trap '' XFSZ; exec \"$@\"", "sh"]);
        if let Some(network) = &self.network {
            command.args(network.before());
        }
        command.args(before).arg(env!("CARGO_BIN_EXE_newswire"));
        let listen = format!("{}:{}", self.here, self.port.number);
        command.args(["--listen", &listen, "--drain", "2"]).args(&self.store);
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("NEWSWIRE_")) {
            command.env_remove(name);
        }
        if let Some(clock) = &self.clock {
            assert!(Path::new(FAKETIME).exists(), "libfaketime must be installed: {FAKETIME}");
            command.env("LD_PRELOAD", FAKETIME).env("FAKETIME_TIMESTAMP_FILE", clock);
            command.env("FAKETIME_CACHE_DURATION", "1").env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
        }
        command
    }

    /// Starts it by a command made from [`Node::command`].
    pub(crate) async fn start_as(&self, mut command: Command) -> Result<(), String> {
        let log = std::fs::File::options().append(true).create(true).open(self.dir.path().join("log"));
        command.env("RUST_LOG", "info").stdout(Stdio::piped()).stderr(log.expect("a log file")).kill_on_drop(true);
        let mut child = command.spawn().expect("newswire starts");
        let mut out = BufReader::new(child.stdout.take().expect("its output is piped"));
        let mut said = String::new();
        while !said.contains("API") {
            if out.read_line(&mut said).await.expect("its output can be read") == 0 {
                let status = child.wait().await.expect("our own child can be waited for");
                return Err(format!("{status}: {}", self.log().lines().last().unwrap_or_default()));
            }
        }
        // A new store's token is written together with the lines before it.
        if out.buffer().contains(&b'\n') {
            out.read_line(&mut said).await.expect("its output can be read");
        }
        tokio::spawn(async move { out.read_to_end(&mut Vec::new()).await });
        *self.process.lock().expect("no panic while it was held") = Some(child);
        if let Some(token) = said.split_whitespace().find(|word| word.starts_with("nw_")) {
            *self.token.lock().expect("no panic while it was held") = Some(token.to_owned());
        }
        Ok(())
    }

    /// Starts it as its supervisor does: again and again, until it stays.
    pub(crate) async fn supervised(&self) {
        until("the node stays up", async || self.start().await.is_ok()).await;
    }

    /// Ends it as `kill -9` does, and proves it: its process id, and how it ended.
    pub(crate) async fn kill(&self) -> String {
        let child = self.process.lock().expect("no panic while it was held").take();
        let mut child = child.expect("it is up");
        let id = child.id().expect("it was not waited for");
        child.start_kill().expect("our own child can be killed");
        let status = child.wait().await.expect("our own child can be waited for");
        format!("process {id} gone ({status})")
    }

    /// The token that it printed last.
    pub(crate) fn token(&self) -> Option<String> {
        self.token.lock().expect("no panic while it was held").clone()
    }

    /// Its process id.
    pub(crate) fn id(&self) -> u32 {
        let process = self.process.lock().expect("no panic while it was held");
        process.as_ref().expect("it is up").id().expect("it was not waited for")
    }

    /// How `/readyz` answers: a status, and what it says. None: nobody answers.
    pub(crate) async fn ready(&self) -> Option<(u16, Value)> {
        let answer = timeout(PATIENCE, self.client.get(self.url("/readyz")).send()).await.ok()?.ok()?;
        let status = answer.status().as_u16();
        Some((status, answer.json().await.ok()?))
    }

    /// Waits until it is ready.
    pub(crate) async fn green(&self) {
        until("the node is ready", async || matches!(self.ready().await, Some((200, _)))).await;
    }

    /// Sets its clock ahead by this, `-600` say, in seconds.
    pub(crate) fn set_clock(&self, ahead: &str) {
        if let Some(clock) = &self.clock {
            // Written whole or not at all, as it may be read at any moment.
            let new = clock.with_extension("new");
            std::fs::write(&new, format!("{ahead}\n")).expect("the clock can be written");
            std::fs::rename(new, clock).expect("the clock can be set");
        }
    }

    /// An address on it, without a wire between.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}:{}{path}", self.here, self.port.number)
    }

    /// What it has logged.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("log")).unwrap_or_default()
    }
}
