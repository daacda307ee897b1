//! What is kept of an item's past, what is erased with its removal, and what is due.

use std::time::Duration;

use newswire::{
    news::{Ever, Kind, Pin, Record, Status},
    store::{Version, Write, budget},
};

use crate::{
    support::{
        holds,
        newsroom::*,
        place::{Ends, Place},
        until,
    },
    whole::all_versions,
};

async fn open(place: &impl Place) -> Newsroom {
    Newsroom::open(&place.open().await.expect("opens"), "news").await
}

fn ever(word: &str) -> Ever {
    let tags = vec![word.to_owned(), "élan".to_owned()];
    Ever { tags, subjects: vec![word.to_owned()], urgencies: vec![1, 5], ..Ever::default() }
}

/// The removal of an item.
fn removal(desk: &Newsroom, of: &Record) -> Record {
    desk.revision(of, Kind::ItemRemoved, |record| {
        record.status = Status::Removed;
        record.story = newswire::news::item::NO_STORY.to_owned();
        record.ever = Ever::default();
        (record.pin, record.breaking_until) = (None, None);
    })
}

pub(crate) async fn every_version_is_kept_with_who_and_what(place: &impl Place) {
    let desk = open(place).await;
    let mut record = desk.draft("One, with \\\"quotes\\\" and \u{1f5de}");
    record.pin = Some(Pin { position: 2, until: Some(desk.store.now().plus(Duration::from_secs(60))) });
    record.breaking_until = Some(desk.store.now().plus(Duration::from_secs(90)));
    record.ever = ever("flood");
    let mut all = Vec::new();
    for (who, fields, kind, status) in [
        ("reporter", &["headline", "pinned"][..], Kind::ItemPublished, Status::Usable),
        ("night desk", &[][..], Kind::ItemWithheld, Status::Withheld),
        ("chief", &["body"][..], Kind::ItemRetracted, Status::Canceled),
    ] {
        if !all.is_empty() {
            record = desk.revision(&record, kind, |record| record.status = status);
        }
        let mut commit = desk.writing(&record);
        commit.who = who.to_owned();
        let fields: Vec<_> = fields.iter().map(|field| (*field).to_owned()).collect();
        if let Write::Item(write) = &mut commit.write {
            write.fields.clone_from(&fields);
        }
        record.last_seq = desk.commit(commit).await.seq;
        record.born = 2;
        all.push(Version { record: record.clone(), who: who.to_owned(), fields });
    }
    assert_eq!(desk.store.versions(&desk.feed, record.id, 0).await.expect("answers"), all);
    assert_eq!(desk.store.versions(&desk.feed, record.id, 2).await.expect("answers"), all[2..]);
    assert_eq!(desk.store.versions(&desk.feed, record.id, 3).await.expect("answers"), []);
    assert_eq!(desk.store.item(&desk.feed, record.id).await.expect("answers"), Some(record));
}

pub(crate) async fn versions_come_in_parts(place: &impl Place) {
    let desk = open(place).await;
    let mut item = desk.publish("One").await;
    for _ in 0..budget::ITEMS + 10 {
        item = desk.update(&item, "More").await;
    }
    assert_eq!(desk.store.versions(&desk.feed, item.id, 0).await.expect("answers").len(), budget::ITEMS);
    let rest = desk.store.versions(&desk.feed, item.id, budget::ITEMS as u64).await.expect("answers");
    let numbers: Vec<_> = rest.iter().map(|version| version.record.version).collect();
    assert_eq!(numbers, (budget::ITEMS as u64 + 1..=item.version).collect::<Vec<_>>());
    let large = "x".repeat(100 * 1024);
    for _ in 0..4 {
        item = desk.update(&item, &large).await;
    }
    let first = item.version - 4;
    let part = desk.store.versions(&desk.feed, item.id, first).await.expect("answers");
    assert_eq!(part.len(), 2, "every read has its budget of bytes");
    assert_eq!(all_versions(&desk, item.id).await.len() as u64, item.version);
}

pub(crate) async fn a_removal_erases_all_earlier_texts(place: &impl Place) {
    let desk = open(place).await;
    let mut draft = desk.draft("Secret");
    draft.ever = ever("secret");
    let item = desk.put(draft).await;
    let other = desk.publish("Stays").await;
    let item = desk.update(&item, "Secret too").await;
    let removed = desk.put(removal(&desk, &item)).await;
    let versions = desk.store.versions(&desk.feed, item.id, 0).await.expect("answers");
    let kinds: Vec<_> = versions.iter().map(|version| version.record.kind).collect();
    assert_eq!(kinds, [Kind::ItemPublished, Kind::ItemUpdated, Kind::ItemRemoved]);
    for version in &versions {
        assert_eq!(version.record.story, newswire::news::item::NO_STORY);
        assert_eq!(version.record.ever, Ever::default());
        assert_eq!(version.who, EDITOR);
        assert_eq!(version.fields, ["headline"], "which fields there were is no text");
    }
    assert_eq!(desk.store.item(&desk.feed, item.id).await.expect("answers"), Some(removed));
    assert_eq!(all_versions(&desk, other.id).await[0].record, other);
}

