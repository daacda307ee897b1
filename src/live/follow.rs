//! The two loops that keep what a node holds in step with its store.
//!
//! [`follow`] is woken by commits alone: each is fetched into the windows of awake feeds, and only then does the node
//! claim to be current. [`tend`] is woken by time: it tells readers when that claim has become too old, or good again,
//! and puts to sleep what nobody reads.

use std::{sync::Arc, time::Duration};

use futures_util::stream::{self, TryStreamExt as _};
use tokio::time::Instant;

use super::feeds::{Awake, Feeds};
use crate::store::{Followed, Follower, StoreError};

/// The shortest and the longest pause after an error of the store.
const PAUSE: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(2));

/// How many feeds are fetched at once after a batch of commits.
const FETCHED_AT_ONCE: usize = 16;

/// Follows the store until the server drains and all its readers have left.
pub async fn follow(feeds: Arc<Feeds>) {
    let mut follower = None;
    let mut pause = PAUSE.0;
    loop {
        // What can wake this loop: a commit, a second without one, an error's pause; and the drain ends it.
        let turn = async {
            let failed = turn(&feeds, &mut follower).await.err();
            if let Some(error) = failed {
                tracing::warn!(%error, pause_ms = pause.as_millis(), "following the store failed");
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(PAUSE.1);
            } else {
                pause = PAUSE.0;
            }
        };
        tokio::select! {
            () = turn => {}
            () = feeds.drain.left() => return,
        }
    }
}

/// Waits for what was committed and fetches it.
async fn turn(feeds: &Feeds, follower: &mut Option<Box<dyn Follower>>) -> Result<(), StoreError> {
    let (asked, followed) = match follower {
        Some(follower) => {
            let followed = follower.next().await?;
            (Instant::now(), followed)
        }
        // What was committed before there was a follower is told to nobody: doubt fetches it.
        None => {
            let asked = Instant::now();
            *follower = Some(feeds.store.follow().await?);
            (asked, Followed::Doubt)
        }
    };
    let moment = feeds.store.now();
    let changed: Vec<Arc<Awake>> = match followed {
        Followed::Commits(commits) => {
            let mut ids: Vec<_> = commits.into_iter().map(|(feed, _)| feed).collect();
            ids.sort_unstable();
            ids.dedup();
            ids.iter().filter_map(|id| feeds.awake(id)).collect()
        }
        Followed::Doubt => feeds.every(),
    };
    let fetched = fetch(feeds, changed).await;
    if fetched.is_err() {
        // Notices of what was not fetched are spent: the next follower begins with doubt.
        *follower = None;
    }
    fetched?;
    feeds.freshness.confirm(moment, asked);
    Ok(())
}

async fn fetch(feeds: &Feeds, awake: Vec<Arc<Awake>>) -> Result<(), StoreError> {
    stream::iter(awake.into_iter().map(Ok))
        .try_for_each_concurrent(FETCHED_AT_ONCE, |awake| async move { awake.bring_up(feeds).await })
        .await
}

/// Tells readers when the node stops, and starts again, to be current.
pub async fn tend(feeds: Arc<Feeds>) {
    let mut ticks = tokio::time::interval(Duration::from_millis(250));
    let mut fresh = true;
    loop {
        // What can wake this loop: the clock; and the drain ends it.
        tokio::select! {
            _ = ticks.tick() => {}
            () = feeds.drain.left() => return,
        }
        feeds.tidy();
        if feeds.freshness.is_fresh() != fresh {
            fresh = !fresh;
            if fresh {
                tracing::info!("in step with the store");
            } else {
                tracing::error!("out of touch with the store: readers are told that they may be out of date");
            }
            feeds.every().iter().for_each(|awake| awake.wake());
        }
    }
}
