//! The real server, as an operator starts it: the program that cargo has built, on a free port, with a directory of its
//! own, and with its log in a file.

use std::{
    env,
    fs::File,
    io::{BufRead as _, BufReader, Read as _},
    net::SocketAddr,
    process::{Command, Stdio},
};

use tempfile::TempDir;

use super::{Fallible, child::Child, http, redis::RedisServer};

/// The feed that a first run creates.
pub(crate) const FEED: &str = "news-feed";

/// A server on a new store.
pub(crate) struct Newswire {
    process: Child,
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// An editor's token.
    pub(crate) token: String,
    _redis: Option<RedisServer>,
    _dir: TempDir,
}

impl Newswire {
    /// Starts one that keeps its feeds in SQLite, or in a Redis that it takes over.
    ///
    /// # Errors
    /// It ends before it listens: the failure carries its log.
    pub(crate) fn start(redis: Option<RedisServer>) -> Fallible<Self> {
        let dir = TempDir::new()?;
        let log = dir.path().join("log");
        let mut command = Command::new(env!("CARGO_BIN_EXE_newswire"));
        for (name, _) in env::vars_os() {
            // It runs by its defaults, whatever this shell is set up for.
            if name.to_string_lossy().starts_with("NEWSWIRE_") {
                command.env_remove(name);
            }
        }
        command.args(["--listen", "127.0.0.1:0"]).stdout(Stdio::piped()).stderr(File::create(&log)?);
        match &redis {
            Some(redis) => command.args(["--store", &redis.url()]),
            None => command.arg("--data").arg(dir.path().join("data")),
        };
        let mut process = Child::start(&mut command)?;
        let mut said = BufReader::new(process.output().ok_or("its output is piped")?);
        let mut word = |mark: &str| -> Fallible<String> {
            let mut line = String::new();
            while said.read_line(&mut line)? > 0 {
                if let Some(word) = line.split_whitespace().find(|word| word.starts_with(mark)) {
                    return Ok(word.to_owned());
                }
                line.clear();
            }
            let log = std::fs::read_to_string(&log).unwrap_or_default();
            Err(format!("newswire ended before it said {mark}…:\n{log}").into())
        };
        let page = word("http://")?;
        let token = word("nw_")?;
        // Whatever it says later must find a reader.
        std::thread::spawn(move || said.read_to_end(&mut Vec::new()));
        let address = page.trim_start_matches("http://").trim_end_matches('/').parse()?;
        Ok(Self { process, address, token, _redis: redis, _dir: dir })
    }

    /// Its process id.
    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    /// A request that publishes an item with this headline, and with further fields in JSON that begin with a comma.
    pub(crate) fn publication(&self, headline: &str, fields: &str) -> Vec<u8> {
        let body = format!("{{\"headline\":\"{headline}\"{fields}}}");
        http::post(&format!("/v1/feeds/{FEED}/items"), Some(&self.token), &body)
    }
}

/// The position of the newest change of a server's feed.
///
/// # Errors
/// The server is away.
pub(crate) fn head(server: SocketAddr) -> Fallible<String> {
    let feed = http::get(server, &format!("/v1/feeds/{FEED}"))?;
    Ok(feed["position"].as_str().ok_or("a feed tells its position")?.to_owned())
}
