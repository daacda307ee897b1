//! Retention: what a feed no longer keeps goes in bounded parts, and what must not go stays.

use std::time::Duration;

use newswire::{
    news::{Kind, Moment, Record, Status, feed::Keep},
    store::{Conflict, Expected, ItemWrite, Write, budget},
};

use crate::support::{newsroom::*, place::Place};

async fn open(place: &impl Place) -> Newsroom {
    Newsroom::open(&place.open().await.expect("opens"), "news").await
}

fn items(items: u64) -> Keep {
    Keep { items: Some(items), ..Keep::default() }
}

fn days(days: u64) -> Keep {
    Keep { days: Some(days), ..Keep::default() }
}

/// A moment so many days ago.
fn ago(desk: &Newsroom, days: i64) -> Moment {
    Moment::from_millis(desk.store.now().millis() - days * 24 * 60 * 60 * 1000)
}

/// Publishes an item as of so many days ago.
async fn published(desk: &Newsroom, days: i64) -> Record {
    let at = ago(desk, days);
    let mut record = Record { published: at, updated: at, at, ..desk.draft("Old") };
    let mut commit = desk.writing(&record);
    commit.at = at;
    let position = desk.commit(commit).await;
    (record.born, record.last_seq) = (position.seq, position.seq);
    record
}

/// Prunes until there is no more to give up.
async fn prune(desk: &Newsroom, keep: &Keep) {
    while desk.store.prune(&desk.feed, keep).await.expect("answers") {}
}

async fn is_there(desk: &Newsroom, item: &Record) -> bool {
    let there = desk.store.item(&desk.feed, item.id).await.expect("answers").is_some();
    let versions = desk.store.versions(&desk.feed, item.id, 0).await.expect("answers");
    assert_eq!(there, !versions.is_empty(), "an item goes with its versions");
    there
}

pub(crate) async fn the_id_of_an_item_that_is_kept_no_more_is_never_used_again(place: &impl Place) {
    let desk = open(place).await;
    let gone = desk.publish("Gone").await;
    desk.publish("One").await;
    desk.publish("Two").await;
    prune(&desk, &items(1)).await;
    assert!(!is_there(&desk, &gone).await);
    let again = Record { id: gone.id, ..desk.draft("Again") };
    assert_eq!(desk.refused(desk.writing(&again)).await, Conflict::Exists);
}

pub(crate) async fn the_newest_listed_items_stay_and_others_go(place: &impl Place) {
    let desk = open(place).await;
    let hidden = desk.publish("Hidden").await;
    let hidden = desk.turn(&hidden, Kind::ItemWithheld, Status::Withheld).await;
    let mut all = Vec::new();
    for _ in 0..5 {
        all.push(desk.publish("News").await);
    }
    let head = desk.head().await;
    prune(&desk, &items(2)).await;
    let state = desk.state().await;
    assert_eq!((state.head, state.floor), (head, all[3].last_seq));
    for (number, item) in all.iter().enumerate() {
        assert_eq!(is_there(&desk, item).await, number >= 3, "{number}");
    }
    assert!(!is_there(&desk, &hidden).await, "what is hidden goes as others do");
}

pub(crate) async fn what_changed_lately_stays_however_old(place: &impl Place) {
    let desk = open(place).await;
    let (old, corrected) = (published(&desk, 9).await, published(&desk, 9).await);
    let young = desk.publish("Young").await;
    let corrected = desk.update(&corrected, "Corrected").await;
    prune(&desk, &days(7)).await;
    assert_eq!(desk.state().await.floor, young.last_seq, "older changes go");
    assert!(!is_there(&desk, &old).await);
    assert!(is_there(&desk, &corrected).await && is_there(&desk, &young).await);
}

pub(crate) async fn an_old_change_above_a_young_one_goes_too(place: &impl Place) {
    let desk = open(place).await;
    desk.publish("Young").await;
    let old = published(&desk, 9).await;
    let young = desk.publish("Young").await;
    prune(&desk, &days(7)).await;
    assert_eq!(desk.state().await.floor, old.last_seq + 1);
    assert!(!is_there(&desk, &old).await && is_there(&desk, &young).await);
}

pub(crate) async fn what_is_pinned_or_due_stays(place: &impl Place) {
    let desk = open(place).await;
    let pinned = desk.publish_pinned("For good", 1, None).await;
    let until = desk.store.now().plus(Duration::from_secs(600));
    let breaking = desk.put(Record { breaking_until: Some(until), ..desk.draft("Breaking") }).await;
    // Its pin has ended, but nobody has told so yet.
    let ended = desk.publish_pinned("Ended", 2, Some(ago(&desk, 1))).await;
    let plain = desk.publish("Plain").await;
    let newest = desk.publish("Newest").await;
    prune(&desk, &items(1)).await;
    for item in [&pinned, &breaking, &ended, &newest] {
        assert!(is_there(&desk, item).await, "{}", item.story);
    }
    assert!(!is_there(&desk, &plain).await);
    let unpinned = desk.put(desk.revision(&ended, Kind::ItemUnpinned, |record| record.pin = None)).await;
    desk.publish("Newer").await;
    prune(&desk, &Keep { changes: Some(1), ..items(1) }).await;
    assert!(!is_there(&desk, &unpinned).await, "it goes once it is not due any more");
}

pub(crate) async fn an_alt_id_is_known_after_its_item_was_dropped(place: &impl Place) {
    let desk = open(place).await;
    let record = desk.draft("From a wire");
    let mut commit = desk.writing(&record);
    let write = |record: &Record| ItemWrite {
        expected: Expected::Nothing,
        under: None,
        record: record.clone(),
        fields: vec![],
        alt_ids: vec![hash_of(7)],
    };
    commit.write = Write::Item(write(&record));
    desk.commit(commit).await;
    desk.publish("Newest").await;
    prune(&desk, &items(1)).await;
    assert!(!is_there(&desk, &record).await);
    assert_eq!(desk.store.item_by_alt_id(&desk.feed, &hash_of(7)).await.expect("answers"), Some(record.id));
}

pub(crate) async fn items_are_dropped_in_bounded_parts(place: &impl Place) {
    let desk = open(place).await;
    for _ in 0..budget::DROPPED + 5 {
        desk.publish("News").await;
    }
    desk.publish("Newest").await;
    let kept = async || {
        let (mut before, mut count) = (None, 0);
        loop {
            let page = desk.store.page(&desk.feed, before, 200, None).await.expect("answers").expect("is there");
            count += page.items.len();
            before = page.before;
            if before.is_none() {
                return count;
            }
        }
    };
    assert!(desk.store.prune(&desk.feed, &items(1)).await.expect("answers"), "there is more");
    assert!(kept().await >= 6, "no more than a part went");
    prune(&desk, &items(1)).await;
    assert_eq!(kept().await, 1);
    assert!(!desk.store.prune(&desk.feed, &items(1)).await.expect("answers"), "nothing is left to give up");
}

pub(crate) async fn what_keeps_everything_gives_nothing_up(place: &impl Place) {
    let desk = open(place).await;
    let old = published(&desk, 4_000).await;
    let before = desk.state().await;
    assert!(!desk.store.prune(&desk.feed, &Keep::default()).await.expect("answers"));
    assert_eq!(desk.state().await, before);
    assert!(is_there(&desk, &old).await);
}
