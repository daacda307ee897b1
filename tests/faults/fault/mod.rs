//! What can break, one file each. A fault is fired in the middle of publishing, ends by itself, and proves in words that
//! it happened: by what the broken thing says of itself, never by the code that broke it having run.

mod clock;
mod cut_off;
mod disk_full;
mod file_read_only;
mod flushed;
mod master_lost;
mod node_killed;
mod older_copy;
mod out_of_memory;
mod packets_lost;
mod read_only;
mod readers_torn;
mod redis_asleep;
mod redis_killed;
mod redis_slow;
mod redis_stopped;
mod second_server;
mod slow_readers;
mod torn_log;

pub(crate) use file_read_only::can_seal;
pub(crate) use node_killed::KILLS;
use tokio::time::Instant;

use crate::{
    link::Way,
    support::dice::Dice,
    world::{Kept, Word, World, until},
};

/// A fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fault {
    NodeKilled,
    ServerKilled,
    RedisKilled,
    MasterLost,
    CutOffBriefly,
    CutOffLong,
    CutOffFromRedis,
    CutOffToRedis,
    PacketsLost,
    RedisSlow,
    RedisAsleep,
    RedisStopped,
    OutOfMemory,
    ReadOnlyReplica,
    TooFewReplicas,
    Flushed,
    OlderCopy,
    Clock,
    ReadersTorn,
    SlowReaders,
    DiskFull,
    FileSealed,
    FileReadOnly,
    LogTorn,
    LogCutShort,
    SecondServer,
}

/// What a fault breaks. Two that break the same thing happen one after the other, others at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layer {
    Store,
    Wire,
    Node,
    Reader,
}

/// A fault that happened.
#[derive(Clone, Debug)]
pub(crate) struct Fired {
    pub(crate) fault: Fault,
    /// What shows that it did.
    pub(crate) proof: String,
    pub(crate) began: Instant,
    /// When what was broken was whole again.
    pub(crate) ended: Instant,
    /// Which nodes could not reach their store between the two.
    pub(crate) away: Vec<usize>,
    /// From when on the store was there without what it had lost.
    pub(crate) lost_at: Option<Instant>,
}

impl Fault {
    pub(crate) const ALL: [Self; 26] = [
        Self::NodeKilled,
        Self::ServerKilled,
        Self::RedisKilled,
        Self::MasterLost,
        Self::CutOffBriefly,
        Self::CutOffLong,
        Self::CutOffFromRedis,
        Self::CutOffToRedis,
        Self::PacketsLost,
        Self::RedisSlow,
        Self::RedisAsleep,
        Self::RedisStopped,
        Self::OutOfMemory,
        Self::ReadOnlyReplica,
        Self::TooFewReplicas,
        Self::Flushed,
        Self::OlderCopy,
        Self::Clock,
        Self::ReadersTorn,
        Self::SlowReaders,
        Self::DiskFull,
        Self::FileSealed,
        Self::FileReadOnly,
        Self::LogTorn,
        Self::LogCutShort,
        Self::SecondServer,
    ];

