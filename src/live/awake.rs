//! One awake feed: its window, and the readers that it wakes.
//!
//! It is listed before it is filled, so that no commit falls between; it is handed to readers only once it is filled.
//! Whoever brings the window up to the store's head holds a lock meanwhile, so that entries are appended in their order.
//! Readers are woken by the bells of those who serve many of them, polls one by one.

use std::sync::{
    Arc, Mutex, MutexGuard,
    atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
};

use tokio::{
    sync::{Notify, OnceCell, futures::Notified},
    time::Instant,
};

use super::{
    bell::{Bell, Number},
    feeds::Feeds,
    filters::{Count, Filters},
    goodbye::Goodbye,
    snapshot::Snapshots,
    window::{CHANGES, Shared, View, Window},
};
use crate::{
    news::{FeedId, Mark, Position, feed::Access},
    store::{FeedState, Lost, StoreError, Witness},
};

/// One awake feed.
#[derive(Debug)]
pub struct Awake {
    /// Its id.
    pub id: FeedId,
    /// Its number among all feeds that ever woke in this process.
    pub number: Number,
    /// Snapshots for new readers.
    pub snapshots: Snapshots,
    /// What open readers want, where that is not everything.
    pub filters: Arc<Filters>,
    /// Whether the feed exists, once that is known.
    exists: OnceCell<bool>,
    /// None until it is filled.
    live: Mutex<Option<Live>>,
    /// Grows with everything that [`Awake::look`] could tell.
    version: AtomicU64,
    wake: Notify,
    bells: Mutex<Vec<Arc<Bell>>>,
    readers: AtomicUsize,
    filling: tokio::sync::Mutex<()>,
    /// Whether the store was asked about a cut that a reader may have noticed.
    witnessed: AtomicBool,
}

#[derive(Debug)]
struct Live {
    window: Window,
    generation: u64,
    /// Why nobody is served from here any more.
    ended: Option<Goodbye>,
    last_read: Instant,
}

/// What a reader sees when it looks: all in one moment.
#[derive(Debug)]
pub struct Look {
    /// How the feed stands.
    pub glance: Glance,
    /// What comes after the position that was asked for.
    pub view: View,
}

/// How a feed stands, whatever a reader's position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Glance {
    /// What [`Awake::version`] was.
    pub version: u64,
    /// The generation of the window.
    pub generation: u64,
    /// Why nobody is served from here any more, if so.
    pub ended: Option<Goodbye>,
    /// Whether everybody may read the feed.
    pub public: bool,
    /// The window's head.
    pub head: Position,
    /// The seq of the oldest change that can be gone on from without the store.
    pub base: u64,
}

/// How far what was read earlier can be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Grows by one with each cut: positions of an older generation are reset.
    pub generation: u64,
    /// The seq of the newest change that took text away from the public, or where the window began.
    pub taken_away: u64,
}

impl Awake {
    pub(super) fn unfilled(id: FeedId, node: Count) -> Arc<Self> {
        static NUMBERS: AtomicU64 = AtomicU64::new(0);
        Arc::new(Self {
            id,
            number: NUMBERS.fetch_add(1, Ordering::Relaxed),
            snapshots: Snapshots::default(),
            filters: Filters::none(node),
            exists: OnceCell::new(),
            live: Mutex::new(None),
            version: AtomicU64::new(0),
            wake: Notify::new(),
            bells: Mutex::default(),
            readers: AtomicUsize::new(0),
            filling: tokio::sync::Mutex::default(),
            witnessed: AtomicBool::new(false),
        })
    }

    /// Fills the window, once, for all who wait for it. False: there is no such feed.
    pub(super) async fn fill(&self, feeds: &Feeds) -> Result<bool, StoreError> {
        let exists = self.exists.get_or_try_init(async || {
            let Some(state) = feeds.store.feed(&self.id).await? else { return Ok::<_, StoreError>(false) };
            let oldest = state.head.seq.saturating_sub(CHANGES as u64).max(state.floor).max(state.cut);
            let base = feeds.store.position(&self.id, oldest).await?.unwrap_or(state.head);
            let window = Window::begin(state, base);
            *self.lock() = Some(Live { window, generation: 0, ended: None, last_read: Instant::now() });
            // From here on the follower fetches what it is told of; what was committed before is fetched now.
            self.bring_up(feeds).await?;
            Ok(true)
        });
        exists.await.copied()
    }

    /// What comes after a position.
    #[must_use]
    pub fn look(&self, after: Position) -> Look {
        self.with(|live| {
            live.last_read = Instant::now();
            Look { glance: self.glance_at(live), view: live.window.after(after) }
        })
    }

    /// How the feed stands.
    #[must_use]
    pub fn glance(&self) -> Glance {
        self.with(|live| {
            live.last_read = Instant::now();
            self.glance_at(live)
        })
    }

    fn glance_at(&self, live: &Live) -> Glance {
        Glance {
            version: self.version(),
            generation: live.generation,
            ended: live.ended,
            public: live.window.state().feed.access == Access::Public,
            head: live.window.head(),
            base: live.window.base().seq,
        }
    }

    /// As long as this stays the same, another look tells the same.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    /// The feed's state as this node knows it.
    #[must_use]
    pub fn state(&self) -> FeedState {
        self.with(|live| live.window.state().clone())
    }

