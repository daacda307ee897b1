//! The examples run: each against a real server, through what its comments promise. `follow.py` and `follow.sh` have
//! their tests in `clients.rs`.

mod support;

use std::{
    io::{BufRead as _, BufReader, Write as _},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::mpsc,
};

use serde_json::json;
use support::{
    PATIENCE,
    server::{FEED, Kept, Server},
};

/// A running example; ended when dropped.
struct Running(Child, mpsc::Receiver<String>);

impl Running {
    fn start(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().expect("the example starts");
        let out = BufReader::new(child.stdout.take().expect("its output is piped"));
        let (said, hear) = mpsc::sync_channel(64);
        std::thread::spawn(move || out.lines().map_while(Result::ok).try_for_each(|line| said.send(line)));
        Self(child, hear)
    }

    fn line(&self) -> String {
        self.1.recv_timeout(PATIENCE).expect("it says something in time")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.kill().expect("our own child can be killed");
        self.0.wait().expect("our own child can be waited for");
    }
}

/// The directory where cargo puts the examples that it builds with the tests.
fn built(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_newswire")).with_file_name("examples").join(name)
}

#[tokio::test]
async fn the_alert_bot_says_each_urgent_item_once_through_restarts() {
    let server = Server::start(Kept::Sqlite).await;
    let dir = tempfile::tempdir().expect("a directory");
    let door = server.url(&format!("/v1/feeds/{FEED}/live")).replace("http:", "ws:");
    let bot = || {
        let mut command = Command::new(built("alert_bot"));
        command.arg(&door).arg(dir.path().join("position"));
        Running::start(&mut command)
    };
    server.publish(&json!({"headline": "Routine"})).await;
    let first = server.publish(&json!({"headline": "Flash", "urgency": 1})).await;
    let running = bot();
    assert_eq!(running.line(), format!("ALERT {} Flash", first["item"]["id"].as_str().expect("an id")));
    server.publish(&json!({"headline": "Routine again", "urgency": 8})).await;
    server.kill();
    server.up().await;
    server.publish(&json!({"headline": "Second", "urgency": 2})).await;
    assert!(running.line().ends_with(" Second"));
    // Its position is kept once it has said an alert: the next run goes on from there.
    let position = dir.path().join("position");
    let head = server.read(&format!("/v1/feeds/{FEED}")).await["position"].clone();
    let kept = async || std::fs::read_to_string(&position).is_ok_and(|kept| kept.lines().next() == head.as_str());
    support::until("the position is kept", kept).await;
    drop(running);
    // Published and edited while it was away, and one that became urgent: each an alert, and the rest is none.
    let third = server.publish(&json!({"headline": "Third", "urgency": 1})).await;
    let id = |made: &serde_json::Value| made["item"]["id"].as_str().expect("an id").to_owned();
    server.patch(&id(&third), "*", &json!({"keyEvent": true})).await;
    let raised = server.publish(&json!({"headline": "Fourth", "urgency": 5})).await;
    server.patch(&id(&raised), "*", &json!({"urgency": 1})).await;
    server.patch(&id(&first), "*", &json!({"tags": ["said already"]})).await;
    server.publish(&json!({"headline": "Fifth", "urgency": 1})).await;
    let running = bot();
    for headline in [" Third", " Fourth", " Fifth"] {
        let line = running.line();
        assert!(line.starts_with("ALERT ") && line.ends_with(headline), "{line}");
    }
}

#[tokio::test]
async fn the_node_script_publishes_a_line_each_and_tells_what_is_refused() {
    let server = Server::start(Kept::Sqlite).await;
    let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("examples/publish.mjs");
    let mut command = Command::new("node");
    command.arg(script).arg(server.url(&format!("/v1/feeds/{FEED}"))).env("NEWSWIRE_TOKEN", &server.token);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("node is installed");
    let lines = "First results are in\n\n{\"headline\":\"Turnout\",\"urgency\":3}\n{\"colour\":\"red\"}\n";
    child.stdin.take().expect("its input is piped").write_all(lines.as_bytes()).expect("it reads");
    let ran = child.wait_with_output().expect("it ends");
    let (said, told) = (String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
    assert_eq!((ran.status.code(), said.lines().count()), (Some(1), 2), "{told}");
    assert!(told.starts_with("unknownField: "), "{told}");
    let items = server.items().await;
    assert_eq!((items.len(), &items[0]["headline"], &items[0]["urgency"]), (2, &json!("Turnout"), &json!(3)));
    assert!(said.contains(items[0]["id"].as_str().expect("an id")));
}
