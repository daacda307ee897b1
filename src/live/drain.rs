//! The drain: who is told to leave, and who is still here.
//!
//! Everything that lives as long as the server is started through [`Drain::spawn`], so that the end of the program can
//! wait for it; nothing else may call `tokio::spawn`.

use std::{future::Future, time::Duration};

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
