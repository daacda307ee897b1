//! The two loops that keep what a node holds in step with its store.
//!
//! [`follow`] is woken by commits alone: each is fetched into the windows of awake feeds, and only then does the node
//! claim to be current. [`tend`] is woken by time: it tells readers when that claim has become too old, or good again,
//! ends readers whose token was revoked, and puts to sleep what nobody reads.

use std::{sync::Arc, time::Duration};

use futures_util::stream::{self, TryStreamExt as _};
use tokio::time::Instant;

use super::{awake::Awake, feeds::Feeds, goodbye::Goodbye};
use crate::store::{Followed, Follower, StoreError};

/// The shortest and the longest pause after an error of the store: when that is back, readers shall have what they missed
/// within a few seconds.
const PAUSE: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(1));

/// How many feeds are fetched at once after a batch of commits.
const FETCHED_AT_ONCE: usize = 16;

/// Begins to follow: from here on the node is current.
///
/// # Errors
/// The store is away.
pub async fn begin(feeds: &Feeds) -> Result<Box<dyn Follower>, StoreError> {
    let asked = Instant::now();
    let follower = feeds.store.follow().await?;
    // What was committed before there was a follower is told to nobody.
    catch_up(feeds, asked, Followed::Doubt).await?;
    Ok(follower)
}

/// Follows the store until the server drains.
pub async fn follow(feeds: Arc<Feeds>, follower: Box<dyn Follower>) {
    let mut follower = Some(follower);
    let mut pause = PAUSE.0;
    // What can wake this loop: a commit, a second without one, an error's pause; and the drain ends it.
    loop {
        let turn = async {
            let Err(error) = turn(&feeds, &mut follower).await else {
                pause = PAUSE.0;
                return;
            };
            tracing::warn!(%error, pause_ms = pause.as_millis(), "following the store failed");
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(PAUSE.1);
        };
        tokio::select! {
            () = turn => {}
            () = feeds.drain.left() => return,
        }
    }
}

/// Waits for what was committed and fetches it.
async fn turn(feeds: &Feeds, follower: &mut Option<Box<dyn Follower>>) -> Result<(), StoreError> {
    let Some(following) = follower else {
        *follower = Some(begin(feeds).await?);
        return Ok(());
    };
    let followed = following.next().await?;
    let caught_up = catch_up(feeds, Instant::now(), followed).await;
    if caught_up.is_err() {
        // The notices of what was not fetched are spent: the next follower begins with doubt.
        *follower = None;
    }
    caught_up
}

/// Fetches what was told, and then claims what was true when it was asked for.
async fn catch_up(feeds: &Feeds, asked: Instant, followed: Followed) -> Result<(), StoreError> {
    let moment = feeds.store.now();
    let behind: Vec<Arc<Awake>> = match followed {
        Followed::Commits(commits) => {
            let mut ids: Vec<_> = commits.into_iter().map(|(feed, _)| feed).collect();
            ids.sort_unstable();
            ids.dedup();
            feeds.listed(&ids)
        }
        Followed::Doubt => feeds.every(),
    };
    fetch(feeds, behind).await?;
    feeds.freshness.confirm(moment, asked);
    Ok(())
}

async fn fetch(feeds: &Feeds, awake: Vec<Arc<Awake>>) -> Result<(), StoreError> {
    stream::iter(awake.into_iter().map(Ok))
        .try_for_each_concurrent(FETCHED_AT_ONCE, |awake| async move {
            match awake.bring_up(feeds).await {
                // One feed that cannot be read must not keep the others from being current.
                Err(error @ StoreError::Corrupt(_)) => {
                    tracing::error!(feed = %awake.id, %error, "a feed cannot be read: its readers are sent away");
                    awake.end(Goodbye::StoreAway);
                    Ok(())
                }
                other => other,
            }
        })
        .await
}

/// Tells readers when the node stops, and starts again, to be current.
pub async fn tend(feeds: Arc<Feeds>) {
    let mut ticks = tokio::time::interval(Duration::from_millis(250));
    let mut fresh = feeds.freshness.is_fresh();
    let mut looks = 0_u32;
    loop {
        // What can wake this loop: the clock; and the drain ends it.
        tokio::select! {
            _ = ticks.tick() => {}
            () = feeds.drain.left() => return,
        }
        feeds.tidy();
        looks = looks.wrapping_add(1);
        if looks.is_multiple_of(2) {
            match feeds.rights.look(&feeds.store).await {
                Ok(true) => feeds.every().iter().for_each(|awake| awake.wake()),
                Ok(false) => {}
                Err(error) => tracing::debug!(%error, "whether tokens were revoked could not be asked"),
            }
        }
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
