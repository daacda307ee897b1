//! A real newswire, started as an operator starts it: the program itself, on a free port, with a directory of its own,
//! ended by its process id when dropped.

use std::{
    io::{BufRead as _, BufReader, Read as _},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::Mutex,
    time::Duration,
};

use reqwest::{Method, RequestBuilder, Response};
use serde_json::Value;
use tempfile::TempDir;
use tokio::time::Instant;

use super::{PATIENCE, port::Port, redis::RedisServer};

/// The feed that a first run creates.
pub(crate) const FEED: &str = "news-feed";

/// Which store a server keeps its feeds in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kept {
    Sqlite,
    Redis,
}

/// A server and its store.
pub(crate) struct Server {
    dir: TempDir,
    redis: Option<std::sync::Arc<RedisServer>>,
    /// The options that name its store, where a test looks after that itself.
    given: Vec<(&'static str, PathBuf)>,
    /// None while it is down.
    process: Mutex<Option<Child>>,
    port: Port,
    /// The editor's token that the first run printed.
    pub(crate) token: String,
    pub(crate) client: reqwest::Client,
}

impl Server {
    /// Starts one on a new store and waits until it answers.
    pub(crate) async fn start(kept: Kept) -> Self {
        let redis = (kept == Kept::Redis).then(|| std::sync::Arc::new(RedisServer::start()));
        Self::start_on(redis, Vec::new(), None).await
    }

    /// Starts one on a store that the test looks after itself, named by these options; with the editor's token if that
    /// store is not new.
    pub(crate) async fn start_at(options: &[(&'static str, &str)], token: Option<&str>) -> Self {
        let given = options.iter().map(|(option, value)| (*option, PathBuf::from(value))).collect();
        Self::start_on(None, given, token.map(ToOwned::to_owned)).await
    }

    /// Starts another node on the same Redis.
    pub(crate) async fn beside(&self) -> Self {
        let redis = self.redis.clone().expect("only Redis takes more than one node");
        Self::start_on(Some(redis), Vec::new(), Some(self.token.clone())).await
    }

    async fn start_on(
        redis: Option<std::sync::Arc<RedisServer>>,
        given: Vec<(&'static str, PathBuf)>,
        token: Option<String>,
    ) -> Self {
        // Installing it twice is an error that says that it is there.
        let _there = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().timeout(PATIENCE).build().expect("a client");
        let dir = TempDir::new().expect("a temporary directory");
        let mut server =
            Self { dir, redis, given, process: Mutex::new(None), port: Port::any(), token: String::new(), client };
        let said = server.spawn(&mut server.command());
        server.token = token.unwrap_or_else(|| token_of(&said).expect("a first run prints a token"));
        server.ready().await;
        server
    }

    /// The command that starts it, for a test to add to.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_newswire"));
        command.args(["--listen", &format!("127.0.0.1:{}", self.port.number), "--drain", "10"]);
        // A stop tells all readers at once, unless a test says otherwise with an option, which wins.
        command.env("NEWSWIRE_SPREAD", "0");
        for (option, value) in self.place() {
            command.arg(option).arg(value);
        }
        command
    }

    /// The options that name its store, for the command line beside it.
    pub(crate) fn place(&self) -> Vec<(&'static str, PathBuf)> {
        match &self.redis {
            _ if !self.given.is_empty() => self.given.clone(),
            Some(redis) => vec![("--store", redis.url().into())],
            None => vec![("--data", self.data())],
        }
    }

    /// Where an SQLite store is.
    pub(crate) fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    /// Its Redis.
    pub(crate) fn redis(&self) -> &RedisServer {
        self.redis.as_deref().expect("a server on Redis")
    }

    /// The directory with all files of its store.
    pub(crate) fn files(&self) -> &Path {
        self.redis.as_ref().map_or(self.dir.path(), |redis| redis.dir())
    }

    /// Starts the process and returns the lines that it announces itself with.
    fn spawn(&self, command: &mut Command) -> Vec<String> {
        let log = std::fs::File::options().append(true).create(true).open(self.dir.path().join("log"));
        let mut child = command
            .env("RUST_LOG", std::env::var("RUST_LOG").unwrap_or_else(|_| "info".to_owned()))
            .stdout(Stdio::piped())
            .stderr(log.expect("a log file"))
            .spawn()
            .expect("newswire starts");
        let mut out = BufReader::new(child.stdout.take().expect("its output is piped"));
        let mut said = Vec::new();
        while !said.iter().any(|line: &String| line.contains("API")) {
            let mut line = String::new();
            let read = out.read_line(&mut line).expect("its output can be read");
            assert!(read > 0, "newswire ended before it listened: {}", self.log());
            said.push(line);
        }
        // The lines after it, if there are any, are written together with it.
        while out.buffer().contains(&b'\n') {
            let mut line = String::new();
            out.read_line(&mut line).expect("its output can be read");
            said.push(line);
        }
        // Whatever it says later must find a reader.
        std::thread::spawn(move || out.read_to_end(&mut Vec::new()));
        *self.process.lock().expect("no panic while it was held") = Some(child);
        said
    }

    /// Starts it again on the same port and store, and returns the lines that it announces itself with.
    pub(crate) async fn up(&self) -> Vec<String> {
        self.up_as(&mut self.command()).await
    }

    /// Starts it again by a command made from [`Server::command`].
    pub(crate) async fn up_as(&self, command: &mut Command) -> Vec<String> {
        let said = self.spawn(command);
        self.ready().await;
        said
    }

    async fn ready(&self) {
        let answered = async || self.get("/readyz").await.is_ok_and(|answer| answer.status() == 200);
        super::until("the server is ready", answered).await;
    }

    /// Ends it as `kill -9` does.
    pub(crate) fn kill(&self) {
        if let Some(mut child) = self.process.lock().expect("no panic while it was held").take() {
            child.kill().expect("our own child can be killed");
            child.wait().expect("our own child can be waited for");
        }
    }

    /// Stops it as it stands, until [`Server::resume`].
    pub(crate) fn pause(&self) {
        self.signal("-STOP");
    }

    /// Lets it go on.
    pub(crate) fn resume(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, signal: &str) {
        let sent = Command::new("kill").args([signal, &self.id().to_string()]).status().expect("kill is installed");
        assert!(sent.success(), "kill {signal}");
    }

    /// Runs the program beside the server, on the same store, and returns what it prints.
    pub(crate) fn beside_it(&self, words: &[&str]) -> String {
        let mut command = Command::new(env!("CARGO_BIN_EXE_newswire"));
        command.args(words);
        for (option, value) in self.place() {
            command.arg(option).arg(value);
        }
        let ran = command.output().expect("newswire runs");
        assert!(ran.status.success(), "{words:?}: {}", String::from_utf8_lossy(&ran.stderr));
        String::from_utf8(ran.stdout).expect("text").trim().to_owned()
    }

    /// Makes a token that allows this (`--can read`, say), and names it `test-0`, `test-1`, ….
    pub(crate) fn token(&self, allows: &[&str]) -> String {
        let made = self.beside_it(&["token", "list"]).matches("test-").count();
        self.beside_it(&[&["token", "create", &format!("test-{made}")], allows].concat())
    }

    /// Its process id.
    pub(crate) fn id(&self) -> u32 {
        self.process.lock().expect("no panic while it was held").as_ref().expect("it is up").id()
    }

    /// Tells it to stop, as `kill` does, and waits until it has.
    pub(crate) async fn stop(&self) -> ExitStatus {
        self.signal("-TERM");
        let mut child = self.process.lock().expect("no panic while it was held").take().expect("it is up");
        let begun = Instant::now();
        loop {
            if let Some(status) = child.try_wait().expect("our own child can be asked") {
                return status;
            }
            assert!(begun.elapsed() < PATIENCE, "the server does not stop: {}", self.log());
            tokio::time::timeout(Duration::from_millis(10), std::future::pending::<()>()).await.ok();
        }
    }

    /// What it has logged.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("log")).unwrap_or_default()
    }

    /// An address on it.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port.number)
    }

