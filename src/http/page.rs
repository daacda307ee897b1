//! The page at `/`: plain files, embedded in the binary, that show a feed live through the public doors alone.

use axum::{
    body::Body,
    response::{IntoResponse as _, Response},
};
use http::{HeaderMap, HeaderValue, header};
use rust_embed::{Embed, EmbeddedFile};

use super::{access::Sight, address::Address, conditional, problem::Problem};

#[derive(Embed)]
#[folder = "web/page/"]
struct Files;

/// What the page may load: its own files, and pictures, sound and film from wherever newsrooms keep theirs. No inline
/// script or style.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
                      img-src https: http: data:; media-src https: http:; base-uri 'none'; form-action 'none'; \
                      frame-ancestors 'self'";

/// `GET /`.
pub async fn index(headers: HeaderMap) -> Result<Response, Problem> {
    file(Address("index.html".to_owned()), headers).await
}

/// `GET /page/{file}`.
pub async fn file(Address(name): Address<String>, headers: HeaderMap) -> Result<Response, Problem> {
    let Some(EmbeddedFile { data, metadata }) = Files::get(&name) else {
        return Err(Problem::not_found(format!("There is no file {name:?} here.")));
    };
    let kind = match name.rsplit_once('.').map(|(_, ending)| ending) {
        Some("html") => "text/html; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("svg") => "image/svg+xml",
        _ => "application/octet-stream",
    };
    let hash = metadata.sha256_hash()[..12].iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
    let body = Body::from(data.into_owned()).into_response();
    let mut response = conditional::answer(&headers, Sight::Public, &format!("\"{hash}\""), body);
    let out = response.headers_mut();
    out.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    out.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    out.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    Ok(response)
}
