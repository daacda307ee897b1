//! `/metrics` says what happens: scraped from a real server, read by Prometheus' own parser, while real readers come, lag
//! and go, editors publish and are refused, and the store goes back in time or away. METRICS.md lists what is told.

#![expect(clippy::disallowed_methods, reason = "a test waits for the tasks that it starts, or ends them")]

mod support;

use std::future;

use futures_util::stream::{self, StreamExt as _};
use reqwest::Method;
use serde_json::{Value, json};
use support::{
    server::{FEED, Kept, Server},
    stream::{Door, Stream},
    watch::{Scrape, Watch},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpSocket, TcpStream},
};

const WEB_SOCKET: (&str, &str) = ("transport", "websocket");
const SSE: (&str, &str) = ("transport", "sse");
const POLL: (&str, &str) = ("transport", "poll");

/// Opens a stream and reads until it has everything.
async fn reader(server: &Server, door: Door) -> Stream {
    let mut reader = Stream::open(server, door, "").await;
    reader.until("caughtUp").await;
    reader
}

/// Sends a request on a bare socket with a small receive buffer, from which nothing is read.
async fn bare(server: &Server, request: &str) -> TcpStream {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_recv_buffer_size(4 * 1024).expect("a small buffer");
    let address = format!("127.0.0.1:{}", server.port()).parse().expect("an address");
    let mut socket = socket.connect(address).await.expect("the server takes connections");
    socket.write_all(request.as_bytes()).await.expect("the request is sent");
    socket
}

