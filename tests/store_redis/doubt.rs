//! A server that went back in time is doubted, and one that did not is not.

use std::{path::Path, time::Duration};

use newswire::{
    news::{After, Mark, Position},
    store::{Followed, Follower, Lost, StoreError, Witness},
};
use tokio::time::{Instant, timeout};

use crate::{
    open,
    support::{PATIENCE, newsroom::Newsroom, redis::RedisServer},
};

/// Follows until this commit is told of.
pub(crate) async fn hear(follower: &mut dyn Follower, position: Position) {
    loop {
        match follower.next().await.expect("the server is there") {
            Followed::Commits(commits) if commits.iter().any(|(_, at)| *at == position) => return,
            Followed::Commits(_) => {}
            Followed::Doubt => panic!("doubt, where nothing was lost"),
        }
    }
}

/// Follows until there is doubt, past errors, and says how long that took.
async fn doubt(follower: &mut dyn Follower) -> Duration {
    let began = Instant::now();
    let doubted = timeout(PATIENCE, async { while !matches!(follower.next().await, Ok(Followed::Doubt)) {} });
    doubted.await.expect("there is doubt");
    began.elapsed()
}

fn copy(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).expect("a directory") {
        let entry = entry.expect("an entry");
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            std::fs::create_dir_all(&to).expect("a directory is made");
            copy(&entry.path(), &to);
        } else {
            std::fs::copy(entry.path(), to).expect("a file is copied");
        }
    }
}

fn clear(dir: &Path) {
    for entry in std::fs::read_dir(dir).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() { std::fs::remove_dir_all(path) } else { std::fs::remove_file(path) }.expect("it goes");
    }
}

#[tokio::test]
async fn a_flushed_server_is_doubted_within_about_a_second() {
    let server = RedisServer::start();
    let store = open(&server).await;
    let room = Newsroom::open(&store, "news-feed").await;
    let mut follower = store.follow().await.expect("a follower");
    room.publish("one").await;
    hear(&mut *follower, room.head().await).await;

    () = server.say(&["FLUSHALL"]).await;
    let took = doubt(&mut *follower).await;
    assert!(took < Duration::from_secs(2), "{took:?}");

    let again = Newsroom::open(&store, "news-feed").await;
    again.publish("two").await;
    hear(&mut *follower, again.head().await).await;
}

#[tokio::test]
async fn a_flush_that_is_written_over_at_once_is_doubted() {
    let server = RedisServer::start();
    let store = open(&server).await;
    let room = Newsroom::open(&store, "news-feed").await;
    let mut follower = store.follow().await.expect("a follower");

    () = server.say(&["FLUSHALL"]).await;
    let again = Newsroom::open(&store, "news-feed").await;
    for headline in ["one", "two", "three"] {
        again.publish(headline).await;
    }
    assert_eq!(room.head().await.seq, 4);
    doubt(&mut *follower).await;
}

#[tokio::test]
async fn a_server_restored_from_an_older_copy_whose_numbers_go_on_is_doubted() {
    let server = RedisServer::start();
    let store = open(&server).await;
    let room = Newsroom::open(&store, "news-feed").await;
    room.publish("kept").await;
    server.kill();
    let older = tempfile::TempDir::new().expect("a temporary directory");
    copy(server.dir(), older.path());
    server.up();

    let mut follower = store.follow().await.expect("a follower");
    let lost = room.publish("lost").await;
    let held = room.head().await;
    hear(&mut *follower, held).await;

    server.kill();
    clear(server.dir());
    copy(older.path(), server.dir());
    server.up();
    let other = room.publish("other").await;
    assert_eq!(other.last_seq, lost.last_seq, "the numbers go on where the copy stood");
    doubt(&mut *follower).await;

    assert!(matches!(store.changed(&room.feed, After::Position(held), None).await, Ok(Err(Lost::Changed))));
}

/// The stream of commits of the one partition that is in use.
async fn commits_of_one(server: &RedisServer) -> String {
    let streams: Vec<String> = server.say(&["KEYS", "nw:*:commits"]).await;
    assert_eq!(streams.len(), 1, "{streams:?}");
    streams[0].clone()
}

#[tokio::test]
async fn commits_that_are_gone_before_they_were_read_are_doubted() {
    let server = RedisServer::start();
    let store = open(&server).await;
    let room = Newsroom::open(&store, "news-feed").await;
    let mut follower = store.follow().await.expect("a follower");
    let stream = commits_of_one(&server).await;
    room.publish("one").await;
    let _: u64 = server.say(&["XTRIM", &stream, "MAXLEN", "0"]).await;
    room.publish("two").await;
    doubt(&mut *follower).await;
}

#[tokio::test]
async fn a_stream_that_is_full_before_it_was_first_read_is_doubted() {
    let server = RedisServer::start();
    let store = open(&server).await;
    let mut follower = store.follow().await.expect("a follower");
    Newsroom::open(&store, "news-feed").await;
    let stream = commits_of_one(&server).await;
    let fill = "for i = 1, 20000 do redis.call('XADD', KEYS[1], 'MAXLEN', '=', 10000, '*', 'f', 'news-feed', 's', i, 'm', '0000002a') end";
    () = server.say(&["EVAL", fill, "1", &stream]).await;
    doubt(&mut *follower).await;
}

#[tokio::test]
async fn a_follower_that_is_behind_is_told_of_every_commit_in_order() {
    let server = RedisServer::start();
    let store = open(&server).await;
    Newsroom::open(&store, "news-feed").await;
    let mut follower = store.follow().await.expect("a follower");
    let stream = commits_of_one(&server).await;
    let fill = "for i = 2, 5001 do redis.call('XADD', KEYS[1], '*', 'f', 'news-feed', 's', i, 'm', '0000002a') end";
    () = server.say(&["EVAL", fill, "1", &stream]).await;
    let mut told = Vec::new();
    while told.len() < 5_000 {
        match follower.next().await.expect("the server is there") {
            Followed::Commits(commits) => told.extend(commits.iter().map(|(_, at)| at.seq)),
            Followed::Doubt => panic!("doubt, where nothing was lost"),
        }
    }
    assert!(told.into_iter().eq(2..=5_001));
}

#[tokio::test]
async fn a_restart_that_loses_nothing_is_no_doubt_and_costs_no_request() {
    let server = RedisServer::start();
    let store = open(&server).await;
    let room = Newsroom::open(&store, "news-feed").await;
    let mut follower = store.follow().await.expect("a follower");
    server.kill();
    assert!(matches!(follower.next().await, Err(StoreError::Unavailable(_))));
    server.up();
    room.publish("one").await;
    hear(&mut *follower, room.head().await).await;
}

#[tokio::test]
async fn a_reader_is_believed_once_for_each_start_of_the_server() {
    let server = RedisServer::start();
    let store = open(&server).await;
    let room = Newsroom::open(&store, "news-feed").await;
    let cut = async || store.cut(&room.feed, None, Witness::Reader, Mark::random()).await.expect("an answer");
    assert!(!cut().await, "the feed was created in this run");
    server.kill();
    server.up();
    assert!(cut().await);
    assert!(!cut().await);
    let state = room.state().await;
    assert_eq!((state.cut, state.floor), (state.head.seq, state.head.seq));
}
