//! Readers that read nothing while thousands of changes happen cost the server their sockets and no more; publishing
//! does not wait for them; and when they read again, they catch up with each item once.

mod support;

use futures_util::stream::{self, StreamExt as _};
use serde_json::{Value, json};
use support::{
    server::{FEED, Kept, Server},
    stream::Held,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpSocket, TcpStream},
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
    async fn open(server: &Server) -> Self {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.set_recv_buffer_size(4 * 1024).expect("a small buffer");
        let address = format!("127.0.0.1:{}", server.port()).parse().expect("an address");
        let mut socket = socket.connect(address).await.expect("the server takes readers");
        let request = format!("GET /v1/feeds/{FEED}/live?last=50 HTTP/1.1\r\nHost: newswire\r\n\r\n");
        socket.write_all(request.as_bytes()).await.expect("the request is sent");
        let mut idle = Self { socket, came: Vec::new() };
        idle.read_until(|message| message["type"] == "caughtUp").await;
        idle
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
            let read = tokio::time::timeout(support::PATIENCE, self.socket.read(&mut part)).await;
            let read = read.expect("something comes").expect("the socket can be read");
            assert!(read > 0, "the stream ended");
            self.came.extend_from_slice(&part[..read]);
        }
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
        idle.push(Idle::open(&server).await);
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
