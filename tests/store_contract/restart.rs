//! Restarts: what was acknowledged is there, whole, however the store ended.

use newswire::{
    news::{After, Change, FeedId, Kind, Status},
    store::{CommitError, Scope, SharedStore, StoreError, Token, Witness},
};

use crate::{
    support::{newsroom::*, place::Place},
    whole::assert_whole,
};

/// Everything that can be asked of a store.
async fn all_of(store: &SharedStore) -> String {
    let mut all = format!("{:?}\n{:?}\n", store.feeds().await, store.tokens().await);
    for state in store.feeds().await.expect("answers") {
        let feed: FeedId = state.feed.id;
        let page = store.page(&feed, None, 200, None).await.expect("answers").expect("is there");
        all += &format!("{page:?}\n{:?}\n", store.recall(&feed, EDITOR, "k").await);
        for record in page.items.iter().chain(&page.pinned) {
            all += &format!("{:?}\n", store.versions(&feed, record.id, 0).await);
        }
        let floor = store.position(&feed, state.floor).await.expect("answers").expect("the floor is there");
        all += &format!("{:?}\n", store.changed(&feed, After::Position(floor), None).await);
        all += &format!("{:?}\n", store.log(&feed, floor).await);
    }
    all
}

/// A store in which there is some of everything.
async fn filled(place: &impl Place) -> SharedStore {
    let store = place.open().await.expect("opens");
    let (news, sport) = (Newsroom::open(&store, "news").await, Newsroom::open(&store, "sport").await);
    for desk in [&news, &sport] {
        let item = desk.publish("One").await;
        desk.update(&item, "Two").await;
        desk.publish_pinned("Top", 1, None).await;
        let gone = desk.publish("Three").await;
        desk.turn(&gone, Kind::ItemRemoved, Status::Removed).await;
        let mut commit = desk.writing(&desk.draft("Keyed"));
        commit.once = Some(once("k", 1));
        desk.commit(commit).await;
    }
    store.prune(&sport.feed, &keeping(4)).await.expect("trimmed");
    let mark = newswire::news::Mark::random();
    assert!(store.cut(&sport.feed, Some(0), Witness::Follower, mark).await.expect("answers"));
    sport.publish("After the cut").await;
    let token = Token {
        name: "bot".to_owned(),
        hash: hash_of(9),
        scopes: vec![Scope::Read],
        feeds: vec![news.feed.clone()],
        created: store.now(),
        expires: None,
        revoked: None,
        last_used: None,
    };
    assert!(store.create_token(token).await.expect("answers"));
    store
}

pub(crate) async fn a_closed_store_opens_as_it_was(place: &impl Place) {
    let store = filled(place).await;
    let before = all_of(&store).await;
    store.close().await;
    drop(store);
    place.restart().await;
    let store = place.open().await.expect("opens again");
    assert_eq!(all_of(&store).await, before);
    let news = Newsroom::open(&store, "news").await;
    let head = news.head().await;
    assert_eq!(news.publish("Goes on").await.last_seq, head.seq + 1);
}

pub(crate) async fn a_dropped_store_opens_as_it_was(place: &impl Place) {
    let store = filled(place).await;
    let before = all_of(&store).await;
    drop(store);
    place.restart().await;
    let store = place.open().await.expect("opens again");
    assert_eq!(all_of(&store).await, before);
    assert_whole(&Newsroom::open(&store, "news").await).await;
}

pub(crate) async fn an_old_position_resumes_before_anything_new_is_committed(place: &impl Place) {
    let desk = Newsroom::open(&place.open().await.expect("opens"), "news").await;
    let item = desk.publish("One").await;
    let old = desk.head().await;
    let two = desk.publish("Two").await;
    let one = desk.update(&item, "One, updated").await;
    drop(desk);
    place.restart().await;
    let store = place.open().await.expect("opens again");
    let feed = "news".parse().expect("a feed id");
    let read = store.changed(&feed, After::Position(old), None).await.expect("answers").expect("an old position");
    assert_eq!(read.changes, [two, one].map(Change::of_item));
    assert_eq!(store.log(&feed, old).await.expect("answers").expect("an old position").entries.len(), 2);
}

pub(crate) async fn a_store_of_a_newer_schema_is_refused(place: &impl Place) {
    let store = filled(place).await;
    store.close().await;
    drop(store);
    place.age().await;
    for opened in [place.open().await, place.beside().await] {
        let error = opened.expect_err("an older program refuses it");
        assert!(matches!(error, StoreError::NewerSchema { found, known } if found == known + 1), "{error:?}");
    }
}

pub(crate) async fn a_closed_store_refuses_plainly(place: &impl Place) {
    let desk = Newsroom::open(&place.open().await.expect("opens"), "news").await;
    desk.store.close().await;
    desk.store.close().await;
    let outcome = desk.store.commit(desk.writing(&desk.draft("Too late"))).await;
    assert!(matches!(outcome, Err(CommitError::Store(StoreError::Unavailable(_)))), "{outcome:?}");
}
