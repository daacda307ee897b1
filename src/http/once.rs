//! `Idempotency-Key`: a write that is sent twice happens once.
//!
//! A key belongs to a token and a feed. It stands for one request: the hash of method, path, `If-Match` and body. The
//! same request again is answered from the item as it now reads; another one under the same key is refused.

use http::{HeaderMap, HeaderName, header, request::Parts};
use sha2::{Digest as _, Sha256};

use super::{Doors, problem::Problem};
use crate::{
    news::{
        FeedId,
        refusal::{Code, Refusal},
    },
    store::{Once, Remembered, Token},
};

/// The header's name (draft-ietf-httpapi-idempotency-key-header).
pub const KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// Set on an answer that repeats an earlier one.
pub const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// How long a key may be, in characters.
pub const LONGEST: usize = 255;

/// The key of a write and what it stands for, if it came with one.
///
/// # Errors
/// 400 for a key that is empty, too long or not printable ASCII.
pub fn once(parts: &Parts, body: &[u8], token: &Token) -> Result<Option<Once>, Problem> {
    let Some(key) = parts.headers.get(KEY) else { return Ok(None) };
    let printable = key.as_bytes().iter().all(|b| (0x20..0x7f).contains(b));
    if !printable || !(1..=LONGEST).contains(&key.len()) {
        let detail = format!("An Idempotency-Key is 1 to {LONGEST} printable ASCII characters.");
        return Err(Problem::bad_request("Idempotency-Key", detail));
    }
    let mut hash = Sha256::new();
    for part in [
        parts.method.as_str().as_bytes(),
        parts.uri.path().as_bytes(),
        if_match(&parts.headers).unwrap_or_default().as_bytes(),
        body,
    ] {
        // The length keeps the end of one part from passing for the beginning of the next.
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    let key = String::from_utf8_lossy(key.as_bytes()).into_owned();
    Ok(Some(Once { token: token.name.clone(), key, hash: hash.finalize().into() }))
}

/// What this request came to before, if it was sent before.
///
/// # Errors
/// 422 where the key stands for another request, 503 where the store is away.
pub async fn before(doors: &Doors, feed: &FeedId, once: Option<&Once>) -> Result<Option<Remembered>, Problem> {
    let Some(once) = once else { return Ok(None) };
    match doors.store.recall(feed, &once.token, &once.key).await? {
        Some(before) if before.hash != once.hash => Err(reused().into()),
        before => Ok(before),
    }
}

/// Whether a request that is refused was itself the reason: sent before, it may have been carried out between
/// [`before`] and the look at what stands. Then it is not refused, and this is what it came to.
///
/// # Errors
/// It was not, and is refused.
pub async fn overtaken(
    doors: &Doors,
    feed: &FeedId,
    once: Option<&Once>,
    refused: Problem,
) -> Result<Remembered, Problem> {
    // Whether the store is away need not be asked again.
    if refused.is_of_the_server() {
        return Err(refused);
    }
    before(doors, feed, once).await?.ok_or(refused)
}

/// `If-Match` as it was sent.
pub fn if_match(headers: &HeaderMap) -> Option<&str> {
    // What is not text can match no ETag; it must not pass for an absent header either.
    headers.get(header::IF_MATCH).map(|value| value.to_str().unwrap_or("\"\""))
}

/// The refusal of a key that stands for another request.
pub fn reused() -> Refusal {
    Refusal::new(
        Code::KeyReused,
        "This Idempotency-Key was used for another request within the last 24 hours; use a new one for each write.",
    )
    .field("Idempotency-Key")
}
