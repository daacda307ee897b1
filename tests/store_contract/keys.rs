//! Idempotency keys: a request is carried out once, and its key is looked at before everything else.

use newswire::{
    news::{Kind, feed::FeedStatus},
    store::{Commit, Committed, Conflict, Once, Remembered},
};

use crate::support::{newsroom::*, place::Place};

fn under(once: Once, commit: Commit) -> Commit {
    Commit { once: Some(once), ..commit }
}

async fn open(place: &impl Place) -> Newsroom {
    Newsroom::open(&place.open().await.expect("opens"), "news").await
}

pub(crate) async fn the_same_request_again_changes_nothing_and_tells_what_it_did(place: &impl Place) {
    let desk = open(place).await;
    let draft = desk.draft("One");
    let request = under(once("k", 1), desk.writing(&draft));
    let done = desk.commit(request.clone()).await;
    desk.publish("Two").await;
    let head = desk.head().await;
    let remembered = Remembered { hash: hash_of(1), item: draft.id, version: 1, position: done };
    for _ in 0..2 {
        let again = desk.store.commit(request.clone()).await.expect("answered");
        assert_eq!(again, Committed::Before(remembered.clone()));
    }
    // A retry makes another draft with another id and mark; it is still the same request.
    let retry = under(once("k", 1), desk.writing(&desk.draft("One")));
    assert_eq!(desk.store.commit(retry).await.expect("answered"), Committed::Before(remembered));
    assert_eq!(desk.head().await, head);
}

pub(crate) async fn the_same_request_many_times_at_once_is_carried_out_once(place: &impl Place) {
    let desk = open(place).await;
    let beside = place.beside().await.expect("opens beside");
    let mut tries = Vec::new();
    for number in 0..12 {
        let desk = if number % 2 == 0 { desk.clone() } else { Newsroom::open(&beside, "news").await };
        tries.push(tokio::spawn(async move {
            let request = under(once("k", 1), desk.writing(&desk.draft("One")));
            desk.store.commit(request).await.expect("answered")
        }));
    }
    let mut positions = Vec::new();
    let mut carried_out = 0;
    for one in tries {
        positions.push(match one.await.expect("answered") {
            Committed::Now(position) => {
                carried_out += 1;
                position
            }
            Committed::Before(remembered) => remembered.position,
        });
    }
    assert_eq!(carried_out, 1);
    let head = desk.head().await;
    assert_eq!(head.seq, 2);
    assert!(positions.iter().all(|position| *position == head));
}

pub(crate) async fn the_key_is_looked_at_before_everything_else(place: &impl Place) {
    let desk = open(place).await;
    let mut draft = desk.draft("One");
    draft.pin = Some(newswire::news::Pin { position: 1, until: None });
    let publish = under(once("publish", 1), desk.writing(&draft));
    let position = desk.commit(publish.clone()).await;
    let published = newswire::news::Record { born: position.seq, last_seq: position.seq, ..draft };
    let edit = desk.revision(&published, Kind::ItemUnpinned, |record| record.pin = None);
    let unpin = under(once("unpin", 2), desk.writing(&edit));
    desk.commit(unpin.clone()).await;
    desk.publish_pinned("Another holds the pin", 1, None).await;
    let mut closed = desk.state().await.feed;
    closed.status = FeedStatus::Closed;
    let close = under(once("close", 3), desk.writing_feed(Kind::FeedClosed, closed).await);
    desk.commit(close.clone()).await;
    let head = desk.head().await;
    // Each of them would now meet an existing item, another version, a taken pin, or a closed feed.
    for request in [publish, unpin, close] {
        let again = desk.store.commit(request).await.expect("answered");
        assert!(matches!(again, Committed::Before(_)), "{again:?}");
    }
    assert_eq!(desk.head().await, head);
}

pub(crate) async fn a_key_with_another_hash_is_refused(place: &impl Place) {
    let desk = open(place).await;
    let item = desk.publish("One").await;
    let edit = desk.revision(&item, Kind::ItemUpdated, |_| ());
    desk.commit(under(once("k", 1), desk.writing(&edit))).await;
    let head = desk.head().await;
    let fresh = under(once("k", 2), desk.writing(&desk.draft("Two")));
    assert_eq!(desk.refused(fresh).await, Conflict::KeyReused);
    let stale = under(once("k", 2), desk.writing(&edit));
    assert_eq!(desk.refused(stale).await, Conflict::KeyReused, "before the version is looked at");
    assert_eq!(desk.head().await, head);
}

