//! What whoever watches the server sees: `GET /metrics` on a listener of its own, as OpenMetrics text.
//!
//! Numbers are kept by those who make them, and each file here names and explains those of one part of the server:
//! [`readers`], [`changes`], [`store`], [`requests`], [`process`]. A value is asked for at the scrape, so that what nobody
//! looks at costs nothing. Labels are closed sets: never a feed, a token, an address, or anything else that a request
//! brings. METRICS.md lists all of them with the same words.

pub mod asked;
pub mod changes;
pub mod process;
pub mod readers;
pub mod requests;
pub mod store;

use std::{
    future, io,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    extract::State,
    response::{IntoResponse as _, Response},
    routing::get,
};
use http::{StatusCode, header};
use prometheus_client::{encoding::text, registry::Registry};
use tokio::{net::TcpListener, time::timeout};

use crate::{
    http::{Doors, health::Readiness, live::shard::Shards, serve},
    store::measured::Measured,
};

/// The form of the text (OpenMetrics 1.0, section 4.1).
const FORM: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// How long a scrape waits for the store to say that it takes writes: longer than any question to Redis may take. Where
/// that does not come, as from a disk that stands still, the server is not ready.
const READY_WITHIN: Duration = Duration::from_secs(3);

/// Everything that is told.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    doors: Doors,
    shards: Shards,
    silent: Arc<AtomicUsize>,
    ready: Arc<AtomicBool>,
    /// Held by the one who scrapes: others wait, so that however many ask, a scrape costs what one costs.
    scraping: tokio::sync::Mutex<()>,
}

impl Metrics {
    /// The metrics of a server. A further one is a further `register`.
    #[must_use]
    pub fn of(measured: &Arc<Measured>, doors: &Doors, shards: &Shards) -> Arc<Self> {
        let (mut registry, silent, ready) = (Registry::default(), Arc::default(), Arc::default());
        let ours = registry.sub_registry_with_prefix("newswire");
        readers::register(ours, doors, shards, &silent);
        changes::register(ours, &doors.feeds, measured, &ready);
        store::register(ours, measured);
        requests::register(ours, doors);
        process::register(&mut registry);
        let (doors, shards) = (doors.clone(), shards.clone());
        Arc::new(Self { registry, doors, shards, silent, ready, scraping: tokio::sync::Mutex::default() })
    }

    /// Serves them until the process ends, also while everybody else is told to leave; for ever nobody, where no listener
    /// is given.
    pub async fn serve(self: Arc<Self>, listener: Option<TcpListener>) {
        let Some(listener) = listener else { return future::pending().await };
        let (doors, shards) = (self.doors.clone(), self.shards.clone());
        let router = Router::new()
            .route("/metrics", get(tell))
            .fallback(|| async { (StatusCode::NOT_FOUND, "There is nothing here but /metrics.\n") })
            .with_state(self);
        serve::accept(listener, router, doors.proxy, shards, doors.drain).await;
    }

    /// Asks those who cannot be asked while the text is written: the shards, and whether the server is ready.
    async fn ask(&self) {
        let ready = timeout(READY_WITHIN, Readiness::of(&self.doors));
        let (silent, ready) = tokio::join!(self.shards.take_census(), ready);
        self.silent.store(silent, Ordering::Relaxed);
        self.ready.store(ready.is_ok_and(|ready| ready.reason.is_none()), Ordering::Relaxed);
    }

    fn text(&self) -> Result<String, std::fmt::Error> {
        let mut text = String::new();
        text::encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

/// `GET /metrics`.
async fn tell(State(metrics): State<Arc<Metrics>>) -> Response {
    let one = metrics.clone();
    let _scraping = one.scraping.lock().await;
    metrics.ask().await;
    // It looks at every feed, and reads files of the system's.
    let text = tokio::task::spawn_blocking(move || metrics.text()).await;
    match text.map_err(io::Error::other).and_then(|text| text.map_err(io::Error::other)) {
        Ok(text) => ([(header::CONTENT_TYPE, FORM), (header::CACHE_CONTROL, "no-store")], text).into_response(),
        Err(error) => {
            tracing::error!(%error, "metrics could not be told");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
