//! What a node's shards promise whatever befalls them, through the real doors over a store that is watched: a crowd that
//! comes back is served from memory, and a panic, which is a defect of ours, costs those whom it struck and nobody else.

mod support;

use std::{collections::BTreeMap, num::NonZeroUsize, thread};

use futures_util::future::join_all;
use newswire::news::{Kind, Status};
use serde_json::{Value, json};
use support::{
    PATIENCE,
    newsroom::position,
    node::Node,
    stream::{Door, Said, Stream, seq},
    until,
};
use tokio::time::{Instant, timeout};

const CROWD: usize = 100;
/// What the crowd misses: less than a window, and more than a reader is sent in one turn.
const MISSED: u64 = 300;

/// A reader that stands at the head, and its position.
async fn at_the_head(node: &Node, door: Door, query: &str) -> (Stream, Value) {
    let address = node.live(query);
    let mut reader = timeout(PATIENCE, Stream::at(&address, door)).await.expect("it is answered in time");
    let position = reader.until("caughtUp").await["position"].clone();
    (reader, position)
}

fn door(number: usize) -> Door {
    if number.is_multiple_of(2) { Door::WebSocket } else { Door::Sse }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crowd_that_comes_back_within_the_window_costs_the_store_no_read() {
    let node = Node::start(CROWD + 2).await;
    let (mut stayed, _) = at_the_head(&node, Door::WebSocket, "").await;
    let mut positions = Vec::new();
    for number in 0..CROWD {
        // Not all leave at the same change.
        if number.is_multiple_of(10) {
            node.newsroom.publish("Before").await;
            stayed.until("item.published").await;
        }
        positions.push(at_the_head(&node, door(number), "").await.1);
    }
    until("the crowd has left", async || node.readers() == 1).await;
    for _ in 0..MISSED {
        node.newsroom.publish("Meanwhile").await;
    }
    let head = node.newsroom.head().await;
    while stayed.until("item.published").await["position"] != json!(head.to_string()) {}

    node.store.reads();
    let back = positions.iter().enumerate().map(async |(number, position)| {
        let query = format!("after={}", position.as_str().expect("text"));
        let mut reader = Stream::at(&node.live(&query), door(number)).await;
        let came = reader.up_to("caughtUp").await;
        let seqs: Vec<u64> = came[1..came.len() - 1].iter().map(|change| seq(&change["position"])).collect();
        assert_eq!(seqs, (seq(position) + 1..=head.seq).collect::<Vec<_>>(), "{query}");
    });
    join_all(back).await;
    assert_eq!(node.store.reads(), BTreeMap::new(), "what was read of the store for {CROWD} who came back");

    // Who begins anew is served from one read, so that reads are counted where there are any.
    until("the crowd has left", async || node.readers() == 1).await;
    at_the_head(&node, Door::Sse, "last=10").await;
    assert_eq!(node.store.reads(), BTreeMap::from([("page", 1)]));
    assert!(node.drain().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crowd_of_new_readers_shares_one_read_of_a_snapshot() {
    const SIZES: [usize; 2] = [10, 50];
    let node = Node::start(CROWD).await;
    for _ in 0..60 {
        node.newsroom.publish("Before").await;
    }
    node.store.reads();
    let came = Instant::now();
    let crowd = (0..CROWD).map(async |number| {
        let size = SIZES[number / 2 % SIZES.len()];
        let mut reader = Stream::at(&node.live(&format!("last={size}")), door(number)).await;
        let snapshot = reader.until("snapshot").await;
        assert_eq!((snapshot["items"].as_array().map(Vec::len), &snapshot["done"]), (Some(size), &json!(true)));
        reader
    });
    let crowd = join_all(crowd).await;
    let pages = node.store.reads().remove("page").unwrap_or(0);
    // A snapshot is for those who come within 2 s.
    let most = SIZES.len() * (1 + usize::try_from(came.elapsed().as_secs() / 2).expect("a short test"));
    assert!((SIZES.len()..=most).contains(&pages), "{pages} reads for {CROWD} readers");
    drop(crowd);
    assert!(node.drain().await);
}

/// A reader, and the shard at which it sits.
struct Seated {
    shard: usize,
    door: Door,
    stream: Stream,
    position: Value,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shard_that_panics_costs_its_own_readers_their_connections_and_serves_them_when_they_come_back() {
    const ROUNDS: usize = 4;
    let shards = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    // A place that is not given back is soon missing.
    let node = Node::start(3 * shards + 1).await;
    // Streams go to each shard in its turn.
    let mut opened = 0..;
    let mut sit = async |door, query: String| {
        let (stream, position) = at_the_head(&node, door, &query).await;
        Seated { shard: opened.next().expect("it counts for ever") % shards, door, stream, position }
    };
    let mut readers = Vec::new();
    for number in 0..3 * shards {
        readers.push(sit(door(number), String::new()).await);
    }
    for round in 0..ROUNDS {
        let (shard, all) = (round % shards, readers.len());
        node.store.panic_in_thread(format!("shard-{shard}"));
        let change = json!(position(&node.newsroom.publish("Breaking").await).to_string());
        let (mut lost, mut going_on) = (Vec::new(), Vec::new());
        for mut reader in readers {
            if reader.shard == shard {
                assert!(matches!(reader.stream.next().await, Said::End(None)), "its shard has panicked");
                lost.push(reader);
            } else {
                reader.position = reader.stream.until("item.published").await["position"].clone();
                assert_eq!(reader.position, change, "a reader of another shard goes on");
                going_on.push(reader);
            }
        }
        assert!(!lost.is_empty());
        until("who is lost is not counted", async || node.readers() == all - lost.len()).await;
        for Seated { door, position, .. } in lost {
            let after = position.as_str().expect("text");
            let back = sit(door, format!("after={after}")).await;
            assert_eq!(back.position, change, "what it missed has come");
            going_on.push(back);
        }
        assert_eq!(node.readers(), all);
        readers = going_on;
    }
    assert!(node.drain().await, "nobody is waited for who is not there");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_of_the_store_that_panics_costs_its_reader_alone() {
    let node = Node::start(2).await;
    let (mut reader, _) = at_the_head(&node, Door::WebSocket, "").await;
    for round in 0..4 {
        // Text that was taken away leaves no snapshot to begin with: each that comes after it is read anew.
        let item = node.newsroom.publish("Not confirmed").await;
        node.newsroom.turn(&item, Kind::ItemWithheld, Status::Withheld).await;
        reader.until("item.withheld").await;
        node.store.panic_in_read("page");
        let mut unlucky = Stream::at(&node.live(""), door(round)).await;
        assert_eq!(unlucky.next().await.message()["type"], "hello");
        assert!(matches!(unlucky.next().await, Said::End(None)));
        until("it is not counted", async || node.readers() == 1).await;
    }
    drop(at_the_head(&node, Door::Sse, "").await);
    let change = position(&node.newsroom.publish("Confirmed").await).to_string();
    assert_eq!(reader.until("item.published").await["position"], json!(change));
    assert!(node.drain().await, "nobody is waited for who is not there");
}
