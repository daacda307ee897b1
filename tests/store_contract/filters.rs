//! Reads with a filter: coarse (by what an item ever had), bounded in what they look at, and never losing the place.

use newswire::{
    news::{After, Change, Filter, Kind, Record, Status},
    store::budget,
};

use crate::support::{newsroom::*, place::Place};

async fn open(place: &impl Place) -> Newsroom {
    Newsroom::open(&place.open().await.expect("opens"), "news").await
}

fn tagged(tag: &str) -> Filter {
    let mut filter = Filter::default();
    filter.add("tag", tag).expect("a tag");
    filter
}

async fn publish(desk: &Newsroom, tags: &[&str]) -> Record {
    let mut record = desk.draft("News");
    record.ever.tags = tags.iter().map(|tag| (*tag).to_owned()).collect();
    record.ever.urgencies = vec![5];
    desk.put(record).await
}

pub(crate) async fn a_filtered_read_has_what_may_ever_have_matched(place: &impl Place) {
    let desk = open(place).await;
    let first = publish(&desk, &["a"]).await;
    publish(&desk, &["b"]).await;
    let both = publish(&desk, &["b", "a \"quoted\" {word}", "a"]).await;
    let removed = desk.turn(&publish(&desk, &["c"]).await, Kind::ItemRemoved, Status::Removed).await;
    publish(&desk, &[]).await;
    let head = desk.head().await;
    let changed =
        desk.store.changed(&desk.feed, After::First, Some(&tagged("a"))).await.expect("answers").expect("all");
    let items: Vec<_> = changed.changes.iter().filter_map(Change::item).collect();
    // What was removed passes every filter: nobody can tell any more who was shown it.
    assert_eq!(items, [first.id, both.id, removed.id]);
    assert_eq!(changed.changes.len(), 4, "the feed's own change passes every filter");
    assert_eq!((changed.reached, changed.more), (head, false), "it moves past what is hidden");
    let page = desk.store.page(&desk.feed, None, 50, Some(&tagged("a"))).await.expect("answers").expect("a page");
    assert_eq!(page.items.iter().map(|item| item.id).collect::<Vec<_>>(), [both.id, first.id]);
    assert_eq!(page.before, None);
    let mut urgent = tagged("a");
    urgent.add("urgency", "1").expect("an urgency");
    let page = desk.store.page(&desk.feed, None, 50, Some(&urgent)).await.expect("answers").expect("a page");
    assert!(page.items.is_empty(), "different names must all match");
}

pub(crate) async fn a_filtered_read_looks_at_no_more_than_its_budget(place: &impl Place) {
    let desk = open(place).await;
    let oldest = publish(&desk, &["a"]).await;
    for _ in 0..budget::LOOKED_AT {
        publish(&desk, &["b"]).await;
    }
    let newest = publish(&desk, &["a"]).await;
    let filter = tagged("a");

    let page = desk.store.page(&desk.feed, None, 50, Some(&filter)).await.expect("answers").expect("a page");
    assert_eq!(page.items.iter().map(|item| item.id).collect::<Vec<_>>(), [newest.id]);
    let before = page.before.expect("it did not look at all");
    let rest = desk.store.page(&desk.feed, Some(before), 50, Some(&filter)).await.expect("answers").expect("a page");
    assert_eq!(rest.items.iter().map(|item| item.id).collect::<Vec<_>>(), [oldest.id]);
    assert_eq!(rest.before, None);

    let mut after = After::Position(position(&oldest));
    let mut found = Vec::new();
    for turn in 0.. {
        let part =
            desk.store.changed(&desk.feed, after, Some(&filter)).await.expect("answers").expect("its own position");
        found.extend(part.changes.iter().filter_map(Change::item));
        // Where it stopped can be gone on from, even where nothing was found.
        after = After::Position(part.reached);
        if !part.more {
            assert_eq!(turn, 1, "two reads look at more than {} items", budget::LOOKED_AT);
            break;
        }
    }
    assert_eq!(found, [newest.id]);
}

pub(crate) async fn the_feeds_own_change_is_not_lost_among_hidden_ones(place: &impl Place) {
    let desk = open(place).await;
    let first = publish(&desk, &["b"]).await;
    let own = desk.commit(desk.writing_feed(Kind::FeedUpdated, desk.state().await.feed).await).await;
    publish(&desk, &["b"]).await;
    let after = After::Position(position(&first));
    let part = desk.store.changed(&desk.feed, after, Some(&tagged("a"))).await.expect("answers").expect("known");
    assert_eq!(part.changes.iter().map(|change| change.position).collect::<Vec<_>>(), [own]);
    assert_eq!(part.reached, desk.head().await);
}
