//! Reads: each one view, made by a script that stops at its budget, or by a single command.

use std::sync::Arc;

use redis::Pipeline;
use serde_json::json;
use uuid::Uuid;

use super::{
    keys::{Keys, Partition},
    link::{Link, Request},
    record::{self, corrupt},
    script::{self, Call},
};
use crate::{
    news::{After, Change, Cursor, FeedId, Filter, Moment, Position, What},
    store::{Changed, Entry, FeedState, Hash, Log, Lost, Page, StoreError, Version, budget, document, hash::hex},
};

/// The fields of a feed's hash that make its state, in the order of [`state`].
const STATE: [&str; 7] = ["doc", "head", "mark", "floor", "cut", "fseq", "fmark"];

/// How many feeds' states are asked for at once.
const FEEDS_AT_ONCE: usize = 500;

/// What `changed.lua` and `log.lua` answer: a word, the feed's state, a word, entries.
type Answer = (String, Vec<String>, String, Vec<Vec<String>>);

/// Reads a number that a script wrote.
pub(super) fn number(text: &str) -> Result<u64, StoreError> {
    text.parse().map_err(|_| corrupt("what should be a number is none"))
}

/// Reads a position from its two parts.
fn position(seq: &str, mark: &str) -> Result<Position, StoreError> {
    let mark = mark.parse().map_err(|_| corrupt("what should be a mark is none"))?;
    Ok(Position { seq: number(seq)?, mark })
}

fn state(fields: &[String]) -> Result<FeedState, StoreError> {
    let [doc, head, mark, floor, cut, own_seq, own_mark] = fields else { return Err(corrupt("a feed lacks a field")) };
    let feed = document::read(doc).map_err(|_| corrupt("a feed's document is not one"))?;
    let (floor, cut, own) = (number(floor)?, number(cut)?, position(own_seq, own_mark)?);
    Ok(FeedState { feed, head: position(head, mark)?, floor, cut, own })
}

/// The reason in a script's words.
fn lost(word: &str) -> Result<Option<Lost>, StoreError> {
    match word {
        "ok" => Ok(None),
        "gone" => Ok(Some(Lost::Gone)),
        "trimmed" => Ok(Some(Lost::Trimmed)),
        "changed" => Ok(Some(Lost::Changed)),
        _ => Err(corrupt("a script answers with an unknown word")),
    }
}

/// [`super::Store::feeds`]. A feed that is indexed but gone is left out.
pub(super) async fn feeds(link: &Link) -> Result<Vec<FeedState>, StoreError> {
    let mut indexes = Pipeline::new();
    for partition in Partition::all() {
        indexes.cmd("SMEMBERS").arg(partition.feeds());
    }
    let ids: Vec<Vec<String>> = link.ask(Request::Many(&indexes)).await?;
    let mut ids: Vec<FeedId> = ids.into_iter().flatten().filter_map(|id| id.parse().ok()).collect();
    ids.sort_unstable();
    let mut states = Vec::with_capacity(ids.len());
    for ids in ids.chunks(FEEDS_AT_ONCE) {
        let mut ask = Pipeline::new();
        for id in ids {
            ask.cmd("HMGET").arg(Keys::of(id).feed()).arg(&STATE);
        }
        let answers: Vec<Vec<Option<String>>> = link.ask(Request::Many(&ask)).await?;
        for fields in answers {
            if let Some(fields) = fields.into_iter().collect::<Option<Vec<_>>>() {
                states.push(state(&fields)?);
            }
        }
    }
    Ok(states)
}

/// [`super::Store::feed`].
pub(super) async fn feed(link: &Link, feed: &FeedId) -> Result<Option<FeedState>, StoreError> {
    let mut ask = redis::cmd("HMGET");
    ask.arg(Keys::of(feed).feed()).arg(&STATE);
    let fields: Vec<Option<String>> = link.ask(Request::One(&ask)).await?;
    fields.into_iter().collect::<Option<Vec<_>>>().map(|fields| state(&fields)).transpose()
}

