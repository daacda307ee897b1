//! What must have reached replicas is answered for only once it has, whoever made it.

use std::{sync::Arc, time::Duration};

use newswire::store::{
    CommitError, Committed, SharedStore, StoreError,
    redis::{Redis, Settings},
};
use tokio::time::Instant;

use crate::support::{
    newsroom::{EDITOR, Newsroom, once},
    redis::RedisServer,
    until,
};

/// A node whose commits one replica must have received.
async fn open(master: &RedisServer) -> SharedStore {
    let settings = Settings { ack_replicas: 1, ..master.settings() };
    Arc::new(Redis::open(&settings).await.expect("the server is there"))
}

fn is_missed<T>(answer: &Result<T, StoreError>) -> bool {
    matches!(answer, Err(StoreError::NotReplicated { received: 0, wanted: 1 }))
}

#[tokio::test]
async fn what_a_replica_has_not_received_is_not_answered_for_on_any_node() {
    let master = RedisServer::start();
    let replica = master.start_replica().await;
    let (store, other) = (open(&master).await, open(&master).await);
    let room = Newsroom::open(&store, "news-feed").await;
    let before = room.head().await;

    replica.pause();
    let mut commit = room.writing(&room.draft("one"));
    commit.once = Some(once("key", 1));
    // The same request again, also at a node that has never written: nothing of its own is missing at the replica.
    for store in [&store, &other, &store] {
        let refused = store.commit(commit.clone()).await;
        assert!(
            matches!(refused, Err(CommitError::Store(StoreError::NotReplicated { received: 0, wanted: 1 }))),
            "{refused:?}"
        );
    }
    let third = open(&master).await;
    assert!(is_missed(&third.recall(&room.feed, EDITOR, "key").await));
    let fourth = open(&master).await;
    assert!(is_missed(&fourth.settle(&room.feed).await));
    assert!(is_missed(&fourth.remember(&room.feed, &once("another", 1), uuid::Uuid::nil(), before).await));
    // What was refused, and what is not there, needs nobody.
    commit.once = None;
    assert!(matches!(store.commit(commit.clone()).await, Err(CommitError::Conflict(_))));
    assert_eq!(store.recall(&room.feed, EDITOR, "no such key").await.expect("an answer"), None);

    replica.resume();
    commit.once = Some(once("key", 1));
    let again = other.commit(commit).await;
    let Ok(Committed::Before(did)) = again else { panic!("{again:?}") };
    assert_eq!(did.position, room.head().await);
    assert_eq!(did.position.seq, before.seq + 1, "it was made once");
    assert_eq!(third.recall(&room.feed, EDITOR, "key").await.expect("an answer"), Some(did));
}

#[tokio::test]
async fn a_replica_that_is_away_holds_up_neither_reads_nor_more_than_a_wait() {
    let master = RedisServer::start();
    let replica = master.start_replica().await;
    let store = open(&master).await;
    let room = Newsroom::open(&store, "news-feed").await;
    let committing = |number: usize| {
        let room = room.clone();
        async move { room.store.commit(room.writing(&room.draft(&number.to_string()))).await }
    };
    let all = futures_util::future::join_all((0..100).map(committing)).await;
    assert!(all.iter().all(Result::is_ok));

    replica.pause();
    let began = Instant::now();
    let all = futures_util::future::join_all((0..100).map(committing));
    let reads = async {
        let mut slowest = Duration::ZERO;
        for _ in 0..50 {
            let asked = Instant::now();
            store.feeds().await.expect("an answer");
            slowest = slowest.max(asked.elapsed());
        }
        slowest
    };
    let (all, slowest) = tokio::join!(all, reads);
    println!("100 commits without a replica took {:?}, the slowest read {slowest:?}", began.elapsed());
    assert!(slowest < Duration::from_millis(900), "{slowest:?}");
    // Each commit shares its wait with those that were made with it.
    assert!(began.elapsed() < Duration::from_millis(2_900), "{:?}", began.elapsed());
    for refused in all {
        assert!(matches!(refused, Err(CommitError::Store(StoreError::NotReplicated { .. }))), "{refused:?}");
    }
    replica.kill();
    until("too few replicas are told of", async || {
        store.health().await.expect("healthy").iter().any(|says| says.contains("--ack-replicas"))
    })
    .await;
}
