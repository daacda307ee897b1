//! A bot that subscribes to alerts: it follows the urgent items of a feed, says each new one once, and goes on where it
//! was after a restart of its own or of the server.
//!
//! ```sh
//! cargo run --example alert_bot -- ws://127.0.0.1:8787/v1/feeds/news-feed/live alerts.position
//! ```
//!
//! The server filters (`urgency=1&urgency=2`), so the bot hears of nothing else. An item is an alert the first time that the
//! bot has it, whatever its newest change: one that was edited while the bot was away comes as `item.updated`, and so does
//! one that became urgent. The file has the position and the items that were said; it is kept only after an alert was said:
//! after a crash the last one may be said twice, and none is missed.

use std::{collections::VecDeque, error::Error, fs, path::Path, time::Duration};

use futures_util::StreamExt as _;
use serde_json::Value;
use tokio_tungstenite::{connect_async, tungstenite::Message};

type Failure = Box<dyn Error + Send + Sync>;

/// Longer than two and a half heartbeats (15 s each) without a word, and the connection is dead.
const SILENCE: Duration = Duration::from_secs(40);

/// How many items are remembered as said.
const REMEMBERED: usize = 1_000;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [door, file] = &words[..] else {
        return Err("give the address of a feed's live door, and a file to keep the position in".into());
    };
    let mut pause = Duration::from_millis(500);
    loop {
        let before = fs::read_to_string(file).ok();
        let asked = match follow(door, Path::new(file)).await {
            Ok(asked) => asked,
            Err(error) => {
                eprintln!("connection lost: {error}");
                Duration::ZERO
            }
        };
        // The pause grows while nothing is heard; what the server asks for comes on top.
        let heard = fs::read_to_string(file).ok() != before;
        pause = if heard { Duration::from_millis(500) } else { (pause * 2).min(Duration::from_secs(30)) };
        tokio::time::sleep(asked + pause).await;
    }
}

/// Follows until the connection ends, and returns how long the server asks to stay away.
async fn follow(door: &str, file: &Path) -> Result<Duration, Failure> {
    let kept = fs::read_to_string(file).unwrap_or_else(|_| "0".to_owned());
    let mut lines = kept.lines().map(ToOwned::to_owned);
    let position = lines.next().unwrap_or_default();
    let mut said: VecDeque<String> = lines.collect();
    let (mut socket, _) = connect_async(format!("{door}?after={position}&urgency=1&urgency=2")).await?;
    while let Some(received) = tokio::time::timeout(SILENCE, socket.next()).await? {
        let Message::Text(text) = received? else { continue };
        let message: Value = serde_json::from_str(&text)?;
        match message["type"].as_str().unwrap_or_default() {
            // What the server begins anew with is no news.
            "snapshot" => message["items"].as_array().into_iter().flatten().for_each(|item| remember(&mut said, item)),
            "item.withheld" | "item.removed" | "item.left" => {}
            "item.retracted" => println!("RETRACTED {}", message["item"]["id"]),
            kind if kind.starts_with("item.") && !said.iter().any(|id| message["item"]["id"] == **id) => {
                say("ALERT", &message["item"]);
                remember(&mut said, &message["item"]);
            }
            "item.corrected" => say("CORRECTION", &message["item"]),
            "bye" if message["reason"] == "gone" => return Err("there is no such feed".into()),
            "bye" => return Ok(Duration::from_millis(message["retryMs"].as_u64().unwrap_or(1_000))),
            // `hello` repeats our own position.
            "hello" => continue,
            _ => {}
        }
        if let Some(position) = message["position"].as_str() {
            keep(file, position, &said)?;
        }
    }
    Ok(Duration::ZERO)
}

fn say(what: &str, item: &Value) {
    println!("{what} {} {}", item["id"].as_str().unwrap_or_default(), item["headline"].as_str().unwrap_or_default());
}

fn remember(said: &mut VecDeque<String>, item: &Value) {
    let Some(id) = item["id"].as_str() else { return };
    if said.len() == REMEMBERED {
        said.pop_front();
    }
    said.push_back(id.to_owned());
}

/// Written beside the file and renamed: a crash leaves the old position or the new one, never half of one.
fn keep(file: &Path, position: &str, said: &VecDeque<String>) -> std::io::Result<()> {
    let beside = file.with_extension("new");
    let lines: Vec<&str> = std::iter::once(position).chain(said.iter().map(String::as_str)).collect();
    fs::write(&beside, lines.join("\n"))?;
    fs::rename(beside, file)
}
