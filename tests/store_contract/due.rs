//! What ends by itself: told when it is due, soonest first, until the commit that ends it.

use std::time::Duration;

use newswire::{
    news::{Kind, Record, Status, TimedEnd},
    store::{Due, budget},
};

use crate::support::{newsroom::*, place::Place};

async fn open(place: &impl Place) -> Newsroom {
    Newsroom::open(&place.open().await.expect("opens"), "news").await
}

pub(crate) async fn what_is_due_comes_soonest_first_from_all_feeds(place: &impl Place) {
    let desk = open(place).await;
    let sport = Newsroom::open(&desk.store, "sport").await;
    let now = desk.store.now();
    let at = |seconds| now.plus(Duration::from_secs(seconds));
    let pinned = desk.publish_pinned("Pinned", 1, Some(at(30))).await;
    desk.publish_pinned("For good", 2, None).await;
    let breaking = sport.put(Record { breaking_until: Some(at(20)), ..sport.draft("Breaking") }).await;
    assert_eq!(desk.store.due(at(19)).await.expect("answers"), []);
    let first = Due { feed: sport.feed.clone(), item: breaking.id, what: TimedEnd::Breaking, until: at(20) };
    let second = Due { feed: desk.feed.clone(), item: pinned.id, what: TimedEnd::Pin, until: at(30) };
    assert_eq!(
        desk.store.due(at(20)).await.expect("answers"),
        std::slice::from_ref(&first),
        "at that moment it is due"
    );
    assert_eq!(desk.store.due(at(60)).await.expect("answers"), [first, second]);
}

pub(crate) async fn what_is_due_goes_with_the_commit_that_ends_it(place: &impl Place) {
    let desk = open(place).await;
    let (soon, later) =
        (desk.store.now().plus(Duration::from_secs(20)), desk.store.now().plus(Duration::from_secs(60)));
    let item = desk.put(Record { breaking_until: Some(soon), ..desk.draft("Breaking") }).await;
    // Hiding it ends nothing.
    let item = desk.turn(&item, Kind::ItemWithheld, Status::Withheld).await;
    assert_eq!(desk.store.due(soon).await.expect("answers").len(), 1);
    let moved = desk.revision(&item, Kind::ItemUpdated, |record| record.breaking_until = Some(later));
    let item = desk.put(moved).await;
    assert_eq!(desk.store.due(soon).await.expect("answers"), []);
    assert_eq!(desk.store.due(later).await.expect("answers").len(), 1);
    desk.put(desk.revision(&item, Kind::ItemBreakingEnded, |record| record.breaking_until = None)).await;
    assert_eq!(desk.store.due(later).await.expect("answers"), []);
}

pub(crate) async fn what_is_due_comes_in_parts(place: &impl Place) {
    let desk = open(place).await;
    let until = desk.store.now().plus(Duration::from_secs(20));
    for _ in 0..=budget::ITEMS {
        desk.put(Record { breaking_until: Some(until), ..desk.draft("Breaking") }).await;
    }
    assert_eq!(desk.store.due(until).await.expect("answers").len(), budget::ITEMS);
}
