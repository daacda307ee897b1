//! A rolling upgrade: three nodes on one Redis are stopped and started again one after the other while editors publish.
//! Each tells its readers to leave one after the other over the spread that its operator has set, and serves them until
//! then; they come back elsewhere with their positions, miss nothing, and all are back within the spread and five seconds.

#![expect(clippy::disallowed_methods, reason = "a test waits for the tasks that it starts")]

mod support;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use reqwest::Method;
use serde_json::json;
use support::{
    crowd::{Crowd, Seen},
    server::{FEED, Kept, Server},
    stream::{Door, Said, Stream},
    until,
    watch::Watch,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::{Instant, timeout},
};

/// How long after the end of the spread the last reader may be back.
const BACK: Duration = Duration::from_secs(5);
/// How often something is published.
const PACE: Duration = Duration::from_millis(400);

/// The server, started again with this spread.
async fn with_spread(server: &Server, spread: u64) {
    server.stop().await;
    up(server, spread).await;
}

async fn up(server: &Server, spread: u64) {
    let mut command = server.command();
    command.args(["--spread", &spread.to_string()]);
    server.up_as(&mut command).await;
}

/// Publishes the crowd's time until it is told to stop, at whichever node answers, and returns the last seq.
async fn publish(nodes: Arc<[Server]>, seen: Arc<Seen>, stop: Arc<AtomicBool>) -> u64 {
    let (mut last, mut tick) = (0, tokio::time::interval(PACE));
    for number in 0.. {
        tick.tick().await;
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let headline = seen.now().as_millis().to_string();
        for node in nodes.iter().cycle().skip(number) {
            let request = node.edit(Method::POST, "items").header("Idempotency-Key", format!("report-{number}"));
            let Ok(answer) = request.json(&json!({"headline": headline})).send().await else { continue };
            if answer.status().is_success() {
                let accepted: serde_json::Value = answer.json().await.expect("JSON");
                last = support::stream::seq(&accepted["position"]);
                break;
            }
        }
    }
    last
}

