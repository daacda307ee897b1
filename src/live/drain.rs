//! The drain: who is told to leave, when, and who is still here.
//!
//! It has two stages. From its beginning on nobody new is welcome, and those who follow a stream are told to leave one
//! after the other, over a spread of time; whoever has not been told yet is served as before. Then everybody is told, and
//! what lives as long as the server ends. Everything of that kind is started through [`Drain::spawn`], so that the end of
//! the program can wait for it; nothing else may call `tokio::spawn`.

use std::{
    future::Future,
    sync::{Arc, OnceLock},
    time::Duration,
};

use tokio::{task::JoinHandle, time::Instant};
use tokio_util::{
    sync::CancellationToken,
    task::{TaskTracker, task_tracker::TaskTrackerToken},
};

/// Somebody whom the drain waits for.
pub type Staying = TaskTrackerToken;

/// How much longer than the spread the first stage lasts at most: who has its turn at the very end is told a moment
/// later, and has to close its side.
const LAST_TURN: Duration = Duration::from_secs(1);

/// One server's drain. Clones are the same drain.
#[derive(Clone, Debug, Default)]
pub struct Drain {
    spread: Arc<OnceLock<Spread>>,
    begun: CancellationToken,
    leave: CancellationToken,
    readers: TaskTracker,
    here: TaskTracker,
}

/// The time over which readers are told to leave.
#[derive(Clone, Copy, Debug)]
pub struct Spread {
    begins: Instant,
    lasts: Duration,
}

/// How a reader is told to leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leave {
    /// With everybody, or because it came while the server drains.
    AtOnce,
    /// When it had its turn.
    InTurn,
}

impl Spread {
    /// How many of so many have had their turn by now: none at the beginning, all at the end.
    #[must_use]
    pub fn told(self, of: usize, now: Instant) -> usize {
        let gone = now.saturating_duration_since(self.begins);
        if gone >= self.lasts {
            return of;
        }
        let share = u128::try_from(of).unwrap_or(u128::MAX) * gone.as_nanos() / self.lasts.as_nanos();
        usize::try_from(share).unwrap_or(of)
    }

    /// Whether all are told in one instant.
    #[must_use]
    pub fn is_an_instant(self) -> bool {
        self.lasts.is_zero()
    }
}

impl Drain {
    /// Starts a task that the end of the program waits for. It goes on if nobody waits for what it returns.
    pub fn spawn<T: Send + 'static>(&self, task: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
        self.here.spawn(task)
    }

    /// Counts a reader, who is no task, for as long as the returned token lives: the end of the program waits for them too.
    pub fn stay(&self) -> Staying {
        self.readers.token()
    }

    /// Over which time readers are told to leave. None: nobody is, yet.
    #[must_use]
    pub fn spread(&self) -> Option<Spread> {
        self.spread.get().copied()
    }

    /// Waits until it begins.
    pub async fn begun(&self) {
        self.begun.cancelled().await;
    }

    /// Whether everybody has been told to leave.
    #[must_use]
    pub fn leaving(&self) -> bool {
        self.leave.is_cancelled()
    }

    /// Waits until everybody is told to leave.
    pub async fn left(&self) {
        self.leave.cancelled().await;
    }

    /// Tells readers to leave, over this spread of time and no longer than there are any, then everybody else, and waits
    /// until all have left: at most `grace` from then on. True: all have.
    pub async fn drain(&self, spread: Duration, grace: Duration) -> bool {
        self.spread.get_or_init(|| Spread { begins: Instant::now(), lasts: spread });
        self.begun.cancel();
        self.readers.close();
        self.here.close();
        if !spread.is_zero() {
            // Whoever is left over is told now, with everybody else.
            let _left_over = tokio::time::timeout(spread + LAST_TURN, self.readers.wait()).await;
        }
        self.leave.cancel();
        tokio::time::timeout(grace, async { tokio::join!(self.readers.wait(), self.here.wait()) }).await.is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn readers_have_their_turns_evenly_over_the_spread_and_then_everybody_is_told() {
        let drain = Drain::default();
        assert!(drain.spread().is_none());
        let (reader, begun) = (drain.stay(), Instant::now());
        let watching = async {
            drain.begun().await;
            let spread = drain.spread().expect("it has begun");
            let told = |secs| spread.told(5_000, begun + Duration::from_secs(secs));
            assert_eq!([0, 1, 5, 9, 10, 60].map(told), [0, 500, 2_500, 4_500, 5_000, 5_000]);
            assert!(!drain.leaving());
            drain.left().await;
            assert!(begun.elapsed() >= Duration::from_secs(10), "readers have the whole spread");
            drop(reader);
        };
        let (all, ()) = tokio::join!(drain.drain(Duration::from_secs(10), Duration::from_secs(20)), watching);
        assert!(all);
    }

    #[tokio::test(start_paused = true)]
    async fn a_drain_without_readers_takes_no_time_and_one_that_nobody_leaves_takes_its_grace() {
        let (drain, begun) = (Drain::default(), Instant::now());
        assert!(drain.drain(Duration::from_secs(10), Duration::from_secs(20)).await);
        assert!(begun.elapsed() < Duration::from_secs(1));

        let (drain, begun) = (Drain::default(), Instant::now());
        let _reader = drain.stay();
        assert!(!drain.drain(Duration::ZERO, Duration::from_secs(20)).await);
        assert_eq!(begun.elapsed().as_secs(), 20);
    }
}
