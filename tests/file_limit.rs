//! The limit of open files: raised at the start as far as the system allows, and reached without harm to who is there.

mod support;

use serde_json::json;
use support::{
    server::{Kept, Server},
    stream::{Door, Stream},
};
use tokio::net::TcpStream;

/// The soft limit of open files of a process.
fn soft_limit(id: u32) -> u64 {
    let limits = std::fs::read_to_string(format!("/proc/{id}/limits")).expect("the process runs");
    let line = limits.lines().find(|line| line.starts_with("Max open files")).expect("Linux says");
    line.split_whitespace().nth(3).expect("a number").parse().expect("a number")
}

/// The server, started again by a shell that sets its limits of open files.
async fn limited(server: &Server, limits: &str) {
    server.stop().await;
    let usual = server.command();
    let mut command = std::process::Command::new("sh");
    command.arg("-c").arg(format!("{limits}; exec \"$0\" \"$@\"")).arg(usual.get_program()).args(usual.get_args());
    server.up_as(&mut command).await;
}

#[tokio::test]
async fn the_limit_of_open_files_is_raised_to_what_the_system_allows() {
    let server = Server::start(Kept::Sqlite).await;
    limited(&server, "ulimit -S -n 256").await;
    assert!(soft_limit(server.id()) > 256, "{}", server.log());
}

#[tokio::test]
async fn a_server_that_is_out_of_files_goes_on_for_who_is_there_and_takes_others_again_later() {
    let server = Server::start(Kept::Sqlite).await;
    limited(&server, "ulimit -n 64").await;
    let mut reader = Stream::open(&server, Door::WebSocket, "").await;
    reader.until("caughtUp").await;
    // The editor's connection is there already, and kept alive.
    server.publish(&json!({"headline": "Before"})).await;
    reader.until("item.published").await;
    let mut crowd = Vec::new();
    while !server.log().contains("no connection could be accepted") {
        let address = format!("127.0.0.1:{}", server.port());
        crowd.push(TcpStream::connect(address).await.expect("the system takes it for the server"));
        tokio::time::timeout(std::time::Duration::from_millis(5), std::future::pending::<()>()).await.ok();
        assert!(crowd.len() < 200, "the server has taken more than it has files for");
    }
    server.publish(&json!({"headline": "Meanwhile"})).await;
    assert_eq!(reader.until("item.published").await["item"]["headline"], "Meanwhile");
    drop(crowd);
    Stream::open(&server, Door::Sse, "").await.until("caughtUp").await;
}
