//! Order: seq grows by one, one of many editors wins, and a commit is all or nothing.

use std::time::Duration;

use newswire::{
    news::{Feed, Kind, Mark, Moment, Position, Record},
    store::{CommitError, Committed, Conflict, FeedState},
};

use crate::{
    support::{newsroom::*, place::Place},
    whole::assert_whole,
};

pub(crate) async fn creating_a_feed_is_its_first_change(place: &impl Place) {
    let store = place.open().await.expect("opens");
    let feed = Feed::new("sport".parse().expect("a feed id"), "Sport");
    assert!(store.create_feed(feed.clone(), Mark(7), EDITOR).await.expect("created"));
    let head = Position { seq: 1, mark: Mark(7) };
    let state = FeedState { feed: feed.clone(), head, floor: 1, cut: 0, own: head };
    assert_eq!(store.feed(&feed.id).await.expect("answers"), Some(state));
    assert_eq!(store.position(&feed.id, 1).await.expect("answers"), Some(head));
}

pub(crate) async fn a_feed_that_exists_is_left_as_it_is(place: &impl Place) {
    let store = place.open().await.expect("opens");
    let desk = Newsroom::open(&store, "sport").await;
    desk.publish("One").await;
    let before = desk.state().await;
    let other = Feed::new(desk.feed.clone(), "Another title");
    assert!(!store.create_feed(other, Mark::random(), EDITOR).await.expect("answers"));
    assert_eq!(desk.state().await, before);
}

pub(crate) async fn all_feeds_are_told_by_id(place: &impl Place) {
    let store = place.open().await.expect("opens");
    assert_eq!(store.feeds().await.expect("answers"), []);
    let mut states = Vec::new();
    for id in ["zebra", "alpha", "news-feed"] {
        states.push(Newsroom::open(&store, id).await.state().await);
    }
    states.sort_by(|a, b| a.feed.id.cmp(&b.feed.id));
    assert_eq!(store.feeds().await.expect("answers"), states);
    assert_eq!(store.feed(&"none".parse().expect("a feed id")).await.expect("answers"), None);
}

pub(crate) async fn seq_grows_by_one_and_carries_the_given_mark(place: &impl Place) {
    let store = place.open().await.expect("opens");
    let (a, b) = (Newsroom::open(&store, "a").await, Newsroom::open(&store, "b").await);
    for seq in 2..10 {
        for desk in [&a, &b] {
            let draft = desk.draft("News");
            let at = desk.commit(desk.writing(&draft)).await;
            assert_eq!(at, Position { seq, mark: draft.mark });
            assert_eq!(desk.head().await, at);
        }
    }
}

pub(crate) async fn born_and_last_seq_are_set_by_the_store(place: &impl Place) {
    let desk = Newsroom::open(&place.open().await.expect("opens"), "news").await;
    let mut draft = desk.draft("One");
    (draft.born, draft.last_seq) = (77, 88);
    desk.commit(desk.writing(&draft)).await;
    let stored = desk.store.item(&desk.feed, draft.id).await.expect("answers").expect("is there");
    assert_eq!(stored, Record { born: 2, last_seq: 2, ..draft });
    desk.publish("Two").await;
    let mut update = desk.revision(&stored, Kind::ItemUpdated, |_| ());
    (update.born, update.last_seq) = (77, 88);
    desk.commit(desk.writing(&update)).await;
    let stored = desk.store.item(&desk.feed, draft.id).await.expect("answers").expect("is there");
    assert_eq!(stored, Record { born: 2, last_seq: 4, ..update });
}

pub(crate) async fn concurrent_commits_get_every_seq_once(place: &impl Place) {
    const EACH: u64 = 25;
    let store = place.open().await.expect("opens");
    let beside = place.beside().await.expect("opens beside");
    let mut editors = Vec::new();
    for number in 0..8 {
        let desk = Newsroom::open(if number < 6 { &store } else { &beside }, "news").await;
        editors.push(tokio::spawn(async move {
            let mut seqs = Vec::new();
            for _ in 0..EACH {
                seqs.push(desk.publish("News").await.last_seq);
            }
            assert!(seqs.is_sorted(), "one editor's commits are in order");
            seqs
        }));
    }
    let mut seqs = Vec::new();
    for editor in editors {
        seqs.extend(editor.await.expect("the editor is done"));
    }
    seqs.sort_unstable();
    assert_eq!(seqs, (2..2 + 8 * EACH).collect::<Vec<_>>());
    let desk = Newsroom::open(&store, "news").await;
    assert_eq!(desk.head().await.seq, 1 + 8 * EACH);
    assert_whole(&desk).await;
}

