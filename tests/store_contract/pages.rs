//! Pages of items: their order, what is pinned, what is left out, and that page and head are one view.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use newswire::{
    news::{Cursor, Kind, Moment, Record, Status},
    store::{Page, budget},
};

use crate::support::{newsroom::*, place::Place};

async fn open(place: &impl Place) -> Newsroom {
    Newsroom::open(&place.open().await.expect("opens"), "news").await
}

async fn page(desk: &Newsroom, before: Option<Cursor>, limit: usize) -> Page {
    desk.store.page(&desk.feed, before, limit, None).await.expect("answers").expect("the feed is there")
}

/// Every page, of `limit` items each.
async fn pages(desk: &Newsroom, limit: usize) -> Vec<Page> {
    let mut pages = vec![page(desk, None, limit).await];
    while let Some(before) = pages[pages.len() - 1].before {
        pages.push(page(desk, Some(before), limit).await);
    }
    pages
}

fn newest_first(mut items: Vec<Record>) -> Vec<Record> {
    items.sort_by_key(|item| std::cmp::Reverse((item.published, item.id)));
    items
}

pub(crate) async fn pages_go_by_published_and_id_downwards(place: &impl Place) {
    let desk = open(place).await;
    let mut items = Vec::new();
    // Many share a time, some times are before 1970, and they are committed in no order.
    for number in 0..30 {
        let mut draft = desk.draft("News");
        draft.published = Moment::from_millis(number * 7 % 30 / 6 * 1_000 - 2_000);
        items.push(desk.put(draft).await);
    }
    let items = newest_first(items);
    for limit in [1, 4, 6, 29, 30, 31] {
        let walked: Vec<_> = pages(&desk, limit).await.into_iter().flat_map(|page| page.items).collect();
        assert_eq!(walked, items, "by {limit}");
    }
}

pub(crate) async fn a_page_says_whether_another_follows(place: &impl Place) {
    let desk = open(place).await;
    let empty = page(&desk, None, 10).await;
    assert_eq!((empty.pinned.len(), empty.items.len(), empty.before), (0, 0, None));
    for _ in 0..6 {
        desk.publish("News").await;
    }
    let first = page(&desk, None, 3).await;
    let last = &first.items[2];
    assert_eq!(first.before, Some(Cursor { published: last.published, id: last.id }));
    let second = page(&desk, first.before, 3).await;
    assert_eq!((second.items.len(), second.before), (3, None), "nothing follows a last page that is full");
    assert_eq!(page(&desk, None, 0).await.items.len(), 1, "at least one");
}

pub(crate) async fn pinned_items_come_first_and_are_not_counted(place: &impl Place) {
    let desk = open(place).await;
    let third = desk.publish_pinned("Third", 3, None).await;
    let mut items = Vec::new();
    for _ in 0..4 {
        items.push(desk.publish("News").await);
    }
    let later = desk.store.now().plus(Duration::from_secs(3_600));
    let first = desk.publish_pinned("First", 1, Some(later)).await;
    let pages = pages(&desk, 2).await;
    assert_eq!(pages.len(), 2);
    assert_eq!(pages[0].pinned, [first, third]);
    assert_eq!(pages[1].pinned, []);
    let walked: Vec<_> = pages.into_iter().flat_map(|page| page.items).collect();
    assert_eq!(walked, newest_first(items));
}

pub(crate) async fn a_pin_that_has_ended_pins_nothing(place: &impl Place) {
    let desk = open(place).await;
    let ended = Moment::from_millis(desk.store.now().millis() - 1_000);
    let item = desk.publish_pinned("Was on top", 1, Some(ended)).await;
    let page = page(&desk, None, 10).await;
    assert_eq!((page.pinned, page.items), (vec![], vec![item]));
}

