//! Deleting a feed: gone at once with all that it held, told to followers, and nothing of it is seen by a feed that is
//! made again under its id.

use newswire::{
    news::After,
    store::{Followed, Lost},
};

use crate::support::{newsroom::*, place::Place};

pub(crate) async fn a_deleted_feed_is_gone_and_its_followers_are_told(place: &impl Place) {
    let store = place.open().await.expect("opens");
    let (desk, other) = (Newsroom::open(&store, "news").await, Newsroom::open(&store, "sport").await);
    let item = desk.publish("News").await;
    let left = other.publish("Sport").await;
    let mut follower = store.follow().await.expect("follows");
    assert!(store.delete_feed(&desk.feed).await.expect("answers"));
    assert!(!store.delete_feed(&desk.feed).await.expect("answers"), "it is gone already");
    crate::support::until("the follower is told", async || match follower.next().await.expect("answers") {
        Followed::Doubt => true,
        Followed::Commits(commits) => commits.iter().any(|(feed, _)| *feed == desk.feed),
    })
    .await;
    let gone = store.changed(&desk.feed, After::Position(position(&item)), None).await.expect("answers");
    assert_eq!(gone.expect_err("gone"), Lost::Gone);
    assert!(store.item(&desk.feed, item.id).await.expect("answers").is_none());
    assert_eq!(store.feeds().await.expect("answers").len(), 1);
    assert!(store.item(&other.feed, left.id).await.expect("answers").is_some(), "others stay");
}

pub(crate) async fn a_feed_made_again_sees_nothing_of_the_one_before(place: &impl Place) {
    let store = place.open().await.expect("opens");
    let desk = Newsroom::open(&store, "news").await;
    let later = store.now().plus(std::time::Duration::from_secs(60));
    let item = desk.publish_pinned("News", 1, Some(later)).await;
    let mut commit = desk.writing(&desk.draft("Once"));
    commit.once = Some(once("key", 1));
    desk.commit(commit).await;
    let before = desk.head().await;
    assert!(store.delete_feed(&desk.feed).await.expect("answers"));
    let again = Newsroom::open(&store, "news").await;
    assert_eq!(again.state().await.head.seq, 1);
    assert!(place.due(&desk.feed).await.is_empty());
    assert_eq!(store.recall(&desk.feed, EDITOR, "key").await.expect("answers"), None);
    assert!(store.versions(&desk.feed, item.id, 0).await.expect("answers").is_empty());
    let page = store.page(&desk.feed, None, 50, None).await.expect("answers").expect("a page");
    assert!(page.items.is_empty() && page.pinned.is_empty());
    let lost = store.changed(&desk.feed, After::Position(before), None).await.expect("answers");
    assert_eq!(lost.expect_err("not of this feed"), Lost::Changed);
    again.publish_pinned("Again", 1, None).await;
    // And a second time, since the first leaves a trace for followers.
    assert!(store.delete_feed(&desk.feed).await.expect("answers"));
}