pub(crate) async fn keys_of_different_tokens_and_feeds_never_meet(place: &impl Place) {
    let desk = open(place).await;
    let sport = Newsroom::open(&desk.store, "sport").await;
    desk.commit(under(once("k", 1), desk.writing(&desk.draft("One")))).await;
    sport.commit(under(once("k", 2), sport.writing(&sport.draft("Two")))).await;
    let other = Once { token: "agency".to_owned(), ..once("k", 3) };
    desk.commit(under(other, desk.writing(&desk.draft("Three")))).await;
    // No separator inside a name or a key can make two of them one.
    for (number, (token, key)) in (10..).zip([("a:b", "c"), ("a", "b:c"), ("a\0b", "c"), ("a", "b\0c"), ("", "a:b:c")])
    {
        let once = Once { token: token.to_owned(), key: key.to_owned(), hash: hash_of(number) };
        desk.commit(under(once, desk.writing(&desk.draft("More")))).await;
    }
    assert_eq!((desk.head().await.seq, sport.head().await.seq), (8, 2));
}

pub(crate) async fn a_refused_commit_uses_no_key(place: &impl Place) {
    let desk = open(place).await;
    let item = desk.publish("One").await;
    let stale = desk.revision(&item, Kind::ItemUpdated, |record| record.version += 1);
    assert_eq!(desk.refused(under(once("k", 1), desk.writing(&stale))).await, Conflict::Version);
    assert_eq!(desk.store.recall(&desk.feed, EDITOR, "k").await.expect("answers"), None);
    desk.commit(under(once("k", 2), desk.writing(&desk.draft("Two")))).await;
}

pub(crate) async fn what_a_key_stands_for_can_be_recalled(place: &impl Place) {
    let desk = open(place).await;
    let draft = desk.draft("One");
    let position = desk.commit(under(once("k", 1), desk.writing(&draft))).await;
    let recalled = desk.store.recall(&desk.feed, EDITOR, "k").await.expect("answers");
    assert_eq!(recalled, Some(Remembered { hash: hash_of(1), item: draft.id, version: 1, position }));
    for (feed, token, key) in [("news", EDITOR, "other"), ("news", "agency", "k"), ("sport", EDITOR, "k")] {
        let feed = feed.parse().expect("a feed id");
        assert_eq!(desk.store.recall(&feed, token, key).await.expect("answers"), None);
    }
}

pub(crate) async fn a_request_without_a_change_is_remembered(place: &impl Place) {
    let desk = open(place).await;
    let item = desk.publish("One").await;
    let head = desk.head().await;
    desk.store.remember(&desk.feed, &once("k", 1), item.id, head).await.expect("remembered");
    assert_eq!(desk.head().await, head, "it is no change");
    let remembered = Remembered { hash: hash_of(1), item: item.id, version: 0, position: head };
    assert_eq!(desk.store.recall(&desk.feed, EDITOR, "k").await.expect("answers"), Some(remembered.clone()));
    let same = under(once("k", 1), desk.writing(&desk.draft("Two")));
    assert_eq!(desk.store.commit(same).await.expect("answered"), Committed::Before(remembered));
    let other = under(once("k", 2), desk.writing(&desk.draft("Two")));
    assert_eq!(desk.refused(other).await, Conflict::KeyReused);
}

pub(crate) async fn a_key_that_is_taken_stays_as_it_is(place: &impl Place) {
    let desk = open(place).await;
    let draft = desk.draft("One");
    let position = desk.commit(under(once("k", 1), desk.writing(&draft))).await;
    let other = desk.publish("Two").await;
    desk.store.remember(&desk.feed, &once("k", 2), other.id, desk.head().await).await.expect("answers");
    let recalled = desk.store.recall(&desk.feed, EDITOR, "k").await.expect("answers");
    assert_eq!(recalled, Some(Remembered { hash: hash_of(1), item: draft.id, version: 1, position }));
}
