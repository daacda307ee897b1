//! The editors' doors: `POST …/items`, `PATCH …/items/{id}`, `POST …/items/{id}/VERB`.
//!
//! Every write goes the same way: token, body, idempotency key, feed, item, `If-Match`, the rules of
//! [`crate::news::edit`], commit. Only the commit changes anything, and it checks the item's version once more. What was
//! begun is finished, whether or not the client still waits for the answer.

use std::sync::Arc;

use axum::{
    body::Body,
    extract::{Request, State},
    response::{IntoResponse as _, Response},
};
use http::{HeaderValue, StatusCode, header};
use serde_json::{Map, Value};
use tracing::Instrument as _;
use uuid::Uuid;

use super::{
    Doors, access,
    address::Address,
    again::{Again, NOT_KEPT, again, taken},
    body,
    documents::Document,
    feeds, finish, items, once,
    problem::Problem,
};
use crate::{
    news::{
        Feed, FeedId, Mark, Position, Record,
        edit::{Edit, Verb, edit},
        feed::FeedStatus,
        precondition::{Known, Match, Step, on_top, precondition},
        refusal::{Code, Refusal},
    },
    store::{Commit, CommitError, Committed, Conflict, Expected, ItemWrite, Once, Remembered, Token, Version, Write},
};

/// How often a write without `If-Match` is put on top of what others committed meanwhile.
const TRIES: usize = 16;

/// `POST …/items`.
pub async fn publish(
    State(doors): State<Doors>,
    Address(feed): Address<String>,
    request: Request,
) -> Result<Response, Problem> {
    write(&doors, Verb::Publish, &feed, None, request).await
}

/// `PATCH …/items/{id}`.
pub async fn update(
    State(doors): State<Doors>,
    Address((feed, id)): Address<(String, String)>,
    request: Request,
) -> Result<Response, Problem> {
    write(&doors, Verb::Update, &feed, Some(&id), request).await
}

/// `POST …/items/{id}/VERB`.
pub async fn act(
    verb: Verb,
    State(doors): State<Doors>,
    Address((feed, id)): Address<(String, String)>,
    request: Request,
) -> Result<Response, Problem> {
    write(&doors, verb, &feed, Some(&id), request).await
}

/// A write, as far as it does not depend on what stands.
struct Asked {
    doors: Doors,
    verb: Verb,
    feed: FeedId,
    token: Arc<Token>,
    if_match: Option<String>,
    once: Option<Once>,
}

/// When the store is asked for a feed's document.
#[derive(Clone, Copy, Debug)]
enum Ask {
    IfUnknown,
    Anew,
}

/// What a write came to.
struct Done {
    record: Record,
    position: Position,
    /// Whether this request, or the one that it repeats, made the item.
    created: bool,
    repeated: bool,
    remains: Option<String>,
}

async fn write(doors: &Doors, verb: Verb, feed: &str, id: Option<&str>, request: Request) -> Result<Response, Problem> {
    let (parts, sent) = request.into_parts();
    let feed: FeedId = feed.parse().map_err(|_| Problem::no_feed(feed))?;
    let token = access::editor(doors, &parts.headers, &feed).await?;
    let sent = body::whole(sent).await?;
    let once = once::once(&parts, &sent, &token)?;
    let if_match = once::if_match(&parts.headers).map(ToOwned::to_owned);
    let asked = Asked { doors: doors.clone(), verb, feed, token, if_match, once };
    let id = id.map(ToOwned::to_owned);
    // A client that hangs up ends its request, and must not end this half-way.
    let finished = doors.drain.see_through(async move { asked.finish(id.as_deref(), &sent).await }.in_current_span());
    finish::in_time(finished).await
}

impl Asked {
    /// Carries it out, or finds that it was carried out before, and answers.
    async fn finish(&self, id: Option<&str>, sent: &[u8]) -> Result<Response, Problem> {
        let mut done = match once::before(&self.doors, &self.feed, self.once.as_ref()).await? {
            Some(before) => self.repeat(before).await?,
            None => match self.carry_out(id, sent).await {
                Ok(done) => done,
                Err(refused) => {
                    self.repeat(once::overtaken(&self.doors, &self.feed, self.once.as_ref(), refused).await?).await?
                }
            },
        };
        // Also where the removal was carried out before: who sends it again may not have had its answer.
        if self.verb == Verb::Remove {
            done.remains = match self.doors.store.scrub().await {
                Ok(remains) => remains,
                Err(error) => Some(format!("Old bytes of the item may remain in the store's files: {error}.")),
            };
        }
        Ok(self.respond(done))
    }

