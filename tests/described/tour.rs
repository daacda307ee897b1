//! A tour through every door: each answer that is described, as far as it can be brought about.

use std::time::Duration;

use newswire::http::bounds;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::{
    ask::{Ask, Tour},
    document::Operation,
    support::{
        self,
        server::{FEED, Kept, Server},
        stream::{Door, Stream},
    },
};

/// An item with every field.
pub(crate) fn full() -> Value {
    json!({
        "headline": "Polls close in Brennick", "body": "<p>Counting is under way.</p>", "byline": "By A. Reporter",
        "authors": [{"name": "A. Reporter", "role": "Correspondent", "url": "https://example.org/a"}],
        "located": "Brennick", "urgency": 2, "keyEvent": true, "summary": true,
        "updateOf": "019c7658-1fd8-7000-8000-000000000001",
        "media": [
            {"kind": "picture", "href": "https://example.org/a.jpg", "alt": "A hall", "caption": "The hall",
                "credit": "B. Lens", "width": 800, "height": 600, "contentType": "image/jpeg"},
            {"kind": "video", "href": "https://example.org/a.mp4", "duration": 12.5},
        ],
        "related": [{"title": "Before", "url": "https://example.org/b", "image": "https://example.org/b.jpg"}],
        "subjects": ["politics"], "tags": ["election"], "language": "en-GB", "dir": "ltr", "source": "The Desk",
        "rights": "All rights reserved.", "altIds": [{"role": "wire", "value": "tour"}],
        "breaking": {"until": "2999-01-01T00:00:00Z"},
    })
}

async fn published(tour: &Tour, item: &Value) -> String {
    let answer = tour.server.edit(reqwest::Method::POST, "items").json(item).send().await;
    let answer = support::server::accepted(answer).await;
    answer["item"]["id"].as_str().expect("an id").to_owned()
}

/// The file that a good request of this operation is for, if it is for one.
fn file_of(operation: &Operation) -> Option<&'static str> {
    match operation.name().trim_end_matches("Head") {
        "pageFile" => Some("page.css"),
        "sampleFile" => Some("sample-net-street.svg"),
        "widgetFile" => Some("news-feed.css"),
        "words" => Some("de-AT.json"),
        _ => None,
    }
}

/// An item that the good request of this operation makes a difference to.
async fn item_for(tour: &Tour, operation: &Operation) -> String {
    if let Some(file) = file_of(operation) {
        return file.to_owned();
    }
    match operation.name().trim_end_matches("Head") {
        "pinnedWidget" => widget(tour).await,
        name if operation.path.contains("{id}") => {
            let id = published(tour, &json!({"headline": "A"})).await;
            if name == "releaseItem" {
                tour.server.act(&id, "withhold", &json!({})).await;
            }
            id
        }
        _ => String::new(),
    }
}

/// The hash in the address where the widget never changes.
async fn widget(tour: &Tour) -> String {
    let about = tour.server.read("/widget.json").await;
    let address = about["address"].as_str().expect("an address");
    address.split('/').nth(2).expect("a hash").to_owned()
}

