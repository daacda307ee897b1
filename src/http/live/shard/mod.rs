//! Shards: who holds the sockets of streams, one thread for each core.
//!
//! A socket comes here once its request was routed, authorised and answered, and stays until it closes. A commit wakes
//! each shard once, however many readers it has; the shard then walks the readers of that feed and writes to each socket
//! what comes after its reader's position. [`serve`] is the loop, [`connection`] one socket, [`speech`] what it
//! says next, [`wheel`] all timers, [`departure`] who leaves when.
//!
//! A reader here is its socket, its filter and its position, and what is left of a frame whose write stopped half-way:
//! no task, no channel, no timer and no buffer. What must wait for the store ([`crate::live::Step::Ask`]) is asked by a
//! short task that has the reader meanwhile, and brings it back. What a shard counts ([`counts`]) is its own, and where its
//! readers stand it says when it is asked.

mod ahead;
mod connection;
pub mod counts;
mod departure;
mod pinned;
#[cfg(test)]
mod rehearsal;
mod serve;
mod speech;
mod wheel;

use std::{
    io,
    num::NonZeroUsize,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
};

use bytes::Bytes;
use futures_util::future::join_all;
use mio::{Poll, Token, Waker};
use tokio::{sync::Notify, time::timeout};

use super::Walk;
use crate::live::{Feeds, Reader, Turn, bell::Bell, drain::Staying};
use counts::{Census, Counts};
use pinned::Pinned;

/// The event of a shard's bell; sockets have the numbers below.
const BELL: Token = Token(usize::MAX);

/// All shards of a node. Clones are the same shards.
#[derive(Clone, Debug)]
pub struct Shards {
    posts: Arc<[Arc<Post>]>,
    next: Arc<AtomicUsize>,
    feeds: Arc<Feeds>,
    pinned: Arc<Pinned>,
}

/// A stream that begins: its socket, and what was agreed on.
#[derive(Debug)]
pub struct Arrival {
    /// The socket, which does not block.
    pub socket: std::net::TcpStream,
    /// What the client sent after its request.
    pub read: Bytes,
    /// The head of the response, which is not written yet.
    pub head: Bytes,
    /// What is walked.
    pub walk: Walk,
}

/// What is left for a shard to find when its bell has rung, and what it leaves for others. Neither list outgrows the
/// readers there are.
#[derive(Debug)]
struct Post {
    bell: Arc<Bell>,
    arrivals: Mutex<Vec<(Arrival, Staying)>>,
    brought: Mutex<Vec<Brought>>,
    counts: Counts,
    /// Whether somebody has asked for a census since the last one.
    asked: AtomicBool,
    census: Mutex<Census>,
    taken: Notify,
}

impl Post {
    fn of(bell: Bell) -> Self {
        Self {
            bell: Arc::new(bell),
            arrivals: Mutex::default(),
            brought: Mutex::default(),
            counts: Counts::default(),
            asked: AtomicBool::new(false),
            census: Mutex::default(),
            taken: Notify::new(),
        }
    }
}

/// A reader that was away to ask the store.
#[derive(Debug)]
struct Brought {
    slot: u32,
    serial: u64,
    seat: usize,
    /// None where asking panicked.
    reader: Option<Box<(Reader, Turn)>>,
}

impl Shards {
    /// Starts one for each core. They live as long as the process; the drain waits for their connections.
    ///
    /// # Errors
    /// The system has no thread or no file for one.
    pub fn start(feeds: &Arc<Feeds>) -> io::Result<Self> {
        let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let pinned = Arc::new(Pinned::default());
        let mut posts = Vec::with_capacity(cores);
        for number in 0..cores {
            let poll = Poll::new()?;
            let waker = Waker::new(poll.registry(), BELL)?;
            let bell = Bell::new(move || {
                // It fails only where the shard is gone, and that ends with the process.
                if let Err(error) = waker.wake() {
                    tracing::error!(%error, "a shard could not be woken");
                }
            });
            let post = Arc::new(Post::of(bell));
            posts.push(post.clone());
            let (feeds, pinned, runtime) = (feeds.clone(), pinned.clone(), tokio::runtime::Handle::current());
            thread::Builder::new().name(format!("shard-{number}")).spawn(move || {
                let _runtime = runtime.enter();
                serve::forever(poll, &post, &feeds, &pinned);
            })?;
        }
        let shards = Self { posts: posts.into(), next: Arc::default(), feeds: feeds.clone(), pinned };
        let (leaving, told) = (feeds.drain.clone(), shards.clone());
        feeds.drain.spawn(async move {
            leaving.begun().await;
            told.posts.iter().for_each(|post| post.bell.ring());
            leaving.left().await;
            told.posts.iter().for_each(|post| post.bell.ring());
        });
        Ok(shards)
    }

    /// Hands a stream to one of them, each in its turn.
    pub fn seat(&self, arrival: Arrival) {
        let post = &self.posts[self.next.fetch_add(1, Ordering::Relaxed) % self.posts.len()];
        let staying = self.feeds.drain.stay();
        post.arrivals.lock().expect("nothing panics while holding it").push((arrival, staying));
        post.bell.ring();
    }

    /// What each has counted.
    pub fn counts(&self) -> impl Iterator<Item = &Counts> {
        self.posts.iter().map(|post| &post.counts)
    }

    /// How many bytes unfinished writes hold.
    #[must_use]
    pub fn pinned_bytes(&self) -> usize {
        self.pinned.bytes()
    }

    /// Asks each where its readers stand now, and returns how many did not say within a second.
    pub async fn take_census(&self) -> usize {
        let answers = self.posts.iter().map(|post| {
            // Before it is asked, so that the answer is not missed.
            let taken = post.taken.notified();
            post.asked.store(true, Ordering::Release);
            post.bell.ring();
            timeout(counts::PATIENCE, taken)
        });
        join_all(answers).await.iter().filter(|answer| answer.is_err()).count()
    }

    /// Where readers stood at the last census.
    #[must_use]
    pub fn census(&self) -> Census {
        let censuses = self.posts.iter().map(|post| *post.census.lock().expect("nothing panics while holding it"));
        censuses.fold(Census::default(), Census::and)
    }
}

/// A task that asks for a reader, and brings it back whatever happens.
struct Errand {
    post: Arc<Post>,
    brought: Option<Brought>,
}

impl Errand {
    async fn ask(mut self, mut reader: Reader) {
        let turn = reader.ask().await;
        if let Some(brought) = &mut self.brought {
            brought.reader = Some(Box::new((reader, turn)));
        }
    }
}

impl Drop for Errand {
    fn drop(&mut self) {
        if let Some(brought) = self.brought.take() {
            self.post.brought.lock().expect("nothing panics while holding it").push(brought);
            self.post.bell.ring();
        }
    }
}
