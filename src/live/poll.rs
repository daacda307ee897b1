//! A poll: one turn of the walk that streams do, for a client that asks each time anew.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use tokio::time::Instant;

use super::{
    awake::Awake,
    behind::behind,
    feeds::Feeds,
    goodbye::Goodbye,
    message::Reset,
    window::{Shared, View},
    wire::Wire,
};
use crate::{
    news::{After, Position},
    store::StoreError,
};

/// The pause before a store is asked again that is further back than this node.
const AGAIN: Duration = Duration::from_millis(250);

/// What a poll is answered with.
#[derive(Debug)]
pub enum Polled {
    /// What changed; possibly nothing.
    Changes {
        /// The changes as JSON texts, oldest first.
        changes: Vec<Bytes>,
        /// Where to go on from.
        position: Position,
        /// Whether to ask again at once.
        more: bool,
    },
    /// The position is no good: read the items anew, then go on from here.
    Reset {
        /// Why.
        reason: Reset,
        /// The head.
        position: Position,
    },
}

/// At most `limit` changes after a position; where there is none, waits for one.
///
/// # Errors
/// The store is away, or this node is out of touch with it.
pub async fn poll(
    feeds: &Feeds,
    awake: &Awake,
    after: After,
    limit: usize,
    wait: Duration,
) -> Result<Polled, StoreError> {
    let deadline = Instant::now() + wait;
    let generation = awake.standing().generation;
    let mut at = after;
    loop {
        let woken = awake.woken();
        if !feeds.freshness.is_fresh() {
            return Err(StoreError::Unavailable("this node is out of touch with its store".to_owned()));
        }
        let reset = |reason| Ok(Polled::Reset { reason, position: awake.state().head });
        let mut until = deadline;
        let position = match at {
            After::Position(position) => {
                let look = awake.look(position);
                match look.ended {
                    Some(Goodbye::Gone) => return reset(Reset::Gone),
                    Some(_) => return Err(StoreError::Unavailable("this feed cannot be served from here".to_owned())),
                    None => {}
                }
                if look.generation != generation {
                    return reset(Reset::StoreChanged);
                }
                match look.view {
                    View::Head => Some(position),
                    View::Elsewhere => None,
                    View::Changes { changes, reached } if changes.is_empty() => {
                        at = After::Position(reached);
                        continue;
                    }
                    View::Changes { changes, reached } => {
                        return Ok(answer(feeds, &changes, limit, reached, reached != look.head));
                    }
                }
            }
            After::First => None,
        };
        let position = match position {
            Some(position) => position,
            None => match behind(feeds, awake, at).await? {
                Err(lost) => return reset(lost.into()),
                Ok(page) if page.changes.is_empty() => {
                    until = until.min(Instant::now() + AGAIN);
                    page.reached
                }
                Ok(page) => return Ok(answer(feeds, &page.changes, limit, page.reached, page.more)),
            },
        };
        if Instant::now() >= deadline || feeds.drain.leaving() {
            return Ok(Polled::Changes { changes: Vec::new(), position, more: false });
        }
        tokio::select! {
            () = woken => {}
            () = tokio::time::sleep_until(until) => {}
            () = feeds.drain.left() => {}
        }
    }
}

/// The first `limit` of these changes.
fn answer(feeds: &Feeds, changes: &[Arc<Shared>], limit: usize, reached: Position, more: bool) -> Polled {
    let now = feeds.store.now();
    let cut = changes.len() > limit;
    let taken = &changes[..changes.len().min(limit)];
    let position = match taken.last() {
        Some(last) if cut => last.change().position,
        _ => reached,
    };
    let changes = taken.iter().map(|change| change.on(Wire::WebSocket, now)).collect();
    Polled::Changes { changes, position, more: more || cut }
}