/// Every good request; and again, for what a client has already, and under a key that was used.
async fn what_is_answered(tour: &Tour) {
    let full = published(tour, &full()).await;
    tour.server.act(&full, "pin", &json!({"position": 3, "until": "2999-01-01T00:00:00Z"})).await;
    let other = published(tour, &json!({"headline": "Instead"})).await;
    // The first page leads to the only feed, while that is the only one.
    for name in ["front", "frontHead"] {
        let operation = tour.operation(name);
        assert_eq!(tour.ask(&operation, &tour.good(&operation, "")).await.status, 302);
    }
    tour.server.beside_it(&["feed", "create", "second", "--title", "Second"]);
    let front = tour.operation("front");
    let listed = async || tour.ask(&front, &tour.good(&front, "")).await.status == 200;
    support::until("there is a list of feeds", listed).await;
    for operation in tour.document.operations() {
        let item = item_for(tour, &operation).await;
        let mut ask = tour.good(&operation, &item);
        if operation.name() == "deleteFeed" {
            ask.feed = "made".to_owned();
        }
        if operation.takes("Idempotency-Key") {
            ask = ask.header("idempotency-key", &format!("good {}", operation.name()));
        }
        let answer = tour.ask(&operation, &ask).await;
        // A WebSocket has no head to be asked for alone.
        let good = if operation.path == "/v1/live" { [101, 400] } else { [200 + answer.status % 100; 2] };
        assert!(good.contains(&answer.status), "{}: {answer:?}", operation.name());
        if operation.is["responses"].get("304").is_some() {
            let etag = answer.headers["etag"].to_str().expect("text");
            assert_eq!(tour.ask(&operation, &ask.clone().header("if-none-match", etag)).await.status, 304);
        }
        if operation.takes("Idempotency-Key") {
            let again = tour.ask(&operation, &ask).await;
            assert!(again.headers.contains_key("idempotency-replayed"), "{}: {again:?}", operation.name());
        }
        if operation.is["responses"].get("101").is_some() {
            let ask = ask.upgrade().header("sec-websocket-protocol", "newswire.v1");
            let ask = ask.header("sec-websocket-extensions", "permessage-deflate");
            assert_eq!(tour.ask(&operation, &ask).await.status, 101);
            assert_eq!(tour.ask(&operation, &ask.header("sec-websocket-version", "8")).await.status, 426);
        }
    }
    // What the fields and forms of items can be.
    let get = tour.operation("getItem");
    let retract = tour.operation("retractItem");
    let ask = tour.good(&tour.operation("correctItem"), &full);
    tour.ask(&tour.operation("correctItem"), &ask).await;
    for verb in ["withholdItem", "retractItem", "removeItem"] {
        let mut ask = tour.good(&tour.operation(verb), &full);
        if verb == "retractItem" {
            ask = ask.body(&json!({"reason": "See the other.", "replacedBy": other}));
        }
        tour.ask(&tour.operation(verb), &ask).await;
        for token in [None, Some(tour.admin.clone())] {
            tour.ask(&get, &Ask { token: token.clone(), ..tour.good(&get, &full) }).await;
            let list = tour.operation("listItems");
            tour.ask(&list, &Ask { token, ..tour.good(&list, "") }).await;
        }
    }
    let versions = tour.operation("listVersions");
    tour.ask(&versions, &tour.good(&versions, &full)).await;
    tour.server.beside_it(&["feed", "create", "private", "--title", "P", "--access", "token"]);
    let reader = tour.server.token(&["--can", "read", "--feed", "private"]);
    let read = tour.operation("getFeed");
    let ask = Ask { feed: "private".to_owned(), token: Some(reader), ..tour.good(&read, "") };
    assert_eq!(tour.ask(&read, &ask).await.headers["cache-control"], "private, no-cache");
    // A story that was sent before: 200, and 409 where the item is not usable any more.
    let publish = tour.operation("publishItem");
    let story = json!({"headline": "Wire", "altIds": [{"role": "wire", "value": "again"}]});
    let ask = tour.good(&publish, "").body(&story);
    let made = tour.ask(&publish, &ask).await;
    assert_eq!(tour.ask(&publish, &ask).await.status, 200);
    let id = made.body["item"]["id"].as_str().expect("an id");
    tour.ask(&retract, &tour.good(&retract, id)).await;
    assert_eq!(tour.ask(&publish, &ask).await.status, 409);
}

