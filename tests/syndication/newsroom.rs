//! A feed of whatever newsrooms write, and what each format must have of it.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::server::{Server, accepted};

/// Items of every kind that there is to show.
pub(crate) fn shown() -> Vec<Value> {
    let picture = |name: &str| {
        json!({"kind": "picture", "href": format!("https://example.org/{name}.jpg?a=1&b=2"), "width": 800, "height": 600,
            "alt": "A \"wall\" <of water> & stones", "caption": "The wall's end ]]>", "credit": "B. Lens & Söhne"})
    };
    vec![
        json!({
            "headline": "Sea wall gives way", "language": "en-GB", "rights": "© The Desk & others",
            "body": "<p>Water is coming <em>through</em> a <a href=\"https://example.org/?a=1&amp;b=2\">gap</a>.</p><ul><li>One</li><li>Two</li></ul>",
            "byline": "By Hanne Ruud and others", "source": "The Desk", "located": "Brennick",
            "authors": [{"name": "Hanne Ruud", "role": "Reporter", "url": "https://example.org/hanne"}, {"name": "T. Abara"}],
            "tags": ["storm", "sea wall"], "subjects": ["weather", "storm"],
            "media": [
                picture("wall"),
                {"kind": "video", "href": "https://example.org/wall.mp4", "contentType": "video/mp4", "duration": 38.5,
                    "alt": "A boat"},
                {"kind": "audio", "href": "https://example.org/wall.ogg", "contentType": "audio/ogg"},
            ],
        }),
        json!({"headline": "انهيار جدار البحر 🌊", "language": "ar", "body": "<p>غادروا الآن: «الشارعان مغلقان» — 100%</p>",
            "byline": "هيئة التحرير", "tags": ["عاصفة"]}),
        json!({"headline": "緊急: 堤防が決壊 👩‍👩‍👧‍👦🇺🇦", "language": "ja", "body": "<p>今すぐ避難してください。</p>"}),
        // No headline: named by its first words.
        json!({"body": "<h2>All clear</h2><p>Everybody from the bus in Net Street is safe &amp; dry, and nobody was hurt at all, says the county.</p>"}),
        // No headline and no body.
        json!({"media": [picture("alone")]}),
        // What looks like markup and is none, and what would end a CDATA section.
        json!({"headline": "</title><script>alert(1)</script> ]]> & \"it's\" &amp; <!-- %s -->",
            "body": "<p>]]&gt; &lt;script&gt;alert(1)&lt;/script&gt; ]]> &amp;amp; <b>x</b></p><script>alert(2)</script><img src=x onerror=alert(3)>",
            "byline": "A & B <c@d> ]]>", "tags": ["a&b", "<x>", "]]>", "\"quoted\""]}),
        // Characters that JSON has and XML does not.
        json!({"headline": "Odd \u{fffe}\u{ffff} ones", "body": "<p>\u{fffe}</p>"}),
        // From the archive: before RFC 822, and to the millisecond.
        json!({"headline": "The wall of 1931", "published": "1931-02-09T19:38:39.123Z", "updated": "1931-02-10T00:00:00Z"}),
        json!({"headline": "Twin A", "published": "2024-02-29T23:59:59.999Z"}),
        json!({"headline": "Twin B", "published": "2024-02-29T23:59:59.999Z"}),
        json!({"headline": "<p>Headline alone</p>", "urgency": 1, "keyEvent": true}),
    ]
}

/// Publishes them, corrects one, pins the oldest, holds some back, retracts one, removes one, and publishes a last one.
pub(crate) async fn fill(server: &Server) {
    server.beside_it(&[
        "feed",
        "set",
        "news-feed",
        "--title",
        "Storm & <tide>",
        "--language",
        "en",
        "--description",
        "Everything \"live\" ]]>",
    ]);
    let mut ids = Vec::new();
    for item in shown() {
        ids.push(id(&server.publish(&item).await));
    }
    let wrong =
        json!({"kind": "correction", "note": "It is <two> streets & not one ]]>", "changes": {"located": "Brennick"}});
    let cleared = json!({"kind": "clarification", "changes": {"located": "Port"}});
    for correction in [wrong, cleared] {
        let request = server.edit(Method::POST, &format!("items/{}/correct", ids[0])).header("If-Match", "*");
        accepted(request.json(&correction).send().await).await;
    }
    let oldest = shown().iter().position(|item| item["headline"] == "The wall of 1931").expect("it is there");
    server.act(&ids[oldest], "pin", &json!({})).await;
    for (verb, body) in
        [("retract", json!({"reason": "It was <not> so."})), ("withhold", json!({})), ("remove", json!({}))]
    {
        let gone =
            server.publish(&json!({"headline": format!("{GONE} by {verb}"), "body": format!("<p>{GONE}</p>")})).await;
        server.act(&id(&gone), verb, &body).await;
    }
    let returns = id(&server.publish(&json!({"headline": "It returns"})).await);
    server.act(&returns, "withhold", &json!({})).await;
    server.act(&returns, "release", &json!({})).await;
    server.publish(&json!({"headline": LAST})).await;
}

/// Words of what was taken away.
pub(crate) const GONE: &str = "zanzibar-quicksilver";
/// The headline of the newest item.
pub(crate) const LAST: &str = "The last of all";

fn id(answer: &Value) -> String {
    answer["item"]["id"].as_str().expect("an id").to_owned()
}

/// The items that a reader may read, as the API lists them, newest first.
pub(crate) async fn listed(server: &Server) -> Vec<Value> {
    let mut items = server.items().await;
    items.retain(|item| item["status"] == "usable");
    let key = |item: &Value| {
        (item["published"].as_str().expect("a time").to_owned(), item["id"].as_str().expect("an id").to_owned())
    };
    items.sort_by_key(|item| std::cmp::Reverse(key(item)));
    items
}
