//! The program's other commands, run against a server: `publish` and `tail` as people and scripts run them.

use std::process::{Output, Stdio};

use tokio::{
    io::AsyncWriteExt as _,
    process::{Child, Command},
};

use super::{
    PATIENCE,
    server::{FEED, Server},
};

/// What a command came to.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    /// Its standard output, each line of which is JSON.
    pub(crate) fn json(&self) -> Vec<serde_json::Value> {
        self.out.lines().map(|line| serde_json::from_str(line).expect("JSON Lines")).collect()
    }
}

/// A command that knows this server and its editor's token, and nothing else of ours. Its input and outputs are pipes.
pub(crate) fn newswire(server: &Server, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_newswire"));
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("NEWSWIRE_")) {
        command.env_remove(name);
    }
    command.args(words).env("NEWSWIRE_SERVER", server.url("")).env("NEWSWIRE_TOKEN", &server.token);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    command
}

/// Publishes this text into the feed, from standard input, and waits for the end.
pub(crate) async fn publish(server: &Server, words: &[&str], text: &str) -> Ran {
    let mut child = newswire(server, &[&["publish", "--feed", FEED], words].concat()).spawn().expect("newswire runs");
    let mut input = child.stdin.take().expect("piped");
    let text = text.to_owned();
    // Beside the reading of its outputs, since a pipe holds only so much. One that ends early reads no more.
    let writing = async move { input.write_all(text.as_bytes()).await };
    tokio::join!(writing, ended(child)).1
}

/// What a command came to, once it has ended by itself.
pub(crate) async fn ended(child: Child) -> Ran {
    let waited = tokio::time::timeout(PATIENCE * 3, child.wait_with_output()).await;
    let Output { status, stdout, stderr } = waited.expect("it ends in time").expect("it ran");
    let text = |bytes| String::from_utf8(bytes).expect("text");
    Ran { code: status.code().expect("it exits by itself"), out: text(stdout), err: text(stderr) }
}

/// Tells a command to end, as `kill` does.
pub(crate) fn tell_to_end(child: &Child) {
    let id = child.id().expect("it runs").to_string();
    let sent = std::process::Command::new("kill").args(["-TERM", &id]).status().expect("kill is installed");
    assert!(sent.success(), "kill -TERM {id}");
}
