//! Every door but those of [`editing`]: what it takes, what it answers, and with which problems it refuses.

use serde_json::{Value, json};

use super::{
    door::{Door, door},
    editing, pages,
    parameter::{FILTER, HANDSHAKE},
    schema::{at_least, object, refer, told},
    syndication,
};

/// Why a door that reads a feed refuses.
pub(super) const READING: &[&str] = &["badRequest", "unauthorized", "forbidden", "notFound", "unavailable"];
/// Why a door that takes a body, and makes a change of it, does beside that.
pub(super) const SENT: &[&str] = &["notJson", "requestTimeout", "bodyTooLarge", "not_replicated"];
pub(super) const JSON: &str = "application/json";

/// Every door, by address; each that answers GET answers HEAD, too.
pub(super) fn all() -> Vec<Door> {
    let doors = [pages::all(), server(), feeds(), following(), items(), syndication::all(), editing::all()].concat();
    let heads: Vec<_> = doors.iter().filter(|door| door.method == "get").map(Door::head).collect();
    doors.into_iter().chain(heads).collect()
}

fn server() -> Vec<Door> {
    let file = ["ETag", "Cache-Control", "Content-Security-Policy", "X-Content-Type-Options"];
    let module = ["ETag", "Cache-Control", "Vary", "X-Content-Type-Options"];
    let words = ["ETag", "Cache-Control", "X-Content-Type-Options"];
    let text = |kind: &'static str| (kind, json!({"type": "string"}));
    let files =
        ["text/html; charset=utf-8", "text/css; charset=utf-8", "text/javascript; charset=utf-8", "image/svg+xml"];
    let same = "What the client has is current.";
    let described = |path, name, about, kind| {
        let schema = [(kind, json!({"type": "object"}))];
        let names = ["ETag", "Cache-Control", "Vary"];
        let door = door("get", path, name, about).open().takes(&["If-None-Match"]);
        door.answers(200, "The description.", &schema, &names).answers(304, same, &[], &names).refuses(&[])
    };
    let ready = object(
        vec![
            ("ready", json!({"type": "boolean"})),
            ("reason", json!({"type": ["string", "null"]})),
            ("checked", told(json!({"anyOf": [refer("Time"), {"type": "null"}]}), "When the store last answered.")),
            ("warnings", json!({"type": "array", "items": {"type": "string"}})),
        ],
        vec![],
    );
    vec![
        door("get", "/page/{file}", "pageFile", "A file of the pages.")
            .open()
            .takes(&["pageFile", "v", "If-None-Match"])
            .answers(200, "The file.", &[text(files[1]), text(files[2])], &file)
            .answers(304, same, &[], &file)
            .refuses(&[&["badRequest", "notFound"]]),
        door("get", "/sample/{file}", "sampleFile", "A picture of the sample items.")
            .open()
            .takes(&["file", "If-None-Match"])
            .answers(200, "The picture.", &[text(files[3])], &file)
            .answers(304, same, &[], &file)
            .refuses(&[&["badRequest", "notFound"]]),
        door("get", "/widget.js", "widget", "The widget <news-feed> as one module, the newest.")
            .open()
            .takes(&["If-None-Match"])
            .answers(200, "The module.", &[text(files[2])], &module)
            .answers(304, same, &[], &module)
            .refuses(&[]),
        door("get", "/widget/{hash}/news-feed.js", "pinnedWidget", "The widget of this hash, which never changes.")
            .open()
            .takes(&["hash", "If-None-Match"])
            .answers(200, "The module.", &[text(files[2])], &module)
            .answers(304, same, &[], &module)
            .refuses(&[&["badRequest", "notFound"]]),
        door("get", "/widget.json", "widgetNow", "Where the widget is, for pages that pin it.")
            .open()
            .reads(
                "Its address and its integrity.",
                object(
                    vec![
                        ("address", told(json!({"type": "string"}), "Where it never changes.")),
                        (
                            "integrity",
                            told(
                                json!({"type": "string", "pattern": "^sha384-[A-Za-z0-9+/]{64}$"}),
                                "For the attribute of that name (Subresource Integrity), together with `crossorigin`.",
                            ),
                        ),
                    ],
                    vec![],
                ),
                &[],
            )
            .refuses(&[]),
        door("get", "/widget/{file}", "widgetFile", "A module or a style sheet of the widget, as it was written.")
            .open()
            .takes(&["widgetFile", "If-None-Match"])
            .answers(200, "The file.", &[text(files[1]), text(files[2])], &module)
            .answers(304, same, &[], &module)
            .refuses(&[&["badRequest", "notFound"]]),
        door("get", "/widget/words/{file}", "words", "The widget's words in a language, or else in English.")
            .open()
            .takes(&["wordsFile", "If-None-Match"])
            .answers(200, "The words.", &[(JSON, json!({"type": "object"}))], &words)
            .answers(304, same, &[], &words)
            .refuses(&[&["badRequest", "notFound"]]),
        described("/openapi.json", "openapi", "This description (OpenAPI 3.1).", JSON),
        described(
            "/messages.schema.json",
            "messageSchema",
            "What streams say, as a JSON Schema (2020-12).",
            "application/schema+json",
        ),
        door("get", "/healthz", "healthy", "Whether the process runs.")
            .open()
            .answers(200, "It does.", &[("text/plain; charset=utf-8", json!({"const": "ok\n"}))], &[])
            .refuses(&[]),
        door("get", "/readyz", "ready", "Whether new readers and publishes are welcome.")
            .open()
            .answers(200, "They are.", &[(JSON, ready.clone())], &[])
            .answers(503, "They are not, and `reason` says why.", &[(JSON, ready)], &[])
            .refuses(&[]),
    ]
}

