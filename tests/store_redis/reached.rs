//! However a server is to be reached, it is; and what stands in the way is told without passwords.

use std::{path::PathBuf, sync::Arc};

use newswire::store::{
    SharedStore, Store as _, StoreError,
    redis::{Redis, Settings},
};

use crate::support::{
    newsroom::Newsroom,
    redis::RedisServer,
    redis_tls::{Authority, SecureRedis},
    sentinels::{Sentinel, Sentinels},
    until,
};

fn at(url: &str, ca: Option<PathBuf>) -> Settings {
    Settings { ca, ..url.parse().expect("an address") }
}

/// Opens a store there and sees that it takes a change.
async fn works(settings: &Settings) {
    let store: SharedStore = Arc::new(Redis::open(settings).await.expect("the server is reached"));
    let room = Newsroom::open(&store, "news-feed").await;
    room.publish("one").await;
    store.close().await;
}

/// Opens none, and says why.
async fn refused(settings: &Settings) -> String {
    match Redis::open(settings).await {
        Err(StoreError::Unavailable(why)) => why,
        other => panic!("not refused: {other:?}"),
    }
}

#[tokio::test]
async fn a_server_over_tls_is_known_by_the_authority_of_its_certificate() {
    if !SecureRedis::is_possible() {
        return;
    }
    let authority = Authority::new();
    let redis = SecureRedis::start(&authority);
    works(&at(&redis.url(), Some(authority.file()))).await;
    // Neither the system's authorities nor another one of ours vouch for it.
    for ca in [None, Some(Authority::new().file())] {
        let why = refused(&at(&redis.url(), ca)).await;
        assert!(why.contains("certificate"), "{why}");
    }
    // Its certificate is not for another name.
    let other = redis.url().replace("127.0.0.1", "127.0.0.2");
    refused(&at(&other, Some(authority.file()))).await;
    // Without TLS it does not answer, and neither does a server without TLS where TLS is asked for.
    refused(&at(&redis.url().replace("rediss", "redis"), None)).await;
    refused(&at(&redis.server.url().replace("redis", "rediss"), Some(authority.file()))).await;
}

#[tokio::test]
async fn a_file_that_holds_no_certificates_is_told() {
    for (file, word) in [("/nowhere/ca.pem", "cannot be read"), ("Cargo.toml", "no certificate")] {
        let why = refused(&at("rediss://:s3cr3t@127.0.0.1:1", Some(file.into()))).await;
        assert!(why.contains("--store-ca") && why.contains(word) && !why.contains("s3cr3t"), "{why}");
    }
}

#[tokio::test]
async fn sentinels_and_servers_are_each_told_their_own_password() {
    let server = RedisServer::start();
    () = server.say(&["ACL", "SETUSER", "wire", "on", ">s3cr3t", "~nw:*", "+@all"]).await;
    let port = server.port().to_string();
    let sentinel = Sentinel::over(server.port(), &["requirepass w4tch"]);
    let plain = format!("127.0.0.1:{}/news/4", sentinel.port());
    let why = refused(&at(&format!("redis+sentinel://wire:s3cr3t@{plain}"), None)).await;
    assert!(why.contains("NOAUTH") && !why.contains("s3cr3t"), "{why}");
    works(&at(&format!("redis+sentinel://wire:s3cr3t@{plain}?sentinel_password=w4tch"), None)).await;
    let why = refused(&at(&format!("redis+sentinel://wire:wr0ng@{plain}?sentinel_password=w4tch"), None)).await;
    assert!(why.contains("authentication failed") && !why.contains("wr0ng"), "{why}");
    let keys: String = server.say(&["INFO", "keyspace"]).await;
    assert!(keys.contains("db4:"), "at {port}: {keys}");
}

#[tokio::test]
async fn sentinels_over_tls_lead_to_a_master_over_tls() {
    if !SecureRedis::is_possible() {
        return;
    }
    let authority = Authority::new();
    let redis = SecureRedis::start(&authority);
    let port = crate::support::port::Port::any();
    let mut lines = vec!["tls-replication yes".to_owned(), format!("tls-port {}", port.number)];
    lines.extend(authority.settings().iter().map(|setting| setting.join(" ")));
    let lines: Vec<_> = lines.iter().map(String::as_str).collect();
    let _sentinel = Sentinel::over(redis.port(), &lines);
    works(&at(&format!("rediss+sentinel://127.0.0.1:{}/news", port.number), Some(authority.file()))).await;
}

#[tokio::test]
async fn a_master_that_no_sentinel_knows_is_told_by_its_name() {
    let server = RedisServer::start();
    let sentinel = Sentinel::over(server.port(), &[]);
    let why = refused(&at(&format!("redis+sentinel://127.0.0.1:{}/sport", sentinel.port()), None)).await;
    assert!(why.contains("\"sport\""), "{why}");
    let port = sentinel.port();
    sentinel.kill();
    let why = refused(&at(&format!("redis+sentinel://127.0.0.1:{port}/news"), None)).await;
    assert!(why.contains(&format!("the Sentinel at 127.0.0.1:{port}")), "{why}");
}

#[tokio::test]
async fn sentinels_with_an_old_configuration_and_servers_that_are_no_masters_are_not_believed() {
    let old = RedisServer::start();
    let master = RedisServer::start();
    let replica = master.start_replica().await;
    let sentinels = Sentinels::over(&master, 1).await;
    let _: String = sentinels.one(0).say(&["SENTINEL", "FAILOVER", "news"]).await;
    sentinels.name(&replica).await;
    // One that nobody has told of it stands first and last in the address.
    let stale = Sentinel::over(old.port(), &[]);
    let at_stale = format!("127.0.0.1:{}", stale.port());
    let url = sentinels.url().replace("://", &format!("://{at_stale},")).replace("/news", &format!(",{at_stale}/news"));
    works(&at(&url, None)).await;
    let keys = async |server: &RedisServer| server.say::<usize>(&["DBSIZE"]).await;
    assert!(keys(&replica).await > 0);
    assert_eq!(keys(&old).await, 0);

    // A server that is named and says that it is none is not written to.
    until("the old master is a replica", async || master.is_replica().await).await;
    let stale = Sentinel::over(master.port(), &[]);
    // It finds that out itself within ten seconds, and then names another.
    let why = refused(&at(&format!("redis+sentinel://127.0.0.1:{}/news", stale.port()), None)).await;
    assert!(why.contains("slave"), "{why}");
}

#[tokio::test]
async fn how_many_sentinels_answer_is_told_and_that_none_does_is_a_warning() {
    let server = RedisServer::start();
    let sentinels = Sentinels::over(&server, 0).await;
    let store = Redis::open(&at(&sentinels.url(), None)).await.expect("the server is reached");
    let fact = async |name: &str| {
        let facts = store.facts().await.expect("an answer");
        facts.into_iter().find(|(fact, _)| *fact == name).map(|(_, value)| value).expect("it is told")
    };
    assert_eq!(fact("master").await, format!("127.0.0.1:{}", server.port()));
    sentinels.one(1).pause();
    until("one is missed", async || fact("sentinels").await == "2 of 3 answer").await;
    let warned = async || store.health().await.expect("healthy").iter().any(|says| says.contains("Sentinels"));
    assert!(!warned().await);
    sentinels.one(0).kill();
    sentinels.one(2).kill();
    until("none answers", warned).await;
    sentinels.one(1).resume();
    until("one is there again", async || !warned().await).await;
}