    /// Applies the verb to what stands, until what stood is still there at the commit.
    async fn carry_out(&self, id: Option<&str>, sent: &[u8]) -> Result<Done, Problem> {
        let mut document = self.document(Ask::IfUnknown).await?;
        let body = &body::object(sent)?;
        for _ in 0..TRIES {
            let current = match id {
                Some(id) => Some(items::stored(&self.doors, &self.feed, id).await?),
                None => None,
            };
            if let Some(current) = &current {
                self.check_match(current, body).await?;
            }
            let mark = Mark::random();
            let now = self.doors.store.now();
            let verb = self.verb;
            let asked = Edit { feed: &document.feed, current: current.as_ref(), verb, body, now, mark };
            let draft = match edit(&asked) {
                Err(closed) if closed.code == Code::FeedClosed => {
                    let newest = self.document(Ask::Anew).await?;
                    if newest.own == document.own {
                        return self.sent_to_closed(asked, closed).await;
                    }
                    document = newest;
                    continue;
                }
                draft => draft?,
            };
            let Some(draft) = draft else {
                let current = current.expect("a new item is always a difference");
                return self.unchanged(current).await;
            };
            let record = draft.record;
            let write = ItemWrite {
                expected: current.as_ref().map_or(Expected::Nothing, |current| Expected::Version(current.version)),
                under: Some(document.own),
                record: record.clone(),
                fields: draft.fields,
                alt_ids: draft.alt_ids,
            };
            let commit = Commit {
                feed: self.feed.clone(),
                once: self.once.clone(),
                mark,
                kind: draft.kind,
                at: now,
                who: self.token.name.clone(),
                write: Write::Item(write),
            };
            match self.doors.store.commit(commit).await {
                Ok(Committed::Now(position)) => return self.committed(record, position).await,
                Ok(Committed::Before(before)) => return self.repeat(before).await,
                Err(CommitError::Store(error)) => return Err(error.into()),
                Err(CommitError::Conflict(Conflict::Feed)) => document = self.document(Ask::Anew).await?,
                // Somebody was faster. What stands now decides, `If-Match` included.
                Err(CommitError::Conflict(Conflict::Version)) if current.is_some() => {}
                Err(CommitError::Conflict(conflict)) => return self.refused(conflict, &record).await,
            }
        }
        Err(Problem::unavailable("Others keep editing this item at the same moment; try again."))
    }

    /// The feed's document, by which the edit is judged.
    async fn document(&self, ask: Ask) -> Result<Arc<Document>, Problem> {
        let Doors { documents, store, .. } = &self.doors;
        let found = match ask {
            Ask::IfUnknown => documents.of(store, &self.feed).await?,
            Ask::Anew => documents.read(store, &self.feed).await?,
        };
        found.ok_or_else(|| Problem::no_feed(self.feed.as_str()))
    }

    /// Whether `If-Match` lets this edit happen: the item is as the editor saw it, or what came in between touched
    /// nothing that this edit names.
    async fn check_match(&self, current: &Record, body: &Map<String, Value>) -> Result<(), Problem> {
        let known = match precondition(self.verb, self.if_match.as_deref(), current)? {
            Match::Current => return Ok(()),
            Match::Since(known) => known,
        };
        let versions = self.doors.store.versions(&self.feed, current.id, known.version.saturating_sub(1)).await?;
        let steps: Vec<_> = versions
            .iter()
            .map(|Version { record: Record { version, mark, kind, .. }, fields, .. }| Step {
                known: Known { version: *version, mark: *mark },
                kind: *kind,
                fields,
            })
            .collect();
        Ok(on_top(known, &steps, current, self.verb, body)?)
    }

    /// The verb made no difference: nothing is committed, and the key is remembered all the same.
    async fn unchanged(&self, current: Record) -> Result<Done, Problem> {
        if let Some(before) = once::before(&self.doors, &self.feed, self.once.as_ref()).await? {
            // It made no difference because it was carried out just now, when it was sent before.
            return self.repeat(before).await;
        }
        let state = feeds::state(&self.doors, self.feed.as_str()).await?;
        match &self.once {
            Some(once) => self.doors.store.remember(&self.feed, once, current.id, state.head).await?,
            None => self.doors.store.settle(&self.feed).await?,
        }
        Ok(Done { record: current, position: state.head, created: false, repeated: false, remains: None })
    }

