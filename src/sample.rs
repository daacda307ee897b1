//! `--sample`: fills the feed with the items of `examples/sample-items.jsonl` and edits some of them, then publishes a
//! further result every few seconds, so that a newcomer sees a feed live. The rules are those of the editors' door.

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use serde_json::{Map, Value, json};

use crate::{
    first_run::{self, FEED},
    live::Drain,
    news::{
        Feed, FeedId, Kind, Mark, Moment, Record,
        amend::amend,
        edit::{Edit, Verb, edit},
    },
    store::{
        Commit, CommitError, Committed, Conflict, Expected, FeedState, FeedWrite, ItemWrite, SharedStore, StoreError,
        Write,
    },
};

const ITEMS: &str = include_str!("../examples/sample-items.jsonl");

/// The pause between two further items.
const EVERY: Duration = Duration::from_secs(5);
/// How far apart the items are that the feed is filled with.
const APART: Duration = Duration::from_secs(9 * 60);

/// How many results come in, in some forty minutes.
const BOXES: u32 = 480;

/// The items that are edited, and the one that stands for what is retracted.
const SUMMARY: &str = "019ca027-f860-7bab-8fdb-016fb29a3c84";
const TURNOUT: &str = "019c9fdd-d000-709b-9e58-5150460039d3";
const DISTRICT: &str = "019c9fd5-92a0-7dc1-8664-112a00196213";
const HALF: &str = "019c9ff6-8820-704c-99ed-e97def01d411";

/// What the headline of [`TURNOUT`] says before it is corrected.
const MISTAKEN: &str = "Turnout about 71 per cent, the election office estimates";

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
        if item.get("id").is_some_and(|id| id == TURNOUT) {
            item.insert("headline".to_owned(), json!(MISTAKEN));
        }
        // The items have ids of their own: those of an earlier start are there, and stay.
        commit(store, &state.feed, Verb::Publish, None, &item).await?;
    }
    // A feed that somebody has called something is theirs.
    if state.feed.title == first_run::TITLE {
        edit_night(store, &state).await?;
    }
    let mut ticks = tokio::time::interval(EVERY);
    for counted in 1..=BOXES {
        ticks.tick().await;
        if let Err(error) = commit(store, &state.feed, Verb::Publish, None, &result(counted)).await {
            tracing::warn!(%error, "a sample item was not published");
        }
    }
    Ok(())
}

/// What an editor has done by then: the feed has its name, and the night its summary, a correction and a retraction.
async fn edit_night(store: &SharedStore, state: &FeedState) -> Result<(), StoreError> {
    let edits = [
        (Verb::Pin, SUMMARY, json!({})),
        (
            Verb::Correct,
            TURNOUT,
            json!({
                "kind": "correction",
                "note": "An earlier version of the headline said 71 per cent.",
                "changes": {"headline": "Turnout about 61 per cent, the election office estimates"},
            }),
        ),
        (
            Verb::Retract,
            DISTRICT,
            json!({
                "reason": "The figures were those of an earlier election. The Glassworks has not been counted yet.",
                "replacedBy": HALF,
            }),
        ),
    ];
    for (verb, id, body) in edits {
        let id = id.parse().expect("a UUID");
        let current = store.item(&state.feed.id, id).await?;
        if let (Some(current), Value::Object(body)) = (current, body) {
            commit(store, &state.feed, verb, Some(&current), &body).await?;
        }
    }
    let about = json!({
        "title": "Storm Isolde and the night in Valmora",
        "description": "What happens on the coast and in the counting hall, as it happens.",
        "language": "en-GB",
    });
    let about = about.as_object().expect("an object");
    let named = amend(&state.feed, about).expect("the sample keeps the rules");
    let Some((kind, document)) = named else { return Ok(()) };
    let write = Write::Feed(FeedWrite { expected: state.own, document });
    settled(store.commit(change(store, &state.feed, kind, Mark::random(), write)).await)
}

/// One of the results that go on coming in.
fn result(counted: u32) -> Map<String, Value> {
    let tenths = |of: u32, swing: u32| f64::from(of + counted * swing % 7) / 10.0;
    let body = format!(
        "<p>Of the votes that came by post, Tarrant has {:.1}, Okereke-Vale {:.1} and Castellan {:.1} per cent so far.</p>",
        tenths(512, 3),
        tenths(332, 5),
        tenths(138, 2),
    );
    let item = json!({
        "headline": format!("Postal votes: {counted} of {BOXES} boxes counted"),
        "body": body,
        "urgency": 5,
        "tags": ["valmora-votes", "results"],
    });
    item.as_object().expect("an object").clone()
}

/// A file knows no clock: what is breaking in it is so for a while from now.
fn still_breaking(item: &mut Map<String, Value>, now: Moment) {
    if let Some(breaking) = item.get_mut("breaking") {
        *breaking = json!({"until": now.plus(BREAKING)});
    }
}

async fn commit(
    store: &SharedStore,
    feed: &Feed,
    verb: Verb,
    current: Option<&Record>,
    body: &Map<String, Value>,
) -> Result<(), StoreError> {
    let (mark, now) = (Mark::random(), store.now());
    let draft = edit(&Edit { feed, current, verb, body, now, mark }).expect("the sample keeps the rules");
    // What an earlier start did is done.
    let Some(draft) = draft else { return Ok(()) };
    let write = ItemWrite {
        expected: current.map_or(Expected::Nothing, |current| Expected::Version(current.version)),
        under: None,
        record: draft.record,
        fields: draft.fields,
        alt_ids: draft.alt_ids,
    };
    settled(store.commit(change(store, feed, draft.kind, mark, Write::Item(write))).await)
}

fn change(store: &SharedStore, feed: &Feed, kind: Kind, mark: Mark, write: Write) -> Commit {
    Commit { feed: feed.id.clone(), once: None, mark, kind, at: store.now(), who: "sample".to_owned(), write }
}

/// Where somebody else was faster, what they did stands.
fn settled(came: Result<Committed, CommitError>) -> Result<(), StoreError> {
    match came {
        Err(CommitError::Conflict(Conflict::NoFeed)) => Err(StoreError::Unavailable("the feed is gone".to_owned())),
        Ok(_) | Err(CommitError::Conflict(_)) => Ok(()),
        Err(CommitError::Store(error)) => Err(error),
    }
}
