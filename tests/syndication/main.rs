//! Feeds for other software say what the items say: read by parsers that others wrote, Python's feedparser, npm's
//! rss-parser and the feed-rs crate, they come back equal to them. What is taken away is out at the next request.

#[path = "../support/mod.rs"]
mod support;

mod newsroom;
mod reading;

use std::{collections::BTreeMap, time::Duration};

use http::StatusCode;
use newswire::{
    http::coverage,
    news::{Feed, Kind, feed::FeedStatus},
    store::SharedStore,
};
use reqwest::{Method, Response, header::HeaderMap};
use serde_json::{Value, json};

use tokio::time::Instant;

use newsroom::{GONE, fill, listed};
use reading::{feed_rs, feedparser, rss_parser};
use support::{
    newsroom::Newsroom,
    node::Node,
    place::{Place as _, SqlitePlace},
    server::{FEED, Kept, Server},
    until, within,
};

const FILES: [(&str, &str); 3] = [
    ("feed.atom", "application/atom+xml; charset=utf-8"),
    ("feed.rss", "application/rss+xml; charset=utf-8"),
    ("feed.json", "application/feed+json"),
];

/// The address of a feed's file.
fn at(file: &str) -> String {
    format!("/feeds/{FEED}/{file}")
}

/// The text of a feed, once it has caught up with the last of these items: this node is told of them a moment after the
/// editor was.
async fn text(server: &Server, address: &str, newest: &Value) -> String {
    let id = newest["id"].as_str().expect("an id");
    let mut text = String::new();
    until("the feed has the newest item", async || {
        let answer = server.get(address).await.expect("the server answers");
        assert_eq!(answer.status(), 200, "{address}");
        text = answer.text().await.expect("a body");
        text.contains(id)
    })
    .await;
    text
}

#[tokio::test]
async fn what_parsers_read_in_each_format_is_what_the_items_say() {
    let server = Server::start(Kept::Sqlite).await;
    fill(&server).await;
    let items = listed(&server).await;
    assert!(items.len() > newsroom::shown().len(), "{items:#?}");
    let page = server.url(&format!("/feeds/{FEED}"));
    for (file, _) in FILES {
        let text = text(&server, &at(file), &items[0]).await;
        assert!(!text.contains(GONE), "{text}");
        let mut readings = vec![feed_rs(&text)];
        if file != "feed.json" {
            assert!(!text.contains("<script"), "{text}");
            readings.extend([feedparser(&text), rss_parser(&text)]);
        }
        for reading in readings {
            assert_eq!(reading.title, "Storm & <tide>", "{file} by {}", reading.by);
            assert_eq!(reading.page, page, "{file} by {}", reading.by);
            assert_eq!(reading.entries.len(), items.len(), "{file} by {}", reading.by);
            for (entry, item) in reading.entries.iter().zip(&items) {
                entry.is(item, &page, file, reading.by);
            }
        }
    }
}

#[tokio::test]
async fn a_retracted_item_is_a_tombstone_in_atom_and_nowhere_else() {
    let server = Server::start(Kept::Sqlite).await;
    fill(&server).await;
    let newest = &listed(&server).await[0];
    let all = server.items().await;
    let retracted = all.iter().find(|item| item["status"] == "canceled").expect("one is retracted");
    let id = retracted["id"].as_str().expect("an id");
    let atom = text(&server, &at("feed.atom"), newest).await;
    let tombstone = format!(
        "<at:deleted-entry ref=\"urn:uuid:{id}\" when=\"{}\"><at:comment>It was &lt;not&gt; so.</at:comment></at:deleted-entry>",
        retracted["retraction"]["at"].as_str().expect("a time"),
    );
    assert!(atom.contains(&tombstone), "{tombstone} is not in {atom}");
    assert!(atom.contains(" xmlns:at=\"http://purl.org/atompub/tombstones/1.0\""), "{atom}");
    assert_eq!(atom.matches("deleted-entry").count(), 2, "{atom}");
    for file in ["feed.rss", "feed.json"] {
        assert!(!text(&server, &at(file), newest).await.contains(id), "{file}");
    }
}

