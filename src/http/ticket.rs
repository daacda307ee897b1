//! Tickets: for a browser's EventSource, which can send no header. `POST …/tickets` gives one to who shows a token, and
//! it opens a stream for 60 s; what is opened lives as long as the token.
//!
//! A ticket is `EXPIRES.TOKEN.SIGNATURE`: when it is over (ms), the token's hash, and an HMAC-SHA256 over both and the
//! feed, with a key that the store keeps. Nothing is written for a reader.

use std::time::Duration;

use axum::{
    Json,
    extract::State,
    response::{IntoResponse as _, Response},
};
use http::{HeaderMap, StatusCode, header};
use ring::hmac;
use serde_json::json;
use tokio::{sync::Mutex, time::Instant};
use uuid::Uuid;

use super::{Doors, access, address::Address, feeds, problem::Problem};
use crate::{
    news::{FeedId, Moment},
    store::{
        Hash, Scope, SharedStore, StoreError, Token,
        hash::{hex, unhex},
    },
};

/// How long a ticket can be used.
pub const VALID: Duration = Duration::from_secs(60);

/// For how long the store's key is believed to be what it was: a store that was flushed has another.
const KEY_KEPT: Duration = Duration::from_secs(10);

/// The key that tickets are signed with, as it was last asked for.
#[derive(Debug, Default)]
pub struct Key(Mutex<Option<(Hash, Instant)>>);

impl Key {
    async fn of(&self, store: &SharedStore) -> Result<hmac::Key, StoreError> {
        let mut known = self.0.lock().await;
        let fresh = known.filter(|(_, asked)| asked.elapsed() < KEY_KEPT);
        let (key, _) = match fresh {
            Some(fresh) => fresh,
            None => {
                let mut new = Hash::default();
                getrandom::fill(&mut new).expect("the operating system gives random numbers");
                *known.insert((store.ticket_key(new).await?, Instant::now()))
            }
        };
        Ok(hmac::Key::new(hmac::HMAC_SHA256, &key))
    }

    /// What this store's thing of that name is known by, everywhere and for as long as there is the store.
    ///
    /// # Errors
    /// The store is away.
    pub async fn name(&self, store: &SharedStore, thing: &str) -> Result<Uuid, StoreError> {
        // No text that is signed for a ticket begins like this one.
        let signature = hmac::sign(&self.of(store).await?, format!("/feeds/{thing}").as_bytes());
        let half = signature.as_ref()[..16].try_into().expect("32 bytes have 16");
        Ok(uuid::Builder::from_custom_bytes(half).into_uuid())
    }
}

/// `POST /v1/feeds/{feed}/tickets`.
pub async fn make(
    State(doors): State<Doors>,
    Address(feed): Address<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let state = feeds::state(&doors, &feed).await?;
    let Some(token) = access::token(&doors, &headers).await? else {
        return Err(Problem::unauthorized("A ticket is made for a token: send \"Authorization: Bearer TOKEN\"."));
    };
    if !token.allows(Scope::Read, &state.feed.id) {
        return Err(Problem::forbidden(format!("The token {:?} may not read the feed {feed}.", token.name)));
    }
    let expires = doors.store.now().plus(VALID);
    let text = format!("{}.{}", expires.millis(), hex(&token.hash));
    let signature = hmac::sign(&doors.ticket_key.of(&doors.store).await?, signed(&state.feed.id, &text).as_bytes());
    let signature = signature.as_ref().iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
    let body = Json(json!({"ticket": format!("{text}.{signature}"), "expires": expires}));
    Ok((StatusCode::CREATED, [(header::CACHE_CONTROL, "no-store")], body).into_response())
}

/// The token that a ticket of this feed stands for; none where it is over, not ours, or the token is no longer good.
///
/// # Errors
/// The store is away.
pub async fn token(doors: &Doors, feed: &FeedId, ticket: &str) -> Result<Option<Token>, StoreError> {
    let Some((text, signature)) = ticket.rsplit_once('.') else { return Ok(None) };
    let Some((expires, hash)) = text.split_once('.') else { return Ok(None) };
    let (Some(hash), Some(signature), Ok(expires)) = (unhex(hash), unhex(signature), expires.parse()) else {
        return Ok(None);
    };
    let ours =
        hmac::verify(&doors.ticket_key.of(&doors.store).await?, signed(feed, text).as_bytes(), &signature).is_ok();
    let now = doors.store.now();
    if !ours || Moment::from_millis(expires) <= now {
        return Ok(None);
    }
    let token = doors.store.token(&hash).await?;
    Ok(token.filter(|token| token.good(now) && token.allows(Scope::Read, feed)))
}

fn signed(feed: &FeedId, text: &str) -> String {
    format!("newswire ticket {feed} {text}")
}
