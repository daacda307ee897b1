//! What the store has in the end, as its doors tell it once nobody edits any more.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::{
    reader::{FILTER, Items},
    support::server::FEED,
    world::World,
};

/// One change that the store has.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Change {
    pub(crate) seq: u64,
    pub(crate) item: String,
    pub(crate) version: u64,
    /// Whether the public sees the item in this form, and whether the filter shows it.
    pub(crate) listed: bool,
    pub(crate) filtered: bool,
}

/// All of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Truth {
    /// The newest change.
    pub(crate) head: String,
    /// What the pages list, and what the filtered pages list.
    pub(crate) plain: Items,
    pub(crate) filtered: Items,
    /// Each change of an item, by position.
    pub(crate) changes: BTreeMap<String, Change>,
}

impl Truth {
    /// Asks a node for it; `known` are ids of items that it may or may not have. None: it does not answer everything.
    pub(crate) async fn told(world: &World, known: &BTreeSet<String>) -> Option<Self> {
        let client = reqwest::Client::new();
        // The public asks for lists, an editor for what became of each item.
        let get = async |path: &str| {
            let url = world.nodes[0].url(&format!("/v1/feeds/{FEED}{path}"));
            let mut request = client.get(url);
            if path.contains("versions") {
                request = request.bearer_auth(world.token());
            }
            let answer = request.send().await.ok()?;
            match answer.status().as_u16() {
                200 => Some(Some(answer.json::<Value>().await.ok()?)),
                404 => Some(None),
                _ => None,
            }
        };
        let head = async || Some(text(&get("").await??["position"]));
        let begun = head().await?;
        let plain = items(get("/items?limit=200").await??);
        let filtered = items(get(&format!("/items?limit=200&{FILTER}")).await??);
        let mut changes = BTreeMap::new();
        for id in known.iter().chain(plain.keys().filter(|id| !known.contains(*id))) {
            let mut after = 0;
            while let Some(page) = get(&format!("/items/{id}/versions?after={after}")).await? {
                for version in page["versions"].as_array()? {
                    changes.insert(text(&version["position"]), change(id, version));
                }
                match page.get("after").and_then(Value::as_u64) {
                    Some(next) => after = next,
                    None => break,
                }
            }
        }
        let truth = Self { head: begun, plain, filtered, changes };
        // What was read in several steps is one truth if nothing happened in between.
        (head().await? == truth.head).then_some(truth)
    }

    /// The last change of each item, in order.
    pub(crate) fn finals(&self) -> Vec<&Change> {
        let mut last: BTreeMap<&str, &Change> = BTreeMap::new();
        for change in self.changes.values() {
            let newest = last.entry(&change.item).or_insert(change);
            if newest.seq < change.seq {
                *newest = change;
            }
        }
        let mut finals: Vec<_> = last.into_values().collect();
        finals.sort_by_key(|change| change.seq);
        finals
    }
}

fn change(id: &str, version: &Value) -> Change {
    let item = &version["item"];
    let listed = item["status"] == "usable" || item["status"] == "canceled";
    let tagged = item["tags"].as_array().is_some_and(|tags| tags.iter().any(|tag| tag == "election"));
    Change {
        seq: crate::support::stream::seq(&version["position"]),
        item: id.to_owned(),
        version: version["version"].as_u64().unwrap_or_default(),
        listed,
        filtered: listed && tagged,
    }
}

fn items(page: Value) -> Items {
    assert_eq!(page.get("before"), None, "a round's items fit a page");
    page["items"].as_array().expect("items").iter().map(|item| (text(&item["id"]), item.clone())).collect()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
