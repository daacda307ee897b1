//! Giving up what a feed no longer keeps, as its document says (`keep`).
//!
//! The store does it in bounded parts; this loop sees to it that every feed gets its turn. A feed in which nothing
//! changed is left alone, unless it keeps by days.

use std::{collections::HashMap, sync::Arc, time::Duration};

use tokio::time::Instant;

use crate::{
    live::Feeds,
    news::{FeedId, Position, feed::Keep},
    store::{FeedState, StoreError},
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
pub async fn keep(feeds: Arc<Feeds>) {
    let mut done = Done::default();
    // What can wake this loop: the clock; and the drain ends it.
    loop {
        tokio::select! {
            () = tokio::time::sleep(LOOKS_EVERY) => {}
            () = feeds.drain.left() => return,
        }
        if let Err(error) = look(&feeds, &mut done).await {
            tracing::warn!(%error, "what is no longer kept has to wait for the store");
        }
    }
}

async fn look(feeds: &Feeds, done: &mut Done) -> Result<(), StoreError> {
    let all = feeds.store.feeds().await?;
    done.retain(|id, _| all.iter().any(|state| state.feed.id == *id));
    for FeedState { feed, head, .. } in all {
        let (keep, now) = (feed.keep, Instant::now());
        let idle = done.get(&feed.id).is_some_and(|(at, by, when)| {
            (*at, *by) == (head, keep) && (keep.days.is_none() || now.duration_since(*when) < DAYS_EVERY)
        });
        if keep == Keep::default() || idle {
            continue;
        }
        let mut more = true;
        for _ in 0..PARTS {
            if feeds.drain.leaving() {
                return Ok(());
            }
            more = feeds.store.prune(&feed.id, &keep).await?;
            if !more {
                break;
            }
        }
        // What this node holds of it goes too, whichever node it was that gave it up in the store.
        if let Some(awake) = feeds.awake(&feed.id) {
            awake.bring_up(feeds).await?;
        }
        if !more {
            done.insert(feed.id, (head, keep, now));
        }
    }
    Ok(())
}
