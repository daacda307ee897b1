//! Whatever the server does, a request has its answer or an error in time, and is carried out once.

use std::time::Duration;

use newswire::{
    news::{After, Feed, FeedId, Kind, Mark, Moment, Position, Status},
    store::{CommitError, Committed, Scope, Store, StoreError, Token, Witness, Write, redis::Redis, token::Secret},
};
use tokio::time::{Instant, timeout};

use crate::{
    doubt::hear,
    open,
    support::{
        newsroom::{EDITOR, Newsroom, keeping, once},
        redis::RedisServer,
        until,
    },
};

#[tokio::test]
async fn a_log_keeps_its_newest_100_000_changes_and_the_floor_rises_with_it() {
    let server = RedisServer::start();
    let store = open(&server).await;
    let room = Newsroom::open(&store, "news-feed").await;
    let mut keys: Vec<String> = server.say(&["KEYS", "nw:*:news-feed"]).await;
    keys.sort_unstable();
    let [feed, log] = &keys[..] else { panic!("{keys:?}") };
    let fill = "for i = 2, 99999 do redis.call('XADD', KEYS[2], i .. '-0', 'm', '0000002a', 'k', 'feed.updated', \
                'i', '', 'v', '0', 't', '0', 'w', '') end redis.call('HSET', KEYS[1], 'head', 99999, 'mark', '0000002a')";
    () = server.say(&["EVAL", fill, "2", feed, log]).await;
    room.publish("one").await;
    assert_eq!((room.state().await.floor, room.head().await.seq), (1, 100_000));
    room.publish("two").await;
    assert_eq!((room.state().await.floor, room.head().await.seq), (2, 100_001));
    let kept: u64 = server.say(&["XLEN", log]).await;
    assert_eq!(kept, 100_000);
    let at = Position { seq: 2, mark: Mark(42) };
    assert!(store.changed(&room.feed, After::Position(at), None).await.expect("an answer").is_ok());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_that_a_crash_cut_off_happens_once_with_its_key() {
    const COMMITS: u64 = 300;
    let server = RedisServer::start();
    let store = open(&server).await;
    let room = Newsroom::open(&store, "news-feed").await;
    let first = room.head().await;
    let (done, committed) = tokio::sync::watch::channel(0);
    let writer = tokio::spawn({
        let room = room.clone();
        async move {
            let mut failures = 0;
            for number in 1..=COMMITS {
                let mut commit = room.writing(&room.draft("one"));
                commit.once = Some(once(&number.to_string(), 1));
                while let Err(error) = room.store.commit(commit.clone()).await {
                    assert!(matches!(error, CommitError::Store(StoreError::Unavailable(_))), "{error}");
                    failures += 1;
                }
                done.send_replace(number);
            }
            failures
        }
    });
    for crash in 1..=5 {
        let mut committed = committed.clone();
        committed.wait_for(|number| *number >= crash * COMMITS / 6).await.expect("the writer goes on");
        server.kill();
        server.up();
    }
    assert!(writer.await.expect("the writer ends") > 0, "a crash cut off a commit");
    assert_eq!(room.head().await.seq, 1 + COMMITS);
    let mut after = first;
    while after != room.head().await {
        for entry in store.log(&room.feed, after).await.expect("an answer").expect("a position").entries {
            assert_eq!(entry.position.seq, after.seq + 1);
            assert!(entry.change.is_some(), "each change is an item's only one");
            after = entry.position;
        }
    }
}

#[tokio::test]
async fn a_paused_server_is_an_error_and_not_silence() {
    let server = RedisServer::start();
    let store = open(&server).await;
    let room = Newsroom::open(&store, "news-feed").await;
    let mut follower = store.follow().await.expect("a follower");

    server.pause();
    let began = Instant::now();
    let (read, written, followed) =
        tokio::join!(store.feeds(), store.commit(room.writing(&room.draft("one"))), follower.next());
    assert!(matches!(read, Err(StoreError::Unavailable(_))), "{read:?}");
    assert!(written.is_err(), "{written:?}");
    // What was asked before may still be answered from what was read before; the next question is not.
    let followed = if followed.is_ok() { follower.next().await } else { followed };
    assert!(matches!(followed, Err(StoreError::Unavailable(_))), "{followed:?}");
    assert!(began.elapsed() < Duration::from_secs(7), "{:?}", began.elapsed());
    // Whoever asks while it is known to be silent has an error in time, too, however many ask at once.
    let mut asking = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let store = store.clone();
        asking.spawn(async move { timeout(Duration::from_millis(3_200), store.feeds()).await.expect("in time") });
    }
    for read in asking.join_all().await {
        assert!(matches!(read, Err(StoreError::Unavailable(_))), "{read:?}");
    }

    server.resume();
    room.publish("two").await;
    hear(&mut *follower, room.head().await).await;
}

