//! A file that an older newswire wrote opens with all that is in it.

#[path = "support/mod.rs"]
mod support;

use std::os::unix::fs::PermissionsExt as _;

use newswire::{
    news::{After, FeedId, Kind, Mark, Moment, Position, Status, TimedEnd, What},
    store::{
        Lost, Once, Row, Store, StoreError, Witness,
        sqlite::{FILE, Role, SCHEMA, Sqlite, backup, restore},
    },
};
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

/// A directory with the file that the program of schema 1 wrote.
fn schema_1() -> TempDir {
    let dir = TempDir::new().expect("a temporary directory");
    let fixture = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/schema-1/newswire.sqlite");
    std::fs::copy(fixture, dir.path().join(FILE)).expect("the fixture can be copied");
    dir
}

fn open(dir: &TempDir) -> Sqlite {
    Sqlite::open(dir.path(), Role::Server).expect("opens")
}

fn file(dir: &TempDir) -> rusqlite::Connection {
    rusqlite::Connection::open(dir.path().join(FILE)).expect("the file opens")
}

fn news() -> FeedId {
    "news-feed".parse().expect("a feed id")
}

#[tokio::test]
async fn a_file_of_schema_1_opens_as_it_was() {
    let dir = schema_1();
    let store = open(&dir);
    let states = store.feeds().await.expect("answers");
    let heads: Vec<_> = states.iter().map(|state| (state.feed.id.as_str(), state.head.seq, state.floor)).collect();
    assert_eq!(heads, [("news-feed", 16, 1), ("sport", 1, 1)]);
    assert_eq!(states[0].head.to_string(), "16-ccdebff5");
    let all = store.changed(&news(), After::First, None).await.expect("answers").expect("from the first");
    let items: Vec<_> = all
        .changes
        .iter()
        .filter_map(|change| match &*change.what {
            What::Item(item) => Some(item),
            What::Feed(_) => None,
        })
        .collect();
    assert_eq!(items.len(), 8);
    let with = |status| items.iter().filter(|item| item.status == status).count();
    assert_eq!(
        [Status::Usable, Status::Withheld, Status::Canceled, Status::Removed].map(with),
        [5, 1, 1, 1],
        "each in its status"
    );
    let corrected = items.iter().find(|item| item.last_seq == 16).expect("the newest change");
    let versions = store.versions(&news(), corrected.id, 0).await.expect("answers");
    let kinds: Vec<_> = versions.iter().map(|version| version.record.kind).collect();
    assert_eq!(kinds, [Kind::ItemPublished, Kind::ItemUpdated, Kind::ItemCorrected]);
    assert_eq!(store.item(&news(), corrected.id).await.expect("answers").as_ref(), Some(*corrected));
    let due = store.due(store.now()).await.expect("answers");
    assert_eq!(due.iter().map(|due| due.what).collect::<Vec<_>>(), [TimedEnd::Breaking, TimedEnd::Pin]);
    let tokens = store.tokens().await.expect("answers");
    let tokens: Vec<_> = tokens.iter().map(|token| (token.name.as_str(), token.revoked.is_some())).collect();
    assert_eq!(tokens, [("bot", true), ("desk", false), ("editor", false)]);
    store.close().await;
    let schema: u32 = file(&dir).pragma_query_value(None, "user_version", |row| row.get(0)).expect("it is there");
    assert_eq!(schema, SCHEMA);
    assert_eq!(open(&dir).feeds().await.expect("opens again"), states);
}

#[tokio::test]
async fn an_alt_id_of_schema_1_is_still_its_items_own() {
    let dir = schema_1();
    let owners: Vec<(Vec<u8>, [u8; 16])> = file(&dir)
        .prepare("SELECT hash, item FROM alt_ids")
        .expect("is there")
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
        .expect("can be read")
        .map(|row| row.expect("can be read"))
        .collect();
    assert_eq!(owners.len(), 2);
    let store = open(&dir);
    let mut removed = 0;
    for (hash, item) in owners {
        let hash = hash.try_into().expect("32 bytes");
        let found = store.item_by_alt_id(&news(), &hash).await.expect("answers").expect("is known");
        assert_eq!(found.into_bytes(), item);
        let item = store.item(&news(), found).await.expect("answers").expect("is there");
        removed += u32::from(item.status == Status::Removed);
    }
    assert_eq!(removed, 1);
}

