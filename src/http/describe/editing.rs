//! The doors through which items are published and changed. They answer alike.

use serde_json::json;

use super::{
    door::{Door, door},
    doors::{JSON, READING, SENT},
    schema::{at_least, object, refer, told},
};

/// Why the fields of an item may be refused.
const FIELDS: &[&str] =
    &["unknownField", "readOnly", "invalid", "missing", "tooLong", "tooMany", "outOfRange", "tooLarge", "keyReused"];

/// Where an item's own doors lead on from.
const ONWARD: [&str; 5] = ["getItem", "updateItem", "listVersions", "withholdItem", "removeItem"];

/// Every one of them.
pub(super) fn all() -> Vec<Door> {
    [editing(), verbs()].concat()
}

/// A door that changes an item.
fn edits(method: &'static str, path: &'static str, name: &str, about: &str) -> Door {
    door(method, path, name, about).with_token().takes(&["feed", "Idempotency-Key"])
}

/// What it answers with.
fn written(door: Door, status: u16, about: &str, names: &[&str]) -> Door {
    let written = object(
        vec![
            ("item", refer("EditorsItem")),
            ("position", refer("Position")),
            ("readers", told(at_least(0), "How many streams are open on the feed at this server.")),
        ],
        vec![(
            "remains",
            told(json!({"type": "string"}), "Which old bytes are still in the store's files after a removal."),
        )],
    );
    let names = [&["ETag", "Cache-Control", "Vary", "Idempotency-Replayed?"], names].concat();
    door.answers(status, about, &[(JSON, written)], &names)
}

fn editing() -> Vec<Door> {
    let publish = edits("post", "/v1/feeds/{feed}/items", "publishItem", "Publish an item.").body("NewItem");
    let publish = written(publish, 201, "The item that was made.", &["Location"]);
    let publish = written(publish, 200, "The item that this story became before, by one of its altIds.", &[]);
    let update = edits("patch", "/v1/feeds/{feed}/items/{id}", "updateItem", "Change fields of an item.");
    let update = update.takes(&["id", "ifMatchRequired"]).body("ItemPatch");
    vec![
        publish.refuses(&[READING, SENT, FIELDS, &["exists", "altIdTaken", "feedClosed"]]).leads_to(
            201,
            "$request.path.feed",
            Some("$response.body#/item/id"),
            &ONWARD,
        ),
        written(update, 200, "The item as it now reads.", &[]).refuses(&[
            READING,
            SENT,
            FIELDS,
            &["wrongStatus", "altIdTaken", "preconditionFailed", "preconditionRequired"],
        ]),
    ]
}

/// A verb: its address, its name in programs, what it is for, its body, and its own problems.
type Row = (&'static str, &'static str, &'static str, &'static str, &'static [&'static [&'static str]]);

fn verbs() -> Vec<Door> {
    const PLAIN: &[&str] = &["unknownField", "invalid", "keyReused", "preconditionFailed"];
    #[rustfmt::skip]
    const VERBS: [Row; 7] = [
        ("/v1/feeds/{feed}/items/{id}/correct", "correctItem", "Change fields, and say what was wrong.", "Correction",
            &[FIELDS, &["wrongStatus", "altIdTaken", "preconditionRequired"]]),
        ("/v1/feeds/{feed}/items/{id}/withhold", "withholdItem", "Hold an item back.", "Nothing", &[&["wrongStatus"]]),
        ("/v1/feeds/{feed}/items/{id}/release", "releaseItem", "Let it return.", "Nothing", &[&["wrongStatus"]]),
        ("/v1/feeds/{feed}/items/{id}/retract", "retractItem", "Retract it; a notice stays.", "Retraction",
            &[&["wrongStatus", "missing", "tooLong"]]),
        ("/v1/feeds/{feed}/items/{id}/remove", "removeItem", "Remove it; only its id stays.", "Nothing", &[]),
        ("/v1/feeds/{feed}/items/{id}/pin", "pinItem", "Pin it to the top.", "Pin",
            &[&["wrongStatus", "pinTaken", "outOfRange"]]),
        ("/v1/feeds/{feed}/items/{id}/unpin", "unpinItem", "Unpin it.", "Nothing", &[]),
    ];
    let verb = |(path, name, about, body, own): Row| {
        let door = edits("post", path, name, about).takes(&["id"]);
        let door = match body {
            "Correction" => door.takes(&["ifMatchRequired"]).body(body),
            "Retraction" => door.takes(&["If-Match"]).body(body),
            _ => door.takes(&["If-Match"]).may_have(body),
        };
        let mut codes: Vec<&str> = [&[READING, SENT, PLAIN], own].concat().concat();
        let mut had = std::collections::HashSet::new();
        codes.retain(|code| had.insert(*code));
        written(door, 200, "The item as it now reads.", &[]).refuses(&[&codes])
    };
    VERBS.into_iter().map(verb).collect()
}