/// What every operation refuses, if its description says so.
async fn what_is_refused(tour: &Tour) {
    tour.server.beside_it(&["feed", "create", "other", "--title", "O"]);
    let elsewhere = tour.server.token(&["--can", "read", "--feed", "other"]);
    let taken = published(tour, &json!({"headline": "Under a key"})).await;
    tour.ask(
        &tour.operation("publishItem"),
        &tour
            .good(&tour.operation("publishItem"), "")
            .header("idempotency-key", "taken")
            .body(&json!({"headline": "First"})),
    )
    .await;
    let removed = published(tour, &json!({"headline": "Removed"})).await;
    tour.server.act(&removed, "remove", &json!({})).await;
    for operation in tour.document.operations() {
        let own = |status: &str, code: &str| told(tour, &operation, status).contains(&format!("`{code}`"));
        let good = tour.good(&operation, file_of(&operation).unwrap_or(&taken));
        let mut asks: Vec<(u16, Ask)> = Vec::new();
        if own("400", "badRequest") {
            asks.push((
                400,
                match operation.name().trim_end_matches("Head") {
                    "followSeveral" => Ask { query: "last=0".to_owned(), ..good.clone() },
                    "pageFile" | "sampleFile" | "widgetFile" | "words" | "pinnedWidget" => {
                        Ask { item: "%ff".to_owned(), ..good.clone() }
                    }
                    "makeFeed" => good.clone().header("idempotency-key", &"x".repeat(256)),
                    _ => Ask { feed: "%ff".to_owned(), ..good.clone() },
                },
            ));
        }
        if own("400", "notJson") {
            asks.push((400, Ask { body: Some(b"[]".to_vec()), ..good.clone() }));
        }
        if own("401", "unauthorized") {
            asks.push((401, Ask { token: Some("nw_wrong".to_owned()), ..good.clone() }));
        }
        if own("403", "forbidden") {
            let query = good.query.replace(FEED, "private");
            asks.push((403, Ask { token: Some(elsewhere.clone()), feed: "private".to_owned(), query, ..good.clone() }));
        }
        if own("404", "notFound") && operation.name() != "makeFeed" {
            let query = good.query.replace(FEED, "no-such-feed");
            let item = if operation.path.contains("{file}") { "no-such-file".to_owned() } else { good.item.clone() };
            asks.push((404, Ask { feed: "no-such-feed".to_owned(), item, query, ..good.clone() }));
        }
        if own("410", "gone") {
            asks.push((410, Ask { item: removed.clone(), ..good.clone() }));
        }
        if own("412", "preconditionFailed") {
            asks.push((412, good.clone().header("if-match", "\"999-00000000\"")));
        }
        if own("413", "bodyTooLarge") {
            asks.push((413, Ask { body: Some(vec![b' '; 512 * 1024 + 1]), ..good.clone() }));
        }
        if own("422", "unknownField") {
            let with = match operation.name() {
                "correctItem" => json!({"kind": "refile", "changes": {"colour": 1}}),
                "makeFeed" => json!({"id": "new", "title": "New", "colour": 1}),
                _ => json!({"colour": 1}),
            };
            asks.push((422, good.clone().body(&with)));
        }
        if own("422", "invalid") {
            asks.push((
                422,
                match operation.name() {
                    "publishItem" => good.clone().body(&json!({"headline": 7})),
                    "makeFeed" => good.clone().body(&json!({"id": "NOT", "title": "New"})),
                    "changeFeed" => good.clone().body(&json!({"title": 7})),
                    _ => good.clone().header("if-match", "nonsense"),
                },
            ));
        }
        if own("422", "keyReused") {
            let named = if operation.name() == "makeFeed" {
                good.clone().body(&json!({"id": FEED, "title": "N"}))
            } else {
                good.clone()
            };
            asks.push((422, named.header("idempotency-key", "taken")));
        }
        if own("409", "wrongStatus") {
            asks.push((409, Ask { item: removed.clone(), ..good.clone() }));
        }
        if own("428", "preconditionRequired") {
            asks.push((428, Ask { headers: vec![], ..good.clone() }));
        }
        if own("406", "notAcceptable") {
            asks.push((406, Ask { headers: vec![("accept", "image/png".to_owned())], ..good.clone() }));
        }
        for (status, ask) in asks {
            let answer = tour.ask(&operation, &ask).await;
            assert_eq!(answer.status, status, "{}: {ask:?} {answer:?}", operation.name());
        }
    }
}

/// An item with everything as long as it may be, in a script of four bytes a character.
fn too_large() -> Value {
    let text = |length: usize| "𐓏".repeat(length);
    let link = |n: usize| format!("https://example.org/{}/{n}", "a".repeat(2_020));
    let list = |entries: usize, one: &dyn Fn(usize) -> Value| (0..entries).map(one).collect::<Value>();
    let words = list(20, &|n| json!(format!("{}{n}", text(62))));
    json!({
        "headline": text(300), "byline": text(255), "source": text(255), "rights": text(500), "body": text(20_000),
        "authors": list(10, &|n| json!({"name": format!("{}{n}", text(254)), "role": text(255), "url": link(n)})),
        "media": list(10, &|n| json!({"kind": "picture", "href": link(n), "alt": text(500), "caption": text(1_000),
            "credit": text(255), "width": 1, "height": 1})),
        "related": list(5, &|n| json!({"title": text(300), "url": link(n), "image": link(n)})),
        "tags": words, "subjects": words,
    })
}

