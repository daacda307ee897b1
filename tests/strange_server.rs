//! `publish` and `tail` against a server that misbehaves on purpose: each test plays the server's part by hand, message
//! by message, and looks at what the program asks for next.

use std::{
    fs,
    path::Path,
    process::{Output, Stdio},
    time::Duration,
};

use futures_util::SinkExt;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    process::{Child, Command},
    time::timeout,
};
use tokio_tungstenite::{
    WebSocketStream, accept_hdr_async,
    tungstenite::{
        Message,
        handshake::server::{ErrorResponse, Request, Response},
    },
};

/// Longer than anything here takes on a busy machine; a test that gets there has failed.
const PATIENCE: Duration = Duration::from_secs(60);

fn newswire(server: &TcpListener, args: &[&str]) -> Child {
    let address = server.local_addr().expect("it is bound");
    let mut command = Command::new(env!("CARGO_BIN_EXE_newswire"));
    command.args(args).args(["--server", &format!("http://{address}"), "--feed", "news"]);
    command.env_remove("NEWSWIRE_TOKEN").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.kill_on_drop(true).spawn().expect("the program runs")
}

async fn listen() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.expect("a free port")
}

async fn ended(child: Child) -> (i32, String, String) {
    let Output { status, stdout, stderr } =
        timeout(PATIENCE, child.wait_with_output()).await.expect("it ends").expect("it ran");
    let text = |bytes| String::from_utf8(bytes).expect("text");
    (status.code().expect("it exits by itself"), text(stdout), text(stderr))
}

/// The next reader, and the query it came with.
async fn reader(server: &TcpListener) -> (WebSocketStream<TcpStream>, String) {
    let (socket, _) = timeout(PATIENCE, server.accept()).await.expect("somebody comes").expect("accepted");
    let mut query = String::new();
    let look = |request: &Request, response: Response| -> Result<Response, ErrorResponse> {
        query = request.uri().query().unwrap_or_default().to_owned();
        Ok(response)
    };
    let socket = accept_hdr_async(socket, look).await.expect("a WebSocket");
    (socket, query)
}

async fn say(socket: &mut WebSocketStream<TcpStream>, messages: &[&str]) {
    for text in messages {
        socket.send(Message::text(*text)).await.expect("sent");
    }
}

/// Waits until the program says this on standard error.
async fn says(child: &mut Child, what: &str) {
    let stderr = child.stderr.as_mut().expect("piped");
    let mut lines = BufReader::new(stderr).lines();
    let found = async {
        while let Some(line) = lines.next_line().await.expect("text") {
            if line.contains(what) {
                return;
            }
        }
        panic!("it never said {what:?}");
    };
    timeout(PATIENCE, found).await.expect("it says so in time");
}

const HELLO: &str = r#"{"type":"hello","feed":"news","headSeq":6,"floorSeq":1,"heartbeat":15,"protocol":1}"#;
const FIRST_PAGE: &str = r#"{"type":"snapshot","feed":"news","items":[{"id":"b"}],"done":false}"#;
const LAST_PAGE: &str = r#"{"type":"snapshot","feed":"news","items":[{"id":"a"}],"done":true,"position":"5-00000005"}"#;
const SIX: &str = r#"{"type":"item.published","feed":"news","position":"6-00000006","born":6,"item":{"id":"c"}}"#;
const SEVEN: &str = r#"{"type":"item.updated","feed":"news","position":"7-00000007","born":6,"item":{"id":"c"}}"#;
const PULSE: &str =
    r#"{"type":"heartbeat","feed":"news","position":"8-00000008","checked":"2026-01-01T00:00:00.000Z"}"#;
const RESET: &str = r#"{"type":"reset","feed":"news","reason":"trimmed"}"#;
const REVOKED: &str = r#"{"type":"bye","reason":"revoked","retryMs":0}"#;

fn kept(state: &Path) -> Option<String> {
    let json: serde_json::Value = serde_json::from_slice(&fs::read(state).ok()?).expect("a state file is JSON");
    Some(json["position"].as_str().expect("it holds a position").to_owned())
}