#[tokio::test]
async fn a_position_of_schema_1_resumes() {
    let dir = schema_1();
    let store = open(&dir);
    let position: Position = "16-ccdebff5".parse().expect("a position");
    let rest = store.changed(&news(), After::Position(position), None).await.expect("answers").expect("resumes");
    assert_eq!((rest.changes.len(), rest.reached), (0, position));
    let third = store.position(&news(), 3).await.expect("answers").expect("the log has it");
    let log = store.log(&news(), third).await.expect("answers").expect("resumes");
    assert_eq!(log.entries.len(), 13);
}

#[tokio::test]
async fn a_key_of_schema_1_is_remembered_and_its_text_is_gone() {
    let dir = schema_1();
    // As if it had been used today.
    let now = Moment::of_this_machine().millis();
    file(&dir).execute("UPDATE keys SET used = ?", [now]).expect("made younger");
    let store = open(&dir);
    let known = store.recall(&news(), "editor", "schema-1-key").await.expect("answers").expect("is remembered");
    assert_eq!((known.version, known.position.seq), (1, 2));
    assert!(store.recall(&news(), "desk", "schema-1-key").await.expect("answers").is_none());
    store.close().await;
    assert!(!support::holds(dir.path(), b"schema-1-key"));
    let name: Vec<u8> = file(&dir).query_row("SELECT name FROM keys", [], |row| row.get(0)).expect("one key");
    assert_eq!(name, Once::name("editor", "schema-1-key"));
}

#[tokio::test]
async fn tickets_and_tokens_have_what_schema_1_did_not() {
    let dir = schema_1();
    let store = open(&dir);
    let (key, other) = (Sha256::digest("one").into(), Sha256::digest("two").into());
    assert_eq!(store.ticket_key(key).await.expect("answers"), key);
    assert_eq!(store.ticket_key(other).await.expect("answers"), key, "the first stays");
    let before = store.tokens_revision().await.expect("answers");
    assert!(store.revoke_token("desk").await.expect("answers"));
    assert_ne!(store.tokens_revision().await.expect("answers"), before);
}

#[tokio::test]
async fn a_file_of_a_schema_to_come_is_refused() {
    let dir = schema_1();
    file(&dir).pragma_update(None, "user_version", SCHEMA + 1).expect("written");
    let refused = Sqlite::open(dir.path(), Role::Beside).expect_err("refused");
    assert!(matches!(refused, StoreError::NewerSchema { found, known: SCHEMA } if found == SCHEMA + 1));
}

/// All that a store keeps.
async fn dumped(store: &Sqlite) -> Vec<Row> {
    let mut dump = store.dump(&[]).await.expect("begins");
    let mut all = Vec::new();
    while let Some(rows) = dump.next().await.expect("goes on") {
        all.extend(rows);
    }
    all
}

fn text(rows: &[Row]) -> String {
    rows.iter().map(|row| serde_json::to_string(row).expect("JSON") + "\n").collect()
}

#[tokio::test]
async fn what_schema_1_kept_can_be_moved_to_a_new_store() {
    let dir = schema_1();
    let now = Moment::of_this_machine().millis();
    file(&dir).execute("UPDATE keys SET used = ?", [now]).expect("made younger");
    let (store, new) = (open(&dir), TempDir::new().expect("a temporary directory"));
    let (rows, moved) = (dumped(&store).await, open(&new));
    // Tokens, and of the feeds: beginning, log, versions, altIds, key and end.
    assert_eq!(rows.len(), 3 + (1 + 16 + 15 + 2 + 1 + 1) + (1 + 1 + 1), "{}", text(&rows));
    let (last, before) = rows.split_last().expect("there are some");
    for row in before {
        moved.load(vec![row.clone()]).await.expect("loads");
    }
    let sport: FeedId = "sport".parse().expect("a feed id");
    assert_eq!(moved.feeds().await.expect("answers").len(), 1, "the other is not loaded to its end");
    assert_eq!(moved.position(&sport, 1).await.expect("answers"), None, "nor can anything of it be seen");
    let again = moved.load(vec![rows[3].clone()]).await;
    assert!(matches!(again, Err(StoreError::Taken(_))), "{again:?}");
    // A load that was cut off begins anew.
    moved.load(vec![Row::Begin { feed: sport }, rows[rows.len() - 2].clone(), last.clone()]).await.expect("loads");
    assert_eq!(moved.feeds().await.expect("answers"), store.feeds().await.expect("answers"));
    assert_eq!(text(&dumped(&moved).await), text(&rows));
    let (due, at) = (store.due(store.now()).await.expect("answers"), moved.now());
    assert_eq!(moved.due(at).await.expect("answers"), due);
}

