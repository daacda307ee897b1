//! The newsroom's history of an item, and that none of it reaches the public: earlier words, who edited, what is held
//! back, and what was added while it was.

mod support;

use reqwest::Method;
use serde_json::{Value, json};
use support::{
    server::{FEED, Kept, Server, accepted},
    stream::{Door, Stream},
};

fn id(answer: &Value) -> String {
    answer["item"]["id"].as_str().expect("an id").to_owned()
}

/// What an editor reads below the feed.
async fn desk(server: &Server, path: &str) -> Value {
    accepted(server.edit(Method::GET, path).send().await).await
}

/// Every byte that the public can read of a feed just now.
async fn public(server: &Server, item: &str) -> String {
    let mut said = String::new();
    for path in [
        "".to_owned(),
        "/items".to_owned(),
        format!("/items/{item}"),
        "/changes?after=0".to_owned(),
        format!("/items/{item}/versions"),
        "/items/by-alt-id?role=wire&value=W-7".to_owned(),
        "/items?tag=sealed".to_owned(),
        "/changes?after=0&tag=sealed".to_owned(),
    ] {
        let answer = server.get(&format!("/v1/feeds/{FEED}{path}")).await.expect("the server answers");
        said += &format!("{path} {} {:?} ", answer.status(), answer.headers());
        said += &answer.text().await.expect("a body");
    }
    for (door, query) in [(Door::Sse, "after=0"), (Door::WebSocket, "last=10"), (Door::WebSocket, "after=0&tag=sealed")]
    {
        let mut reader = Stream::open(server, door, query).await;
        for message in reader.up_to("caughtUp").await {
            said += &message.to_string();
        }
    }
    said
}

#[tokio::test]
async fn every_version_tells_who_when_and_what_differed() {
    for kept in [Kept::Sqlite, Kept::Redis] {
        let server = Server::start(kept).await;
        let made = server.publish(&json!({"headline": "First words", "tags": ["a"]})).await;
        let path = format!("items/{}", id(&made));
        let etag = made["etag"].as_str().expect("an ETag");
        let edited = server.patch(&id(&made), etag, &json!({"headline": "Second words"})).await;
        server.act(&id(&made), "pin", &json!({})).await;
        let told = desk(&server, &format!("{path}/versions")).await;
        let versions = told["versions"].as_array().expect("versions");
        let fields: Vec<_> = versions.iter().map(|version| &version["fields"]).collect();
        assert_eq!(fields[1..], [&json!(["headline"]), &json!(["pinned"])], "{kept:?}");
        assert!(versions.iter().all(|version| version["who"] == "editor"));
        assert_eq!(versions[0]["item"]["headline"], "First words");
        assert_eq!((&versions[1]["position"], &versions[1]["kind"]), (&edited["position"], &json!("item.updated")));
        assert_eq!(told.get("after"), None);
        let rest = desk(&server, &format!("{path}/versions?after=2")).await;
        assert_eq!(rest["versions"], json!([versions[2]]));
        for (token, status) in [(None, 401), (Some(server.token(&["--can", "read"])), 403)] {
            let mut request = server.client.get(server.url(&format!("/v1/feeds/{FEED}/{path}/versions")));
            if let Some(token) = token {
                request = request.bearer_auth(token);
            }
            assert_eq!(request.send().await.expect("the server answers").status(), status);
        }
    }
}

#[tokio::test]
async fn an_item_is_found_by_its_id_elsewhere_and_a_hidden_one_by_editors_alone() {
    let server = Server::start(Kept::Sqlite).await;
    let made = server.publish(&json!({"headline": "Wire", "altIds": [{"role": "wire", "value": "W 7/ä"}]})).await;
    let path = format!("/v1/feeds/{FEED}/items/by-alt-id?role=wire&value=W%207%2F%C3%A4");
    let answer = server.get(&path).await.expect("the server answers");
    let place = format!("/v1/feeds/{FEED}/items/{}", id(&made));
    assert_eq!((answer.status().as_u16(), &answer.headers()["content-location"]), (200, &place.parse().expect("text")));
    let other = path.replace("role=wire", "role=guid");
    assert_eq!(server.get(&other).await.expect("the server answers").status(), 404);
    server.act(&id(&made), "withhold", &json!({})).await;
    assert_eq!(server.get(&path).await.expect("the server answers").status(), 404);
    let found = desk(&server, "items/by-alt-id?role=wire&value=W%207%2F%C3%A4").await;
    assert_eq!((&found["id"], &found["status"]), (&made["item"]["id"], &json!("withheld")));
}