/// [`super::Store::item`].
pub(super) async fn item(link: &Link, feed: &FeedId, id: Uuid) -> Result<Option<crate::news::Record>, StoreError> {
    let mut ask = redis::cmd("HGET");
    ask.arg(Keys::of(feed).items()).arg(id.to_string());
    let text: Option<String> = link.ask(Request::One(&ask)).await?;
    text.map(|text| record::read(&text)).transpose()
}

/// [`super::Store::item_by_alt_id`].
pub(super) async fn item_by_alt_id(link: &Link, feed: &FeedId, hash: &Hash) -> Result<Option<Uuid>, StoreError> {
    let mut ask = redis::cmd("HGET");
    ask.arg(Keys::of(feed).alt_ids()).arg(hex(hash));
    let item: Option<String> = link.ask(Request::One(&ask)).await?;
    item.map(|item| id(&item)).transpose()
}

/// [`super::Store::versions`].
pub(super) async fn versions(link: &Link, feed: &FeedId, id: Uuid, after: u64) -> Result<Vec<Version>, StoreError> {
    let call =
        Call::new(&script::VERSIONS, &[Keys::of(feed).versions(id)]).arg(after).arg(budget::ITEMS).arg(budget::BYTES);
    let versions: Vec<String> = link.ask(Request::Script(&call)).await?;
    versions.iter().map(|version| record::read_version(version)).collect()
}

/// [`super::Store::changed`].
pub(super) async fn changed(
    link: &Link,
    feed: &FeedId,
    after: After,
    filter: Option<&Filter>,
) -> Result<Result<Changed, Lost>, StoreError> {
    let call = walk(&script::CHANGED, feed, after).arg(wanted(filter)).arg(budget::LOOKED_AT);
    let (word, fields, reached, entries): Answer = link.ask(Request::Script(&call)).await?;
    if let Some(lost) = lost(&word)? {
        return Ok(Err(lost));
    }
    let state = state(&fields)?;
    let change = |entry: &Vec<String>| match entry.as_slice() {
        [_, item] => Ok(Change::of_item(record::read(item)?)),
        [seq, mark, kind, at] => feed_change(&state, position(seq, mark)?, kind, at),
        _ => Err(corrupt("a script answers with an unknown entry")),
    };
    let changes = entries.iter().map(change).collect::<Result<_, _>>()?;
    let reached = match reached.as_str() {
        "head" => state.head,
        further => further.parse().map_err(|_| corrupt("what should be a position is none"))?,
    };
    Ok(Ok(Changed { changes, reached, more: reached != state.head, state }))
}

/// [`super::Store::log`]. Its entries are all looked at, so that [`budget::ITEMS`] ends it long before
/// [`budget::LOOKED_AT`].
pub(super) async fn log(link: &Link, feed: &FeedId, after: Position) -> Result<Result<Log, Lost>, StoreError> {
    let call = walk(&script::LOG, feed, After::Position(after));
    let (word, fields, _, entries): Answer = link.ask(Request::Script(&call)).await?;
    if let Some(lost) = lost(&word)? {
        return Ok(Err(lost));
    }
    let state = state(&fields)?;
    let entry = |entry: &Vec<String>| {
        let [seq, mark, kind, item, told @ ..] = entry.as_slice() else {
            return Err(corrupt("a script answers with an unknown entry"));
        };
        let position = position(seq, mark)?;
        let change = match told {
            [] => None,
            [item] => Some(Change::of_item(record::read(item)?)),
            [_doc, at, ..] => Some(feed_change(&state, position, kind, at)?),
        };
        let kind = kind.parse().map_err(|_| corrupt("a change is of an unknown kind"))?;
        let item = if item.is_empty() { None } else { Some(id(item)?) };
        Ok(Entry { position, kind, item, change })
    };
    let entries = entries.iter().map(entry).collect::<Result<_, _>>()?;
    Ok(Ok(Log { entries, state }))
}

/// A filter as the scripts read it.
fn wanted(filter: Option<&Filter>) -> String {
    let Some(filter) = filter else { return String::new() };
    let (urgencies, tags, subjects) = filter.parts();
    let mut wanted = serde_json::Map::new();
    for (name, list) in [("urgencies", json!(urgencies)), ("tags", json!(tags)), ("subjects", json!(subjects))] {
        if list.as_array().is_some_and(|list| !list.is_empty()) {
            wanted.insert(name.to_owned(), list);
        }
    }
    serde_json::Value::from(wanted).to_string()
}

