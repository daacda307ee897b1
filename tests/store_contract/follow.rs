//! Followers: each is told of every commit, by whomever it was made, soon and in order.

use std::time::{Duration, Instant};

use newswire::{
    news::{FeedId, Position},
    store::{Followed, Follower},
};

use crate::support::{PATIENCE, newsroom::*, place::Place};

/// What the follower tells until it has told `count` commits.
async fn told(follower: &mut Box<dyn Follower>, count: usize) -> Vec<(FeedId, Position)> {
    let mut told = Vec::new();
    let all = async {
        while told.len() < count {
            match follower.next().await.expect("the store is there") {
                Followed::Commits(commits) => told.extend(commits),
                Followed::Doubt => panic!("there is nothing to doubt"),
            }
        }
    };
    tokio::time::timeout(PATIENCE, all).await.expect("all commits are told");
    told
}

pub(crate) async fn a_follower_is_told_of_every_commit_in_order(place: &impl Place) {
    let store = place.open().await.expect("opens");
    let mut follower = store.follow().await.expect("follows");
    let mut made = Vec::new();
    for _ in 0..5 {
        for feed in ["a", "b"] {
            let desk = Newsroom::open(&store, feed).await;
            made.push((desk.feed.clone(), position(&desk.publish("News").await)));
        }
    }
    // Creating a feed is a change too.
    let told = told(&mut follower, 12).await;
    assert_eq!(told.len(), 12);
    for feed in ["a", "b"] {
        let of_feed = |all: &[(FeedId, Position)]| {
            let mine = all.iter().filter(|(id, _)| id.as_str() == feed);
            mine.map(|(_, position)| *position).collect::<Vec<_>>()
        };
        let told = of_feed(&told);
        assert_eq!(told[0].seq, 1);
        assert_eq!(told[1..], of_feed(&made), "in the order of the feed");
    }
}

pub(crate) async fn two_followers_are_each_told_all(place: &impl Place) {
    let store = place.open().await.expect("opens");
    let desk = Newsroom::open(&store, "news").await;
    let mut followers = [store.follow().await.expect("follows"), store.follow().await.expect("follows")];
    let mut made = Vec::new();
    for _ in 0..20 {
        made.push((desk.feed.clone(), position(&desk.publish("News").await)));
    }
    for follower in &mut followers {
        assert_eq!(told(follower, 20).await, made);
    }
}

pub(crate) async fn a_follower_is_told_of_what_is_committed_from_now_on(place: &impl Place) {
    let store = place.open().await.expect("opens");
    let desk = Newsroom::open(&store, "news").await;
    desk.publish("Before").await;
    let mut follower = store.follow().await.expect("follows");
    let after = desk.publish("After").await;
    assert_eq!(told(&mut follower, 1).await, [(desk.feed.clone(), position(&after))]);
}

pub(crate) async fn what_a_follower_is_told_of_can_be_read(place: &impl Place) {
    let store = place.open().await.expect("opens");
    let desk = Newsroom::open(&store, "news").await;
    let mut follower = store.follow().await.expect("follows");
    let mut held = desk.head().await;
    let writer = tokio::spawn({
        let desk = desk.clone();
        async move {
            for _ in 0..50 {
                desk.publish("News").await;
            }
        }
    });
    let mut count = 0;
    while count < 50 {
        for (_, position) in told(&mut follower, 1).await {
            let log = desk.store.log(&desk.feed, held).await.expect("answers").expect("it was told");
            assert_eq!(log.entries.first().map(|entry| entry.position), Some(position));
            held = position;
            count += 1;
        }
    }
    writer.await.expect("the writer is done");
}

pub(crate) async fn a_commit_beside_is_told_of_within_a_second(place: &impl Place) {
    let store = place.open().await.expect("opens");
    let desk = Newsroom::open(&store, "news").await;
    let beside = Newsroom::open(&place.beside().await.expect("opens beside"), "news").await;
    let mut follower = store.follow().await.expect("follows");
    let mut behind = beside.store.follow().await.expect("follows");
    for _ in 0..3 {
        let item = beside.publish("From the command line").await;
        let committed = Instant::now();
        assert_eq!(told(&mut follower, 1).await, [(desk.feed.clone(), position(&item))]);
        assert!(committed.elapsed() < Duration::from_secs(1), "{:?}", committed.elapsed());
        let item = desk.publish("From the server").await;
        assert_eq!(told(&mut behind, 2).await.pop(), Some((desk.feed.clone(), position(&item))));
        told(&mut follower, 1).await;
    }
}

pub(crate) async fn a_follower_confirms_within_a_second_that_there_is_nothing_new(place: &impl Place) {
    let store = place.open().await.expect("opens");
    Newsroom::open(&store, "news").await;
    let mut follower = store.follow().await.expect("follows");
    for _ in 0..2 {
        let asked = Instant::now();
        assert_eq!(follower.next().await.expect("the store is there"), Followed::Commits(vec![]));
        // Half a second of grace for a busy machine.
        assert!(asked.elapsed() < Duration::from_millis(1_500), "{:?}", asked.elapsed());
    }
}
