//! What a stream's connection promises below its messages, over bare sockets: whichever HTTP its client speaks it is
//! served, compression is what RFC 7692 says, who is one too many is told so, who stops reading is in nobody's way, and
//! who leaves leaves nothing behind.

mod support;

use std::{collections::BTreeSet, io::Read as _, time::Duration};

use futures_util::future::join_all;
use serde_json::{Value, json};
use support::{
    PATIENCE,
    server::{FEED, Kept, Server},
    stream::{Door, Said, Stream},
    until,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpSocket, TcpStream},
    time::{Instant, timeout},
};

/// A client that sends and reads bytes.
struct Bare {
    socket: TcpStream,
    came: Vec<u8>,
}

impl Bare {
    async fn send(server: &Server, request: &str) -> Self {
        let mut socket = TcpStream::connect(("127.0.0.1", server.port())).await.expect("the server accepts");
        socket.write_all(request.as_bytes()).await.expect("the server takes it");
        Self { socket, came: Vec::new() }
    }

    /// Reads more. False: the server has ended the connection.
    async fn more(&mut self) -> bool {
        let mut part = [0; 16 * 1024];
        let read = timeout(PATIENCE, self.socket.read(&mut part)).await.expect("something comes in time");
        let read = read.expect("the connection is not reset");
        self.came.extend_from_slice(&part[..read]);
        read > 0
    }

    /// Reads up to this text, and returns everything that came before its end.
    async fn up_to(&mut self, text: &str) -> String {
        let given_up = Instant::now() + PATIENCE;
        loop {
            assert!(Instant::now() < given_up, "{text:?} does not come");
            if let Some(at) = self.came.windows(text.len()).position(|part| part == text.as_bytes()) {
                let came: Vec<u8> = self.came.drain(..at + text.len()).collect();
                return String::from_utf8_lossy(&came).into_owned();
            }
            assert!(self.more().await, "it ended before {text:?}: {}", String::from_utf8_lossy(&self.came));
        }
    }

    /// Reads until the server ends the connection.
    async fn until_the_end(&mut self) -> String {
        let ended = timeout(PATIENCE, async { while self.more().await {} }).await;
        assert!(ended.is_ok(), "it goes on: {}", String::from_utf8_lossy(&self.came));
        String::from_utf8_lossy(&std::mem::take(&mut self.came)).into_owned()
    }

    /// The payload of the next frame that begins with this byte, whatever comes before it. Heartbeats do not count as
    /// getting on.
    async fn frame_of(&mut self, first: u8) -> Vec<u8> {
        let came = timeout(PATIENCE, async {
            loop {
                match self.frame().await {
                    (begins, payload) if begins == first => return payload,
                    _ => {}
                }
            }
        });
        came.await.unwrap_or_else(|_| panic!("no frame that begins with {first:x} comes"))
    }

    /// The next frame: its first byte and its payload.
    async fn frame(&mut self) -> (u8, Vec<u8>) {
        loop {
            let came = &self.came;
            let header = match came.get(1) {
                Some(127) if came.len() >= 10 => {
                    Some((10, u64::from_be_bytes(came[2..10].try_into().expect("eight bytes"))))
                }
                Some(126) if came.len() >= 4 => Some((4, u64::from(u16::from_be_bytes([came[2], came[3]])))),
                Some(126 | 127) | None => None,
                Some(short) => Some((2, u64::from(*short))),
            };
            if let Some((header, length)) = header {
                let length = usize::try_from(length).expect("a message is small");
                if came.len() >= header + length {
                    let frame: Vec<u8> = self.came.drain(..header + length).collect();
                    return (frame[0], frame[header..].to_vec());
                }
            }
            assert!(self.more().await, "it ended within a frame");
        }
    }
}

fn handshake(query: &str, more: &str) -> String {
    format!(
        "GET /v1/feeds/{FEED}/live?{query} HTTP/1.1\r\nHost: newswire\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{more}\r\n"
    )
}

