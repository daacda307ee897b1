//! Ending what ends by itself: breaking news and pins, by the store's clock.
//!
//! The store keeps the list of what is due. Each entry is ended by a commit that expects the item's version, so that of
//! all nodes one does it and of an editor and a node one comes first; who comes second finds the entry gone. What became
//! due while no node ran is ended at the first look.

use std::time::Duration;

use futures_util::{StreamExt as _, stream};

use crate::{
    live::Drain,
    news::{Mark, edit::end},
    store::{Commit, CommitError, Committed, Due, Expected, ItemWrite, SharedStore, StoreError, Write, budget},
};

/// How often the list is looked at: an end is told at most this much late, and readers hide by their own clock what has
/// ended.
const LOOKS_EVERY: Duration = Duration::from_millis(500);

/// How many ends are committed at once.
const AT_ONCE: usize = 16;

/// Ends what is due until the server drains.
pub async fn keep(store: SharedStore, drain: Drain) {
    let mut away = false;
    // What can wake this loop: the clock; and the drain ends it.
    loop {
        let full = match end_due(&store).await {
            Ok(full) => {
                away = false;
                full
            }
            Err(error) => {
                if !away {
                    tracing::warn!(%error, "what ends by itself has to wait for the store");
                }
                away = true;
                false
            }
        };
        if drain.leaving() {
            return;
        }
        if !full {
            tokio::select! {
                () = tokio::time::sleep(LOOKS_EVERY) => {}
                () = drain.left() => return,
            }
        }
    }
}

/// One look. True: something was ended, and there may be more than one look tells of.
async fn end_due(store: &SharedStore) -> Result<bool, StoreError> {
    let due = store.due(store.now()).await?;
    let full = due.len() >= budget::ITEMS;
    let ended = stream::iter(due).map(|due| end_one(store, due)).buffer_unordered(AT_ONCE);
    let ended: Vec<Result<bool, StoreError>> = ended.collect().await;
    let mut any = false;
    for one in ended {
        any |= one?;
    }
    Ok(full && any)
}

/// Ends one entry. False where somebody else did, or set another end.
async fn end_one(store: &SharedStore, due: Due) -> Result<bool, StoreError> {
    let Some(state) = store.feed(&due.feed).await? else { return Ok(false) };
    let Some(current) = store.item(&due.feed, due.item).await? else { return Ok(false) };
    let (now, mark) = (store.now(), Mark::random());
    let Some(draft) = end(&state.feed, &current, due.what, now, mark) else { return Ok(false) };
    let write = ItemWrite {
        expected: Expected::Version(current.version),
        under: None,
        record: draft.record,
        fields: draft.fields,
        alt_ids: draft.alt_ids,
    };
    let commit = Commit {
        feed: due.feed.clone(),
        once: None,
        mark,
        kind: draft.kind,
        at: now,
        who: "newswire".to_owned(),
        write: Write::Item(write),
    };
    match store.commit(commit).await {
        Ok(Committed::Now(position)) => {
            tracing::info!(target: "audit", token = "newswire", verb = %draft.kind, feed = %due.feed, item = %due.item, %position, "committed");
            Ok(true)
        }
        // Somebody was faster: what is still to be done stands on the list.
        Ok(Committed::Before(_)) | Err(CommitError::Conflict(_)) => Ok(false),
        Err(CommitError::Store(error)) => Err(error),
    }
}
