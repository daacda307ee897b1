//! Who may: the token of a request and what it allows.

use std::sync::Arc;

use http::{HeaderMap, header};

use super::{Doors, problem::Problem};
use crate::{
    live::right::Right,
    news::{FeedId, feed::Access},
    store::{FeedState, Scope, Token, token::Secret},
};

/// The good token that a request carries in `Authorization: Bearer`, or in a WebSocket's subprotocol, if it carries any.
///
/// # Errors
/// 401 where it carries one that is unknown, expired or revoked: a client that means to show a token is never served
/// as if it had none. 503 where the store is away.
pub async fn token(doors: &Doors, headers: &HeaderMap) -> Result<Option<Arc<Token>>, Problem> {
    let Some(given) = headers.get(header::AUTHORIZATION) else {
        return match subprotocol(headers) {
            Some(secret) => good(doors, secret).await.map(Some),
            None => Ok(None),
        };
    };
    let given = given.to_str().ok().and_then(|text| text.split_once(' '));
    let Some((_, secret)) = given.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")) else {
        return Err(Problem::unauthorized("Send the token as \"Authorization: Bearer TOKEN\"."));
    };
    good(doors, secret.trim()).await.map(Some)
}

/// What the subprotocols of a browser's WebSocket begin with that carry a token: it can send no other header.
pub const SUBPROTOCOL: &str = "newswire.token.";

/// The token among the subprotocols that a WebSocket offers.
fn subprotocol(headers: &HeaderMap) -> Option<&str> {
    let lists = headers.get_all(header::SEC_WEBSOCKET_PROTOCOL).iter().filter_map(|value| value.to_str().ok());
    lists.flat_map(|list| list.split(',')).find_map(|offered| offered.trim().strip_prefix(SUBPROTOCOL))
}

/// The token with this text, if it is good.
async fn good(doors: &Doors, secret: &str) -> Result<Arc<Token>, Problem> {
    let secret: Secret = secret.parse().unwrap_or_else(|never: std::convert::Infallible| match never {});
    match doors.feeds.rights.token(&doors.store, &secret.hash()).await? {
        Some(token) if token.good(doors.store.now()) => {
            doors.last_used.note(token.hash, doors.store.now());
            Ok(token)
        }
        _ => Err(Problem::unauthorized(
            "This token is unknown, expired or revoked; \"newswire token create NAME --can publish\" makes one.",
        )),
    }
}

/// The token of a request that edits a feed.
///
/// # Errors
/// 401 without a good token, 403 with one that does not allow it.
pub async fn editor(doors: &Doors, headers: &HeaderMap, feed: &FeedId) -> Result<Arc<Token>, Problem> {
    let Some(token) = token(doors, headers).await? else {
        return Err(Problem::unauthorized("Editing needs a token: send \"Authorization: Bearer TOKEN\"."));
    };
    if token.allows(Scope::Publish, feed) {
        return Ok(token);
    }
    Err(Problem::forbidden(format!("The token {:?} may not publish in the feed {feed}.", token.name)))
}

/// By what right a request may read a feed's stream, which may last.
///
/// # Errors
/// As for [`reader`].
pub async fn right(doors: &Doors, headers: &HeaderMap, state: &FeedState) -> Result<Right, Problem> {
    Ok(match admitted(doors, headers, state).await? {
        // A public feed is anybody's, but once it turns private, the token counts.
        (_, Some(token)) => doors.feeds.rights.of(&token),
        (_, None) => Right::Anybody,
    })
}

/// What a reader may see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sight {
    /// What everybody may.
    Public,
    /// The same of a feed that is not for everybody: no cache may give it to somebody else.
    Readers,
    /// What is kept of an item, whatever its status.
    Full,
}

/// Whether a request may read a feed, and how much of it.
///
/// # Errors
/// 401 or 403 for a feed that is not public.
pub async fn reader(doors: &Doors, headers: &HeaderMap, state: &FeedState) -> Result<Sight, Problem> {
    Ok(admitted(doors, headers, state).await?.0)
}

/// What a request may see of a feed, and the token that allows it to, if one does.
async fn admitted(
    doors: &Doors,
    headers: &HeaderMap,
    state: &FeedState,
) -> Result<(Sight, Option<Arc<Token>>), Problem> {
    let feed = &state.feed.id;
    match token(doors, headers).await? {
        Some(token) if token.allows(Scope::Publish, feed) => Ok((Sight::Full, Some(token))),
        Some(token) if token.allows(Scope::Read, feed) => {
            let sight = if state.feed.access == Access::Public { Sight::Public } else { Sight::Readers };
            Ok((sight, Some(token)))
        }
        _ if state.feed.access == Access::Public => Ok((Sight::Public, None)),
        Some(token) => Err(Problem::forbidden(format!("The token {:?} may not read the feed {feed}.", token.name))),
        None => {
            Err(Problem::unauthorized(format!("The feed {feed} is not public: send \"Authorization: Bearer TOKEN\".")))
        }
    }
}