#[tokio::test]
async fn clients_of_http_1_0_and_those_that_close_get_events_until_the_end_of_the_connection() {
    let server = Server::start(Kept::Sqlite).await;
    for head in
        ["HTTP/1.0\r\n", "HTTP/1.1\r\nHost: newswire\r\nConnection: close\r\n", "HTTP/1.1\r\nHost: newswire\r\n"]
    {
        let mut reader = Bare::send(&server, &format!("GET /v1/feeds/{FEED}/live {head}\r\n")).await;
        let answer = reader.up_to("\r\n\r\n").await.to_lowercase();
        assert!(answer.starts_with("http/1.1 200 ok\r\n"), "{answer}");
        for line in ["content-type: text/event-stream\r\n", "connection: close\r\n", "date: ", "x-request-id: "] {
            assert!(answer.contains(line), "{line:?} is in {answer}");
        }
        assert!(!answer.contains("transfer-encoding") && !answer.contains("content-length"), "{answer}");
        assert!(reader.up_to("\n\n").await.starts_with("data: {\"type\":\"hello\""), "nothing stands before an event");
        reader.up_to("caughtUp").await;
        reader.up_to("\n\n").await;
        server.publish(&json!({"headline": "News"})).await;
        let event = reader.up_to("\n\n").await;
        assert!(event.starts_with("id: ") && event.contains("item.published"), "it is not cut into chunks: {event}");
    }
}

#[tokio::test]
async fn head_of_a_stream_answers_its_head_and_goes_on_to_the_next_request() {
    let server = Server::start(Kept::Sqlite).await;
    let two = format!(
        "HEAD /v1/feeds/{FEED}/live HTTP/1.1\r\nHost: newswire\r\n\r\nGET /healthz HTTP/1.0\r\nConnection: close\r\n\r\n"
    );
    let mut client = Bare::send(&server, &two).await;
    let said = client.up_to("\r\n\r\n").await;
    assert!(said.starts_with("HTTP/1.1 200 OK") && said.contains("text/event-stream"), "{said}");
    let next = client.until_the_end().await;
    assert!(next.contains(" 200 OK\r\n") && !next.contains("hello"), "no event follows a head: {next}");
}

