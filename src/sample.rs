//! `--sample`: fills the feed with the items of `examples/sample-items.jsonl`, then publishes a further one every few
//! seconds, so that a newcomer sees a feed live. The rules are those of the editors' door.

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use serde_json::{Map, Value, json};

use crate::{
    first_run::FEED,
    live::Drain,
    news::{
        Feed, FeedId, Mark, Moment,
        edit::{Edit, Verb, edit},
    },
    store::{Commit, CommitError, Conflict, Expected, ItemWrite, SharedStore, StoreError, Write},
};

const ITEMS: &str = include_str!("../examples/sample-items.jsonl");

/// The pause between two further items.
const EVERY: Duration = Duration::from_secs(5);
/// How far apart the items are that the feed is filled with.
const APART: Duration = Duration::from_secs(9 * 60);

/// How long a sample item is breaking news.
const BREAKING: Duration = Duration::from_secs(60);

/// Where the pictures of the items are, as the file has it: among the server's own files.
const PICTURES: &str = "https://newswire.example/sample/";

/// Publishes until the server, which is reached at `address`, drains.
pub async fn publish(store: SharedStore, drain: Drain, address: SocketAddr) {
    tokio::select! {
        ended = fill_and_go_on(&store, address) => match ended {
            Ok(()) => {}
            Err(error) => tracing::error!(%error, "no more sample items are published"),
        },
        () = drain.left() => {}
    }
}

async fn fill_and_go_on(store: &SharedStore, address: SocketAddr) -> Result<(), StoreError> {
    let id: FeedId = FEED.parse().expect("a feed's name");
    let Some(state) = store.feed(&id).await? else {
        tracing::warn!("there is no feed {FEED}, so no sample items are published");
        return Ok(());
    };
    // A server that listens everywhere is looked at from this machine.
    let host = if address.ip().is_unspecified() { IpAddr::from([127, 0, 0, 1]) } else { address.ip() };
    let items = ITEMS.replace(PICTURES, &format!("http://{}/sample/", SocketAddr::new(host, address.port())));
    let items: Vec<Map<String, Value>> =
        items.lines().map(|line| serde_json::from_str(line).expect("the sample items are JSON objects")).collect();
    let begun = store.now();
    for (place, item) in items.iter().enumerate() {
        let ago = APART * u32::try_from(items.len() - place).expect("there are few sample items");
        let mut item = item.clone();
        let published = Moment::from_millis(begun.millis() - i64::try_from(ago.as_millis()).unwrap_or(0));
        item.insert("published".to_owned(), json!(published));
        still_breaking(&mut item, begun);
        // The items have ids of their own: those of an earlier start are there, and stay.
        commit(store, &state.feed, &item).await?;
    }
    let mut ticks = tokio::time::interval(EVERY);
    for item in items.iter().cycle() {
        ticks.tick().await;
        let mut item = item.clone();
        item.remove("id");
        still_breaking(&mut item, store.now());
        if let Err(error) = commit(store, &state.feed, &item).await {
            tracing::warn!(%error, "a sample item was not published");
        }
    }
    Ok(())
}

/// A file knows no clock: what is breaking in it is so for a while from now.
fn still_breaking(item: &mut Map<String, Value>, now: Moment) {
    if let Some(breaking) = item.get_mut("breaking") {
        *breaking = json!({"until": now.plus(BREAKING)});
    }
}

async fn commit(store: &SharedStore, feed: &Feed, item: &Map<String, Value>) -> Result<(), StoreError> {
    let (mark, now) = (Mark::random(), store.now());
    let draft = edit(&Edit { feed, current: None, verb: Verb::Publish, body: item, now, mark });
    let draft = draft.expect("the sample items keep the rules").expect("a new item is always a difference");
    let write = ItemWrite {
        expected: Expected::Nothing,
        under: None,
        record: draft.record,
        fields: draft.fields,
        alt_ids: draft.alt_ids,
    };
    let commit = Commit {
        feed: feed.id.clone(),
        once: None,
        mark,
        kind: draft.kind,
        at: now,
        who: "sample".to_owned(),
        write: Write::Item(write),
    };
    match store.commit(commit).await {
        Err(CommitError::Conflict(Conflict::NoFeed)) => Err(StoreError::Unavailable("the feed is gone".to_owned())),
        Ok(_) | Err(CommitError::Conflict(_)) => Ok(()),
        Err(CommitError::Store(error)) => Err(error),
    }
}
