//! The feeds that are awake on this node: those that somebody reads, or did until a short while ago.
//!
//! A feed wakes by one shared read of the store, however many readers arrive at once, and goes to sleep when nobody
//! has read it for a while. Names of feeds that do not exist leave nothing behind here.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, atomic::Ordering},
    time::Duration,
};

use tokio::sync::Semaphore;

use super::{awake::Awake, drain::Drain, filters::Count, freshness::Freshness, numbers::Numbers, right::Rights};
use crate::{
    news::FeedId,
    store::{SharedStore, StoreError},
};

/// How long a feed without readers stays awake.
const ASLEEP_AFTER: Duration = Duration::from_secs(600);

/// How many bytes all windows together hold; beyond that, the least recently read lose their older halves.
const WINDOWS_BYTES: usize = 512 * 1024 * 1024;

/// How many reads for readers behind their window may be at the store at once. The slot is given back after each page.
pub const READS_AT_ONCE: usize = 32;

/// How long a reader waits for its feed to wake.
const WAKING: Duration = Duration::from_secs(5);

/// All awake feeds of this node.
#[derive(Debug)]
pub struct Feeds {
    awake: Mutex<HashMap<FeedId, Arc<Awake>>>,
    /// Where everything is kept.
    pub store: SharedStore,
    /// When this node last confirmed what it holds.
    pub freshness: Freshness,
    /// Who is told to leave, and when.
    pub drain: Drain,
    /// The slots of reads behind windows.
    pub reads: Semaphore,
    /// The tokens that open readers hold.
    pub rights: Rights,
    /// What this node counts of how changes move.
    pub numbers: Numbers,
    /// How many different filters open readers have.
    filters: Count,
}

impl Feeds {
    /// No feed is awake yet.
    #[must_use]
    pub fn asleep(store: SharedStore, drain: Drain) -> Arc<Self> {
        Arc::new(Self {
            awake: Mutex::default(),
            freshness: Freshness::unconfirmed(store.now()),
            reads: Semaphore::new(READS_AT_ONCE),
            rights: Rights::default(),
            numbers: Numbers::default(),
            filters: Count::default(),
            store,
            drain,
        })
    }

    /// The feed, awake. None: there is no such feed.
    ///
    /// # Errors
    /// The feed was asleep and the store is away.
    pub async fn open(&self, id: &FeedId) -> Result<Option<Arc<Awake>>, StoreError> {
        if let Some(awake) = self.awake(id) {
            return Ok(Some(awake));
        }
        if !self.freshness.is_fresh() {
            return Err(StoreError::Unavailable("this node is out of touch with its store".to_owned()));
        }
        let awake = {
            let mut all = self.all();
            // What has ended is not woken again: a new one takes its place.
            all.retain(|_, awake| !awake.ended());
            all.entry(id.clone()).or_insert_with(|| Awake::unfilled(id.clone(), self.filters.clone())).clone()
        };
        let filled = tokio::time::timeout(WAKING, awake.fill(self)).await;
        match filled.map_err(|_| StoreError::Unavailable(format!("the feed did not wake within {WAKING:?}")))?? {
            true => Ok(Some(awake)),
            false => {
                let mut all = self.all();
                if all.get(id).is_some_and(|listed| Arc::ptr_eq(listed, &awake)) {
                    all.remove(id);
                }
                Ok(None)
            }
        }
    }

    /// The feed if it is awake, filled, and still serves.
    #[must_use]
    pub fn awake(&self, id: &FeedId) -> Option<Arc<Awake>> {
        self.all().get(id).filter(|awake| awake.is_filled() && !awake.ended()).cloned()
    }

    /// Every listed feed, filled or not.
    #[must_use]
    pub fn every(&self) -> Vec<Arc<Awake>> {
        self.all().values().cloned().collect()
    }

    /// Those of these feeds that are listed, filled or not.
    #[must_use]
    pub fn listed(&self, ids: &[FeedId]) -> Vec<Arc<Awake>> {
        let all = self.all();
        ids.iter().filter_map(|id| all.get(id).cloned()).collect()
    }

    /// How many readers are open on a feed at this node.
    #[must_use]
    pub fn readers(&self, id: &FeedId) -> usize {
        self.awake(id).map_or(0, |awake| awake.readers())
    }

    /// How many different filters the open readers of this node have.
    #[must_use]
    pub fn filters(&self) -> usize {
        self.filters.load(Ordering::Relaxed)
    }

    /// Puts to sleep what nobody reads, forgets what has ended or was never filled, gives up snapshots that are too
    /// old, and keeps the windows within their memory.
    pub fn tidy(&self) {
        let mut by_use = {
            let mut all = self.all();
            all.retain(|_, awake| {
                // Whoever is about to use it holds it; the list alone does not.
                let held = Arc::strong_count(awake) > 1;
                let read = awake.last_read().is_some_and(|read| read.elapsed() < ASLEEP_AFTER);
                !awake.ended() && (held || read)
            });
            all.values().filter(|awake| awake.is_filled()).cloned().collect::<Vec<_>>()
        };
        by_use.iter().for_each(|awake| awake.snapshots.tidy(awake));
        let mut weight: usize = by_use.iter().map(|awake| awake.weight()).sum();
        if weight <= WINDOWS_BYTES {
            return;
        }
        by_use.sort_by_key(|awake| awake.last_read());
        for awake in by_use {
            if weight <= WINDOWS_BYTES {
                break;
            }
            weight -= awake.weight();
            awake.shrink();
            weight += awake.weight();
        }
    }

    fn all(&self) -> MutexGuard<'_, HashMap<FeedId, Arc<Awake>>> {
        self.awake.lock().expect("nothing panics while holding it")
    }
}
