//! A write that was begun is finished, whoever still waits for it; and nobody waits for longer than [`PATIENCE`].

use std::time::Duration;

use axum::response::Response;
use tokio::{task::JoinHandle, time::timeout};

use super::problem::{self, Problem};

/// How long an editor waits. A write asks its store several times, each within a deadline of its own; a store that needs
/// nearly all of it each time is as good as away, and programs that publish give up after ten seconds or more.
const PATIENCE: Duration = Duration::from_secs(6);

/// The answer of a write that is being finished, or the problem that it takes too long: it may still come about, and a
/// retry with the same key finds out.
pub(super) async fn in_time(write: JoinHandle<Result<Response, Problem>>) -> Result<Response, Problem> {
    match timeout(PATIENCE, write).await {
        Ok(finished) => finished.unwrap_or_else(|error| Err(problem::of_task(error))),
        Err(_) => {
            tracing::warn!("a write goes on that took longer than its editor waits");
            Err(Problem::unavailable(
                "The store is slow just now, and whether this came about is not known yet. Try again after the pause that \
                 Retry-After names; with the same Idempotency-Key a write cannot happen twice.",
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::response::IntoResponse as _;
    use http::{StatusCode, header};
    use tokio::{sync::oneshot, time::Instant};

    use super::*;
    use crate::live::Drain;

    #[tokio::test(start_paused = true)]
    async fn who_waits_for_too_long_is_told_to_ask_again_and_the_write_is_finished() {
        let (store, answers) = oneshot::channel::<()>();
        let (finished, is_finished) = oneshot::channel();
        let write = Drain::default().spawn(async move {
            answers.await.expect("the store answers");
            finished.send(()).expect("somebody looks");
            Ok(StatusCode::CREATED.into_response())
        });
        let began = Instant::now();
        let told = in_time(write).await.expect_err("it takes too long").into_response();
        assert_eq!((told.status(), began.elapsed()), (StatusCode::SERVICE_UNAVAILABLE, PATIENCE));
        assert!(told.headers().contains_key(header::RETRY_AFTER));
        store.send(()).expect("it is still waited for");
        is_finished.await.expect("it is finished");
    }
}
