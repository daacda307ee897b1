//! A reader that drops and returns at random moments, through one door and then another, ends with the same items as
//! one that never left, as the pages, and as a small model that only knows what the editors were told.

#![expect(clippy::disallowed_methods, reason = "a test waits for the tasks that it starts")]

mod support;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_util::stream::{self, StreamExt as _};
use reqwest::Method;
use serde_json::{Value, json};
use support::{
    dice::Dice,
    server::{FEED, Kept, Server, accepted},
    stream::{Door, Held, Said, Stream, seq},
};

const EDITORS: usize = 4;
const CHANGES: usize = 2_000;
const RETURNS: usize = 200;
/// How many visits are made in a row before the wanderer stays away for a while.
const BURST: usize = 10;

/// What an editor knows of an item of its own.
#[derive(Clone, Debug)]
struct Known {
    version: u64,
    etag: String,
    status: String,
    headline: String,
    pinned: bool,
}

/// One editor: makes changes to items of its own until its share is done, and remembers what was acknowledged.
async fn edits(server: Arc<Server>, mut dice: Dice, share: usize, done: Arc<AtomicUsize>) -> BTreeMap<String, Known> {
    let mut known: BTreeMap<String, Known> = BTreeMap::new();
    let mut made = 0;
    while made < share {
        let usable: Vec<_> =
            known.iter().filter(|(_, item)| item.status == "usable").map(|(id, _)| id.clone()).collect();
        let throw = if usable.is_empty() { 0 } else { dice.below(100) };
        let headline = format!("Words {}", dice.below(1_000_000));
        let (method, path, body) = if throw < 35 {
            (Method::POST, "items".to_owned(), json!({"headline": headline, "body": "<p>Much is known.</p>"}))
        } else {
            let id = dice.pick(&usable);
            let item = &known[id];
            match throw {
                35..65 => (Method::PATCH, format!("items/{id}"), json!({"headline": headline})),
                65..75 => {
                    let body =
                        json!({"kind": "correction", "note": "It was otherwise.", "changes": {"headline": headline}});
                    (Method::POST, format!("items/{id}/correct"), body)
                }
                75..83 => (Method::POST, format!("items/{id}/retract"), json!({"reason": "It was not so."})),
                83..86 => (Method::POST, format!("items/{id}/remove"), json!({})),
                86..89 => (Method::POST, format!("items/{id}/withhold"), json!({})),
                _ if item.pinned => (Method::POST, format!("items/{id}/unpin"), json!({})),
                _ => (Method::POST, format!("items/{id}/pin"), json!({"position": 1 + dice.below(3)})),
            }
        };
        let edited = path.split('/').nth(1).map(ToOwned::to_owned);
        let mut request = server.edit(method, &path).json(&body);
        if let Some(item) = edited.as_ref().map(|id| &known[id]) {
            request = request.header("If-Match", &item.etag);
        }
        let answer = request.send().await.expect("the server answers");
        if answer.status() == 409 && path.ends_with("/pin") {
            // Another editor's item is pinned there.
            continue;
        }
        let answer = accepted(Ok(answer)).await;
        let item = &answer["item"];
        let id = item["id"].as_str().expect("an id").to_owned();
        let now = Known {
            version: item["version"].as_u64().unwrap_or_default(),
            etag: answer["etag"].as_str().expect("an ETag").to_owned(),
            status: item["status"].as_str().expect("a status").to_owned(),
            headline: item["headline"].as_str().unwrap_or_default().to_owned(),
            pinned: item.get("pinned").is_some(),
        };
        known.insert(id, now);
        made += 1;
        done.fetch_add(1, Ordering::Relaxed);
    }
    known
}

/// A reader that returns again and again, and everything that it was sent.
#[derive(Default)]
struct Wanderer {
    held: Held,
    /// What it was sent, in order, across all its visits: messages, and pages that it read.
    story: Vec<Value>,
    doors: BTreeSet<&'static str>,
    resumed: usize,
}

impl Wanderer {
    fn take(&mut self, message: Value) {
        self.held.apply(&message);
        self.story.push(message);
    }

    /// One visit through one door: takes what comes until it has seen `length` messages, or the head where there is no
    /// hurry.
    async fn visit(&mut self, server: &Server, door: Door, length: usize) {
        match door {
            Door::Poll => self.poll(server).await,
            Door::WebSocket | Door::Sse => self.listen(server, door, length).await,
        }
        self.read_older(server).await;
    }

