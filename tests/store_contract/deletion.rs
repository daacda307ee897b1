//! Deleting a feed: everything in it goes, from the files too, and who follows is told.

use newswire::{
    news::{After, Feed, FeedId, Kind, Mark, Record},
    store::{Commit, CommitError, Committed, Conflict, Expected, Followed, ItemWrite, Lost, Write},
};

use crate::support::{holds, newsroom::*, place::Place, until};

async fn open(place: &impl Place) -> Newsroom {
    Newsroom::open(&place.open().await.expect("opens"), "news").await
}

/// Publishes an item with an altId, under a key.
async fn publish(desk: &Newsroom, headline: &str) -> Record {
    let record = desk.draft(headline);
    let mut commit = desk.writing(&record);
    commit.once = Some(once("key", 1));
    commit.write = Write::Item(ItemWrite {
        under: None,
        expected: Expected::Nothing,
        record: record.clone(),
        fields: vec![],
        alt_ids: vec![hash_of(7)],
    });
    desk.commit(commit).await;
    record
}

pub(crate) async fn a_deleted_feed_is_gone_with_everything_in_it(place: &impl Place) {
    let desk = open(place).await;
    let sport = Newsroom::open(&desk.store, "sport").await;
    let until = desk.store.now();
    let item = publish(&desk, "News").await;
    let other = publish(&sport, "Sport").await;
    desk.publish_pinned("Due", 1, Some(until)).await;
    let head = desk.head().await;
    assert!(desk.delete().await);
    assert!(!desk.delete().await, "there is none any more");
    let feed = &desk.feed;
    assert_eq!(desk.store.feed(feed).await.expect("answers"), None);
    let ids: Vec<FeedId> = desk.store.feeds().await.expect("answers").into_iter().map(|state| state.feed.id).collect();
    assert_eq!(ids, std::slice::from_ref(&sport.feed));
    assert_eq!(desk.store.item(feed, item.id).await.expect("answers"), None);
    assert_eq!(desk.store.versions(feed, item.id, 0).await.expect("answers"), []);
    assert_eq!(desk.store.item_by_alt_id(feed, &hash_of(7)).await.expect("answers"), None);
    assert_eq!(desk.store.recall(feed, EDITOR, "key").await.expect("answers"), None);
    assert_eq!(desk.store.due(desk.store.now()).await.expect("answers"), []);
    assert_eq!(desk.store.position(feed, head.seq).await.expect("answers"), None);
    let gone = desk.store.changed(feed, After::Position(head), None).await.expect("answers");
    assert_eq!(gone.expect_err("no such feed"), Lost::Gone);
    // What is in other feeds stays.
    assert_eq!(sport.store.item_by_alt_id(&sport.feed, &hash_of(7)).await.expect("answers"), Some(other.id));
    assert!(sport.store.recall(&sport.feed, EDITOR, "key").await.expect("answers").is_some());
}

pub(crate) async fn a_feed_can_be_made_again_and_knows_nothing_of_the_first(place: &impl Place) {
    let desk = open(place).await;
    let item = publish(&desk, "First").await;
    let head = desk.head().await;
    assert!(desk.delete().await);
    assert!(
        desk.store.create_feed(Feed::new(desk.feed.clone(), "New"), Mark::random(), EDITOR).await.expect("answers")
    );
    assert_eq!(desk.head().await.seq, 1);
    let lost = desk.store.changed(&desk.feed, After::Position(head), None).await.expect("answers");
    assert_eq!(lost.expect_err("another feed's"), Lost::Changed);
    // Its id, its altId and its key are free.
    let mut commit = desk.writing(&item);
    commit.once = Some(once("key", 2));
    desk.commit(commit).await;
}

pub(crate) async fn what_was_asked_of_a_feed_itself_is_remembered_beyond_its_deletion(place: &impl Place) {
    let desk = open(place).await;
    let create = |key| Commit {
        once: Some(once(key, 1)),
        mark: Mark::random(),
        kind: Kind::FeedCreated,
        ..desk.writing(&desk.draft(""))
    };
    let new = || Write::Create(Feed::new(desk.feed.clone(), "New"));
    assert_eq!(desk.refused(Commit { write: new(), ..create("create") }).await, Conflict::Exists);
    let deletion = once("delete", 2);
    let deleted = desk.store.delete_feed(&desk.feed, Some(&deletion)).await.expect("deleted");
    assert!(matches!(deleted, Committed::Now(_)), "{deleted:?}");
    let made = Commit { write: new(), ..create("create") };
    let first = desk.commit(made.clone()).await;
    // Sent again, neither touches the feed that came later.
    let again = desk.store.delete_feed(&desk.feed, Some(&deletion)).await.expect("answered");
    assert!(matches!(again, Committed::Before(_)), "{again:?}");
    let other = desk.store.delete_feed(&desk.feed, Some(&once("delete", 3))).await;
    assert!(matches!(other, Err(CommitError::Conflict(Conflict::KeyReused))), "{other:?}");
    assert_eq!(desk.head().await, first);
    assert!(desk.delete().await);
    let again = desk.store.commit(made).await.expect("answered");
    assert!(matches!(&again, Committed::Before(before) if before.position == first), "{again:?}");
    assert_eq!(desk.store.feed(&desk.feed).await.expect("answers"), None);
    assert!(desk.store.recall(&desk.feed, EDITOR, "create").await.expect("answers").is_some());
}

pub(crate) async fn a_follower_is_told_of_a_deletion(place: &impl Place) {
    let desk = open(place).await;
    let sport = Newsroom::open(&desk.store, "sport").await;
    let beside = place.beside().await.expect("opens beside");
    desk.publish("News").await;
    let mut followers = [desk.store.follow().await.expect("follows"), beside.follow().await.expect("follows beside")];
    assert!(desk.delete().await);
    for follower in &mut followers {
        until("it is told", async || match follower.next().await.expect("answers") {
            Followed::Doubt => true,
            Followed::Commits(commits) => commits.iter().any(|(feed, _)| *feed == desk.feed),
        })
        .await;
        until("that was all", async || follower.next().await.expect("answers").eq(&Followed::Commits(vec![]))).await;
    }
    // And goes on.
    let next = sport.publish("Sport").await;
    let told = Followed::Commits(vec![(sport.feed.clone(), position(&next))]);
    for follower in &mut followers {
        until("the next is told", async || follower.next().await.expect("answers") == told).await;
    }
}

pub(crate) async fn the_bytes_of_a_deleted_feed_leave_the_files(place: &impl Place) {
    let desk = open(place).await;
    let sport = Newsroom::open(&desk.store, "sport").await;
    desk.publish("Geheimnis").await;
    sport.publish("Offenbar").await;
    assert!(holds(place.dir(), b"Geheimnis"), "it was there");
    assert!(desk.delete().await);
    until("the text has left the files", async || !holds(place.dir(), b"Geheimnis")).await;
    assert!(holds(place.dir(), b"Offenbar"));
}
