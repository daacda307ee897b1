//! A filtered reader of two feeds that drops and returns at random moments, through one door and then another, ends with
//! what the filtered pages list and what a small model expects: while tags change so that items enter and leave the
//! filter, breaking news and pins end by themselves, and the log is cut behind it.

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

use futures_util::{StreamExt as _, stream};
use newswire::news::Moment;
use reqwest::Method;
use serde_json::{Value, json};
use support::{
    dice::Dice,
    server::{Kept, Server, accepted},
    stream::{Door, Held, Said, Stream},
};
use tokio_tungstenite::{connect_async, tungstenite::Message};

const FEEDS: [&str; 2] = ["news-feed", "sport"];
const TAGS: [&str; 4] = ["election", "harbour", "weather", "transfer"];
/// What the reader asks for; of two names, both must match.
const FILTER: &str = "tag=election&tag=harbour&urgency=1&urgency=2&urgency=3";
const CHANGES: usize = 1_200;
const RETURNS: usize = 200;
/// How many changes of each feed can be resumed over.
const KEPT: usize = 150;

/// What an editor knows of an item of its own.
#[derive(Clone, Debug)]
struct Known {
    feed: &'static str,
    etag: String,
    status: String,
    tags: BTreeSet<String>,
    urgency: u64,
}

impl Known {
    /// Whether the reader shall have it in the end.
    fn matches(&self) -> bool {
        let tagged = self.tags.contains("election") || self.tags.contains("harbour");
        ["usable", "canceled"].contains(&self.status.as_str()) && tagged && self.urgency <= 3
    }
}