pub(crate) async fn what_ends_by_itself_is_on_the_due_list(place: &impl Place) {
    let desk = open(place).await;
    let sport = Newsroom::open(&desk.store, "sport").await;
    let soon = desk.store.now().plus(Duration::from_secs(60));
    let later = soon.plus(Duration::from_secs(60));
    assert_eq!(place.due(&desk.feed).await, []);
    let forever = desk.publish_pinned("For good", 1, None).await;
    let pinned = desk.publish_pinned("For a while", 2, Some(later)).await;
    let breaking = Record { breaking_until: Some(soon), ..desk.draft("Breaking") };
    let breaking = desk.put(breaking).await;
    assert_eq!(place.due(&desk.feed).await, [(soon, Ends::Breaking, breaking.id), (later, Ends::Pin, pinned.id)]);
    assert_eq!(place.due(&sport.feed).await, []);
    // An edit that leaves them keeps them; one that moves or ends them does so there too.
    let pinned = desk.update(&pinned, "Still").await;
    let both = desk.revision(&pinned, Kind::ItemUpdated, |record| {
        record.pin = Some(Pin { position: 2, until: Some(soon) });
        record.breaking_until = Some(later);
    });
    let both = desk.put(both).await;
    desk.put(desk.revision(&breaking, Kind::ItemBreakingEnded, |record| record.breaking_until = None)).await;
    assert_eq!(place.due(&desk.feed).await, [(soon, Ends::Pin, both.id), (later, Ends::Breaking, both.id)]);
    desk.put(removal(&desk, &both)).await;
    desk.put(removal(&desk, &forever)).await;
    assert_eq!(place.due(&desk.feed).await, []);
}

/// Waits until the store says that nothing remains.
async fn scrub(desk: &Newsroom) {
    until("nothing remains", async || desk.store.scrub().await.expect("answers").is_none()).await;
}

pub(crate) async fn removed_text_leaves_the_files(place: &impl Place) {
    let desk = open(place).await;
    let mut draft = desk.draft(&format!("Geheimnis{}", " and much more".repeat(2_000)));
    draft.ever = ever("Stichwort");
    let item = desk.put(draft).await;
    let item = desk.update(&item, "Geheimnis, shorter").await;
    desk.publish("Offenbar").await;
    assert!(holds(place.dir(), b"Geheimnis") && holds(place.dir(), b"Stichwort"), "it was there");
    desk.put(removal(&desk, &item)).await;
    scrub(&desk).await;
    assert!(!holds(place.dir(), b"Geheimnis") && !holds(place.dir(), b"Stichwort"));
    assert!(holds(place.dir(), b"Offenbar"));
    desk.store.close().await;
    assert!(!holds(place.dir(), b"Geheimnis"));
}

/// Waits until the text has left the files, and asks nothing of the store meanwhile.
async fn leaves_by_itself(place: &impl Place) {
    until("the text has left the files", async || !holds(place.dir(), b"Geheimnis")).await;
    assert!(holds(place.dir(), b"Offenbar"));
}

pub(crate) async fn removed_text_leaves_the_files_by_itself(place: &impl Place) {
    let desk = open(place).await;
    let item = desk.publish("Geheimnis").await;
    desk.publish("Offenbar").await;
    assert!(holds(place.dir(), b"Geheimnis"), "it was there");
    desk.put(removal(&desk, &item)).await;
    leaves_by_itself(place).await;
    desk.store.close().await;
}

pub(crate) async fn what_is_removed_beside_leaves_the_files_by_itself(place: &impl Place) {
    let desk = open(place).await;
    let item = desk.publish("Geheimnis").await;
    desk.publish("Offenbar").await;
    let beside = Newsroom::open(&place.beside().await.expect("opens beside"), "news").await;
    beside.put(removal(&beside, &item)).await;
    beside.store.close().await;
    leaves_by_itself(place).await;
    desk.store.close().await;
}

pub(crate) async fn what_was_removed_before_an_end_leaves_the_files_after_the_start(place: &impl Place) {
    let desk = open(place).await;
    let item = desk.publish("Geheimnis").await;
    desk.publish("Offenbar").await;
    desk.put(removal(&desk, &item)).await;
    drop(desk);
    place.restart().await;
    let _store = place.open().await.expect("opens again");
    leaves_by_itself(place).await;
}

pub(crate) async fn removed_text_of_many_small_items_leaves_the_files(place: &impl Place) {
    let desk = open(place).await;
    let mut items = Vec::new();
    // Small texts move about within and between the pages of a file as their neighbours grow.
    let word = |number: usize| if number.is_multiple_of(3) { "Geheimnis" } else { "Offenbar" };
    for number in 0..150 {
        items.push(desk.publish(&format!("{} {}", word(number), "x".repeat(number * 37 % 400))).await);
    }
    for turn in 0..300 {
        let index = turn * 61 % items.len();
        let headline = format!("{} {}", word(index), "y".repeat(turn * 53 % 900));
        items[index] = desk.update(&items[index], &headline).await;
    }
    // The others stay, so that the pages do too.
    for item in items.iter().step_by(3) {
        desk.put(removal(&desk, item)).await;
    }
    scrub(&desk).await;
    assert!(!holds(place.dir(), b"Geheimnis"));
    assert!(holds(place.dir(), b"Offenbar"));
}
