//! Waiting until replicas have received what was written.
//!
//! `WAIT` is promised to count from what was written over its own connection (Redis 7 counts from anything that was asked
//! there), and keeps that connection from everything else until it is answered. So commits that are waited for have a
//! connection of their own, and share their waits: one is under way at a time, it covers all that was written before it
//! was sent, and who writes meanwhile is covered by the next.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use redis::{RedisResult, aio::MultiplexedConnection};
use tokio::sync::Mutex;

/// How long replicas may take. They answer within a round trip or not for a long time; and a commit may have to wait for
/// two such waits, its predecessors' and its own.
const PATIENCE: Duration = Duration::from_secs(1);

/// How long one that is about to wait gathers others: who wrote at the same moment is answered at the same moment, and must
/// not each have to wait for the one before.
const GATHERED: Duration = Duration::from_millis(1);

/// The waits of one connection.
#[derive(Default)]
pub(super) struct Waits {
    /// How many writes were answered.
    written: AtomicU64,
    newest: Mutex<Wait>,
}

/// What came of a wait.
#[derive(Default)]
struct Wait {
    /// How many writes it covers.
    covers: u64,
    /// How many replicas have received them.
    received: u32,
}

impl Waits {
    /// How many replicas have received what this connection was answered just now; it is not waited for more than
    /// `wanted`.
    ///
    /// # Errors
    /// The server is away, or a replica itself by now.
    pub(super) async fn received(&self, mut connection: MultiplexedConnection, wanted: u32) -> RedisResult<u32> {
        let own = self.written.fetch_add(1, Ordering::SeqCst) + 1;
        let mut newest = self.newest.lock().await;
        if newest.covers < own {
            tokio::time::sleep(GATHERED).await;
            let covers = self.written.load(Ordering::SeqCst);
            let mut wait = redis::cmd("WAIT");
            wait.arg(wanted).arg(u64::try_from(PATIENCE.as_millis()).expect("a wait fits 64 bits"));
            let received = wait.query_async(&mut connection).await?;
            *newest = Wait { covers, received };
        }
        Ok(newest.received)
    }

    /// Whether the connection is kept waiting, so that it cannot be asked whether it lives.
    pub(super) fn under_way(&self) -> bool {
        self.newest.try_lock().is_err()
    }
}
