//! The converter and the sample items: everything that an item has a field for goes in, and nothing is refused.

#[path = "../examples/convert/mapping.rs"]
mod mapping;

use std::collections::{BTreeSet, HashSet};

use mapping::{Converted, convert};
use newswire::news::{
    Feed, Mark, Moment, Record,
    edit::{Edit, Verb, edit},
};
use serde_json::{Map, Value, json};

fn published(body: &Map<String, Value>) -> (Record, Value) {
    let feed = Feed::new("news-feed".parse().expect("a feed id"), "News");
    let now = "2026-01-01T00:00:00Z".parse::<Moment>().expect("RFC 3339");
    let draft = edit(&Edit { feed: &feed, current: None, verb: Verb::Publish, body, now, mark: Mark(1) });
    let record = draft.unwrap_or_else(|refusal| panic!("{refusal}: {body:?}")).expect("an item").record;
    let public = serde_json::from_str(&record.public(&feed.id, now)).expect("JSON");
    (record, public)
}

fn fixture(name: &str) -> Converted {
    let path = format!("{}/tests/fixtures/{name}", env!("CARGO_MANIFEST_DIR"));
    let document = serde_json::from_str(&std::fs::read_to_string(path).expect("a fixture")).expect("JSON");
    convert(&document, "Europe/Kyiv").expect("of a known shape")
}

#[test]
fn a_live_blog_goes_in_whole_and_oldest_first() {
    let converted = fixture("live-blog.json");
    let items: Vec<Value> = converted.items.iter().map(|item| published(item).1).collect();
    let ids: Vec<_> = items.iter().map(|item| item["altIds"][0]["value"].as_str().expect("an id")).collect();
    assert!(ids.is_sorted() && ids.len() == 5, "{ids:?}");
    for (item, sent) in items.iter().zip(&converted.items) {
        for name in ["headline", "byline", "authors", "keyEvent", "summary", "media", "published", "altIds"] {
            assert_eq!(item.get(name), sent.get(name), "{name}");
        }
    }
    let touchdown = &items[1];
    assert_eq!(touchdown["byline"], "Sanna Berg, Idris Cole");
    assert_eq!(touchdown["updated"], "2024-05-11T16:24:02.000Z");
    let body = touchdown["body"].as_str().expect("HTML");
    assert!(
        body.contains("<blockquote><p>Home. Bit dusty.<br><br>More soon: <a href=\"https://example.org/s/1\""),
        "{body}"
    );
    let picture = &items[2];
    assert_eq!(
        (picture.get("headline"), picture.get("body"), &picture["media"][0]["width"]),
        (None, None, &json!(4_000))
    );
    for edited_early in [&items[2], &items[3]] {
        assert_eq!(edited_early["updated"], edited_early["published"]);
    }
    let told = converted.left_out.join("\n");
    assert_eq!(converted.left_out.len(), 3, "{told}");
    for what in ["item 1: it was pinned", "item 2: a YoutubeBlockElement", "item 5: a picture without"] {
        assert!(told.contains(what), "{told}");
    }
}

#[test]
fn the_items_of_a_page_get_the_times_that_its_readers_saw() {
    let converted = fixture("page-feed.json");
    let items: Vec<Value> = converted.items.iter().map(|item| published(item).1).collect();
    // Kyiv is two hours ahead of UTC in winter, three in summer.
    let times: Vec<_> = items.iter().map(|item| item["published"].as_str().expect("a time")).collect();
    assert_eq!(times, ["2023-01-15T00:01:00.000Z", "2023-07-01T18:19:00.000Z", "2023-07-01T21:55:00.000Z"]);
    assert_eq!(items[0]["byline"], "Mara Quist and the news desk");
    assert_eq!(items[1]["body"], "<p>Smoke can be seen &lt; 10 km away.</p>");
    assert_eq!(items[2]["body"].as_str().map(|body| body.matches("<p>").count()), Some(2));
    assert_eq!(items[2]["language"], "en");
    let told = converted.left_out.join("\n");
    for what in ["P. Oduya/Agency", "What the corridor carries", "gave 24"] {
        assert!(told.contains(what), "{told}");
    }
}

#[test]
fn what_is_of_neither_shape_is_said_to_be_so() {
    for other in [json!({}), json!({"items": [{}]}), json!({"items": [{"shown_time": "25:00", "date": "2023-01-01"}]})]
    {
        assert!(convert(&other, "Europe/Kyiv").is_err());
    }
    assert!(convert(&json!({"items": []}), "Atlantis/Harbour").is_err());
}

#[test]
fn the_sample_items_keep_the_rules_and_show_what_there_is() {
    let text = include_str!("../examples/sample-items.jsonl");
    let (mut ids, mut fields, mut urgencies) = (HashSet::new(), BTreeSet::new(), BTreeSet::new());
    for line in text.lines() {
        let body: Map<String, Value> = serde_json::from_str(line).expect("an object a line");
        assert!(!body.contains_key("published"), "the server says when");
        let (record, public) = published(&body);
        for name in ["headline", "byline", "media", "tags", "related", "language"] {
            if body.contains_key(name) {
                assert_eq!(public.get(name), body.get(name), "kept as it stands");
            }
        }
        let kept = public["body"].as_str().map(|kept| kept.replace(" rel=\"noopener nofollow\"", ""));
        assert_eq!(kept.as_deref(), body.get("body").and_then(Value::as_str), "nothing in it is stripped");
        if let Some(earlier) = public.get("updateOf") {
            assert!(ids.contains(earlier.as_str().expect("an id")), "an update comes after what it updates");
        }
        assert!(ids.insert(record.id.to_string()), "an id twice");
        urgencies.insert(public["urgency"].as_u64());
        fields.extend(body.into_iter().map(|(name, _)| name));
    }
    assert!(ids.len() >= 25 && urgencies.len() == 6, "{} {urgencies:?}", ids.len());
    for name in ["breaking", "keyEvent", "summary", "updateOf", "media", "related", "authors", "language", "dir"] {
        assert!(fields.contains(name), "{name}");
    }
}
