//! When tokens were last used: noted in memory, and written now and then, so that reading and editing cost no write.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use crate::{
    live::Drain,
    news::Moment,
    store::{Hash, SharedStore},
};

/// How often what was noted is written; a node that ends without warning loses that much of it.
const WRITES_EVERY: Duration = Duration::from_secs(60);

/// What was noted since the last write. Only good tokens are, so there are no more entries than tokens.
#[derive(Debug, Default)]
pub struct LastUsed(Mutex<HashMap<Hash, Moment>>);

impl LastUsed {
    /// Notes that a token was good for something at this moment.
    pub fn note(&self, hash: Hash, at: Moment) {
        self.0.lock().expect("nothing panics while holding it").insert(hash, at);
    }

    async fn write(&self, store: &SharedStore) {
        let noted: Vec<_> = self.0.lock().expect("nothing panics while holding it").drain().collect();
        if noted.is_empty() {
            return;
        }
        if let Err(error) = store.use_tokens(&noted).await {
            tracing::debug!(%error, "when tokens were last used could not be written");
        }
    }
}

/// Writes what was noted, now and then, and when the server drains.
pub async fn keep(used: Arc<LastUsed>, store: SharedStore, drain: Drain) {
    // What can wake this loop: the clock; and the drain ends it.
    loop {
        let leaving = tokio::select! {
            () = tokio::time::sleep(WRITES_EVERY) => false,
            () = drain.left() => true,
        };
        used.write(&store).await;
        if leaving {
            return;
        }
    }
}
