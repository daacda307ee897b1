//! Readers that read nothing while thousands of changes happen cost the server their sockets and no more; publishing
//! does not wait for them; and when they read again, they catch up with each item once. What the messages that they are in
//! the middle of keep in memory is bounded: beyond that, those who have waited longest are closed.

mod support;

use std::{num::NonZeroUsize, thread, time::Duration};

use futures_util::{
    future,
    stream::{self, StreamExt as _},
};
use serde_json::{Value, json};
use support::{
    PATIENCE,
    server::{FEED, Kept, Server},
    stream::{Door, Held, Stream},
    until,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpSocket, TcpStream},
    time::Instant,
};

const READERS: usize = 50;
const ITEMS: usize = 40;
const CHANGES: usize = 5_000;

/// A stream of events over a bare socket with a small receive buffer, of which nothing is read until it is asked for.
struct Idle {
    socket: TcpStream,
    came: Vec<u8>,
}

impl Idle {
    async fn open(server: &Server, query: &str) -> Self {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.set_recv_buffer_size(4 * 1024).expect("a small buffer");
        let address = format!("127.0.0.1:{}", server.port()).parse().expect("an address");
        let mut socket = socket.connect(address).await.expect("the server takes readers");
        let request = format!("GET /v1/feeds/{FEED}/live?{query} HTTP/1.1\r\nHost: newswire\r\n\r\n");
        socket.write_all(request.as_bytes()).await.expect("the request is sent");
        Self { socket, came: Vec::new() }
    }

    /// Reads and returns the messages up to the first that is meant.
    async fn read_until(&mut self, meant: impl Fn(&Value) -> bool) -> Vec<Value> {
        let mut messages = Vec::new();
        let mut part = vec![0; 64 * 1024];
        loop {
            while let Some(end) = self.came.windows(2).position(|two| two == b"\n\n") {
                let event: Vec<u8> = self.came.drain(..end + 2).collect();
                let text = String::from_utf8_lossy(&event).into_owned();
                // Events may lie across two chunks of the response, whose sizes stand between them.
                let Some(data) = text.lines().find_map(|line| line.strip_prefix("data: ")) else { continue };
                let message: Value = serde_json::from_str(data).expect("each event is one chunk");
                let done = meant(&message);
                messages.push(message);
                if done {
                    return messages;
                }
            }
            let read = tokio::time::timeout(PATIENCE, self.socket.read(&mut part)).await;
            let read = read.expect("something comes").expect("the socket can be read");
            assert!(read > 0, "the stream ended");
            self.came.extend_from_slice(&part[..read]);
        }
    }
}

impl Idle {
    /// Reads up to the first message, and stops in the middle of the next.
    async fn stop_within_a_message(&mut self) {
        self.read_until(|_| true).await;
        while self.came.is_empty() {
            assert!(self.read_some().await, "the stream goes on");
        }
    }

    /// Reads on to the end of the message that it is in the middle of. False: the connection ends before that.
    async fn is_told_the_rest(&mut self) -> bool {
        loop {
            let looked_through = self.came.len().saturating_sub(1);
            if !self.read_some().await {
                return false;
            }
            if self.came[looked_through..].windows(2).any(|two| two == b"\n\n") {
                return true;
            }
        }
    }

    /// Reads what there is. False: the connection has ended.
    async fn read_some(&mut self) -> bool {
        let mut part = vec![0; 4 * 1024];
        let read = tokio::time::timeout(PATIENCE, self.socket.read(&mut part)).await;
        // The system gives up what is left for a client that takes nothing of it, and says so.
        let read = read.expect("something comes").unwrap_or(0);
        self.came.extend_from_slice(&part[..read]);
        read > 0
    }
}

/// Resident memory of a process, in KiB.
fn resident(id: u32) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).expect("the process runs");
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("Linux says");
    line.split_whitespace().nth(1).expect("a number").parse().expect("a number")
}

