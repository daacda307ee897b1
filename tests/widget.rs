//! The widget as it is served: one module of a bounded size, under an address that never changes and one that always
//! leads to the newest, for pages of any site.

mod support;

use std::io::Read as _;

use flate2::read::GzDecoder;
use reqwest::{Response, StatusCode};
use support::server::{Kept, Server};

/// What the widget may cost a reader: 20 KB, as it goes over the wire.
const MOST: usize = 20_000;

async fn ask(server: &Server, place: &str, headers: &[(&str, &str)]) -> Response {
    let request =
        headers.iter().fold(server.client.get(server.url(place)), |asked, (name, value)| asked.header(*name, *value));
    request.send().await.expect("an answer")
}

fn header<'a>(answer: &'a Response, name: &str) -> &'a str {
    answer.headers().get(name).map_or("", |value| value.to_str().expect("text"))
}

fn unpacked(bytes: &[u8]) -> String {
    let mut text = String::new();
    GzDecoder::new(bytes).read_to_string(&mut text).expect("gzip of text");
    text
}

#[tokio::test]
async fn the_widget_is_one_module_of_a_bounded_size_that_imports_nothing() {
    let server = Server::start(Kept::Sqlite).await;
    let packed = ask(&server, "/widget.js", &[("accept-encoding", "br, gzip")]).await;
    assert_eq!(header(&packed, "content-encoding"), "gzip");
    assert_eq!(header(&packed, "content-type"), "text/javascript; charset=utf-8");
    let packed = packed.bytes().await.expect("a body");
    println!("the widget: {} bytes as served", packed.len());
    assert!(packed.len() <= MOST, "{} bytes are more than {MOST}", packed.len());
    for refusal in ["", "identity", "gzip;q=0"] {
        let plain = ask(&server, "/widget.js", &[("accept-encoding", refusal)]).await;
        assert_eq!(header(&plain, "content-encoding"), "", "{refusal}");
        assert_eq!(plain.text().await.expect("text"), unpacked(&packed), "{refusal}");
    }
    let text = unpacked(&packed);
    for line in text.lines() {
        assert!(!line.starts_with("import ") && !line.contains("from \"./"), "{line}");
    }
    assert_eq!(text.matches("export ").count(), 1);
    assert!(text.contains(".newswire"), "the style sheet is in it");
}

#[tokio::test]
async fn the_newest_is_asked_for_again_soon_and_a_pinned_one_never() {
    let server = Server::start(Kept::Sqlite).await;
    let newest = ask(&server, "/widget.js", &[]).await;
    assert_eq!(header(&newest, "cache-control"), "public, max-age=300");
    assert_eq!(header(&newest, "vary"), "accept-encoding");
    assert_eq!(header(&newest, "access-control-allow-origin"), "*");
    let etag = header(&newest, "etag").to_owned();
    let same = ask(&server, "/widget.js", &[("if-none-match", &etag)]).await;
    assert_eq!(same.status(), StatusCode::NOT_MODIFIED);
    let packed = ask(&server, "/widget.js", &[("if-none-match", &etag), ("accept-encoding", "gzip")]).await;
    assert_eq!(packed.status(), StatusCode::OK, "what is compressed is another answer");

    let about = server.read("/widget.json").await;
    let (address, integrity) = (&about["address"], &about["integrity"]);
    let pinned = ask(&server, address.as_str().expect("an address"), &[]).await;
    assert_eq!(header(&pinned, "cache-control"), "public, max-age=31536000, immutable");
    assert_eq!(header(&pinned, "access-control-allow-origin"), "*");
    assert!(integrity.as_str().expect("a hash").starts_with("sha384-"));
    assert_eq!(pinned.bytes().await.expect("a body"), newest.bytes().await.expect("a body"));

    let gone = ask(&server, "/widget/0123456789abcdef/news-feed.js", &[]).await;
    assert_eq!(gone.status(), StatusCode::NOT_FOUND);
    assert!(gone.text().await.expect("text").contains("/widget.json"), "it says where it is now");
}

#[tokio::test]
async fn behind_a_public_path_the_address_is_the_public_one() {
    let server = Server::start(Kept::Sqlite).await;
    server.stop().await;
    server.up_as(server.command().args(["--public-url", "https://example.org/news"])).await;
    let address = server.read("/news/widget.json").await["address"].as_str().expect("an address").to_owned();
    let place = address.strip_prefix("https://example.org").expect("it is public");
    assert_eq!(ask(&server, place, &[]).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn every_file_can_be_had_as_it_was_written_and_nothing_else() {
    let server = Server::start(Kept::Sqlite).await;
    for entry in std::fs::read_dir("web/widget").expect("the widget is there") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().and_then(|name| name.to_str()).expect("a name").to_owned();
        let answer = ask(&server, &format!("/widget/{name}"), &[]).await;
        if name.ends_with(".js") || name.ends_with(".css") {
            assert_eq!(answer.text().await.expect("text"), std::fs::read_to_string(&path).expect("text"), "{name}");
        } else {
            assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{name}");
        }
    }
}

#[tokio::test]
async fn the_words_for_any_language_can_be_had_by_pages_of_any_site() {
    let server = Server::start(Kept::Sqlite).await;
    for (asked, found) in
        [("de", "de"), ("de-AT", "de"), ("zh-Hans-CN", "zh"), ("zh-TW", "zh-Hant"), ("fi", "en"), ("%20", "en")]
    {
        let answer = ask(&server, &format!("/widget/words/{asked}.json"), &[]).await;
        assert_eq!(header(&answer, "content-type"), "application/json", "{asked}");
        assert_eq!(header(&answer, "access-control-allow-origin"), "*");
        assert_eq!(header(&answer, "cache-control"), "public, max-age=3600");
        let etag = header(&answer, "etag").to_owned();
        let written = std::fs::read_to_string(format!("web/widget/words/{found}.json")).expect("the words");
        assert_eq!(answer.text().await.expect("text"), written, "{asked}");
        let same = ask(&server, &format!("/widget/words/{asked}.json"), &[("if-none-match", &etag)]).await;
        assert_eq!(same.status(), StatusCode::NOT_MODIFIED);
    }
    assert_eq!(ask(&server, "/widget/words/de", &[]).await.status(), StatusCode::NOT_FOUND);
}
