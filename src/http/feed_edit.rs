//! Creating, changing and deleting feeds over HTTP, for tokens that may administer them: `POST /v1/feeds`,
//! `PATCH /v1/feeds/{feed}`, `DELETE /v1/feeds/{feed}`. The rules are those of the command line.
//!
//! A write goes the way of an item's: token, body, idempotency key, feed, `If-Match`, rules, commit; and what was begun
//! is finished, whether or not the client still waits for the answer.

use std::sync::Arc;

use axum::{
    body::Body,
    extract::{Request, State},
    response::{IntoResponse as _, Response},
};
use http::{HeaderValue, StatusCode, header, request::Parts};
use serde_json::{Map, Value};
use tracing::Instrument as _;
use uuid::Uuid;

use super::{Doors, access, address::Address, body, feeds, finish, once, problem::Problem};
use crate::{
    news::{
        Feed, FeedId, Kind, Mark,
        amend::{amend, create},
        precondition,
        refusal::{Code, Refusal},
    },
    store::{Commit, CommitError, Committed, Conflict, FeedState, FeedWrite, Once, Scope, Token, Write},
};

/// How often a change without `If-Match` is put on top of what others committed meanwhile.
const TRIES: usize = 16;

/// What is asked of a feed.
#[derive(Debug)]
enum Verb {
    Create(Map<String, Value>),
    Change(Map<String, Value>),
    Delete,
}

/// `POST /v1/feeds`: `id` and the fields of its document.
pub async fn make(State(doors): State<Doors>, request: Request) -> Result<Response, Problem> {
    let (parts, sent) = request.into_parts();
    // Nobody unknown may have a body waited for.
    signed(access::token(&doors, &parts.headers).await?)?;
    let sent = body::whole(sent).await?;
    let mut fields = body::object(&sent)?;
    let id = fields.shift_remove("id");
    let parsed: Option<FeedId> = id.as_ref().and_then(|id| id.as_str()?.parse().ok());
    let Some(id) = parsed else {
        let refusal = Refusal::new(Code::Invalid, "id must be 1 to 64 characters of a-z, 0-9 and hyphen.").field("id");
        return Err(refusal.into());
    };
    let token = administrator(&doors, &parts, &id).await?;
    write(doors, Verb::Create(fields), id, token, (&parts, &sent)).await
}

/// `PATCH /v1/feeds/{feed}`: a merge patch over its document.
pub async fn change(
    State(doors): State<Doors>,
    Address(feed): Address<String>,
    request: Request,
) -> Result<Response, Problem> {
    let (parts, sent) = request.into_parts();
    let id: FeedId = feed.parse().map_err(|_| Problem::no_feed(&feed))?;
    let token = administrator(&doors, &parts, &id).await?;
    let sent = body::whole(sent).await?;
    write(doors, Verb::Change(body::object(&sent)?), id, token, (&parts, &sent)).await
}

/// `DELETE /v1/feeds/{feed}`: with everything in it.
pub async fn delete(
    State(doors): State<Doors>,
    Address(feed): Address<String>,
    request: Request,
) -> Result<Response, Problem> {
    let (parts, _) = request.into_parts();
    let id: FeedId = feed.parse().map_err(|_| Problem::no_feed(&feed))?;
    let token = administrator(&doors, &parts, &id).await?;
    write(doors, Verb::Delete, id, token, (&parts, &[])).await
}

/// The token of a request that administers a feed.
async fn administrator(doors: &Doors, parts: &Parts, feed: &FeedId) -> Result<Arc<Token>, Problem> {
    let token = signed(access::token(doors, &parts.headers).await?)?;
    if token.allows(Scope::Admin, feed) {
        return Ok(token);
    }
    Err(Problem::forbidden(format!("The token {:?} may not administer the feed {feed}.", token.name)))
}

/// The token, of which there must be one.
fn signed(token: Option<Arc<Token>>) -> Result<Arc<Token>, Problem> {
    token.ok_or_else(|| {
        let detail = "This needs a token that may administer the feed: \"newswire token create NAME --can admin\".";
        Problem::unauthorized(detail)
    })
}

/// A write, as far as it does not depend on what stands.
struct Asked {
    doors: Doors,
    feed: FeedId,
    who: String,
    if_match: Option<String>,
    once: Option<Once>,
}

async fn write(
    doors: Doors,
    verb: Verb,
    feed: FeedId,
    token: Arc<Token>,
    (parts, sent): (&Parts, &[u8]),
) -> Result<Response, Problem> {
    let once = once::once(parts, sent, &token)?;
    let if_match = once::if_match(&parts.headers).map(ToOwned::to_owned);
    let asked = Asked { doors: doors.clone(), feed, who: token.name.clone(), if_match, once };
    let drain = doors.drain.clone();
    finish::in_time(drain.see_through(async move { asked.finish(verb).await }.in_current_span())).await
}