    async fn listen(&mut self, server: &Server, door: Door, length: usize) {
        self.doors.insert(if door == Door::Sse { "sse" } else { "web socket" });
        let came_with = self.held.position.clone();
        let mut stream = Stream::open(server, door, &self.held.query()).await;
        let hello = stream.next().await.message();
        assert_eq!(hello.get("position").and_then(Value::as_str), came_with.as_deref(), "nothing was lost: {hello}");
        self.resumed += usize::from(came_with.is_some());
        let mut last = came_with.map_or(0, |position| seq(&json!(position)));
        for _ in 0..length {
            let next = tokio::time::timeout(Duration::from_millis(500), stream.wait()).await;
            let Ok(Said::Message(message)) = next else { return };
            if message.get("born").is_some() {
                let seq = seq(&message["position"]);
                assert!(seq > last, "seq {seq} after {last}");
                last = seq;
            }
            self.take(message);
        }
    }

    async fn poll(&mut self, server: &Server) {
        self.doors.insert("poll");
        let Some(after) = self.held.position.clone() else {
            // A poller begins with the pages.
            let page = server.read(&format!("/v1/feeds/{FEED}/items?limit=200")).await;
            self.take(snapshot_of(&page));
            return;
        };
        self.resumed += 1;
        let polled = server.read(&format!("/v1/feeds/{FEED}/changes?after={after}&limit=20&wait=1")).await;
        assert_eq!(polled.get("reset"), None, "nothing was lost");
        for change in polled["changes"].as_array().expect("changes").clone() {
            self.take(change);
        }
        self.take(json!({"type": "moved", "position": polled["position"]}));
    }

    /// Reads every page older than the last snapshot, as somebody who scrolls to the end.
    async fn read_older(&mut self, server: &Server) {
        while let Some(before) = self.held.before.take() {
            let page = server.read(&format!("/v1/feeds/{FEED}/items?limit=200&before={before}")).await;
            for item in page["items"].as_array().expect("items") {
                self.held.put(item);
            }
            self.held.before = page.get("before").map(|cursor| cursor.as_str().expect("text").to_owned());
            self.story.push(json!({"type": "page", "items": page["items"]}));
        }
    }
}

/// A first page as the snapshot that it stands for.
fn snapshot_of(page: &Value) -> Value {
    let mut message = json!({"type": "snapshot", "items": page["items"], "done": true, "position": page["position"]});
    if let Some(before) = page.get("before") {
        message["before"] = before.clone();
    }
    message
}

/// Reads along without ever leaving, until it stands at `end`.
async fn steady(server: Arc<Server>, end: tokio::sync::watch::Receiver<Option<String>>) -> Held {
    let mut held = Held::default();
    let mut stream = Stream::open(&server, Door::WebSocket, "after=0").await;
    loop {
        if end.borrow().is_some() && *end.borrow() == held.position {
            return held;
        }
        if let Ok(said) = tokio::time::timeout(Duration::from_millis(200), stream.wait()).await {
            held.apply(&said.message());
        }
    }
}

