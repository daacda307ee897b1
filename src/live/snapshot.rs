//! Snapshots: the newest items of a feed, from which a new reader's walk begins.
//!
//! A snapshot is read once and shared by all who come within a short while, since each walks on from its position. A
//! change that takes text away makes all older ones unusable at once. What is read while such a change is committed is
//! read again.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, OnceLock},
    time::Duration,
};

use bytes::Bytes;
use tokio::time::Instant;

use super::{
    feeds::{Awake, Feeds},
    message::Message,
    wire::Wire,
};
use crate::{
    news::{Cursor, Position, Record},
    store::StoreError,
};

/// The sizes that a reader can start with; what is asked for is rounded up.
pub const SIZES: [usize; 4] = [10, 50, 200, 500];
/// The size for a reader that names none.
pub const DEFAULT_SIZE: usize = 50;

/// How old a snapshot may be, in time and in changes.
const OLD: Duration = Duration::from_secs(2);
const OLD_CHANGES: u64 = 200;

/// How many bytes of items one page holds at most, unless a single item is larger.
const PAGE_BYTES: usize = 256 * 1024;
/// How many bytes of items a snapshot holds before it ends early, with `before` where it stopped.
const SNAPSHOT_BYTES: usize = 8 * 1024 * 1024;
/// How often a snapshot is read again because text was taken away meanwhile, before the reader is asked to come back.
const TRIES: usize = 5;

/// The pages of one snapshot, encoded once per wire.
#[derive(Debug)]
pub struct Snapshot {
    /// Where the reader stands once it has the pages.
    pub position: Position,
    generation: u64,
    taken: Instant,
    pages: Vec<Message>,
    web_socket: OnceLock<Vec<Bytes>>,
    sse: OnceLock<Vec<Bytes>>,
}

impl Snapshot {
    /// The pages on a wire.
    #[must_use]
    pub fn on(&self, wire: Wire) -> Vec<Bytes> {
        let encoded = match wire {
            Wire::WebSocket => &self.web_socket,
            Wire::Sse => &self.sse,
        };
        encoded.get_or_init(|| self.pages.iter().map(|page| page.on(wire)).collect()).clone()
    }

    /// The generation of the window that the position belongs to.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.generation
    }

    fn usable(&self, awake: &Awake) -> bool {
        let (generation, taken_away) = awake.taken_away();
        let position = self.position.seq;
        generation == self.generation
            && taken_away <= position
            && awake.state().head.seq.saturating_sub(position) <= OLD_CHANGES
            && self.taken.elapsed() <= OLD
    }
}

/// The snapshots of one feed, by size.
#[derive(Debug, Default)]
pub struct Snapshots {
    kept: Mutex<HashMap<usize, Arc<Snapshot>>>,
    /// Held by the one who reads, so that all who wait share its read.
    reading: tokio::sync::Mutex<()>,
}

impl Snapshots {
    /// A snapshot of at least `least` items ([`SIZES`]; more than the largest is the largest). None: there is no such
    /// feed any more.
    ///
    /// # Errors
    /// The store is away, or text was taken away again and again while it was read.
    pub async fn of(&self, awake: &Awake, feeds: &Feeds, least: usize) -> Result<Option<Arc<Snapshot>>, StoreError> {
        let size = SIZES.into_iter().find(|size| *size >= least).unwrap_or(SIZES[SIZES.len() - 1]);
        if let Some(snapshot) = self.kept(awake, size) {
            return Ok(Some(snapshot));
        }
        let _reading = self.reading.lock().await;
        if let Some(snapshot) = self.kept(awake, size) {
            return Ok(Some(snapshot));
        }
        for _ in 0..TRIES {
            let Some(snapshot) = read(awake, feeds, size).await? else { return Ok(None) };
            let snapshot = Arc::new(snapshot);
            if snapshot.usable(awake) {
                self.all().insert(size, snapshot.clone());
                return Ok(Some(snapshot));
            }
        }
        Err(StoreError::Unavailable("items were taken away faster than a snapshot could be read".to_owned()))
    }

    /// Gives up all snapshots.
    pub fn forget(&self) {
        self.all().clear();
    }

    fn kept(&self, awake: &Awake, size: usize) -> Option<Arc<Snapshot>> {
        let mut all = self.all();
        // Those that are too old go now, so that an idle feed does not hold them.
        all.retain(|_, snapshot| snapshot.usable(awake));
        all.get(&size).cloned()
    }

    fn all(&self) -> std::sync::MutexGuard<'_, HashMap<usize, Arc<Snapshot>>> {
        self.kept.lock().expect("nothing panics while holding it")
    }
}

/// Reads a snapshot page by page; its position is the head at the first page's read.
async fn read(awake: &Awake, feeds: &Feeds, size: usize) -> Result<Option<Snapshot>, StoreError> {
    let (generation, _) = awake.taken_away();
    let taken = Instant::now();
    let (mut position, mut before, mut left) = (None, None, size);
    let mut pages = Pages::default();
    loop {
        let Some(page) = feeds.store.page(&awake.id, before, left).await? else { return Ok(None) };
        let position = *position.get_or_insert(page.state.head);
        let now = feeds.store.now();
        let public = |record: &Record| record.public(&awake.id, now);
        page.pinned.iter().map(public).for_each(|item| pages.add(item));
        page.items.iter().map(public).for_each(|item| pages.add(item));
        left = left.saturating_sub(page.items.len());
        before = page.before;
        if left == 0 || before.is_none() || pages.bytes > SNAPSHOT_BYTES {
            let pages = pages.end(awake, position, before);
            let (web_socket, sse) = (OnceLock::new(), OnceLock::new());
            return Ok(Some(Snapshot { position, generation, taken, pages, web_socket, sse }));
        }
    }
}

/// Items, split into pages.
#[derive(Default)]
struct Pages {
    full: Vec<Vec<String>>,
    last: Vec<String>,
    last_bytes: usize,
    bytes: usize,
}

impl Pages {
    fn add(&mut self, item: String) {
        if !self.last.is_empty() && self.last_bytes + item.len() > PAGE_BYTES {
            self.full.push(std::mem::take(&mut self.last));
            self.last_bytes = 0;
        }
        self.last_bytes += item.len();
        self.bytes += item.len();
        self.last.push(item);
    }

    fn end(self, awake: &Awake, position: Position, before: Option<Cursor>) -> Vec<Message> {
        let mut messages: Vec<_> = self.full.iter().map(|items| Message::snapshot(&awake.id, items, None)).collect();
        messages.push(Message::snapshot(&awake.id, &self.last, Some((position, before))));
        messages
    }
}