/// A call of a script that goes on from a position.
fn walk(script: &'static std::sync::LazyLock<script::Script>, feed: &FeedId, after: After) -> Call {
    let keys = Keys::of(feed);
    let (seq, mark) = match after {
        After::First => (0, String::new()),
        After::Position(position) => (position.seq, position.mark.to_string()),
    };
    Call::new(script, &[keys.feed(), keys.log(), keys.items(), keys.last()])
        .arg(seq)
        .arg(mark)
        .arg(budget::ITEMS)
        .arg(budget::BYTES)
}

/// The newest change of the feed itself.
fn feed_change(state: &FeedState, position: Position, kind: &str, at: &str) -> Result<Change, StoreError> {
    let at = at.parse().map_err(|_| corrupt("what should be a time is none"))?;
    Ok(Change {
        position,
        kind: kind.parse().map_err(|_| corrupt("a change is of an unknown kind"))?,
        at: Moment::from_millis(at),
        born: 1,
        what: Arc::new(What::Feed(state.feed.clone())),
    })
}

/// Reads an item's id.
pub(super) fn id(text: &str) -> Result<Uuid, StoreError> {
    text.parse().map_err(|_| corrupt("what should be an item's id is none"))
}

/// [`super::Store::position`].
pub(super) async fn position_of(link: &Link, feed: &FeedId, seq: u64) -> Result<Option<Position>, StoreError> {
    let mut ask = redis::cmd("XRANGE");
    let entry = format!("{seq}-0");
    ask.arg(Keys::of(feed).log()).arg(&entry).arg(&entry);
    let found: Vec<(String, Vec<String>)> = link.ask(Request::One(&ask)).await?;
    let mark = found.first().and_then(|(_, fields)| fields.get(1));
    mark.map(|mark| position(&seq.to_string(), mark)).transpose()
}

/// [`super::Store::began`].
pub(super) async fn began(link: &Link, feed: &FeedId) -> Result<Option<Moment>, StoreError> {
    let mut ask = redis::cmd("ZRANGE");
    ask.arg(Keys::of(feed).time()).arg(0).arg(0).arg("WITHSCORES");
    let oldest: Vec<(String, i64)> = link.ask(Request::One(&ask)).await?;
    Ok(oldest.first().map(|(_, published)| Moment::from_millis(*published)))
}

/// [`super::Store::page`].
pub(super) async fn page(
    link: &Link,
    feed: &FeedId,
    before: Option<Cursor>,
    limit: usize,
    filter: Option<&Filter>,
    now: Moment,
) -> Result<Option<Page>, StoreError> {
    let keys = Keys::of(feed);
    let (published, item) =
        before.map_or_else(Default::default, |cursor| (cursor.published.millis().to_string(), cursor.id.to_string()));
    let call = Call::new(&script::PAGE, &[keys.feed(), keys.log(), keys.items(), keys.time(), keys.pins()])
        .arg(published)
        .arg(item)
        .arg(limit.clamp(1, budget::ITEMS))
        .arg(budget::BYTES)
        .arg(now.millis())
        .arg(wanted(filter))
        .arg(budget::LOOKED_AT);
    let answer: (String, Vec<String>, String, Vec<String>, Vec<String>) = link.ask(Request::Script(&call)).await?;
    let (word, fields, passed, pinned, items) = answer;
    if lost(&word)?.is_some() {
        return Ok(None);
    }
    let read = |texts: Vec<String>| texts.iter().map(|text| record::read(text)).collect::<Result<Vec<_>, _>>();
    let (pinned, items) = (read(pinned)?, read(items)?);
    let before = match passed.as_str() {
        "end" => None,
        cursor => Some(cursor.parse().map_err(|_| corrupt("what should be a cursor is none"))?),
    };
    Ok(Some(Page { pinned, items, before, state: state(&fields)? }))
}
