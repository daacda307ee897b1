//! What a reader that is behind its window gets: a page of changed items straight from the store.
//!
//! A bounded number of such reads is at the store at once, and each gives its slot back after one page, so that a crowd
//! of late readers slows each other down and nobody else.

use std::{sync::Arc, time::Duration};

use super::{awake::Awake, feeds::Feeds, window::Shared};
use crate::{
    news::{After, Filter, Mark, Position},
    store::{Lost, StoreError, Witness},
};

/// How long a read waits for its slot and its answer together.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);

/// A page of what changed after a position.
#[derive(Debug)]
pub struct Behind {
    /// The changes, oldest first.
    pub changes: Vec<Arc<Shared>>,
    /// The position after which there is more, or the store's head.
    pub reached: Position,
    /// Whether the store has more.
    pub more: bool,
}

/// Reads what changed after a position, as far as the filter may want it, after checking it against the store as every resume does.
///
/// # Errors
/// The store is away, or busy for longer than 5 s.
pub async fn behind(
    feeds: &Feeds,
    awake: &Awake,
    after: After,
    filter: Option<&Filter>,
) -> Result<Result<Behind, Lost>, StoreError> {
    let read = async {
        let _slot = feeds.reads.acquire().await.expect("the slots are never closed");
        feeds.store.changed(&awake.id, after, filter).await
    };
    let read = tokio::time::timeout(PATIENCE, read).await;
    let changed = match read.map_err(|_| StoreError::Unavailable("too many readers are behind".to_owned()))?? {
        Ok(changed) => changed,
        Err(lost) => {
            if let (Lost::Changed, After::Position(position)) = (lost, after)
                && let Err(error) = bear_witness(feeds, awake, position).await
            {
                // The reader itself is told in any case.
                tracing::warn!(feed = %awake.id, %error, "a cut that a reader may have noticed could not be told");
            }
            return Ok(Err(lost));
        }
    };
    let share = |change| Arc::new(Shared::new(awake.id.clone(), change));
    Ok(Ok(Behind {
        changes: changed.changes.into_iter().map(share).collect(),
        reached: changed.reached,
        more: changed.more,
    }))
}

/// A reader holds a position that the store does not have. If no cut was told since then, this may be the first sign of
/// one that happened before this node began to follow, and then it concerns every reader.
///
/// What is lost since the feed woke here the follower sees itself, so one reader's word is enough: made-up positions
/// cost the store no write each.
async fn bear_witness(feeds: &Feeds, awake: &Awake, position: Position) -> Result<(), StoreError> {
    if awake.has_witness() {
        return Ok(());
    }
    let Some(state) = feeds.store.feed(&awake.id).await? else { return Ok(()) };
    if position.seq < state.cut {
        return Ok(());
    }
    let told = feeds.store.cut(&awake.id, None, Witness::Reader, Mark::random()).await?;
    awake.witnessed();
    if told {
        tracing::warn!(feed = %awake.id, held = %position, "a reader came back with a change that the store has lost: readers are reset");
        awake.bring_up(feeds).await?;
    }
    Ok(())
}
