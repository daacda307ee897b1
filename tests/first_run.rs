//! The first start of a new store: it gets a feed and an editor, whose token is shown once, and only by a start that
//! serves.

mod support;

use std::{net::TcpListener, os::unix::fs::PermissionsExt as _, process::Command};

use support::{
    server::{FEED, Kept, Server},
    until,
};
use tempfile::TempDir;

#[test]
fn a_first_start_that_fails_keeps_no_token_that_nobody_has_seen() {
    let dir = TempDir::new().expect("a temporary directory");
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("its address").to_string();
    let newswire = |words: &[&str]| {
        let ran = Command::new(env!("CARGO_BIN_EXE_newswire")).args(words).arg("--data").arg(dir.path()).output();
        ran.expect("newswire runs")
    };
    let failed = newswire(&["--listen", &address]);
    assert_eq!(failed.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&failed.stderr).contains(&address), "it says where it could not listen");
    assert!(failed.stdout.is_empty());
    let tokens = newswire(&["token", "list"]);
    assert!(!String::from_utf8_lossy(&tokens.stdout).contains("editor"), "{tokens:?}");
}

#[tokio::test]
async fn the_token_is_shown_only_once() {
    for kept in [Kept::Sqlite, Kept::Redis] {
        let server = Server::start(kept).await;
        let feeds = server.read("/v1/feeds").await;
        assert_eq!(feeds["feeds"][0]["id"], "news-feed");
        server.stop().await;
        assert!(!server.up().await.iter().any(|line| line.contains("nw_")), "a second start says nothing of a token");
        server.publish(&serde_json::json!({"headline": "The first token is still good"})).await;
    }
}

#[test]
fn a_command_in_another_directory_makes_no_store_there() {
    let dir = TempDir::new().expect("a temporary directory");
    for words in [&["feed", "list"][..], &["token", "create", "desk", "--can", "publish"]] {
        let ran = Command::new(env!("CARGO_BIN_EXE_newswire")).args(words).current_dir(dir.path()).output();
        let ran = ran.expect("newswire runs");
        assert_eq!(ran.status.code(), Some(3), "{ran:?}");
        let place = dir.path().join("newswire-data");
        assert!(String::from_utf8_lossy(&ran.stderr).contains(&place.display().to_string()), "{ran:?}");
        assert!(ran.stdout.is_empty() && !place.exists());
    }
}

#[tokio::test]
async fn only_its_owner_can_read_the_store() {
    let server = Server::start(Kept::Sqlite).await;
    let mode = std::fs::metadata(server.data()).expect("the directory is there").permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
}

#[tokio::test]
async fn a_sample_shows_a_newcomer_what_there_is_once_and_leaves_a_feed_with_a_name_of_its_own_alone() {
    let server = Server::start(Kept::Sqlite).await;
    server.stop().await;
    for start in 1..=2 {
        server.up_as(server.command().arg("--sample")).await;
        until("results come in", async || {
            server
                .items()
                .await
                .iter()
                .any(|item| item["headline"] == format!("Postal votes: {start} of 480 boxes counted"))
        })
        .await;
        let items = server.items().await;
        let named = |name: &str| items.iter().filter(|item| item["headline"] == name).collect::<Vec<_>>();
        let [summary] = named("The night in Valmora, in short")[..] else { panic!("it is there once") };
        assert_eq!(summary["pinned"]["position"], 1);
        let [turnout] = named("Turnout about 61 per cent, the election office estimates")[..] else {
            panic!("it is there once, and corrected")
        };
        assert_eq!(turnout["corrections"].as_array().map(Vec::len), Some(1));
        assert_eq!(items.iter().filter(|item| item["status"] == "canceled").count(), 1);
        let feed = server.read(&format!("/v1/feeds/{FEED}")).await;
        assert_eq!(feed["title"], if start == 1 { "Storm Isolde and the night in Valmora" } else { "Our own" });
        server.stop().await;
        server.beside_it(&["feed", "set", FEED, "--title", "Our own"]);
    }
}
