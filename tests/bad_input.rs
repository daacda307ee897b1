//! Bad input: a clear error that names field, limit and what was sent, and nothing is stored.

mod support;

use futures_util::{SinkExt as _, StreamExt as _};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use support::{
    server::{FEED, Kept, Server},
    stream::{Door, Said, Stream},
};
use tokio_tungstenite::tungstenite::Message;

/// A refusal: its status and its problem.
async fn refused(request: RequestBuilder) -> (u16, Value) {
    let answer = request.send().await.expect("the server answers");
    let status = answer.status().as_u16();
    let kind = answer.headers().get("content-type").map(|kind| kind.to_str().expect("text").to_owned());
    let id = answer.headers().get("x-request-id").expect("every answer has an id").to_str().expect("text").to_owned();
    let body = answer.text().await.expect("a body");
    assert_eq!(kind.as_deref(), Some("application/problem+json"), "{status} {body}");
    let problem: Value = serde_json::from_str(&body).expect("JSON");
    assert_eq!((&problem["status"], &problem["requestId"]), (&json!(status), &json!(id)));
    assert!(problem["detail"].as_str().is_some_and(|detail| detail.len() > 10), "{problem}");
    (status, problem)
}

fn text(length: usize) -> String {
    "x".repeat(length)
}

/// Items with one thing too much, and the field that is to be named.
fn one_over_each_limit() -> Vec<(&'static str, Value)> {
    let picture = |more: Value| {
        let mut picture =
            json!({"kind": "picture", "href": "https://example.org/a.jpg", "alt": "a", "width": 4, "height": 3});
        picture.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        json!({"media": [picture]})
    };
    let link = format!("https://example.org/{}", text(2_048));
    let repeated = |value: Value, times: usize| Value::Array(vec![value; times]);
    let numbered = |times: usize| (0..times).map(|n| format!("t{n}")).collect::<Vec<_>>();
    vec![
        ("headline", json!({"headline": text(301)})),
        ("body", json!({"body": format!("<p>{}</p>", text(20_001))})),
        ("byline", json!({"byline": text(256)})),
        ("authors", json!({"authors": repeated(json!({"name": "A"}), 11)})),
        ("authors[0].name", json!({"authors": [{"name": text(256)}]})),
        ("authors[0].role", json!({"authors": [{"name": "A", "role": text(256)}]})),
        ("located", json!({"located": text(121)})),
        ("urgency", json!({"urgency": 0})),
        ("urgency", json!({"urgency": 9})),
        ("media", json!({"media": repeated(picture(json!({}))["media"][0].clone(), 11)})),
        ("media[0].alt", picture(json!({"alt": text(501)}))),
        ("media[0].caption", picture(json!({"caption": text(1_001)}))),
        ("media[0].credit", picture(json!({"credit": text(256)}))),
        ("media[0].href", picture(json!({"href": link}))),
        ("related", json!({"related": repeated(json!({"title": "A", "url": "https://example.org"}), 6)})),
        ("related[0].title", json!({"related": [{"title": text(301), "url": "https://example.org"}]})),
        ("subjects", json!({"subjects": numbered(21)})),
        ("subjects[0]", json!({"subjects": [text(65)]})),
        ("tags", json!({"tags": numbered(21)})),
        ("tags[0]", json!({"tags": [text(65)]})),
        ("source", json!({"source": text(256)})),
        ("rights", json!({"rights": text(501)})),
        (
            "altIds",
            json!({"altIds": (0..11).map(|n| json!({"role": "wire", "value": format!("{n}")})).collect::<Vec<_>>()}),
        ),
        ("altIds[0].role", json!({"altIds": [{"role": text(65), "value": "1"}]})),
        ("altIds[0].value", json!({"altIds": [{"role": "wire", "value": text(256)}]})),
        ("published", json!({"published": "2999-01-01T00:00:00Z"})),
    ]
}

#[tokio::test]
async fn one_over_any_limit_is_refused_with_field_limit_and_what_was_sent() {
    let server = Server::start(Kept::Sqlite).await;
    let head = server.read(&format!("/v1/feeds/{FEED}")).await["position"].clone();
    for (field, over) in one_over_each_limit() {
        let mut item = json!({"headline": "A headline"});
        item.as_object_mut().expect("an object").extend(over.as_object().expect("an object").clone());
        let (status, problem) = refused(server.edit(Method::POST, "items").json(&item)).await;
        assert_eq!((status, &problem["field"]), (422, &json!(field)), "{problem}");
        assert!(problem["limit"].is_string() && problem["sent"].is_string(), "{problem}");
    }
    assert_eq!(server.read(&format!("/v1/feeds/{FEED}")).await["position"], head, "nothing was stored");
    assert!(server.items().await.is_empty());
}

