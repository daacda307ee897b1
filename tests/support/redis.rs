//! A real redis-server with a directory and a port of its own, ended by its process id when dropped.
//!
//! The program is `redis-server`, or what `REDIS_SERVER` names (Valkey, say). It keeps an append-only file and
//! brings each change to the disk at once, so that it can be killed and started again without loss: with `everysec`, a
//! change may wait in the process itself for up to two seconds while the disk is slow.

use std::{
    io::{Read, Write},
    net::{Ipv4Addr, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Mutex,
    time::Duration,
};

use tempfile::TempDir;

use super::port::Port;

/// A redis-server.
pub(crate) struct RedisServer {
    dir: TempDir,
    port: Port,
    /// Settings beyond the usual ones.
    settings: Vec<String>,
    /// None while it is down.
    process: Mutex<Option<Child>>,
}

impl RedisServer {
    /// Starts an empty one and waits until it answers.
    pub(crate) fn start() -> Self {
        Self::start_as(&[])
    }

    /// The same, with these settings as on its command line.
    pub(crate) fn start_as(settings: &[&str]) -> Self {
        let settings: Vec<_> = settings.iter().map(|setting| (*setting).to_owned()).collect();
        // Another process may take the port between finding it free and using it: then another is tried.
        for _ in 0..10 {
            let dir = TempDir::new().expect("a temporary directory");
            let server = Self { dir, port: Port::any(), settings: settings.clone(), process: Mutex::new(None) };
            if server.try_up() {
                return server;
            }
        }
        panic!("redis-server does not start; it must be installed, or named by REDIS_SERVER");
    }

    /// Starts a replica of this one and waits until it has received everything.
    pub(crate) async fn start_replica(&self) -> Self {
        let replica = Self::start_as(&["--replicaof", "127.0.0.1", &self.port().to_string()]);
        super::until("the replica has everything", async || {
            replica.say::<String>(&["INFO", "replication"]).await.contains("master_link_status:up")
        })
        .await;
        replica
    }

    /// Its port.
    pub(crate) fn port(&self) -> u16 {
        self.port.number
    }

    /// Where it listens, as `newswire --store` takes it.
    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port.number)
    }

    /// The same, as a store takes it.
    pub(crate) fn settings(&self) -> newswire::store::redis::Settings {
        self.url().parse().expect("an address")
    }

    /// Where it keeps its files.
    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// Starts it again on the same port and files, and waits until it has loaded them.
    pub(crate) fn up(&self) {
        assert!(self.try_up(), "redis-server does not start again");
    }

    /// Ends it as `kill -9` does.
    pub(crate) fn kill(&self) {
        if let Some(mut process) = self.process.lock().expect("no panic while it was held").take() {
            process.kill().expect("our own child can be killed");
            process.wait().expect("our own child can be waited for");
        }
    }

    /// Keeps a copy of its files as they are, whatever happens to them later.
    pub(crate) fn copy_files(&self) {
        copy(&self.files(), &self.dir.path().join("copy"));
    }

    /// Puts the copy in the place of its files, as a restored backup. It is down meanwhile.
    pub(crate) fn put_copy_back(&self) {
        std::fs::remove_dir_all(self.files()).expect("our own files can be removed");
        copy(&self.dir.path().join("copy"), &self.files());
    }

    /// Where its append-only file lies.
    pub(crate) fn files(&self) -> PathBuf {
        self.dir.path().join("appendonlydir")
    }

    /// Sends a command as `redis-cli` does; it must be answered without an error.
    pub(crate) fn command(&self, words: &[&str]) {
        let sent = Command::new("redis-cli").args(["-e", "-p", &self.port.number.to_string()]).args(words).output();
        let sent = sent.expect("redis-cli is installed");
        assert!(sent.status.success(), "{words:?}: {}", String::from_utf8_lossy(&sent.stdout));
    }

    /// Stops it as it stands: connections stay open and nothing is answered, until [`RedisServer::resume`].
    pub(crate) fn pause(&self) {
        self.signal("-STOP");
    }

    /// Lets it go on.
    pub(crate) fn resume(&self) {
        self.signal("-CONT");
    }

    /// Its process id.
    pub(crate) fn id(&self) -> u32 {
        self.process.lock().expect("no panic while it was held").as_ref().expect("the server is up").id()
    }

    /// Whether it is a replica by its own word. A Sentinel that makes it one cuts its connections.
    pub(crate) async fn is_replica(&self) -> bool {
        let client = redis::Client::open(self.url()).expect("an address");
        let Ok(mut connection) = client.get_multiplexed_async_connection().await else { return false };
        let told: redis::RedisResult<String> = redis::cmd("INFO").arg("replication").query_async(&mut connection).await;
        told.is_ok_and(|told| told.contains("role:slave"))
    }

    /// Says what only an operator would, and returns the answer.
    pub(crate) async fn say<T: redis::FromRedisValue>(&self, words: &[&str]) -> T {
        let patient = redis::AsyncConnectionConfig::new().set_response_timeout(Some(super::PATIENCE));
        let client = redis::Client::open(self.url()).expect("an address");
        let connection = client.get_multiplexed_async_connection_with_config(&patient).await;
        let mut connection = connection.expect("the server is there");
        let answer = redis::cmd(words[0]).arg(&words[1..]).query_async(&mut connection).await;
        answer.expect("the server does as it is told")
    }

    fn signal(&self, signal: &str) {
        let id = self.id().to_string();
        let sent = Command::new("kill").args([signal, &id]).status().expect("kill is installed");
        assert!(sent.success(), "kill {signal} {id}");
    }

    /// Starts the process. False if it ended before it answered: its port is taken, most likely.
    fn try_up(&self) -> bool {
        let program = program();
        let mut process = Command::new(&program)
            .args(["--port", &self.port.number.to_string(), "--bind", "127.0.0.1", "--dir"])
            .arg(self.dir.path())
            .args([
                "--appendonly",
                "yes",
                "--appendfsync",
                "always",
                "--save",
                "",
                "--daemonize",
                "no",
                "--logfile",
                "redis.log",
            ])
            .args(&self.settings)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("{program} does not start: {error}"));
        while process.try_wait().expect("our own child can be asked").is_none() {
            if self.answers(process.id()) {
                *self.process.lock().expect("no panic while it was held") = Some(process);
                return true;
            }
            std::thread::park_timeout(Duration::from_millis(5));
        }
        false
    }

    /// Whether the process with this id answers at our port, and has loaded its files.
    fn answers(&self, id: u32) -> bool {
        let ask = || -> std::io::Result<bool> {
            let mut socket = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port.number))?;
            socket.set_read_timeout(Some(Duration::from_secs(1)))?;
            socket.write_all(b"INFO server\r\nPING\r\nQUIT\r\n")?;
            let mut answer = String::new();
            socket.read_to_string(&mut answer)?;
            Ok(answer.contains(&format!("process_id:{id}\r\n")) && answer.contains("+PONG"))
        };
        ask().unwrap_or(false)
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The program that is a redis-server, and, told so, a Sentinel.
pub(super) fn program() -> String {
    std::env::var("REDIS_SERVER").unwrap_or_else(|_| "redis-server".to_owned())
}

/// Copies a directory of plain files.
fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a directory can be made");
    for entry in std::fs::read_dir(from).expect("a directory of files") {
        let path = entry.expect("an entry").path();
        std::fs::copy(&path, to.join(path.file_name().expect("a file has a name"))).expect("a file can be copied");
    }
}