impl Asked {
    /// Carries it out, or finds that it was carried out before, and answers.
    async fn finish(&self, verb: Verb) -> Result<Response, Problem> {
        let before = once::before(&self.doors, &self.feed, self.once.as_ref()).await?.is_some();
        let repeated = before
            || match self.carry_out(&verb).await {
                Ok(repeated) => repeated,
                Err(refused) => {
                    once::overtaken(&self.doors, &self.feed, self.once.as_ref(), refused).await?;
                    true
                }
            };
        let mut response = match verb {
            Verb::Create(_) => {
                let mut response = self.answer(StatusCode::CREATED).await?;
                let place = HeaderValue::from_str(&format!("{}/v1/feeds/{}", self.doors.proxy.prefix(), self.feed));
                response.headers_mut().insert(header::LOCATION, place.expect("an address is plain text"));
                response
            }
            Verb::Change(_) => self.answer(StatusCode::OK).await?,
            Verb::Delete => StatusCode::NO_CONTENT.into_response(),
        };
        if repeated {
            response.headers_mut().insert(once::REPLAYED, HeaderValue::from_static("true"));
        }
        Ok(response)
    }

    /// Whether the same request was carried out before.
    async fn carry_out(&self, verb: &Verb) -> Result<bool, Problem> {
        match verb {
            Verb::Create(fields) => self.create(create(self.feed.clone(), fields)?).await,
            Verb::Change(patch) => self.change(patch).await,
            Verb::Delete => self.delete().await,
        }
    }

    async fn create(&self, feed: Feed) -> Result<bool, Problem> {
        match self.doors.store.commit(self.commit(Kind::FeedCreated, Write::Create(feed))).await {
            Ok(committed) => Ok(self.done("create", &committed)),
            Err(CommitError::Conflict(Conflict::Exists)) => {
                let detail = format!("There is a feed {} already; PATCH changes it.", self.feed);
                Err(Refusal::new(Code::Exists, detail).field("id").into())
            }
            Err(other) => Err(self.refused(other)),
        }
    }

    async fn change(&self, patch: &Map<String, Value>) -> Result<bool, Problem> {
        for _ in 0..TRIES {
            let state = feeds::state(&self.doors, self.feed.as_str()).await?;
            self.check_match(&state)?;
            let Some((kind, document)) = amend(&state.feed, patch)? else {
                match &self.once {
                    Some(once) => self.doors.store.remember(&self.feed, once, Uuid::nil(), state.head).await?,
                    None => self.doors.store.settle(&self.feed).await?,
                }
                return Ok(false);
            };
            let write = Write::Feed(FeedWrite { expected: state.own, document });
            match self.doors.store.commit(self.commit(kind, write)).await {
                Ok(committed) => {
                    let repeated = self.done(kind.name(), &committed);
                    self.shown().await;
                    return Ok(repeated);
                }
                // Somebody was faster. What stands now decides.
                Err(CommitError::Conflict(Conflict::Version)) => {}
                Err(other) => return Err(self.refused(other)),
            }
        }
        Err(Problem::unavailable("Others change this feed all the time; try again."))
    }

    async fn delete(&self) -> Result<bool, Problem> {
        let state = feeds::state(&self.doors, self.feed.as_str()).await?;
        self.check_match(&state)?;
        match self.doors.store.delete_feed(&self.feed, self.once.as_ref()).await {
            Ok(committed) => {
                let repeated = self.done("delete", &committed);
                self.shown().await;
                Ok(repeated)
            }
            Err(other) => Err(self.refused(other)),
        }
    }

    fn commit(&self, kind: Kind, write: Write) -> Commit {
        Commit {
            feed: self.feed.clone(),
            once: self.once.clone(),
            mark: Mark::random(),
            kind,
            at: self.doors.store.now(),
            who: self.who.clone(),
            write,
        }
    }

    /// Whether `If-Match`, if it was sent, names the feed as it stands.
    fn check_match(&self, state: &FeedState) -> Result<(), Problem> {
        let current = feeds::etag(state);
        let Some(known) = self.if_match.as_deref().filter(|known| !precondition::names(known, &current)) else {
            return Ok(());
        };
        let detail = "The feed has changed since the version that If-Match names: read it again, then decide.";
        let refusal = Refusal::new(Code::PreconditionFailed, detail).field("If-Match");
        Err(Refusal { sent: Some(known.chars().take(40).collect()), current: Some(current), ..refusal }.into())
    }

    /// Tells the audit log what was committed now; true: it was before.
    fn done(&self, verb: &str, committed: &Committed) -> bool {
        let Committed::Now(position) = committed else { return true };
        tracing::info!(target: "audit", token = self.who, verb, feed = %self.feed, %position, "committed");
        false
    }

    fn refused(&self, error: CommitError) -> Problem {
        match error {
            CommitError::Store(error) => error.into(),
            CommitError::Conflict(Conflict::KeyReused) => once::reused().into(),
            CommitError::Conflict(_) => Problem::no_feed(self.feed.as_str()),
        }
    }

    /// Brings this node's window up before the answer: who is told that a feed is private, or gone, finds it so here. If
    /// the store went away just now, the follower does it before this node claims to be current again.
    async fn shown(&self) {
        if let Some(awake) = self.doors.feeds.awake(&self.feed)
            && let Err(error) = awake.bring_up(&self.doors.feeds).await
        {
            tracing::warn!(%error, "a window could not be brought up after its feed changed");
        }
    }

    /// The feed as it now reads.
    async fn answer(&self, status: StatusCode) -> Result<Response, Problem> {
        let state = feeds::state(&self.doors, self.feed.as_str()).await?;
        let mut response = (status, Body::from(feeds::described(&state).to_string())).into_response();
        let out = response.headers_mut();
        out.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        out.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        out.insert(header::ETAG, HeaderValue::from_str(&feeds::etag(&state)).expect("an ETag is plain text"));
        Ok(response)
    }
}
