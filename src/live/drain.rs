//! The drain: who is told to leave, and who is still here.
//!
//! Everything that lives as long as the server is started through [`Drain::spawn`], so that the end of the program can
//! wait for it; nothing else may call `tokio::spawn`.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use tokio::task::JoinHandle;
use tokio_util::{
    sync::CancellationToken,
    task::{TaskTracker, task_tracker::TaskTrackerToken},
};

/// Somebody whom the drain waits for.
pub type Staying = TaskTrackerToken;

/// One server's drain. Clones are the same drain.
#[derive(Clone, Debug, Default)]
pub struct Drain {
    leave: CancellationToken,
    here: TaskTracker,
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

    /// Counts somebody who is no task, for as long as the returned token lives: the end of the program waits for them too.
    pub fn stay(&self) -> Staying {
        self.here.token()
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

    /// Tells everybody to leave and waits until all have, at most `grace`. True: all have.
    pub async fn drain(&self, grace: Duration) -> bool {
        self.leave.cancel();
        self.here.close();
        tokio::time::timeout(grace, self.here.wait()).await.is_ok()
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
        assert!(!drain.drain(Duration::from_millis(1)).await, "it is not finished yet");
        go.send(()).expect("it is still there");
        finished.await.expect("it is finished");
        assert!(drain.drain(Duration::from_secs(5)).await);
    }

    #[tokio::test]
    async fn what_is_waited_for_is_no_task() {
        let drain = Drain::default();
        assert_eq!(drain.see_through(async { 7 }).await, 7);
        assert!(drain.here.is_empty());
    }
}
