//! The widget `<news-feed>`: one module with everything in it, for pages of any site, and the files that it is made of,
//! for our own pages and for who develops it.
//!
//! `/widget.js` is always the newest, and asked for again after a few minutes. Under the address that `/widget.json` tells
//! it never changes, and a page may pin it with `integrity`. After an upgrade an older address is gone: who pins one
//! reads `/widget.json` again, or keeps a copy of the module.

mod bundle;

use std::sync::LazyLock;

use axum::{
    body::Body,
    extract::State,
    response::{IntoResponse as _, Response},
};
use bytes::Bytes;
use futures_util::{
    FutureExt as _,
    future::{BoxFuture, Shared},
};
use http::{HeaderMap, HeaderValue, header};
use rust_embed::{Embed, EmbeddedFile};
use serde_json::json;

use super::{Doors, access::Sight, address::Address, coding, conditional, problem::Problem};
use bundle::Bundle;

#[derive(Embed)]
#[folder = "web/widget/"]
pub(super) struct Files;

/// Made once, when it is first asked for.
static BUNDLE: LazyLock<Bundle> = LazyLock::new(Bundle::make);
/// The same for who takes gzip. Making it takes a while: on one thread beside those that answer requests, for all who wait
/// for it, whoever goes away meanwhile.
static PACKED: LazyLock<Shared<BoxFuture<'static, Bytes>>> = LazyLock::new(|| {
    let packing = tokio::task::spawn_blocking(|| Bytes::from(BUNDLE.packed()));
    async { packing.await.expect("compressing does not panic") }.boxed().shared()
});

const SCRIPT: HeaderValue = HeaderValue::from_static("text/javascript; charset=utf-8");
const SHORT: HeaderValue = HeaderValue::from_static("public, max-age=300");
const FOREVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");

/// The address at which this very widget never changes, below the server's first page.
pub(super) fn address() -> String {
    format!("widget/{}/news-feed.js", BUNDLE.hash)
}

/// `GET /widget.js`: the newest.
pub async fn newest(headers: HeaderMap) -> Response {
    module(&headers, SHORT).await
}

/// `GET /widget/{hash}/news-feed.js`: this very one.
///
/// # Errors
/// 404 where it is another one by now.
pub async fn pinned(Address(hash): Address<String>, headers: HeaderMap) -> Result<Response, Problem> {
    if hash == BUNDLE.hash {
        return Ok(module(&headers, FOREVER).await);
    }
    Err(Problem::not_found("The widget has changed since; /widget.json says where it is now."))
}

/// `GET /widget.json`: where it is, and its integrity.
pub async fn now(State(doors): State<Doors>, headers: HeaderMap) -> Response {
    let base = doors.proxy.public.as_ref().map_or("", |public| public.as_str());
    let about = json!({
        "address": format!("{base}/widget/{}/news-feed.js", BUNDLE.hash),
        "integrity": BUNDLE.integrity,
    });
    conditional::json(&headers, Sight::Public, None, about.to_string())
}

/// `GET /widget/{file}`: a module or a style sheet as it was written.
///
/// # Errors
/// 404 where there is none.
pub async fn file(Address(name): Address<String>, headers: HeaderMap) -> Result<Response, Problem> {
    let kind = match name.rsplit_once('.').map(|(_, ending)| ending) {
        Some("js") => Some(SCRIPT),
        Some("css") => Some(HeaderValue::from_static("text/css; charset=utf-8")),
        _ => None,
    };
    let (Some(kind), Some(EmbeddedFile { data, metadata })) = (kind, Files::get(&name)) else {
        return Err(Problem::not_found(format!("There is no file {name:?} here.")));
    };
    let hash = metadata.sha256_hash()[..12].iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
    let body = Body::from(data.into_owned()).into_response();
    Ok(text(conditional::answer(&headers, Sight::Public, &format!("\"{hash}\""), body), kind))
}

/// The joined module, compressed for who takes that.
async fn module(headers: &HeaderMap, caching: HeaderValue) -> Response {
    let gzip = coding::takes_gzip(headers);
    let (bytes, form) = if gzip { (PACKED.clone().await, "-gzip") } else { (Bytes::from_static(&BUNDLE.plain), "") };
    let whole = Body::from(bytes).into_response();
    let mut answer = conditional::answer(headers, Sight::Public, &format!("\"{}{form}\"", BUNDLE.hash), whole);
    let out = answer.headers_mut();
    out.insert(header::CACHE_CONTROL, caching);
    out.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    if gzip {
        out.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    text(answer, SCRIPT)
}

fn text(mut answer: Response, kind: HeaderValue) -> Response {
    answer.headers_mut().insert(header::CONTENT_TYPE, kind);
    answer.headers_mut().insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    answer
}

#[cfg(test)]
mod tests {
    use futures_util::poll;
    use tokio::{runtime::Builder, sync::oneshot, task::spawn_blocking};

    use super::*;

    #[test]
    fn it_is_compressed_once_whoever_goes_away_and_then_nobody_waits_for_a_thread() {
        let runtime = Builder::new_current_thread().enable_all().max_blocking_threads(1).build().expect("it starts");
        let headers = HeaderMap::from_iter([(header::ACCEPT_ENCODING, HeaderValue::from_static("gzip"))]);
        runtime.block_on(async {
            let mut gone = Box::pin(newest(headers.clone()));
            assert!(poll!(&mut gone).is_pending());
            drop(gone);
            newest(headers.clone()).await;
            let (end, ended) = oneshot::channel::<()>();
            let busy = spawn_blocking(move || ended.blocking_recv());
            assert!(newest(headers).now_or_never().is_some());
            drop(end);
            assert!(busy.await.expect("it ends").is_err());
        });
    }
}