/// Restarts each of three nodes while so many readers follow each.
async fn a_rolling_upgrade(readers_each: usize, spread: u64) {
    let first = Server::start(Kept::Redis).await;
    let nodes: Arc<[Server]> = [first.beside().await, first.beside().await, first].into();
    for node in nodes.iter() {
        with_spread(node, spread).await;
    }
    let mut crowd = Crowd::of(&[nodes[0].port(), nodes[1].port(), nodes[2].port()]);
    let all = 3 * readers_each;
    crowd.come(readers_each);
    let seen = crowd.seen.clone();
    until("the crowd is there", async || seen.everywhere() == all).await;
    let stop = Arc::new(AtomicBool::new(false));
    let publishing = tokio::spawn(publish(nodes.clone(), seen.clone(), stop.clone()));
    for (number, node) in nodes.iter().enumerate() {
        let (here, told) = (seen.here(number), seen.told.load(Ordering::Relaxed));
        let (begun, by_crowd) = (Instant::now(), seen.now());
        let stopping = node.stop();
        let watching = async {
            let red = async || node.get("/readyz").await.is_ok_and(|answer| answer.status() == 503);
            until("the node is not ready", red).await;
            let red = begun.elapsed();
            let half = Duration::from_secs(spread) / 2;
            let _slept = timeout(half.saturating_sub(begun.elapsed()), std::future::pending::<()>()).await;
            (red, seen.told.load(Ordering::Relaxed) - told)
        };
        let (status, (red, by_half)) = tokio::join!(stopping, watching);
        let stopped = begun.elapsed();
        assert_eq!(status.code(), Some(0));
        until("everybody is back", async || seen.everywhere() == all).await;
        let back = seen.last_back() - by_crowd;
        println!(
            "node {number}: {here} readers, not ready after {red:.1?}, {by_half} told at half of {spread} s, stopped after \
             {stopped:.1?}, the last back after {back:.1?}"
        );
        assert!(red < Duration::from_secs(1), "it is not ready at once");
        assert!((here / 4..=here * 3 / 4).contains(&by_half), "{by_half} of {here} were told in half of the spread");
        assert!(back <= Duration::from_secs(spread) + BACK, "the last was back after {back:?}");
        up(node, spread).await;
    }
    stop.store(true, Ordering::Relaxed);
    let last = publishing.await.expect("the editor does not panic");
    until("everybody has everything", async || seen.furthest_behind() == last).await;
    println!(
        "{all} readers, {last} changes, {} deliveries, told to leave {} times, cut off {} times; longest away {:.1?}, a \
         change at most {:.1?} late",
        seen.delivered.load(Ordering::Relaxed),
        seen.told.load(Ordering::Relaxed),
        seen.untold.load(Ordering::Relaxed),
        seen.longest_away(),
        seen.latest(),
    );
    assert_eq!(seen.wrong(), Vec::<String>::new(), "missed, repeated or out of order");
    assert_eq!(seen.untold.load(Ordering::Relaxed), 0, "each was told to leave, and taken by the next node");
    // Who has not been told yet is served as before: nobody waits for a change until the spread is over.
    assert!(seen.latest() < Duration::from_secs(spread), "a change came {:?} late", seen.latest());
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_of_three_nodes_that_are_restarted_in_turn_miss_nothing_and_are_soon_back() {
    a_rolling_upgrade(500, 5).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "15,000 readers take minutes and most of a machine: cargo test --release --test upgrade -- --ignored --nocapture"]
async fn fifteen_thousand_readers_of_three_nodes_that_are_restarted_in_turn_are_soon_back() {
    a_rolling_upgrade(5_000, 10).await;
}

#[tokio::test]
async fn who_comes_to_a_node_that_drains_is_sent_on_and_who_is_there_sees_every_change_until_its_turn() {
    let node = Server::start(Kept::Redis).await;
    let other = node.beside().await;
    with_spread(&node, 3).await;
    let mut there = Vec::new();
    for door in [Door::WebSocket, Door::Sse, Door::WebSocket, Door::Sse] {
        let mut reader = Stream::open(&node, door, "").await;
        reader.until("caughtUp").await;
        there.push(reader);
    }
    let stopping = node.stop();
    let meanwhile = async {
        until("the node is not ready", async || node.get("/readyz").await.is_ok_and(|answer| answer.status() == 503))
            .await;
        let ready: serde_json::Value = node.get("/readyz").await.expect("an answer").json().await.expect("JSON");
        assert_eq!(ready["reason"], "draining");
        for door in [Door::WebSocket, Door::Sse] {
            let mut late = Stream::open(&node, door, "").await;
            let bye = late.next().await.message();
            assert_eq!((&bye["type"], &bye["reason"]), (&json!("bye"), &json!("draining")), "{door:?}");
            assert!((500..=4_000).contains(&bye["retryMs"].as_u64().expect("a pause")), "{bye}");
            assert!(matches!(late.next().await, Said::End(_)), "{door:?}");
        }
        // What was kept open for further requests is ended by an answer, and never under a request.
        let answer = node.get("/healthz").await.expect("an answer");
        assert_eq!(answer.headers()["connection"], "close");
        // Published elsewhere and here: it still follows, and still takes what editors send.
        for place in [&other, &node] {
            place.publish(&json!({"headline": "While it drains"})).await;
        }
        let (mut pauses, mut most) = (Vec::new(), 0);
        for reader in &mut there {
            let said = reader.up_to("bye").await;
            most = most.max(said.iter().filter(|message| message["type"] == "item.published").count());
            pauses.push(said[said.len() - 1]["retryMs"].as_u64().expect("a pause"));
        }
        (pauses, most)
    };
    let (status, (pauses, most)) = tokio::join!(stopping, meanwhile);
    assert_eq!(status.code(), Some(0));
    assert!(pauses.iter().all(|pause| (100..=1_000).contains(pause)), "others are there to take them: {pauses:?}");
    assert_eq!(most, 2, "whoever had its turn last saw both changes");
}

#[tokio::test]
async fn a_poll_that_nobody_waits_for_any_more_is_told_to_pause_and_one_that_has_something_coming_gets_it() {
    let node = Server::start(Kept::Sqlite).await;
    let watch = Watch::over(&node).await;
    let first = node.publish(&json!({"headline": "First"})).await;
    let last = node.publish(&json!({"headline": "Last"})).await;
    let poll = async |after: &serde_json::Value, wait: u8| {
        let after = after["position"].as_str().expect("a position");
        node.get(&format!("/v1/feeds/{FEED}/changes?after={after}&wait={wait}")).await.expect("the node answers")
    };
    let waiting = async {
        let answer = poll(&last, 30).await;
        assert_eq!(answer.status(), 200, "who waited already is told where it stands");
        let answer: serde_json::Value = answer.json().await.expect("JSON");
        assert_eq!((&answer["changes"], &answer["position"]), (&json!([]), &last["position"]));
    };
    let stopping = async {
        until("the poll waits", async || {
            let told = node.client.get(&watch.url).send().await.expect("the metrics are there");
            told.text().await.expect("a body").contains("newswire_readers{transport=\"poll\"} 1\n")
        })
        .await;
        // A request whose end has not come yet is waited for, and so the node is there for others.
        let mut slow = TcpStream::connect(("127.0.0.1", node.port())).await.expect("the node is there");
        let body = r#"{"headline": "Slow"}"#;
        let head = format!(
            "POST /v1/feeds/{FEED}/items HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\n\
             Content-Length: {}\r\n\r\n",
            node.token,
            body.len(),
        );
        slow.write_all(head.as_bytes()).await.expect("the node reads");
        let red = async || node.get("/readyz").await.is_ok_and(|answer| answer.status() == 503);
        let late = async {
            until("the node is not ready", red).await;
            for _ in 0..3 {
                let answer = poll(&last, 30).await;
                assert_eq!(answer.status(), 503);
                let pause = answer.headers()["retry-after"].to_str().expect("text").parse::<u64>().expect("seconds");
                assert!((1..=4).contains(&pause), "{pause}");
            }
            assert_eq!(poll(&last, 0).await.status(), 200, "who does not want to wait makes pauses of its own");
            let more: serde_json::Value = poll(&first, 30).await.json().await.expect("JSON");
            assert_eq!(more["position"], last["position"]);
            slow.write_all(body.as_bytes()).await.expect("the node reads");
            let mut answer = String::new();
            slow.read_to_string(&mut answer).await.expect("the node answers");
            assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
        };
        let (status, ()) = tokio::join!(node.stop(), late);
        assert_eq!(status.code(), Some(0));
    };
    tokio::join!(waiting, stopping);
}