fn feeds() -> Vec<Door> {
    let feed = |door: Door, status, about, names: &[&str]| {
        door.answers(
            status,
            about,
            &[(JSON, refer("Feed"))],
            &[&["ETag", "Cache-Control", "Idempotency-Replayed?"], names].concat(),
        )
    };
    let list = object(vec![("feeds", json!({"type": "array", "items": refer("Feed")}))], vec![]);
    let fields = ["unknownField", "invalid", "tooLong", "outOfRange"];
    let make = door("post", "/v1/feeds", "makeFeed", "Make a feed; needs a token that may administer it.").with_token();
    let change = door("patch", "/v1/feeds/{feed}", "changeFeed", "Change, close or reopen a feed.").with_token();
    vec![
        door("get", "/v1/feeds", "listFeeds", "The feeds that you may read.")
            .reads("The feeds.", list, &[])
            .refuses(&[&["unauthorized", "unavailable"]]),
        feed(make.takes(&["Idempotency-Key"]).body("NewFeed"), 201, "The feed that was made.", &["Location"])
            .refuses(&[SENT, &fields, &["exists", "missing", "keyReused"], READING])
            .leads_to(201, "$response.body#/id", None, &["getFeed", "changeFeed", "publishItem", "deleteFeed"]),
        door("get", "/v1/feeds/{feed}", "getFeed", "A feed.")
            .takes(&["feed"])
            .reads("The feed.", refer("Feed"), &[])
            .refuses(&[READING]),
        feed(
            change.takes(&["feed", "If-Match", "Idempotency-Key"]).body("FeedPatch"),
            200,
            "The feed as it now is.",
            &[],
        )
        .refuses(&[READING, SENT, &fields, &["readOnly", "preconditionFailed", "keyReused"]]),
        door("delete", "/v1/feeds/{feed}", "deleteFeed", "Delete a feed with everything in it.")
            .with_token()
            .takes(&["feed", "If-Match", "Idempotency-Key"])
            .answers(204, "It is gone.", &[], &["Idempotency-Replayed?"])
            .refuses(&[READING, &["not_replicated", "preconditionFailed", "keyReused"]]),
    ]
}

