//! Taking what a store keeps elsewhere, and putting it back: export and import between both stores, backup and restore,
//! deleting a feed. What a reader has must hold on the other side, or it is told.

mod support;

use std::path::Path;

use serde_json::{Value, json};
use support::{
    program::{Ran, ended, newswire},
    server::{FEED, Kept, Server, accepted},
};

/// Runs a command on a server's store.
async fn on(server: &Server, words: &[&str]) -> Ran {
    let mut command = newswire(server, words);
    for (option, value) in server.place() {
        command.arg(option).arg(value);
    }
    ended(command.spawn().expect("newswire runs")).await
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path in text")
}

/// A feed with two stories, and one that was removed; its page and position.
async fn filled(server: &Server) -> (Value, Value) {
    server.beside_it(&["feed", "create", "world", "--title", "World", "--language", "en-GB"]);
    for headline in ["One", "Two"] {
        publish(server, headline).await;
    }
    let id = publish(server, "Three").await["item"]["id"].clone();
    let door = format!("/v1/feeds/world/items/{}/remove", id.as_str().expect("an id"));
    accepted(server.client.post(server.url(&door)).bearer_auth(&server.token).json(&json!({})).send().await).await;
    page(server).await
}

async fn publish(server: &Server, headline: &str) -> Value {
    let item = json!({"headline": headline});
    let request = server.client.post(server.url("/v1/feeds/world/items")).bearer_auth(&server.token).json(&item);
    accepted(request.send().await).await
}

/// What the feed's page lists, and its position.
async fn page(server: &Server) -> (Value, Value) {
    let page = server.read("/v1/feeds/world/items").await;
    (page["items"].clone(), page["position"].clone())
}

async fn moves(from: Kept, to: Kept) {
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("world.jsonl");
    let (old, new) = (Server::start(from).await, Server::start(to).await);
    let filled = filled(&old).await;

    let exported = on(&old, &["export", "--feed", "world", text(&file)]).await;
    assert_eq!((exported.code, exported.out.as_str()), (0, ""), "{}", exported.err);
    let lines = std::fs::read_to_string(&file).expect("an export");
    let parsed: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).expect("JSON Lines")).collect();
    assert_eq!((&parsed[0]["newswire"], &parsed[0]["form"]), (&json!("export"), &json!(1)));
    assert_eq!(parsed[parsed.len() - 1], json!({"end": true, "rows": parsed.len() - 2}));

    // A torn file loads nothing, the whole one everything, and it once only.
    let torn = dir.path().join("torn.jsonl");
    std::fs::write(&torn, &lines[..lines.trim_end().rfind('\n').expect("lines")]).expect("written");
    let refused = on(&new, &["import", text(&torn)]).await;
    assert!(refused.code == 2 && refused.err.contains("torn off"), "{}", refused.err);
    assert_eq!(new.get("/v1/feeds/world").await.expect("an answer").status(), 404);
    let imported = on(&new, &["import", "--resume", text(&file)]).await;
    assert_eq!(imported.code, 0, "{}", imported.err);
    assert_eq!(page(&new).await, filled);
    let again = on(&new, &["import", text(&file)]).await;
    assert!(again.code == 1 && again.err.contains("world already"), "{}", again.err);

    // A reader's position holds on the other side.
    let position = filled.1.as_str().expect("a position");
    let changes = new.read(&format!("/v1/feeds/world/changes?after={position}")).await;
    assert_eq!((&changes["changes"], &changes["position"]), (&json!([]), &filled.1));
}

#[tokio::test]
async fn what_was_exported_from_sqlite_is_the_same_on_redis() {
    moves(Kept::Sqlite, Kept::Redis).await;
}

#[tokio::test]
async fn what_was_exported_from_redis_is_the_same_on_sqlite() {
    moves(Kept::Redis, Kept::Sqlite).await;
}

