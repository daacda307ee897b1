//! The files of the pages: their style, what keeps them current where the widget does not, and the pictures of `--sample`;
//! and where the widget is.
//!
//! A page names its files with their hash, so that a cache may keep them for good.

use std::sync::LazyLock;

use axum::{
    body::Body,
    response::{IntoResponse as _, Response},
};
use http::{HeaderMap, HeaderValue, header};
use rust_embed::{Embed, EmbeddedFile};

use crate::http::{access::Sight, address::Address, conditional, problem::Problem, query::Query, widget};

/// A file of the pages.
pub(super) struct PageFile {
    name: &'static str,
    kind: &'static str,
    text: &'static str,
    etag: LazyLock<String>,
}

/// The looks of the news, which are the widget's, and of what is around them.
pub(super) static STYLE: PageFile = PageFile {
    name: "page.css",
    kind: "text/css; charset=utf-8",
    text: concat!(include_str!("../../../web/widget/news-feed.css"), include_str!("../../../web/pages/page.css")),
    etag: LazyLock::new(|| conditional::etag(STYLE.text)),
};

/// What a feed's page needs beside the widget.
pub(super) static FEED: PageFile = PageFile {
    name: "feed.js",
    kind: "text/javascript; charset=utf-8",
    text: include_str!("../../../web/pages/feed.js"),
    etag: LazyLock::new(|| conditional::etag(FEED.text)),
};

/// What keeps an item's page current.
pub(super) static ITEM: PageFile = PageFile {
    name: "item.js",
    kind: "text/javascript; charset=utf-8",
    text: include_str!("../../../web/pages/item.js"),
    etag: LazyLock::new(|| conditional::etag(ITEM.text)),
};

impl PageFile {
    /// Its address; `root` is the way to the server's first page.
    pub(super) fn at(&self, root: &str) -> String {
        format!("{root}page/{}?v={}", self.name, self.etag.trim_matches('"'))
    }
}

/// What a cache is told of what never changes.
const FOR_GOOD: &str = "public, max-age=31536000, immutable";

#[derive(Embed)]
#[folder = "web/sample/"]
struct Samples;

/// The address of the widget.
pub(super) fn widget_at(root: &str) -> String {
    format!("{root}{}", widget::address())
}

/// `GET /page/{file}?v=`.
pub async fn file(Address(name): Address<String>, mut query: Query, headers: HeaderMap) -> Result<Response, Problem> {
    let named = query.one("v")?;
    let Some(file) = [&STYLE, &FEED, &ITEM].into_iter().find(|file| file.name == name) else {
        return Err(missing(&name));
    };
    let mut response = whole(&headers, &file.etag, file.kind, file.text.as_bytes().into());
    if named.is_some_and(|hash| hash == file.etag.trim_matches('"')) {
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static(FOR_GOOD));
    }
    Ok(response)
}

/// `GET /sample/{file}`.
pub async fn sample(Address(name): Address<String>, headers: HeaderMap) -> Result<Response, Problem> {
    let Some(EmbeddedFile { data, metadata }) = Samples::get(&name) else {
        return Err(missing(&name));
    };
    let hash = metadata.sha256_hash()[..12].iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
    Ok(whole(&headers, &format!("\"{hash}\""), "image/svg+xml", data.into_owned()))
}

fn missing(name: &str) -> Problem {
    Problem::not_found(format!("There is no file {name:?} here."))
}

fn whole(headers: &HeaderMap, etag: &str, kind: &'static str, bytes: Vec<u8>) -> Response {
    let answer = ([(header::CONTENT_TYPE, kind)], Body::from(bytes)).into_response();
    let mut response = conditional::answer(headers, Sight::Public, etag, answer);
    let out = response.headers_mut();
    out.remove(header::VARY);
    super::protect(out, "default-src 'none'; style-src 'unsafe-inline'");
    response
}
