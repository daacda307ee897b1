//! The documents of feeds, as this node's editors last met them.
//!
//! What an edit may do depends on its feed: whether it is closed, which language it has. To ask the store for that before
//! each edit costs as much as the commit's own way there. So what was read once is kept, and every commit says what it
//! was judged by: where the feed itself has changed since, the store refuses, and the edit is judged anew. Nothing is
//! *answered* from here; a refusal for what a document says is checked with the store first.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard},
};

use crate::{
    news::{Feed, FeedId, Position},
    store::{FeedState, SharedStore, StoreError},
};

/// How many are kept before all are given up: they can be read again.
const KEPT: usize = 1_024;

/// All documents that are kept.
#[derive(Debug, Default)]
pub struct Documents(Mutex<HashMap<FeedId, Arc<Document>>>);

/// A feed's document, and the change that made it.
#[derive(Debug)]
pub struct Document {
    /// The document.
    pub feed: Feed,
    /// The newest change of the feed itself ([`FeedState::own`]).
    pub own: Position,
}

impl Documents {
    /// The document that is kept, or else the store's. None: there is no such feed.
    ///
    /// # Errors
    /// The store is away.
    pub async fn of(&self, store: &SharedStore, feed: &FeedId) -> Result<Option<Arc<Document>>, StoreError> {
        let kept = self.all().get(feed).cloned();
        match kept {
            Some(document) => Ok(Some(document)),
            None => self.read(store, feed).await,
        }
    }

    /// The store's document, which is kept from now on. None: there is no such feed.
    ///
    /// # Errors
    /// The store is away.
    pub async fn read(&self, store: &SharedStore, feed: &FeedId) -> Result<Option<Arc<Document>>, StoreError> {
        let read = store.feed(feed).await?;
        let mut all = self.all();
        let Some(FeedState { feed: document, own, .. }) = read else {
            all.remove(feed);
            return Ok(None);
        };
        if all.len() >= KEPT {
            all.clear();
        }
        let document = Arc::new(Document { feed: document, own });
        all.insert(feed.clone(), document.clone());
        Ok(Some(document))
    }

    fn all(&self) -> MutexGuard<'_, HashMap<FeedId, Arc<Document>>> {
        self.0.lock().expect("nothing panics while holding it")
    }
}