#[tokio::test]
async fn a_server_that_cannot_write_says_why_and_nothing_is_changed() {
    let server = RedisServer::start();
    let store = open(&server).await;
    let room = Newsroom::open(&store, "news-feed").await;
    let head = room.head().await;
    for (refusal, undo, word) in [
        (["CONFIG", "SET", "maxmemory", "1"], ["CONFIG", "SET", "maxmemory", "0"], "OOM"),
        (
            ["CONFIG", "SET", "min-replicas-to-write", "1"],
            ["CONFIG", "SET", "min-replicas-to-write", "0"],
            "NOREPLICAS",
        ),
    ] {
        () = server.say(&refusal).await;
        let refused = store.commit(room.writing(&room.draft("one"))).await.expect_err("refused");
        assert!(refused.to_string().contains(word), "{refused}");
        let ill = store.health().await.expect_err("not writable");
        assert!(ill.to_string().contains(word), "{ill}");
        assert_eq!(room.head().await, head);
        () = server.say(&undo).await;
    }
    () = server.say(&["REPLICAOF", "127.0.0.1", "1"]).await;
    let refused = store.commit(room.writing(&room.draft("one"))).await.expect_err("refused");
    assert!(refused.to_string().contains("READONLY"), "{refused}");
    () = server.say(&["REPLICAOF", "NO", "ONE"]).await;
    room.publish("two").await;
}

#[tokio::test]
async fn a_server_that_forgot_the_scripts_gets_them_again() {
    let server = RedisServer::start();
    let store = open(&server).await;
    let room = Newsroom::open(&store, "news-feed").await;
    room.publish("one").await;
    () = server.say(&["SCRIPT", "FLUSH"]).await;
    room.publish("two").await;
    assert_eq!(room.head().await.seq, 3);
}

