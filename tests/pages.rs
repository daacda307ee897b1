//! The pages that people read, as a browser without JavaScript, a cache and a search engine get them.

mod support;

use std::{collections::BTreeMap, io::Read as _, time::Duration};

use flate2::read::GzDecoder;
use newswire::news::{Kind, Status};
use reqwest::{StatusCode, header, redirect};
use serde_json::{Value, json};
use support::{
    node::Node,
    server::{FEED, Kept, Server},
    until,
};

/// What a browser sends.
const BROWSER: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

/// A page: its status, its headers, its text.
struct Page {
    status: StatusCode,
    headers: header::HeaderMap,
    text: String,
}

impl Page {
    async fn of(server: &Server, path: &str) -> Self {
        let asked = server.client.get(server.url(path)).header(header::ACCEPT, BROWSER).send().await;
        Self::read(asked.expect("the server answers")).await
    }

    async fn read(answer: reqwest::Response) -> Self {
        let (status, headers) = (answer.status(), answer.headers().clone());
        Self { status, headers, text: answer.text().await.expect("a text") }
    }

    /// A header's value; empty where it is not there.
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("text"))
    }

    /// The JSON of the data block, or script, that begins like this.
    fn json(&self, begins: &str) -> Value {
        let (_, rest) = self.text.split_once(begins).unwrap_or_else(|| panic!("{begins} in {}", self.text));
        let (json, _) = rest.split_once("</script>").expect("it ends");
        serde_json::from_str(json).expect("JSON")
    }

    fn snapshot(&self) -> Value {
        self.json(r#"<script type="application/json" data-newswire="snapshot">"#)
    }

    fn structured(&self) -> Value {
        self.json(r#"<script type="application/ld+json">"#)
    }

    /// The ids of the articles, from top to bottom.
    fn ids(&self) -> Vec<&str> {
        self.text.split(" data-id=\"").skip(1).map(|rest| rest.split('"').next().expect("an id")).collect()
    }
}

/// The page of the feed, once it shows this.
async fn page_with(server: &Server, what: &str) -> Page {
    let mut page = Page::of(server, &format!("/feeds/{FEED}")).await;
    until(&format!("the page has {what}"), async || {
        page = Page::of(server, &format!("/feeds/{FEED}")).await;
        page.text.contains(what)
    })
    .await;
    page
}

fn id(item: &Value) -> &str {
    item["item"]["id"].as_str().expect("an id")
}

#[tokio::test]
async fn hostile_text_stays_text_in_markup_and_in_data() {
    let server = Server::start(Kept::Sqlite).await;
    let trick = "</script><!--<script>alert(\"1\")</script>' onload='x' & \u{2028}<b>";
    let made = server
        .publish(&json!({
            "headline": trick, "byline": trick, "located": trick, "body": "<p>Body & soul</p>", "tags": [trick],
            "authors": [{"name": trick, "role": trick, "url": "https://example.org/?a=1&b='x'"}],
            "media": [{"kind": "picture", "href": "https://example.org/a.jpg", "alt": trick, "caption": trick,
                "credit": trick, "width": 4, "height": 3}],
            "related": [{"title": trick, "url": "https://example.org/b"}],
        }))
        .await;
    server.beside_it(&["feed", "set", FEED, "--title", trick, "--description", trick]);
    let page = page_with(&server, "&#60;/script&#62;").await;
    let shown = async || Page::of(&server, &format!("/feeds/{FEED}")).await.text.contains("<title>&#60;/script");
    until("the title is shown", shown).await;
    let whole = Page::of(&server, &format!("/feeds/{FEED}")).await;
    // The page's own four scripts, and none of the item's.
    assert_eq!(whole.text.matches("<script").count(), 4, "{}", whole.text);
    assert_eq!(whole.text.matches("</script").count(), 4, "{}", whole.text);
    assert!(!whole.text.contains("<!--") && !whole.text.contains("<b>"), "{}", whole.text);
    assert_eq!(whole.snapshot()["items"][0]["headline"], trick);
    assert_eq!(whole.snapshot()["feedInfo"]["title"], trick);
    assert_eq!(whole.structured()["liveBlogUpdate"][0]["headline"], trick);
    assert!(page.text.contains("<p>Body &amp; soul</p>"), "{}", page.text);
    let own = Page::of(&server, &format!("/feeds/{FEED}/items/{}", id(&made))).await;
    assert_eq!((own.status.as_u16(), own.text.matches("<script").count()), (200, 2), "{}", own.text);
}

#[tokio::test]
async fn the_data_block_is_what_the_items_door_says() {
    let server = Server::start(Kept::Sqlite).await;
    for n in 0..60 {
        server.publish(&json!({"headline": format!("Report {n}"), "body": "<p>Text.</p>"})).await;
    }
    let pinned = server.publish(&json!({"headline": "Pinned"})).await;
    server.act(id(&pinned), "pin", &json!({})).await;
    let page = page_with(&server, "is-pinned").await;
    let (snapshot, items) = (page.snapshot(), server.read(&format!("/v1/feeds/{FEED}/items")).await);
    for field in ["items", "position", "before"] {
        assert_eq!(snapshot[field], items[field], "{field}");
    }
    let shown: Vec<_> = items["items"].as_array().expect("items").iter().map(|item| item["id"].as_str()).collect();
    assert_eq!(page.ids().into_iter().map(Some).collect::<Vec<_>>(), shown);
    let feed = server.read(&format!("/v1/feeds/{FEED}")).await;
    assert_eq!(snapshot["feedInfo"]["title"], feed["title"]);
}

#[tokio::test]
async fn paging_without_javascript_reaches_every_item_once() {
    let server = Server::start(Kept::Sqlite).await;
    let mut published = Vec::new();
    for n in 0..120 {
        let tag = if n % 3 == 0 { "third" } else { "other" };
        let made = server
            .publish(&json!({"headline": format!("Report {n}"), "tags": [tag, "a&b, c"], "keyEvent": n == 1}))
            .await;
        published.push((id(&made).to_owned(), tag));
    }
    page_with(&server, "Report 119<").await;
    for (query, wanted) in [("", None), ("?tag=third&utm_source=elsewhere", Some("third")), ("?tag=a%26b%2C+c", None)] {
        let expected = published.iter().rev().filter(|(_, tag)| wanted.is_none_or(|want| want == *tag));
        let expected: Vec<_> = expected.map(|(id, _)| id.clone()).collect();
        let (mut seen, mut query) = (Vec::new(), query.to_owned());
        loop {
            let page = Page::of(&server, &format!("/feeds/{FEED}{query}")).await;
            assert_eq!(page.status, 200, "{query}");
            seen.extend(page.ids().into_iter().map(ToOwned::to_owned));
            let older = page.text.split("class=\"older\" href=\"").nth(1);
            let Some(next) = older.and_then(|rest| rest.split('"').next()) else { break };
            query = next.replace("&amp;", "&").replace("&#38;", "&");
            assert!(query.starts_with('?'), "{query}");
            let next = Page::of(&server, &format!("/feeds/{FEED}{query}")).await;
            assert!(!next.text.contains("data-newswire"), "an older page is not followed");
            assert!(!next.text.contains("key-events"), "and what was a key event stands in its place alone");
            assert!(next.text.contains(&format!("<a href=\"{FEED}\">")), "it leads to the newest");
        }
        assert_eq!(seen, expected, "{query}");
    }
}

#[tokio::test]
async fn a_page_is_kept_by_caches_for_seconds_and_asked_for_again_by_its_etag() {
    let server = Server::start(Kept::Sqlite).await;
    let made = server.publish(&json!({"headline": "Known"})).await;
    page_with(&server, "Known").await;
    for path in [
        format!("/feeds/{FEED}"),
        format!("/feeds/{FEED}?before=253402207200000_{}", id(&made)),
        format!("/feeds/{FEED}?urgency=5"),
        format!("/feeds/{FEED}/items/{}", id(&made)),
        format!("/embed/{FEED}"),
    ] {
        let page = Page::of(&server, &path).await;
        assert_eq!(page.status, 200, "{path}");
        assert_eq!(page.header("content-type"), "text/html; charset=utf-8", "{path}");
        assert_eq!(page.header("cache-control"), "public, max-age=0, must-revalidate, s-maxage=5", "{path}");
        assert_eq!(page.header("vary"), "accept-encoding", "{path}: a copy is for everybody who takes its coding");
        let packed = server.client.get(server.url(&path)).header("accept-encoding", "br, gzip").send().await;
        let packed = packed.expect("an answer");
        assert_eq!(packed.headers()["content-encoding"], "gzip", "{path}");
        let mut text = String::new();
        let bytes = packed.bytes().await.expect("a body");
        GzDecoder::new(bytes.as_ref()).read_to_string(&mut text).expect("gzip of text");
        assert_eq!(text, page.text, "{path}");
        assert!(page.header("content-security-policy").starts_with("default-src 'none'; script-src 'self'"), "{path}");
        let framed = page.header("content-security-policy").contains("frame-ancestors 'self'");
        assert_eq!(framed, !path.starts_with("/embed"), "{path}");
        let etag = page.header("etag").to_owned();
        let again = server.client.get(server.url(&path)).header("if-none-match", &etag).send().await;
        let again = Page::read(again.expect("an answer")).await;
        assert_eq!((again.status.as_u16(), again.text.as_str()), (304, ""), "{path}");
        assert_eq!(again.header("cache-control"), page.header("cache-control"), "{path}");
        let head = Page::read(server.client.head(server.url(&path)).send().await.expect("an answer")).await;
        assert_eq!((head.status.as_u16(), head.header("etag"), head.text.as_str()), (200, etag.as_str(), ""), "{path}");
    }
    let front = server.client.clone();
    let answer = front.get(server.url("/")).send().await.expect("an answer");
    assert_eq!(answer.url().path(), format!("/feeds/{FEED}"));
    let style = Page::of(&server, "/page/page.css").await;
    assert_eq!(style.header("cache-control"), "public, no-cache");
    let named = Page::of(&server, &format!("/page/page.css?v={}", style.header("etag").trim_matches('"'))).await;
    assert_eq!(named.header("cache-control"), "public, max-age=31536000, immutable");
    assert_eq!(named.text, style.text);
}

#[tokio::test]
async fn what_is_taken_away_is_out_of_every_page_at_the_next_request() {
    let server = Server::start(Kept::Sqlite).await;
    for (verb, body) in
        [("retract", json!({"reason": "The source withdrew it."})), ("withhold", json!({})), ("remove", json!({}))]
    {
        let item = json!({"headline": format!("Zanzibarite {verb}"), "body": "<p>A quuxite vein.</p>", "keyEvent": true,
            "media": [{"kind": "picture", "href": "https://example.org/rock.jpg", "alt": "A rock", "width": 1, "height": 1}]});
        let made = server.publish(&item).await;
        page_with(&server, &format!("Zanzibarite {verb}")).await;
        let own = format!("/feeds/{FEED}/items/{}", id(&made));
        let after = format!("/feeds/{FEED}?before=253402207200000_{}", id(&made));
        let paths = [format!("/feeds/{FEED}"), format!("/embed/{FEED}"), format!("/feeds/{FEED}?urgency=5"), after];
        for path in paths.iter().chain([&own]) {
            until(path, async || Page::of(&server, path).await.text.contains("quuxite")).await;
        }
        server.act(id(&made), verb, &body).await;
        for path in paths.iter().chain([&own]) {
            let page = Page::of(&server, path).await;
            for text in ["Zanzibarite", "quuxite", "rock.jpg"] {
                assert!(!page.text.contains(text), "{text} after {verb}: {path}");
            }
        }
        let page = Page::of(&server, &own).await;
        match verb {
            "retract" => {
                assert_eq!(page.status, 200);
                assert!(page.text.contains("This item has been retracted") && page.text.contains("withdrew it."));
                assert!(page.text.contains("<meta name=\"robots\" content=\"noindex\">"));
            }
            "withhold" => assert_eq!((page.status.as_u16(), page.header("cache-control")), (404, "no-store")),
            _ => assert_eq!((page.status.as_u16(), page.header("cache-control")), (410, "no-store")),
        }
    }
}

#[tokio::test]
async fn a_page_that_is_not_there_says_so_to_people_and_to_programs() {
    let server = Server::start(Kept::Sqlite).await;
    let nobody = "019c7658-1fd8-7000-8000-000000000001";
    for (path, status) in [
        ("/feeds/no-such-feed".to_owned(), 404),
        ("/feeds/NOT-AN-ID".to_owned(), 404),
        ("/embed/no-such-feed".to_owned(), 404),
        (format!("/feeds/{FEED}/items/{nobody}"), 404),
        (format!("/feeds/{FEED}/items/%3Cscript%3E"), 404),
        (format!("/feeds/{FEED}?before=yesterday"), 400),
        (format!("/feeds/{FEED}?urgency=9"), 400),
        ("/nowhere/at/all".to_owned(), 404),
    ] {
        let page = Page::of(&server, &path).await;
        assert_eq!(page.status.as_u16(), status, "{path}");
        assert_eq!(page.header("content-type"), "text/html; charset=utf-8", "{path}");
        assert_eq!(page.header("cache-control"), "no-store", "{path}");
        assert!(page.header("content-security-policy").contains("default-src 'none'"), "{path}");
        assert!(!page.text.contains("<script"), "{path}: {}", page.text);
        // Its style is found from wherever it stands.
        let style = page.text.split("<link rel=\"stylesheet\" href=\"").nth(1).and_then(|rest| rest.split('"').next());
        let style =
            url::Url::parse(&server.url(&path)).and_then(|url| url.join(style.expect("a style"))).expect("a URL");
        assert_eq!(server.client.get(style).send().await.expect("an answer").status(), 200, "{path}");
        let program = server.get(&path).await.expect("an answer");
        assert_eq!(program.headers()["content-type"], "application/problem+json", "{path}");
    }
    let api = Page::of(&server, "/v1/feeds/no-such-feed").await;
    assert_eq!(api.header("content-type"), "application/problem+json");
}

#[tokio::test]
async fn a_private_feed_is_shown_to_who_has_a_token_alone_and_kept_by_no_cache() {
    let server = Server::start(Kept::Sqlite).await;
    let made = server.publish(&json!({"headline": "For few", "keyEvent": true})).await;
    page_with(&server, "For few").await;
    let turn = async |access: &str| {
        let admin = server.token(&["--can", "admin"]);
        let url = server.url(&format!("/v1/feeds/{FEED}"));
        let answer = server.client.patch(url).bearer_auth(admin).json(&json!({"access": access})).send().await;
        assert_eq!(answer.expect("an answer").status(), 200);
    };
    turn("token").await;
    let reader = server.token(&["--can", "read", "--feed", FEED]);
    for path in [format!("/feeds/{FEED}"), format!("/embed/{FEED}"), format!("/feeds/{FEED}/items/{}", id(&made))] {
        let page = Page::of(&server, &path).await;
        assert_eq!((page.status.as_u16(), page.header("cache-control")), (401, "no-store"), "{path}");
        assert!(!page.text.contains("For few") && page.text.contains("Authorization: Bearer TOKEN"), "{}", page.text);
        // What was written of the public feed a moment before may be shown for a moment to who may read it.
        until("it is the private feed's page, which is not followed", async || {
            let asked = server.client.get(server.url(&path)).bearer_auth(&reader).send().await.expect("an answer");
            let page = Page::read(asked).await;
            assert_eq!((page.status.as_u16(), page.header("cache-control")), (200, "private, no-store"), "{path}");
            assert!(page.text.contains("For few"), "{}", page.text);
            assert_eq!(page.text.contains("key-events-list"), !path.contains("/items/"), "{path}");
            !page.text.contains("data-newswire")
        })
        .await;
    }
    server.beside_it(&["feed", "create", "empty", "--title", "Empty", "--access", "token"]);
    let token = server.token(&["--can", "read", "--feed", "empty"]);
    for path in ["/feeds/empty", "/embed/empty"] {
        let asked = server.client.get(server.url(path)).bearer_auth(&token).send().await.expect("an answer");
        let page = Page::read(asked).await;
        assert!(page.text.contains(">No news yet.</p>"), "{}", page.text);
    }
    until("it is on no list", async || {
        let front = Page::of(&server, "/").await;
        front.status == 200 && !front.text.contains(FEED)
    })
    .await;
    turn("public").await;
    assert_eq!(Page::of(&server, &format!("/feeds/{FEED}")).await.status, 200);
}

#[tokio::test]
async fn the_first_page_is_the_only_feed_or_a_list() {
    let server = Server::start(Kept::Sqlite).await;
    let still = reqwest::Client::builder().redirect(redirect::Policy::none()).build().expect("a client");
    let answer = still.get(server.url("/")).send().await.expect("an answer");
    assert_eq!(answer.status(), 302);
    assert_eq!(answer.headers()["location"], *format!("/feeds/{FEED}"));
    server.beside_it(&["feed", "create", "elections", "--title", "Election <night>", "--language", "ar"]);
    server.beside_it(&["feed", "create", "secret", "--title", "Secret", "--access", "token"]);
    until("both are listed", async || Page::of(&server, "/").await.text.contains("href=\"feeds/elections\"")).await;
    let page = Page::of(&server, "/").await;
    assert!(page.text.contains(&format!("href=\"feeds/{FEED}\"")) && !page.text.contains("<night>"), "{}", page.text);
    assert!(!page.text.contains("ecret"), "{}", page.text);
}

#[tokio::test]
async fn without_javascript_a_page_promises_nothing_and_says_that_its_coverage_is_over() {
    let server = Server::start(Kept::Sqlite).await;
    let page = Page::of(&server, &format!("/feeds/{FEED}")).await;
    assert!(page.text.contains(">No news yet.</p>"), "{}", page.text);
    server.publish(&json!({"headline": "The last"})).await;
    page_with(&server, "The last").await;
    server.beside_it(&["feed", "set", FEED, "--language", "de"]);
    server.beside_it(&["feed", "close", FEED]);
    let page = page_with(&server, "Diese Berichterstattung ist beendet</span></p>").await;
    assert!(page.text.contains("The last") && !page.text.contains(">Stand:"), "{}", page.text);
}

#[tokio::test]
async fn a_page_speaks_the_language_of_its_feed_without_javascript_too() {
    let server = Server::start(Kept::Sqlite).await;
    let at = "2026-11-03T20:52:00.000Z";
    let made = server.publish(&json!({"headline": "1", "published": at, "updated": at, "keyEvent": true})).await;
    let gone = server.publish(&json!({"headline": "2", "published": at, "updated": at})).await;
    server.act(id(&gone), "retract", &json!({"reason": "3"})).await;
    for (language, lang, dir, day, words) in [
        (
            "de-AT",
            "de",
            "ltr",
            "Dienstag, 3. November 2026",
            ["Wichtig", "Zu den Meldungen springen", "Abonnieren per"],
        ),
        ("ar", "ar", "rtl", "الثلاثاء، 3 نوفمبر 2026", ["حدث بارز", "الانتقال إلى الأخبار", "للمتابعة عبر"]),
        ("ar-EG", "ar", "rtl", "الثلاثاء، ٣ نوفمبر ٢٠٢٦", ["حدث بارز", "الانتقال إلى الأخبار", "للمتابعة عبر"]),
        ("fi", "en", "ltr", "tiistai 3. marraskuuta 2026", ["Key event", "Skip to the news", "Follow with"]),
    ] {
        let set = ["feed", "set", FEED, "--language", language, "--time-zone", "Europe/Berlin"];
        server.beside_it(&set);
        let html = if dir == "rtl" { " dir=\"rtl\">" } else { ">" };
        let page = page_with(&server, &format!("<html lang=\"{language}\"{html}")).await;
        assert!(page.text.contains(&format!("<h2 class=\"day\">{day}</h2>")), "{}", page.text);
        let said = format!("lang=\"{lang}\" dir=\"{dir}\">");
        let [key, skip, follow] = words;
        assert!(page.text.contains(&format!("<span class=\"label is-key\" {said}{key}</span>")), "{}", page.text);
        assert!(page.text.contains(&format!("<a class=\"skip\" href=\"#news\" {said}{skip}</a>")), "{}", page.text);
        assert!(page.text.contains(&format!("<footer {said}\n<p>{follow}")), "{}", page.text);
        assert_eq!(page.snapshot()["labels"]["lang"], lang);
        assert_eq!(page.snapshot()["labels"]["key"], key);
        assert!(page.snapshot()["labels"].get("pageSkip").is_none());
        let own = format!("/feeds/{FEED}/items/{}", id(&made));
        until("the item's own page speaks it, too", async || {
            let own = Page::of(&server, &own).await.text;
            own.contains(&format!("{said}{skip}</a>")) && own.contains(day)
        })
        .await;
    }
    server.beside_it(&["feed", "set", FEED, "--language", "en-GB"]);
    let page = page_with(&server, "<html lang=\"en-GB\"").await;
    assert!(page.text.contains(">Tuesday, 3 November 2026</h2>"), "{}", page.text);
    assert_eq!(page.snapshot().get("labels"), None, "the widget has them");
}

#[tokio::test]
async fn what_is_of_no_feed_is_in_a_language_that_the_browser_asks_for() {
    let server = Server::start(Kept::Sqlite).await;
    server.beside_it(&["feed", "create", "elections", "--title", "Election night"]);
    until("both are listed", async || Page::of(&server, "/").await.text.contains("href=\"feeds/elections\"")).await;
    let asked = async |path: &str, language: &str| {
        let asked = server.client.get(server.url(path)).header(header::ACCEPT, BROWSER);
        Page::read(asked.header(header::ACCEPT_LANGUAGE, language).send().await.expect("an answer")).await
    };
    let front = asked("/", "ar-EG, en;q=0.5").await;
    assert!(front.text.contains("<html lang=\"ar\" dir=\"rtl\">"), "{}", front.text);
    assert!(front.text.contains("<h1>الخدمات الإخبارية</h1>"), "{}", front.text);
    assert_eq!(front.header("vary"), "accept-language");
    let nowhere = asked("/feeds/nothing", "fi, de-AT;q=0.8").await;
    assert!(nowhere.text.contains("<h1>Hier gibt es nichts</h1>"), "{}", nowhere.text);
    assert!(nowhere.text.contains("<p class=\"request\" lang=\"en\" dir=\"ltr\">There is no feed"), "{}", nowhere.text);
    let english = asked("/feeds/nothing", "fi").await;
    assert!(english.text.contains("<p class=\"plain\">There is no feed"), "{}", english.text);
}

#[tokio::test]
async fn below_a_public_path_every_link_leads_somewhere() {
    let server = Server::start(Kept::Sqlite).await;
    let picture =
        json!([{"kind": "picture", "href": "https://example.org/a.jpg", "alt": "A quay", "width": 4, "height": 3}]);
    let made = server.publish(&json!({"headline": "Below", "media": picture})).await;
    server.stop().await;
    server.beside_it(&["feed", "set", FEED, "--language", "en-GB"]);
    server.up_as(server.command().args(["--public-url", "https://example.org/live"])).await;
    let own = format!("/feeds/{FEED}/items/{}", id(&made));
    for (path, canonical) in [
        (format!("/feeds/{FEED}"), format!("https://example.org/live/feeds/{FEED}")),
        (format!("/feeds/{FEED}?utm_source=x"), format!("https://example.org/live/feeds/{FEED}")),
        (format!("/feeds/{FEED}?x=1&urgency=5"), format!("https://example.org/live/feeds/{FEED}?urgency=5")),
        (format!("/embed/{FEED}"), format!("https://example.org/live/feeds/{FEED}")),
        (own.clone(), format!("https://example.org/live{own}")),
    ] {
        let place = server.url(&format!("/live{path}"));
        let page = Page::of(&server, &format!("/live{path}")).await;
        assert_eq!(page.status, 200, "{path}");
        assert!(page.text.contains(&format!("<link rel=\"canonical\" href=\"{canonical}\">")), "{path}: {}", page.text);
        assert!(page.text.contains(&format!("<meta property=\"og:url\" content=\"{canonical}\">")), "{path}");
        for (property, content) in [
            ("og:locale", "en_GB"),
            ("og:image", "https://example.org/a.jpg"),
            ("og:image:alt", "A quay"),
            ("article:modified_time", made["item"]["updated"].as_str().expect("a time")),
        ] {
            let meta = format!("<meta property=\"{property}\" content=\"{content}\">");
            assert!(page.text.contains(&meta), "{path}: {meta}");
        }
        let here = url::Url::parse(&place).expect("a URL");
        let permalink = page.text.split("class=\"permalink\" href=\"").nth(1).and_then(|rest| rest.split('"').next());
        let to = here.join(permalink.expect("the item has one")).expect("a URL");
        assert_eq!(to.path(), format!("/live{own}"), "{path}");
        let links = page.text.split("href=\"").skip(1).chain(page.text.split("src=\"").skip(1));
        for link in
            links.map(|rest| rest.split('"').next().expect("it ends").replace("&amp;", "&").replace("&#38;", "&"))
        {
            let to = here.join(&link).expect("a URL");
            if to.host_str() == here.host_str() {
                let answer = server.client.get(to.clone()).send().await.expect("an answer");
                assert!(
                    to.path().starts_with("/live/") && answer.status() == 200,
                    "{path}: {link} {}",
                    answer.status()
                );
            }
        }
    }
    let page = Page::of(&server, &format!("/live/feeds/{FEED}")).await;
    let posting = page.structured();
    assert_eq!(posting["@type"], "LiveBlogPosting");
    assert_eq!(posting["url"], format!("https://example.org/live/feeds/{FEED}"));
    assert_eq!(posting["liveBlogUpdate"][0]["headline"], "Below");
    assert_eq!(posting["coverageStartTime"], made["item"]["published"]);
    assert!(posting.get("coverageEndTime").is_none(), "it goes on");
    server.beside_it(&["feed", "close", FEED]);
    until("the end is told", async || {
        let page = Page::of(&server, &format!("/live/feeds/{FEED}")).await;
        page.structured()["coverageEndTime"].is_string()
    })
    .await;
}

/// The page of a node's feed.
async fn page_of(node: &Node, query: &str) -> Page {
    let url = node.live("").replace("/v1/feeds/", "/feeds/").replace("/live?", query);
    Page::read(reqwest::get(url).await.expect("an answer")).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_is_read_of_the_store_once_for_each_state_of_its_feed() {
    let node = Node::start(4).await;
    let first = node.newsroom.publish("First").await;
    let shows = async |text: &str| {
        until("the page is up to date", async || page_of(&node, "").await.text.contains(text)).await;
        // One that was made a moment before the node heard of the change is made again, once.
        until("the page is of the head", async || {
            page_of(&node, "").await;
            node.store.reads();
            page_of(&node, "").await;
            node.store.reads().is_empty()
        })
        .await;
    };
    shows("First").await;
    for query in ["?urgency=5", &format!("?before=253402207200000_{}", first.id)] {
        page_of(&node, query).await;
        node.store.reads();
        let pages = futures_util::future::join_all((0..50).map(|_| page_of(&node, query))).await;
        assert!(pages.iter().all(|page| page.status == 200));
        assert_eq!(node.store.reads(), BTreeMap::new(), "{query}");
    }
    let second = node.newsroom.publish("Second").await;
    shows("Second").await;
    node.newsroom.turn(&second, Kind::ItemRetracted, Status::Canceled).await;
    until("what is gone is gone", async || !page_of(&node, "").await.text.contains("Second")).await;
    assert!(node.drain().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_ends_by_the_clock_ends_on_a_kept_page_too() {
    let node = Node::start(4).await;
    // Nobody runs the list of what is due here: the page itself must know.
    let soon = |millis| node.newsroom.store.now().plus(Duration::from_millis(millis));
    let mut draft = node.newsroom.draft("Brief");
    draft.breaking_until = Some(soon(1_500));
    node.newsroom.put(draft).await;
    node.newsroom.publish_pinned("Held up", 1, Some(soon(1_500))).await;
    until("both are marked", async || {
        let page = page_of(&node, "").await.text;
        page.contains("is-breaking") && page.contains("is-pinned")
    })
    .await;
    let cached = page_of(&node, "").await.header("cache-control").to_owned();
    assert!(["s-maxage=0", "s-maxage=1"].iter().any(|left| cached.ends_with(left)), "{cached}");
    until("both have ended", async || {
        let page = page_of(&node, "").await.text;
        !page.contains("is-breaking") && !page.contains("is-pinned") && page.contains("Held up")
    })
    .await;
    assert!(node.drain().await);
}