fn following() -> Vec<Door> {
    let upgraded = |door: Door| {
        let names =
            ["Connection", "Upgrade", "Sec-WebSocket-Accept", "Sec-WebSocket-Protocol?", "Sec-WebSocket-Extensions?"];
        door.answers(101, "A WebSocket: each text frame is a Message, see /messages.schema.json.", &[], &names)
            .takes(&["Prefer"])
            .takes(&HANDSHAKE)
            .refuses(&[READING, &["notAcceptable", "upgradeRequired", "full"]])
    };
    let events = told(json!({"type": "string"}), "Events (WHATWG HTML, section 9.2) whose `data` is a Message.");
    let changes = json!({"type": "array", "items": refer("Change")});
    let reset = json!({"enum": ["trimmed", "storeChanged"]});
    let position = || ("position", refer("Position"));
    let polled = json!({"oneOf": [
        object(vec![("changes", changes), position(), ("more", json!({"type": "boolean"}))], vec![]),
        object(vec![("reset", reset), position()], vec![]),
    ]});
    let ticket = object(vec![("ticket", json!({"type": "string"})), ("expires", refer("Time"))], vec![]);
    let live = door(
        "get",
        "/v1/feeds/{feed}/live",
        "follow",
        "Follow a feed: a WebSocket where an upgrade is asked for, else events.",
    );
    let several = door("get", "/v1/live", "followSeveral", "Follow several feeds on one WebSocket.");
    vec![
        upgraded(live.or_ticket().takes(&["feed", "resume", "last", "Last-Event-ID"]).takes(&FILTER).answers(
            200,
            "Events, for as long as both sides like.",
            &[("text/event-stream", events)],
            &["Cache-Control", "X-Accel-Buffering"],
        )),
        upgraded(several.takes(&["feeds", "last"]).takes(&FILTER)),
        door("get", "/v1/feeds/{feed}/changes", "poll", "What changed after a position.")
            .or_ticket()
            .takes(&["feed", "after", "limit", "wait"])
            .takes(&FILTER)
            .answers(200, "The changes, or `reset`: read the items anew.", &[(JSON, polled)], &["Cache-Control"])
            .refuses(&[READING]),
        door("post", "/v1/feeds/{feed}/tickets", "makeTicket", "A ticket that opens a stream or poll for a minute.")
            .with_token()
            .takes(&["feed"])
            .answers(201, "The ticket.", &[(JSON, ticket)], &["Cache-Control"])
            .refuses(&[READING]),
    ]
}

fn items() -> Vec<Door> {
    let position = || ("position", refer("Position"));
    let listed = json!({"anyOf": [refer("UsableItem"), refer("RetractedItem"), refer("HeldItem")]});
    let page = object(
        vec![("items", json!({"type": "array", "items": listed})), position()],
        vec![("before", told(refer("Cursor"), "Where older items go on."))],
    );
    let item = || json!({"anyOf": [refer("Item"), refer("EditorsItem")]});
    let kinds: Vec<_> =
        crate::news::Kind::ALL.map(|(_, name)| name).into_iter().filter(|n| n.starts_with("item.")).collect();
    let version = object(
        vec![
            ("version", at_least(1)),
            position(),
            ("kind", json!({"enum": kinds})),
            ("at", refer("Time")),
            ("who", told(json!({"type": "string"}), "The name of the token, or the server's.")),
            ("fields", told(json!({"type": "array", "items": {"type": "string"}}), "What differed.")),
            ("item", json!({"anyOf": [refer("EditorsItem"), refer("EmptiedVersion")]})),
        ],
        vec![],
    );
    let versions = object(
        vec![("versions", json!({"type": "array", "items": version}))],
        vec![("after", told(at_least(1), "There are more after this one."))],
    );
    vec![
        door(
            "get",
            "/v1/feeds/{feed}/items",
            "listItems",
            "Items, newest first; the first page begins with the pinned ones.",
        )
        .takes(&["feed", "before", "limit"])
        .takes(&FILTER)
        .reads("A page.", page, &[])
        .refuses(&[READING]),
        door("get", "/v1/feeds/{feed}/items/by-alt-id", "findItem", "The item that has this id elsewhere.")
            .takes(&["feed", "role", "value"])
            .reads("The item.", item(), &["Content-Location"])
            .refuses(&[READING]),
        door("get", "/v1/feeds/{feed}/items/{id}", "getItem", "An item.")
            .takes(&["feed", "id"])
            .reads("The item.", item(), &[])
            .refuses(&[READING]),
        door(
            "get",
            "/v1/feeds/{feed}/items/{id}/versions",
            "listVersions",
            "Every version, oldest first, for editors.",
        )
        .with_token()
        .takes(&["feed", "id", "afterVersion"])
        .answers(200, "The versions.", &[(JSON, versions)], &["Cache-Control", "Vary"])
        .refuses(&[READING]),
    ]
}

/// The addresses with their doors, as OpenAPI lists them.
pub(super) fn paths() -> Value {
    let mut paths = json!({});
    for Door { path, method, is } in all() {
        paths[path][method] = is;
    }
    paths
}