#[tokio::test]
async fn what_comes_with_the_handshake_and_after_other_requests_is_understood() {
    let server = Server::start(Kept::Sqlite).await;
    // A request, the handshake and a ping in one write.
    let first = "GET /healthz HTTP/1.1\r\nHost: newswire\r\n\r\n";
    let mut client = Bare::send(&server, &format!("{first}{}", handshake("", ""))).await;
    client.socket.write_all(&[0x89, 0x82, 0, 0, 0, 0, b'h', b'i']).await.expect("the server takes it");
    assert!(client.up_to("\r\n\r\n").await.starts_with("HTTP/1.1 200 OK"));
    client.up_to("HTTP/1.1 101 Switching Protocols\r\n").await;
    let head = client.up_to("\r\n\r\n").await;
    assert!(head.contains("sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), "{head}");
    let (mut pong, mut hello) = (false, false);
    while !(pong && hello) {
        match client.frame().await {
            (0x8a, payload) => pong = payload == b"hi",
            (0x81, text) => {
                let text = String::from_utf8_lossy(&text).into_owned();
                assert!(!text.contains("\"type\":\"heartbeat\""), "a pong does not wait for that");
                hello |= text.contains("\"hello\"");
            }
            (other, _) => panic!("a frame begins with {other:x}"),
        }
    }
    for (version, key) in [("HTTP/1.0", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="), ("HTTP/1.1", "X: y")] {
        let refused = handshake("", "Connection: close\r\n").replace("HTTP/1.1", version);
        let refused = refused.replace("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", key);
        assert!(Bare::send(&server, &refused).await.up_to("\r\n").await.contains("400"), "{refused}");
    }
}

/// What a client makes of a frame of a connection with permessage-deflate.
fn text_of((first, payload): &(u8, Vec<u8>)) -> String {
    match first {
        0x81 => String::from_utf8(payload.clone()).expect("UTF-8"),
        0xc1 => {
            let whole = [payload.as_slice(), &[0, 0, 0xff, 0xff]].concat();
            let mut text = String::new();
            let mut inflating = flate2::read::DeflateDecoder::new(whole.as_slice());
            // The last block says that more follows; what is there is the message.
            let _ends_early = inflating.read_to_string(&mut text);
            text
        }
        other => panic!("a frame begins with {other:x}"),
    }
}

#[tokio::test]
async fn a_client_that_offers_deflate_gets_shared_messages_compressed_each_on_its_own() {
    let server = Server::start(Kept::Sqlite).await;
    let body = "<p>Counting began at ten in all but two of the constituencies, where boxes are still on their way.</p>";
    for n in 0..50 {
        server.publish(&json!({"headline": format!("Item {n}"), "body": body.repeat(3), "tags": ["election"]})).await;
    }
    let offer = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n";
    let mut packed = Bare::send(&server, &handshake("", offer)).await;
    let agreed = packed.up_to("\r\n\r\n").await.to_lowercase();
    let ours =
        "sec-websocket-extensions: permessage-deflate; server_no_context_takeover; client_no_context_takeover\r\n";
    assert!(agreed.contains(ours), "{agreed}");
    let small = "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=10\r\n";
    let mut plain = Bare::send(&server, &handshake("", small)).await;
    assert!(!plain.up_to("\r\n\r\n").await.to_lowercase().contains("extensions"), "a smaller window is declined");

    // A compressed message of its own is skipped, whatever is in it.
    packed.socket.write_all(&[0xc1, 0x83, 0, 0, 0, 0, 1, 2, 3]).await.expect("the server takes it");
    let kind =
        |text: &str| serde_json::from_str::<Value>(text).expect("JSON")["type"].as_str().expect("a type").to_owned();
    for expects in ["hello", "snapshot", "caughtUp", "item.published"] {
        if expects == "item.published" {
            server.publish(&json!({"headline": "The last one", "body": body})).await;
        }
        let (frame, expected) = (packed.frame().await, plain.frame().await);
        let (text, plainly) = (text_of(&frame), text_of(&expected));
        assert_eq!((&text, kind(&text).as_str()), (&plainly, expects));
        match expects {
            "snapshot" => assert!(frame.0 == 0xc1 && frame.1.len() * 100 <= plainly.len() * 35, "{}", frame.1.len()),
            "item.published" => {
                println!("an item: {} bytes of {}", frame.1.len(), plainly.len());
                assert!(frame.0 == 0xc1 && frame.1.len() * 100 <= plainly.len() * 65, "{}", frame.1.len());
            }
            _ => assert_eq!(frame.0, 0x81, "what is one reader's alone is not compressed: {text}"),
        }
    }
}

#[tokio::test]
async fn a_web_socket_that_breaks_the_protocol_is_closed_with_the_code_for_it() {
    let server = Server::start(Kept::Sqlite).await;
    let long = [&[0x89, 0xfe, 0, 126, 0, 0, 0, 0][..], &[0; 126]].concat();
    for (sent, code) in [
        (vec![0x81, 0x02, b'h', b'i'], 1002),
        (vec![0xc1, 0x80, 0, 0, 0, 0], 1002),
        (vec![0x09, 0x80, 0, 0, 0, 0], 1002),
        (long, 1002),
        (vec![0x81, 0x81, 0, 0, 0, 0, 0xff], 1007),
        (vec![0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe9], 1001),
        (vec![0x88, 0x82, 0, 0, 0, 0, 0x03, 0xed], 1002),
    ] {
        let mut client = Bare::send(&server, &handshake("", "")).await;
        client.up_to("\r\n\r\n").await;
        client.socket.write_all(&sent).await.expect("the server takes it");
        let closed = client.frame_of(0x88).await;
        let closed = u16::from_be_bytes([closed[0], closed[1]]);
        assert_eq!(closed, code, "{sent:x?}");
        assert_eq!(client.until_the_end().await, "", "a close frame is the last thing said");
    }
}

#[tokio::test]
async fn who_is_one_too_many_is_told_to_come_back_and_is_let_in_once_somebody_left() {
    let server = Server::start(Kept::Sqlite).await;
    server.stop().await;
    server.up_as(server.command().args(["--max-readers", "3", "--max-readers-per-address", "2"])).await;
    let mut one = Stream::open(&server, Door::WebSocket, "").await;
    let mut two = Stream::open(&server, Door::Sse, "").await;
    one.until("caughtUp").await;
    two.until("caughtUp").await;
    let several = format!("/v1/live?feed={FEED}");
    for path in [format!("/v1/feeds/{FEED}/live"), several] {
        let refused = handshake("", "").replace(&format!("/v1/feeds/{FEED}/live?"), &path);
        let said =
            Bare::send(&server, &refused.replace("Host:", "Connection: close\r\nHost:")).await.until_the_end().await;
        assert!(said.starts_with("HTTP/1.1 503") && said.contains("retry-after: "), "{said}");
        assert!(said.contains("\"code\":\"full\"") && said.contains("2 open streams"), "{said}");
    }
    // A browser's EventSource comes back after an answer of 200, and only then.
    let mut three = Stream::open(&server, Door::Sse, "").await;
    let bye = three.next().await.message();
    assert_eq!((&bye["type"], &bye["reason"]), (&json!("bye"), &json!("full")));
    assert!(matches!(three.next().await, Said::End(None)));
    drop(one);
    until("there is room again", async || {
        let mut again = Stream::open(&server, Door::Sse, "").await;
        again.next().await.message()["type"] == "hello"
    })
    .await;
}

/// What an EventSource makes of the lines that come to it (WHATWG HTML, section 9.2.6).
#[derive(Debug, Default)]
struct EventSource {
    retry: Option<u64>,
    last_event_id: String,
    events: Vec<String>,
}

impl EventSource {
    fn reads(text: &str) -> Self {
        let (mut made, mut data, mut id) = (Self::default(), String::new(), String::new());
        let lines = text.replace("\r\n", "\n").replace('\r', "\n");
        // What no line end follows is not looked at, and neither is an event that no blank line ends.
        for line in lines.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n')) {
            if line.is_empty() {
                made.last_event_id.clone_from(&id);
                if let Some(whole) = std::mem::take(&mut data).strip_suffix('\n') {
                    made.events.push(whole.to_owned());
                }
                continue;
            }
            let (field, value) = line.split_once(':').unwrap_or((line, ""));
            let value = value.strip_prefix(' ').unwrap_or(value);
            match field {
                "data" => data.extend([value, "\n"]),
                "id" => value.clone_into(&mut id),
                "retry" if value.bytes().all(|byte| byte.is_ascii_digit()) => made.retry = value.parse().ok(),
                "retry" | "" => {}
                other => panic!("everything arrives as a message, and this has {other:?}: {text:?}"),
            }
        }
        made
    }
}

#[tokio::test]
async fn an_event_source_that_is_one_too_many_comes_back_each_after_its_own_pause() {
    let server = Server::start(Kept::Sqlite).await;
    server.stop().await;
    server.up_as(server.command().args(["--max-readers", "2"])).await;
    let mut seated = Vec::new();
    for door in [Door::WebSocket, Door::Sse] {
        let mut reader = Stream::open(&server, door, "").await;
        reader.until("caughtUp").await;
        seated.push(reader);
    }
    let request = |more: &str| {
        let accept = "Accept: text/event-stream\r\nCache-Control: no-cache\r\n";
        format!("GET /v1/feeds/{FEED}/live HTTP/1.1\r\nHost: newswire\r\n{accept}{more}\r\n")
    };
    let mut pauses = BTreeSet::new();
    for more in ["", "Last-Event-ID: 1-00000000\r\n"].repeat(10) {
        let mut refused = Bare::send(&server, &request(more)).await;
        let head = refused.up_to("\r\n\r\n").await.to_lowercase();
        assert!(head.starts_with("http/1.1 200 ok\r\n"), "{head}");
        assert!(head.contains("content-type: text/event-stream\r\n") && head.contains("no-store"), "{head}");
        let body = refused.until_the_end().await;
        let EventSource { retry, last_event_id, events } = EventSource::reads(&body);
        let [bye] = &events[..] else { panic!("one event: {body:?}") };
        let bye: Value = serde_json::from_str(bye).expect("JSON");
        assert_eq!(bye, json!({"type": "bye", "feed": FEED, "reason": "full", "retryMs": retry}));
        assert_eq!(last_event_id, "", "what it stands at is not touched: {body:?}");
        assert!(body.starts_with("retry: ") && body.ends_with("}\n\n"), "nothing is left over: {body:?}");
        let pause = retry.expect("a pause");
        assert!((10_000..=60_000).contains(&pause), "{pause} ms");
        pauses.insert(pause);
    }
    assert!(pauses.len() > 10, "a crowd does not return in one instant: {pauses:?}");
}

#[tokio::test]
async fn those_who_are_too_many_get_all_of_their_answer_and_take_nothing_beyond_the_limit() {
    const REFUSED: usize = 300;
    let server = Server::start(Kept::Sqlite).await;
    server.stop().await;
    server.up_as(server.command().args(["--max-readers", "3"])).await;
    let files = || std::fs::read_dir(format!("/proc/{}/fd", server.id())).expect("the process runs").count();
    let mut seated = Vec::new();
    for door in [Door::WebSocket, Door::Sse, Door::Sse] {
        let mut reader = Stream::open(&server, door, "").await;
        reader.until("caughtUp").await;
        seated.push(reader);
    }
    let before = files();
    let request = format!("GET /v1/feeds/{FEED}/live HTTP/1.1\r\nHost: newswire\r\n\r\n");
    let all = join_all((0..REFUSED).map(async |_| {
        let mut refused = Bare::send(&server, &request).await;
        let said = refused.until_the_end().await;
        assert!(said.contains("\"reason\":\"full\"") && said.ends_with("}\n\n"), "{said}");
        // It keeps its side of the connection open.
        refused
    }));
    let all = all.await;
    let beyond = files().saturating_sub(before);
    println!("{beyond} files for {} who were refused", all.len());
    assert!(beyond <= 16, "{beyond} connections of those who were refused are open");
    let change = server.publish(&json!({"headline": "For three"})).await;
    assert_eq!(change["readers"], 3);
    for reader in &mut seated {
        assert_eq!(reader.until("item.published").await["position"], change["position"]);
    }
}

/// Resident memory of a process, in KiB.
fn resident(id: u32) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).expect("the process runs");
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("Linux says");
    line.split_whitespace().nth(1).expect("a number").parse().expect("a number")
}

