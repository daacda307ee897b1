//! Whether everything that a feed holds fits together: the check behind every test of crashes, restarts and races.

use std::collections::HashMap;

use newswire::{
    news::{After, Position, Record},
    store::{Entry, Version},
};
use uuid::Uuid;

use crate::support::newsroom::{Newsroom, position};

/// The whole log after its first change.
pub(crate) async fn whole_log(desk: &Newsroom) -> Vec<Entry> {
    let first = desk.store.position(&desk.feed, 1).await.expect("answers").expect("nothing was trimmed");
    let mut entries: Vec<Entry> = Vec::new();
    loop {
        let after = entries.last().map_or(first, |entry| entry.position);
        let part = desk.store.log(&desk.feed, after).await.expect("answers").expect("a position of this feed");
        if part.entries.is_empty() {
            assert_eq!(part.state.head, after, "the log ends at the head");
            return entries;
        }
        entries.extend(part.entries);
    }
}

/// All versions of an item.
pub(crate) async fn all_versions(desk: &Newsroom, id: Uuid) -> Vec<Version> {
    let mut versions: Vec<Version> = Vec::new();
    loop {
        let after = versions.last().map_or(0, |version| version.record.version);
        let part = desk.store.versions(&desk.feed, id, after).await.expect("answers");
        if part.is_empty() {
            return versions;
        }
        versions.extend(part);
    }
}

/// Asserts that log, items, versions, `changed` and head tell the same story, for a feed that was never trimmed and
/// in which nothing was removed. Returns its items by id.
pub(crate) async fn assert_whole(desk: &Newsroom) -> HashMap<Uuid, Record> {
    let log = whole_log(desk).await;
    let mut changes: HashMap<Uuid, Vec<Position>> = HashMap::new();
    for (entry, seq) in log.iter().zip(2..) {
        assert_eq!(entry.position.seq, seq, "seq grows by one");
        if let Some(item) = entry.item {
            changes.entry(item).or_default().push(entry.position);
        }
    }
    let mut items = HashMap::new();
    for (id, changes) in changes {
        let item = desk.store.item(&desk.feed, id).await.expect("answers").expect("the log names it");
        let versions = all_versions(desk, id).await;
        let told: Vec<_> = versions.iter().map(|version| position(&version.record)).collect();
        assert_eq!(told, changes, "each change of an item is one of its versions");
        let numbers: Vec<_> = versions.iter().map(|version| version.record.version).collect();
        assert_eq!(numbers, (1..=item.version).collect::<Vec<_>>());
        assert_eq!(versions.last().map(|version| &version.record), Some(&item));
        assert_eq!(item.born, changes[0].seq);
        items.insert(id, item);
    }
    assert_eq!(walk(desk).await, items, "what changed after the first change is every item");
    items
}

/// Every item, by walking along what changed.
async fn walk(desk: &Newsroom) -> HashMap<Uuid, Record> {
    let mut items = HashMap::new();
    let mut after = After::First;
    loop {
        let read =
            desk.store.changed(&desk.feed, after, None).await.expect("answers").expect("a position of this feed");
        for change in &read.changes {
            after = After::Position(change.position);
            if let newswire::news::What::Item(record) = &*change.what {
                items.insert(record.id, record.clone());
            }
        }
        if !read.more {
            return items;
        }
    }
}
