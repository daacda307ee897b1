//! Editors: each makes changes to items of its own, through its own node while that answers and through any other when
//! it does not, and sends each change again, under the same key, until it knows what became of it.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use tokio::{sync::watch, time::Instant};

use crate::{
    record::Ack,
    support::{dice::Dice, server::FEED},
    world::World,
};

/// How often an editor makes a change.
pub(crate) const PACE: Duration = Duration::from_millis(60);
/// The pause before an attempt is made again.
const PAUSE: u64 = 40;
/// An editor gives up on answers after one of these, in milliseconds: some while the server may still carry it out.
const PATIENCE: [u64; 4] = [400, 2_000, 5_000, 8_000];
/// How many items one editor makes, and how many where a store lost or nobody may edit any of them: together, and with
/// those of the rivals, they fit one snapshot and one page.
const ITEMS: usize = 45;
const MOST_ITEMS: usize = 55;

/// What an editor knows of an item of its own.
#[derive(Clone, Debug)]
struct Known {
    etag: String,
    status: String,
}

/// One change, as it is sent.
pub(crate) struct Change {
    pub(crate) item: Option<String>,
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) body: Value,
    pub(crate) etag: Option<String>,
    pub(crate) key: String,
}

/// What became of a change in the end.
pub(crate) enum Became {
    /// It was made: the item, and its ETag.
    Made(String, String),
    /// It cannot be made, as the item is not what this editor was told it is: the status, and the problem.
    Impossible(u16, Value),
}

/// An editor.
pub(crate) struct Editor {
    world: Arc<World>,
    number: usize,
    dice: Dice,
    client: reqwest::Client,
    known: BTreeMap<String, Known>,
    /// Items that were made, whatever became of them.
    made: usize,
}

impl Editor {
    /// One that has done nothing yet.
    pub(crate) fn new(world: &Arc<World>, number: usize, dice: Dice) -> Self {
        let client = reqwest::Client::new();
        Self { world: world.clone(), number, dice, client, known: BTreeMap::new(), made: 0 }
    }

    /// Edits until it is told to stop; what it began it finishes.
    pub(crate) async fn edits(mut self, stop: watch::Receiver<bool>) {
        let mut pace = tokio::time::interval(PACE);
        for number in 0.. {
            pace.tick().await;
            if *stop.borrow() {
                return;
            }
            if let Some(change) = self.think_of(number) {
                self.carry_out(change).await;
            }
        }
    }

    /// None: it has made as many items as it may, and none of them can be edited.
    fn think_of(&mut self, number: usize) -> Option<Change> {
        let words = format!("{}.{number} says {}", self.number, self.dice.below(1_000_000));
        let key = format!("editor {} change {number}", self.number);
        let tags = if self.dice.below(2) == 0 { json!(["election"]) } else { json!(["weather"]) };
        // Now and then a long one, so that sockets fill.
        let length = if self.dice.below(8) == 0 { 10_000 } else { 100 };
        let new = json!({"headline": words, "tags": tags, "body": format!("<p>{}</p>", "x".repeat(length))});
        let of = |status: &str| -> Vec<String> {
            self.known.iter().filter(|(_, item)| item.status == status).map(|(id, _)| id.clone()).collect()
        };
        let (usable, withheld) = (of("usable"), of("withheld"));
        let full = self.made >= if usable.is_empty() { MOST_ITEMS } else { ITEMS };
        let throw = self.dice.below(100);
        let (verb, method, body, item) = match throw {
            _ if usable.len() < 3 && !full => ("", Method::POST, new, None),
            0..35 if !full => ("", Method::POST, new, None),
            _ if usable.is_empty() && withheld.is_empty() => return None,
            _ if usable.is_empty() => ("/release", Method::POST, json!({}), Some(&withheld)),
            35..40 if !withheld.is_empty() => ("/release", Method::POST, json!({}), Some(&withheld)),
            85..89 => ("/withhold", Method::POST, json!({}), Some(&usable)),
            89..92 if usable.len() > 4 => ("/retract", Method::POST, json!({"reason": words}), Some(&usable)),
            92..94 if usable.len() > 4 => ("/remove", Method::POST, json!({}), Some(&usable)),
            94..100 => {
                let body = json!({"kind": "correction", "note": "It was otherwise.", "changes": {"headline": words}});
                ("/correct", Method::POST, body, Some(&usable))
            }
            70..85 => ("", Method::PATCH, json!({"headline": words, "tags": tags}), Some(&usable)),
            _ => ("", Method::PATCH, json!({"headline": words}), Some(&usable)),
        };
        let item = item.map(|among| self.dice.pick(among).clone());
        let path = item.as_ref().map_or_else(|| "items".to_owned(), |id| format!("items/{id}{verb}"));
        let etag = item.as_ref().map(|id| self.known[id].etag.clone());
        self.made += usize::from(item.is_none());
        Some(Change { item, method, path, body, etag, key })
    }