#[tokio::test]
async fn a_follower_comes_back_with_the_last_position_it_was_sent_and_ends_when_it_is_refused_for_good() {
    let server = listen().await;
    let child = newswire(&server, &["tail", "--last", "50"]);

    let (mut socket, query) = reader(&server).await;
    assert_eq!(query, "last=50");
    say(&mut socket, &[HELLO, FIRST_PAGE]).await;
    drop(socket);
    // Half a snapshot is no position.
    let (mut socket, query) = reader(&server).await;
    assert_eq!(query, "last=50");
    say(&mut socket, &[HELLO, FIRST_PAGE, LAST_PAGE, SIX]).await;
    socket.close(None).await.expect("closed");
    let (mut socket, query) = reader(&server).await;
    assert_eq!(query, "after=6-00000006");
    say(&mut socket, &[HELLO, PULSE, r#"{"type":"bye","reason":"draining","retryMs":1}"#]).await;
    drop(socket);
    let (mut socket, query) = reader(&server).await;
    assert_eq!(query, "after=8-00000008");
    // A reset does not move the position before its snapshot is complete.
    say(&mut socket, &[HELLO, RESET, FIRST_PAGE]).await;
    drop(socket);
    let (mut socket, query) = reader(&server).await;
    assert_eq!(query, "after=8-00000008");
    say(&mut socket, &[HELLO, RESET, LAST_PAGE, REVOKED]).await;

    let (code, stdout, stderr) = ended(child).await;
    assert_eq!(code, 4, "{stderr}");
    let expected = [FIRST_PAGE, FIRST_PAGE, LAST_PAGE, SIX, RESET, FIRST_PAGE, RESET, LAST_PAGE];
    assert_eq!(stdout.lines().collect::<Vec<_>>(), expected);
}

#[tokio::test]
async fn a_bot_keeps_a_position_only_after_its_command_ended_well_and_skips_nothing() {
    let place = tempfile::tempdir().expect("a directory");
    let (state, seen, may) = (place.path().join("state"), place.path().join("seen"), place.path().join("may"));
    // Notes what it is given; fails for SIX until it may succeed; does not read its input for RESET.
    let command = format!(
        "read -r line; echo \"$line\" >> {seen}; case $line in *00000006*) test -e {may};; esac",
        seen = seen.display(),
        may = may.display()
    );
    let state_text = state.display().to_string();
    let args = ["tail", "--after", "0", "--state", &state_text, "--exec", &command];
    let server = listen().await;
    let mut child = newswire(&server, &args);

    let (mut socket, query) = reader(&server).await;
    assert_eq!(query, "after=0");
    say(&mut socket, &[HELLO, RESET, LAST_PAGE, SIX, SEVEN, PULSE]).await;
    says(&mut child, "the command failed").await;
    assert_eq!(kept(&state).as_deref(), Some("5-00000005"));
    // Killed while its command fails, it goes on with the same message: the state beats --after.
    child.kill().await.expect("killed");
    drop(socket);
    let child = newswire(&server, &args);
    let (mut socket, query) = reader(&server).await;
    assert_eq!(query, "after=5-00000005");
    fs::write(&may, "").expect("written");
    say(&mut socket, &[HELLO, SIX, SEVEN, PULSE, REVOKED]).await;

    let (code, _, stderr) = ended(child).await;
    assert_eq!(code, 4, "{stderr}");
    assert_eq!(kept(&state).as_deref(), Some("8-00000008"));
    let given = fs::read_to_string(&seen).expect("it was run");
    let mut given: Vec<_> = given.lines().collect();
    given.dedup();
    assert_eq!(given, [RESET, LAST_PAGE, SIX, SEVEN]);
}

#[tokio::test]
async fn a_command_that_does_not_read_its_input_and_a_long_message_are_no_failure() {
    let place = tempfile::tempdir().expect("a directory");
    let state = place.path().join("state");
    let state_text = state.display().to_string();
    let server = listen().await;
    // What stays behind holds the pipe open, and never reads it.
    let child = newswire(&server, &["tail", "--state", &state_text, "--exec", "sleep 30 & exit 0"]);
    let (mut socket, _) = reader(&server).await;
    let long = SIX.replace("\"c\"", &format!("\"{}\"", "x".repeat(200_000)));
    say(&mut socket, &[HELLO, LAST_PAGE, &long, REVOKED]).await;
    let mut child = child;
    let status = timeout(PATIENCE, child.wait()).await.expect("it ends").expect("it ran");
    assert_eq!(status.code(), Some(4));
    assert_eq!(kept(&state).as_deref(), Some("6-00000006"));
}

#[tokio::test]
async fn told_to_stop_a_bot_waits_for_its_command_and_ends_well() {
    let place = tempfile::tempdir().expect("a directory");
    let (state, go) = (place.path().join("state"), place.path().join("go"));
    let state_text = state.display().to_string();
    assert!(std::process::Command::new("mkfifo").arg(&go).status().expect("mkfifo runs").success());
    let server = listen().await;
    // It says that it runs, and waits until something is written to the pipe.
    let command = format!("echo running >&2; cat {} > /dev/null", go.display());
    let mut child = newswire(&server, &["tail", "--state", &state_text, "--exec", &command]);
    let (mut socket, _) = reader(&server).await;
    say(&mut socket, &[HELLO, LAST_PAGE]).await;
    says(&mut child, "running").await;
    let id = child.id().expect("it runs").to_string();
    assert!(std::process::Command::new("kill").args(["-TERM", &id]).status().expect("kill runs").success());
    says(&mut child, "waiting for the command").await;
    assert_eq!(kept(&state), None);
    tokio::task::spawn_blocking(move || fs::write(&go, "go")).await.expect("written").expect("written");
    let status = timeout(PATIENCE, child.wait()).await.expect("it ends").expect("it ran");
    assert_eq!(status.code(), Some(0));
    assert_eq!(kept(&state).as_deref(), Some("5-00000005"));
}

/// Reads one request from a connection: its head and its body.
async fn request(socket: &mut TcpStream) -> (String, String) {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let head = head.to_lowercase();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).expect("a length");
            if body.len() >= length.parse().expect("a number") {
                return (head, body.to_owned());
            }
        }
        let read = timeout(PATIENCE, socket.read_buf(&mut bytes)).await.expect("in time").expect("read");
        assert_ne!(read, 0, "it ended in the middle: {text}");
    }
}

