//! What changed after a position: every item once, newest form, in order, within a budget, in one view.

use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use newswire::{
    news::{After, Change, Kind, Position, What},
    store::{Changed, budget},
};

use crate::support::{newsroom::*, place::Place};

async fn open(place: &impl Place) -> Newsroom {
    Newsroom::open(&place.open().await.expect("opens"), "news").await
}

async fn changed(desk: &Newsroom, after: Position) -> Changed {
    desk.store
        .changed(&desk.feed, After::Position(after), None)
        .await
        .expect("answers")
        .expect("a position of this feed")
}

pub(crate) async fn every_changed_item_comes_once_in_its_newest_form_and_order(place: &impl Place) {
    let desk = open(place).await;
    let [a, b, c] = [desk.publish("A").await, desk.publish("B").await, desk.publish("C").await];
    let start = desk.head().await;
    let d = desk.publish("D").await;
    let b = desk.update(&b, "B2").await;
    let a = desk.update(&a, "A2").await;
    let b = desk.update(&b, "B3").await;
    let read = changed(&desk, start).await;
    assert_eq!(read.changes, [d, a, b].map(Change::of_item), "C did not change, B2 is superseded");
    assert_eq!(read.state, desk.state().await);
    assert!(!read.more);
    let last = changed(&desk, position(&c)).await.changes.pop().expect("something changed");
    assert_eq!(last.position, read.state.head, "if there is no more, the last change is the head");
}

pub(crate) async fn the_feed_itself_comes_once_in_its_newest_form(place: &impl Place) {
    let desk = open(place).await;
    let start = desk.head().await;
    let mut document = desk.state().await.feed;
    document.title = "Second title".to_owned();
    desk.commit(desk.writing_feed(Kind::FeedUpdated, document.clone()).await).await;
    let item = desk.publish("One").await;
    document.title = "Third title".to_owned();
    let closing = desk.writing_feed(Kind::FeedClosed, document.clone()).await;
    let at = closing.at;
    let closed = desk.commit(closing).await;
    let after = desk.publish("Two").await;
    let feed =
        Change { position: closed, kind: Kind::FeedClosed, at, born: 1, what: Arc::new(What::Feed(document.clone())) };
    let read = changed(&desk, start).await;
    assert_eq!(read.changes, [Change::of_item(item), feed, Change::of_item(after.clone())]);
    assert_eq!(read.state.feed, document);
    assert_eq!(changed(&desk, closed).await.changes, [Change::of_item(after)]);
}

pub(crate) async fn nothing_has_changed_after_the_head(place: &impl Place) {
    let desk = open(place).await;
    desk.publish("One").await;
    let read = changed(&desk, desk.head().await).await;
    assert_eq!((read.changes, read.more), (vec![], false));
}

pub(crate) async fn a_read_returns_no_more_items_than_its_budget(place: &impl Place) {
    let desk = open(place).await;
    let start = desk.head().await;
    let mut told = Vec::new();
    for _ in 0..2 * budget::ITEMS + 10 {
        told.push(position(&desk.publish("News").await));
    }
    // The feed's own change counts too, and stands where it belongs.
    told.push(desk.commit(desk.writing_feed(Kind::FeedUpdated, desk.state().await.feed).await).await);
    let (mut walked, mut sizes) = (Vec::new(), Vec::new());
    loop {
        let read = changed(&desk, walked.last().copied().unwrap_or(start)).await;
        sizes.push(read.changes.len());
        walked.extend(read.changes.iter().map(|change| change.position));
        if !read.more {
            break;
        }
    }
    assert_eq!(walked, told);
    assert_eq!(sizes, [budget::ITEMS, budget::ITEMS, 11]);
    // A read that ends exactly at the head says so.
    let exact = changed(&desk, told[10]).await;
    assert_eq!((exact.changes.len(), exact.more), (budget::ITEMS, true));
    let exact = changed(&desk, told[2 * budget::ITEMS + 10 - budget::ITEMS]).await;
    assert_eq!((exact.changes.len(), exact.more), (budget::ITEMS, false));
}

pub(crate) async fn a_read_returns_no_more_bytes_than_its_budget(place: &impl Place) {
    let desk = open(place).await;
    let mut after = desk.head().await;
    let headline = "x".repeat(60 * 1024);
    for _ in 0..10 {
        desk.publish(&headline).await;
    }
    let mut count = 0;
    loop {
        let read = changed(&desk, after).await;
        let bytes: usize = read.changes.iter().map(story_bytes).sum();
        assert!(bytes <= budget::BYTES, "{bytes} bytes");
        assert!(bytes > budget::BYTES / 2 || !read.more, "it uses its budget, and not {bytes} bytes of it");
        count += read.changes.len();
        after = read.changes.last().expect("at least one").position;
        if !read.more {
            break;
        }
    }
    assert_eq!(count, 10);
}

fn story_bytes(change: &Change) -> usize {
    match &*change.what {
        What::Item(record) => record.story.len(),
        What::Feed(_) => 0,
    }
}

pub(crate) async fn a_single_item_beyond_the_budget_still_comes(place: &impl Place) {
    let desk = open(place).await;
    let start = desk.head().await;
    let large = desk.publish(&"x".repeat(budget::BYTES + 1)).await;
    let small = desk.publish("small").await;
    let read = changed(&desk, start).await;
    assert_eq!((&*read.changes, read.more), (&[Change::of_item(large.clone())][..], true));
    let read = changed(&desk, position(&large)).await;
    assert_eq!((&*read.changes, read.more), (&[Change::of_item(small)][..], false));
}

pub(crate) async fn a_read_while_others_write_is_one_consistent_view(place: &impl Place) {
    let desk = open(place).await;
    let start = desk.head().await;
    let done = Arc::new(AtomicBool::new(false));
    let writer = tokio::spawn({
        let (desk, done) = (desk.clone(), done.clone());
        async move {
            let mut items = Vec::new();
            for _ in 0..20 {
                items.push(desk.publish("News").await);
            }
            for turn in 0..200 {
                let index = turn * 7 % items.len();
                items[index] = desk.update(&items[index], "Updated").await;
            }
            done.store(true, Ordering::Relaxed);
        }
    });
    let mut reads = 0;
    while !done.load(Ordering::Relaxed) {
        let read = changed(&desk, start).await;
        let ids: HashSet<_> = read.changes.iter().map(Change::item).collect();
        assert_eq!(ids.len(), read.changes.len(), "each item once");
        assert!(read.changes.is_sorted_by_key(|change| change.position.seq), "in the order of the newest changes");
        assert!(!read.more);
        assert_eq!(read.changes.last().map_or(start, |change| change.position), read.state.head);
        reads += 1;
    }
    writer.await.expect("the writer is done");
    assert!(reads > 1, "something was read meanwhile");
}
