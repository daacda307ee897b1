//! The schemas of what streams say, told apart by `type`.

use serde_json::{Value, json};

use super::schema::{Fields, at_least, object, one_of, refer, told, word};
use crate::{
    live::{
        Goodbye,
        message::{HEARTBEAT_SECS, PROTOCOL, Reset},
    },
    news::Kind,
};

/// A message of this type, with fields that it must and may have.
fn message(kind: &str, must: Fields, may: Fields) -> Value {
    object([vec![("type", word(&[kind])), ("feed", refer("FeedId"))], must].concat(), may)
}

/// What every change tells.
fn change(kind: &str, what: (&'static str, Value)) -> Value {
    let born =
        told(at_least(1), "The seq of its first publication: above the position you came with, it is new to you.");
    message(kind, vec![("position", refer("Position")), ("born", born), ("at", refer("Time")), what], vec![])
}

/// How an item reads whose newest change is told as this kind; none for a change of the feed.
fn form(kind: Kind) -> Option<&'static str> {
    match kind {
        Kind::FeedCreated | Kind::FeedUpdated | Kind::FeedClosed | Kind::FeedReopened => None,
        Kind::ItemPublished
        | Kind::ItemUpdated
        | Kind::ItemCorrected
        | Kind::ItemReleased
        | Kind::ItemPinned
        | Kind::ItemUnpinned
        | Kind::ItemBreakingEnded => Some("UsableItem"),
        Kind::ItemWithheld => Some("WithheldItem"),
        Kind::ItemRetracted => Some("RetractedItem"),
        Kind::ItemRemoved => Some("RemovedItem"),
    }
}

/// The name of a message's schema: `item.published` is ItemPublished.
fn name(kind: &str) -> String {
    let upper = |part: &str| part[..1].to_uppercase() + &part[1..];
    kind.split('.').map(upper).collect()
}

/// Every change, by its name on the wire.
fn changes() -> Vec<(&'static str, Value)> {
    let of = |(kind, name): (Kind, &'static str)| {
        let what = form(kind).map_or_else(|| ("feedInfo", refer("FeedInfo")), |form| ("item", refer(form)));
        (name, change(name, what))
    };
    let left = told(
        change("item.left", ("item", object(vec![("id", refer("Id"))], vec![]))),
        "The item changed and no longer matches your filter: drop it.",
    );
    Kind::ALL.into_iter().map(of).chain([("item.left", left)]).collect()
}

/// Every message that is no change.
fn others() -> Vec<(&'static str, Value)> {
    let position = || ("position", refer("Position"));
    let beat = told(at_least(1), "Seconds between heartbeats.");
    let mut hello = vec![
        ("headSeq", at_least(1)),
        ("floorSeq", at_least(0)),
        ("feedInfo", refer("FeedInfo")),
        ("heartbeat", beat),
        ("protocol", json!({"const": PROTOCOL})),
    ];
    hello[3].1["examples"] = json!([HEARTBEAT_SECS]);
    let items = || ("items", json!({"type": "array", "items": one_of(&["UsableItem", "RetractedItem"].map(refer))}));
    let done = |done: bool| ("done", json!({"const": done}));
    let snapshot = one_of(&[
        message("snapshot", vec![items(), done(false)], vec![]),
        message("snapshot", vec![items(), done(true), position()], vec![("before", refer("Cursor"))]),
    ]);
    let reasons = word(&Reset::ALL.map(Reset::name));
    let goodbyes = word(&Goodbye::ALL.map(Goodbye::name));
    vec![
        ("hello", message("hello", hello, vec![position()])),
        ("snapshot", told(snapshot, "The newest items, in pages; a position comes with the last.")),
        ("caughtUp", message("caughtUp", vec![position(), ("changes", at_least(0)), ("folded", at_least(0))], vec![])),
        ("heartbeat", message("heartbeat", vec![("checked", refer("Time"))], vec![position()])),
        ("stale", told(message("stale", vec![("since", refer("Time"))], vec![]), "What you show was current then.")),
        ("reset", told(message("reset", vec![("reason", reasons)], vec![]), "Forget the items.")),
        (
            "bye",
            told(
                message("bye", vec![("reason", goodbyes), ("retryMs", at_least(1))], vec![]),
                "Come back after the pause.",
            ),
        ),
    ]
}

/// The schemas of messages, by name: each, then `Change` and `Message`, which are any of them.
pub(super) fn schemas() -> Vec<(String, Value)> {
    let any = |of: &[&[(&'static str, Value)]]| {
        let named: Vec<_> = of.iter().copied().flatten().map(|(kind, _)| (*kind, refer(&name(kind)))).collect();
        let mapping: serde_json::Map<String, Value> =
            named.iter().map(|(kind, to)| ((*kind).to_owned(), to["$ref"].clone())).collect();
        let forms: Vec<_> = named.into_iter().map(|(_, to)| to).collect();
        json!({"oneOf": forms, "discriminator": {"propertyName": "type", "mapping": mapping}})
    };
    let (changes, others) = (changes(), others());
    let change = told(any(&[&changes]), "A change of the feed, or of an item as it now reads to the public.");
    let message = told(any(&[&changes, &others]), "What a stream says.");
    let named = changes.into_iter().chain(others).map(|(kind, is)| (name(kind), is));
    named.chain([("Change".to_owned(), change), ("Message".to_owned(), message)]).collect()
}