    /// Whether everybody may read the feed, as far as this node knows.
    #[must_use]
    pub fn is_public(&self) -> bool {
        self.with(|live| live.window.state().feed.access == Access::Public)
    }

    /// How far what was read earlier can be trusted.
    #[must_use]
    pub fn standing(&self) -> Standing {
        self.with(|live| Standing { generation: live.generation, taken_away: live.window.taken_away() })
    }

    /// The newest changes as far as they are held here, newest first, and the head that they lead to.
    #[must_use]
    pub fn newest(&self) -> (Position, Vec<Arc<Shared>>) {
        self.with(|live| (live.window.head(), live.window.newest().cloned().collect()))
    }

    /// Wakes with the next change of anything that [`Awake::look`] tells, even if that comes before it is awaited.
    pub fn woken(&self) -> Notified<'_> {
        self.wake.notified()
    }

    /// Wakes every reader of this feed, to look again.
    pub fn wake(&self) {
        self.wake.notify_waiters();
        self.bells().iter().for_each(|bell| bell.ring_for(self.number));
    }

    /// From here on this bell is rung when [`Awake::look`] may tell something new.
    pub fn attach(&self, bell: &Arc<Bell>) {
        self.bells().push(bell.clone());
    }

    /// This bell is rung no more.
    pub fn detach(&self, bell: &Arc<Bell>) {
        self.bells().retain(|attached| !Arc::ptr_eq(attached, bell));
    }

    fn bells(&self) -> MutexGuard<'_, Vec<Arc<Bell>>> {
        self.bells.lock().expect("nothing panics while holding it")
    }

    /// Counts a reader for as long as the returned guard lives.
    #[must_use]
    pub fn enter(self: &Arc<Self>) -> Here {
        self.readers.fetch_add(1, Ordering::Relaxed);
        Here(self.clone())
    }

    /// How many readers are open.
    #[must_use]
    pub fn readers(&self) -> usize {
        self.readers.load(Ordering::Relaxed)
    }

    /// Brings the window up to the store's head. Where the store no longer has the window's head, that is a cut: it is
    /// told to the store, and a new generation begins. What is not filled yet is left alone.
    ///
    /// # Errors
    /// The store is away, or the feed cannot be read; the window stays as far as it came.
    pub async fn bring_up(&self, feeds: &Feeds) -> Result<(), StoreError> {
        if self.lock().is_none() {
            return Ok(());
        }
        let _filling = self.filling.lock().await;
        loop {
            match feeds.store.log(&self.id, self.state().head).await? {
                Ok(log) => {
                    let (head, came) = (log.state.head, !log.entries.is_empty());
                    // What a feed wakes with is older than the feed's being followed here.
                    if self.is_filled() {
                        feeds.numbers.follow(&log.entries, feeds.store.now());
                    }
                    let reached = self.change(|live| {
                        live.window.append(log.entries, log.state);
                        live.window.head() == head
                    });
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
        match feeds.store.feed(&self.id).await? {
            None => {
                tracing::warn!(feed = %self.id, "the feed is gone: its readers are told");
                self.end(Goodbye::Gone);
            }
            Some(state) => {
                // Nothing from before is good any more: the new window begins at the head.
                let head = state.head;
                self.change(|live| {
                    live.window = Window::begin(state, head);
                    live.generation += u64::from(lost != Lost::Trimmed);
                });
                self.snapshots.forget();
                self.wake();
            }
        }
        Ok(())
    }

    /// Serves nobody from here any more; every reader is told why.
    pub fn end(&self, why: Goodbye) {
        self.change(|live| live.ended = Some(why));
        self.snapshots.forget();
        self.wake();
    }

    /// Whether the store was asked about a cut that a reader of this feed may have noticed.
    pub(super) fn has_witness(&self) -> bool {
        self.witnessed.load(Ordering::Relaxed)
    }

    /// The store was asked.
    pub(super) fn witnessed(&self) {
        self.witnessed.store(true, Ordering::Relaxed);
    }

    /// Whether it is filled and can be handed out.
    pub(super) fn is_filled(&self) -> bool {
        self.exists.get() == Some(&true)
    }

    /// Whether nobody is served from here any more.
    pub(super) fn ended(&self) -> bool {
        self.lock().as_ref().is_some_and(|live| live.ended.is_some())
    }

    /// When somebody last looked; none before it is filled.
    pub(super) fn last_read(&self) -> Option<Instant> {
        self.lock().as_ref().map(|live| live.last_read)
    }

    /// Roughly how many bytes the window holds.
    #[must_use]
    pub fn weight(&self) -> usize {
        self.lock().as_ref().map_or(0, |live| live.window.weight())
    }

    /// How many changes the window has.
    #[must_use]
    pub fn changes(&self) -> usize {
        self.lock().as_ref().map_or(0, |live| live.window.changes())
    }

    /// Gives up the older half of the window.
    pub(super) fn shrink(&self) {
        if self.lock().is_some() {
            self.change(|live| live.window.shrink());
        }
    }

    fn change<T>(&self, change: impl FnOnce(&mut Live) -> T) -> T {
        self.with(|live| {
            let changed = change(live);
            self.version.fetch_add(1, Ordering::Release);
            changed
        })
    }

    fn with<T>(&self, look: impl FnOnce(&mut Live) -> T) -> T {
        look(self.lock().as_mut().expect("a feed is handed out, and followed, once it is filled"))
    }

    fn lock(&self) -> MutexGuard<'_, Option<Live>> {
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
