//! The log: every change, without gaps, and which of them are superseded.

use newswire::{
    news::{Change, Kind, What},
    store::budget,
};

use crate::{
    support::{newsroom::*, place::Place},
    whole::whole_log,
};

async fn open(place: &impl Place) -> Newsroom {
    Newsroom::open(&place.open().await.expect("opens"), "news").await
}

pub(crate) async fn the_log_tells_every_change_without_gaps(place: &impl Place) {
    let desk = open(place).await;
    let start = desk.head().await;
    let item = desk.publish("One").await;
    let feed = desk.commit(desk.writing_feed(Kind::FeedUpdated, desk.state().await.feed).await).await;
    let updated = desk.update(&item, "Two").await;
    let log = desk.store.log(&desk.feed, start).await.expect("answers").expect("a position of this feed");
    let told: Vec<_> = log.entries.iter().map(|entry| (entry.position, entry.kind, entry.item)).collect();
    let all = [
        (position(&item), Kind::ItemPublished, Some(item.id)),
        (feed, Kind::FeedUpdated, None),
        (position(&updated), Kind::ItemUpdated, Some(item.id)),
    ];
    assert_eq!(told, all);
    assert_eq!(log.state, desk.state().await);
    let rest = desk.store.log(&desk.feed, feed).await.expect("answers").expect("a position of this feed");
    assert_eq!(rest.entries.len(), 1);
    let none = desk.store.log(&desk.feed, desk.head().await).await.expect("answers").expect("the head");
    assert_eq!(none.entries.len(), 0);
}

pub(crate) async fn an_older_change_of_the_same_thing_is_superseded(place: &impl Place) {
    let desk = open(place).await;
    let mut document = desk.state().await.feed;
    let [a, b] = [desk.publish("A").await, desk.publish("B").await];
    desk.commit(desk.writing_feed(Kind::FeedUpdated, document.clone()).await).await;
    let a = desk.update(&a, "A2").await;
    document.title = "New title".to_owned();
    desk.commit(desk.writing_feed(Kind::FeedUpdated, document.clone()).await).await;
    let log = whole_log(&desk).await;
    let changes: Vec<_> = log.into_iter().map(|entry| entry.change).collect();
    let [first, second, third, fourth, fifth] = &changes[..] else { panic!("{changes:?}") };
    assert_eq!([first, third], [&None, &None]);
    assert_eq!((second, fourth), (&Some(Change::of_item(b)), &Some(Change::of_item(a))));
    assert_eq!(fifth.as_ref().map(|change| &*change.what), Some(&What::Feed(document)));
}

pub(crate) async fn a_part_of_the_log_keeps_to_its_budget(place: &impl Place) {
    let desk = open(place).await;
    let start = desk.head().await;
    let headline = "x".repeat(100 * 1024);
    for _ in 0..5 {
        desk.publish(&headline).await;
    }
    desk.publish(&"x".repeat(budget::BYTES + 1)).await;
    for _ in 0..budget::ITEMS + 5 {
        desk.publish("News").await;
    }
    let mut after = start;
    let mut sizes = Vec::new();
    loop {
        let part = desk.store.log(&desk.feed, after).await.expect("answers").expect("a position of this feed");
        let stories = part.entries.iter().filter_map(|entry| match &*entry.change.as_ref()?.what {
            What::Item(record) => Some(record.story.len()),
            What::Feed(_) => None,
        });
        let bytes: usize = stories.sum();
        assert!(bytes <= budget::BYTES || part.entries.len() == 1, "{bytes} bytes");
        let Some(last) = part.entries.last() else { break };
        assert!(part.entries.len() <= budget::ITEMS);
        assert_eq!(part.entries[0].position.seq, after.seq + 1, "no gap between the parts");
        sizes.push(part.entries.len());
        after = last.position;
    }
    assert_eq!(after, desk.head().await);
    assert_eq!(sizes, [2, 2, 1, 1, budget::ITEMS, 5]);
}
