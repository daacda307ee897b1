//! What stands against a commit, and in which order it is looked at.

use std::time::Duration;

use newswire::{
    news::{Feed, Kind, Mark, Moment, Pin, Position, Record, Status},
    store::{Commit, Conflict, Expected, ItemWrite, Write},
};

use crate::support::{newsroom::*, place::Place};

/// The commit, with hashes of altIds.
fn known_as(hashes: &[u8], mut commit: Commit) -> Commit {
    if let Write::Item(write) = &mut commit.write {
        write.alt_ids = hashes.iter().map(|number| hash_of(*number)).collect();
    }
    commit
}

/// The commit, expecting something else.
fn expecting(expected: Expected, mut commit: Commit) -> Commit {
    if let Write::Item(ItemWrite { expected: set, .. }) = &mut commit.write {
        *set = expected;
    }
    commit
}

fn pinned(record: Record, position: u8, until: Option<Moment>) -> Record {
    Record { pin: Some(Pin { position, until }), ..record }
}

async fn open(place: &impl Place) -> Newsroom {
    Newsroom::open(&place.open().await.expect("opens"), "news").await
}

pub(crate) async fn a_commit_to_no_feed_is_refused(place: &impl Place) {
    let desk = open(place).await;
    let nowhere = Newsroom { feed: "nowhere".parse().expect("a feed id"), ..desk.clone() };
    assert_eq!(nowhere.refused(nowhere.writing(&nowhere.draft("One"))).await, Conflict::NoFeed);
    let document = desk.state().await.feed;
    assert_eq!(nowhere.refused(nowhere.writing_feed(Kind::FeedUpdated, document).await).await, Conflict::NoFeed);
}

pub(crate) async fn an_item_that_is_there_cannot_be_published_again(place: &impl Place) {
    let desk = open(place).await;
    let item = desk.publish("One").await;
    let again = Record { id: item.id, ..desk.draft("Two") };
    assert_eq!(desk.refused(desk.writing(&again)).await, Conflict::Exists);
    let removed = desk.turn(&item, Kind::ItemRemoved, Status::Removed).await;
    assert_eq!(desk.refused(desk.writing(&again)).await, Conflict::Exists, "an id is never reused");
    assert_eq!(desk.store.item(&desk.feed, item.id).await.expect("answers"), Some(removed));
}

pub(crate) async fn an_edit_of_another_version_is_refused(place: &impl Place) {
    let desk = open(place).await;
    let item = desk.publish("One").await;
    let item = desk.update(&item, "Two").await;
    for version in [0, 1, 3, u64::from(u32::MAX)] {
        let edit = desk.writing(&desk.revision(&item, Kind::ItemUpdated, |_| ()));
        assert_eq!(desk.refused(expecting(Expected::Version(version), edit)).await, Conflict::Version);
    }
    let unknown = desk.writing(&desk.draft("Never published"));
    assert_eq!(desk.refused(expecting(Expected::Version(1), unknown)).await, Conflict::Version);
}

pub(crate) async fn what_was_judged_by_an_older_document_is_refused(place: &impl Place) {
    let desk = open(place).await;
    let judged = |under: Position, mut commit: Commit| {
        if let Write::Item(write) = &mut commit.write {
            write.under = Some(under);
        }
        commit
    };
    let first = desk.state().await;
    let item = desk.draft("One");
    desk.commit(judged(first.own, desk.writing(&item))).await;
    let document = Feed { title: "Another".to_owned(), ..first.feed };
    desk.commit(desk.writing_feed(Kind::FeedUpdated, document).await).await;
    let (second, edit) = (desk.state().await, desk.writing(&desk.draft("Two")));
    assert_eq!(desk.refused(judged(first.own, edit.clone())).await, Conflict::Feed);
    let same_seq = Position { mark: Mark(!second.own.mark.0), ..second.own };
    assert_eq!(desk.refused(judged(same_seq, edit.clone())).await, Conflict::Feed, "its mark counts, too");
    assert_eq!(desk.state().await.head, second.head, "a refusal changes nothing");
    desk.commit(judged(second.own, edit)).await;
}

pub(crate) async fn an_alt_id_of_another_item_is_refused_by_its_name(place: &impl Place) {
    let desk = open(place).await;
    let item = desk.draft("One");
    desk.commit(known_as(&[1, 2], desk.writing(&item))).await;
    let other = desk.draft("Two");
    assert_eq!(desk.refused(known_as(&[9, 2], desk.writing(&other))).await, Conflict::AltId(item.id));
    // The refused one has taken nothing.
    desk.commit(known_as(&[9], desk.writing(&other))).await;
}