pub(crate) async fn one_editor_wins_where_many_edit_the_same_version(place: &impl Place) {
    let store = place.open().await.expect("opens");
    let beside = place.beside().await.expect("opens beside");
    let item = Newsroom::open(&store, "news").await.publish("First").await;
    let mut editors = Vec::new();
    for number in 0..16 {
        let desk = Newsroom::open(if number % 2 == 0 { &store } else { &beside }, "news").await;
        let story = format!("{{\"headline\":\"{number}\"}}");
        let mut edit = desk.revision(&item, Kind::ItemUpdated, |record| record.story = story);
        editors.push(tokio::spawn(async move {
            let outcome = desk.store.commit(desk.writing(&edit)).await;
            edit.last_seq = 3;
            (outcome, edit)
        }));
    }
    let mut winners = Vec::new();
    for editor in editors {
        match editor.await.expect("the editor is done") {
            (Ok(Committed::Now(_)), edit) => winners.push(edit),
            (Err(CommitError::Conflict(Conflict::Version)), _) => {}
            (other, _) => panic!("{other:?}"),
        }
    }
    let stored = store.item(&"news".parse().expect("a feed id"), item.id).await.expect("answers");
    assert_eq!(winners, Vec::from_iter(stored));
}

pub(crate) async fn a_refused_commit_changes_nothing(place: &impl Place) {
    let desk = Newsroom::open(&place.open().await.expect("opens"), "news").await;
    let item = desk.publish_pinned("Top", 1, None).await;
    let before = desk.state().await;
    let stale = desk.revision(&item, Kind::ItemUpdated, |record| record.version += 5);
    desk.refused(desk.writing(&stale)).await;
    let mut second = desk.draft("Also top");
    second.pin = item.pin;
    desk.refused(desk.writing(&second)).await;
    assert_eq!(desk.state().await, before);
    assert_eq!(desk.store.item(&desk.feed, item.id).await.expect("answers"), Some(item.clone()));
    assert_eq!(desk.store.item(&desk.feed, second.id).await.expect("answers"), None);
    assert_eq!(desk.store.versions(&desk.feed, second.id, 0).await.expect("answers"), []);
    assert_eq!(desk.store.versions(&desk.feed, item.id, 0).await.expect("answers").len(), 1);
    assert_whole(&desk).await;
}

pub(crate) async fn a_commit_dropped_half_way_happened_whole_or_not_at_all(place: &impl Place) {
    let desk = Newsroom::open(&place.open().await.expect("opens"), "news").await;
    let item = desk.publish("First").await;
    let mut current = item;
    for turn in 0..40 {
        let edit = desk.revision(&current, Kind::ItemUpdated, |_| ());
        let commit = tokio::spawn({
            let desk = desk.clone();
            let edit = edit.clone();
            async move { desk.store.commit(desk.writing(&edit)).await }
        });
        for _ in 0..turn % 5 {
            tokio::task::yield_now().await;
        }
        commit.abort();
        let _ended_either_way = commit.await;
        // What was under way is ahead of this one, so that after it the outcome is known.
        desk.publish("After").await;
        current = desk.store.item(&desk.feed, current.id).await.expect("answers").expect("is there");
        assert!(current.version == edit.version || current.version + 1 == edit.version, "{current:?}");
        assert_eq!(current.version == edit.version, current.mark == edit.mark);
    }
    assert_whole(&desk).await;
}

pub(crate) async fn now_is_near_and_never_goes_back(place: &impl Place) {
    let store = place.open().await.expect("opens");
    let away = (store.now().millis() - Moment::of_this_machine().millis()).unsigned_abs();
    assert!(away < 5_000, "the store's now is {away} ms away from that of the machine it runs on");
    let moments: Vec<_> = (0..10_000).map(|_| store.now()).collect();
    assert!(moments.is_sorted());
    assert!(store.now() < Moment::of_this_machine().plus(Duration::from_secs(5)));
}

pub(crate) async fn a_fresh_store_is_healthy(place: &impl Place) {
    let store = place.open().await.expect("opens");
    assert_eq!(store.health().await.expect("healthy"), Vec::<String>::new());
}
