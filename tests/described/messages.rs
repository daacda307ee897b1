//! Every message of every door, through all that can happen to a feed and its readers, is as `/messages.schema.json`
//! says, and each type and reason comes at least once; and what is no message is told from one.

use std::collections::BTreeSet;

use newswire::{
    live::{Goodbye, message::Reset},
    news::Kind,
};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    document::Document,
    support::{
        self, PATIENCE,
        server::{FEED, Kept, Server, accepted},
        stream::{Door, Said, Stream},
    },
};

/// Types and reasons that do not come here, and why.
const UNREACHED: [(&str, &str); 1] =
    [("bye behind", "a node that is behind its store for long, and in touch with it all the same, is hard to make")];

/// What was said, checked as it came.
struct Heard<'a> {
    schema: &'a Document,
    seen: BTreeSet<String>,
}

impl Heard<'_> {
    fn hear(&mut self, message: &Value) {
        let errors = self.schema.errors(&json!({"$ref": "#/$defs/Message"}), message);
        assert!(errors.is_empty(), "{errors:#?}\n{message}");
        let kind = message["type"].as_str().expect("a type");
        self.seen.insert(match message["reason"].as_str() {
            Some(reason) => format!("{kind} {reason}"),
            None => kind.to_owned(),
        });
    }

    /// Listens until a message of this type has come, and returns it.
    async fn until(&mut self, stream: &mut Stream, kind: &str) -> Value {
        let listening = async {
            loop {
                let message = stream.next().await.message();
                self.hear(&message);
                if message["type"] == kind {
                    return message;
                }
            }
        };
        // The stream beats while it waits, so that it alone would listen for ever.
        let heard = tokio::time::timeout(3 * PATIENCE, listening).await;
        heard.unwrap_or_else(|_| panic!("no {kind} comes"))
    }

    /// Listens to a stream that is opened and ends by itself.
    async fn until_it_ends(&mut self, mut stream: Stream) {
        let listening = async {
            while let Said::Message(message) = stream.next().await {
                self.hear(&message);
            }
        };
        assert!(tokio::time::timeout(3 * PATIENCE, listening).await.is_ok(), "the stream does not end");
    }

    async fn poll(&mut self, server: &Server, query: &str) -> Value {
        let answer = server.read(&format!("/v1/feeds/{FEED}/changes?{query}")).await;
        answer["changes"].as_array().into_iter().flatten().for_each(|change| self.hear(change));
        answer
    }
}

/// Readers of every kind: both streams, all and filtered.
async fn readers(server: &Server, query: &str) -> Vec<Stream> {
    let mut readers = Vec::new();
    for door in [Door::WebSocket, Door::Sse] {
        for filter in ["", "&tag=a&urgency=5"] {
            readers.push(Stream::open(server, door, &format!("{query}{filter}")).await);
        }
    }
    readers
}

/// All that can happen to an item and to a feed, one after the other.
async fn what_happens(server: &Server, heard: &mut Heard<'_>) {
    let admin = server.token(&["--can", "admin"]);
    let change = async |fields: Value| {
        let request = server.client.patch(server.url(&format!("/v1/feeds/{FEED}"))).bearer_auth(&admin);
        accepted(request.json(&fields).send().await).await;
    };
    let mut readers = readers(server, "after=0").await;
    for reader in &mut readers {
        heard.until(reader, "feed.created").await;
        heard.until(reader, "caughtUp").await;
    }
    let item = crate::tour::full();
    let until = newswire::news::Moment::of_this_machine().plus(std::time::Duration::from_secs(2));
    let short = json!({"headline": "Short", "tags": ["a"], "breaking": {"until": until}});
    server.publish(&item).await;
    let made = server.publish(&short).await;
    let id = made["item"]["id"].as_str().expect("an id");
    let correct = async |changes: Value| {
        let request = server.edit(Method::POST, &format!("items/{id}/correct")).header("If-Match", "*");
        accepted(request.json(&json!({"kind": "clarification", "changes": changes})).send().await).await
    };
    for reader in &mut readers {
        heard.until(reader, "item.published").await;
    }
    for reader in &mut readers {
        heard.until(reader, "item.breakingEnded").await;
    }
    let steps: [(&str, &str, Value); 5] = [
        ("pin", "item.pinned", json!({"position": 2})),
        ("unpin", "item.unpinned", json!({})),
        ("withhold", "item.withheld", json!({})),
        ("release", "item.released", json!({})),
        (
            "retract",
            "item.retracted",
            json!({"reason": "Not so.", "replacedBy": "019c7658-1fd8-7000-8000-000000000001"}),
        ),
    ];
    for (verb, kind, body) in steps {
        server.act(id, verb, &body).await;
        for reader in &mut readers {
            heard.until(reader, kind).await;
        }
        if verb == "withhold" {
            // What is edited while it is held back is told as held back again, and no more.
            server.patch(id, "*", &json!({"located": "Brennick"})).await;
            for reader in &mut readers {
                heard.until(reader, "item.withheld").await;
            }
        }
        if verb == "release" {
            correct(json!({"byline": "A"})).await;
            for reader in &mut readers {
                heard.until(reader, "item.corrected").await;
            }
            server.patch(id, "*", &json!({"tags": ["b"]})).await;
            for (number, reader) in readers.iter_mut().enumerate() {
                heard.until(reader, if number % 2 == 0 { "item.updated" } else { "item.left" }).await;
            }
            heard.poll(server, "after=0&tag=a").await;
            server.patch(id, "*", &json!({"tags": ["a"]})).await;
        }
    }
    heard.poll(server, "after=0").await;
    for door in [Door::WebSocket, Door::Sse] {
        heard.until(&mut Stream::open(server, door, "last=10").await, "caughtUp").await;
    }
    server.act(id, "remove", &json!({})).await;
    for (fields, kind) in [
        (
            json!({"description": "All of it", "language": "en", "dir": "ltr", "timeZone": "Europe/Athens",
            "url": "https://example.org"}),
            "feed.updated",
        ),
        (json!({"status": "closed"}), "feed.closed"),
        (json!({"status": "live"}), "feed.reopened"),
    ] {
        change(fields).await;
        for reader in &mut readers {
            heard.until(reader, kind).await;
        }
    }
    heard.poll(server, "after=0").await;
    // A snapshot of several pages, and the beat of those who stay.
    for number in 0..5 {
        server.publish(&json!({"headline": format!("Long {number}"), "body": "𐓏".repeat(19_000)})).await;
    }
    for door in [Door::WebSocket, Door::Sse] {
        let pages = heard.until(&mut Stream::open(server, door, "").await, "snapshot").await;
        assert_eq!(pages["done"], false);
        heard.until(&mut Stream::open(server, door, "").await, "caughtUp").await;
    }
    for reader in &mut readers {
        heard.until(reader, "heartbeat").await;
    }
}