/// What is refused of the fields of items and feeds.
async fn what_fields_are_refused(tour: &Tour) {
    let text = |length: usize| "й".repeat(length);
    let id = published(tour, &json!({"headline": "A"})).await;
    let held = published(tour, &json!({"headline": "B", "altIds": [{"role": "wire", "value": "held"}]})).await;
    tour.server.act(&held, "withhold", &json!({})).await;
    let large = too_large();
    let fields = [
        ("readOnly", json!({"version": 7})),
        ("missing", json!({"headline": null})),
        ("tooLong", json!({"headline": text(301)})),
        ("tooMany", json!({"tags": vec!["x"; 21]})),
        ("outOfRange", json!({"urgency": 9})),
        ("invalid", json!({"headline": " "})),
        ("tooLarge", large),
        ("altIdTaken", json!({"headline": "C", "altIds": [{"role": "wire", "value": "held"}]})),
    ];
    for name in ["publishItem", "updateItem", "correctItem"] {
        let operation = tour.operation(name);
        for (code, fields) in &fields {
            let body =
                if name == "correctItem" { json!({"kind": "refile", "changes": fields}) } else { fields.clone() };
            let answer = tour.ask(&operation, &tour.good(&operation, &id).body(&body)).await;
            assert_eq!(answer.body["code"], *code, "{name}: {answer:?}");
        }
    }
    let pinned = published(tour, &json!({"headline": "Pinned"})).await;
    tour.server.act(&pinned, "pin", &json!({"position": 2})).await;
    for (name, code, body) in [
        ("publishItem", "exists", json!({"headline": "A", "id": id})),
        ("retractItem", "missing", json!({})),
        ("retractItem", "tooLong", json!({"reason": text(1_001)})),
        ("pinItem", "outOfRange", json!({"position": 4})),
        ("pinItem", "pinTaken", json!({"position": 2})),
        ("makeFeed", "exists", json!({"id": FEED, "title": "News"})),
        ("makeFeed", "missing", json!({"id": "new"})),
        ("makeFeed", "tooLong", json!({"id": "new", "title": text(301)})),
        ("makeFeed", "outOfRange", json!({"id": "new", "title": "New", "keep": {"days": 0}})),
        ("changeFeed", "tooLong", json!({"title": text(301)})),
        ("changeFeed", "outOfRange", json!({"keep": {"days": 0}})),
        ("changeFeed", "readOnly", json!({"id": "new"})),
    ] {
        let operation = tour.operation(name);
        let answer = tour.ask(&operation, &tour.good(&operation, &id).body(&body)).await;
        assert_eq!(answer.body["code"], code, "{name}: {answer:?}");
    }
    // A feed with every field; and one that takes nothing new.
    let change = tour.operation("changeFeed");
    let all = json!({"title": "News", "description": "All of it", "language": "en", "dir": "ltr",
        "timeZone": "Europe/Athens", "url": "https://example.org", "access": "public",
        "keep": {"changes": 1_000, "items": 1_000, "days": 30}});
    assert_eq!(tour.ask(&change, &tour.good(&change, "").body(&all)).await.status, 200);
    assert_eq!(tour.ask(&change, &tour.good(&change, "").body(&json!({"status": "closed"}))).await.status, 200);
    let publish = tour.operation("publishItem");
    assert_eq!(tour.ask(&publish, &tour.good(&publish, "")).await.body["code"], "feedClosed");
    assert_eq!(tour.ask(&change, &tour.good(&change, "").body(&json!({"status": null}))).await.status, 200);
    // The key of a feed that was made and deleted leads to nothing any more.
    let make = tour.operation("makeFeed");
    let delete = tour.operation("deleteFeed");
    let ask = tour.good(&make, "").body(&json!({"id": "brief", "title": "B"})).header("idempotency-key", "brief");
    assert_eq!(tour.ask(&make, &ask).await.status, 201);
    assert_eq!(tour.ask(&delete, &Ask { feed: "brief".to_owned(), ..tour.good(&delete, "") }).await.status, 204);
    assert_eq!(tour.ask(&make, &ask).await.status, 404);
}

