//! Creating, changing and deleting feeds over HTTP, for tokens that may administer them: `POST /v1/feeds`,
//! `PATCH /v1/feeds/{feed}`, `DELETE /v1/feeds/{feed}`. The rules are those of the command line.

use axum::{
    body::Body,
    extract::{Request, State},
    response::{IntoResponse as _, Response},
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use tracing::Instrument as _;

use super::{
    Doors, access,
    address::Address,
    body, feeds, once,
    problem::{self, Problem},
};
use crate::{
    news::{
        FeedId, Mark,
        amend::{amend, create},
        precondition,
        refusal::{Code, Refusal},
    },
    store::{Commit, CommitError, Committed, Conflict, FeedState, FeedWrite, Scope, Token, Write},
};

/// How often a change without `If-Match` is put on top of what others committed meanwhile.
const TRIES: usize = 16;

/// `POST /v1/feeds`: `id` and the fields of its document.
pub async fn make(State(doors): State<Doors>, request: Request) -> Result<Response, Problem> {
    let (parts, sent) = request.into_parts();
    let mut fields = body::object(&body::whole(sent).await?)?;
    let id = fields.shift_remove("id");
    let parsed: Option<FeedId> = id.as_ref().and_then(|id| id.as_str()?.parse().ok());
    let Some(id) = parsed else {
        let refusal = Refusal::new(Code::Invalid, "id must be 1 to 64 characters of a-z, 0-9 and hyphen.").field("id");
        return Err(refusal.into());
    };
    let token = administrator(&doors, &parts.headers, &id).await?;
    let feed = create(id.clone(), &fields)?;
    let store = doors.store.clone();
    let (name, made) = (token.name.clone(), feed.clone());
    let created = doors.drain.spawn(async move { store.create_feed(made, Mark::random(), &name).await });
    if !created.await.map_err(problem::of_task)?? {
        let refusal =
            Refusal::new(Code::Exists, format!("There is a feed {id} already; PATCH changes it.")).field("id");
        return Err(refusal.into());
    }
    tracing::info!(target: "audit", token = token.name, verb = "create", feed = %id, "committed");
    let state = feeds::state(&doors, id.as_str()).await?;
    let mut response = answer(&state, StatusCode::CREATED);
    let place = HeaderValue::from_str(&format!("/v1/feeds/{id}")).expect("a feed's id is plain text");
    response.headers_mut().insert(header::LOCATION, place);
    Ok(response)
}

/// `PATCH /v1/feeds/{feed}`: a merge patch over its document.
pub async fn change(
    State(doors): State<Doors>,
    Address(feed): Address<String>,
    request: Request,
) -> Result<Response, Problem> {
    let (parts, sent) = request.into_parts();
    let id: FeedId = feed.parse().map_err(|_| Problem::no_feed(&feed))?;
    let token = administrator(&doors, &parts.headers, &id).await?;
    let patch = body::object(&body::whole(sent).await?)?;
    let known = once::if_match(&parts.headers).map(ToOwned::to_owned);
    let of = doors.clone();
    // A client that hangs up ends its request, and must not end this half-way.
    let finish = async move {
        for _ in 0..TRIES {
            let state = feeds::state(&of, id.as_str()).await?;
            if let Some(known) = known.as_deref().filter(|known| !precondition::names(known, &feeds::etag(&state))) {
                let detail = "The feed has changed since the version that If-Match names: read it again, then decide.";
                let refusal = Refusal::new(Code::PreconditionFailed, detail).field("If-Match");
                let (sent, current) = (Some(known.chars().take(40).collect()), Some(feeds::etag(&state)));
                return Err(Problem::from(Refusal { sent, current, ..refusal }));
            }
            let Some((kind, document)) = amend(&state.feed, &patch)? else { return Ok(answer(&state, StatusCode::OK)) };
            let commit = Commit {
                feed: id.clone(),
                once: None,
                mark: Mark::random(),
                kind,
                at: of.store.now(),
                who: token.name.clone(),
                write: Write::Feed(FeedWrite { expected: state.own, document }),
            };
            match of.store.commit(commit).await {
                Ok(Committed::Now(position)) => {
                    tracing::info!(target: "audit", token = token.name, verb = %kind, feed = %id, %position, "committed");
                    shown(&of, &id).await;
                    return Ok(answer(&feeds::state(&of, id.as_str()).await?, StatusCode::OK));
                }
                // Somebody was faster. What stands now decides.
                Ok(Committed::Before(_)) | Err(CommitError::Conflict(Conflict::Version)) => {}
                Err(CommitError::Conflict(_)) => return Err(Problem::no_feed(id.as_str())),
                Err(CommitError::Store(error)) => return Err(error.into()),
            }
        }
        Err(Problem::unavailable("Others change this feed all the time; try again."))
    };
    doors.drain.spawn(finish.in_current_span()).await.unwrap_or_else(|error| Err(problem::of_task(error)))
}

/// `DELETE /v1/feeds/{feed}`: with everything in it.
pub async fn delete(
    State(doors): State<Doors>,
    Address(feed): Address<String>,
    headers: HeaderMap,
) -> Result<StatusCode, Problem> {
    let id: FeedId = feed.parse().map_err(|_| Problem::no_feed(&feed))?;
    let token = administrator(&doors, &headers, &id).await?;
    let of = doors.clone();
    let finish = async move {
        if !of.store.delete_feed(&id).await? {
            return Err(Problem::no_feed(id.as_str()));
        }
        tracing::info!(target: "audit", token = token.name, verb = "delete", feed = %id, "committed");
        shown(&of, &id).await;
        Ok(StatusCode::NO_CONTENT)
    };
    doors.drain.spawn(finish.in_current_span()).await.unwrap_or_else(|error| Err(problem::of_task(error)))
}

/// Brings this node's window up before the answer: who is told that a feed is private, or gone, finds it so here. If the
/// store went away just now, the follower does it before this node claims to be current again.
async fn shown(doors: &Doors, id: &FeedId) {
    if let Some(awake) = doors.feeds.awake(id)
        && let Err(error) = awake.bring_up(&doors.feeds).await
    {
        tracing::warn!(%error, "a window could not be brought up after its feed changed");
    }
}

/// The token of a request that administers a feed.
async fn administrator(doors: &Doors, headers: &HeaderMap, feed: &FeedId) -> Result<Token, Problem> {
    let Some(token) = access::token(doors, headers).await? else {
        let detail = "This needs a token that may administer the feed: \"newswire token create NAME --can admin\".";
        return Err(Problem::unauthorized(detail));
    };
    if token.allows(Scope::Admin, feed) {
        return Ok(token);
    }
    Err(Problem::forbidden(format!("The token {:?} may not administer the feed {feed}.", token.name)))
}

fn answer(state: &FeedState, status: StatusCode) -> Response {
    let mut response = (status, Body::from(feeds::described(state).to_string())).into_response();
    let out = response.headers_mut();
    out.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    out.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    out.insert(header::ETAG, HeaderValue::from_str(&feeds::etag(state)).expect("an ETag is plain text"));
    response
}
