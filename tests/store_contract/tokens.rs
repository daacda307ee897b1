//! Tokens, which are known by their hash and told by their name.

use std::time::Duration;

use newswire::store::{Scope, SharedStore, Token};

use crate::support::{newsroom::hash_of, place::Place};

fn token(store: &SharedStore, name: &str, number: u8) -> Token {
    Token {
        name: name.to_owned(),
        hash: hash_of(number),
        scopes: vec![Scope::Publish, Scope::Admin],
        feeds: vec!["news".parse().expect("a feed id"), "sport".parse().expect("a feed id")],
        created: store.now(),
        expires: Some(store.now().plus(Duration::from_secs(60))),
        revoked: None,
        last_used: None,
    }
}

pub(crate) async fn a_token_is_found_by_its_hash(place: &impl Place) {
    let store = place.open().await.expect("opens");
    let kept = token(&store, "desk", 1);
    assert!(store.create_token(kept.clone()).await.expect("answers"));
    assert_eq!(store.token(&kept.hash).await.expect("answers"), Some(kept));
    assert_eq!(store.token(&hash_of(2)).await.expect("answers"), None);
}

pub(crate) async fn a_name_is_given_once(place: &impl Place) {
    let store = place.open().await.expect("opens");
    let first = token(&store, "desk", 1);
    assert!(store.create_token(first.clone()).await.expect("answers"));
    assert!(!store.create_token(token(&store, "desk", 2)).await.expect("answers"));
    assert_eq!(store.token(&hash_of(2)).await.expect("answers"), None);
    assert_eq!(store.tokens().await.expect("answers"), [first]);
}

pub(crate) async fn all_tokens_are_told_by_name(place: &impl Place) {
    let store = place.open().await.expect("opens");
    assert_eq!(store.tokens().await.expect("answers"), []);
    let mut kept = Vec::new();
    for (number, name) in (1..).zip(["night desk", "bot", "Ärger", "admin"]) {
        kept.push(token(&store, name, number));
        assert!(store.create_token(kept[kept.len() - 1].clone()).await.expect("answers"));
    }
    kept.sort_by(|a, b| a.name.cmp(&b.name));
    assert_eq!(store.tokens().await.expect("answers"), kept);
}

pub(crate) async fn a_revoked_token_is_still_told(place: &impl Place) {
    let store = place.open().await.expect("opens");
    store.create_token(token(&store, "desk", 1)).await.expect("answers");
    store.create_token(token(&store, "bot", 2)).await.expect("answers");
    assert!(store.revoke_token("desk").await.expect("answers"));
    let revoked = store.token(&hash_of(1)).await.expect("answers").expect("revoked ones too");
    assert!(!revoked.good(store.now()));
    assert!(store.token(&hash_of(2)).await.expect("answers").expect("is there").good(store.now()));
    assert!(store.revoke_token("desk").await.expect("answers"), "there is one of that name");
    let again = store.token(&hash_of(1)).await.expect("answers").expect("is there");
    assert_eq!(again.revoked, revoked.revoked, "it was revoked when it first was");
    assert!(!store.revoke_token("nobody").await.expect("answers"));
}

pub(crate) async fn a_token_made_or_revoked_beside_counts_at_once(place: &impl Place) {
    let store = place.open().await.expect("opens");
    let beside = place.beside().await.expect("opens beside");
    beside.create_token(token(&beside, "desk", 1)).await.expect("answers");
    assert!(store.token(&hash_of(1)).await.expect("answers").expect("is there").good(store.now()));
    assert!(beside.revoke_token("desk").await.expect("answers"));
    assert!(!store.token(&hash_of(1)).await.expect("answers").expect("is there").good(store.now()));
}

pub(crate) async fn the_latest_use_of_a_token_is_kept(place: &impl Place) {
    let store = place.open().await.expect("opens");
    let kept = token(&store, "desk", 1);
    assert!(store.create_token(kept.clone()).await.expect("answers"));
    let (now, unknown) = (store.now(), hash_of(9));
    for at in [now, now.plus(Duration::from_secs(5)), now] {
        store.use_tokens(&[(kept.hash, at), (unknown, at)]).await.expect("answers");
    }
    let used = store.token(&kept.hash).await.expect("answers").expect("a token").last_used;
    assert_eq!(used, Some(now.plus(Duration::from_secs(5))));
    assert_eq!(store.tokens().await.expect("answers")[0].last_used, used);
}

pub(crate) async fn a_revision_is_new_once_a_token_is_made_or_revoked(place: &impl Place) {
    let store = place.open().await.expect("opens");
    let mut seen = vec![store.tokens_revision().await.expect("answers")];
    store.create_token(token(&store, "desk", 1)).await.expect("answers");
    seen.push(store.tokens_revision().await.expect("answers"));
    store.create_token(token(&store, "bot", 2)).await.expect("answers");
    seen.push(store.tokens_revision().await.expect("answers"));
    store.revoke_token("desk").await.expect("answers");
    seen.push(store.tokens_revision().await.expect("answers"));
    let differs: std::collections::BTreeSet<_> = seen.iter().collect();
    assert_eq!(differs.len(), seen.len(), "{seen:?}");
    assert_eq!(store.tokens_revision().await.expect("answers"), seen[3]);
}

pub(crate) async fn the_first_key_of_tickets_is_everybodys(place: &impl Place) {
    let store = place.open().await.expect("opens");
    assert_eq!(store.ticket_key(hash_of(1)).await.expect("answers"), hash_of(1));
    assert_eq!(store.ticket_key(hash_of(2)).await.expect("answers"), hash_of(1));
}
