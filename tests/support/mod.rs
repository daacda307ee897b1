//! What several test files share: places where a store can be kept, a small newsroom that edits in one, and a real
//! redis-server. Nothing here decides whether a promise is kept; that stands in the tests.

#![allow(dead_code, reason = "each test binary uses the part that it needs")]

pub(crate) mod newsroom;
pub(crate) mod place;
pub(crate) mod redis;
pub(crate) mod redis_place;

use std::time::Duration;

/// How long a test waits for a fact before it says that the fact does not come. Generous: a slow machine is no defect.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// Waits until `fact` holds, asking every few milliseconds, and fails the test with `what` when it does not come.
pub(crate) async fn until<F: AsyncFnMut() -> bool>(what: &str, mut fact: F) {
    let mut tick = tokio::time::interval(Duration::from_millis(10));
    let waited = tokio::time::timeout(PATIENCE, async {
        while !fact().await {
            tick.tick().await;
        }
    });
    assert!(waited.await.is_ok(), "waited {PATIENCE:?} in vain until {what}");
}
