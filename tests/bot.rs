//! `newswire publish` and `newswire tail` against a real server that is killed under them, and killed themselves: every
//! line becomes one item, and a bot handles every message, in order, whatever ends in between.

mod support;

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use support::{
    dice::Dice,
    program::{ended, newswire, publish, tell_to_end},
    server::{FEED, Kept, Server},
    until,
};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::Child,
};

fn lines(count: usize) -> String {
    (0..count).map(|n| format!("{}\n", json!({"headline": format!("Report {n}"), "urgency": 5}))).collect()
}

/// The headlines of all changes, oldest first.
async fn headlines(server: &Server) -> Vec<String> {
    let (mut headlines, mut after) = (Vec::new(), "0".to_owned());
    loop {
        let page = server.read(&format!("/v1/feeds/{FEED}/changes?after={after}&limit=200")).await;
        let changes = page["changes"].as_array().expect("changes");
        headlines
            .extend(changes.iter().filter_map(|change| change["item"]["headline"].as_str()).map(ToOwned::to_owned));
        after = page["position"].as_str().expect("a position").to_owned();
        if page["more"] == false {
            return headlines;
        }
    }
}

async fn every_line_is_one_item(kept: Kept, count: usize) {
    let server = Server::start(kept).await;
    let dir = TempDir::new().expect("a temporary directory");
    let file = dir.path().join("items.jsonl");
    std::fs::write(&file, lines(count)).expect("written");
    let file = file.display().to_string();

    let mut child = newswire(&server, &["publish", "--feed", FEED, &file]).spawn().expect("newswire runs");
    let mut accepted = BufReader::new(child.stdout.take().expect("piped")).lines();
    let mut first_run: Vec<Value> = Vec::new();
    // The server is killed after a third, the publisher after two.
    while first_run.len() < count * 2 / 3 {
        let line = accepted.next_line().await.expect("text").expect("it goes on by itself");
        first_run.push(serde_json::from_str(&line).expect("JSON"));
        if first_run.len() == count / 3 {
            server.kill();
            server.up().await;
        }
    }
    child.kill().await.expect("our own child can be killed");

    // Run again whole, and once more: nothing is doubled, and each line is the item that it was.
    for _ in 0..2 {
        let again = publish(&server, &[&file], "").await;
        assert_eq!(again.code, 0, "{}", again.err);
        let again = again.json();
        assert_eq!(again.len(), count);
        assert_eq!(again[..first_run.len()], first_run);
    }
    let expected: Vec<String> = (0..count).map(|n| format!("Report {n}")).collect();
    assert_eq!(headlines(&server).await, expected);
    assert_eq!(server.items().await.len(), count);
}

#[tokio::test]
async fn every_line_is_one_item_whoever_is_killed_in_the_middle() {
    every_line_is_one_item(Kept::Sqlite, 300).await;
}

#[tokio::test]
async fn every_line_is_one_item_whoever_is_killed_in_the_middle_on_redis() {
    every_line_is_one_item(Kept::Redis, 60).await;
}

#[tokio::test]
async fn a_refused_line_is_named_with_field_and_reason_and_the_rest_goes_on() {
    let server = Server::start(Kept::Sqlite).await;
    let text = [
        json!({"headline": "One"}).to_string(),
        json!({"headline": "x".repeat(301)}).to_string(),
        "{\"headline\": \"cut".to_owned(),
        json!({"headline": "Four", "colour": "red"}).to_string(),
        json!({"headline": "Five", "media": [{"kind": "picture", "href": "https://example.org/a.jpg"}]}).to_string(),
        json!({"headline": "Six"}).to_string(),
    ];
    let ran = publish(&server, &["-"], &(text.join("\n") + "\n")).await;
    assert_eq!(ran.code, 1, "{}", ran.err);
    let said: Vec<&str> = ran.err.lines().collect();
    for (line, start) in
        [(0, "line 2: headline: "), (1, "line 3: not JSON"), (2, "line 4: colour: "), (3, "line 5: media[0].")]
    {
        assert!(said[line].starts_with(start) && said[line].len() > start.len() + 10, "{start}: {}", said[line]);
    }
    assert!(said[0].contains("300"), "the limit is named: {}", said[0]);
    assert_eq!(said[4], "2 published, 4 refused");
    assert_eq!(ran.json().iter().map(|one| one["line"].as_u64()).collect::<Vec<_>>(), [Some(1), Some(6)]);
    assert_eq!(headlines(&server).await, ["One", "Six"]);
}