pub(crate) async fn an_alt_id_stays_its_items_own(place: &impl Place) {
    let desk = open(place).await;
    let first = desk.draft("One");
    desk.commit(known_as(&[1], desk.writing(&first))).await;
    let first = desk.store.item(&desk.feed, first.id).await.expect("answers").expect("is there");
    // It may carry it on, lose it, and have it again; nobody else ever may.
    let second = desk.revision(&first, Kind::ItemUpdated, |_| ());
    desk.commit(known_as(&[1, 2], desk.writing(&second))).await;
    let third = desk.revision(&second, Kind::ItemUpdated, |_| ());
    desk.commit(known_as(&[], desk.writing(&third))).await;
    let taken = Conflict::AltId(first.id);
    assert_eq!(desk.refused(known_as(&[2], desk.writing(&desk.draft("Again")))).await, taken);
    let removed = desk.revision(&third, Kind::ItemRemoved, |record| record.status = Status::Removed);
    desk.commit(known_as(&[1], desk.writing(&removed))).await;
    for number in [1, 2] {
        assert_eq!(desk.refused(known_as(&[number], desk.writing(&desk.draft("Again")))).await, taken);
    }
}

pub(crate) async fn a_taken_pin_is_refused_by_its_holder(place: &impl Place) {
    let desk = open(place).await;
    let later = desk.store.now().plus(Duration::from_secs(3_600));
    let holder = desk.publish_pinned("Top", 1, Some(later)).await;
    let other = pinned(desk.draft("Also"), 1, None);
    assert_eq!(desk.refused(desk.writing(&other)).await, Conflict::Pin(holder.id));
    desk.publish_pinned("Second", 2, None).await;
    // The holder keeps its pin through an edit, moves it, and gives it up.
    let holder = desk.update(&holder, "Top, updated").await;
    let moved = pinned(desk.revision(&holder, Kind::ItemPinned, |_| ()), 2, None);
    assert!(matches!(desk.refused(desk.writing(&moved)).await, Conflict::Pin(_)));
    let moved = desk.put(pinned(moved, 3, None)).await;
    let first = desk.publish_pinned("New top", 1, None).await;
    desk.put(desk.revision(&moved, Kind::ItemUnpinned, |record| record.pin = None)).await;
    desk.publish_pinned("Third", 3, None).await;
    assert_eq!(desk.refused(desk.writing(&other)).await, Conflict::Pin(first.id));
}

pub(crate) async fn a_pin_that_has_ended_can_be_taken(place: &impl Place) {
    let desk = open(place).await;
    let ended = Moment::from_millis(desk.store.now().millis() - 1_000);
    desk.publish_pinned("Was on top", 1, Some(ended)).await;
    let holder = desk.publish_pinned("On top", 1, None).await;
    let third = pinned(desk.draft("Wants to be"), 1, None);
    assert_eq!(desk.refused(desk.writing(&third)).await, Conflict::Pin(holder.id));
}

pub(crate) async fn feeds_share_neither_alt_ids_nor_pins(place: &impl Place) {
    let desk = open(place).await;
    let sport = Newsroom::open(&desk.store, "sport").await;
    for room in [&desk, &sport] {
        let item = pinned(room.draft("Top"), 1, None);
        room.commit(known_as(&[1], room.writing(&item))).await;
    }
}

pub(crate) async fn version_alt_id_and_pin_are_looked_at_in_this_order(place: &impl Place) {
    let desk = open(place).await;
    let holder = pinned(desk.draft("Top"), 1, None);
    desk.commit(known_as(&[1], desk.writing(&holder))).await;
    let item = desk.publish("Other").await;
    let edit = pinned(desk.revision(&item, Kind::ItemPinned, |_| ()), 1, None);
    let all_wrong = known_as(&[1], desk.writing(&edit));
    assert_eq!(desk.refused(expecting(Expected::Nothing, all_wrong.clone())).await, Conflict::Exists);
    assert_eq!(desk.refused(expecting(Expected::Version(5), all_wrong.clone())).await, Conflict::Version);
    assert_eq!(desk.refused(all_wrong).await, Conflict::AltId(holder.id));
    assert_eq!(desk.refused(desk.writing(&edit)).await, Conflict::Pin(holder.id));
}
