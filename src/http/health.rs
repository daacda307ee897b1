//! Health: `/healthz` says that the process runs, `/readyz` that it can take readers and publishes.

use axum::{Json, extract::State};
use http::StatusCode;
use serde_json::{Value, json};

use super::Doors;
use crate::store::DEAF_AFTER;

const DEAF: &str = "what this node writes does not come back to it: commits of others may not either";

/// `GET /healthz`: 200 as long as the process answers at all.
pub async fn alive() -> &'static str {
    "ok\n"
}

/// Whether new readers and publishes are welcome, as `/readyz` tells and the metrics count.
#[derive(Clone, Debug)]
pub struct Readiness {
    /// Why they are not, if so.
    pub reason: Option<String>,
    /// What an operator should know of the store, a sentence each.
    pub warnings: Vec<String>,
}

impl Readiness {
    /// As it is now: the store is asked, and written to.
    pub async fn of(doors: &Doors) -> Self {
        let (reason, warnings) = match doors.store.health().await {
            _ if doors.drain.spread().is_some() => (Some("draining".to_owned()), Vec::new()),
            Err(error) => (Some(error.to_string()), Vec::new()),
            Ok(warnings) if doors.store.unheard() > DEAF_AFTER => (Some(DEAF.to_owned()), warnings),
            Ok(warnings) if !doors.feeds.freshness.is_fresh() => {
                (Some("out of touch with the store".to_owned()), warnings)
            }
            Ok(warnings) => (None, warnings),
        };
        Self { reason, warnings }
    }
}

/// `GET /readyz`: 200 where new readers and publishes are welcome, else 503; with the reason and what an operator
/// should know of the store.
pub async fn ready(State(doors): State<Doors>) -> (StatusCode, Json<Value>) {
    let Readiness { reason, warnings } = Readiness::of(&doors).await;
    let status = if reason.is_none() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let checked = doors.feeds.freshness.checked();
    (status, Json(json!({"ready": reason.is_none(), "reason": reason, "checked": checked, "warnings": warnings})))
}
