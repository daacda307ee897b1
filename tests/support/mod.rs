//! What several test files share: places where a store can be kept, a small newsroom that edits in one, a real
//! redis-server, the server itself as a process, and a client of its streams. Nothing here decides whether a promise is
//! kept; that stands in the tests.

#![allow(dead_code, reason = "each test binary uses the part that it needs")]

pub(crate) mod crowd;
pub(crate) mod dice;
pub(crate) mod newsroom;
pub(crate) mod node;
pub(crate) mod place;
pub(crate) mod port;
pub(crate) mod program;
pub(crate) mod proxy;
pub(crate) mod redis;
pub(crate) mod redis_place;
pub(crate) mod redis_tls;
pub(crate) mod sentinels;
pub(crate) mod server;
pub(crate) mod stream;
pub(crate) mod watch;
pub(crate) mod watched;

use std::{path::Path, time::Duration};

/// How long a test waits for a fact before it says that the fact does not come. Generous: a slow machine is no defect.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// Waits until `fact` holds, asking every few milliseconds, and fails the test with `what` when it does not come.
pub(crate) async fn until<F: AsyncFnMut() -> bool>(what: &str, fact: F) {
    within(PATIENCE, what, fact).await;
}

/// The same with another patience.
pub(crate) async fn within<F: AsyncFnMut() -> bool>(patience: Duration, what: &str, mut fact: F) {
    let mut tick = tokio::time::interval(Duration::from_millis(10));
    let waited = tokio::time::timeout(patience, async {
        while !fact().await {
            tick.tick().await;
        }
    });
    assert!(waited.await.is_ok(), "waited {patience:?} in vain until {what}");
}

/// Whether any file below a directory holds these bytes.
pub(crate) fn holds(dir: &Path, bytes: &[u8]) -> bool {
    std::fs::read_dir(dir).expect("the directory can be listed").any(|entry| {
        let path = entry.expect("an entry can be read").path();
        if path.is_dir() {
            return holds(&path, bytes);
        }
        // A file may be gone between listing and reading: then it holds nothing.
        std::fs::read(&path).is_ok_and(|text| text.windows(bytes.len()).any(|part| part == bytes))
    })
}
