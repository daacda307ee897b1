//! Other people's items, converted and published through the ordinary door, are read back without loss: whatever an item
//! has a field for is there again. What is expected is taken from the documents themselves and not from the converter.
//!
//! `REAL_INPUT` may name further documents of the same two shapes, parted by colons.

#[path = "../examples/convert/mapping.rs"]
mod mapping;
mod support;

use std::path::PathBuf;

use serde_json::{Value, json};
use support::{
    program::publish,
    server::{FEED, Kept, Server},
};
use url::Url;

/// Where the page's newsroom is.
const ZONE: &str = "Europe/Kyiv";

/// Converts a document, publishes it with the command line, and reads the feed, oldest item first.
async fn through_the_door(document: &Value) -> Vec<Value> {
    let converted = mapping::convert(document, ZONE).expect("of a known shape").items;
    let lines: String = converted.into_iter().map(|item| format!("{}\n", Value::Object(item))).collect();
    let server = Server::start(Kept::Sqlite).await;
    let ran = publish(&server, &["-"], &lines).await;
    assert_eq!(ran.code, 0, "{}", ran.err);
    let mut items = server.items().await;
    items.reverse();
    // One by one they are what the list says.
    for item in &items {
        let id = item["id"].as_str().expect("an id");
        assert_eq!(server.read(&format!("/v1/feeds/{FEED}/items/{id}")).await, *item);
    }
    items
}

/// The text of HTML: without tags, entities resolved, all space left out (blocks are laid out anew).
fn text(html: &str) -> String {
    let mut text = String::new();
    for part in html.split('<') {
        text.push_str(part.split_once('>').map_or(part, |(_, rest)| rest));
    }
    let entities = [
        ("&mdash;", "—"),
        ("&ndash;", "–"),
        ("&#39;", "'"),
        ("&quot;", "\""),
        ("&nbsp;", ""),
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&amp;", "&"),
    ];
    for (entity, sign) in entities {
        text = text.replace(entity, sign);
    }
    text.chars().filter(|c| !c.is_whitespace()).collect()
}

/// Where the links of HTML go.
fn links(html: &str) -> Vec<Url> {
    let quoted = html.split("href=\"").skip(1).filter_map(|part| part.split_once('"'));
    quoted.map(|(href, _)| Url::parse(&href.replace("&amp;", "&")).expect("an absolute link")).collect()
}

/// How often each of these elements opens.
fn structure(html: &str) -> Vec<(&'static str, usize)> {
    let elements = ["p", "li", "ul", "ol", "blockquote", "strong", "em", "b", "i", "a", "br"];
    let opens = |name: &str| html.matches(&format!("<{name}>")).count() + html.matches(&format!("<{name} ")).count();
    elements.into_iter().map(|name| (name, opens(name))).collect()
}

fn nothing() -> Value {
    Value::Null
}

/// The value of a field, or nothing where it is blank.
fn said(value: &Value) -> Value {
    match value {
        Value::String(text) if text.trim().is_empty() => nothing(),
        Value::Bool(false) => nothing(),
        Value::Array(list) if list.is_empty() => nothing(),
        other => other.clone(),
    }
}