/// The next request, on the same connection or on a new one where the client has given that up.
async fn next_request(server: &TcpListener, socket: &mut TcpStream) -> (String, String) {
    let more = timeout(PATIENCE, socket.peek(&mut [0])).await.expect("in time");
    if !more.is_ok_and(|bytes| bytes > 0) {
        *socket = timeout(PATIENCE, server.accept()).await.expect("in time").expect("accepted").0;
    }
    request(socket).await
}

async fn answer(socket: &mut TcpStream, status: &str, body: &str) {
    let text = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nRetry-After: 0\r\n\r\n{body}", body.len());
    socket.write_all(text.as_bytes()).await.expect("answered");
}

#[tokio::test]
async fn a_publisher_repeats_under_the_same_key_and_goes_on_after_a_refusal() {
    let place = tempfile::tempdir().expect("a directory");
    let file = place.path().join("items.jsonl");
    fs::write(&file, "{\"headline\":\"A\"}\n\n{\"headline\":\"B\"}\n{\"headline\":\"C\"}\n").expect("written");
    let server = listen().await;
    let child = newswire(&server, &["publish", "--token", "t", &file.display().to_string()]);
    let key = |head: &str| head.lines().find(|line| line.starts_with("idempotency-key: ")).expect("a key").to_owned();

    let (mut socket, _) = timeout(PATIENCE, server.accept()).await.expect("in time").expect("accepted");
    let (head, body) = request(&mut socket).await;
    assert!(
        head.starts_with("post /v1/feeds/news/items http/1.1") && head.contains("authorization: bearer t"),
        "{head}"
    );
    assert_eq!(body, r#"{"headline":"A"}"#);
    // Cut before the answer: nobody knows whether it was published.
    drop(socket);
    let (mut socket, _) = timeout(PATIENCE, server.accept()).await.expect("in time").expect("accepted");
    let (again, _) = request(&mut socket).await;
    assert_eq!(key(&again), key(&head));
    answer(&mut socket, "503 Service Unavailable", "").await;
    let (third, _) = next_request(&server, &mut socket).await;
    assert_eq!(key(&third), key(&head));
    answer(&mut socket, "201 Created", r#"{"item":{"id":"a"},"position":"2-00000002","readers":0}"#).await;
    let (second, _) = next_request(&server, &mut socket).await;
    assert_ne!(key(&second), key(&head));
    let problem = r#"{"code":"tooLong","detail":"at most 300 characters","field":"headline"}"#;
    answer(&mut socket, "422 Unprocessable Content", problem).await;
    next_request(&server, &mut socket).await;
    answer(&mut socket, "201 Created", r#"{"item":{"id":"c"},"position":"3-00000003","readers":0}"#).await;

    let (code, stdout, stderr) = ended(child).await;
    assert_eq!(code, 1, "{stderr}");
    assert!(stderr.contains("line 3: headline: at most 300 characters"), "{stderr}");
    assert!(stderr.ends_with("2 published, 1 refused\n"), "{stderr}");
    let lines: Vec<serde_json::Value> = stdout.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(lines[1], serde_json::json!({"line": 4, "id": "c", "position": "3-00000003"}));
}

#[tokio::test]
async fn a_publisher_that_is_not_allowed_stops_at_once() {
    let place = tempfile::tempdir().expect("a directory");
    let file = place.path().join("item.json");
    fs::write(&file, "{\n  \"headline\": \"A\"\n}\n").expect("written");
    let server = listen().await;
    for (status, expected) in [("401 Unauthorized", 4), ("403 Forbidden", 4), ("404 Not Found", 5), ("302 Found", 3)] {
        let child = newswire(&server, &["publish", "--token", "t", &file.display().to_string()]);
        let (mut socket, _) = timeout(PATIENCE, server.accept()).await.expect("in time").expect("accepted");
        request(&mut socket).await;
        answer(&mut socket, status, r#"{"code":"x","detail":"no"}"#).await;
        let (code, _, stderr) = ended(child).await;
        assert_eq!(code, expected, "{status}: {stderr}");
    }
}
