//! The program: settings → store → listen → serve → signal → drain → exit.

use std::{
    io::{IsTerminal as _, Write as _},
    net::SocketAddr,
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

use newswire::{
    command::{
        self, Job,
        exit::{Exit, Failure},
    },
    config::{LogFormat, PublicUrl, Settings},
    first_run::{self, Editor},
    http::{
        self, Doors,
        bounds::Places,
        live::{room::Room, shard::Shards},
        proxy::Proxy,
    },
    live::{Drain, Feeds, follow},
    metrics::Metrics,
    sample,
    store::{self, SharedStore, measured::Measured, open::Role},
    upkeep,
};
use tikv_jemallocator::Jemalloc;
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
};
use tracing_subscriber::EnvFilter;

/// A publish is some hundred small allocations that end on another thread: measured beside glibc's, it saves a tenth of a
/// publish's time. (mimalloc saves as much, and kept 100 MiB of free room between large messages that slow readers hold.)
#[global_allocator]
static ALLOCATOR: Jemalloc = Jemalloc;

#[tokio::main]
async fn main() -> ExitCode {
    let ended = match command::parse() {
        Job::Serve(settings) => serve(settings).await,
        Job::Beside(command) => command.run().await,
    };
    ended.unwrap_or_else(Failure::tell).into()
}

/// Serves until a signal ends it. Readers that are open then are told `bye`, and writes in flight finish.
async fn serve(settings: Settings) -> Result<Exit, Failure> {
    log(settings.log);
    let room = Room::of(settings.max_readers, settings.max_readers_per_address, raise_file_limit());
    let measured = Measured::around(store::open::open(&settings.store, Role::Server).await?);
    let store: SharedStore = measured.clone();
    let listener = listen(settings.listen, "--listen")?;
    let watched = settings.metrics.map(|address| listen(address, "--metrics")).transpose()?;
    let address = listener.local_addr().map_err(|error| Failure::new(Exit::Refused, error.to_string()))?;
    let drain = Drain::default();
    let feeds = Feeds::asleep(store.clone(), drain.clone());
    let follower = follow::begin(&feeds).await?;
    match store.health().await {
        Ok(warnings) => warnings.iter().for_each(|warning| tracing::warn!("{warning}")),
        // A disk that is full keeps editors from publishing, and nobody from reading.
        Err(error) => tracing::error!(%error, "the store takes no writes"),
    }
    // Last of all that can fail: the editor's token is shown only this once.
    let editor = first_run::prepare(&store).await?;
    drain.spawn(follow::follow(feeds.clone(), follower));
    drain.spawn(follow::tend(feeds.clone()));
    drain.spawn(upkeep::timed_ends::keep(store.clone(), drain.clone()));
    drain.spawn(upkeep::retention::keep(feeds.clone()));
    if settings.sample {
        drain.spawn(sample::publish(store.clone(), drain.clone(), address));
    }
    let last_used = Arc::default();
    drain.spawn(upkeep::last_used::keep(Arc::clone(&last_used), store.clone(), drain.clone()));
    let proxy = Arc::new(Proxy { public: settings.public_url, trusted: settings.trust_proxy });
    let renditions = Arc::default();
    drain.spawn(http::rendered::tend(Arc::clone(&renditions), feeds.clone()));
    let doors = Doors {
        store: store.clone(),
        feeds: feeds.clone(),
        drain: drain.clone(),
        ticket_key: Arc::default(),
        documents: Arc::default(),
        last_used,
        renditions,
        front: Arc::default(),
        proxy: proxy.clone(),
        room,
        places: Places::default(),
        refusals: Arc::default(),
    };
    let shards = Shards::start(&feeds)
        .map_err(|error| Failure::new(Exit::Refused, format!("readers cannot be served ({error})")))?;
    let metrics = Metrics::of(&measured, &doors, &shards);
    announce(address, watched.as_ref(), proxy.public.as_ref().map(PublicUrl::as_str), editor.as_ref());
    tokio::select! {
        () = metrics.serve(watched) => {}
        () = http::serve::accept(listener, http::router(doors), proxy, shards, drain.clone()) => {}
        () = stop(&drain, settings.spread, settings.drain) => {}
    }
    store.close().await;
    tracing::info!("stopped");
    Ok(Exit::Done)
}

/// Listens on an address, or names the option that chooses another.
fn listen(address: SocketAddr, option: &str) -> Result<TcpListener, Failure> {
    http::serve::listen(address).map_err(|error| {
        Failure::new(Exit::Refused, format!("{address} cannot be listened on ({error}); choose another {option}"))
    })
}

/// Each reader is an open file: as many as the system allows this process, not as few as it begins with.
fn raise_file_limit() -> Option<u64> {
    match rlimit::increase_nofile_limit(u64::MAX) {
        Ok(files) => {
            tracing::info!(files, "this many readers and other files can be open at once");
            Some(files)
        }
        Err(error) => {
            tracing::warn!(%error, "the limit of open files stays as it is");
            None
        }
    }
}

/// Waits for SIGTERM, Ctrl-C or the end of the terminal, then until everybody has been told over the spread and has left,
/// or has had `grace` to. A second signal waits no longer.
async fn stop(drain: &Drain, spread: Duration, grace: Duration) {
    signalled().await;
    let (spread_secs, grace_secs) = (spread.as_secs(), grace.as_secs());
    tracing::info!(spread_secs, grace_secs, "stopping: readers are told to come back");
    tokio::select! {
        all = drain.drain(spread, grace) => if !all {
            tracing::warn!("not everybody left in time");
        },
        () = signalled() => tracing::warn!("stopping at once"),
    }
}

async fn signalled() {
    let mut term = signal(SignalKind::terminate()).expect("SIGTERM can be listened for");
    let mut int = signal(SignalKind::interrupt()).expect("SIGINT can be listened for");
    let mut hangup = signal(SignalKind::hangup()).expect("SIGHUP can be listened for");
    tokio::select! {
        _ = term.recv() => {}
        _ = int.recv() => {}
        _ = hangup.recv() => {}
    }
}

/// Says where everything is, in a few lines on standard output.
fn announce(address: SocketAddr, watched: Option<&TcpListener>, public: Option<&str>, editor: Option<&Editor>) {
    let version = env!("CARGO_PKG_VERSION");
    let at = public.map_or_else(|| format!("http://{address}"), ToOwned::to_owned);
    let mut lines = format!("newswire {version}\n  page   {at}/\n  API    {at}/v1/feeds\n");
    if public.is_some() {
        lines.push_str(&format!("  listens on {address}\n"));
    }
    if let Some(address) = watched.and_then(|listener| listener.local_addr().ok()) {
        lines.push_str(&format!("  scrape http://{address}/metrics\n"));
    }
    if let Some(editor) = editor {
        lines.push_str(&format!("  token  {}   (an editor's; it is shown only this once)\n", editor.token.reveal()));
    }
    // Whoever started the server may have closed its output; it serves all the same.
    let _closed = std::io::stdout().write_all(lines.as_bytes());
}

fn log(format: LogFormat) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let colours = std::io::stderr().is_terminal();
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(colours);
    // A log that cannot be written must not end what is logged: complaining about it would panic on the same stream.
    let log = log.log_internal_errors(false);
    match format {
        LogFormat::Text => log.init(),
        LogFormat::Json => log.json().init(),
    }
}
