//! What a shard counts of its streams, and a census of where its readers stand.
//!
//! Each shard counts in a place of its own, which no other thread writes to, so that counting costs a delivery nothing
//! that could be measured beside its write; whoever asks adds the shards up. Where readers stand is not kept at all: it
//! is looked up when somebody asks.

use std::time::Duration;

use crate::{
    count::{Count, Each, Label},
    live::{Goodbye, Wire},
};

/// How long a shard may take to say where its readers stand: much longer than a walk along a full feed.
pub(super) const PATIENCE: Duration = Duration::from_secs(1);

/// A transport of streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// WebSocket, compressed or not.
    WebSocket,
    /// Server-sent events.
    Sse,
}

/// Why a stream ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parting {
    /// The server said `bye`, for this reason.
    Bye(Goodbye),
    /// The client closed it, or hung up.
    Client,
    /// The client sent what is no WebSocket frame or no text.
    Protocol,
    /// Its socket took nothing for too long.
    Stuck,
    /// Unfinished writes held too much memory, and its own had waited longest.
    Pinned,
    /// A defect of ours.
    Failed,
}

/// What one shard has counted. It has its cache lines to itself.
#[derive(Debug, Default)]
#[repr(align(128))]
pub struct Counts {
    web_socket: Streams,
    sse: Streams,
}

/// What was counted of the streams of one transport.
#[derive(Debug, Default)]
pub struct Streams {
    /// Streams that began.
    pub begun: Count,
    /// Streams that ended, by why.
    pub ended: Each<Parting>,
    /// Readers that came; a stream has one for each feed.
    pub came: Count,
    /// Readers that left.
    pub left: Count,
    /// Changes that were written.
    pub deliveries: Count,
    /// Bytes that sockets took.
    pub bytes: Count,
}

/// Where the readers of a shard stand, all at one moment.
#[derive(Clone, Copy, Debug, Default)]
pub struct Census {
    /// By how many changes the furthest one is behind the head of its feed's window.
    pub furthest: u64,
    /// How many stand before the oldest change of their window.
    pub behind_window: u64,
    /// How many are away to ask the store.
    pub asking: u64,
    /// How many streams have a socket that takes nothing just now.
    pub stuck: u64,
}

impl Transport {
    /// That of a wire.
    pub(super) fn of(wire: Wire) -> Self {
        if wire.is_web_socket() { Self::WebSocket } else { Self::Sse }
    }
}

impl Counts {
    /// What was counted of a transport's streams.
    #[must_use]
    pub fn of(&self, transport: Transport) -> &Streams {
        match transport {
            Transport::WebSocket => &self.web_socket,
            Transport::Sse => &self.sse,
        }
    }
}

impl Streams {
    /// A stream with so many readers begins.
    pub(super) fn begin(&self, readers: usize) {
        self.begun.one();
        self.came.add(readers as u64);
    }

    /// A stream with so many readers has ended.
    pub(super) fn end(&self, readers: usize, why: Parting) {
        self.ended.one(why);
        self.left.add(readers as u64);
    }

    /// A socket took so many bytes, in which so many changes were begun.
    pub(super) fn wrote(&self, bytes: usize, changes: u64) {
        self.bytes.add(bytes as u64);
        self.deliveries.add(changes);
    }

    /// How many streams are open.
    #[must_use]
    pub fn open(&self) -> u64 {
        // Those that began are counted after those that ended: what happens meanwhile makes nobody of nothing.
        let ended: u64 = Parting::all().map(|why| self.ended.get(why)).sum();
        self.begun.get().saturating_sub(ended)
    }

    /// How many readers are open.
    #[must_use]
    pub fn readers(&self) -> u64 {
        let left = self.left.get();
        self.came.get().saturating_sub(left)
    }
}

impl Census {
    /// A reader of a feed with this head stands at `at`, and its window begins after `base`.
    pub(super) fn add(&mut self, at: u64, base: u64, head: u64) {
        self.furthest = self.furthest.max(head.saturating_sub(at));
        self.behind_window += u64::from(at < base);
    }

    /// This one and another together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            furthest: self.furthest.max(other.furthest),
            behind_window: self.behind_window + other.behind_window,
            asking: self.asking + other.asking,
            stuck: self.stuck + other.stuck,
        }
    }
}

impl Label for Transport {
    fn all() -> impl Iterator<Item = Self> {
        [Self::WebSocket, Self::Sse].into_iter()
    }

    fn name(self) -> &'static str {
        match self {
            Self::WebSocket => "websocket",
            Self::Sse => "sse",
        }
    }
}

impl Label for Parting {
    fn all() -> impl Iterator<Item = Self> {
        let ours = [Self::Client, Self::Protocol, Self::Stuck, Self::Pinned, Self::Failed];
        Goodbye::ALL.into_iter().map(Self::Bye).chain(ours)
    }

    fn name(self) -> &'static str {
        match self {
            Self::Bye(why) => why.name(),
            Self::Client => "client",
            Self::Protocol => "protocol",
            Self::Stuck => "stuck",
            Self::Pinned => "pinned",
            Self::Failed => "failed",
        }
    }
}
