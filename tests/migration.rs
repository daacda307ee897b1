//! A file of the first schema, made by the program of that time, opens as what it was: positions resume, versions, due
//! entries, altIds, tokens and idempotency keys are all there.

mod support;

use std::path::Path;

use newswire::{
    news::{After, FeedId, Kind, Moment, Status, TimedEnd, story::Story},
    store::{
        SharedStore,
        sqlite::{FILE, Role, Sqlite},
    },
};
use support::server::{Kept, Server};
use tempfile::TempDir;

const OLD: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/schema-1/newswire.sqlite");

fn opened(dir: &Path) -> SharedStore {
    std::sync::Arc::new(Sqlite::open(dir, Role::Server).expect("the older file opens"))
}

fn old() -> TempDir {
    let dir = TempDir::new().expect("a directory");
    std::fs::copy(OLD, dir.path().join(FILE)).expect("the fixture is there");
    dir
}

#[tokio::test]
async fn a_file_of_the_first_schema_opens_with_all_that_it_held() {
    let dir = old();
    let news: FeedId = "news-feed".parse().expect("a feed id");
    // Twice: the second time it is of the present schema.
    for _ in 0..2 {
        let store = opened(dir.path());
        let state = store.feed(&news).await.expect("answers").expect("the feed");
        assert_eq!((state.head.to_string(), state.floor, state.cut), ("16-ccdebff5".to_owned(), 1, 0));
        assert!(store.feed(&"sport".parse().expect("a feed id")).await.expect("answers").is_some());

        let changed = store.changed(&news, After::First, None).await.expect("answers").expect("from the first");
        let items: Vec<_> = changed.changes.iter().filter_map(newswire::news::Change::item).collect();
        assert_eq!((changed.changes.len(), items.len(), changed.reached), (9, 8, state.head));
        let half = changed.changes[4].position;
        let rest = store.changed(&news, After::Position(half), None).await.expect("answers").expect("it resumes");
        assert_eq!(rest.changes, changed.changes[5..]);

        let (mut statuses, mut versions) = (Vec::new(), 0);
        for id in &items {
            statuses.push(store.item(&news, *id).await.expect("answers").expect("an item").status);
            let all = store.versions(&news, *id, 0).await.expect("answers");
            assert!(all.iter().all(|version| version.who == "editor"));
            versions += all.len();
        }
        let count = |status| statuses.iter().filter(|is| **is == status).count();
        let counts = [Status::Usable, Status::Withheld, Status::Canceled, Status::Removed].map(count);
        assert_eq!((counts, versions), ([5, 1, 1, 1], 15));

        let due = store.due(Moment::from_millis(i64::MAX)).await.expect("answers");
        let ends: Vec<_> = due.iter().map(|due| due.what).collect();
        assert_eq!(ends.len(), 2, "{due:?}");
        assert!(ends.contains(&TimedEnd::Breaking) && ends.contains(&TimedEnd::Pin));

        let story = |value: &str| Story::of(&format!(r#"{{"altIds":[{{"role":"wire","value":"{value}"}}]}}"#));
        for value in ["W-1", "W-2"] {
            let hash = story(value).alt_id_hashes(&news)[0];
            assert!(store.item_by_alt_id(&news, &hash).await.expect("answers").is_some(), "{value}");
        }
        let tokens = store.tokens().await.expect("answers");
        let names: Vec<_> = tokens.iter().map(|token| (token.name.as_str(), token.revoked.is_some())).collect();
        assert_eq!(names, [("bot", true), ("desk", false), ("editor", false)]);
        store.close().await;
    }
    // What a key stands for is known by a hash of it now, and its text is gone.
    let file = rusqlite::Connection::open(dir.path().join(FILE)).expect("the file opens");
    let name: Vec<u8> = file.query_row("SELECT name FROM keys", [], |row| row.get(0)).expect("one key");
    assert_eq!(name, newswire::store::Once::name("editor", "schema-1-key"));
    let bytes = std::fs::read(dir.path().join(FILE)).expect("the file");
    assert!(!bytes.windows(12).any(|part| part == b"schema-1-key"), "the key's text left the file");
}

#[tokio::test]
async fn what_ran_out_in_an_older_file_ends_at_the_first_start() {
    let server = Server::start(Kept::Sqlite).await;
    server.stop().await;
    std::fs::copy(OLD, server.data().join(FILE)).expect("the fixture is there");
    server.up().await;
    let ended = async || {
        let polled = server.read("/v1/feeds/news-feed/changes?after=16-ccdebff5").await;
        let kinds: Vec<_> = polled["changes"].as_array().expect("changes").iter().map(|c| c["type"].clone()).collect();
        kinds.contains(&Kind::ItemBreakingEnded.name().into()) && kinds.contains(&Kind::ItemUnpinned.name().into())
    };
    support::until("what ran out has ended", ended).await;
}