    async fn carry_out(&mut self, change: Change) {
        if let Became::Impossible(status, problem) = self.insist(&change).await {
            if let Some(item) = &change.item {
                self.known.remove(item);
            }
            if !self.world.may_lose() {
                let words = format!("a store that keeps its word: {} {status} {problem}", change.path);
                self.world.record.wrong(words);
            }
        }
    }

    /// Sends a change until it is known what became of it: first to the editor's own node, then to any.
    pub(crate) async fn insist(&mut self, change: &Change) -> Became {
        let nodes = self.world.nodes.len();
        let mut node = self.number % nodes;
        loop {
            if let Some(became) = self.attempt(change, node).await {
                return became;
            }
            let pause = PAUSE + self.dice.below(100) as u64;
            tokio::time::sleep(Duration::from_millis(pause)).await;
            node = self.dice.below(nodes);
        }
    }

    /// Sends it once. None: what became of it is not known, or nothing yet.
    async fn attempt(&mut self, change: &Change, node: usize) -> Option<Became> {
        let asked = Instant::now();
        let patience = Duration::from_millis(*self.dice.pick(&PATIENCE));
        let answer = match self.request(change, node).timeout(patience).send().await {
            Ok(answer) => answer,
            Err(error) => return self.unknown(None, error.to_string()),
        };
        let status = answer.status().as_u16();
        let etag = answer.headers().get("etag").and_then(|tag| tag.to_str().ok()).unwrap_or_default().to_owned();
        let text = match answer.text().await {
            Ok(text) => text,
            Err(error) => return self.unknown(None, error.to_string()),
        };
        match status {
            200 | 201 => Some(self.made(&serde_json::from_str(&text).expect("JSON"), etag, asked)),
            503 => self.unknown(Some(503), text),
            // A store that was emptied knows neither tokens nor the feed, until its operator has made them again.
            401 if self.world.may_lose() => self.unknown(Some(status), text),
            404 if self.world.may_lose() && change.item.is_none() => self.unknown(Some(status), text),
            401 | 403 | 404 | 409 | 412 | 422 => {
                let problem = serde_json::from_str(&text).expect("a problem");
                self.world.record.refused(Some(status), text);
                Some(Became::Impossible(status, problem))
            }
            _ => {
                self.world.record.wrong(format!("{} is answered {status} {text}", change.path));
                self.unknown(Some(status), text)
            }
        }
    }

    fn request(&self, change: &Change, node: usize) -> RequestBuilder {
        let url = self.world.nodes[node].url(&format!("/v1/feeds/{FEED}/{}", change.path));
        let request = self.client.request(change.method.clone(), url).bearer_auth(self.world.token());
        let request = request.header("Idempotency-Key", &change.key).json(&change.body);
        match &change.etag {
            Some(etag) => request.header("If-Match", etag),
            None => request,
        }
    }

    fn unknown(&self, status: Option<u16>, words: String) -> Option<Became> {
        self.world.record.refused(status, words);
        None
    }

    fn made(&mut self, answer: &Value, etag: String, asked: Instant) -> Became {
        let item = &answer["item"];
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let (id, status) = (text(&item["id"]), text(&item["status"]));
        let headline = (status == "usable").then(|| text(&item["headline"]));
        let version = item["version"].as_u64().unwrap_or_default();
        let position = text(&answer["position"]);
        self.world.record.acknowledged(Ack { item: id.clone(), version, position, headline, asked });
        self.known.insert(id.clone(), Known { etag: etag.clone(), status });
        Became::Made(id, etag)
    }
}