    /// Its port.
    pub(crate) fn port(&self) -> u16 {
        self.port.number
    }

    /// A request without a token.
    pub(crate) async fn get(&self, path: &str) -> reqwest::Result<Response> {
        self.client.get(self.url(path)).send().await
    }

    /// What a request without a token is answered with; it must be 200.
    pub(crate) async fn read(&self, path: &str) -> Value {
        let answer = self.get(path).await.expect("the server answers");
        let status = answer.status();
        let body = answer.text().await.expect("a body");
        assert_eq!(status, 200, "{path}: {body}");
        serde_json::from_str(&body).expect("JSON")
    }

    /// An editor's request below the feed: `items`, `items/ID/retract`.
    pub(crate) fn edit(&self, method: Method, path: &str) -> RequestBuilder {
        let url = self.url(&format!("/v1/feeds/{FEED}/{path}"));
        self.client.request(method, url).bearer_auth(&self.token)
    }

    /// Publishes an item; the answer must be 201.
    pub(crate) async fn publish(&self, item: &Value) -> Value {
        accepted(self.edit(Method::POST, "items").json(item).send().await).await
    }

    /// Does something to an item that needs no `If-Match`.
    pub(crate) async fn act(&self, id: &str, verb: &str, body: &Value) -> Value {
        accepted(self.edit(Method::POST, &format!("items/{id}/{verb}")).json(body).send().await).await
    }

    /// Changes fields of an item, whatever its version.
    pub(crate) async fn patch(&self, id: &str, etag: &str, fields: &Value) -> Value {
        let request = self.edit(Method::PATCH, &format!("items/{id}")).header("If-Match", etag).json(fields);
        accepted(request.send().await).await
    }

    /// All items that the pages of the feed list, pinned ones first.
    pub(crate) async fn items(&self) -> Vec<Value> {
        let (mut items, mut before) = (Vec::new(), String::new());
        loop {
            let page = self.read(&format!("/v1/feeds/{FEED}/items?limit=200{before}")).await;
            items.extend(page["items"].as_array().expect("items").iter().cloned());
            match page.get("before") {
                Some(cursor) => before = format!("&before={}", cursor.as_str().expect("a cursor")),
                None => return items,
            }
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            eprintln!("--- the server's log ---\n{}", self.log());
        }
    }
}

/// An answer of an editor's door that accepted something: its JSON, with the ETag under `etag`.
pub(crate) async fn accepted(answer: reqwest::Result<Response>) -> Value {
    let answer = answer.expect("the server answers");
    let status = answer.status();
    let etag = answer.headers().get("etag").map(|tag| tag.to_str().expect("text").to_owned());
    let body = answer.text().await.expect("a body");
    assert!(status.is_success(), "{status}: {body}");
    let mut json: Value = serde_json::from_str(&body).expect("JSON");
    json["etag"] = etag.into();
    json
}

fn token_of(said: &[String]) -> Option<String> {
    let words = said.iter().flat_map(|line| line.split_whitespace());
    words.map(ToOwned::to_owned).find(|word| word.starts_with("nw_"))
}
