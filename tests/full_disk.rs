//! A disk with no room left: editors are told to try again, nothing that was acknowledged is lost, readers stay, and
//! when there is room again the same server goes on.

mod support;

use std::process::Command;

use reqwest::Method;
use serde_json::json;
use support::{
    server::{FEED, Kept, Server},
    stream::{Door, Stream},
};

/// The server's own command under a limit on the size of files, in blocks of 512 bytes: what is beyond fails to be
/// written, as on a full disk.
fn limited(server: &Server, blocks: usize) -> Command {
    let plain = server.command();
    let mut command = Command::new("sh");
    command.args(["-c", &format!("trap '' XFSZ; ulimit -S -f {blocks}; exec \"$0\" \"$@\"")]);
    command.arg(plain.get_program()).args(plain.get_args());
    command
}

#[tokio::test]
async fn a_full_disk_is_503_and_the_server_goes_on_when_there_is_room_again() {
    let server = Server::start(Kept::Sqlite).await;
    server.stop().await;
    server.up_as(&mut limited(&server, 4_096)).await;
    let mut readers = Vec::new();
    for door in [Door::WebSocket, Door::Sse] {
        let mut reader = Stream::open(&server, door, "").await;
        reader.until("caughtUp").await;
        readers.push(reader);
    }
    let words = "Much is known. ".repeat(1_000);
    let mut acknowledged = 0;
    let refused = loop {
        let item = json!({"headline": format!("Item {acknowledged}"), "body": format!("<p>{words}</p>")});
        let answer = server.edit(Method::POST, "items").json(&item).send().await.expect("the server answers");
        match answer.status().as_u16() {
            201 => acknowledged += 1,
            _ => break answer,
        }
        assert!(acknowledged < 1_000, "the disk never fills");
    };
    assert_eq!(refused.status(), 503);
    assert!(refused.headers().contains_key("retry-after"));
    assert_eq!(server.items().await.len(), acknowledged, "what was acknowledged is there, and nothing else");

    let lifted = Command::new("prlimit").args(["--pid", &server.id().to_string(), "--fsize=unlimited"]).status();
    assert!(lifted.expect("prlimit is installed").success());
    let last = json!({"headline": "There is room"});
    support::until("the server takes items again", async || {
        server.edit(Method::POST, "items").json(&last).send().await.expect("an answer").status() == 201
    })
    .await;
    for reader in &mut readers {
        let mut came = 0;
        while reader.until("item.published").await["item"]["headline"] != "There is room" {
            came += 1;
        }
        assert_eq!(came, acknowledged);
    }
    server.kill();
    server.up().await;
    let head = server.read(&format!("/v1/feeds/{FEED}")).await["position"].clone();
    assert_eq!(support::stream::seq(&head), acknowledged as u64 + 2);
}

#[tokio::test]
async fn a_log_that_cannot_be_written_ends_nothing() {
    let server = Server::start(Kept::Sqlite).await;
    server.stop().await;
    let plain = server.command();
    let mut command = Command::new("sh");
    command.args(["-c", "exec \"$0\" \"$@\" 2>/dev/full"]).arg(plain.get_program()).args(plain.get_args());
    server.up_as(&mut command).await;
    let made = server.publish(&json!({"headline": "Nobody can log this"})).await;
    assert_eq!(server.items().await[0]["id"], made["item"]["id"]);
    assert_eq!(server.stop().await.code(), Some(0));
}