#[tokio::test]
async fn one_object_over_many_lines_is_one_item() {
    let server = Server::start(Kept::Sqlite).await;
    let item = json!({"headline": "Pretty", "body": "<p>One } brace.</p>", "tags": ["a", "b"]});
    let ran = publish(&server, &[], &format!("\n{}\n", serde_json::to_string_pretty(&item).expect("JSON"))).await;
    assert_eq!((ran.code, ran.err.as_str()), (0, "1 published, 0 refused\n"));
    let items = server.items().await;
    assert_eq!((items.len(), &items[0]["body"], &items[0]["tags"]), (1, &item["body"], &item["tags"]));
}

#[tokio::test]
async fn a_token_or_a_feed_that_is_not_there_has_its_exit_code_and_publishes_nothing() {
    let server = Server::start(Kept::Sqlite).await;
    let reads = server.token(&["--can", "read"]);
    for (words, code) in [
        (&["--feed", FEED, "--token", "nw_wrong"][..], 4),
        (&["--feed", FEED, "--token", &reads], 4),
        (&["--feed", "no-such-feed"], 5),
    ] {
        let file = TempDir::new().expect("a temporary directory");
        let path = file.path().join("items.jsonl");
        std::fs::write(&path, lines(2)).expect("written");
        let path = path.display().to_string();
        let words = [&["publish"], words, &[&path]].concat();
        let ran = ended(newswire(&server, &words).spawn().expect("newswire runs")).await;
        assert_eq!((ran.code, ran.out.as_str()), (code, ""), "{words:?}: {}", ran.err);
        assert!(!ran.err.contains("nw_"), "no token is shown: {}", ran.err);
    }
    assert_eq!(server.items().await.len(), 0);
    let tail = newswire(&server, &["tail", "--feed", "no-such-feed"]).spawn().expect("newswire runs");
    assert_eq!(ended(tail).await.code, 5);
}

/// A bot: `tail --state --exec` with a command that notes each message in a file, and fails at every ninth run.
struct Bot<'a> {
    server: &'a Server,
    dir: TempDir,
    process: Option<Child>,
}

impl<'a> Bot<'a> {
    fn new(server: &'a Server) -> Self {
        Self { server, dir: TempDir::new().expect("a temporary directory"), process: None }
    }

    fn state(&self) -> PathBuf {
        self.dir.path().join("state")
    }

    fn up(&mut self) {
        let script = "cd DIR; read -r line || exit 1; runs=$(cat runs 2>/dev/null || echo 0); echo $((runs + 1)) > runs; \
                      test $((runs % 9)) -ne 4 && printf '%s\\n' \"$line\" >> handled";
        let script = script.replace("DIR", &self.dir.path().display().to_string());
        let state = self.state().display().to_string();
        let words = ["tail", "--feed", FEED, "--after", "0", "--state", &state, "--exec", &script];
        let mut command = newswire(self.server, &words);
        let log = std::fs::File::options().append(true).create(true).open(self.dir.path().join("log"));
        command.stderr(log.expect("a log file"));
        self.process = Some(command.spawn().expect("newswire runs"));
    }

    /// Ends it as `kill -9` does. A command that runs goes on.
    async fn kill(&mut self) {
        let mut process = self.process.take().expect("it is up");
        process.kill().await.expect("our own child can be killed");
    }

    /// Tells it to stop, and waits until it has.
    async fn stop(&mut self) -> i32 {
        let process = self.process.take().expect("it is up");
        tell_to_end(&process);
        ended(process).await.code
    }

    /// The messages that were handled, in the order of their being so.
    fn handled(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(self.dir.path().join("handled")).unwrap_or_default();
        let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
        whole.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
    }

    /// The items that were handled, each where it was for the first time.
    fn items(&self) -> Vec<String> {
        let mut ids = Vec::new();
        for message in self.handled() {
            let Some(id) = message["item"]["id"].as_str() else { continue };
            if !ids.iter().any(|before| before == id) {
                ids.push(id.to_owned());
            }
        }
        ids
    }

    async fn has_handled(&self, count: usize) {
        until("the bot has handled more", async || self.items().len() >= count).await;
    }
}

impl Drop for Bot<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- the bot ---\n{}", read(&self.dir.path().join("log")));
        }
    }
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}

async fn published(server: &Server, ids: &mut Vec<String>, count: usize) {
    for _ in 0..count {
        let answer = server.publish(&json!({"headline": format!("Report {}", ids.len())})).await;
        ids.push(answer["item"]["id"].as_str().expect("an id").to_owned());
    }
}

