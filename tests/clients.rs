//! Clients that others wrote, curl and Python's `websockets`, follow a feed through restarts of the server and of their
//! own: `examples/follow.sh` and `examples/follow.py` keep their position in a file and come back with it. They are written
//! to be read, and copied.

mod support;

use std::{
    fs::File,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use serde_json::{Value, json};
use support::{
    server::{FEED, Kept, Server},
    until,
};
use tempfile::TempDir;

/// A client's script, and what it has left in its directory.
struct Client {
    command: Vec<String>,
    door: String,
    dir: TempDir,
    process: Option<Child>,
}

impl Client {
    /// Not yet started.
    fn new(command: &[&str], script: &str, door: String) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(script);
        let words = command.iter().map(|word| (*word).to_owned());
        let command = words.chain([script.display().to_string()]).collect();
        Self { command, door, dir: TempDir::new().expect("a temporary directory"), process: None }
    }

    fn up(&mut self) {
        use std::os::unix::process::CommandExt as _;
        let open = |name| File::options().append(true).create(true).open(self.dir.path().join(name)).expect("a file");
        let mut command = Command::new(&self.command[0]);
        command.args(&self.command[1..]).arg(&self.door).arg(self.position_file());
        command.stdin(Stdio::null()).stdout(open("out")).stderr(open("err"));
        // A group of its own: a shell's curl is ended together with it.
        self.process = Some(command.process_group(0).spawn().expect("the client starts"));
    }

    /// Ends it as `kill -9` does.
    fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            let group = format!("-{}", process.id());
            let sent = Command::new("kill").args(["-KILL", "--", &group]).status().expect("kill is installed");
            assert!(sent.success());
            process.wait().expect("our own child can be waited for");
        }
    }

    fn position_file(&self) -> PathBuf {
        self.dir.path().join("position")
    }

    fn position(&self) -> String {
        std::fs::read_to_string(self.position_file()).unwrap_or_default()
    }

    fn said(&self, name: &str) -> String {
        std::fs::read_to_string(self.dir.path().join(name)).unwrap_or_default()
    }

    /// The ids of the items that it was told are published, in order. Lines are JSON from one, words from the other.
    fn ids(&self) -> Vec<String> {
        let id = |line: &str| match serde_json::from_str::<Value>(line) {
            Ok(message) if message["type"] == "item.published" => message["item"]["id"].as_str().map(ToOwned::to_owned),
            Ok(_) => None,
            Err(_) => line.strip_prefix("item.published ")?.split(' ').next().map(ToOwned::to_owned),
        };
        self.said("out").lines().filter_map(id).collect()
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            eprintln!("--- the client ---\n{}{}", self.said("out"), self.said("err"));
        }
    }
}

/// What was published, and where the newest of it is.
#[derive(Default)]
struct Published {
    ids: Vec<String>,
    position: String,
}

impl Published {
    async fn more(&mut self, server: &Server, count: usize) {
        for _ in 0..count {
            let headline = format!("Report {} – “quoted”, & more", self.ids.len());
            let answer = server.publish(&json!({"headline": headline, "body": "<p>One.</p>\n\n<p>Two.</p>"})).await;
            self.ids.push(answer["item"]["id"].as_str().expect("an id").to_owned());
            self.position = answer["position"].as_str().expect("a position").to_owned();
        }
    }

    /// Waits until the client has all of it and has kept its place, and checks that it has each once, in order.
    async fn came_to(&self, client: &Client) {
        until("the client has everything", async || client.ids().len() >= self.ids.len()).await;
        assert_eq!(client.ids(), self.ids);
        until("the client has kept its place", async || client.position() == self.position).await;
    }
}

async fn every_item_comes_once_and_in_order(server: &Server, client: &mut Client) {
    let mut published = Published::default();
    published.more(server, 2).await;
    client.up();
    published.more(server, 2).await;
    published.came_to(client).await;

    // The server is killed, and the client comes back by itself.
    server.kill();
    server.up().await;
    published.more(server, 3).await;
    published.came_to(client).await;

    // Both are killed, and what is published while the client is away is there before it comes back.
    client.kill();
    published.more(server, 3).await;
    server.kill();
    server.up().await;
    client.up();
    published.came_to(client).await;

    // The server says `bye`, and the client comes back after the pause that it was asked for.
    assert_eq!(server.stop().await.code(), Some(0));
    server.up().await;
    published.more(server, 1).await;
    published.came_to(client).await;
}

#[tokio::test]
async fn curl_follows_a_feed_through_restarts_with_the_position_it_kept() {
    let server = Server::start(Kept::Sqlite).await;
    let mut client = Client::new(&["sh"], "follow.sh", server.url(&format!("/v1/feeds/{FEED}/live")));
    every_item_comes_once_and_in_order(&server, &mut client).await;
}

#[tokio::test]
async fn pythons_websockets_follows_a_feed_through_restarts_with_the_position_it_kept() {
    let python = std::env::var("TEST_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let there = Command::new(&python).args(["-c", "import websockets.sync.client"]).output();
    assert!(
        there.is_ok_and(|ran| ran.status.success()),
        "{python} has no package websockets: ./test installs it, or name another interpreter in TEST_PYTHON"
    );
    let server = Server::start(Kept::Redis).await;
    let door = server.url(&format!("/v1/feeds/{FEED}/live")).replace("http:", "ws:");
    let mut client = Client::new(&[&python], "follow.py", door);
    every_item_comes_once_and_in_order(&server, &mut client).await;
}