/// Makes so many changes to the items, eight editors at once.
async fn edit(server: &Server, ids: &[String], changes: usize) {
    let words = "Much is known. ".repeat(60);
    stream::iter(0..changes)
        .for_each_concurrent(8, |n| {
            let (id, words) = (&ids[n % ids.len()], &words);
            async move {
                server
                    .patch(id, "*", &json!({"headline": format!("Change {n}"), "body": format!("<p>{words}</p>")}))
                    .await;
            }
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_that_read_nothing_cost_no_memory_and_catch_up_conflated() {
    let server = Server::start(Kept::Sqlite).await;
    let mut ids = Vec::new();
    for n in 0..ITEMS {
        let made = server.publish(&json!({"headline": format!("Item {n}")})).await;
        ids.push(made["item"]["id"].as_str().expect("an id").to_owned());
    }
    let mut idle = Vec::new();
    for _ in 0..READERS {
        let mut reader = Idle::open(&server, "last=50").await;
        reader.read_until(|message| message["type"] == "caughtUp").await;
        idle.push(reader);
    }
    // The window and the allocator have what they need before it is measured.
    edit(&server, &ids, 1_200).await;
    let before = resident(server.id());
    edit(&server, &ids, CHANGES).await;
    let after = resident(server.id());
    let grown = after.saturating_sub(before);
    println!("{READERS} readers, {CHANGES} changes of 1 KiB: {before} KiB before, {after} KiB after");
    // A queue for each reader would hold 50 x 5,000 changes of 1 KiB: 250,000 KiB.
    assert!(grown < 20_000, "{grown} KiB for {READERS} readers that read nothing");

    let listed = server.items().await;
    let head = server.read(&format!("/v1/feeds/{FEED}")).await["position"].clone();
    for reader in &mut idle {
        let messages = reader.read_until(|message| message["position"] == head).await;
        let mut held = Held::default();
        messages.iter().for_each(|message| held.apply(message));
        assert!(held.seqs.is_sorted_by(|a, b| a < b));
        // What the socket had taken came as it happened; the rest came folded.
        assert!(messages.len() < CHANGES / 2, "{} messages", messages.len());
        assert_eq!(held.items.len(), ITEMS);
        for item in &listed {
            assert_eq!(held.items[item["id"].as_str().expect("an id")], *item);
        }
    }
}

/// What messages whose writes stopped half-way may keep in memory.
const PINNED: usize = 64 * 1024 * 1024;
/// How many readers stop.
const STOPPED: usize = 560;
/// So many large items are more than a window holds.
const LARGE: usize = 24;

/// An item of 145 KiB: more than a socket takes whose other side is not read.
fn large(number: usize) -> Value {
    let text = |characters: usize| "𐓏".repeat(characters);
    // What stands twice in a list is kept once.
    let link = |n: usize| format!("https://example.org/{}{n}", "a".repeat(2_000));
    let list = |entries: usize, one: &dyn Fn(usize) -> Value| -> Value { (0..entries).map(one).collect() };
    let picture = |n| {
        json!({"kind": "picture", "href": link(n), "alt": text(500), "caption": text(1_000), "credit": text(255),
            "width": 4, "height": 3})
    };
    let author = |n| json!({"name": text(255), "role": text(255), "url": link(n)});
    let related = |n| json!({"title": text(300), "url": link(n)});
    json!({"headline": format!("Item {number}"), "media": list(10, &picture), "authors": list(10, &author),
        "related": list(5, &related)})
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn beyond_64_mib_of_unfinished_messages_those_who_wait_longest_are_closed_and_nobody_else_waits() {
    rlimit::increase_nofile_limit(u64::MAX).expect("many files may be open");
    let shards = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let server = Server::start(Kept::Sqlite).await;
    let mut reader = Stream::open(&server, Door::WebSocket, "").await;
    let begins = reader.until("caughtUp").await["position"].as_str().expect("text").to_owned();
    let mut events = Vec::new();
    for number in 0..LARGE {
        server.publish(&large(number)).await;
        let came = reader.until("item.published").await;
        events.push(format!("id: {}\ndata: {came}\n\n", came["position"].as_str().expect("text")));
    }
    let length = events[0].len();
    let before = resident(server.id());
    let (mut stopped, mut slowest) = (Vec::new(), Duration::ZERO);
    for number in 0..STOPPED {
        // From before the window each is sent what is read and encoded for it alone.
        let mut one = Idle::open(&server, &format!("after={begins}")).await;
        one.stop_within_a_message().await;
        stopped.push(one);
        if number % 20 == 0 {
            let began = Instant::now();
            let published = server.publish(&json!({"headline": "Meanwhile"})).await;
            assert_eq!(reader.until("item.published").await["position"], published["position"]);
            slowest = slowest.max(began.elapsed());
        }
    }
    let mut left = STOPPED;
    until("no more is kept than may be", async || {
        let published = server.publish(&json!({"headline": "Who is there?"})).await;
        left = usize::try_from(published["readers"].as_u64().expect("a number")).expect("few") - 1;
        left * length <= PINNED
    })
    .await;
    let grown = resident(server.id()).saturating_sub(before);
    println!(
        "of {STOPPED} readers in the middle of {length} bytes each {left} are left, memory has grown by {grown} KiB, \
         the slowest change took {} ms",
        slowest.as_millis()
    );
    // Each shard closes its own, one more than was needed at most.
    assert!((left + shards + 1) * length > PINNED, "{left} readers are left");
    assert!(grown * 1024 < PINNED + 24 * 1024 * 1024, "{grown} KiB for the messages of {left} readers");
    assert!(slowest < PATIENCE / 4, "{slowest:?} for one change");

    // Streams go to each shard in its turn.
    let mut told = vec![Vec::new(); shards];
    let rest = future::join_all(stopped.iter_mut().map(Idle::is_told_the_rest)).await;
    rest.into_iter().enumerate().for_each(|(number, one)| told[number % shards].push(one));
    assert_eq!(told.iter().flatten().filter(|told| **told).count(), left);
    for told in told {
        assert!(
            told.is_sorted(),
            "those who have waited longest are closed, each in the middle of a message: {told:?}"
        );
    }
    // Who was not closed reads on.
    let mut last = stopped.pop().expect("many");
    last.read_until(|message| message["item"]["headline"] == "Who is there?").await;
}
