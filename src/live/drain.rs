//! The drain: who is told to leave, when, and who is still here.
//!
//! It has two stages. From its beginning on nobody new is welcome, and those who follow a stream are told to leave one
//! after the other, over a spread of time; whoever has not been told yet is served as before. Then everybody is told, and
//! what lives as long as the server ends. Everything of that kind is started through [`Drain::spawn`], so that the end of
//! the program can wait for it; nothing else may call `tokio::spawn`.

use std::{
    future::Future,
    pin::Pin,
    sync::{Arc, OnceLock},
    task::{Context, Poll},
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

    /// Carries something out that is finished whether or not anybody still waits for it. It is no task of its own as long
    /// as somebody does; whoever stops waiting leaves the rest of it to one.
    pub fn see_through<T: Send + 'static>(&self, begun: impl Future<Output = T> + Send + 'static) -> SeenThrough<T> {
        SeenThrough { rest: Some(Box::pin(begun)), drain: self.clone() }
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

/// What is under way by [`Drain::see_through`].
pub struct SeenThrough<T: Send + 'static> {
    /// None once it is finished, or has panicked.
    rest: Option<Pin<Box<dyn Future<Output = T> + Send>>>,
    drain: Drain,
}

impl<T: Send + 'static> Future for SeenThrough<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        let mut rest = self.rest.take().expect("nobody asks for what was finished");
        let polled = rest.as_mut().poll(context);
        if polled.is_pending() {
            self.rest = Some(rest);
        }
        polled
    }
}

impl<T: Send + 'static> Drop for SeenThrough<T> {
    fn drop(&mut self) {
        if let Some(rest) = self.rest.take() {
            self.drain.spawn(rest);
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn what_nobody_waits_for_any_more_is_finished_and_the_drain_waits_for_it() {
        let drain = Drain::default();
        let (go, gone) = oneshot::channel::<()>();
        let (done, finished) = oneshot::channel();
        let mut begun = drain.see_through(async move {
            gone.await.expect("is told to go on");
            done.send(()).expect("somebody waits");
        });
        assert!(futures_util::poll!(&mut begun).is_pending());
        drop(begun);
        assert!(!drain.drain(Duration::ZERO, Duration::from_millis(1)).await, "it is not finished yet");
        go.send(()).expect("it is still there");
        finished.await.expect("it is finished");
        assert!(drain.drain(Duration::ZERO, Duration::from_secs(5)).await);
    }

    #[tokio::test]
    async fn what_is_waited_for_is_no_task() {
        let drain = Drain::default();
        assert_eq!(drain.see_through(async { 7 }).await, 7);
        assert!(drain.here.is_empty());
    }

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
