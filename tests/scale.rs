//! A thousand different filters on one feed and readers on five hundred feeds: what they cost is printed, stays within
//! bounds, and everybody gets what matches.

mod support;

use futures_util::{StreamExt as _, stream};
use newswire::{
    news::{Feed, Mark},
    store::{
        Store as _,
        sqlite::{Role, Sqlite},
    },
};
use serde_json::json;
use support::{
    server::{FEED, Kept, Server},
    stream::{Door, Stream},
};

const FILTERS: usize = 1_000;
const FEEDS: usize = 500;
const CHANGES: usize = 200;
/// Far more than readers and windows need, and far less than a window, a queue or a read for each filter would.
const MEMORY_KIB: usize = 200 * 1024;

/// Resident memory of a process, in KiB.
fn resident(id: u32) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).expect("the process runs");
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("Linux says");
    line.split_whitespace().nth(1).expect("a number").parse().expect("a number")
}

/// The time that a process has computed, in milliseconds (100 ticks a second, as on every Linux that we know of).
fn computed(id: u32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).expect("the process runs");
    let after_name = stat.rsplit(')').next().expect("a name in parentheses");
    let fields: Vec<&str> = after_name.split_whitespace().collect();
    [11, 12].iter().map(|at| fields[*at].parse::<u64>().expect("ticks") * 10).sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_filters_and_five_hundred_feeds_cost_little() {
    let server = Server::start(Kept::Sqlite).await;
    let store = Sqlite::open(&server.data(), Role::Beside).expect("opens beside the server");
    for number in 0..FEEDS {
        let feed = Feed::new(format!("feed-{number}").parse().expect("a feed id"), "One of many");
        assert!(store.create_feed(feed, Mark::random(), "test").await.expect("created"));
    }
    store.close().await;
    let before = resident(server.id());
    let open = |feed: String, query: String| {
        let server = &server;
        async move {
            let mut reader = Stream::open_in(server, &feed, Door::WebSocket, &query).await;
            reader.until("caughtUp").await;
            reader
        }
    };
    let filtered = (0..FILTERS).map(|tag| open(FEED.to_owned(), format!("tag=t{tag}")));
    let mut filtered: Vec<Stream> = stream::iter(filtered).buffered(32).collect().await;
    let others = (0..FEEDS).map(|number| open(format!("feed-{number}"), String::new()));
    let others: Vec<Stream> = stream::iter(others).buffered(32).collect().await;
    let opened = resident(server.id());

    let began = computed(server.id());
    for number in 0..CHANGES {
        server.publish(&json!({"headline": "News", "tags": [format!("t{}", number * (FILTERS / CHANGES))]})).await;
    }
    for number in 0..CHANGES {
        let message = filtered[number * (FILTERS / CHANGES)].until("item.published").await;
        assert_eq!(message["item"]["tags"][0], format!("t{}", number * (FILTERS / CHANGES)));
    }
    let (cost, after) = (computed(server.id()) - began, resident(server.id()));
    println!(
        "{FILTERS} filters, {FEEDS} feeds: {before} KiB before, {opened} KiB with all readers, {after} KiB after {CHANGES} \
         changes; {:.2} ms of CPU for each change",
        f64::from(u32::try_from(cost).expect("a short test")) / f64::from(u32::try_from(CHANGES).expect("a few")),
    );
    assert!(after - before < MEMORY_KIB, "{before} KiB before, {after} KiB after");
    // One filter more is one too many, and is told so; one that is there already is not.
    let mut more = Stream::open(&server, Door::Sse, "tag=one-more").await;
    assert_eq!(more.until("bye").await["reason"], "tooManyFilters");
    Stream::open(&server, Door::Sse, "tag=t7").await.until("caughtUp").await;
    drop(others);
}