/// A server in cluster mode refuses a script whose keys stand in different slots, or which uses a key of another slot
/// than it named; one server may own all slots.
#[tokio::test]
async fn all_keys_of_a_script_stand_in_one_slot() {
    let server = RedisServer::start_as(&["--cluster-enabled", "yes"]);
    () = server.say(&["CLUSTER", "ADDSLOTSRANGE", "0", "16383"]).await;
    until("the cluster is ready", async || {
        let info: String = server.say(&["CLUSTER", "INFO"]).await;
        info.contains("cluster_state:ok")
    })
    .await;
    let store = open(&server).await;
    for feed in ["news-feed", "sport", "a", "b", "c"] {
        let room = Newsroom::open(&store, feed).await;
        let first = room.head().await;
        let mut commit = room.writing(&room.draft("one"));
        commit.once = Some(once("key", 1));
        if let Write::Item(item) = &mut commit.write {
            item.alt_ids.push([1; 32]);
        }
        assert!(matches!(store.commit(commit.clone()).await, Ok(Committed::Now(_))));
        assert!(matches!(store.commit(commit).await, Ok(Committed::Before(_))));
        let pinned = room.publish_pinned("two", 1, Some(store.now().plus(Duration::from_secs(9)))).await;
        let removed = room.turn(&pinned, Kind::ItemRemoved, Status::Removed).await;
        let state = room.state().await;
        room.commit(room.writing_feed(Kind::FeedUpdated, state.feed.clone()).await).await;
        assert!(store.changed(&room.feed, After::First, None).await.expect("an answer").is_ok());
        assert!(store.log(&room.feed, first).await.expect("an answer").is_ok());
        assert!(store.page(&room.feed, None, 10, None).await.expect("an answer").is_some());
        assert_eq!(store.versions(&room.feed, removed.id, 0).await.expect("an answer").len(), 2);
        assert!(store.recall(&room.feed, EDITOR, "key").await.expect("an answer").is_some());
        store.prune(&room.feed, &keeping(1)).await.expect("trimmed");
        assert!(store.cut(&room.feed, Some(0), Witness::Follower, Mark::random()).await.expect("an answer"));
        let mut rows = Vec::new();
        let mut dump = store.dump(std::slice::from_ref(&room.feed)).await.expect("a dump");
        while let Some(more) = dump.next().await.expect("rows") {
            rows.extend(more);
        }
        assert!(room.delete().await);
        store.load(rows).await.expect("it is loaded again");
    }
    assert_eq!(store.feeds().await.expect("an answer").len(), 5);
    assert!(store.create_token(token("desk")).await.expect("an answer"));
    assert!(store.revoke_token("desk").await.expect("an answer"));
    store.scrub().await.expect("an answer");
    until("the wish for a rewrite is taken back", async || {
        server.say::<Vec<String>>(&["KEYS", "nw:*:scrub"]).await.is_empty()
    })
    .await;
    // None of the scripts was left out.
    let scripts = include_str!("../../src/store/redis/script.rs");
    let scripts = scripts.lines().filter(|line| line.contains(" = Read \"") || line.contains(" = Write \"")).count();
    let memory: String = server.say(&["INFO", "memory"]).await;
    assert!(memory.contains(&format!("number_of_cached_scripts:{scripts}\r\n")), "{scripts}: {memory}");
}

fn token(name: &str) -> Token {
    Token {
        name: name.to_owned(),
        hash: Secret::random().hash(),
        scopes: vec![Scope::Publish],
        feeds: vec![],
        created: Moment::from_millis(0),
        expires: None,
        revoked: None,
        last_used: None,
    }
}

#[tokio::test]
async fn user_password_and_database_of_the_address_are_used_and_not_told() {
    let server = RedisServer::start();
    () = server.say(&["ACL", "SETUSER", "wire", "on", ">s3cr3t", "~nw:*", "+@all"]).await;
    () = server.say(&["ACL", "SETUSER", "default", "off"]).await;
    let port = server.url().rsplit(':').next().expect("a port").to_owned();
    let refused = Redis::open(&server.settings()).await.expect_err("no user");
    assert!(matches!(&refused, StoreError::Unavailable(words) if words.contains("NOAUTH")), "{refused}");
    let settings = |url: &str| url.parse().expect("an address");
    let wrong = settings(&format!("redis://wire:wr0ng@127.0.0.1:{port}/3"));
    let refused = Redis::open(&wrong).await.expect_err("another password");
    assert!(!refused.to_string().contains("wr0ng"), "{refused}");
    let url = format!("redis://wire:s3cr3t@127.0.0.1:{port}/3");
    let store = Redis::open(&settings(&url)).await.expect("the user is known");
    assert!(!format!("{store:?}").contains("s3cr3t"));
    let feed: FeedId = "news-feed".parse().expect("a feed id");
    let made = store.create_feed(Feed::new(feed, "News"), Mark::random(), EDITOR).await;
    assert!(made.expect("an answer"));
    let client = redis::Client::open(url).expect("an address");
    let mut connection = client.get_multiplexed_async_connection().await.expect("the server is there");
    let keys: String = redis::cmd("INFO").arg("keyspace").query_async(&mut connection).await.expect("an answer");
    assert!(keys.contains("db3:") && !keys.contains("db0:"), "{keys}");
}

#[tokio::test]
async fn a_closed_store_refuses_and_its_background_work_has_ended() {
    let server = RedisServer::start();
    let store = open(&server).await;
    store.close().await;
    assert!(matches!(store.feeds().await, Err(StoreError::Unavailable(_))));
    until("its connection is closed", async || {
        let clients: String = server.say(&["CLIENT", "LIST"]).await;
        clients.lines().count() == 1
    })
    .await;
}
