//! A bot that subscribes to alerts: it follows the urgent items of a feed, says each new one once, and goes on where it
//! was after a restart of its own or of the server.
//!
//! ```sh
//! cargo run --example alert_bot -- ws://127.0.0.1:8787/v1/feeds/news-feed/live alerts.position
//! ```
//!
//! The server filters (`urgency=1&urgency=2`), so the bot hears of nothing else. Its position is kept in the file only
//! after the alert was said: after a crash the last one may be said twice, and none is missed.

use std::{error::Error, fs, path::Path, time::Duration};

use futures_util::StreamExt as _;
use serde_json::Value;
use tokio_tungstenite::{connect_async, tungstenite::Message};

type Failure = Box<dyn Error + Send + Sync>;

/// Longer than two and a half heartbeats (15 s each) without a word, and the connection is dead.
const SILENCE: Duration = Duration::from_secs(40);

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
    let position = fs::read_to_string(file).unwrap_or_else(|_| "0".to_owned());
    let (mut socket, _) = connect_async(format!("{door}?after={}&urgency=1&urgency=2", position.trim())).await?;
    // A snapshot counts once it is whole, and is no alert.
    while let Some(received) = tokio::time::timeout(SILENCE, socket.next()).await? {
        let Message::Text(text) = received? else { continue };
        let message: Value = serde_json::from_str(&text)?;
        match message["type"].as_str().unwrap_or_default() {
            "item.published" | "item.released" => say("ALERT", &message["item"]),
            "item.corrected" => say("CORRECTION", &message["item"]),
            "item.retracted" => println!("RETRACTED {}", message["item"]["id"]),
            "bye" if message["reason"] == "gone" => return Err("there is no such feed".into()),
            "bye" => return Ok(Duration::from_millis(message["retryMs"].as_u64().unwrap_or(1_000))),
            // `hello` repeats our own position.
            "hello" => continue,
            _ => {}
        }
        if let Some(position) = message["position"].as_str() {
            keep(file, position)?;
        }
    }
    Ok(Duration::ZERO)
}

fn say(what: &str, item: &Value) {
    println!("{what} {} {}", item["id"].as_str().unwrap_or_default(), item["headline"].as_str().unwrap_or_default());
}

/// Written beside the file and renamed: a crash leaves the old position or the new one, never half of one.
fn keep(file: &Path, position: &str) -> std::io::Result<()> {
    let beside = file.with_extension("new");
    fs::write(&beside, position)?;
    fs::rename(beside, file)
}