#[tokio::test]
async fn what_a_newer_version_wrote_into_a_feed_moves_with_it_to_either_store_and_back() {
    let dir = tempfile::tempdir().expect("a directory");
    let server = Server::start(Kept::Redis).await;
    filled(&server).await;
    // Fields that this version knows nothing of.
    let key: Vec<String> = server.redis().say(&["KEYS", "nw:*:feed:world"]).await;
    let written: String = server.redis().say(&["HGET", &key[0], "doc"]).await;
    let mut newer: Value = serde_json::from_str(&written).expect("JSON");
    newer["editors"] = json!({"by": "a newer one"});
    let _: u64 = server.redis().say(&["HSET", &key[0], "doc", &newer.to_string()]).await;
    let mut from = server;
    for to in [Kept::Sqlite, Kept::Redis] {
        let file = dir.path().join(format!("{to:?}.jsonl"));
        assert_eq!(on(&from, &["export", "--feed", "world", text(&file)]).await.code, 0);
        let next = Server::start(to).await;
        let imported = on(&next, &["import", "--resume", text(&file)]).await;
        assert_eq!(imported.code, 0, "{}", imported.err);
        // What this version changes of the feed costs nothing of it, and nobody is shown it.
        next.beside_it(&["feed", "set", "world", "--title", &format!("On {to:?}")]);
        newer["title"] = format!("On {to:?}").into();
        let exported = on(&next, &["export", "--feed", "world"]).await.json();
        let feed = exported.iter().find(|row| row["row"] == "feed").expect("the feed's row");
        assert_eq!(feed["document"], newer);
        assert_eq!(next.read("/v1/feeds/world").await.get("editors"), None);
        from = next;
    }
}

#[tokio::test]
async fn an_export_can_be_piped_and_one_without_feeds_has_the_tokens() {
    let server = Server::start(Kept::Sqlite).await;
    let exported = on(&server, &["export"]).await;
    assert_eq!(exported.code, 0, "{}", exported.err);
    let rows = exported.json();
    assert!(rows.iter().any(|row| row["row"] == "token"), "{}", exported.out);
    assert!(!exported.out.contains(&server.token), "only a token's hash is written");
    assert_eq!(on(&server, &["export", "--feed", "no-such-feed"]).await.code, 5);
}

#[tokio::test]
async fn a_backup_made_beside_a_running_server_can_be_restored_and_what_stood_there_is_moved_aside() {
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("backup.sqlite");
    let server = Server::start(Kept::Sqlite).await;
    let kept = filled(&server).await;
    let made = on(&server, &["backup", text(&file)]).await;
    assert_eq!(made.code, 0, "{}", made.err);

    publish(&server, "Later").await;
    let running = on(&server, &["restore", text(&file)]).await;
    assert_eq!(running.code, 3, "a server runs: {}", running.err);
    server.stop().await;
    let other = dir.path().join("notes.txt");
    std::fs::write(&other, "What was said at the meeting.").expect("written");
    let refused = on(&server, &["restore", text(&other)]).await;
    assert_eq!(refused.code, 2, "{}", refused.err);
    assert!(refused.err.contains("notes.txt is no backup"), "{}", refused.err);
    let restored = on(&server, &["restore", text(&file)]).await;
    assert_eq!(restored.code, 0, "{}", restored.err);
    assert!(restored.err.contains("storeChanged") && restored.err.contains("removed"), "{}", restored.err);
    assert!(Path::new(restored.out.trim()).exists(), "the path of what was moved aside: {}", restored.out);
    server.up().await;
    assert_eq!(page(&server).await.0, kept.0);
}

#[tokio::test]
async fn a_deleted_feed_is_gone_and_its_id_is_free() {
    for kept in [Kept::Sqlite, Kept::Redis] {
        let server = Server::start(kept).await;
        filled(&server).await;
        let deleted = on(&server, &["feed", "delete", "world", "--yes"]).await;
        assert_eq!(deleted.code, 0, "{}", deleted.err);
        support::until("the server knows it", async || {
            server.get("/v1/feeds/world").await.is_ok_and(|answer| answer.status() == 404)
        })
        .await;
        assert_eq!(on(&server, &["feed", "delete", "world", "--yes"]).await.code, 5);
        server.beside_it(&["feed", "create", "world", "--title", "World again"]);
    }
}

#[tokio::test]
async fn a_check_of_a_store_that_is_well_tells_what_it_is() {
    for kept in [Kept::Sqlite, Kept::Redis] {
        let server = Server::start(kept).await;
        let checked = on(&server, &["check", "--format", "json"]).await;
        let report: Value = serde_json::from_str(&checked.out).expect("JSON");
        assert_eq!(report["error"], Value::Null, "{report}");
        assert!(report["facts"].as_object().is_some_and(|facts| !facts.is_empty()), "{report}");
        assert!(report["clockAheadMs"].as_i64().is_some_and(|ahead| ahead.abs() <= 1000), "{report}");
        let well = report["warnings"].as_array().is_some_and(Vec::is_empty);
        assert_eq!(checked.code, i32::from(!well), "{report}");
        assert!(server.read(&format!("/v1/feeds/{FEED}")).await.is_object(), "the server was not disturbed");
    }
}
