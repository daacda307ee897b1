//! What was removed leaves the server's files, and what an operator should know is told.

use newswire::{
    news::{Kind, Record, Status},
    store::StoreError,
};

use crate::{
    open,
    support::{newsroom::Newsroom, redis::RedisServer, until},
};
use std::{path::Path, time::Duration};

use tokio::time::Instant;

/// Removes an item.
async fn remove(room: &Newsroom, item: &Record) {
    let gone = room.revision(item, Kind::ItemRemoved, |record| {
        record.status = Status::Removed;
        record.story = newswire::news::item::NO_STORY.to_owned();
    });
    room.put(gone).await;
}

/// Publishes an item and removes it.
async fn publish_and_remove(room: &Newsroom, headline: &str) {
    let item = room.publish(headline).await;
    remove(room, &item).await;
}

/// How many partitions wish for a rewrite.
async fn wishes(server: &RedisServer) -> usize {
    server.say::<Vec<String>>(&["KEYS", "nw:*:scrub"]).await.len()
}

/// Ten minutes go by.
async fn end_the_claim(server: &RedisServer) {
    let _: u64 = server.say(&["DEL", "nw:{all}:scrubbed"]).await;
}

fn files_hold(dir: &Path, text: &str) -> bool {
    std::fs::read_dir(dir).expect("a directory").any(|entry| {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            return files_hold(&path, text);
        }
        std::fs::read(path).is_ok_and(|bytes| bytes.windows(text.len()).any(|part| part == text.as_bytes()))
    })
}

#[tokio::test]
async fn a_removed_text_is_in_no_file_of_the_server_after_a_scrub() {
    const TEXT: &str = "a text that a court forbade";
    let server = RedisServer::start();
    () = server.say(&["CONFIG", "SET", "save", "3600 1000"]).await;
    let store = open(&server).await;
    let room = Newsroom::open(&store, "news-feed").await;
    let item = room.publish(TEXT).await;
    let item = room.update(&item, &format!("{TEXT}, again")).await;
    let _: String = server.say(&["BGSAVE"]).await;
    let dump = server.dir().join("dump.rdb");
    until("the dump is written", async || dump.exists()).await;
    assert!(files_hold(server.dir(), TEXT));

    remove(&room, &item).await;
    assert_eq!(store.scrub().await.expect("an answer"), None);
    until("the text is in no file", async || !files_hold(server.dir(), TEXT)).await;
}

#[tokio::test]
async fn the_files_are_rewritten_once_in_ten_minutes_and_nothing_is_forgotten() {
    let server = RedisServer::start();
    let store = open(&server).await;
    let other = open(&server).await;
    let news = Newsroom::open(&store, "news-feed").await;
    let sport = Newsroom::open(&store, "sport").await;
    assert_eq!(store.scrub().await.expect("an answer"), None, "nothing was removed");
    publish_and_remove(&news, "one").await;
    assert_eq!(store.scrub().await.expect("an answer"), None);
    let rewrites = async || {
        let info: String = server.say(&["INFO", "persistence"]).await;
        let rewrites = info.lines().find_map(|line| line.strip_prefix("aof_rewrites:")).map(str::to_owned);
        rewrites.expect("the server counts them")
    };
    assert_eq!(rewrites().await, "1");
    for (node, room) in [(&store, &news), (&other, &sport), (&store, &sport)] {
        publish_and_remove(room, "more").await;
        let remain = node.scrub().await.expect("an answer").expect("old bytes remain");
        assert!(remain.contains("ten minutes"), "{remain}");
    }
    assert_eq!((rewrites().await.as_str(), wishes(&server).await), ("1", 2));
    // Ten minutes later, and on any node:
    end_the_claim(&server).await;
    until("the files are rewritten", async || rewrites().await == "2").await;
    until("the wishes are taken back", async || wishes(&server).await == 0).await;
}

#[tokio::test]
async fn a_refused_rewrite_is_told_by_the_answer_and_by_health() {
    let server = RedisServer::start();
    () = server.say(&["ACL", "SETUSER", "default", "-bgrewriteaof"]).await;
    let store = open(&server).await;
    publish_and_remove(&Newsroom::open(&store, "news-feed").await, "one").await;
    let told = store.scrub().await.expect("an answer").expect("old bytes remain");
    assert!(told.contains("remain") && told.contains("NOPERM"), "{told}");
    assert!(store.health().await.expect("healthy").contains(&told));
    // Any other node says so as well, and one that starts only after the first is gone.
    store.close().await;
    let other = open(&server).await;
    assert!(other.health().await.expect("healthy").contains(&told));
    assert_eq!(other.scrub().await.expect("an answer").as_ref(), Some(&told));
    () = server.say(&["ACL", "SETUSER", "default", "+bgrewriteaof"]).await;
    end_the_claim(&server).await;
    until("it is not refused any more", async || other.health().await.expect("healthy").is_empty()).await;
    until("the wish is taken back", async || wishes(&server).await == 0).await;
}

#[tokio::test]
async fn a_rewrite_that_a_fast_restart_cut_off_is_not_taken_for_done() {
    cut_off_by_an_outage_of(Duration::ZERO).await;
}

#[tokio::test]
async fn a_claim_is_given_back_where_the_server_went_away_under_it() {
    // Longer than the longest pause between two looks, so that one of them meets the outage.
    cut_off_by_an_outage_of(Duration::from_millis(1_500)).await;
}

async fn cut_off_by_an_outage_of(outage: Duration) {
    const TEXT: &str = "a text that a court forbade";
    let server = RedisServer::start();
    let store = open(&server).await;
    let room = Newsroom::open(&store, "news-feed").await;
    // A rewrite takes a second for each key, and so it does not end before the server does.
    () = server.say(&["CONFIG", "SET", "rdb-key-save-delay", "1000000"]).await;
    publish_and_remove(&room, TEXT).await;
    let remain = store.scrub().await.expect("an answer").expect("old bytes remain");
    assert!(remain.contains("under way"), "{remain}");
    let info: String = server.say(&["INFO", "persistence"]).await;
    assert!(info.contains("aof_rewrite_in_progress:1"), "{info}");
    assert_eq!(server.say::<u64>(&["EXISTS", "nw:{all}:scrubbed"]).await, 1, "it is claimed");
    server.kill();
    let began = Instant::now();
    until("the outage is over", async || store.health().await.is_err() && began.elapsed() >= outage).await;
    server.up();
    assert!(files_hold(server.dir(), TEXT));
    until("the text is in no file", async || !files_hold(server.dir(), TEXT)).await;
    until("the wish is taken back", async || wishes(&server).await == 0).await;
}

#[tokio::test]
async fn health_names_what_an_operator_should_know() {
    let server = RedisServer::start();
    let store = open(&server).await;
    let says = async |word: &str| store.health().await.expect("healthy").iter().any(|says| says.contains(word));
    assert_eq!(store.health().await.expect("healthy"), Vec::<String>::new());
    () = server.say(&["CONFIG", "SET", "appendfsync", "no"]).await;
    assert!(says("appendfsync").await);
    () = server.say(&["CONFIG", "SET", "appendonly", "no"]).await;
    assert!(says("no append-only file").await);
    () = server.say(&["CONFIG", "SET", "maxmemory-policy", "allkeys-lru"]).await;
    assert!(says("allkeys-lru").await);
    // What the settings would tell is told by INFO, too, where the settings are forbidden.
    () = server.say(&["ACL", "SETUSER", "default", "-config"]).await;
    assert!(says("no append-only file").await && says("allkeys-lru").await);
    server.kill();
    assert!(matches!(store.health().await, Err(StoreError::Unavailable(_))));
}