/// Positions that are no good, and readers that are sent away.
async fn who_is_reset_and_sent_away(server: &Server, heard: &mut Heard<'_>) {
    for door in [Door::WebSocket, Door::Sse] {
        for query in ["after=x", "after=2-00000000"] {
            heard.until(&mut Stream::open(server, door, query).await, "caughtUp").await;
        }
        heard.until_it_ends(Stream::open_in(server, "no-such-feed", door, "after=0").await).await;
        heard.until_it_ends(Stream::open(server, door, "ticket=x").await).await;
    }
    let mut noisy = Stream::open(server, Door::WebSocket, "").await;
    noisy.send("x".repeat(5 * 1024)).await;
    heard.until_it_ends(noisy).await;
    assert_eq!(heard.poll(server, "after=2-00000000").await["reset"], "storeChanged");

    // More filters than a feed has room for.
    let mut filtered = Vec::new();
    for number in 0..=1_000 {
        filtered.push(Stream::open(server, Door::Sse, &format!("tag=t{number}")).await);
    }
    heard.until_it_ends(filtered.pop().expect("the last")).await;
    drop(filtered);

    // What is no longer kept.
    server.beside_it(&["feed", "set", FEED, "--keep-changes", "1"]);
    server.publish(&json!({"headline": "Newest"})).await;
    let trimmed = async || server.read(&format!("/v1/feeds/{FEED}/changes?after=0")).await["reset"] == "trimmed";
    support::until("the log is trimmed", trimmed).await;
    let floor = server.read(&format!("/v1/feeds/{FEED}/changes?after=0")).await;
    assert!(floor["position"].is_string());
    for door in [Door::WebSocket, Door::Sse] {
        heard.until(&mut Stream::open(server, door, "after=0").await, "caughtUp").await;
    }
    // Who has lost the right to read.
    let anonymous = readers(server, "last=10").await;
    server.beside_it(&["feed", "set", FEED, "--access", "token"]);
    for reader in anonymous {
        heard.until_it_ends(reader).await;
    }
    server.beside_it(&["feed", "set", FEED, "--access", "public"]);
    let public =
        async || server.get(&format!("/v1/feeds/{FEED}/items")).await.is_ok_and(|answer| answer.status() == 200);
    support::until("everybody may read again", public).await;
}

