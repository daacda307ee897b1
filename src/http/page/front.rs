//! The first page: where there is one feed that everybody may read, that; else a list of them, in a
//! language that the browser asks for.
//!
//! Nothing tells a node that a feed was made, so the list is read again by who asks after a second; who asks meanwhile
//! shares what was read.

use std::{sync::Arc, time::Duration};

use askama::Template;
use axum::{
    body::Body,
    extract::State,
    response::{IntoResponse as _, Response},
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use tokio::{sync::Mutex, time::Instant};

use super::{
    FRAMED, POLICY,
    head::{self, Head},
    protect,
};
use crate::{
    http::{Doors, access::Sight, conditional, problem::Problem, words::Words},
    news::{Feed, feed::Access},
    store::StoreError,
};

/// How old the list may be.
const OLD: Duration = Duration::from_secs(1);
/// How long a cache that many share may keep the answer.
const CACHING: &str = "public, max-age=0, must-revalidate, s-maxage=5";

/// The feeds that everybody may read, as they were read last.
#[derive(Debug, Default)]
pub struct Front(Mutex<Option<(Instant, Arc<Vec<Feed>>)>>);

/// The list of feeds.
#[derive(Template)]
#[template(path = "list.html")]
struct List<'a> {
    head: Head,
    words: &'static Words,
    feeds: &'a [Feed],
}

impl Front {
    async fn feeds(&self, doors: &Doors) -> Result<Arc<Vec<Feed>>, StoreError> {
        // Held while it is read, so that all who wait share the read.
        let mut kept = self.0.lock().await;
        if let Some((read, feeds)) = &*kept
            && read.elapsed() <= OLD
        {
            return Ok(feeds.clone());
        }
        let asked = Instant::now();
        let all = doors.store.feeds().await?.into_iter().map(|state| state.feed);
        let feeds = Arc::new(all.filter(|feed| feed.access == Access::Public).collect::<Vec<_>>());
        *kept = Some((asked, feeds.clone()));
        Ok(feeds)
    }
}

/// `GET /`.
pub async fn front(State(doors): State<Doors>, headers: HeaderMap) -> Result<Response, Problem> {
    let feeds = doors.front.feeds(&doors).await?;
    let mut response = match feeds.as_slice() {
        [one] => {
            let place = format!("{}/feeds/{}", doors.proxy.prefix(), one.id);
            (StatusCode::FOUND, [(header::LOCATION, place)]).into_response()
        }
        feeds => {
            let words = Words::accepted(&headers);
            let canonical = doors.proxy.addresses(&headers).map_or_else(|| "/".to_owned(), |all| all.front());
            let head = head::of_front(words, canonical);
            let text = List { head, words, feeds }.render().expect("a page is written into memory");
            let etag = conditional::etag(&text);
            let kind = [(header::CONTENT_TYPE, "text/html; charset=utf-8")];
            let mut response =
                conditional::answer(&headers, Sight::Public, &etag, (kind, Body::from(text)).into_response());
            response.headers_mut().insert(header::VARY, HeaderValue::from_static("accept-language"));
            response
        }
    };
    let out = response.headers_mut();
    out.insert(header::CACHE_CONTROL, HeaderValue::from_static(CACHING));
    protect(out, &[POLICY, FRAMED].concat());
    Ok(response)
}