#[tokio::test]
async fn a_request_that_makes_no_sense_is_told_why() {
    let server = Server::start(Kept::Sqlite).await;
    let post = |body: &'static str| server.edit(Method::POST, "items").body(body);
    for (request, status, code, field) in [
        (post("{\"headline\": "), 400, "notJson", Some("body")),
        (post("[]"), 400, "notJson", Some("body")),
        (post("{}"), 422, "missing", None),
        (post("{\"headlin\": \"A\"}"), 422, "unknownField", Some("headlin")),
        (post("{\"headline\": 7}"), 422, "invalid", Some("headline")),
        (post("{\"headline\": \"A\", \"version\": 7}"), 422, "readOnly", Some("version")),
        (post("{\"headline\": \"A\\u0007\"}"), 422, "invalid", Some("headline")),
        (server.client.get(server.url("/nowhere")), 404, "notFound", None),
        (server.client.get(server.url("/v1/feeds/no-such-feed/items")), 404, "notFound", None),
        (server.client.get(server.url("/v1/feeds/no-such-feed/live")), 404, "notFound", None),
        (server.client.get(server.url("/v1/feeds/no-such-feed/changes?after=0")), 404, "notFound", None),
        (server.client.get(server.url("/v1/feeds/NOT%20A%20FEED")), 404, "notFound", None),
        (server.client.get(server.url(&format!("/v1/feeds/{FEED}/items/7"))), 404, "notFound", None),
        (server.client.get(server.url("/v1/feeds/%ff/items")), 400, "badRequest", Some("path")),
        (server.client.delete(server.url("/v1/feeds")), 405, "methodNotAllowed", None),
        (server.client.get(server.url(&format!("/v1/feeds/{FEED}/items?limit=201"))), 400, "badRequest", Some("limit")),
        (server.client.get(server.url(&format!("/v1/feeds/{FEED}/items?before=x"))), 400, "badRequest", Some("before")),
        (server.client.get(server.url(&format!("/v1/feeds/{FEED}/items?colour=x"))), 400, "badRequest", Some("query")),
        (server.client.get(server.url(&format!("/v1/feeds/{FEED}/changes"))), 400, "badRequest", Some("after")),
        (server.client.get(server.url(&format!("/v1/feeds/{FEED}/changes?after=x"))), 400, "badRequest", Some("after")),
        (
            server.client.get(server.url(&format!("/v1/feeds/{FEED}/changes?after=0&wait=31"))),
            400,
            "badRequest",
            Some("wait"),
        ),
        (server.client.get(server.url(&format!("/v1/feeds/{FEED}/live?last=0"))), 400, "badRequest", Some("last")),
        (
            server.client.get(server.url(&format!("/v1/feeds/{FEED}/live"))).header("Accept", "image/png"),
            406,
            "notAcceptable",
            None,
        ),
    ] {
        let (got, problem) = refused(request).await;
        assert_eq!((got, &problem["code"]), (status, &json!(code)), "{problem}");
        if let Some(field) = field {
            assert_eq!(problem["field"], field, "{problem}");
        }
    }
    assert!(server.items().await.is_empty());
}

#[tokio::test]
async fn a_body_over_the_limit_is_413_whether_or_not_it_says_so_first() {
    let server = Server::start(Kept::Sqlite).await;
    let large = format!("{{\"headline\":\"{}\"}}", text(512 * 1024));
    let (status, problem) = refused(server.edit(Method::POST, "items").body(large.clone())).await;
    assert_eq!((status, &problem["code"]), (413, &json!("bodyTooLarge")), "{problem}");
    let at_the_limit = format!("{}{{\"headline\":\"fits\"}}", " ".repeat(512 * 1024 - 19));
    assert_eq!(at_the_limit.len(), 512 * 1024);
    let answer = server.edit(Method::POST, "items").body(at_the_limit).send().await.expect("an answer");
    assert_eq!(answer.status(), 201);
}

