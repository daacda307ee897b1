//! When a feed's coverage began and ended, which the items of one page do not tell.

use crate::{
    news::{FeedId, Moment, Position, feed::FeedStatus},
    store::{FeedState, SharedStore, StoreError},
    syndicate::Coverage,
};

/// The coverage of a feed: from its oldest listed item to the change that closed it, where that is known.
///
/// # Errors
/// The store is away.
pub async fn of<'a>(store: &SharedStore, state: &'a FeedState) -> Result<Coverage<'a>, StoreError> {
    let began = store.began(&state.feed.id).await?;
    let ended = match state.feed.status {
        FeedStatus::Live => None,
        FeedStatus::Closed => made(store, &state.feed.id, state.own).await?,
    };
    Ok(Coverage { feed: &state.feed, began, ended })
}

/// When the newest change of the feed itself was made: of a closed one that is its closing, or what was changed of its
/// document later. None: the log does not go back so far any more.
async fn made(store: &SharedStore, feed: &FeedId, own: Position) -> Result<Option<Moment>, StoreError> {
    let Some(before) = store.position(feed, own.seq.saturating_sub(1)).await? else { return Ok(None) };
    let log = store.log(feed, before).await?.ok();
    let first = log.and_then(|log| log.entries.into_iter().next());
    Ok(first.filter(|entry| entry.position == own).and_then(|entry| entry.change).map(|change| change.at))
}