/// Opens and closes so many streams, some while they are served, some at once.
async fn come_and_go(server: &Server, streams: usize) {
    for n in 0..streams {
        let request = match n % 3 {
            0 => format!("GET /v1/feeds/{FEED}/live HTTP/1.1\r\nHost: newswire\r\n\r\n"),
            1 => handshake("last=10", "Sec-WebSocket-Extensions: permessage-deflate\r\n"),
            _ => handshake(&format!("tag=t{}", n % 50), ""),
        };
        let mut client = Bare::send(server, &request).await;
        if n % 2 == 0 {
            client.more().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_streams_that_came_and_went_leave_memory_where_it_was() {
    let server = Server::start(Kept::Sqlite).await;
    server.publish(&json!({"headline": "News"})).await;
    come_and_go(&server, 3_000).await;
    let before = resident(server.id());
    come_and_go(&server, 10_000).await;
    let readers = async || server.publish(&json!({"headline": "Who is there?"})).await["readers"] == 0;
    until("everybody has left", readers).await;
    let after = resident(server.id());
    println!("{before} KiB before, {after} KiB after 10,000 streams");
    // A connection that was forgotten somewhere would cost 1 KiB at least.
    assert!(after.saturating_sub(before) < 6_000, "{before} KiB before, {after} KiB after");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_that_stop_reading_delay_nobody() {
    let server = Server::start(Kept::Sqlite).await;
    let mut stopped = Vec::new();
    for n in 0..20 {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.set_recv_buffer_size(4 * 1024).expect("a small buffer");
        let address = format!("127.0.0.1:{}", server.port()).parse().expect("an address");
        let mut socket = socket.connect(address).await.expect("the server accepts");
        let request = if n % 2 == 0 {
            handshake("", "")
        } else {
            format!("GET /v1/feeds/{FEED}/live HTTP/1.1\r\nHost: newswire\r\n\r\n")
        };
        socket.write_all(request.as_bytes()).await.expect("the server takes it");
        stopped.push(socket);
    }
    let mut readers = Vec::new();
    for door in [Door::WebSocket, Door::Sse, Door::WebSocket, Door::Sse] {
        let mut reader = Stream::open(&server, door, "").await;
        reader.until("caughtUp").await;
        readers.push(reader);
    }
    let body = format!("<p>{}</p>", "Much is known. ".repeat(1_200));
    let mut slowest = Duration::ZERO;
    // More than the sockets of those who do not read can take.
    for n in 0..300 {
        let began = Instant::now();
        let published = server.publish(&json!({"headline": format!("Item {n}"), "body": body})).await;
        for reader in &mut readers {
            assert_eq!(reader.until("item.published").await["position"], published["position"]);
        }
        slowest = slowest.max(began.elapsed());
    }
    assert!(slowest < PATIENCE / 10, "{slowest:?} for one change");
    assert_eq!(server.publish(&json!({"headline": "Who is there?"})).await["readers"], 24);
    drop(stopped);
}