#[tokio::test]
async fn editing_needs_a_good_token_that_may() {
    let server = Server::start(Kept::Sqlite).await;
    let url = server.url(&format!("/v1/feeds/{FEED}/items"));
    let item = json!({"headline": "A"});
    let post = || server.client.post(&url).json(&item);
    assert_eq!(refused(post()).await.0, 401);
    assert_eq!(refused(post().bearer_auth("nw_wrong")).await.0, 401);
    assert_eq!(refused(post().basic_auth("editor", Some(&server.token))).await.0, 401);
    // A token that is sent must be good even where none is needed.
    assert_eq!(refused(server.client.get(&url).bearer_auth("nw_wrong")).await.0, 401);
    let reader = server.token(&["--can", "read"]);
    assert_eq!(refused(post().bearer_auth(&reader)).await.0, 403);
    server.beside_it(&["feed", "create", "another-feed", "--title", "Another"]);
    let elsewhere = server.token(&["--can", "publish", "--feed", "another-feed"]);
    assert_eq!(refused(post().bearer_auth(&elsewhere)).await.0, 403);
    assert_eq!(post().bearer_auth(&server.token).send().await.expect("an answer").status(), 201);
}

#[tokio::test]
async fn a_token_that_is_made_or_revoked_beside_the_server_is_honoured_within_a_second() {
    for kept in [Kept::Sqlite, Kept::Redis] {
        let server = Server::start(kept).await;
        let token = server.token(&["--can", "publish"]);
        let post = || {
            server
                .client
                .post(server.url(&format!("/v1/feeds/{FEED}/items")))
                .bearer_auth(&token)
                .json(&json!({"headline": "A"}))
        };
        assert_eq!(post().send().await.expect("an answer").status(), 201);
        server.beside_it(&["token", "revoke", "test-0"]);
        let revoked = tokio::time::Instant::now();
        support::until("the token is refused", async || post().send().await.expect("an answer").status() == 401).await;
        assert!(revoked.elapsed() < std::time::Duration::from_secs(1), "{:?}", revoked.elapsed());
    }
}

#[tokio::test]
async fn an_edit_of_what_somebody_else_edited_is_412_and_without_if_match_428() {
    let server = Server::start(Kept::Sqlite).await;
    let made = server.publish(&json!({"headline": "A", "body": "<p>B</p>"})).await;
    let (id, old) = (made["item"]["id"].as_str().expect("an id"), made["etag"].as_str().expect("an ETag"));
    let patch = |etag: Option<&str>, body: Value| {
        let request = server.edit(Method::PATCH, &format!("items/{id}")).json(&body);
        etag.map_or(request.try_clone().expect("a plain body"), |etag| request.header("If-Match", etag))
    };
    assert_eq!(refused(patch(None, json!({"headline": "C"}))).await.0, 428);
    let edited = server.patch(id, old, &json!({"headline": "C"})).await;
    let (status, problem) = refused(patch(Some(old), json!({"headline": "D"}))).await;
    assert_eq!((status, &problem["current"]), (412, &edited["etag"]), "{problem}");
    // A pin and another field are no reason to refuse.
    server.act(id, "pin", &json!({})).await;
    let on_top = server.patch(id, old, &json!({"body": "<p>E</p>"})).await;
    assert_eq!((&on_top["item"]["headline"], &on_top["item"]["version"]), (&json!("C"), &json!(4)));
    // A kill needs no If-Match, and is refused with one that is stale.
    let stale =
        server.edit(Method::POST, &format!("items/{id}/retract")).header("If-Match", old).json(&json!({"reason": "R"}));
    assert_eq!(refused(stale).await.0, 412);
    assert_eq!(server.act(id, "retract", &json!({"reason": "R"})).await["item"]["status"], "canceled");
    assert_eq!(refused(patch(Some("*"), json!({"headline": "F"}))).await.0, 409);
}