pub(crate) async fn what_is_hidden_is_left_out(place: &impl Place) {
    let desk = open(place).await;
    let mut items = Vec::new();
    for _ in 0..4 {
        items.push(desk.publish("News").await);
    }
    let pinned = desk.publish_pinned("Top", 1, None).await;
    desk.turn(&pinned, Kind::ItemWithheld, Status::Withheld).await;
    let withheld = desk.turn(&items[0], Kind::ItemWithheld, Status::Withheld).await;
    desk.turn(&items[1], Kind::ItemRemoved, Status::Removed).await;
    let retracted = desk.turn(&items[2], Kind::ItemRetracted, Status::Canceled).await;
    let listed = page(&desk, None, 10).await;
    assert_eq!(listed.items, newest_first(vec![retracted.clone(), items[3].clone()]));
    assert_eq!(listed.pinned, []);
    let released = desk.turn(&withheld, Kind::ItemReleased, Status::Usable).await;
    let all = newest_first(vec![released, retracted, items[3].clone()]);
    assert_eq!(page(&desk, None, 10).await.items, all);
    assert_eq!(pages(&desk, 1).await.len(), 3, "what is left out makes no empty page");
}

pub(crate) async fn a_feed_began_with_the_oldest_item_that_is_listed(place: &impl Place) {
    let desk = open(place).await;
    let began = async || desk.store.began(&desk.feed).await.expect("answers").map(Moment::millis);
    assert_eq!(began().await, None);
    let mut items = Vec::new();
    for published in [3_000, -2_000, -1_000] {
        let mut draft = desk.draft("News");
        draft.published = Moment::from_millis(published);
        items.push(desk.put(draft).await);
    }
    assert_eq!(began().await, Some(-2_000));
    desk.turn(&items[1], Kind::ItemWithheld, Status::Withheld).await;
    assert_eq!(began().await, Some(-1_000));
    // A notice stays where the item was.
    desk.turn(&items[2], Kind::ItemRetracted, Status::Canceled).await;
    assert_eq!(began().await, Some(-1_000));
    let nowhere = "no-such-feed".parse().expect("a feed id");
    assert_eq!(desk.store.began(&nowhere).await.expect("answers"), None);
}

pub(crate) async fn a_page_keeps_to_its_budget(place: &impl Place) {
    let desk = open(place).await;
    let mut items = Vec::new();
    for _ in 0..budget::ITEMS + 5 {
        items.push(desk.publish("News").await);
    }
    let sizes: Vec<_> = pages(&desk, usize::MAX).await.iter().map(|page| page.items.len()).collect();
    assert_eq!(sizes, [budget::ITEMS, 5]);
    for size in [100, 100, 100, 300, 1] {
        items.push(desk.publish(&"x".repeat(size * 1024)).await);
    }
    let pages = pages(&desk, 50).await;
    for page in &pages {
        let bytes: usize = page.items.iter().map(|item| item.story.len()).sum();
        assert!(bytes <= budget::BYTES || page.items.len() == 1, "{bytes} bytes");
    }
    let walked: Vec<_> = pages.into_iter().flat_map(|page| page.items).collect();
    assert_eq!(walked, newest_first(items));
}

pub(crate) async fn a_page_and_its_head_are_one_view(place: &impl Place) {
    let desk = open(place).await;
    let mut items = vec![desk.publish_pinned("Top", 1, None).await];
    for _ in 0..10 {
        items.push(desk.publish("News").await);
    }
    let done = Arc::new(AtomicBool::new(false));
    let writer = tokio::spawn({
        let (desk, done) = (desk.clone(), done.clone());
        async move {
            for turn in 0..200 {
                let index = turn * 7 % items.len();
                items[index] = desk.update(&items[index], "Updated").await;
            }
            done.store(true, Ordering::Relaxed);
        }
    });
    let mut reads = 0;
    while !done.load(Ordering::Relaxed) {
        let page = page(&desk, None, 50).await;
        let newest = page.items.iter().chain(&page.pinned).map(position).max_by_key(|position| position.seq);
        assert_eq!(newest, Some(page.state.head), "the head is a change of one of these items, as it now reads");
        assert_eq!((page.pinned.len(), page.items.len()), (1, 10));
        reads += 1;
    }
    writer.await.expect("the writer is done");
    assert!(reads > 1, "something was read meanwhile");
}

pub(crate) async fn a_feed_that_is_not_there_has_no_page(place: &impl Place) {
    let desk = open(place).await;
    let nowhere = "nowhere".parse().expect("a feed id");
    assert!(desk.store.page(&nowhere, None, 10, None).await.expect("answers").is_none());
}
