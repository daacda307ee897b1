//! Feeds over HTTP: made, changed and deleted by tokens that may administer them, with the rules of the command line,
//! and shown to readers as it happens.

mod support;

use reqwest::Method;
use serde_json::{Value, json};
use support::{
    server::{Kept, Server},
    stream::{Door, Stream},
};

/// What a request with this token is answered with: status, ETag and JSON.
async fn asked(server: &Server, token: &str, method: Method, path: &str, body: &Value) -> (u16, String, Value) {
    conditional(server, token, method, path, body, None).await
}

async fn conditional(
    server: &Server,
    token: &str,
    method: Method,
    path: &str,
    body: &Value,
    etag: Option<&str>,
) -> (u16, String, Value) {
    let mut request = server.client.request(method, server.url(path)).bearer_auth(token).json(body);
    if let Some(etag) = etag {
        request = request.header("If-Match", etag);
    }
    let answer = request.send().await.expect("the server answers");
    let status = answer.status().as_u16();
    let etag = answer.headers().get("etag").map(|tag| tag.to_str().expect("text").to_owned());
    let text = answer.text().await.expect("a body");
    (status, etag.unwrap_or_default(), serde_json::from_str(&text).unwrap_or_default())
}

#[tokio::test]
async fn a_feed_is_made_changed_closed_and_deleted_over_http() {
    for kept in [Kept::Sqlite, Kept::Redis] {
        let server = Server::start(kept).await;
        let admin = server.token(&["--can", "admin"]);
        let new = json!({"id": "night", "title": "Election night", "language": "el"});
        let (status, _, made) = asked(&server, &admin, Method::POST, "/v1/feeds", &new).await;
        assert_eq!((status, &made["title"], &made["language"]), (201, &json!("Election night"), &json!("el")));
        let (status, _, problem) = asked(&server, &admin, Method::POST, "/v1/feeds", &new).await;
        assert_eq!((status, &problem["code"]), (409, &json!("exists")));

        let mut reader = Stream::open_in(&server, "night", Door::Sse, "").await;
        reader.until("caughtUp").await;
        let path = "/v1/feeds/night";
        let patch = json!({"title": "The long night", "keep": {"items": 100}});
        let (status, etag, changed) = asked(&server, &admin, Method::PATCH, path, &patch).await;
        assert_eq!((status, &changed["keep"]), (200, &json!({"items": 100})), "{kept:?}");
        assert_eq!(reader.until("feed.updated").await["feedInfo"]["title"], "The long night");
        let (_, same, _) = asked(&server, &admin, Method::PATCH, path, &patch).await;
        assert_eq!(same, etag, "no difference is no change");

        let closing = json!({"status": "closed"});
        let (status, _, _) = conditional(&server, &admin, Method::PATCH, path, &closing, Some(&etag)).await;
        assert_eq!(status, 200);
        reader.until("feed.closed").await;
        let (status, _, problem) =
            conditional(&server, &admin, Method::PATCH, path, &json!({"title": "X"}), Some(&etag)).await;
        assert_eq!((status, &problem["code"]), (412, &json!("preconditionFailed")));
        let (status, _, problem) = asked(&server, &admin, Method::PATCH, path, &json!({"keep": {"days": 0}})).await;
        assert_eq!((status, &problem["field"]), (422, &json!("keep.days")));

        // An editor's token may publish, and not this.
        let editor = server.token(&["--can", "publish"]);
        for (method, path) in [(Method::POST, "/v1/feeds"), (Method::PATCH, path), (Method::DELETE, path)] {
            assert_eq!(asked(&server, &editor, method, path, &new).await.0, 403);
        }
        assert_eq!(asked(&server, &admin, Method::DELETE, path, &json!({})).await.0, 204);
        assert_eq!(reader.until("bye").await["reason"], "gone");
        assert_eq!(asked(&server, &admin, Method::DELETE, path, &json!({})).await.0, 404);
        assert_eq!(server.get(path).await.expect("the server answers").status(), 404);
    }
}

/// What a request under an idempotency key is answered with: its status, and whether it was answered before.
async fn once(server: &Server, token: &str, method: Method, path: &str, body: &Value, key: &str) -> (u16, bool) {
    let request = server.client.request(method, server.url(path)).bearer_auth(token).json(body);
    let answer = request.header("Idempotency-Key", key).send().await.expect("the server answers");
    (answer.status().as_u16(), answer.headers().contains_key("idempotency-replayed"))
}