#[tokio::test]
async fn a_request_that_is_sent_twice_happens_once() {
    for kept in [Kept::Sqlite, Kept::Redis] {
        let server = Server::start(kept).await;
        let post = |key: &str, headline: &str| {
            server.edit(Method::POST, "items").header("Idempotency-Key", key).json(&json!({"headline": headline}))
        };
        let first = support::server::accepted(post("k", "A").send().await).await;
        let again = post("k", "A").send().await.expect("an answer");
        assert_eq!(
            (again.status().as_u16(), again.headers()["idempotency-replayed"].to_str().expect("text")),
            (201, "true")
        );
        let again = support::server::accepted(Ok(again)).await;
        assert_eq!((&again["item"], &again["position"]), (&first["item"], &first["position"]));
        let (status, problem) = refused(post("k", "B")).await;
        assert_eq!((status, &problem["code"]), (422, &json!("keyReused")));
        assert_eq!(refused(post(&text(256), "A")).await.0, 400);
        // Before any other check: the item has changed, and the If-Match of the first request is stale by now.
        let (id, etag) = (first["item"]["id"].as_str().expect("an id"), first["etag"].as_str().expect("an ETag"));
        let patch = || {
            let request = server.edit(Method::PATCH, &format!("items/{id}")).header("If-Match", etag);
            request.header("Idempotency-Key", "p").json(&json!({"headline": "C"}))
        };
        let patched = support::server::accepted(patch().send().await).await;
        assert_eq!(support::server::accepted(patch().send().await).await["item"], patched["item"]);
        assert_eq!(server.items().await.len(), 1);
        assert_eq!(server.read(&format!("/v1/feeds/{FEED}")).await["position"], patched["position"]);
    }
}

#[tokio::test]
async fn a_wire_story_that_is_sent_again_is_the_item_that_it_became() {
    for kept in [Kept::Sqlite, Kept::Redis] {
        let server = Server::start(kept).await;
        let story = json!({"headline": "A", "altIds": [{"role": "wire", "value": "urn:1"}]});
        let made = server.publish(&story).await;
        let again = server.edit(Method::POST, "items").json(&story).send().await.expect("an answer");
        assert_eq!(again.status(), 200);
        let again = support::server::accepted(Ok(again)).await;
        assert_eq!(again["item"], made["item"]);
        // Under a key, too, each time it is sent.
        for _ in 0..2 {
            let keyed = server.edit(Method::POST, "items").header("Idempotency-Key", "k").json(&story).send().await;
            assert_eq!(keyed.expect("an answer").status(), 200);
        }
        let id = made["item"]["id"].as_str().expect("an id");
        server.act(id, "remove", &json!({})).await;
        let (status, problem) = refused(server.edit(Method::POST, "items").json(&story)).await;
        assert_eq!((status, &problem["item"], &problem["current"]), (409, &json!(id), &json!("removed")), "{problem}");
    }
}

#[tokio::test]
async fn a_taken_pin_is_409_and_names_its_holder() {
    let server = Server::start(Kept::Sqlite).await;
    let holder = server.publish(&json!({"headline": "A"})).await["item"]["id"].as_str().expect("an id").to_owned();
    let other = server.publish(&json!({"headline": "B"})).await["item"]["id"].as_str().expect("an id").to_owned();
    server.act(&holder, "pin", &json!({"position": 2})).await;
    let request = server.edit(Method::POST, &format!("items/{other}/pin")).json(&json!({"position": 2}));
    let (status, problem) = refused(request).await;
    assert_eq!((status, &problem["item"]), (409, &json!(holder)), "{problem}");
    server.act(&other, "pin", &json!({"position": 1})).await;
    let pinned: Vec<_> = server.items().await.iter().take(2).map(|item| item["id"].clone()).collect();
    assert_eq!(pinned, [json!(other), json!(holder)]);
}

#[tokio::test]
async fn what_a_reader_sends_is_dropped_and_too_much_of_it_ends_the_stream() {
    let server = Server::start(Kept::Sqlite).await;
    let mut reader = Stream::open(&server, Door::WebSocket, "").await;
    reader.until("caughtUp").await;
    reader.send(text(4 * 1024)).await;
    server.publish(&json!({"headline": "A"})).await;
    reader.until("item.published").await;
    reader.send(text(4 * 1024 + 1)).await;
    assert_eq!(reader.until("bye").await["reason"], "tooMuch");
    let Said::End(frame) = reader.next().await else { panic!("nothing comes after bye") };
    assert_eq!(frame.map(|frame| u16::from(frame.code)), Some(1009));
}

#[tokio::test]
async fn a_reader_that_closes_is_answered() {
    let server = Server::start(Kept::Sqlite).await;
    let mut reader = Stream::open(&server, Door::WebSocket, "").await;
    reader.until("caughtUp").await;
    reader.close(1000).await;
    let Said::End(frame) = reader.next().await else { panic!("nothing comes after a close frame") };
    assert_eq!(frame.map(|frame| u16::from(frame.code)), Some(1000));
}

