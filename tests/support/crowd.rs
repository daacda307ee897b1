//! A crowd of lean readers: each a bare socket, the seq it stands at and its position. A reader that is told to leave, or
//! is cut off, comes back through the next of the crowd's doors with its position. What each was sent is checked as it
//! comes: every seq is the one after the last.
//!
//! It is for feeds in which every change is of an item of its own, so that nothing is ever folded.

#![expect(clippy::disallowed_methods, reason = "the crowd ends the tasks that it starts")]

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use serde::Deserialize;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    task::AbortHandle,
    time::Instant,
};

use super::{server::FEED, stream::Door};

/// After what pause a reader comes back that was cut off, or refused, without being told when to.
const UNTOLD: Duration = Duration::from_millis(500);

/// Readers, wherever they are at the moment.
pub(crate) struct Crowd {
    pub(crate) seen: Arc<Seen>,
    readers: Vec<AbortHandle>,
}

/// What became of the crowd so far.
pub(crate) struct Seen {
    doors: Vec<SocketAddr>,
    /// What times are counted from.
    begun: Instant,
    /// How many are there and up to date, by door.
    here: Vec<AtomicUsize>,
    /// How many were told to leave, and how many were cut off or refused without a word.
    pub(crate) told: AtomicUsize,
    pub(crate) untold: AtomicUsize,
    /// When the last one was back, and how long one was away at most, in milliseconds.
    last_back: AtomicU64,
    longest_away: AtomicU64,
    /// How long after its publication a change came at the latest, in milliseconds.
    latest: AtomicU64,
    /// How many changes came.
    pub(crate) delivered: AtomicUsize,
    /// Where each reader stands.
    seqs: Vec<AtomicU64>,
    /// What a reader should not have been sent.
    wrong: Mutex<Vec<String>>,
}

/// What a message says, as far as a lean reader cares.
#[derive(Deserialize)]
struct Message<'a> {
    r#type: &'a str,
    position: Option<&'a str>,
    #[serde(rename = "retryMs")]
    retry_ms: Option<u64>,
    item: Option<Item>,
}

#[derive(Deserialize)]
struct Item {
    /// When it was published, by the crowd's clock.
    headline: Option<String>,
}

impl Crowd {
    /// Nobody yet. The doors are ports of this machine; a reader comes to a path of a feed there.
    pub(crate) fn of(doors: &[u16]) -> Self {
        let seen = Seen {
            doors: doors.iter().map(|port| (Ipv4Addr::LOCALHOST, *port).into()).collect(),
            begun: Instant::now(),
            here: doors.iter().map(|_| AtomicUsize::new(0)).collect(),
            told: AtomicUsize::new(0),
            untold: AtomicUsize::new(0),
            last_back: AtomicU64::new(0),
            longest_away: AtomicU64::new(0),
            latest: AtomicU64::new(0),
            delivered: AtomicUsize::new(0),
            seqs: Vec::new(),
            wrong: Mutex::default(),
        };
        Self { seen: Arc::new(seen), readers: Vec::new() }
    }

    /// Lets so many come to each door, over WebSockets and events by turns, and waits for nothing.
    pub(crate) fn come(&mut self, readers_each: usize) {
        let all = self.seen.doors.len() * readers_each;
        let seen = Arc::get_mut(&mut self.seen).expect("nobody has come yet");
        seen.seqs = (0..all).map(|_| AtomicU64::new(0)).collect();
        for number in 0..all {
            let reader = Reader {
                number,
                at: number % self.seen.doors.len(),
                door: if (number / self.seen.doors.len()).is_multiple_of(2) { Door::WebSocket } else { Door::Sse },
                position: None,
                left: None,
                seen: self.seen.clone(),
            };
            self.readers.push(tokio::spawn(reader.follow()).abort_handle());
        }
    }
}

impl Drop for Crowd {
    fn drop(&mut self) {
        self.readers.iter().for_each(AbortHandle::abort);
    }
}

impl Seen {
    /// How many are up to date at this door.
    pub(crate) fn here(&self, door: usize) -> usize {
        self.here[door].load(Ordering::Relaxed)
    }

    /// How many are up to date anywhere.
    pub(crate) fn everywhere(&self) -> usize {
        (0..self.here.len()).map(|door| self.here(door)).sum()
    }

    /// Where the one stands that is furthest behind.
    pub(crate) fn furthest_behind(&self) -> u64 {
        self.seqs.iter().map(|seq| seq.load(Ordering::Relaxed)).min().unwrap_or(0)
    }

    /// The time by the crowd's clock: what a headline says when it is published.
    pub(crate) fn now(&self) -> Duration {
        self.begun.elapsed()
    }

    /// When the last one came back.
    pub(crate) fn last_back(&self) -> Duration {
        Duration::from_millis(self.last_back.load(Ordering::Relaxed))
    }

    /// How long one was away at most.
    pub(crate) fn longest_away(&self) -> Duration {
        Duration::from_millis(self.longest_away.load(Ordering::Relaxed))
    }

    /// How late a change came at most.
    pub(crate) fn latest(&self) -> Duration {
        Duration::from_millis(self.latest.load(Ordering::Relaxed))
    }

    /// What some reader should not have been sent.
    pub(crate) fn wrong(&self) -> Vec<String> {
        self.wrong.lock().expect("no panic while it was held").clone()
    }
}

/// One reader.
struct Reader {
    number: usize,
    /// At which door.
    at: usize,
    door: Door,
    position: Option<String>,
    /// Since when it is away.
    left: Option<Instant>,
    seen: Arc<Seen>,
}