#[tokio::test]
async fn a_retraction_of_an_item_that_newer_ones_have_pushed_out_is_told_in_atom() {
    let server = Server::start(Kept::Sqlite).await;
    let mut ids = Vec::new();
    for (n, tag) in [(0, "a"), (1, "b")].into_iter().chain((2..60).map(|n| (n, "a"))) {
        let made = server.publish(&json!({"headline": format!("Item {n}"), "tags": [tag]})).await;
        ids.push(made["item"]["id"].as_str().expect("an id").to_owned());
    }
    let (kept, gone) = (&ids[0], &ids[2]);
    for id in [&ids[1], gone] {
        server.act(id, "retract", &json!({"reason": "Wrong."})).await;
    }
    let tombstones = async |query: &str| {
        let atom = server.get(&format!("{}{query}", at("feed.atom"))).await.expect("an answer");
        let atom = atom.text().await.expect("a body");
        assert!(!atom.contains(kept), "{atom}");
        let tombstone = |id: &String| atom.contains(&format!("<at:deleted-entry ref=\"urn:uuid:{id}\""));
        let updated = atom.split("<updated>").nth(1).expect("a time").split('<').next().expect("its end").to_owned();
        ((tombstone(&ids[1]), tombstone(gone)), reading::millis(&updated))
    };
    let retracted = server.read(&format!("/v1/feeds/{FEED}/items/{gone}")).await;
    let at = reading::millis(retracted["retraction"]["at"].as_str().expect("a time"));
    assert_eq!(tombstones("").await, ((true, true), at));
    assert_eq!(tombstones("?tag=a").await, ((false, true), at));
    // What is removed then is not even told of.
    server.act(gone, "remove", &json!({})).await;
    assert_eq!(tombstones("").await.0, (true, false));
    // A server that was started anew reads it from its log.
    server.stop().await;
    server.up().await;
    assert_eq!(tombstones("").await.0, (true, false));
}

async fn is_out_at_the_next_request(kept: Kept) {
    let server = Server::start(kept).await;
    for (verb, body) in [("retract", json!({"reason": "Wrong."})), ("withhold", json!({})), ("remove", json!({}))] {
        let item = json!({"headline": format!("{GONE} {verb}"), "body": format!("<p>{GONE}</p>")});
        let item = server.publish(&item).await["item"].clone();
        for (file, _) in FILES {
            text(&server, &at(file), &item).await;
        }
        server.act(item["id"].as_str().expect("an id"), verb, &body).await;
        for (file, _) in FILES {
            let now = server.get(&at(file)).await.expect("an answer").text().await.expect("a body");
            assert!(!now.contains(GONE), "after {verb}: {now}");
        }
    }
}

#[tokio::test]
async fn what_is_taken_away_is_out_at_the_next_request_on_sqlite() {
    is_out_at_the_next_request(Kept::Sqlite).await;
}

#[tokio::test]
async fn what_is_taken_away_is_out_at_the_next_request_on_redis() {
    is_out_at_the_next_request(Kept::Redis).await;
}

#[tokio::test]
async fn a_correction_moves_the_time_by_which_readers_see_that_something_is_new() {
    let server = Server::start(Kept::Sqlite).await;
    let item = json!({"headline": "A", "published": "2024-01-01T00:00:00Z"});
    let item = server.publish(&item).await["item"].clone();
    let before = text(&server, &at("feed.atom"), &item).await;
    assert_eq!(before.matches("<updated>2024-01-01T00:00:00+00:00</updated>").count(), 2, "{before}");
    let id = item["id"].as_str().expect("an id");
    let request = server.edit(Method::POST, &format!("items/{id}/correct")).header("If-Match", "*");
    let correction = json!({"kind": "correction", "note": "It was B.", "changes": {"headline": "B"}});
    let corrected = support::server::accepted(request.json(&correction).send().await).await["item"].clone();
    until("the feed is corrected", async || {
        server.get(&at("feed.atom")).await.expect("an answer").text().await.expect("a body") != before
    })
    .await;
    let after = feedparser(&text(&server, &at("feed.atom"), &item).await);
    assert_eq!(after.entries[0].title, "B");
    assert_eq!(after.entries[0].updated, Some(reading::millis(corrected["updated"].as_str().expect("a time"))));
    assert!(after.entries[0].content.contains("It was B."), "{after:?}");
}

async fn asked(server: &Server, method: Method, address: &str, name: &str, value: &str) -> Response {
    let request = server.client.request(method, server.url(address)).header(name, value);
    request.send().await.expect("the server answers")
}

fn said<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).map_or("", |value| value.to_str().expect("text"))
}

