//! The first start of a new store: it gets a feed and an editor, whose token is shown once, and only by a start that
//! serves.

mod support;

use std::{net::TcpListener, os::unix::fs::PermissionsExt as _, process::Command};

use support::server::{Kept, Server};
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