impl Reader {
    async fn follow(mut self) {
        loop {
            let (mut here, mut pause) = (false, None);
            // Whatever ends the visit, it comes back.
            let _ended = self.visit(&mut here, &mut pause).await;
            if here {
                self.seen.here[self.at].fetch_sub(1, Ordering::Relaxed);
                self.left = Some(Instant::now());
            }
            let counted = if pause.is_some() { &self.seen.told } else { &self.seen.untold };
            counted.fetch_add(1, Ordering::Relaxed);
            self.at = (self.at + 1) % self.seen.doors.len();
            tokio::time::sleep(pause.unwrap_or(UNTOLD)).await;
        }
    }

    /// Follows from one door for as long as that goes well.
    async fn visit(&mut self, here: &mut bool, pause: &mut Option<Duration>) -> std::io::Result<()> {
        let mut socket = TcpStream::connect(self.seen.doors[self.at]).await?;
        socket.write_all(self.request().as_bytes()).await?;
        let mut came = Vec::new();
        let mut answered = false;
        loop {
            let mut used = 0;
            if !answered && let Some(end) = find(&came, b"\r\n\r\n") {
                // Refused with a status: it comes back as one that was cut off.
                let status = came.get(b"HTTP/1.1 ".len()..).unwrap_or_default();
                if !status.starts_with(b"101 ") && !status.starts_with(b"200 ") {
                    return Ok(());
                }
                answered = true;
                used = end + 4;
            }
            while answered && let Some((json, length)) = self.cut(&came[used..]) {
                if let Some(json) = json {
                    self.take(json, here, pause);
                }
                used += length;
            }
            came.drain(..used);
            if pause.is_some() {
                return Ok(());
            }
            if socket.read_buf(&mut came).await? == 0 {
                return Ok(());
            }
        }
    }

    fn request(&self) -> String {
        let query = self.position.as_ref().map_or_else(|| "last=10".to_owned(), |at| format!("after={at}"));
        let (version, asks) = match self.door {
            Door::WebSocket => (
                "1.1",
                "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                 Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
            ),
            // A client of HTTP/1.0 is sent no chunks, by a proxy either: the events are all that comes.
            _ => ("1.0", "Accept: text/event-stream"),
        };
        format!("GET /v1/feeds/{FEED}/live?{query} HTTP/{version}\r\nHost: localhost\r\n{asks}\r\n\r\n")
    }

    /// The first message of these bytes, if it is there as a whole, and how many of them it takes. Servers do not mask.
    fn cut<'a>(&self, bytes: &'a [u8]) -> Option<(Option<&'a [u8]>, usize)> {
        if self.door == Door::Sse {
            let length = find(bytes, b"\n\n")? + 2;
            let data = bytes[..length].split(|byte| *byte == b'\n').find_map(|line| line.strip_prefix(b"data: "));
            return Some((data, length));
        }
        let (start, length) = match *bytes.get(1)? {
            126 => (4, usize::from(u16::from_be_bytes(bytes.get(2..4)?.try_into().expect("two")))),
            127 => (10, u64::from_be_bytes(bytes.get(2..10)?.try_into().expect("eight")) as usize),
            short => (2, usize::from(short)),
        };
        let payload = bytes.get(start..start + length)?;
        Some(((bytes[0] == 0x81).then_some(payload), start + length))
    }

    fn take(&mut self, json: &[u8], here: &mut bool, pause: &mut Option<Duration>) {
        let message: Message<'_> = serde_json::from_slice(json).expect("a message");
        let seq = message.position.map(|at| at.split_once('-').expect("SEQ-MARK").0.parse::<u64>().expect("a number"));
        let stands = &self.seen.seqs[self.number];
        match message.r#type {
            "caughtUp" => {
                *here = true;
                self.seen.here[self.at].fetch_add(1, Ordering::Relaxed);
                if let Some(left) = self.left.take() {
                    self.seen.longest_away.fetch_max(millis(left.elapsed()), Ordering::Relaxed);
                    self.seen.last_back.fetch_max(millis(self.seen.begun.elapsed()), Ordering::Relaxed);
                }
            }
            "bye" => *pause = message.retry_ms.map(Duration::from_millis),
            "snapshot" if self.position.is_none() => stands.store(seq.unwrap_or(0), Ordering::Relaxed),
            "item.published" => {
                let (before, seq) = (stands.load(Ordering::Relaxed), seq.expect("a change has a position"));
                stands.store(seq, Ordering::Relaxed);
                if seq != before + 1 {
                    self.wrong(format!("was sent {seq} after {before}"));
                }
                self.seen.delivered.fetch_add(1, Ordering::Relaxed);
                let published = message.item.and_then(|item| item.headline?.parse::<u64>().ok());
                let late = millis(self.seen.begun.elapsed()).saturating_sub(published.expect("a headline of ours"));
                self.seen.latest.fetch_max(late, Ordering::Relaxed);
            }
            "hello" | "heartbeat" => {}
            other => self.wrong(format!("was sent {other}")),
        }
        if message.r#type != "hello" && message.position.is_some() {
            self.position = message.position.map(ToOwned::to_owned);
        }
    }

    fn wrong(&self, what: String) {
        let mut wrong = self.seen.wrong.lock().expect("no panic while it was held");
        wrong.push(format!("reader {} ({:?}) {what}", self.number, self.door));
    }
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    memchr::memmem::find(bytes, what)
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).expect("a short time")
}