/// The ETag and the date of each feed, as somebody has them who asked a while ago.
async fn had(server: &Server) -> Vec<(&'static str, String, String)> {
    let mut had = Vec::new();
    for (file, _) in FILES {
        let answer = server.get(&at(file)).await.expect("the server answers");
        let own = |name: &str| said(answer.headers(), name).to_owned();
        had.push((file, own("etag"), own("last-modified")));
    }
    had
}

#[tokio::test]
async fn what_a_client_has_is_not_sent_again() {
    let server = Server::start(Kept::Sqlite).await;
    // A date names the text of one address alone.
    server.stop().await;
    server.up_as(server.command().args(["--public-url", "https://example.org"])).await;
    let item = server.publish(&json!({"headline": "A"})).await["item"].clone();
    for (file, kind) in FILES {
        let whole = text(&server, &at(file), &item).await;
        let mut dated = HeaderMap::new();
        // A date names one state of the feed only once it is a few seconds old.
        within(support::PATIENCE, "the feed is dated", async || {
            dated = server.get(&at(file)).await.expect("an answer").headers().clone();
            dated.contains_key("last-modified")
        })
        .await;
        assert_eq!(said(&dated, "content-type"), kind);
        assert_eq!(said(&dated, "cache-control"), "public, max-age=0, must-revalidate, s-maxage=5");
        assert_eq!(said(&dated, "access-control-allow-origin"), "*");
        assert_eq!(said(&dated, "vary"), "authorization");
        let (etag, date) = (said(&dated, "etag"), said(&dated, "last-modified"));
        for (name, value, status) in [
            ("if-none-match", etag, StatusCode::NOT_MODIFIED),
            ("if-none-match", "\"other\"", StatusCode::OK),
            ("if-modified-since", date, StatusCode::NOT_MODIFIED),
            ("if-modified-since", "Mon, 01 Jan 2024 00:00:00 GMT", StatusCode::OK),
        ] {
            for method in [Method::GET, Method::HEAD] {
                let answer = asked(&server, method.clone(), &at(file), name, value).await;
                assert_eq!((answer.status(), said(answer.headers(), "etag")), (status, etag), "{name}: {value}");
                let body = answer.text().await.expect("a body");
                let expected = if method == Method::GET && status == StatusCode::OK { whole.as_str() } else { "" };
                assert_eq!(body, expected, "{method} {name}: {value}");
            }
        }
    }
    let known: Vec<_> = had(&server).await;
    server.act(item["id"].as_str().expect("an id"), "retract", &json!({"reason": "Wrong."})).await;
    for (file, etag, date) in known {
        for (name, value) in [("if-none-match", &etag), ("if-modified-since", &date)] {
            assert_eq!(asked(&server, Method::GET, &at(file), name, value).await.status(), 200, "{name} of {file}");
        }
    }
}

#[tokio::test]
async fn a_filter_selects_what_the_api_lists_by_it() {
    let server = Server::start(Kept::Sqlite).await;
    for n in 0..24 {
        let (tag, subject) = (["a", "b & c", "d"][n % 3], ["x", "y"][n % 2]);
        let item = json!({"headline": format!("Item {n}"), "urgency": n % 4 + 1, "tags": [tag], "subjects": [subject]});
        server.publish(&item).await;
    }
    // One that matched once, and does not any more.
    let items = listed(&server).await;
    let left = items.iter().find(|item| item["tags"] == json!(["a"])).expect("one has it");
    let id = left["id"].as_str().expect("an id");
    let answer = server.patch(id, "*", &json!({"headline": "It left", "tags": ["e"]})).await;
    assert_eq!(answer["item"]["tags"], json!(["e"]));
    until("the feed has it", async || {
        server.get(&at("feed.json")).await.expect("an answer").text().await.expect("a body").contains("It left")
    })
    .await;
    for query in
        ["tag=a", "tag=b+%26+c&tag=d", "urgency=1&urgency=2&subject=x", "subject=y&tag=a&urgency=4", "tag=none"]
    {
        let listed = server.read(&format!("/v1/feeds/{FEED}/items?{query}")).await;
        let ids = listed["items"].as_array().expect("items").iter();
        let ids: Vec<_> = ids.map(|item| format!("urn:uuid:{}", item["id"].as_str().expect("an id"))).collect();
        for (file, _) in FILES {
            let text =
                server.get(&format!("{}?{query}", at(file))).await.expect("an answer").text().await.expect("a body");
            let reading = feed_rs(&text);
            assert_eq!(reading.entries.iter().map(|entry| entry.id.clone()).collect::<Vec<_>>(), ids, "{file}?{query}");
        }
    }
    // It says under which address it is found again, whatever order that was asked in.
    let json = server.read(&format!("{}?tag=d&urgency=3&tag=a", at("feed.json"))).await;
    assert_eq!(json["feed_url"], server.url(&format!("{}?urgency=3&tag=a&tag=d", at("feed.json"))));
    let refused = server.get(&format!("{}?colour=red", at("feed.rss"))).await.expect("an answer");
    assert_eq!(refused.status(), 400);
}

