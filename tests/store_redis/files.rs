//! What was removed leaves the server's files, and what an operator should know is told.

use newswire::{
    news::{Kind, Status},
    store::StoreError,
};

use crate::{
    open,
    support::{newsroom::Newsroom, redis::RedisServer, until},
};
use std::path::Path;

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

    let gone = room.revision(&item, Kind::ItemRemoved, |record| {
        record.status = Status::Removed;
        record.story = newswire::news::item::NO_STORY.to_owned();
    });
    room.put(gone).await;
    assert_eq!(store.scrub().await.expect("an answer"), None);
    until("the text is in no file", async || !files_hold(server.dir(), TEXT)).await;
}

#[tokio::test]
async fn the_files_are_rewritten_once_in_ten_minutes_and_nothing_is_forgotten() {
    let server = RedisServer::start();
    let store = open(&server).await;
    let other = open(&server).await;
    assert_eq!(store.scrub().await.expect("an answer"), None);
    let rewrites = async || {
        let info: String = server.say(&["INFO", "persistence"]).await;
        let rewrites = info.lines().find_map(|line| line.strip_prefix("aof_rewrites:")).map(str::to_owned);
        rewrites.expect("the server counts them")
    };
    assert_eq!(rewrites().await, "1");
    for node in [&store, &other, &store] {
        let remain = node.scrub().await.expect("an answer").expect("old bytes remain");
        assert!(remain.contains("ten minutes"), "{remain}");
    }
    assert_eq!(rewrites().await, "1");
    // Ten minutes later, and on any node:
    let _: u64 = server.say(&["DEL", "nw:{all}:scrubbed"]).await;
    until("the files are rewritten", async || rewrites().await == "2").await;
    until("the wish is taken back", async || server.say::<u64>(&["EXISTS", "nw:{all}:scrub"]).await == 0).await;
}

#[tokio::test]
async fn a_refused_rewrite_is_told_by_the_answer_and_by_health() {
    let server = RedisServer::start();
    () = server.say(&["ACL", "SETUSER", "default", "-bgrewriteaof"]).await;
    let store = open(&server).await;
    let told = store.scrub().await.expect("an answer").expect("old bytes remain");
    assert!(told.contains("remain") && told.contains("NOPERM"), "{told}");
    assert!(store.health().await.expect("healthy").contains(&told));
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
