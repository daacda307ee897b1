//! The feeds that are awake on this node: those that somebody reads, or did until a short while ago.
//!
//! A feed wakes by one shared read of the store, however many readers arrive at once, and goes to sleep when nobody
//! has read it for a while. Names of feeds that do not exist leave nothing behind here.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{
    sync::{Notify, Semaphore, futures::Notified},
    time::Instant,
};

use super::{
    drain::Drain,
    freshness::Freshness,
    snapshot::Snapshots,
    window::{CHANGES, View, Window},
};
use crate::{
    news::{FeedId, Mark, Position},
    store::{FeedState, Lost, SharedStore, StoreError, Witness},
};

/// How long a feed without readers stays awake.
const ASLEEP_AFTER: Duration = Duration::from_secs(600);

/// How many bytes all windows together hold; beyond that, the least recently read lose their older halves.
const WINDOWS_BYTES: usize = 512 * 1024 * 1024;

/// How many reads for readers behind their window may be at the store at once. The slot is given back after each page.
const READS_AT_ONCE: usize = 32;

/// All awake feeds of this node.
#[derive(Debug)]
pub struct Feeds {
    awake: Mutex<HashMap<FeedId, Arc<Awake>>>,
    /// Waking is done by one at a time for each feed, and rarely: one lock for all keeps it plain.
    waking: tokio::sync::Mutex<()>,
    /// Where everything is kept.
    pub store: SharedStore,
    /// When this node last confirmed what it holds.
    pub freshness: Freshness,
    /// Who is told to leave, and when.
    pub drain: Drain,
    /// The slots of reads behind windows.
    pub reads: Semaphore,
}

/// One awake feed.
#[derive(Debug)]
pub struct Awake {
    /// Its id.
    pub id: FeedId,
    /// Snapshots for new readers.
    pub snapshots: Snapshots,
    live: Mutex<Live>,
    wake: Notify,
    readers: AtomicUsize,
    /// Held by whoever brings the window up to the store's head, so that entries are appended in their order.
    filling: tokio::sync::Mutex<()>,
}

#[derive(Debug)]
struct Live {
    window: Window,
    /// Grows by one with each cut: readers of an older generation are reset.
    generation: u64,
    gone: bool,
    last_read: Instant,
}

/// What a reader sees when it looks: all in one moment.
#[derive(Debug)]
pub struct Look {
    /// The generation of the window.
    pub generation: u64,
    /// Whether the feed no longer exists.
    pub gone: bool,
    /// The window's head.
    pub head: Position,
    /// What comes after the position that was asked for.
    pub view: View,
}

impl Feeds {
    /// No feed is awake yet.
    #[must_use]
    pub fn asleep(store: SharedStore, drain: Drain) -> Arc<Self> {
        Arc::new(Self {
            awake: Mutex::default(),
            waking: tokio::sync::Mutex::default(),
            freshness: Freshness::unconfirmed(store.now()),
            reads: Semaphore::new(READS_AT_ONCE),
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
        let _waking = self.waking.lock().await;
        if let Some(awake) = self.awake(id) {
            return Ok(Some(awake));
        }
        let Some(state) = self.store.feed(id).await? else { return Ok(None) };
        let oldest = state.head.seq.saturating_sub(CHANGES as u64).max(state.floor).max(state.cut);
        let base = self.store.position(id, oldest).await?.unwrap_or(state.head);
        let awake = Arc::new(Awake::begin(id.clone(), Window::begin(state, base)));
        // It is filled after it is listed, so that no commit falls between that read and the first one told of.
        self.all().insert(id.clone(), awake.clone());
        let filled = awake.bring_up(self).await;
        if filled.is_err() {
            self.all().remove(id);
        }
        filled.map(|()| Some(awake))
    }

    /// The feed if it is awake.
    #[must_use]
    pub fn awake(&self, id: &FeedId) -> Option<Arc<Awake>> {
        self.all().get(id).filter(|awake| !awake.live().gone).cloned()
    }

    /// Every awake feed.
    #[must_use]
    pub fn every(&self) -> Vec<Arc<Awake>> {
        self.all().values().cloned().collect()
    }

    /// How many readers are open on a feed at this node.
    #[must_use]
    pub fn readers(&self, id: &FeedId) -> usize {
        self.awake(id).map_or(0, |awake| awake.readers.load(Ordering::Relaxed))
    }

    /// Puts to sleep what nobody reads, forgets what is gone, and keeps the windows within their memory.
    pub fn tidy(&self) {
        let mut all = self.all();
        all.retain(|_, awake| {
            let live = awake.live();
            let in_use = awake.readers.load(Ordering::Relaxed) > 0 || Arc::strong_count(awake) > 1;
            !live.gone && (in_use || live.last_read.elapsed() < ASLEEP_AFTER)
        });
        let mut by_use: Vec<_> = all.values().cloned().collect();
        drop(all);
        let mut weight: usize = by_use.iter().map(|awake| awake.live().window.weight()).sum();
        by_use.sort_by_key(|awake| awake.live().last_read);
        for awake in by_use {
            if weight <= WINDOWS_BYTES {
                break;
            }
            let mut live = awake.live();
            weight -= live.window.weight();
            live.window.shrink();
            weight += live.window.weight();
        }
    }

    fn all(&self) -> MutexGuard<'_, HashMap<FeedId, Arc<Awake>>> {
        self.awake.lock().expect("nothing panics while holding it")
    }
}

impl Awake {
    fn begin(id: FeedId, window: Window) -> Self {
        Self {
            id,
            snapshots: Snapshots::default(),
            live: Mutex::new(Live { window, generation: 0, gone: false, last_read: Instant::now() }),
            wake: Notify::new(),
            readers: AtomicUsize::new(0),
            filling: tokio::sync::Mutex::default(),
        }
    }