/// A body that does not come: 408 after a while, at each door that takes one.
async fn what_is_waited_for(tour: &Tour, id: &str) {
    let doors =
        tour.document.operations().into_iter().filter(|operation| operation.is["responses"].get("408").is_some());
    let waits = doors.map(async |operation| {
        let place = operation.path.replace("{feed}", FEED).replace("{id}", id);
        let mut socket = TcpStream::connect(("127.0.0.1", tour.server.port())).await.expect("it listens");
        let head = format!(
            "{} {place} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\nif-match: *\r\ncontent-length: 9\r\n\
             connection: close\r\n\r\n{{",
            operation.method, tour.admin,
        );
        socket.write_all(head.as_bytes()).await.expect("sent");
        let mut answer = Vec::new();
        let all = tokio::time::timeout(Duration::from_secs(60), socket.read_to_end(&mut answer)).await;
        all.expect("it answers in time").expect("it can be read");
        tour.raw(&operation, &answer);
    });
    futures_util::future::join_all(waits).await;
}

/// What is answered where the store is away.
async fn what_is_unavailable(tour: &Tour) {
    // One that nobody has shown yet: what a token allows is remembered for a second.
    let new = tour.server.token(&["--can", "admin"]);
    tour.server.redis().pause();
    let operations = tour.document.operations();
    let asked = operations
        .iter()
        .filter(|operation| operation.path == "/readyz" || told(tour, operation, "503").contains("`unavailable`"))
        .map(async |operation| {
            let good = tour.good(operation, "019c7658-1fd8-7000-8000-000000000001");
            // Streams say it with `bye`, unless they are asked for a status.
            let ask = Ask { token: Some(new.clone()), ..good }.header("prefer", "handling=strict");
            assert_eq!(tour.ask(operation, &ask).await.status, 503, "{}", operation.name());
        });
    futures_util::future::join_all(asked).await;
    tour.server.redis().resume();
}

/// What says since when it reads as it does, once that is a few seconds ago: where the server has one address.
async fn what_is_dated(tour: &Tour) {
    tour.server.stop().await;
    tour.server.up_as(tour.server.command().args(["--public-url", "https://example.org"])).await;
    for operation in tour.document.operations() {
        if operation.takes("If-Modified-Since") {
            let ask = tour.good(&operation, "");
            let mut date = String::new();
            support::until("it is dated", async || {
                let answer = tour.ask(&operation, &ask).await;
                date = answer.headers.get("last-modified").map_or("", |date| date.to_str().expect("text")).to_owned();
                !date.is_empty()
            })
            .await;
            assert_eq!(tour.ask(&operation, &ask.header("if-modified-since", &date)).await.status, 304);
        }
    }
}

/// What the description of an answer says; of a HEAD's, which has no contents, too.
fn told<'a>(tour: &'a Tour, operation: &'a Operation, status: &str) -> &'a str {
    let answer = tour.document.resolve(&operation.is["responses"][status]);
    answer["description"].as_str().unwrap_or_default()
}

/// What every door answers to an address that is too long.
async fn what_is_too_long(tour: &Tour) {
    for operation in tour.document.operations() {
        let long = Ask { query: "x".repeat(8 * 1024), ..tour.good(&operation, "x") };
        assert_eq!(tour.ask(&operation, &long).await.status, 414, "{}", operation.name());
    }
}

/// What every door answers while as many requests are open as the server takes: polls that wait, and bodies that do
/// not come.
async fn what_is_too_much(tour: &Tour) {
    // Nothing happens there that would answer a poll.
    tour.server.beside_it(&["feed", "create", "quiet", "--title", "Quiet"]);
    let head = tour.server.read("/v1/feeds/quiet").await["position"].clone();
    let poll = format!("GET /v1/feeds/quiet/changes?after={}&wait=30", head.as_str().expect("text"));
    let write = format!("POST /v1/feeds/{FEED}/items");
    let kill = format!("/v1/feeds/{FEED}/items/x/remove");
    let mut open = Vec::new();
    for (line, probe, most) in [
        (poll, (reqwest::Method::GET, "/v1/feeds"), bounds::READS),
        (write, (reqwest::Method::POST, "/v1/feeds"), bounds::WRITES),
        (format!("POST {kill}"), (reqwest::Method::POST, kill.as_str()), bounds::KILLS),
    ] {
        let mut one_more = async || {
            let mut socket = TcpStream::connect(("127.0.0.1", tour.server.port())).await.expect("it listens");
            let head = format!("{line} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\n", tour.admin);
            let length = if line.starts_with("POST") { "content-length: 9\r\n\r\n" } else { "\r\n" };
            socket.write_all(format!("{head}{length}").as_bytes()).await.expect("sent");
            open.push(socket);
        };
        for _ in 0..most {
            one_more().await;
        }
        // Who asks whether a place is left takes one for a moment, and what came in that moment was refused.
        // A machine that does other things takes a while to open thousands.
        support::within(4 * support::PATIENCE, "as many requests are open as there may be", async || {
            let asked = tour.server.client.request(probe.0.clone(), tour.server.url(probe.1)).send().await;
            let Ok(answer) = asked else { return false };
            let busy = answer.status() == 503;
            if !busy {
                one_more().await;
            }
            busy
        })
        .await;
    }
    for operation in tour.document.operations() {
        let answer = tour.ask(&operation, &tour.good(&operation, "x")).await;
        assert_eq!(answer.status, 503, "{}", operation.name());
    }
}