async fn a_wanderer_ends_like_a_steady_reader(kept: Kept) {
    let mut dice = Dice::seeded("reconnect");
    let server = Arc::new(Server::start(kept).await);
    let done = Arc::new(AtomicUsize::new(0));
    let (told, end) = tokio::sync::watch::channel(None);
    let steady = tokio::spawn(steady(server.clone(), end));
    let editors: Vec<_> = (0..EDITORS)
        .map(|_| tokio::spawn(edits(server.clone(), dice.split(), CHANGES / EDITORS, done.clone())))
        .collect();

    let mut wanderer = Wanderer::default();
    for visit in 0..RETURNS {
        // The visits are spread over the changes in bursts: some return after a moment, and some after so many changes
        // that most of them are folded.
        let due = CHANGES * (visit / BURST * BURST) / RETURNS;
        support::until("the editors go on", async || done.load(Ordering::Relaxed) >= due).await;
        let door = *dice.pick(&[Door::WebSocket, Door::Sse, Door::Poll]);
        wanderer.visit(&server, door, 1 + dice.below(12)).await;
    }
    let mut model = BTreeMap::new();
    for editor in editors {
        model.extend(editor.await.expect("an editor's work"));
    }

    // Everybody comes to rest at the head.
    let head = server.read(&format!("/v1/feeds/{FEED}")).await["position"].as_str().expect("a position").to_owned();
    assert_eq!(seq(&json!(head)), 1 + CHANGES as u64, "one seq for each acknowledged change");
    told.send(Some(head.clone())).expect("the steady reader listens");
    while wanderer.held.position.as_ref() != Some(&head) {
        wanderer.visit(&server, Door::Poll, 0).await;
    }
    let steady = steady.await.expect("the steady reader's walk");

    let listed: BTreeMap<String, Value> =
        server.items().await.into_iter().map(|item| (item["id"].as_str().expect("an id").to_owned(), item)).collect();
    assert_eq!(wanderer.held.items, listed, "the wanderer and the pages");
    assert_eq!(steady.items, listed, "the steady reader and the pages");
    agrees(&model, &listed);
    assert_eq!(steady.resets + wanderer.held.resets, 0);
    assert_eq!(wanderer.doors.len(), 3, "{:?}", wanderer.doors);
    assert!(wanderer.resumed >= RETURNS - 1, "it resumed {} times", wanderer.resumed);
    assert!(steady.seqs.is_sorted_by(|a, b| a < b), "no change came twice or out of order");

    let positions = resumes_from_everywhere(&server, &wanderer.story, &listed).await;
    println!("{kept:?}: {RETURNS} returns, {} messages, resumed from {positions} positions", wanderer.story.len());
}

/// What the editors were told is what is shown.
fn agrees(model: &BTreeMap<String, Known>, listed: &BTreeMap<String, Value>) {
    let shown: BTreeSet<_> = model
        .iter()
        .filter(|(_, item)| ["usable", "canceled"].contains(&item.status.as_str()))
        .map(|(id, _)| id)
        .collect();
    assert_eq!(shown, listed.keys().collect());
    for (id, item) in listed {
        let known = &model[id];
        assert_eq!(item["version"], known.version, "{id}");
        assert_eq!(item["status"], known.status, "{id}");
        if known.status == "usable" {
            assert_eq!(item["headline"], known.headline, "{id}");
        } else {
            assert_eq!(item.get("headline"), None, "a retracted item shows a notice");
        }
    }
}

/// Whoever keeps any position that was sent, with what had been sent by then, and comes back with it now, ends with the
/// same items. Returns how many positions there were.
async fn resumes_from_everywhere(server: &Server, story: &[Value], listed: &BTreeMap<String, Value>) -> usize {
    let mut held = Held::default();
    let mut kept: BTreeMap<String, BTreeMap<String, u64>> = BTreeMap::new();
    let versions = |items: &BTreeMap<String, Value>| {
        items.iter().map(|(id, item)| (id.clone(), item["version"].as_u64().expect("a version"))).collect()
    };
    for message in story {
        if message["type"] == "page" {
            message["items"].as_array().expect("items").iter().for_each(|item| held.put(item));
        } else {
            held.apply(message);
        }
        if let Some(position) = &held.position
            && !message["type"].as_str().expect("a type").starts_with("snapshot")
        {
            kept.insert(position.clone(), versions(&held.items));
        }
    }
    let end: BTreeMap<String, u64> = versions(listed);
    let count = kept.len();
    stream::iter(kept)
        .for_each_concurrent(4, |(position, mut items)| {
            let end = &end;
            async move {
                let mut after = position.clone();
                loop {
                    let polled = server.read(&format!("/v1/feeds/{FEED}/changes?after={after}&limit=200")).await;
                    assert_eq!(polled.get("reset"), None, "{position} can be resumed from");
                    for change in polled["changes"].as_array().expect("changes") {
                        let Some(id) = change["item"]["id"].as_str() else { continue };
                        match change["item"]["version"].as_u64() {
                            Some(version) => items.insert(id.to_owned(), version),
                            None => items.remove(id),
                        };
                    }
                    if polled["more"] == false {
                        break;
                    }
                    after = polled["position"].as_str().expect("a position").to_owned();
                }
                assert!(items == *end, "what was held at {position} and what changed since make up everything");
            }
        })
        .await;
    count
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_that_returns_200_times_ends_like_one_that_never_left_on_sqlite() {
    a_wanderer_ends_like_a_steady_reader(Kept::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_that_returns_200_times_ends_like_one_that_never_left_on_redis() {
    a_wanderer_ends_like_a_steady_reader(Kept::Redis).await;
}