#[tokio::test]
async fn a_feed_has_the_newest_fifty_items_with_a_pinned_one_in_its_place() {
    let server = Server::start(Kept::Sqlite).await;
    let mut pins = Vec::new();
    for n in 0..60 {
        // Several pages of the store: each ends at 256 KiB.
        let body = format!("<p>{}</p>", "Words of a long story. ".repeat(800));
        let made = server.publish(&json!({"headline": format!("Item {n}"), "body": body})).await;
        if [2, 30].contains(&n) {
            pins.push(made["item"]["id"].as_str().expect("an id").to_owned());
        }
    }
    for (position, id) in pins.iter().enumerate() {
        server.act(id, "pin", &json!({"position": position + 1})).await;
    }
    let items = listed(&server).await;
    text(&server, &at("feed.atom"), &items[0]).await;
    let expected: Vec<_> = (10..60).rev().map(|n| format!("Item {n}")).collect();
    for (file, _) in FILES {
        let reading = feed_rs(&text(&server, &at(file), &items[0]).await);
        assert_eq!(reading.entries.iter().map(|entry| entry.title.clone()).collect::<Vec<_>>(), expected, "{file}");
    }
}

#[tokio::test]
async fn a_private_feed_needs_a_token_and_is_kept_by_no_cache() {
    let server = Server::start(Kept::Sqlite).await;
    server.beside_it(&["feed", "create", "private", "--title", "Private", "--access", "token"]);
    let token = server.token(&["--can", "read", "--feed", "private"]);
    let elsewhere = server.token(&["--can", "read", "--feed", FEED]);
    for (file, _) in FILES {
        let address = format!("/feeds/private/{file}");
        let ask = async |token: Option<&str>| {
            let request = server.client.get(server.url(&address));
            let request = match token {
                Some(token) => request.bearer_auth(token),
                None => request,
            };
            request.send().await.expect("the server answers")
        };
        assert_eq!(ask(None).await.status(), 401);
        assert_eq!(ask(Some("nw_unknown")).await.status(), 401);
        assert_eq!(ask(Some(&elsewhere)).await.status(), 403);
        let shown = ask(Some(&token)).await;
        assert_eq!((shown.status().as_u16(), said(shown.headers(), "cache-control")), (200, "private, no-store"));
        assert_eq!(server.get(&format!("/feeds/no-such-feed/{file}")).await.expect("an answer").status(), 404);
    }
}

#[tokio::test]
async fn links_are_those_of_the_public_address_or_of_the_host_that_was_asked_for() {
    let server = Server::start(Kept::Sqlite).await;
    server.publish(&json!({"headline": "A"})).await;
    let page = async |host: &str| {
        let answer = asked(&server, Method::GET, &at("feed.json"), "host", host).await;
        let status = answer.status();
        let json: Value = serde_json::from_str(&answer.text().await.expect("a body")).expect("JSON");
        (status.as_u16(), json["home_page_url"].as_str().unwrap_or_default().to_owned())
    };
    assert_eq!(page("News.example:8080").await, (200, "http://news.example:8080/feeds/news-feed".to_owned()));
    assert_eq!(page("other.example").await, (200, "http://other.example/feeds/news-feed".to_owned()));
    assert_eq!(page("a/b").await.0, 400);
    server.stop().await;
    server.up_as(server.command().args(["--public-url", "https://example.org/news"])).await;
    assert_eq!(page("other.example").await, (200, "https://example.org/news/feeds/news-feed".to_owned()));
    let below = server.read(&format!("/news{}", at("feed.json"))).await;
    assert_eq!(below["feed_url"], "https://example.org/news/feeds/news-feed/feed.json");
    // A newsroom's own page is where its feed is read.
    server.beside_it(&["feed", "set", FEED, "--url", "https://paper.example/live"]);
    until("the feed's own page is known", async || {
        page("other.example").await == (200, "https://paper.example/live".to_owned())
    })
    .await;
}