fn number(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

async fn nothing_of_a_live_blog_is_lost(document: &Value) {
    let items = through_the_door(document).await;
    let posts = document["items"].as_array().expect("posts");
    assert_eq!(items.len(), posts.len());
    for post in posts {
        let id = json!([{"role": "source-id", "value": post["id"]}]);
        let item = items.iter().find(|item| item["altIds"] == id).unwrap_or_else(|| panic!("{id} is not there"));
        let same = |name: &str, expected: Value| assert_eq!(item[name], expected, "{name} of {id}");
        same("headline", said(&post["title"]));
        same("published", post["published"].clone());
        // Four were last edited a second before they were published: an item is never older than that.
        let (published, updated) = (post["published"].as_str(), post["updated"].as_str());
        same("updated", published.max(updated).into());
        same("keyEvent", said(&post["keyEvent"]));
        same("summary", said(&post["summary"]));
        let names: Vec<&str> = post["byline"].as_array().expect("names").iter().filter_map(Value::as_str).collect();
        same("byline", said(&names.join(", ").into()));
        same("authors", said(&names.iter().map(|name| json!({"name": name})).collect()));

        let (sent, kept) = (post["bodyHtml"].as_str().expect("HTML"), item["body"].as_str().unwrap_or_default());
        assert_eq!(text(kept), text(sent), "{id}");
        assert_eq!(links(kept), links(sent), "{id}");
        assert_eq!(structure(kept), structure(sent), "{id}");

        // A picture needs its size: one without is none, here as at the door.
        let images =
            post["images"].as_array().expect("images").iter().filter(|image| number(&image["width"]).is_some());
        let media = item["media"].as_array().cloned().unwrap_or_default();
        assert_eq!(media.len(), images.clone().count(), "{id}");
        for (picture, image) in media.iter().zip(images) {
            assert_eq!((&picture["kind"], &picture["href"]), (&json!("picture"), &image["url"]));
            for name in ["alt", "caption", "credit"] {
                assert_eq!(picture[name], said(&image[name]), "{name} of a picture of {id}");
            }
            for name in ["width", "height"] {
                assert_eq!(picture[name].as_u64(), number(&image[name]), "{name} of a picture of {id}");
            }
        }
    }
}

async fn nothing_of_a_page_is_lost(document: &Value) {
    let items = through_the_door(document).await;
    let shown = document["items"].as_array().expect("items");
    assert_eq!(items.len(), shown.len());
    for one in shown {
        let headline = &one["headline"];
        let item = items.iter().find(|item| item["headline"] == *headline).expect("an item of that headline");
        assert_eq!(item["byline"], said(&one["byline"]), "{headline}");
        assert_eq!(item["language"], document["feed"]["language"], "{headline}");
        // The page's text is plain: made to HTML and back it is what it was, paragraph for paragraph.
        let plain = one["body"].as_str().unwrap_or_default();
        let body = item["body"].as_str().unwrap_or_default();
        assert_eq!(text(body), plain.split_whitespace().collect::<String>(), "{headline}");
        assert_eq!(body.matches("<p>").count(), plain.split("\n\n").filter(|part| !part.is_empty()).count());
        // And its time is the one that the page shows, to people who live there.
        let at: jiff::Timestamp = item["published"].as_str().expect("a time").parse().expect("RFC 3339");
        let there = at.in_tz(ZONE).expect("a zone").strftime("%Y-%m-%d %-I:%M %p").to_string();
        assert_eq!(
            there,
            format!("{} {}", one["date"].as_str().expect("a day"), one["shown_time"].as_str().expect("a time"))
        );
        assert_eq!(item["updated"], item["published"], "{headline}");
    }
}

fn document(path: PathBuf) -> Value {
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).expect("JSON")
}

fn fixture(name: &str) -> Value {
    document([env!("CARGO_MANIFEST_DIR"), "tests/fixtures", name].iter().collect())
}

#[tokio::test]
async fn nothing_of_a_live_blog_that_an_item_has_a_field_for_is_lost() {
    nothing_of_a_live_blog_is_lost(&fixture("live-blog.json")).await;
}

#[tokio::test]
async fn nothing_of_a_page_that_an_item_has_a_field_for_is_lost() {
    nothing_of_a_page_is_lost(&fixture("page-feed.json")).await;
}

#[tokio::test]
async fn nothing_of_the_documents_that_real_input_names_is_lost() {
    let named = std::env::var("REAL_INPUT").unwrap_or_default();
    for path in named.split(':').filter(|path| !path.is_empty()) {
        let document = document(path.into());
        if document["items"][0].get("bodyHtml").is_some() {
            nothing_of_a_live_blog_is_lost(&document).await;
        } else {
            nothing_of_a_page_is_lost(&document).await;
        }
        println!("{path}: {} items, nothing lost", document["items"].as_array().map_or(0, Vec::len));
    }
}
