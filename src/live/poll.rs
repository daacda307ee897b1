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
    right::Right,
    window::{Shared, View},
    wire::Wire,
};
use crate::{
    news::{After, Filter, Position},
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
    /// The right to read was lost meanwhile.
    Revoked,
    /// There is nothing, and this server, which is being stopped, waits for nothing any more.
    Leave,
    /// The position is no good: read the items anew, then go on from here.
    Reset {
        /// Why.
        reason: Reset,
        /// The head.
        position: Position,
    },
}

/// What a poll asks for.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Where to go on from.
    pub after: After,
    /// How many changes at most.
    pub limit: usize,
    /// How long to wait where there is none.
    pub wait: Duration,
    /// What is wanted, if not everything.
    pub filter: Option<Filter>,
    /// By what right it is asked.
    pub right: Right,
}

/// At most `limit` changes after a position; where there is none, waits for one.
///
/// # Errors
/// The store is away, or this node is out of touch with it.
pub async fn poll(feeds: &Feeds, awake: &Awake, asked: Asked) -> Result<Polled, StoreError> {
    let Asked { after, limit, wait, filter, right } = asked;
    let deadline = Instant::now() + wait;
    let generation = awake.standing().generation;
    let late = feeds.drain.leaving();
    let mut at = after;
    loop {
        let woken = awake.woken();
        if !feeds.freshness.is_fresh() {
            return Err(StoreError::Unavailable("this node is out of touch with its store".to_owned()));
        }
        if right.is_lost(awake.is_public(), feeds.store.now()) {
            return Ok(Polled::Revoked);
        }
        let reset = |reason| Ok(Polled::Reset { reason, position: awake.state().head });
        let mut until = deadline;
        let position = match at {
            After::Position(position) => {
                let look = awake.look(position);
                // What the look found may have turned the feed private.
                if right.is_lost(awake.is_public(), feeds.store.now()) {
                    return Ok(Polled::Revoked);
                }
                match look.glance.ended {
                    Some(Goodbye::Gone) => return reset(Reset::Gone),
                    Some(_) => return Err(StoreError::Unavailable("this feed cannot be served from here".to_owned())),
                    None => {}
                }
                if look.glance.generation != generation {
                    return reset(Reset::StoreChanged);
                }
                match look.view {
                    View::Head => Some(position),
                    View::Elsewhere => None,
                    View::Changes { changes, reached } => {
                        match answer(feeds, &changes, limit, filter.as_ref(), reached, reached != look.glance.head) {
                            Some(polled) => return Ok(polled),
                            // All of it is superseded, or hidden.
                            None => at = After::Position(reached),
                        }
                        continue;
                    }
                }
            }
            After::First => None,
        };
        let position = match position {
            Some(position) => position,
            None => match behind(feeds, awake, at, filter.as_ref()).await? {
                Err(lost) => return reset(lost.into()),
                Ok(page) => match answer(feeds, &page.changes, limit, filter.as_ref(), page.reached, page.more) {
                    Some(polled) => return Ok(polled),
                    None if page.more || After::Position(page.reached) != at => {
                        at = After::Position(page.reached);
                        continue;
                    }
                    None => {
                        until = until.min(Instant::now() + AGAIN);
                        page.reached
                    }
                },
            },
        };
        if Instant::now() >= deadline || (feeds.drain.leaving() && !late) {
            return Ok(Polled::Changes { changes: Vec::new(), position, more: false });
        }
        // Who is answered that there is nothing, without the wait that it asked for, asks again at once.
        if late {
            return Ok(Polled::Leave);
        }
        let _waiting = feeds.numbers.polls.wait();
        tokio::select! {
            () = woken => {}
            () = tokio::time::sleep_until(until) => {}
            () = feeds.drain.left() => {}
        }
    }
}

/// The first `limit` of these changes that the filter does not hide; none where it hides all.
fn answer(
    feeds: &Feeds,
    changes: &[Arc<Shared>],
    limit: usize,
    filter: Option<&Filter>,
    reached: Position,
    more: bool,
) -> Option<Polled> {
    let now = feeds.store.now();
    let mut taken = Vec::new();
    let mut position = reached;
    let mut cut = false;
    for shared in changes {
        let encoded = match filter {
            None => Some(shared.on(Wire::Json, now)),
            Some(filter) => shared.filtered(filter, Wire::Json, now),
        };
        let Some(encoded) = encoded else { continue };
        if taken.len() == limit {
            cut = true;
            break;
        }
        taken.push((encoded, shared.change().position));
    }
    if let Some((_, last)) = taken.last().filter(|_| cut) {
        position = *last;
    }
    let changes: Vec<_> = taken.into_iter().map(|(encoded, _)| encoded).collect();
    (!changes.is_empty()).then_some(Polled::Changes { changes, position, more: more || cut })
}
