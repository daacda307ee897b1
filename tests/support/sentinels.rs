//! Real Sentinels, three of them, each a process with a port and a directory of its own, ended by its id when dropped.
//! They are quick to judge: a master that says nothing for half a second is down, and two of them decide it.

use std::{
    fs,
    net::{Ipv4Addr, TcpStream},
    process::{Child, Command, Stdio},
    sync::Mutex,
    time::Duration,
};

use tempfile::TempDir;

use super::{
    port::Port,
    redis::{RedisServer, program},
    until,
};

/// The name under which they watch their master.
pub(crate) const NAME: &str = "news";

/// The address of Sentinels at these ports, as `newswire --store` takes it.
pub(crate) fn url(ports: impl Iterator<Item = u16>) -> String {
    let at: Vec<_> = ports.map(|port| format!("127.0.0.1:{port}")).collect();
    format!("redis+sentinel://{}/{NAME}", at.join(","))
}

/// The three.
pub(crate) struct Sentinels {
    all: Vec<Sentinel>,
}

/// One of them.
pub(crate) struct Sentinel {
    dir: TempDir,
    port: Port,
    process: Mutex<Option<Child>>,
}

impl Sentinels {
    /// Starts them over a master and its replicas, and waits until they know each other and these.
    pub(crate) async fn over(master: &RedisServer, replicas: usize) -> Self {
        let sentinels = Self { all: (0..3).map(|_| Sentinel::over(master.port(), &[])).collect() };
        for sentinel in &sentinels.all {
            until("the Sentinels know each other", async || {
                let facts = sentinel.facts().await;
                facts("num-other-sentinels") == "2" && facts("num-slaves") == replicas.to_string()
            })
            .await;
        }
        sentinels
    }

    /// Their address, as `newswire --store` takes it.
    pub(crate) fn url(&self) -> String {
        url(self.ports())
    }

    /// Their ports.
    pub(crate) fn ports(&self) -> impl Iterator<Item = u16> {
        self.all.iter().map(Sentinel::port)
    }

    /// One of them.
    pub(crate) fn one(&self, index: usize) -> &Sentinel {
        &self.all[index]
    }

    /// Waits until all of those that are up name this server as the master.
    pub(crate) async fn name(&self, master: &RedisServer) {
        for sentinel in self.all.iter().filter(|one| one.is_up()) {
            until("the Sentinels name the master", async || sentinel.named().await == master.port()).await;
        }
    }
}

impl Sentinel {
    /// Starts one over the master at this port, with further lines in its settings.
    pub(crate) fn over(master: u16, lines: &[&str]) -> Self {
        let dir = TempDir::new().expect("a temporary directory");
        let sentinel = Self { dir, port: Port::any(), process: Mutex::default() };
        sentinel.write_settings(master, lines);
        sentinel.up();
        sentinel
    }

    /// Ends it as `kill -9` does.
    pub(crate) fn kill(&self) {
        if let Some(mut process) = self.process.lock().expect("no panic while it was held").take() {
            process.kill().expect("our own child can be killed");
            process.wait().expect("our own child can be waited for");
        }
    }

    /// Starts it, again with what it knew, and waits until it listens.
    pub(crate) fn up(&self) {
        let mut process = Command::new(program())
            .arg(self.dir.path().join("sentinel.conf"))
            .arg("--sentinel")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("a Sentinel starts");
        while TcpStream::connect((Ipv4Addr::LOCALHOST, self.port.number)).is_err() {
            assert!(process.try_wait().expect("our own child can be asked").is_none(), "the Sentinel has ended");
            std::thread::park_timeout(Duration::from_millis(5));
        }
        *self.process.lock().expect("no panic while it was held") = Some(process);
    }

    /// Stops it as it stands, until [`Sentinel::resume`].
    pub(crate) fn pause(&self) {
        self.signal("-STOP");
    }

    /// Lets it go on.
    pub(crate) fn resume(&self) {
        self.signal("-CONT");
    }

    /// Its port.
    pub(crate) fn port(&self) -> u16 {
        self.port.number
    }

    /// Says what only an operator would, and returns the answer.
    pub(crate) async fn say<T: redis::FromRedisValue>(&self, words: &[&str]) -> T {
        let client = redis::Client::open(format!("redis://127.0.0.1:{}", self.port.number)).expect("an address");
        let mut connection = client.get_multiplexed_async_connection().await.expect("the Sentinel is there");
        let answer = redis::cmd(words[0]).arg(&words[1..]).query_async(&mut connection).await;
        answer.expect("the Sentinel does as it is told")
    }

    fn is_up(&self) -> bool {
        self.process.lock().expect("no panic while it was held").is_some()
    }

    fn signal(&self, signal: &str) {
        let process = self.process.lock().expect("no panic while it was held");
        let id = process.as_ref().expect("the Sentinel is up").id().to_string();
        let sent = Command::new("kill").args([signal, &id]).status().expect("kill is installed");
        assert!(sent.success(), "kill {signal} {id}");
    }

    fn write_settings(&self, master: u16, lines: &[&str]) {
        let settings = format!(
            "port {}\nbind 127.0.0.1\ndir {}\nsentinel monitor {NAME} 127.0.0.1 {master} 2\n\
             sentinel down-after-milliseconds {NAME} 500\nsentinel failover-timeout {NAME} 3000\n{}\n",
            self.port.number,
            self.dir.path().display(),
            lines.join("\n"),
        );
        fs::write(self.dir.path().join("sentinel.conf"), settings).expect("a file is written");
    }

    /// What it knows of the master, by name.
    async fn facts(&self) -> impl Fn(&str) -> String + use<> {
        let facts: std::collections::HashMap<String, String> = self.say(&["SENTINEL", "MASTER", NAME]).await;
        move |name| facts.get(name).cloned().unwrap_or_default()
    }

    /// The port of the server that it names as the master.
    async fn named(&self) -> u16 {
        self.say::<(String, u16)>(&["SENTINEL", "GET-MASTER-ADDR-BY-NAME", NAME]).await.1
    }
}

impl Drop for Sentinel {
    fn drop(&mut self) {
        self.kill();
    }
}