#[tokio::test]
async fn nothing_of_the_newsrooms_own_reaches_the_public() {
    let server = Server::start(Kept::Sqlite).await;
    let made = server
        .publish(&json!({"headline": "Earlier words", "altIds": [{"role": "wire", "value": "W-7"}], "tags": ["plain"]}))
        .await;
    let item = id(&made);
    server.patch(&item, made["etag"].as_str().expect("an ETag"), &json!({"headline": "Later words"})).await;
    let said = public(&server, &item).await;
    assert!(said.contains("Later words") && !said.contains("Earlier words") && !said.contains("editor"), "{said}");

    server.act(&item, "withhold", &json!({})).await;
    let request = server.edit(Method::PATCH, &format!("items/{item}")).header("If-Match", "*");
    let fields = json!({"headline": "Hidden words", "tags": ["plain", "sealed"]});
    accepted(request.json(&fields).send().await).await;
    let said = public(&server, &item).await;
    assert!(!said.contains("words") && !said.contains("W-7\""), "{said}");
    assert!(!said.contains("item.updated") && said.contains("item.withheld"), "it is still held back, {said}");
    // Not even that an item got a tag while it was held back can be asked for.
    let hidden = server.read(&format!("/v1/feeds/{FEED}/changes?after=0&tag=sealed")).await;
    assert!(!hidden.to_string().contains(&item), "{hidden}");

    server.act(&item, "release", &json!({})).await;
    let shown = server.read(&format!("/v1/feeds/{FEED}/items?tag=sealed")).await;
    assert_eq!(shown["items"][0]["headline"], "Hidden words");
}

#[tokio::test]
async fn an_id_elsewhere_that_a_story_got_while_it_was_held_back_finds_nothing_for_the_public() {
    let server = Server::start(Kept::Sqlite).await;
    let made = server.publish(&json!({"headline": "A", "altIds": [{"role": "wire", "value": "open"}]})).await;
    server.act(&id(&made), "withhold", &json!({})).await;
    let fields = json!({"altIds": [{"role": "wire", "value": "open"}, {"role": "wire", "value": "sealed"}]});
    server.patch(&id(&made), "*", &fields).await;
    let find = async |value: &str| {
        let path = format!("/v1/feeds/{FEED}/items/by-alt-id?role=wire&value={value}");
        server.get(&path).await.expect("the server answers").status().as_u16()
    };
    server.act(&id(&made), "retract", &json!({"reason": "Not confirmed."})).await;
    assert_eq!((find("open").await, find("sealed").await), (404, 404));
    let desk = desk(&server, "items/by-alt-id?role=wire&value=sealed").await;
    assert_eq!(desk["id"], made["item"]["id"], "the desk finds it");
}

#[tokio::test]
async fn a_story_sent_again_is_its_item_also_in_a_closed_feed_and_a_kill_beats_that() {
    let server = Server::start(Kept::Sqlite).await;
    let story = |ids: &[&str]| {
        let ids: Vec<_> = ids.iter().map(|id| json!({"role": "wire", "value": id})).collect();
        json!({"headline": "Wire", "altIds": ids})
    };
    let send = async |story: Value| {
        let answer = server.edit(Method::POST, "items").json(&story).send().await.expect("the server answers");
        (answer.status().as_u16(), answer.json::<Value>().await.expect("JSON"))
    };
    let (kept, killed) = (server.publish(&story(&["kept"])).await, server.publish(&story(&["killed"])).await);
    server.act(&id(&killed), "retract", &json!({"reason": "Wrong."})).await;
    let (status, problem) = send(story(&["kept", "killed"])).await;
    assert_eq!((status, &problem["code"], &problem["item"]), (409, &json!("altIdTaken"), &killed["item"]["id"]));
    assert_eq!(problem["current"], "canceled");
    server.beside_it(&["feed", "close", FEED]);
    assert_eq!(send(story(&["new"])).await.1["code"], "feedClosed");
    let (status, again) = send(story(&["kept", "new"])).await;
    assert_eq!((status, &again["item"]["id"]), (200, &kept["item"]["id"]));
    assert_eq!(send(story(&["killed"])).await.1["code"], "altIdTaken");
}
