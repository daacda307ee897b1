//! A node in the test's own process: the real doors and shards on a free port, over a store that the test watches.

use std::{sync::Arc, time::Duration};

use newswire::{
    http::{
        self, Doors,
        bounds::Places,
        live::{room::Room, shard::Shards},
        proxy::Proxy,
    },
    live::{Drain, Feeds, follow},
    news::FeedId,
    store::{
        SharedStore,
        sqlite::{Role, Sqlite},
    },
};
use tempfile::TempDir;

use super::{newsroom::Newsroom, watched::Watched};

/// The node.
pub(crate) struct Node {
    pub(crate) store: Arc<Watched>,
    pub(crate) newsroom: Newsroom,
    feeds: Arc<Feeds>,
    port: u16,
    _dir: TempDir,
}

impl Node {
    /// Starts one that has one feed, and room for so many readers.
    pub(crate) async fn start(readers: usize) -> Self {
        // Installing it twice is an error that says that it is there.
        let _there = rustls::crypto::ring::default_provider().install_default();
        let dir = TempDir::new().expect("a temporary directory");
        let sqlite = Sqlite::open(dir.path(), Role::Server).expect("the store opens");
        let store = Arc::new(Watched::new(Arc::new(sqlite)));
        let shared: SharedStore = store.clone();
        let newsroom = Newsroom::open(&shared, "news").await;
        let drain = Drain::default();
        let feeds = Feeds::asleep(shared.clone(), drain.clone());
        let follower = follow::begin(&feeds).await.expect("the store answers");
        drain.spawn(follow::follow(feeds.clone(), follower));
        drain.spawn(follow::tend(feeds.clone()));
        let listener = http::serve::listen("127.0.0.1:0".parse().expect("an address")).expect("a free port");
        let port = listener.local_addr().expect("its address").port();
        let proxy = Arc::new(Proxy::default());
        let router = http::router(Doors {
            store: shared,
            feeds: feeds.clone(),
            drain: drain.clone(),
            ticket_key: Arc::default(),
            documents: Arc::default(),
            last_used: Arc::default(),
            renditions: Arc::default(),
            front: Arc::default(),
            proxy: proxy.clone(),
            room: Room::of(Some(readers), Some(readers), None),
            places: Places::default(),
            refusals: Arc::default(),
        });
        let shards = Shards::start(&feeds).expect("threads");
        let accepting = drain.clone();
        drain.spawn(async move {
            tokio::select! {
                () = http::serve::accept(listener, router, proxy, shards, accepting.clone()) => {}
                () = accepting.left() => {}
            }
        });
        Self { store, newsroom, feeds, port, _dir: dir }
    }

    /// Where its feed is streamed.
    pub(crate) fn live(&self, query: &str) -> String {
        self.url(&format!("/v1/feeds/{}/live?{query}", self.feed()))
    }

    /// An address on it.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// Its feed.
    pub(crate) fn feed(&self) -> &FeedId {
        &self.newsroom.feed
    }

    /// How many readers are open on its feed.
    pub(crate) fn readers(&self) -> usize {
        self.feeds.readers(self.feed())
    }

    /// Tells everybody to leave. False: somebody is still counted who is not there, or does not go.
    pub(crate) async fn drain(&self) -> bool {
        self.feeds.drain.drain(Duration::ZERO, Duration::from_secs(10)).await
    }
}