#[tokio::test]
async fn a_request_about_a_feed_that_is_sent_twice_happens_once() {
    for kept in [Kept::Sqlite, Kept::Redis] {
        let server = Server::start(kept).await;
        let admin = server.token(&["--can", "admin"]);
        let (path, new) = ("/v1/feeds/night", json!({"id": "night", "title": "Election night"}));
        let make = async |key| once(&server, &admin, Method::POST, "/v1/feeds", &new, key).await;
        assert_eq!(make("make").await, (201, false));
        assert_eq!(make("make").await, (201, true));
        assert_eq!(make("another").await, (409, false), "the feed is there");
        let close =
            async |status, key| once(&server, &admin, Method::PATCH, path, &json!({"status": status}), key).await;
        assert_eq!(close("closed", "close").await, (200, false));
        assert_eq!(close("closed", "no difference").await, (200, false));
        assert_eq!(close("live", "open").await, (200, false));
        assert_eq!(close("closed", "close").await, (200, true));
        assert_eq!(close("closed", "no difference").await, (200, true));
        assert_eq!(server.read(path).await["status"], "live", "neither happened again");
        assert_eq!(close("live", "close").await.0, 422, "another request under the key");
        let delete = async |key| once(&server, &admin, Method::DELETE, path, &json!({}), key).await;
        assert_eq!(delete("delete").await, (204, false));
        assert_eq!(delete("delete").await, (204, true));
        assert_eq!(make("make").await, (404, false), "what it made is no longer there, and is not made again");
        assert_eq!(make("again").await, (201, false));
        assert_eq!(delete("delete").await, (204, true));
        assert_eq!(server.get(path).await.expect("the server answers").status(), 200, "the new one stays, {kept:?}");
    }
}

#[tokio::test]
async fn what_is_published_is_judged_by_the_document_as_it_now_reads() {
    for kept in [Kept::Sqlite, Kept::Redis] {
        let one = Server::start(kept).await;
        let other = if matches!(kept, Kept::Redis) { Some(one.beside().await) } else { None };
        let admin = one.token(&["--can", "admin"]);
        let publish = async || {
            let item = json!({"headline": "News"});
            let (status, _, answer) = asked(&one, &admin, Method::POST, "/v1/feeds/night/items", &item).await;
            (status, answer["code"].clone(), answer["item"]["language"].clone())
        };
        // Changed at another node, or by the command line beside the server, each time just before it counts.
        let change = async |method: Method, path: &str, body: Value| match &other {
            Some(other) => assert!(asked(other, &admin, method, path, &body).await.0 < 300, "{body}"),
            None => {
                let words: &[&str] = match (&method, body["status"].as_str()) {
                    (&Method::POST, _) => &["feed", "create", "night", "--title", "Night"],
                    (&Method::DELETE, _) => &["feed", "delete", "night", "--yes"],
                    (_, Some("closed")) => &["feed", "close", "night"],
                    (_, Some(_)) => &["feed", "reopen", "night"],
                    _ => &["feed", "set", "night", "--language", "el"],
                };
                one.beside_it(words);
            }
        };
        let path = "/v1/feeds/night";
        let new = json!({"id": "night", "title": "Night"});
        change(Method::POST, "/v1/feeds", new.clone()).await;
        assert_eq!(publish().await, (201, Value::Null, Value::Null));
        change(Method::PATCH, path, json!({"language": "el"})).await;
        assert_eq!(publish().await, (201, Value::Null, json!("el")), "{kept:?}");
        change(Method::PATCH, path, json!({"status": "closed"})).await;
        assert_eq!(publish().await, (409, json!("feedClosed"), Value::Null), "{kept:?}");
        change(Method::PATCH, path, json!({"status": "live"})).await;
        assert_eq!(publish().await.0, 201, "{kept:?}");
        change(Method::DELETE, path, json!({})).await;
        assert_eq!(publish().await.0, 404, "{kept:?}");
        change(Method::POST, "/v1/feeds", new).await;
        assert_eq!(publish().await, (201, Value::Null, Value::Null), "{kept:?}: another feed of the same name");
    }
}
