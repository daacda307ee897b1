//! Giving up what a feed no longer keeps, as its document says (`keep`).
//!
//! The store does it in bounded parts; this loop sees to it that every feed gets its turn. A feed in which nothing
//! changed is left alone, unless it keeps by days.

use std::{collections::HashMap, time::Duration};

use tokio::time::Instant;

use crate::{
    live::Drain,
    news::{FeedId, Position, feed::Keep},
    store::{FeedState, SharedStore, StoreError},
};

/// How often the feeds are looked at.
const LOOKS_EVERY: Duration = Duration::from_secs(5);

/// How often a feed that keeps by days is looked at, in which nothing else changes.
const DAYS_EVERY: Duration = Duration::from_secs(60);

/// How many parts of one feed are given up before the next feed has its turn.
const PARTS: usize = 20;

/// When, and at which head and by which rule, a feed was last done with.
type Done = HashMap<FeedId, (Position, Keep, Instant)>;

/// Gives up what is no longer kept until the server drains.
pub async fn keep(store: SharedStore, drain: Drain) {
    let mut done = Done::default();
    // What can wake this loop: the clock; and the drain ends it.
    loop {
        tokio::select! {
            () = tokio::time::sleep(LOOKS_EVERY) => {}
            () = drain.left() => return,
        }
        if let Err(error) = look(&store, &drain, &mut done).await {
            tracing::warn!(%error, "what is no longer kept has to wait for the store");
        }
    }
}

async fn look(store: &SharedStore, drain: &Drain, done: &mut Done) -> Result<(), StoreError> {
    let feeds = store.feeds().await?;
    done.retain(|id, _| feeds.iter().any(|state| state.feed.id == *id));
    for FeedState { feed, head, .. } in feeds {
        let (keep, now) = (feed.keep, Instant::now());
        let idle = done.get(&feed.id).is_some_and(|(at, by, when)| {
            (*at, *by) == (head, keep) && (keep.days.is_none() || now.duration_since(*when) < DAYS_EVERY)
        });
        if keep == Keep::default() || idle {
            continue;
        }
        let mut more = true;
        for _ in 0..PARTS {
            if drain.leaving() {
                return Ok(());
            }
            more = store.prune(&feed.id, &keep).await?;
            if !more {
                break;
            }
        }
        if !more {
            done.insert(feed.id, (head, keep, now));
        }
    }
    Ok(())
}