#[tokio::test]
async fn a_backup_of_schema_1_is_restored_and_tells_that_the_store_changed() {
    let (dir, to) = (schema_1(), TempDir::new().expect("a temporary directory"));
    let copy = to.path().join("backup");
    backup(dir.path(), &copy).await.expect("is backed up");
    let mode = std::fs::metadata(&copy).expect("is there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert!(matches!(backup(dir.path(), &copy).await, Err(StoreError::Taken(_))), "nothing is written over");
    let store = open(&dir);
    let sport: FeedId = "sport".parse().expect("a feed id");
    store.delete_feed(&sport, None).await.expect("is deleted");
    backup(dir.path(), &to.path().join(FILE)).await.expect("is backed up beside a server");
    let beside = open(&to);
    assert_eq!(beside.feeds().await.expect("answers"), store.feeds().await.expect("answers"));
    beside.close().await;
    let position = store.position(&news(), 16).await.expect("answers").expect("is there");
    assert!(matches!(restore(&copy, dir.path()).await, Err(StoreError::InUse(_))), "a server has it");
    store.close().await;
    let aside = restore(&copy, dir.path()).await.expect("is restored").expect("one was there");
    assert!(aside.is_file());
    let store = open(&dir);
    assert_eq!(store.feeds().await.expect("answers").len(), 2, "as when it was backed up");
    for state in store.feeds().await.expect("answers") {
        assert_eq!((state.floor, state.cut), (state.head.seq, state.head.seq));
    }
    let lost = store.changed(&news(), After::Position(position), None).await.expect("answers");
    assert_eq!(lost.expect_err("before the cut"), Lost::Changed);
    store.close().await;
    assert!(matches!(restore(&copy, dir.path()).await, Err(StoreError::Taken(_))), "one stands aside");
    let nothing = to.path().join("nothing");
    assert!(matches!(restore(&nothing, to.path()).await, Err(StoreError::Unavailable(_))));
}

#[tokio::test]
async fn the_command_line_leaves_the_file_of_an_older_server_as_it_is() {
    let dir = schema_1();
    let server = std::fs::File::create(dir.path().join("newswire.lock")).expect("the lock's file");
    server.try_lock().expect("nobody else has it");
    let refused = Sqlite::open(dir.path(), Role::Beside).expect_err("an older server runs");
    assert!(matches!(&refused, StoreError::InUse(said) if said.contains("older")), "{refused}");
    let schema = || file(&dir).pragma_query_value(None, "user_version", |row| row.get::<_, u32>(0)).expect("a number");
    assert_eq!(schema(), 1);
    drop(server);
    let checked = std::process::Command::new(env!("CARGO_BIN_EXE_newswire"));
    let checked = { checked }.arg("check").arg("--data").arg(dir.path()).output().expect("newswire runs");
    let said = String::from_utf8_lossy(&checked.stdout);
    assert!(said.contains("from schema 1 to 2") && schema() == 1, "a look changes nothing: {said}");
    Sqlite::open(dir.path(), Role::Beside).expect("nobody runs").close().await;
    assert_eq!(schema(), 2);
}

#[tokio::test]
async fn after_a_restore_no_reader_makes_all_others_begin_anew_once_more() {
    let (dir, to) = (schema_1(), TempDir::new().expect("a temporary directory"));
    let copy = to.path().join("copy.sqlite");
    backup(dir.path(), &copy).await.expect("is backed up");
    restore(&copy, dir.path()).await.expect("is restored");
    let store = open(&dir);
    let head = store.feed(&news()).await.expect("answers").expect("is there").head;
    for _ in 0..2 {
        let told = store.cut(&news(), None, Witness::Reader, Mark::random()).await.expect("answers");
        assert!(!told, "all have been told");
    }
    assert_eq!(store.feed(&news()).await.expect("answers").expect("is there").head, head);
    store.close().await;
    // What the store loses in a later run, a reader makes known again.
    let store = open(&dir);
    assert!(store.cut(&news(), None, Witness::Reader, Mark::random()).await.expect("answers"));
}
