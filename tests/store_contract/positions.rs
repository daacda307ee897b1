//! Positions: one names a change and not just a number, and the store says plainly why one cannot be gone on from.

use newswire::{
    news::{After, Feed, Kind, Mark, Position, What},
    store::Lost,
};

use crate::support::{newsroom::*, place::Place};

async fn open(place: &impl Place) -> Newsroom {
    Newsroom::open(&place.open().await.expect("opens"), "news").await
}

/// Asserts that neither `changed` nor `log` goes on from there, for the same reason.
async fn assert_lost(desk: &Newsroom, after: Position, why: Lost) {
    let changed = desk.store.changed(&desk.feed, After::Position(after), None).await.expect("answers");
    assert_eq!(changed.expect_err("no position to go on from"), why, "changed after {after}");
    let log = desk.store.log(&desk.feed, after).await.expect("answers");
    assert_eq!(log.expect_err("no position to go on from"), why, "log after {after}");
}

/// Asserts that both go on from there.
async fn assert_goes_on(desk: &Newsroom, after: Position) {
    let changed = desk.store.changed(&desk.feed, After::Position(after), None).await.expect("answers");
    assert!(changed.is_ok(), "{after} {changed:?}");
    let log = desk.store.log(&desk.feed, after).await.expect("answers");
    assert!(log.is_ok(), "{after} {log:?}");
}

pub(crate) async fn a_position_is_verified_by_its_mark(place: &impl Place) {
    let desk = open(place).await;
    let first = desk.head().await;
    let item = desk.publish("One").await;
    // The change at 2 is superseded, and its position still holds.
    desk.update(&item, "Two").await;
    for known in [first, position(&item), desk.head().await] {
        assert_goes_on(&desk, known).await;
        let other = Position { mark: Mark(known.mark.0 ^ 1), ..known };
        assert_lost(&desk, other, Lost::Changed).await;
    }
}

pub(crate) async fn a_position_above_the_head_is_not_the_stores(place: &impl Place) {
    let desk = open(place).await;
    let head = desk.head().await;
    for seq in [head.seq + 1, head.seq + 100, (1 << 53) - 1] {
        assert_lost(&desk, Position { seq, ..head }, Lost::Changed).await;
    }
}

pub(crate) async fn a_feed_that_is_not_there_is_gone(place: &impl Place) {
    let desk = open(place).await;
    let nowhere = Newsroom { feed: "nowhere".parse().expect("a feed id"), ..desk.clone() };
    assert_lost(&nowhere, desk.head().await, Lost::Gone).await;
    let first = desk.store.changed(&nowhere.feed, After::First, None).await.expect("answers");
    assert_eq!(first.expect_err("no such feed"), Lost::Gone);
    assert_eq!(desk.store.position(&nowhere.feed, 1).await.expect("answers"), None);
}

pub(crate) async fn a_position_below_the_floor_is_trimmed(place: &impl Place) {
    let desk = open(place).await;
    let mut positions = vec![desk.head().await];
    for _ in 0..5 {
        positions.push(position(&desk.publish("News").await));
    }
    desk.store.prune(&desk.feed, &keeping(3)).await.expect("trimmed");
    assert_eq!(desk.state().await.floor, 4);
    for known in positions {
        if known.seq < 4 {
            assert_lost(&desk, known, Lost::Trimmed).await;
        } else {
            assert_goes_on(&desk, known).await;
        }
    }
    let first = desk.store.changed(&desk.feed, After::First, None).await.expect("answers");
    assert_eq!(first.expect_err("the first change is no longer there"), Lost::Trimmed);
}

pub(crate) async fn the_first_change_comes_after_first(place: &impl Place) {
    let desk = open(place).await;
    let created = desk.head().await;
    let item = desk.publish("One").await;
    let read = desk.store.changed(&desk.feed, After::First, None).await.expect("answers").expect("the log is whole");
    let told: Vec<_> = read.changes.iter().map(|change| (change.position, change.kind, change.born)).collect();
    assert_eq!(told, [(created, Kind::FeedCreated, 1), (position(&item), Kind::ItemPublished, 2)]);
    assert_eq!(*read.changes[0].what, What::Feed(Feed::new(desk.feed.clone(), "News")));
    assert!(!read.more);
}

pub(crate) async fn a_change_can_be_found_by_its_number(place: &impl Place) {
    let desk = open(place).await;
    let mut positions = vec![desk.head().await];
    for _ in 0..5 {
        positions.push(position(&desk.publish("News").await));
    }
    for known in &positions {
        assert_eq!(desk.store.position(&desk.feed, known.seq).await.expect("answers"), Some(*known));
    }
    for seq in [0, 7, (1 << 53) - 1] {
        assert_eq!(desk.store.position(&desk.feed, seq).await.expect("answers"), None);
    }
    desk.store.prune(&desk.feed, &keeping(2)).await.expect("trimmed");
    assert_eq!(desk.store.position(&desk.feed, 4).await.expect("answers"), None);
    assert_eq!(desk.store.position(&desk.feed, 5).await.expect("answers"), Some(positions[4]));
}

pub(crate) async fn every_position_that_is_told_can_be_resumed_from(place: &impl Place) {
    let desk = open(place).await;
    let mut items = Vec::new();
    for _ in 0..20 {
        items.push(desk.publish("News").await);
    }
    for index in [3, 17, 3, 9, 0] {
        items[index] = desk.update(&items[index], "Updated").await;
    }
    let read = desk.store.changed(&desk.feed, After::First, None).await.expect("answers").expect("the log is whole");
    for (index, change) in read.changes.iter().enumerate() {
        let after = After::Position(change.position);
        let rest = desk.store.changed(&desk.feed, after, None).await.expect("answers").expect("it was told");
        assert_eq!(rest.changes, read.changes[index + 1..]);
    }
}
