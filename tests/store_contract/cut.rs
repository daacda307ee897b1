//! A cut: a store that went back in time says so once, and no position from before it is gone on from.

use newswire::{
    news::{After, Kind, Mark, Position},
    store::{Lost, Witness},
};

use crate::support::{newsroom::*, place::Place};

async fn open(place: &impl Place) -> Newsroom {
    Newsroom::open(&place.open().await.expect("opens"), "news").await
}

async fn cut(desk: &Newsroom, known: Option<u64>, witness: Witness) -> bool {
    desk.store.cut(&desk.feed, known, witness, Mark::random()).await.expect("answers")
}

pub(crate) async fn a_cut_is_a_change_that_becomes_the_floor(place: &impl Place) {
    let desk = open(place).await;
    let item = desk.publish("News").await;
    let before = desk.state().await;
    assert!(desk.store.cut(&desk.feed, Some(0), Witness::Follower, Mark(7)).await.expect("answers"));
    let state = desk.state().await;
    let head = Position { seq: before.head.seq + 1, mark: Mark(7) };
    assert_eq!((state.head, state.floor, state.cut), (head, head.seq, head.seq));
    assert_eq!(state.feed, before.feed);
    // The walk goes on from it, and the items are as they were.
    let updated = desk.update(&item, "Updated").await;
    let rest = desk.store.log(&desk.feed, head).await.expect("answers").expect("the cut can be resumed from");
    assert_eq!(rest.entries.iter().map(|entry| entry.position).collect::<Vec<_>>(), [position(&updated)]);
}

pub(crate) async fn positions_before_a_cut_are_not_the_stores(place: &impl Place) {
    let desk = open(place).await;
    let first = desk.head().await;
    let old = position(&desk.publish("News").await);
    assert!(cut(&desk, Some(0), Witness::Follower).await);
    let told = desk.head().await;
    desk.publish("More").await;
    for lost in [first, old] {
        let read = desk.store.changed(&desk.feed, After::Position(lost), None).await.expect("answers");
        assert_eq!(read.expect_err("from before the cut"), Lost::Changed);
        let read = desk.store.log(&desk.feed, lost).await.expect("answers");
        assert_eq!(read.expect_err("from before the cut"), Lost::Changed);
    }
    // "From the first change" is no position that a reader had; those changes are no longer there.
    let read = desk.store.changed(&desk.feed, After::First, None).await.expect("answers");
    assert_eq!(read.expect_err("below the floor"), Lost::Trimmed);
    let read =
        desk.store.changed(&desk.feed, After::Position(told), None).await.expect("answers").expect("after the cut");
    assert_eq!(read.changes.len(), 1);
    // What is trimmed after the cut is told as that.
    desk.store.prune(&desk.feed, &keeping(1)).await.expect("trimmed");
    let read = desk.store.changed(&desk.feed, After::Position(told), None).await.expect("answers");
    assert_eq!(read.expect_err("below the floor"), Lost::Trimmed);
    let read = desk.store.changed(&desk.feed, After::Position(old), None).await.expect("answers");
    assert_eq!(read.expect_err("from before the cut"), Lost::Changed);
}

pub(crate) async fn a_cut_is_told_once_however_many_notice(place: &impl Place) {
    let desk = open(place).await;
    let beside = Newsroom::open(&place.beside().await.expect("opens beside"), "news").await;
    let notices: Vec<_> = (0..8)
        .map(|number| {
            let desk = if number % 2 == 0 { desk.clone() } else { beside.clone() };
            tokio::spawn(async move { cut(&desk, Some(0), Witness::Follower).await })
        })
        .collect();
    let mut told = 0;
    for notice in notices {
        told += u32::from(notice.await.expect("answers"));
    }
    assert_eq!(told, 1);
    assert_eq!(desk.head().await.seq, 2);
    let log = desk.store.log(&desk.feed, desk.head().await).await.expect("answers").expect("the head");
    assert_eq!(log.state.cut, 2);
}