/// What a write is answered where the store has none of the replicas that must receive it.
async fn what_is_not_replicated(tour: &Tour) {
    for pinned in tour.server.items().await.iter().filter(|item| item["pinned"].is_object()) {
        tour.server.act(pinned["id"].as_str().expect("an id"), "unpin", &json!({})).await;
    }
    let mut asked = Vec::new();
    for operation in tour.document.operations() {
        if told(tour, &operation, "503").contains("`not_replicated`") {
            let item = item_for(tour, &operation).await;
            let ask = tour.good(&operation, &item);
            asked.push(match operation.name() {
                "makeFeed" => Ask { body: Some(br#"{"id": "alone", "title": "Alone"}"#.to_vec()), ..ask },
                "deleteFeed" => Ask { feed: "quiet".to_owned(), ..ask },
                _ => ask,
            });
        }
    }
    tour.server.stop().await;
    tour.server.up_as(tour.server.command().args(["--ack-replicas", "1"])).await;
    let operations = tour.document.operations();
    let writing = operations.iter().filter(|operation| told(tour, operation, "503").contains("`not_replicated`"));
    let asked: Vec<_> = writing.zip(&asked).collect();
    // Redis waits for its replicas for one after another: all at once, the last would find that it does not answer.
    for few in asked.chunks(4) {
        let answers = few.iter().map(async |(operation, ask)| {
            assert_eq!(tour.ask(operation, ask).await.status, 503, "{}", operation.name());
        });
        futures_util::future::join_all(answers).await;
    }
}

/// What a stream is answered for which there is no room.
async fn what_there_is_no_room_for(tour: &Tour) {
    tour.server.stop().await;
    tour.server.up_as(tour.server.command().args(["--max-readers", "1"])).await;
    let _first = Stream::open(&tour.server, Door::WebSocket, "").await;
    for name in ["follow", "followSeveral"] {
        let operation = tour.operation(name);
        let answer = tour.ask(&operation, &tour.good(&operation, "x").upgrade()).await;
        assert_eq!(answer.status, 503, "{name}");
    }
}

/// What is described and cannot be brought about here, and why.
const UNREACHED: [(&str, &str); 1] = [(" 500", "it is a defect, of which none is known")];

#[tokio::test]
async fn every_answer_is_as_it_is_described_and_every_described_answer_comes() {
    let tour = Tour::of(Server::start(Kept::Redis).await).await;
    let id = published(&tour, &json!({"headline": "A"})).await;
    tokio::join!(what_is_waited_for(&tour, &id), async {
        what_is_answered(&tour).await;
        what_is_refused(&tour).await;
        what_fields_are_refused(&tour).await;
    });
    what_is_dated(&tour).await;
    what_is_too_long(&tour).await;
    what_is_too_much(&tour).await;
    what_is_unavailable(&tour).await;
    what_is_not_replicated(&tour).await;
    what_there_is_no_room_for(&tour).await;
    let unseen = tour.unseen();
    let known = |unseen: &&String| !UNREACHED.iter().any(|(what, _)| unseen.contains(what));
    let unseen: Vec<_> = unseen.iter().filter(known).collect();
    println!("{} answers were seen", tour.seen.borrow().len());
    assert!(unseen.is_empty(), "described, and not seen: {unseen:#?}");
}
