//! Clients that hold on to what they are given: each limit is reached, told, and costs nobody else anything. Beside every
//! one of them a normal reader goes on.

mod support;

use std::time::Duration;

use newswire::http::bounds::{ADDRESS, READS, WRITES};
use reqwest::StatusCode;
use serde_json::json;
use support::{
    PATIENCE,
    server::{FEED, Kept, Server},
    stream::{Door, Stream},
    until,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

/// How many more clients come than there are places: once all of these are refused, every place is taken.
const MORE: usize = 16;

/// A server and a reader that stands at its head.
async fn with_a_reader() -> (Server, Stream) {
    let server = Server::start(Kept::Sqlite).await;
    let mut reader = Stream::open(&server, Door::WebSocket, "").await;
    reader.until("caughtUp").await;
    (server, reader)
}

/// The reader still gets what is published.
async fn goes_on(server: &Server, reader: &mut Stream) {
    let published = server.publish(&json!({"headline": "Meanwhile"})).await;
    while reader.until("item.published").await["position"] != published["position"] {}
}

async fn connect(server: &Server) -> TcpStream {
    TcpStream::connect(("127.0.0.1", server.port())).await.expect("the server accepts")
}

async fn send(socket: &mut TcpStream, text: &str) {
    socket.write_all(text.as_bytes()).await.expect("the server takes it");
}

/// What is answered to a request, as text; one that is over the limit may be answered before it was sent.
async fn answer(server: &Server, request: &str) -> String {
    let mut socket = connect(server).await;
    let _cut_off = socket.write_all(request.as_bytes()).await;
    let mut said = Vec::new();
    let _reset = timeout(PATIENCE, socket.read_to_end(&mut said)).await.expect("the server ends it");
    String::from_utf8_lossy(&said).into_owned()
}

/// Clients that send this and take all of so many places.
async fn crowd(server: &Server, request: &str, places: usize) -> Vec<TcpStream> {
    rlimit::increase_nofile_limit(u64::MAX).expect("many files may be open");
    let mut crowd = Vec::new();
    for _ in 0..places + MORE {
        let mut socket = connect(server).await;
        send(&mut socket, request).await;
        crowd.push(socket);
    }
    let mut first = [0; 12];
    until("those beyond the places are refused", async || {
        crowd.retain(|socket| match socket.try_read(&mut first) {
            Ok(_) => {
                assert_eq!(&first, b"HTTP/1.1 503");
                false
            }
            Err(_not_yet) => true,
        });
        crowd.len() == places
    })
    .await;
    crowd
}

fn status(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap_or_default()
}

#[tokio::test]
async fn a_head_that_does_not_get_on_is_given_up_however_it_trickles() {
    let (server, mut reader) = with_a_reader().await;
    let mut silent = connect(&server).await;
    send(&mut silent, "GET / HTTP/1.1\r\nHost: a\r\n").await;
    let mut trickling = connect(&server).await;
    send(&mut trickling, "GET /").await;
    let mut byte = [0];
    let ended = timeout(PATIENCE, async {
        while timeout(Duration::from_millis(500), trickling.read(&mut byte)).await.is_err() {
            if trickling.write_all(b"a").await.is_err() {
                break;
            }
        }
    });
    ended.await.expect("a head that trickles is given up");
    timeout(PATIENCE, silent.read_to_end(&mut Vec::new())).await.expect("a silent one too").ok();
    goes_on(&server, &mut reader).await;
}

#[tokio::test]
async fn a_body_may_take_longer_than_a_head_and_a_websocket_may_speak_whenever_it_likes() {
    let (server, mut reader) = with_a_reader().await;
    let mut slow = connect(&server).await;
    let head = format!(
        "POST /v1/feeds/{FEED}/items HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {}\r\nContent-Length: 22\r\n\
         Expect: 100-continue\r\nConnection: close\r\n\r\n",
        server.token
    );
    send(&mut slow, &head).await;
    let Stream::WebSocket(socket) = &mut reader else { panic!("a WebSocket") };
    let ping = tokio_tungstenite::tungstenite::Message::Ping("a".into());
    futures_util::SinkExt::send(socket.as_mut(), ping).await.expect("a ping is sent");
    let mut said = Vec::new();
    // A head has 10 s.
    assert!(timeout(Duration::from_secs(11), slow.read_to_end(&mut said)).await.is_err(), "it waits for the body");
    send(&mut slow, "{\"headline\": \"Slowly\"}").await;
    timeout(PATIENCE, slow.read_to_end(&mut said)).await.expect("it is answered").expect("whole");
    let said = String::from_utf8_lossy(&said).into_owned();
    assert!(said.starts_with("HTTP/1.1 100 Continue") && said.contains("HTTP/1.1 201 Created"), "{said}");
    assert_eq!(reader.until("item.published").await["item"]["headline"], "Slowly");
    goes_on(&server, &mut reader).await;
}

#[tokio::test]
async fn a_head_that_is_too_large_or_has_too_many_headers_is_refused() {
    let (server, mut reader) = with_a_reader().await;
    let with = |headers: &str| format!("GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{headers}\r\n");
    let padded = |bytes: usize| with(&format!("X-Pad: {}\r\n", "a".repeat(bytes)));
    let many = |count: usize| with(&(0..count - 2).map(|n| format!("X-{n}: a\r\n")).collect::<String>());
    assert_eq!(status(&answer(&server, &padded(15 * 1024)).await), "200");
    assert_eq!(status(&answer(&server, &padded(16 * 1024)).await), "431");
    assert_eq!(status(&answer(&server, &many(64)).await), "200");
    assert_eq!(status(&answer(&server, &many(65)).await), "431");
    goes_on(&server, &mut reader).await;
}

#[tokio::test]
async fn an_address_that_is_too_long_is_refused_with_limit_and_length() {
    let (server, mut reader) = with_a_reader().await;
    let padded = |bytes: usize| format!("/healthz?{}", "a".repeat(bytes - 9));
    let fits = server.get(&padded(ADDRESS)).await.expect("an answer");
    assert_eq!(fits.status(), StatusCode::OK);
    let refused = server.get(&padded(ADDRESS + 1)).await.expect("an answer");
    assert_eq!(refused.status(), StatusCode::URI_TOO_LONG);
    let problem: serde_json::Value = refused.json().await.expect("JSON");
    assert_eq!((&problem["code"], &problem["limit"]), (&json!("uriTooLong"), &json!("8192 bytes")));
    assert_eq!(problem["sent"], "8193 bytes");
    goes_on(&server, &mut reader).await;
}

#[tokio::test]
async fn an_idle_connection_is_closed_later_than_proxies_give_theirs_up() {
    let (server, mut reader) = with_a_reader().await;
    let mut idle = connect(&server).await;
    send(&mut idle, "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n").await;
    let mut said = Vec::new();
    let minute = Duration::from_secs(60);
    assert!(timeout(minute, idle.read_to_end(&mut said)).await.is_err(), "a minute is not too long");
    timeout(PATIENCE, idle.read_to_end(&mut said)).await.expect("it is closed").expect("in good order");
    assert!(said.starts_with(b"HTTP/1.1 200"));
    goes_on(&server, &mut reader).await;
}

#[tokio::test]
async fn writes_that_never_end_take_their_own_places_and_no_reader_notices() {
    let (server, mut reader) = with_a_reader().await;
    let head = format!(
        "POST /v1/feeds/{FEED}/items HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {}\r\nContent-Length: 9\r\n\r\n",
        server.token
    );
    let known = server.publish(&json!({"headline": "Known"})).await;
    let crowd = crowd(&server, &head, WRITES).await;
    let item = json!({"headline": "One more"});
    let post = || server.edit(reqwest::Method::POST, "items").json(&item).send();
    let refused = post().await.expect("an answer");
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(refused.headers().contains_key("retry-after"));
    let problem: serde_json::Value = refused.json().await.expect("JSON");
    assert_eq!((&problem["code"], &problem["limit"]), (&json!("busy"), &json!("512 open requests")));
    // A kill has places of its own.
    let id = known["item"]["id"].as_str().expect("an id");
    server.act(id, "retract", &json!({"reason": "Not confirmed."})).await;
    reader.until("item.retracted").await;
    // Reading goes on, and so does what others write into the store.
    server.read(&format!("/v1/feeds/{FEED}/items")).await;
    server.beside_it(&["feed", "set", FEED, "--title", "Meanwhile"]);
    assert_eq!(reader.until("feed.updated").await["feedInfo"]["title"], "Meanwhile");
    drop(crowd);
    until("the places are free again", async || post().await.expect("an answer").status() == StatusCode::CREATED).await;
    goes_on(&server, &mut reader).await;
}

#[tokio::test]
async fn a_crowd_of_long_polls_keeps_neither_editors_nor_readers_out() {
    let (server, mut reader) = with_a_reader().await;
    let position = server.read(&format!("/v1/feeds/{FEED}")).await["position"].as_str().expect("text").to_owned();
    let poll = format!("GET /v1/feeds/{FEED}/changes?after={position}&wait=30 HTTP/1.1\r\nHost: a\r\n\r\n");
    let crowd = crowd(&server, &poll, READS).await;
    let get = || server.get("/v1/feeds");
    assert_eq!(get().await.expect("an answer").status(), StatusCode::SERVICE_UNAVAILABLE);
    goes_on(&server, &mut reader).await;
    // What was published answers them all.
    until("the places are free again", async || get().await.expect("an answer").status() == StatusCode::OK).await;
    for mut socket in crowd {
        let mut first = [0; 12];
        timeout(PATIENCE, socket.read_exact(&mut first)).await.expect("in time").expect("an answer");
        assert_eq!(&first, b"HTTP/1.1 200");
    }
}