/// One editor: makes changes to items of its own in both feeds, and remembers what was acknowledged.
async fn edits(server: Arc<Server>, mut dice: Dice, share: usize, done: Arc<AtomicUsize>) -> BTreeMap<String, Known> {
    let mut known: BTreeMap<String, Known> = BTreeMap::new();
    let mut made = 0;
    while made < share {
        let usable: Vec<_> =
            known.iter().filter(|(_, item)| item.status == "usable").map(|(id, _)| id.clone()).collect();
        let throw = if usable.len() < 3 { 0 } else { dice.below(100) };
        let tags: BTreeSet<String> = (0..1 + dice.below(2)).map(|_| (*dice.pick(&TAGS)).to_owned()).collect();
        let urgency = 1 + dice.below(5);
        let until = Moment::of_this_machine().plus(Duration::from_millis(300 + 200 * dice.below(10) as u64));
        let id = (throw > 0).then(|| dice.pick(&usable).clone());
        let feed = id.as_ref().map_or_else(|| FEEDS[dice.below(2)], |id| known[id].feed);
        let (method, verb, body) = match throw {
            0..30 => (Method::POST, "", json!({"headline": "Words", "tags": tags, "urgency": urgency})),
            30..55 => (Method::PATCH, "", json!({"tags": tags})),
            55..65 => (Method::PATCH, "", json!({"urgency": urgency})),
            65..75 => (Method::PATCH, "", json!({"breaking": {"until": until}})),
            75..83 => (Method::POST, "/pin", json!({"position": 1 + dice.below(3), "until": until})),
            83..90 => (Method::POST, "/retract", json!({"reason": "It was not so."})),
            90..95 => (Method::POST, "/withhold", json!({})),
            _ => (Method::POST, "/remove", json!({})),
        };
        let path = match (&id, throw) {
            (Some(id), 30..) => format!("/v1/feeds/{feed}/items/{id}{verb}"),
            _ => format!("/v1/feeds/{feed}/items"),
        };
        let mut request = server.client.request(method, server.url(&path)).bearer_auth(&server.token).json(&body);
        if let (Some(id), 30..) = (&id, throw) {
            request = request.header("If-Match", &known[id].etag);
        }
        let answer = request.send().await.expect("the server answers");
        if [409, 412, 422].contains(&answer.status().as_u16()) {
            // Another item is pinned there, or this one's own end came in between the two clocks.
            continue;
        }
        let answer = accepted(Ok(answer)).await;
        let item = &answer["item"];
        let words =
            |item: &Value| item["tags"].as_array().map_or_else(BTreeSet::new, |tags| tags.iter().map(text).collect());
        let id = text(&item["id"]);
        let before = known.get(&id);
        let status = text(&item["status"]);
        let (tags, urgency) = match before {
            // A removed item has no tags any more; it matches nothing anyway.
            Some(before) if status == "removed" => (before.tags.clone(), before.urgency),
            _ => (words(item), item["urgency"].as_u64().expect("an urgency")),
        };
        known.insert(id, Known { feed, etag: text(&answer["etag"]), status, tags, urgency });
        made += 1;
        done.fetch_add(1, Ordering::Relaxed);
    }
    known
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

/// What the reader has of each feed, and through which doors it came.
#[derive(Default)]
struct Wanderer {
    held: BTreeMap<&'static str, Held>,
    doors: BTreeSet<&'static str>,
    messages: usize,
    left: usize,
}

impl Wanderer {
    fn take(&mut self, message: &Value) {
        let feed = FEEDS.into_iter().find(|feed| message["feed"] == *feed).expect("one of the feeds");
        self.messages += 1;
        self.left += usize::from(message["type"] == "item.left");
        self.held.entry(feed).or_default().apply(message);
    }

    async fn visit(&mut self, server: &Server, dice: &mut Dice) {
        let length = 1 + dice.below(25);
        match dice.below(3) {
            0 => self.listen_to_both(server, length).await,
            1 => self.listen(server, FEEDS[dice.below(2)], length).await,
            _ => self.poll(server, FEEDS[dice.below(2)]).await,
        }
        for feed in FEEDS {
            self.read_older(server, feed).await;
        }
    }

    /// Both feeds on one WebSocket.
    async fn listen_to_both(&mut self, server: &Server, length: usize) {
        self.doors.insert("several feeds");
        let feeds = FEEDS.map(|feed| match self.held.get(feed).and_then(|held| held.position.clone()) {
            Some(position) => format!("feed={feed}@{position}"),
            None => format!("feed={feed}"),
        });
        let url = server.url(&format!("/v1/live?{}&{FILTER}&last=500", feeds.join("&"))).replace("http:", "ws:");
        let (mut socket, _) = connect_async(url).await.expect("the server takes readers");
        for _ in 0..length {
            match tokio::time::timeout(Duration::from_millis(500), socket.next()).await {
                Ok(Some(Ok(Message::Text(said)))) => self.take(&serde_json::from_str(&said).expect("JSON")),
                Ok(Some(Ok(_))) => {}
                _ => return,
            }
        }
    }

    async fn listen(&mut self, server: &Server, feed: &'static str, length: usize) {
        self.doors.insert("events");
        let query = self.held.entry(feed).or_default().query();
        let mut stream = Stream::open_in(server, feed, Door::Sse, &format!("{query}&{FILTER}")).await;
        for _ in 0..length {
            let next = tokio::time::timeout(Duration::from_millis(500), stream.wait()).await;
            let Ok(Said::Message(message)) = next else { return };
            self.take(&message);
        }
    }

    /// Polls until there is no more for now.
    async fn poll(&mut self, server: &Server, feed: &'static str) {
        self.doors.insert("poll");
        let Some(mut after) = self.held.entry(feed).or_default().position.clone() else {
            return self.read_anew(server, feed).await;
        };
        loop {
            let path = format!("/v1/feeds/{feed}/changes?after={after}&limit=20&{FILTER}");
            let polled = server.read(&path).await;
            if polled.get("reset").is_some() {
                self.take(&json!({"type": "reset", "feed": feed}));
                return self.read_anew(server, feed).await;
            }
            for change in polled["changes"].as_array().expect("changes") {
                self.take(change);
            }
            self.take(&json!({"type": "moved", "feed": feed, "position": polled["position"]}));
            if polled["more"] == false {
                return;
            }
            after = text(&polled["position"]);
        }
    }

    /// The first page, as a poller begins.
    async fn read_anew(&mut self, server: &Server, feed: &'static str) {
        let page = server.read(&format!("/v1/feeds/{feed}/items?limit=100&{FILTER}")).await;
        let mut message = json!({"type": "snapshot", "feed": feed, "items": page["items"], "done": true, "position": page["position"]});
        if let Some(before) = page.get("before") {
            message["before"] = before.clone();
        }
        self.take(&message);
    }

    /// Every page older than the last snapshot.
    async fn read_older(&mut self, server: &Server, feed: &'static str) {
        let Some(held) = self.held.get_mut(feed) else { return };
        while let Some(before) = held.before.take() {
            let page = server.read(&format!("/v1/feeds/{feed}/items?limit=100&before={before}&{FILTER}")).await;
            for item in page["items"].as_array().expect("items") {
                held.put(item);
            }
            held.before = page.get("before").map(text);
        }
    }
}

/// All items that the filtered pages list.
async fn listed(server: &Server, feed: &str) -> BTreeMap<String, Value> {
    let (mut items, mut before) = (BTreeMap::new(), String::new());
    loop {
        let page = server.read(&format!("/v1/feeds/{feed}/items?limit=50&{FILTER}{before}")).await;
        items.extend(page["items"].as_array().expect("items").iter().map(|item| (text(&item["id"]), item.clone())));
        match page.get("before") {
            Some(cursor) => before = format!("&before={}", text(cursor)),
            None => return items,
        }
    }
}

async fn head(server: &Server, feed: &str) -> String {
    text(&server.read(&format!("/v1/feeds/{feed}")).await["position"])
}

async fn a_filtered_wanderer_ends_with_what_matches(kept: Kept) {
    let mut dice = Dice::seeded("reconnect filtered");
    let server = Arc::new(Server::start(kept).await);
    server.beside_it(&["feed", "create", "sport", "--title", "Sport"]);
    for feed in FEEDS {
        server.beside_it(&["feed", "set", feed, "--keep-changes", &KEPT.to_string()]);
    }
    let first = head(&server, FEEDS[0]).await;
    let done = Arc::new(AtomicUsize::new(0));
    let editors: Vec<_> =
        (0..3).map(|_| tokio::spawn(edits(server.clone(), dice.split(), CHANGES / 3, done.clone()))).collect();
    let mut wanderer = Wanderer::default();
    for visit in 0..RETURNS {
        let due = CHANGES * (visit / 10 * 10) / RETURNS;
        support::until("the editors go on", async || done.load(Ordering::Relaxed) >= due).await;
        wanderer.visit(&server, &mut dice).await;
    }
    let mut model = BTreeMap::new();
    for editor in editors {
        model.extend(editor.await.expect("an editor's work"));
    }

    // Everything that ends by itself has ended: then the feeds come to rest.
    for feed in FEEDS {
        support::until("all has ended", async || {
            let items = listed(&server, feed).await;
            items.values().all(|item| item.get("breaking").is_none() && item["pinned"].get("until").is_none())
        })
        .await;
        let path = format!("/v1/feeds/{feed}/changes?after={first}");
        let trimmed = async || feed != FEEDS[0] || server.read(&path).await["reset"] == "trimmed";
        support::until("the log is cut behind the reader", trimmed).await;
        let rest = async || {
            let before = head(&server, feed).await;
            wanderer.poll(&server, feed).await;
            wanderer.read_older(&server, feed).await;
            let held = &wanderer.held[feed];
            held.position.as_ref() == Some(&before) && held.items == listed(&server, feed).await
        };
        support::until("the reader has what the filtered pages list", rest).await;
        let expected: BTreeSet<_> =
            model.iter().filter(|(_, item)| item.feed == feed && item.matches()).map(|(id, _)| id).collect();
        assert_eq!(wanderer.held[feed].items.keys().collect::<BTreeSet<_>>(), expected, "{feed}: the model");
    }
    assert_eq!(wanderer.doors.len(), 3, "{:?}", wanderer.doors);
    assert!(wanderer.left > 0, "items left the filter");
    let resets: usize = wanderer.held.values().map(|held| held.resets).sum();
    println!(
        "{kept:?}: {RETURNS} returns, {} messages, {} items left the filter, {resets} resets, {} of {} items match",
        wanderer.messages,
        wanderer.left,
        model.values().filter(|item| item.matches()).count(),
        model.len(),
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_filtered_reader_that_returns_200_times_has_what_matches_on_sqlite() {
    a_filtered_wanderer_ends_with_what_matches(Kept::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_filtered_reader_that_returns_200_times_has_what_matches_on_redis() {
    a_filtered_wanderer_ends_with_what_matches(Kept::Redis).await;
}

#[tokio::test]
async fn a_filtered_reader_gets_past_more_hidden_changes_than_one_read_looks_at() {
    let server = Server::start(Kept::Sqlite).await;
    let first = server.publish(&json!({"headline": "First", "tags": ["wanted"]})).await["position"].clone();
    // More than a window holds and two reads of the store look at together: the first comes with `hello`.
    let hidden = (0..5_300).map(|_| async { server.publish(&json!({"headline": "News", "tags": ["other"]})).await });
    stream::iter(hidden).buffer_unordered(32).for_each(|_| async {}).await;
    let last = server.publish(&json!({"headline": "Last", "tags": ["wanted"]})).await["position"].clone();
    for door in [Door::WebSocket, Door::Sse] {
        let from = first.as_str().expect("a position");
        let mut reader = Stream::open(&server, door, &format!("after={from}&tag=wanted")).await;
        assert_eq!(reader.until("item.published").await["position"], last, "{door:?}");
        assert_eq!(reader.until("caughtUp").await["position"], last, "{door:?}");
    }
}