#[tokio::test]
async fn every_message_is_as_it_is_described_and_every_described_message_comes() {
    let server = Server::start(Kept::Redis).await;
    let schema = Document::read(&server, "/messages.schema.json").await;
    let mut heard = Heard { schema: &schema, seen: BTreeSet::new() };
    what_happens(&server, &mut heard).await;
    who_is_reset_and_sent_away(&server, &mut heard).await;

    // A store that goes away and comes back; then the server goes.
    let mut readers = readers(&server, "").await;
    for reader in &mut readers {
        heard.until(reader, "caughtUp").await;
    }
    server.redis().pause();
    for reader in &mut readers {
        heard.until(reader, "stale").await;
    }
    for door in [Door::WebSocket, Door::Sse] {
        heard.until_it_ends(Stream::open(&server, door, "").await).await;
    }
    server.redis().resume();
    for reader in &mut readers {
        heard.until(reader, "heartbeat").await;
    }
    let ((), _) = tokio::join!(
        async {
            for reader in readers {
                heard.until_it_ends(reader).await;
            }
        },
        server.stop(),
    );

    // A server with room for one reader.
    let small = Server::start(Kept::Sqlite).await;
    small.stop().await;
    small.up_as(small.command().args(["--max-readers", "1"])).await;
    let _first = Stream::open(&small, Door::Sse, "").await;
    heard.until_it_ends(Stream::open(&small, Door::Sse, "").await).await;

    let plain = ["item.left", "hello", "snapshot", "caughtUp", "heartbeat", "stale"].map(str::to_owned);
    let kinds = Kind::ALL.map(|(_, name)| name.to_owned());
    let resets = Reset::ALL.map(|reason| format!("reset {}", reason.name()));
    let goodbyes = Goodbye::ALL.map(|reason| format!("bye {}", reason.name()));
    let all: BTreeSet<String> = plain.into_iter().chain(kinds).chain(resets).chain(goodbyes).collect();
    let unreached: Vec<_> = all.difference(&heard.seen).map(String::as_str).collect();
    assert_eq!(unreached, UNREACHED.map(|(what, _)| what));
    assert!(heard.seen.is_subset(&all), "{:?}", heard.seen);
}

#[tokio::test]
async fn what_is_no_message_is_told_from_one_and_unknown_fields_are_let_through() {
    let server = Server::start(Kept::Sqlite).await;
    let schema = server.read("/messages.schema.json").await;
    let validator = jsonschema::options().should_validate_formats(true).build(&schema).expect("a good schema");
    server.publish(&crate::tour::full()).await;
    let mut reader = Stream::open(&server, Door::WebSocket, "after=0").await;
    let messages = reader.up_to("caughtUp").await;
    let item = messages.iter().find(|message| message["type"] == "item.published").expect("it was published");
    let with = |path: &str, value: Value| {
        let mut message = item.clone();
        let (place, name) = path.rsplit_once('/').expect("a path");
        message.pointer_mut(place).expect("it is there")[name] = value;
        message
    };
    let without = |path: &str| {
        let mut message = item.clone();
        let (place, name) = path.rsplit_once('/').expect("a path");
        message.pointer_mut(place).and_then(Value::as_object_mut).expect("it is there").shift_remove(name);
        message
    };
    for good in
        [item.clone(), with("/new", json!(1)), with("/item/new", json!({})), with("/item/media/0/new", json!(1))]
    {
        assert!(validator.is_valid(&good), "{good}");
    }
    let wrong = [
        with("/type", json!("item.unheardOf")),
        with("/type", json!("item.retracted")),
        with("/type", json!("hello")),
        with("/position", json!("7")),
        with("/position", json!(7)),
        with("/at", json!("yesterday")),
        with("/at", json!("2026-02-19T19:38:39Z")),
        with("/born", json!(0)),
        with("/feed", json!("NOT")),
        with("/item/status", json!("withheld")),
        with("/item/urgency", json!(9)),
        with("/item/headline", json!("")),
        with("/item/headline", json!("x".repeat(301))),
        with("/item/media/0/alt", Value::Null),
        with("/item/tags", json!([])),
        with("/item/id", json!("1")),
        with("/item/pinned", json!({"position": 4})),
        without("/type"),
        without("/feed"),
        without("/position"),
        without("/born"),
        without("/at"),
        without("/item"),
        without("/item/version"),
        without("/item/media/0/width"),
        without("/item/wordCount"),
        json!({"type": "item.retracted", "feed": "a", "position": "1-00000000", "born": 1, "at": item["at"],
            "item": item["item"]}),
        json!({"type": "item.withheld", "feed": "a", "position": "1-00000000", "born": 1, "at": item["at"],
            "item": {"id": item["item"]["id"], "status": "withheld", "headline": "Told all the same"}}),
        json!({"type": "reset", "feed": "a", "reason": "bored"}),
        json!({"type": "bye", "feed": "a", "reason": "gone"}),
        json!({"type": "bye", "feed": "a", "reason": "trimmed", "retryMs": 1}),
        json!({"type": "snapshot", "feed": "a", "items": [], "done": true}),
        json!({"type": "caughtUp", "feed": "a", "position": "1-00000000", "changes": -1, "folded": 0}),
        json!({"type": "stale", "feed": "a"}),
        json!({}),
        json!([]),
        json!("hello"),
    ];
    for wrong in wrong {
        assert!(!validator.is_valid(&wrong), "{wrong}");
    }
}