#[tokio::test(flavor = "multi_thread")]
async fn every_metric_is_explained_and_listed_in_the_same_words() {
    let server = Server::start(Kept::Sqlite).await;
    let scrape = Watch::over(&server).await.scrape().await;
    let listed = include_str!("../METRICS.md");
    let mut listed: Vec<&str> = listed.lines().filter(|line| line.starts_with("| `")).collect();
    for family in &scrape.families {
        let text = |field: &str| family[field].as_str().expect("text").to_owned();
        let (name, kind) = (text("name"), text("type"));
        let suffix = match kind.as_str() {
            "counter" => "_total",
            "info" => "_info",
            "gauge" | "histogram" => "",
            other => panic!("{name} is of the type {other:?}"),
        };
        assert!(name.starts_with("newswire_") || name.starts_with("process_"), "{name}");
        assert!(text("unit").is_empty() || name.ends_with(&format!("_{}", text("unit"))), "{name}");
        let samples = family["samples"].as_array().expect("a list");
        assert!(!samples.is_empty(), "{name} has no value");
        let labels: Vec<_> =
            samples[0]["labels"].as_object().expect("labels").keys().filter(|key| *key != "le").collect();
        let labels: Vec<_> = labels.iter().map(|label| format!("`{label}`")).collect();
        let row =
            format!("| `{name}{suffix}` | {kind} | {} | {} | {} |", text("unit"), labels.join(", "), text("help"));
        let place = listed.iter().position(|line| *line == row);
        assert!(place.is_some(), "METRICS.md lacks this row:\n{row}");
        listed.remove(place.expect("it was found"));
    }
    assert!(listed.is_empty(), "METRICS.md lists what is not told: {listed:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_reads_and_what_they_are_sent_is_told_by_transport() {
    let server = Server::start(Kept::Sqlite).await;
    let watch = Watch::over(&server).await;
    let idle = watch.scrape().await;
    assert_eq!((idle.get("newswire_streams", &[]), idle.get("newswire_readers", &[])), (0.0, 0.0));
    server.beside_it(&["feed", "create", "sports", "--title", "Sports"]);
    let mut both = Stream::at(&server.url(&format!("/v1/live?feed={FEED}&feed=sports")), Door::WebSocket).await;
    both.until("caughtUp").await;
    both.until("caughtUp").await;
    let mut one = reader(&server, Door::Sse).await;
    let head = server.read(&format!("/v1/feeds/{FEED}")).await["position"].as_str().expect("a position").to_owned();
    let (client, url) = (server.client.clone(), server.url(&format!("/v1/feeds/{FEED}/changes?wait=30&after={head}")));
    let poll = tokio::spawn(async move { client.get(url).send().await.expect("an answer").text().await });
    let before = watch.until("a poll waits", |now| now.get("newswire_readers", &[POLL]) == 1.0).await;
    for (name, of, count) in [
        ("newswire_streams", WEB_SOCKET, 1.0),
        ("newswire_streams", SSE, 1.0),
        ("newswire_readers", WEB_SOCKET, 2.0),
        ("newswire_readers", SSE, 1.0),
        ("newswire_streams_begun_total", WEB_SOCKET, 1.0),
        ("newswire_deliveries_total", WEB_SOCKET, 0.0),
        ("newswire_deliveries_total", POLL, 0.0),
        ("newswire_open_requests", ("place", "reads"), 1.0),
        ("newswire_open_requests", ("place", "writes"), 0.0),
    ] {
        assert_eq!(before.get(name, &[of]), count, "{name} {of:?}");
    }
    assert_eq!(before.get("newswire_awake_feeds", &[]), 2.0);

    server.publish(&json!({"headline": "Polls have closed"})).await;
    both.until("item.published").await;
    one.until("item.published").await;
    let answered = poll.await.expect("no panic").expect("a body");
    assert!(answered.contains("Polls have closed"), "{answered}");
    let after = watch.scrape().await;
    for of in [WEB_SOCKET, SSE, POLL] {
        assert_eq!(after.get("newswire_deliveries_total", &[of]), 1.0, "{of:?}");
        let bytes = |scrape: &Scrape| scrape.get("newswire_written_bytes_total", &[of]);
        assert!(bytes(&after) - bytes(&before) > 100.0, "{of:?}: {} and {}", bytes(&before), bytes(&after));
    }
    assert_eq!(after.get("newswire_written_bytes_total", &[POLL]), answered.len() as f64);
    assert_eq!(
        (after.get("newswire_readers", &[POLL]), after.get("newswire_furthest_reader_lag_changes", &[])),
        (0.0, 0.0)
    );

    // Who goes is told by why.
    both.send("x".repeat(5_000)).await;
    both.until("bye").await;
    both.close(1009).await;
    drop(one);
    let mut other = reader(&server, Door::WebSocket).await;
    other.close(1000).await;
    let gone = watch.until("all have gone", |now| now.get("newswire_streams", &[]) == 0.0).await;
    assert_eq!(gone.get("newswire_readers", &[]), 0.0);
    for (of, why, count) in [
        (WEB_SOCKET, "tooMuch", 1.0),
        (WEB_SOCKET, "client", 1.0),
        (SSE, "client", 1.0),
        (SSE, "tooMuch", 0.0),
        (SSE, "failed", 0.0),
    ] {
        assert_eq!(gone.get("newswire_streams_ended_total", &[of, ("reason", why)]), count, "{of:?} {why}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_editors_do_and_are_refused_is_told_and_nothing_of_what_they_say() {
    const SECRET: &str = "zanzibar-quicksilver";
    let server = Server::start(Kept::Sqlite).await;
    let watch = Watch::over(&server).await;
    server.publish(&json!({"headline": "Before"})).await;
    let mut reader = reader(&server, Door::Sse).await;
    let before = watch.scrape().await;
    // What the feed woke with came late to nobody.
    assert_eq!(before.get("newswire_followed_changes_total", &[]), 0.0);
    assert_eq!(before.get("newswire_follower_lag_seconds_count", &[]), 0.0);
    let made = server.publish(&json!({"headline": SECRET})).await;
    let id = made["item"]["id"].as_str().expect("an id");
    server.patch(id, made["etag"].as_str().expect("an ETag"), &json!({"headline": "Another"})).await;
    server.act(id, "retract", &json!({"reason": "It was not so."})).await;
    reader.until("item.retracted").await;
    let refused = async |method, path: &str, token: &str, body: Value| {
        let url = server.url(&format!("/v1/feeds/{path}"));
        let answer = server.client.request(method, url).bearer_auth(token).json(&body).send().await;
        let problem: Value = answer.expect("an answer").json().await.expect("a problem");
        problem["code"].as_str().expect("a code").to_owned()
    };
    let token = &server.token;
    let items = format!("{FEED}/items");
    let codes = [
        refused(Method::POST, &items, token, json!({"id": id, "headline": "Again"})).await,
        refused(Method::POST, &items, token, json!({"headline": 7})).await,
        refused(Method::POST, &items, SECRET, json!({"headline": "A"})).await,
        refused(Method::GET, &format!("{SECRET}/items"), token, json!({})).await,
    ];
    assert_eq!(codes, ["exists", "invalid", "unauthorized", "notFound"]);

    let after = watch.scrape().await;
    let grown = |name: &str, labels: &[(&str, &str)]| after.get(name, labels) - before.get(name, labels);
    for code in &codes {
        assert_eq!(grown("newswire_refusals_total", &[("code", code)]), 1.0, "{code}");
    }
    assert_eq!(grown("newswire_refusals_total", &[]), 4.0);
    for kind in ["item.published", "item.updated", "item.retracted"] {
        assert_eq!(grown("newswire_changes_total", &[("kind", kind)]), 1.0, "{kind}");
    }
    assert_eq!(grown("newswire_changes_total", &[]), 3.0);
    assert_eq!(grown("newswire_commits_total", &[("outcome", "committed")]), 3.0);
    assert_eq!(grown("newswire_commits_total", &[("outcome", "conflict")]), 1.0);
    assert_eq!(grown("newswire_commits_total", &[]), 4.0);
    let commit = ("operation", "commit");
    assert_eq!(grown("newswire_store_duration_seconds_count", &[commit]), 4.0);
    let took = grown("newswire_store_duration_seconds_sum", &[commit]);
    assert!(took > 0.0 && took < 20.0, "{took} s for four commits");
    assert!(grown("newswire_store_duration_seconds_count", &[("operation", "item")]) > 0.0);
    assert_eq!(after.get("newswire_store_errors_total", &[]), 0.0);
    // Of the three, the window took in all; how late one was that is superseded already is not told.
    assert_eq!(grown("newswire_followed_changes_total", &[]), 3.0);
    let (late, seconds) =
        (grown("newswire_follower_lag_seconds_count", &[]), grown("newswire_follower_lag_seconds_sum", &[]));
    assert!((1.0..=3.0).contains(&late) && (0.0..20.0).contains(&seconds), "{late} changes, {seconds} s late");
    assert_eq!(grown("newswire_window_changes", &[]), 3.0);
    assert!(grown("newswire_window_bytes", &[]) > 500.0);
    assert!(!after.text.contains(SECRET) && !after.text.contains(id) && !after.text.contains(FEED));
    assert!(after.get("process_cpu_seconds_total", &[]) >= before.get("process_cpu_seconds_total", &[]));
    assert_eq!(after.get("process_start_time_seconds", &[]), before.get("process_start_time_seconds", &[]));
    assert!(after.get("process_open_fds", &[]) < after.get("process_max_fds", &[]));
    assert_eq!(after.get("newswire_build_info", &[("version", env!("CARGO_PKG_VERSION"))]), 1.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_takes_nothing_is_told_by_how_far_it_is_behind() {
    let server = Server::start(Kept::Redis).await;
    let watch = Watch::over(&server).await;
    let mut prompt = reader(&server, Door::WebSocket).await;
    let mut idle = bare(&server, &format!("GET /v1/feeds/{FEED}/live HTTP/1.1\r\nHost: newswire\r\n\r\n")).await;
    watch.until("it reads", |now| now.get("newswire_streams", &[SSE]) == 1.0).await;
    let words = format!("<p>{}</p>", "Much is known. ".repeat(1_200));
    let mut published = 0.0;
    let stuck = loop {
        let publish = |_| async { server.publish(&json!({"headline": "Long", "body": words})).await };
        stream::iter(0..50).map(publish).buffer_unordered(8).for_each(|_| future::ready(())).await;
        for _ in 0..50 {
            prompt.until("item.published").await;
            published += 1.0;
        }
        let now = watch.scrape().await;
        if now.get("newswire_readers_behind_window", &[]) == 1.0 {
            break now;
        }
        assert!(published < 2_000.0, "its socket takes everything");
    };
    let lag = stuck.get("newswire_furthest_reader_lag_changes", &[]);
    let delivered = stuck.get("newswire_deliveries_total", &[SSE]);
    assert!(lag > 10.0, "{lag} changes behind a window of some fifty");
    // What it was sent, one of them half, and what it is behind, is everything.
    assert_eq!(delivered + lag, published, "{delivered} delivered, {lag} behind");
    assert_eq!(stuck.get("newswire_deliveries_total", &[WEB_SOCKET]), published);
    assert_eq!(stuck.get("newswire_streams_stuck", &[]), 1.0);
    assert!(stuck.get("newswire_pinned_bytes", &[]) > 10_000.0);
    assert_eq!(stuck.get("newswire_shards_silent", &[]), 0.0);

    // It reads again, and asks a store that does not answer: it is behind as before.
    server.redis().pause();
    let reads = tokio::spawn(async move {
        let mut part = vec![0; 64 * 1024];
        while idle.read(&mut part).await.is_ok_and(|read| read > 0) {}
    });
    let asking = watch.until("the store is asked", |now| now.get("newswire_readers_asking", &[]) == 1.0).await;
    assert_eq!(asking.get("newswire_streams_stuck", &[]), 0.0);
    assert_eq!(asking.get("newswire_furthest_reader_lag_changes", &[]), lag);
    assert_eq!(asking.get("newswire_readers_behind_window", &[]), 1.0);
    // The store answers, and it is behind no more.
    server.redis().resume();
    let level = watch.until("it is at the head", |now| {
        now.get("newswire_furthest_reader_lag_changes", &[]) == 0.0 && now.get("newswire_readers_asking", &[]) == 0.0
    });
    let level = level.await;
    assert_eq!(level.get("newswire_deliveries_total", &[SSE]), published);
    assert_eq!((level.get("newswire_streams_stuck", &[]), level.get("newswire_pinned_bytes", &[])), (0.0, 0.0));
    assert_eq!(level.get("newswire_readers_behind_window", &[]), 0.0);
    reads.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_went_back_in_time_is_told_as_a_cut_and_as_the_resets_of_its_readers() {
    let server = Server::start(Kept::Redis).await;
    server.publish(&json!({"headline": "Kept"})).await;
    server.kill();
    server.redis().copy_files();
    let watch = Watch::up(&server).await;
    for n in 0..3 {
        server.publish(&json!({"headline": format!("Lost {n}")})).await;
    }
    let mut readers = [reader(&server, Door::WebSocket).await, reader(&server, Door::Sse).await];
    let lost = server.read(&format!("/v1/feeds/{FEED}")).await["position"].as_str().expect("a position").to_owned();
    let before = watch.scrape().await;
    assert_eq!((before.get("newswire_cuts_total", &[]), before.get("newswire_resets_total", &[])), (0.0, 0.0));

    server.redis().kill();
    server.redis().put_copy_back();
    server.redis().up();
    for reader in &mut readers {
        assert_eq!(reader.until("reset").await["reason"], "storeChanged");
        reader.until("caughtUp").await;
    }
    let after = watch.scrape().await;
    assert_eq!(after.get("newswire_cuts_total", &[("witness", "follower")]), 1.0);
    assert_eq!(after.get("newswire_cuts_total", &[("witness", "reader")]), 0.0);
    assert_eq!(after.get("newswire_changes_total", &[("kind", "feed.updated")]), 1.0);
    assert_eq!(after.get("newswire_resets_total", &[("reason", "storeChanged")]), 2.0);
    assert!(after.get("newswire_follower_errors_total", &[]) > 0.0, "it was away meanwhile");
    // A poll with what was lost, a stream with what is no position, and one of a feed that is not there, are told, too.
    server.read(&format!("/v1/feeds/{FEED}/changes?after={lost}")).await;
    Stream::open(&server, Door::Sse, "after=yesterday").await.until("reset").await;
    Stream::open_in(&server, "elsewhere", Door::WebSocket, "after=1-00000000").await.until("reset").await;
    let told = watch.until("the streams have ended", |now| now.get("newswire_streams", &[]) == 2.0).await;
    for (reason, count) in [("storeChanged", 3.0), ("unknown", 1.0), ("gone", 1.0), ("trimmed", 0.0)] {
        assert_eq!(told.get("newswire_resets_total", &[("reason", reason)]), count, "{reason}");
    }
    assert_eq!(told.get("newswire_streams_ended_total", &[WEB_SOCKET, ("reason", "gone")]), 1.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_is_away_is_told_by_the_age_of_what_was_checked() {
    let server = Server::start(Kept::Redis).await;
    let watch = Watch::over(&server).await;
    let _reader = reader(&server, Door::WebSocket).await;
    let well = watch.scrape().await;
    assert!(well.get("newswire_checked_age_seconds", &[]) < 5.0);
    assert_eq!(well.get("newswire_ready", &[]), 1.0);
    for quiet in ["newswire_stale", "newswire_store_errors_total", "newswire_follower_errors_total"] {
        assert_eq!(well.get(quiet, &[]), 0.0, "{quiet}");
    }
    server.redis().pause();
    let stale = watch.until("it is stale", |now| now.get("newswire_stale", &[]) == 1.0).await;
    assert!(stale.get("newswire_checked_age_seconds", &[]) > 5.0);
    assert_eq!(stale.get("newswire_ready", &[]), 0.0);
    let refused = server.edit(Method::POST, "items").json(&json!({"headline": "During"})).send().await;
    assert_eq!(refused.expect("an answer").status(), 503);
    Stream::open(&server, Door::Sse, "").await.until("bye").await;
    let away = watch.until("the stream has ended", |now| now.get("newswire_streams", &[SSE]) == 0.0).await;
    let age = |scrape: &Scrape| scrape.get("newswire_checked_age_seconds", &[]);
    assert!(age(&away) > age(&stale), "{} and then {}", age(&stale), age(&away));
    assert_eq!(away.get("newswire_refusals_total", &[("code", "unavailable")]), 1.0);
    assert_eq!(away.get("newswire_streams_ended_total", &[SSE, ("reason", "storeAway")]), 1.0);
    assert!(
        away.get("newswire_store_errors_total", &[]) > 0.0 && away.get("newswire_follower_errors_total", &[]) > 0.0
    );
    assert_eq!(away.get("newswire_streams", &[WEB_SOCKET]), 1.0, "who is there stays");
    server.redis().resume();
    let back = watch.until("it is back", |now| now.get("newswire_ready", &[]) == 1.0).await;
    assert_eq!(back.get("newswire_stale", &[]), 0.0);
    assert!(age(&back) < 5.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_are_told_while_the_server_drains_and_on_their_own_listener_alone() {
    let server = Server::start(Kept::Sqlite).await;
    let watch = Watch::over(&server).await;
    assert_eq!(watch.scrape().await.get("newswire_draining", &[]), 0.0);
    assert_eq!(server.get("/metrics").await.expect("an answer").status(), 404);
    for elsewhere in ["/", "/v1/feeds", "/readyz"] {
        let answer = server.client.get(watch.url.replace("/metrics", elsewhere)).send().await.expect("an answer");
        assert_eq!(answer.status(), 404, "{elsewhere}");
    }
    // An editor whose request is still on its way keeps the server here.
    let head =
        format!("POST /v1/feeds/{FEED}/items HTTP/1.1\r\nHost: newswire\r\nAuthorization: Bearer {}", server.token);
    let slow = bare(&server, &format!("{head}\r\nContent-Length: 100\r\n\r\n{{")).await;
    watch.until("its request is open", |now| now.get("newswire_open_requests", &[("place", "writes")]) == 1.0).await;
    let (ended, ()) = tokio::join!(server.stop(), async {
        let draining = watch.until("it drains", |now| now.get("newswire_draining", &[]) == 1.0).await;
        assert_eq!(draining.get("newswire_open_requests", &[("place", "writes")]), 1.0);
        assert_eq!(draining.get("newswire_ready", &[]), 0.0);
        drop(slow);
    });
    assert!(ended.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_is_taken_refuses_to_start() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let place = tempfile::tempdir().expect("a directory");
    let refused = std::process::Command::new(env!("CARGO_BIN_EXE_newswire"))
        .args(["--listen", "127.0.0.1:0", "--metrics", &taken.local_addr().expect("an address").to_string(), "--data"])
        .arg(place.path().join("data"))
        .output()
        .expect("newswire runs");
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(!refused.status.success() && said.contains("--metrics"), "{said}");
}