#[tokio::test]
async fn an_offer_to_speak_http_2_is_no_wish_for_a_web_socket() {
    let server = Server::start(Kept::Sqlite).await;
    let path = server.url(&format!("/v1/feeds/{FEED}/live"));
    let offer =
        reqwest::Client::new().get(path).header("Connection", "Upgrade, HTTP2-Settings").header("Upgrade", "h2c");
    let answer = offer.send().await.expect("an answer");
    assert_eq!(answer.headers()["content-type"], "text/event-stream");
}

#[tokio::test]
async fn a_client_that_never_stops_sending_is_served_all_the_same() {
    let server = Server::start(Kept::Sqlite).await;
    for n in 0..200 {
        server.publish(&json!({"headline": format!("Item {n}")})).await;
    }
    let Stream::WebSocket(socket) = Stream::open(&server, Door::WebSocket, "after=0").await else {
        panic!("asked for")
    };
    let (mut write, mut read) = socket.split();
    let noise = async { while write.send(Message::text("x")).await.is_ok() {} };
    let caught_up = async {
        while let Some(Ok(message)) = read.next().await {
            if message.to_text().is_ok_and(|text| text.contains("\"caughtUp\"")) {
                return true;
            }
        }
        false
    };
    let served = tokio::time::timeout(support::PATIENCE, async {
        tokio::select! {
            () = noise => false,
            caught_up = caught_up => caught_up,
        }
    });
    assert!(served.await.expect("it is served in time"));
}

#[tokio::test]
async fn an_unknown_position_starts_a_stream_anew() {
    let server = Server::start(Kept::Sqlite).await;
    server.publish(&json!({"headline": "A"})).await;
    for door in [Door::WebSocket, Door::Sse] {
        for (after, reason) in
            [("nonsense", "unknown"), ("2-00000000", "storeChanged"), ("99-00000000", "storeChanged")]
        {
            let mut reader = Stream::open(&server, door, &format!("after={after}")).await;
            let came = reader.up_to("caughtUp").await;
            let kinds: Vec<_> = came.iter().map(|message| message["type"].as_str().expect("a type")).collect();
            assert_eq!(kinds[..2], ["hello", "reset"], "{after}");
            assert_eq!(came[1]["reason"], reason, "{after}");
            assert!(came.iter().any(|message| message["type"] == "snapshot" && message["items"][0]["headline"] == "A"));
        }
        for after in ["2-00000000", "99-00000000"] {
            let polled = server.read(&format!("/v1/feeds/{FEED}/changes?after={after}")).await;
            assert_eq!(polled["reset"], "storeChanged", "{after}");
        }
        let mut nowhere = Stream::open_in(&server, "no-such-feed", door, "after=2-00000000").await;
        assert_eq!(nowhere.next().await.message()["reason"], "gone");
        assert_eq!(nowhere.next().await.message()["type"], "bye");
    }
}

#[tokio::test]
async fn no_token_and_no_text_of_an_item_is_in_the_log() {
    let server = Server::start(Kept::Sqlite).await;
    server.stop().await;
    server.up_as(server.command().env("RUST_LOG", "trace").args(["--log", "json"])).await;
    let made = server.publish(&json!({"headline": "zanzibar-quicksilver", "tags": ["zanzibar"]})).await;
    let id = made["item"]["id"].as_str().expect("an id");
    server.act(id, "retract", &json!({"reason": "zanzibar-quicksilver"})).await;
    Stream::open(&server, Door::WebSocket, "").await.until("caughtUp").await;
    refused(server.edit(Method::POST, "items").json(&json!({"headline": "zanzibar", "zanzi": 1}))).await;
    server.stop().await;
    let log = server.log();
    let audit: Vec<Value> = log
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .filter(|line: &Value| line["target"] == "audit")
        .collect();
    assert_eq!(audit.len(), 2, "a line for each edit");
    assert_eq!(
        (&audit[1]["fields"]["token"], &audit[1]["fields"]["item"]),
        (&json!("editor"), &json!(id)),
        "{}",
        audit[1]
    );
    let ours: Vec<_> = log
        .lines()
        .filter(|line| line.contains("\"target\":\"newswire") || line.contains("\"target\":\"audit"))
        .collect();
    assert!(!ours.is_empty());
    for line in log.lines() {
        assert!(!line.contains(&server.token), "a token in the log: {line}");
    }
    for line in ours {
        assert!(!line.contains("zanzibar"), "an item's text in the log: {line}");
    }
}