/// The id of a feed that is asked for under this host, of an entry in it, and where that entry is read.
async fn known_by(server: &Server, file: &str, headers: &[(&str, &str)]) -> [String; 3] {
    let mut request = server.client.get(server.url(&at(file)));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let text = request.send().await.expect("an answer").text().await.expect("a body");
    let feed = feed_rs::parser::parse(text.as_bytes()).expect("a feed");
    let entry = feed.entries.first().expect("an entry");
    [feed.id, entry.id.clone(), entry.links.first().expect("a link").href.clone()]
}

#[tokio::test]
async fn what_a_feed_and_its_entries_are_known_by_outlives_the_name_that_the_server_was_asked_for_by() {
    let server = Server::start(Kept::Sqlite).await;
    server.publish(&json!({"headline": "A", "tags": ["a"]})).await;
    let file = "feed.atom";
    let [feed, entry, link] = known_by(&server, file, &[("host", "a.example")]).await;
    assert!(feed.starts_with("urn:uuid:") && entry.starts_with("urn:uuid:"), "{feed} {entry}");
    assert!(link.starts_with("http://a.example/feeds/"), "{link}");
    let said = [("host", "b.example"), ("x-forwarded-proto", "https"), ("x-forwarded-host", "c.example")];
    let [again, same, link] = known_by(&server, file, &said).await;
    assert_eq!((&again, &same), (&feed, &entry));
    assert!(link.starts_with("http://b.example/feeds/"), "nobody is believed who is not trusted: {link}");
    let [part, ..] = known_by(&server, "feed.atom?tag=a", &[]).await;
    assert_ne!(part, feed, "another feed is known by something else");

    server.stop().await;
    server.up_as(server.command().args(["--trust-proxy", "127.0.0.1"])).await;
    let [again, same, link] = known_by(&server, file, &said).await;
    assert_eq!((again, same), (feed, entry));
    assert!(link.starts_with("https://c.example/feeds/"), "{link}");
}

#[tokio::test]
async fn a_closed_feed_has_expired() {
    let server = Server::start(Kept::Sqlite).await;
    assert_eq!(server.read(&at("feed.json")).await.get("expired"), None);
    server.beside_it(&["feed", "close", FEED]);
    until("the feed has expired", async || server.read(&at("feed.json")).await["expired"] == true).await;
}

#[tokio::test]
async fn coverage_began_with_the_first_item_and_ended_when_the_feed_was_closed() {
    let place = SqlitePlace::new().await;
    let store: SharedStore = place.open().await.expect("opens");
    let desk = Newsroom::open(&store, "news").await;
    let first = desk.publish("First").await;
    let known = async || {
        let state = desk.state().await;
        let coverage = coverage::of(&store, &state).await.expect("the store answers");
        (coverage.began, coverage.ended)
    };
    assert_eq!(known().await, (Some(first.published), None));
    let closed = Feed { status: FeedStatus::Closed, ..desk.state().await.feed };
    let closing = desk.writing_feed(Kind::FeedClosed, closed).await;
    let at = closing.at;
    desk.commit(closing).await;
    // What is edited later closes nothing again.
    desk.update(&first, "First, again").await;
    assert_eq!(known().await, (Some(first.published), Some(at)));
}

#[tokio::test]
async fn a_crowd_that_polls_costs_the_store_no_read_while_nothing_changes() {
    let node = Node::start(1).await;
    let client = reqwest::Client::new();
    let ask = async || {
        let answer = client.get(node.url("/feeds/news/feed.atom")).send().await.expect("the node answers");
        assert_eq!(answer.status(), 200);
        answer.text().await.expect("a body")
    };
    for headline in ["First", "Second"] {
        node.newsroom.publish(headline).await;
        until("the feed has it", async || ask().await.contains(headline)).await;
        node.store.reads();
        // One that was made just before may be a moment behind, and is made once more then.
        until("the feed is as it is kept", async || {
            ask().await;
            node.store.reads().is_empty()
        })
        .await;
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(1) {
            futures_util::future::join_all((0..20).map(|_| ask())).await;
        }
        assert_eq!(node.store.reads(), BTreeMap::new());
    }
}
