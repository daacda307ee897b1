//! Trimming: the log gets shorter, the floor rises with it, and the items stay.

use newswire::news::{After, Change};

use crate::support::{newsroom::*, place::Place};

async fn open(place: &impl Place) -> Newsroom {
    Newsroom::open(&place.open().await.expect("opens"), "news").await
}

pub(crate) async fn trimming_raises_the_floor_and_keeps_the_items(place: &impl Place) {
    let desk = open(place).await;
    let mut items = Vec::new();
    for _ in 0..9 {
        items.push(desk.publish("News").await);
    }
    let before = desk.state().await;
    desk.store.prune(&desk.feed, &keeping(4)).await.expect("trimmed");
    let state = desk.state().await;
    assert_eq!((state.head, state.floor, state.cut), (before.head, 7, 0));
    // The floor itself can be resumed from.
    let floor = position(&items[5]);
    assert_eq!(floor.seq, 7);
    let rest = desk.store.changed(&desk.feed, After::Position(floor), None).await.expect("answers").expect("the floor");
    assert_eq!(rest.changes, items[6..].iter().cloned().map(Change::of_item).collect::<Vec<_>>());
    let mut listed = desk.store.page(&desk.feed, None, 50, None).await.expect("answers").expect("is there").items;
    listed.sort_by_key(|item| item.last_seq);
    assert_eq!(listed, items);
    // An item that was trimmed out of the log can still be edited, and comes back into it.
    let updated = desk.update(&items[0], "Updated").await;
    let rest =
        desk.store.changed(&desk.feed, After::Position(before.head), None).await.expect("answers").expect("known");
    assert_eq!(rest.changes, [Change::of_item(updated)]);
}

pub(crate) async fn at_least_one_change_is_kept(place: &impl Place) {
    let desk = open(place).await;
    desk.publish("News").await;
    desk.store.prune(&desk.feed, &keeping(0)).await.expect("trimmed");
    let state = desk.state().await;
    assert_eq!(state.floor, state.head.seq);
    let rest = desk.store.log(&desk.feed, state.head).await.expect("answers").expect("the head can be resumed from");
    assert_eq!(rest.entries.len(), 0);
    assert_eq!(desk.publish("More").await.last_seq, state.head.seq + 1);
}

pub(crate) async fn trimming_what_is_short_changes_nothing(place: &impl Place) {
    let desk = open(place).await;
    for _ in 0..5 {
        desk.publish("News").await;
    }
    desk.store.prune(&desk.feed, &keeping(3)).await.expect("trimmed");
    let before = desk.state().await;
    for keep in [3, 4, 100, u64::MAX] {
        desk.store.prune(&desk.feed, &keeping(keep)).await.expect("answers");
        assert_eq!(desk.state().await, before);
    }
    desk.store.prune(&"nowhere".parse().expect("a feed id"), &keeping(1)).await.expect("nothing to trim");
}