pub(crate) async fn a_follower_that_knows_of_an_older_cut_is_not_believed(place: &impl Place) {
    let desk = open(place).await;
    assert!(!cut(&desk, None, Witness::Follower).await, "it does not say what it knows");
    assert!(cut(&desk, Some(0), Witness::Follower).await);
    let known = desk.state().await.cut;
    for older in [0, known - 1] {
        assert!(!cut(&desk, Some(older), Witness::Follower).await, "this one is told");
    }
    assert!(cut(&desk, Some(known), Witness::Follower).await, "that is another one");
    assert_eq!(desk.state().await.cut, known + 1);
}

pub(crate) async fn a_cut_that_the_store_went_back_behind_is_told_again(place: &impl Place) {
    let desk = open(place).await;
    let kept = position(&desk.publish("Kept").await);
    desk.store.close().await;
    place.copy_files().await;
    let desk = open(place).await;
    for number in 0..3 {
        desk.publish(&format!("Lost {number}")).await;
    }
    assert!(cut(&desk, Some(0), Witness::Follower).await);
    let mut known = desk.state().await;
    for round in 0..2 {
        desk.store.close().await;
        place.put_copy_back().await;
        let desk = open(place).await;
        assert_eq!((desk.head().await, desk.state().await.cut), (kept, 0), "it went back, round {round}");
        // In the second round the numbers are those of the first one's cut.
        assert!(cut(&desk, Some(known.cut), Witness::Follower).await, "round {round}");
        let told = desk.state().await;
        assert_eq!((told.cut, told.floor, told.head.seq), (kept.seq + 1, kept.seq + 1, kept.seq + 1));
        for held in [kept, known.head] {
            let read = desk.store.changed(&desk.feed, After::Position(held), None).await.expect("answers");
            assert_eq!(read.expect_err("from before the cut"), Lost::Changed);
        }
        assert!(!cut(&desk, Some(0), Witness::Follower).await, "whoever knew of none finds it told");
        known = told;
        desk.store.close().await;
    }
}

pub(crate) async fn a_reader_is_believed_once_for_each_start(place: &impl Place) {
    open(place).await.store.close().await;
    for _ in 0..2 {
        place.restart().await;
        let desk = open(place).await;
        let known = desk.state().await.cut;
        if let Some(older) = known.checked_sub(1) {
            assert!(!cut(&desk, Some(older), Witness::Reader).await, "it knows of an older cut");
        }
        assert!(cut(&desk, None, Witness::Reader).await);
        let told = desk.state().await;
        assert_eq!((told.cut, told.floor), (told.head.seq, told.head.seq));
        for known in [None, Some(told.cut)] {
            assert!(!cut(&desk, known, Witness::Reader).await, "it was believed since the start");
        }
        assert_eq!(desk.state().await, told);
        // A follower saw it itself, and is believed whenever it does.
        assert!(cut(&desk, Some(told.cut), Witness::Follower).await);
        let head = desk.head().await;
        assert_eq!(desk.store.position(&desk.feed, head.seq).await.expect("answers"), Some(head));
        let created = desk.writing_feed(Kind::FeedUpdated, desk.state().await.feed).await;
        desk.commit(created).await;
        desk.store.close().await;
    }
}

pub(crate) async fn no_reader_is_believed_in_the_run_of_a_followers_cut(place: &impl Place) {
    open(place).await.store.close().await;
    place.restart().await;
    let desk = open(place).await;
    assert!(cut(&desk, Some(0), Witness::Follower).await);
    let told = desk.state().await;
    for known in [None, Some(told.cut)] {
        assert!(!cut(&desk, known, Witness::Reader).await, "a cut was told since the start");
    }
    assert_eq!(desk.state().await, told);
    desk.store.close().await;
    place.restart().await;
    let desk = open(place).await;
    assert!(cut(&desk, None, Witness::Reader).await, "another start");
}

pub(crate) async fn a_feed_that_is_not_there_is_not_cut(place: &impl Place) {
    let desk = open(place).await;
    let nowhere = Newsroom { feed: "nowhere".parse().expect("a feed id"), ..desk };
    assert!(!cut(&nowhere, Some(0), Witness::Follower).await);
    assert!(!cut(&nowhere, None, Witness::Reader).await);
}