async fn a_bot_handles_everything(kept: Kept, rounds: usize) {
    const EACH: usize = 8;
    let mut dice = Dice::seeded("a_bot_handles_everything");
    let server = Server::start(kept).await;
    let (mut bot, mut ids) = (Bot::new(&server), Vec::new());
    bot.up();
    for round in 0..rounds {
        published(&server, &mut ids, EACH).await;
        // Somewhere in the middle of these.
        bot.has_handled(round * EACH + dice.below(EACH)).await;
        match round % 3 {
            0 => bot.kill().await,
            1 => server.kill(),
            _ => {
                bot.kill().await;
                server.kill();
            }
        }
        if round % 3 != 0 {
            server.up().await;
        }
        published(&server, &mut ids, dice.below(3)).await;
        if bot.process.is_none() {
            bot.up();
        }
    }
    bot.has_handled(ids.len()).await;
    assert_eq!(bot.items(), ids, "nothing skipped, nothing out of order");
    let head = server.read(&format!("/v1/feeds/{FEED}")).await["position"].clone();
    until("the position is kept", async || read(&bot.state()).contains(head.as_str().expect("text"))).await;

    // After a clean stop nothing is handled a second time.
    assert_eq!(bot.stop().await, 0);
    let before = bot.handled().len();
    bot.up();
    published(&server, &mut ids, 2).await;
    bot.has_handled(ids.len()).await;
    assert_eq!(bot.handled().len(), before + 2);
    assert_eq!(bot.items(), ids);
    assert_eq!(bot.stop().await, 0);
    assert!(read(&bot.dir.path().join("log")).contains("the command failed"), "no failure was ever met");
}

#[tokio::test]
async fn a_bot_handles_every_message_in_order_whoever_is_killed() {
    a_bot_handles_everything(Kept::Sqlite, 9).await;
}

#[tokio::test]
async fn a_bot_handles_every_message_in_order_whoever_is_killed_on_redis() {
    a_bot_handles_everything(Kept::Redis, 3).await;
}

#[tokio::test]
async fn a_bot_whose_position_is_no_longer_known_is_given_reset_and_then_a_snapshot() {
    for kept in [Kept::Sqlite, Kept::Redis] {
        let server = Server::start(kept).await;
        let mut ids = Vec::new();
        published(&server, &mut ids, 3).await;
        let mut bot = Bot::new(&server);
        // A change of that number is there, but it is another one.
        std::fs::write(bot.state(), json!({"feed": FEED, "position": "2-00000000"}).to_string()).expect("written");
        bot.up();
        until("the snapshot is handled", async || bot.handled().iter().any(|one| one["type"] == "snapshot")).await;
        published(&server, &mut ids, 1).await;
        bot.has_handled(1).await;
        let handled = bot.handled();
        assert_eq!((&handled[0]["type"], &handled[0]["reason"]), (&json!("reset"), &json!("storeChanged")));
        let snapshot: Vec<_> = handled[1]["items"].as_array().expect("items").iter().map(|item| &item["id"]).collect();
        assert_eq!(snapshot, ids[..3].iter().rev().collect::<Vec<_>>());
        assert_eq!(bot.items(), ids[3..]);
        assert_eq!(bot.stop().await, 0);
    }
}

/// What `tail` prints to a pipe until it has printed `count` lines.
async fn tailed(server: &Server, words: &[&str], count: usize) -> Vec<Value> {
    let mut child = newswire(server, &[&["tail", "--feed", FEED], words].concat()).spawn().expect("newswire runs");
    let mut out = BufReader::new(child.stdout.take().expect("piped")).lines();
    let mut messages = Vec::new();
    while messages.len() < count {
        let line = tokio::time::timeout(support::PATIENCE, out.next_line()).await.expect("it prints in time");
        messages.push(serde_json::from_str(&line.expect("text").expect("it goes on")).expect("one JSON a line"));
    }
    tell_to_end(&child);
    assert_eq!(ended(child).await.code, 0);
    messages
}

#[tokio::test]
async fn to_a_pipe_tail_prints_json_lines_from_where_it_was_asked_to_begin() {
    let server = Server::start(Kept::Sqlite).await;
    let mut ids = Vec::new();
    published(&server, &mut ids, 12).await;
    let id = |message: &Value| message["item"]["id"].as_str().map(ToOwned::to_owned);

    let all = tailed(&server, &["--after", "0"], 13).await;
    assert_eq!(all[0]["type"], "feed.created");
    assert_eq!(all.iter().filter_map(id).collect::<Vec<_>>(), ids);

    let position = all[10]["position"].as_str().expect("a position");
    let some = tailed(&server, &["--after", position], 2).await;
    assert_eq!(some.iter().filter_map(id).collect::<Vec<_>>(), ids[10..]);

    for (words, expected) in [(&["--last", "10"][..], 10), (&[][..], 10), (&["--last", "11"][..], 12)] {
        let newest = &tailed(&server, words, 1).await[0];
        let items = newest["items"].as_array().expect("items");
        assert_eq!((&newest["type"], items.len()), (&json!("snapshot"), expected), "{words:?}");
        assert_eq!(items[0]["id"], ids[11]);
    }
}
