//! Retention: the log is cut first, then what is older goes, and never what a pin or a due entry needs.

use std::time::Duration;

use newswire::{
    news::{After, Kind, Moment, Record, Status, feed::Keep},
    store::Lost,
};
use uuid::Uuid;

use crate::support::{newsroom::*, place::Place};

async fn open(place: &impl Place) -> Newsroom {
    Newsroom::open(&place.open().await.expect("opens"), "news").await
}

async fn prune(desk: &Newsroom, keep: Keep) {
    for _ in 0..100 {
        if !desk.store.prune(&desk.feed, &keep).await.expect("answers") {
            return;
        }
    }
    panic!("there is always more to give up");
}

async fn kept(desk: &Newsroom, of: &[Record]) -> Vec<usize> {
    let mut kept = Vec::new();
    for (index, record) in of.iter().enumerate() {
        if desk.store.item(&desk.feed, record.id).await.expect("answers").is_some() {
            kept.push(index);
        }
    }
    kept
}

pub(crate) async fn the_newest_items_are_kept_and_the_log_is_cut_first(place: &impl Place) {
    let desk = open(place).await;
    let mut items = Vec::new();
    for n in 0..8 {
        items.push(desk.publish(&format!("Item {n}")).await);
    }
    let away = position(&items[1]);
    prune(&desk, Keep { items: Some(3), ..Keep::default() }).await;
    assert_eq!(kept(&desk, &items).await, [5, 6, 7]);
    assert!(desk.store.versions(&desk.feed, items[0].id, 0).await.expect("answers").is_empty());
    // Who was away when they went is told, and who stands at the floor goes on.
    let lost = desk.store.changed(&desk.feed, After::Position(away), None).await.expect("answers");
    assert_eq!(lost.expect_err("trimmed"), Lost::Trimmed);
    let floor = After::Position(position(&items[5]));
    assert!(desk.store.changed(&desk.feed, floor, None).await.expect("answers").is_ok());
    assert!(!desk.store.prune(&desk.feed, &Keep { items: Some(3), ..Keep::default() }).await.expect("answers"));
}

pub(crate) async fn what_changed_lately_stays_until_the_log_has_passed_it(place: &impl Place) {
    let desk = open(place).await;
    let mut items = Vec::new();
    for n in 0..4 {
        items.push(desk.publish(&format!("Item {n}")).await);
    }
    let edited = desk.update(&items[0], "Item 0, edited").await;
    let keep = Keep { items: Some(2), ..Keep::default() };
    prune(&desk, keep).await;
    assert_eq!(kept(&desk, &items).await, [0, 2, 3], "a reader may not have seen its newest change");
    let after = After::Position(position(&items[3]));
    let changed = desk.store.changed(&desk.feed, after, None).await.expect("answers").expect("known");
    assert_eq!(changed.changes[0].item(), Some(edited.id));
    for n in 4..6 {
        items.push(desk.publish(&format!("Item {n}")).await);
    }
    prune(&desk, keep).await;
    assert_eq!(kept(&desk, &items).await, [4, 5]);
}

pub(crate) async fn what_is_pinned_or_due_is_never_dropped(place: &impl Place) {
    let desk = open(place).await;
    let later = desk.store.now().plus(Duration::from_secs(3_600));
    let mut breaking = desk.draft("Breaking");
    breaking.breaking_until = Some(later);
    let mut items = vec![
        desk.publish_pinned("Pinned", 1, None).await,
        desk.put(breaking).await,
        desk.publish_pinned("Pinned for a while", 2, Some(later)).await,
    ];
    for n in 0..4 {
        items.push(desk.publish(&format!("Item {n}")).await);
    }
    prune(&desk, Keep { items: Some(1), changes: Some(1), ..Keep::default() }).await;
    assert_eq!(kept(&desk, &items).await, [0, 1, 2, 6]);
    assert_eq!(place.due(&desk.feed).await.len(), 2);
}

pub(crate) async fn what_the_days_are_over_for_goes_hidden_or_not(place: &impl Place) {
    let desk = open(place).await;
    let long_ago = Moment::from_millis(desk.store.now().millis() - 3 * 24 * 60 * 60 * 1_000);
    let mut items = Vec::new();
    for n in 0..4 {
        let mut draft = desk.draft(&format!("Item {n}"));
        // Published and changed long ago, as an import or a quiet feed has it.
        (draft.published, draft.updated) = (long_ago, long_ago);
        let mut commit = desk.writing(&draft);
        commit.at = long_ago;
        desk.commit(commit).await;
        items.push(draft);
    }
    let mut hidden = desk.revision(&items[3], Kind::ItemWithheld, |record| record.status = Status::Withheld);
    hidden.at = long_ago;
    let mut commit = desk.writing(&hidden);
    commit.at = long_ago;
    desk.commit(commit).await;
    items.push(desk.publish("Today").await);
    prune(&desk, Keep { days: Some(5), ..Keep::default() }).await;
    assert_eq!(kept(&desk, &items).await, [0, 1, 2, 3, 4]);
    // A log always has its newest change, and the feed was created today: by changes the log may be cut further.
    prune(&desk, Keep { days: Some(2), changes: Some(1), ..Keep::default() }).await;
    assert_eq!(kept(&desk, &items).await, [4]);
}

pub(crate) async fn the_alt_ids_of_what_is_dropped_are_still_known(place: &impl Place) {
    let desk = open(place).await;
    let draft = desk.draft("Wire story");
    let mut commit = desk.writing(&draft);
    if let newswire::store::Write::Item(write) = &mut commit.write {
        write.alt_ids = vec![hash_of(7)];
    }
    desk.commit(commit).await;
    assert_eq!(desk.store.item_by_alt_id(&desk.feed, &hash_of(7)).await.expect("answers"), Some(draft.id));
    assert_eq!(desk.store.item_by_alt_id(&desk.feed, &hash_of(8)).await.expect("answers"), None);
    for _ in 0..3 {
        desk.publish("News").await;
    }
    prune(&desk, Keep { items: Some(1), ..Keep::default() }).await;
    assert!(desk.store.item(&desk.feed, draft.id).await.expect("answers").is_none());
    let owner: Option<Uuid> = desk.store.item_by_alt_id(&desk.feed, &hash_of(7)).await.expect("answers");
    assert_eq!(owner, Some(draft.id));
}

pub(crate) async fn what_is_due_is_told_soonest_first(place: &impl Place) {
    let desk = open(place).await;
    let now = desk.store.now();
    let at = |secs| now.plus(Duration::from_secs(secs));
    let late = desk.publish_pinned("Late", 1, Some(at(20))).await;
    let mut soon = desk.draft("Soon");
    soon.breaking_until = Some(at(10));
    let soon = desk.put(soon).await;
    let told = async |by| -> Vec<Uuid> {
        desk.store.due(by).await.expect("answers").into_iter().map(|due| due.item).collect()
    };
    assert!(told(at(9)).await.is_empty());
    assert_eq!(told(at(10)).await, [soon.id]);
    assert_eq!(told(at(30)).await, [soon.id, late.id]);
    desk.put(desk.revision(&soon, Kind::ItemBreakingEnded, |record| record.breaking_until = None)).await;
    assert_eq!(told(at(30)).await, [late.id], "it goes with the commit that ends it");
}