    /// What the tables call it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::NodeKilled => "node killed (-9) and started again",
            Self::ServerKilled => "the server on SQLite killed (-9) 20 times at any moment, and started again",
            Self::RedisKilled => "Redis killed (-9) and started again",
            Self::MasterLost => "Redis' master killed (-9), its replica promoted by Sentinels",
            Self::CutOffBriefly => "node cut off from Redis, for less than every timeout",
            Self::CutOffLong => "node cut off from Redis, for longer than every timeout",
            Self::CutOffFromRedis => "nothing comes from Redis to a node, for longer than every timeout",
            Self::CutOffToRedis => "nothing goes from a node to Redis, for longer than every timeout",
            Self::PacketsLost => "node in a network of its own, which loses all packets to Redis, from it, or both",
            Self::RedisSlow => "Redis slow: each reply late",
            Self::RedisAsleep => "Redis busy (`DEBUG SLEEP`)",
            Self::RedisStopped => "Redis stopped (`SIGSTOP`)",
            Self::OutOfMemory => "Redis out of memory (`noeviction`)",
            Self::ReadOnlyReplica => "Redis read-only (`REPLICAOF`)",
            Self::TooFewReplicas => "Redis read-only (`min-replicas-to-write`)",
            Self::Flushed => "Redis emptied (`FLUSHALL`)",
            Self::OlderCopy => "Redis restored from an older RDB",
            Self::Clock => "a node's clock 10 minutes ahead, or behind, and right again",
            Self::ReadersTorn => "readers' connections cut in the middle of a message",
            Self::SlowReaders => "slow readers take nothing",
            Self::DiskFull => "disk full",
            Self::FileSealed => "SQLite's files sealed while open (`chattr +i`)",
            Self::FileReadOnly => "SQLite's file read-only at a start",
            Self::LogTorn => "killed, with half a page at the end of SQLite's log",
            Self::LogCutShort => "killed, with the last pages of SQLite's log torn off",
            Self::SecondServer => "a second server on the same SQLite file",
        }
    }

    /// On which stores it can happen.
    pub(crate) fn stores(self) -> &'static [Kept] {
        match self {
            Self::NodeKilled
            | Self::CutOffBriefly
            | Self::CutOffLong
            | Self::CutOffFromRedis
            | Self::CutOffToRedis
            | Self::RedisSlow => &[Kept::Always, Kept::EverySecond, Kept::Sentinels, Kept::Acknowledged],
            Self::Clock | Self::ReadersTorn | Self::SlowReaders => {
                &[Kept::Sqlite, Kept::Always, Kept::EverySecond, Kept::Sentinels, Kept::Acknowledged]
            }
            Self::MasterLost => &[Kept::Sentinels, Kept::Acknowledged],
            Self::ServerKilled
            | Self::DiskFull
            | Self::FileSealed
            | Self::FileReadOnly
            | Self::LogTorn
            | Self::LogCutShort
            | Self::SecondServer => &[Kept::Sqlite],
            _ => &[Kept::Always, Kept::EverySecond],
        }
    }

    /// What that store then keeps of what was written to it.
    pub(crate) fn leaves(self, kept: Kept) -> Word {
        match self {
            Self::MasterLost if kept == Kept::Acknowledged => Word::KeptToEditors,
            Self::Flushed | Self::OlderCopy | Self::LogCutShort | Self::MasterLost => Word::Broken,
            Self::RedisKilled if kept == Kept::EverySecond => Word::Broken,
            _ => Word::Kept,
        }
    }

    /// What it breaks.
    pub(crate) fn layer(self) -> Layer {
        match self {
            Self::CutOffBriefly
            | Self::CutOffLong
            | Self::CutOffFromRedis
            | Self::CutOffToRedis
            | Self::PacketsLost
            | Self::RedisSlow => Layer::Wire,
            Self::NodeKilled | Self::Clock => Layer::Node,
            Self::ReadersTorn | Self::SlowReaders => Layer::Reader,
            _ => Layer::Store,
        }
    }

    /// Makes it happen, from its beginning to its end.
    pub(crate) async fn fire(self, world: &World, dice: &mut Dice) -> Fired {
        match self {
            Self::NodeKilled => node_killed::once(world, dice).await,
            Self::ServerKilled => node_killed::often(world, dice).await,
            Self::RedisKilled => redis_killed::fire(world, dice).await,
            Self::MasterLost => master_lost::fire(world, dice).await,
            Self::CutOffBriefly => cut_off::briefly(world, dice).await,
            Self::CutOffLong => cut_off::long(world, dice, self, &[Way::Up, Way::Down]).await,
            Self::CutOffFromRedis => cut_off::long(world, dice, self, &[Way::Down]).await,
            Self::CutOffToRedis => cut_off::long(world, dice, self, &[Way::Up]).await,
            Self::PacketsLost => packets_lost::fire(world, dice).await,
            Self::RedisSlow => redis_slow::fire(world, dice).await,
            Self::RedisAsleep => redis_asleep::fire(world, dice).await,
            Self::RedisStopped => redis_stopped::fire(world, dice).await,
            Self::OutOfMemory => out_of_memory::fire(world).await,
            Self::ReadOnlyReplica => read_only::replica(world).await,
            Self::TooFewReplicas => read_only::alone(world).await,
            Self::Flushed => flushed::fire(world, dice).await,
            Self::OlderCopy => older_copy::fire(world, dice).await,
            Self::Clock => clock::fire(world, dice).await,
            Self::ReadersTorn => readers_torn::fire(world).await,
            Self::SlowReaders => slow_readers::fire(world).await,
            Self::DiskFull => disk_full::fire(world, dice).await,
            Self::FileSealed => file_read_only::sealed(world).await,
            Self::FileReadOnly => file_read_only::at_a_start(world).await,
            Self::LogTorn => torn_log::torn(world).await,
            Self::LogCutShort => torn_log::cut_short(world, dice).await,
            Self::SecondServer => second_server::fire(world).await,
        }
    }
}

/// Waits until editors were refused a few times since then, and says with which words.
async fn refused(world: &World, since: Instant) -> String {
    let refusals = || world.record.refusals(since).into_iter().filter(|refusal| refusal.status == Some(503));
    until("editors are refused", async || refusals().count() >= 3).await;
    let words = refusals().next().map(|refusal| refusal.words).unwrap_or_default();
    let problem: serde_json::Value = serde_json::from_str(&words).unwrap_or_default();
    format!("editors were refused: 503 {}", problem["code"])
}

/// Waits until a node says that it is not ready, with this word in its reason, and says the reason.
async fn red(world: &World, node: usize, word: &str) -> String {
    let mut reason = String::new();
    until(&format!("the node is not ready because of {word:?}"), async || {
        match world.nodes[node].ready().await {
            Some((503, said)) => reason = said["reason"].to_string(),
            // It was killed at the same time, which is as red to whoever asks.
            None => "nobody answers".clone_into(&mut reason),
            Some(_) => return false,
        }
        reason.contains(word)
    })
    .await;
    format!("/readyz of node {node}: {reason}")
}
