//! The very first start: a store with nothing in it gets a feed and an editor.

use crate::{
    news::{Feed, Mark},
    store::{Scope, SharedStore, StoreError, Token, token::Secret},
};

/// The feed that a first run creates.
pub const FEED: &str = "news-feed";
/// What it is called until somebody calls it something.
pub const TITLE: &str = "News Feed";
/// The name of the token that a first run makes.
pub const EDITOR: &str = "editor";

/// An editor who may publish everywhere, and the token's text, which is not kept.
#[derive(Debug)]
pub struct Editor {
    /// The token's text, to be shown once.
    pub token: Secret,
}

/// Creates the feed where there is none at all, and an editor's token where there is none at all.
///
/// # Errors
/// The store is away.
///
/// # Panics
/// Never: the feed's name is one.
pub async fn prepare(store: &SharedStore) -> Result<Option<Editor>, StoreError> {
    if store.feeds().await?.is_empty() {
        let feed = Feed::new(FEED.parse().expect("a feed's name"), TITLE);
        store.create_feed(feed, Mark::random(), EDITOR).await?;
    }
    if !store.tokens().await?.is_empty() {
        return Ok(None);
    }
    let token = Secret::random();
    let kept = Token {
        name: EDITOR.to_owned(),
        hash: token.hash(),
        scopes: vec![Scope::Publish],
        feeds: Vec::new(),
        created: store.now(),
        expires: None,
        revoked: None,
        last_used: None,
    };
    // Another server on the same new store may have been faster; then its token is the editor's.
    Ok(store.create_token(kept).await?.then_some(Editor { token }))
}