    async fn committed(&self, record: Record, position: Position) -> Result<Done, Problem> {
        tracing::info!(
            target: "audit", token = self.token.name, verb = ?self.verb, feed = %self.feed, item = %record.id,
            version = record.version, %position, "committed"
        );
        if record.kind.takes_away()
            && let Some(awake) = self.doors.feeds.awake(&self.feed)
            && let Err(error) = awake.bring_up(&self.doors.feeds).await
        {
            // Taken away means taken away from what this node shows, before the editor is told so. If the store went
            // away just now, the follower does it before this node claims to be current again.
            tracing::warn!(%error, "a window could not be brought up after text was taken away");
        }
        Ok(Done { created: self.verb == Verb::Publish, record, position, repeated: false, remains: None })
    }

    /// The store said no: who or what stands in the way, in the editor's terms.
    async fn refused(&self, conflict: Conflict, asked: &Record) -> Result<Done, Problem> {
        let standing = |id: Uuid| async move { self.doors.store.item(&self.feed, id).await };
        let refusal = match conflict {
            // What is kept of the document goes with the feed.
            Conflict::NoFeed | Conflict::Feed => {
                self.document(Ask::Anew).await?;
                return Err(Problem::no_feed(self.feed.as_str()));
            }
            Conflict::KeyReused => once::reused(),
            Conflict::Exists | Conflict::Version => {
                let current = standing(asked.id).await?.map_or(NOT_KEPT, |item| item.status.name());
                let detail = format!("There is, or was, an item {}: leave id out to get a new one.", asked.id);
                Refusal::new(Code::Exists, detail).field("id").item(asked.id, current)
            }
            Conflict::AltId(id) => match again(&self.doors, &self.feed, asked).await? {
                Some(Again::As(item)) if self.verb == Verb::Publish => return self.unchanged(*item).await,
                Some(Again::Killed(refusal)) => refusal,
                _ => taken(id, standing(id).await?.map_or(NOT_KEPT, |item| item.status.name())),
            },
            Conflict::Pin(holder) => {
                let position = asked.pin.map_or(0, |pin| pin.position);
                let detail = format!("The item {holder} is pinned at position {position}; unpin it first.");
                Refusal::new(Code::PinTaken, detail).field("position").item(holder, "pinned")
            }
        };
        Err(refusal.into())
    }

    /// A closed feed takes nothing new; a story that it has is not new.
    async fn sent_to_closed(&self, edit_of: Edit<'_>, closed: Refusal) -> Result<Done, Problem> {
        let open = Feed { status: FeedStatus::Live, ..edit_of.feed.clone() };
        let Some(draft) = edit(&Edit { feed: &open, ..edit_of })? else { return Err(closed.into()) };
        match again(&self.doors, &self.feed, &draft.record).await? {
            Some(Again::As(item)) => self.unchanged(*item).await,
            Some(Again::Killed(refusal)) => Err(refusal.into()),
            None => Err(closed.into()),
        }
    }

    /// The answer to a key that was used before: the item as it now reads, at the position of that time.
    async fn repeat(&self, before: Remembered) -> Result<Done, Problem> {
        let item = self.doors.store.item(&self.feed, before.item).await?;
        let record = item.ok_or_else(|| Problem::not_found("The item that this request made is no longer kept."))?;
        let Remembered { position, version, .. } = before;
        let created = self.verb == Verb::Publish && version == 1;
        Ok(Done { record, position, created, repeated: true, remains: None })
    }

    /// `{item, position, readers}`: the item as its editors see it, and how many readers are open on this feed here.
    fn respond(&self, done: Done) -> Response {
        let feed = &self.feed;
        let Done { record, position, created, repeated, remains } = done;
        let item = record.full(feed, self.doors.store.now());
        let readers = self.doors.feeds.readers(feed);
        let remains = remains.map_or_else(String::new, |said| format!(",\"remains\":{}", Value::from(said)));
        let json = format!("{{\"item\":{item},\"position\":\"{position}\",\"readers\":{readers}{remains}}}");
        let status = if created { StatusCode::CREATED } else { StatusCode::OK };
        let mut response = (status, Body::from(json)).into_response();
        let out = response.headers_mut();
        out.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        out.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        out.insert(header::VARY, HeaderValue::from_static("authorization"));
        out.insert(header::ETAG, HeaderValue::from_str(&record.etag()).expect("an ETag is plain text"));
        if created {
            let location = format!("{}/v1/feeds/{feed}/items/{}", self.doors.proxy.prefix(), record.id);
            out.insert(header::LOCATION, HeaderValue::from_str(&location).expect("an address is plain text"));
        }
        if repeated {
            out.insert(once::REPLAYED, HeaderValue::from_static("true"));
        }
        response
    }
}