    /// What comes after a position.
    #[must_use]
    pub fn look(&self, after: Position) -> Look {
        let mut live = self.live();
        live.last_read = Instant::now();
        let (generation, gone) = (live.generation, live.gone);
        Look { generation, gone, head: live.window.head(), view: live.window.after(after) }
    }

    /// The feed's state as this node knows it.
    #[must_use]
    pub fn state(&self) -> FeedState {
        self.live().window.state().clone()
    }

    /// The window's generation, and the newest change in it that took text away.
    #[must_use]
    pub fn taken_away(&self) -> (u64, u64) {
        let live = self.live();
        (live.generation, live.window.taken_away())
    }

    /// Wakes with the next change of anything that [`Awake::look`] tells, even if that comes before it is awaited.
    pub fn woken(&self) -> Notified<'_> {
        self.wake.notified()
    }

    /// Wakes every reader of this feed, to look again.
    pub fn wake(&self) {
        self.wake.notify_waiters();
    }

    /// Counts a reader for as long as the returned guard lives.
    #[must_use]
    pub fn enter(self: &Arc<Self>) -> Here {
        self.readers.fetch_add(1, Ordering::Relaxed);
        Here(self.clone())
    }

    /// Brings the window up to the store's head. Where the store no longer has the window's head, that is a cut: it is
    /// told to the store, and a new generation begins.
    ///
    /// # Errors
    /// The store is away; the window stays as far as it came.
    pub async fn bring_up(&self, feeds: &Feeds) -> Result<(), StoreError> {
        let _filling = self.filling.lock().await;
        loop {
            match feeds.store.log(&self.id, self.state().head).await? {
                Ok(log) => {
                    let (state, came) = (log.state.clone(), !log.entries.is_empty());
                    let mut live = self.live();
                    live.window.append(log.entries, log.state);
                    let reached = live.window.head() == state.head;
                    drop(live);
                    if came {
                        self.wake();
                    }
                    if reached || !came {
                        return Ok(());
                    }
                }
                Err(lost) => return self.begin_anew(feeds, lost).await,
            }
        }
    }

    /// The store does not go on from the window's head.
    async fn begin_anew(&self, feeds: &Feeds, lost: Lost) -> Result<(), StoreError> {
        let known = self.state();
        if lost == Lost::Changed {
            let told = feeds.store.cut(&self.id, Some(known.cut), Witness::Follower, Mark::random()).await?;
            tracing::warn!(feed = %self.id, held = %known.head, told, "the store went back in time: readers are reset");
        }
        let state = feeds.store.feed(&self.id).await?;
        let mut live = self.live();
        match state {
            None => {
                tracing::warn!(feed = %self.id, "the feed is gone: its readers are told");
                live.gone = true;
            }
            Some(state) => {
                // Nothing from before is good any more: the new window begins at the head.
                let head = state.head;
                live.window = Window::begin(state, head);
                live.generation += u64::from(lost != Lost::Trimmed);
            }
        }
        drop(live);
        self.snapshots.forget();
        self.wake();
        Ok(())
    }

    fn live(&self) -> MutexGuard<'_, Live> {
        self.live.lock().expect("nothing panics while holding it")
    }
}

/// An open reader, counted until it is dropped.
#[derive(Debug)]
pub struct Here(Arc<Awake>);

impl Drop for Here {
    fn drop(&mut self) {
        self.0.readers.fetch_sub(1, Ordering::Relaxed);
    }
}
