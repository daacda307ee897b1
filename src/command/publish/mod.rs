//! `newswire publish`: items from a file or from standard input, one after the other, over one connection.
//!
//! Each item is waited for before the next is sent, so that they are published in the order of the input. A refused one
//! is named and the rest goes on. Nothing here remembers what was sent: the idempotency keys do.

mod entries;
mod send;

use std::{
    io::{self, IsTerminal, Write},
    path::{Path, PathBuf},
    time::Duration,
};

use clap::Args;
use serde_json::json;
use tokio::{
    fs::File,
    io::{AsyncBufRead, BufReader},
    time::Instant,
};

use super::{
    exit::{self, Exit, Failure},
    server_url::ServerUrl,
};
use crate::news::FeedId;
use entries::Entries;
use send::{Door, Sent, When};

const MANUAL: &str = "\
Input:
  One JSON object is one item: {\"headline\": \"…\", \"body\": \"<p>…</p>\"}. It may stand on one line or on many. Many items \
are JSON Lines (one object a line, read as a stream, of any length) or one JSON array. An object of more than 512 KiB is \
refused.

Running it again:
  Every item is sent under a key made of the feed and the item's own text (SHA-256), which the server remembers for 24 \
hours. Running the same input again after a cut therefore doubles nothing; for the same reason two identical lines are \
one item. Pauses and retries while the server is away are part of it, for up to --patience seconds an item.

Output:
  Standard output, where it is not a terminal, gets one line per accepted item: {\"line\":7,\"id\":\"…\",\"position\":\"…\"}.
  Standard error gets a line per refused item, `line 7: headline: …`, and a summary, which counts items that were there \
already by themselves.

Examples:
  echo '{\"headline\":\"Polls have closed\"}' | newswire publish --token $TOKEN --feed news-feed
  newswire publish --server https://news.example.org --feed world items.jsonl > accepted.jsonl

Environment:
  NEWSWIRE_SERVER, NEWSWIRE_TOKEN   as --server and --token; a token there is not seen in the list of processes
";

/// `publish`.
#[derive(Args, Debug)]
#[command(after_long_help = format!("{MANUAL}\n{}", exit::HELP))]
pub struct PublishArgs {
    /// Address of the server
    #[arg(long, value_name = "URL", env = "NEWSWIRE_SERVER", default_value = "http://127.0.0.1:8787")]
    server: ServerUrl,
    /// A token that may publish
    #[arg(long, value_name = "T", env = "NEWSWIRE_TOKEN", hide_env_values = true)]
    token: String,
    /// The feed to publish into
    #[arg(long, value_name = "ID")]
    feed: FeedId,
    /// How long one item is tried for while the server is away
    #[arg(long, value_name = "SECONDS", default_value_t = 120)]
    patience: u64,
    /// Where to read; `-` is standard input
    #[arg(value_name = "FILE", default_value = "-")]
    file: PathBuf,
}

/// Carries the command out.
///
/// # Errors
/// The input cannot be read, or the server takes nothing more.
pub async fn run(args: PublishArgs) -> Result<Exit, Failure> {
    let door = Door::new(&args.server, args.feed, args.token, Duration::from_secs(args.patience))?;
    if args.file == Path::new("-") {
        if io::stdin().is_terminal() {
            eprintln!("reading items from the terminal; Ctrl-D ends");
        }
        return publish(Entries::new(BufReader::new(tokio::io::stdin())), &door).await;
    }
    let unreadable = |error| Failure::new(Exit::Usage, format!("cannot read {}: {error}", args.file.display()));
    publish(Entries::new(BufReader::new(File::open(&args.file).await.map_err(unreadable)?)), &door).await
}

async fn publish<R: AsyncBufRead + Unpin>(mut entries: Entries<R>, door: &Door) -> Result<Exit, Failure> {
    let mut report = Report::new();
    loop {
        let entry = match entries.next().await {
            Ok(Some(entry)) => entry,
            Ok(None) => break,
            Err(error) => {
                report.finish();
                return Err(Failure::new(Exit::Refused, format!("cannot read on: {error}")));
            }
        };
        let line = entry.line;
        let sent = match entry.object {
            Err(why) => Ok(Sent::Refused(why)),
            Ok(object) => door.send(&object, |why, pause| report.paused(why, pause)).await,
        };
        match sent {
            Ok(sent) => report.sent(line, &sent)?,
            Err(failure) => {
                report.finish();
                let why = format!(
                    "line {line}: {}; run it again to go on, nothing is doubled",
                    failure.why.trim_end_matches('.')
                );
                return Err(Failure::new(failure.exit, why));
            }
        }
    }
    report.finish();
    Ok(if report.refused == 0 { Exit::Done } else { Exit::Refused })
}

/// What is told while it goes on, and at the end.
struct Report {
    published: u64,
    before: u64,
    refused: u64,
    /// Standard output, where it is no terminal.
    accepted: Option<io::Stdout>,
    /// Standard error is a terminal, which can show one line that changes.
    live: bool,
    shown: Instant,
}

impl Report {
    /// How often the line of progress changes at most.
    const EVERY: Duration = Duration::from_millis(100);

    fn new() -> Self {
        let accepted = (!io::stdout().is_terminal()).then(io::stdout);
        Self { published: 0, before: 0, refused: 0, accepted, live: io::stderr().is_terminal(), shown: Instant::now() }
    }

    fn sent(&mut self, line: u64, sent: &Sent) -> Result<(), Failure> {
        match sent {
            Sent::Accepted { id, position, when } => {
                match when {
                    When::Now => self.published += 1,
                    When::Before => self.before += 1,
                }
                if let Some(out) = &mut self.accepted {
                    writeln!(out, "{}", json!({"line": line, "id": id, "position": position}))
                        .map_err(|error| Failure::new(Exit::Refused, format!("cannot write the output: {error}")))?;
                }
            }
            Sent::Refused(why) => {
                self.refused += 1;
                self.note(&format!("line {line}: {why}"));
            }
        }
        if self.live && self.shown.elapsed() >= Self::EVERY {
            self.shown = Instant::now();
            eprint!("\r\x1b[K{}", self.summary());
        }
        Ok(())
    }

    fn paused(&self, why: &str, pause: Duration) {
        self.note(&format!("{why}; again in {:.1} s", pause.as_secs_f64()));
    }

    /// A line of its own, which takes the place of the line of progress.
    fn note(&self, text: &str) {
        // What a server says is shown to a terminal: no control characters.
        let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        eprintln!("{}{text}", if self.live { "\r\x1b[K" } else { "" });
    }

    fn finish(&self) {
        self.note(&self.summary());
    }

    fn summary(&self) -> String {
        let before = if self.before > 0 { format!("{} there already, ", self.before) } else { String::new() };
        format!("{} published, {before}{} refused", self.published, self.refused)
    }
}
