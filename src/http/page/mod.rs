//! The pages that people read: a feed, an item of it, a feed in another site's frame, and the list of feeds.
//!
//! Each is whole without JavaScript. The page of a feed is then enlivened by the widget, which goes on from the position
//! that the page carries. A page is written once for each state of its feed ([`super::rendered`]) and is the same bytes
//! for all who ask alike, so that a cache may stand in front; parameters that it does not know, which others add to links,
//! make no page of their own. Nothing here is ever inline script or style.

mod article;
mod dates;
mod files;
mod front;
mod head;
mod item;
mod news;
mod read;
mod view;
pub(super) mod wrong;

use axum::{extract::State, response::Response};
use http::{HeaderMap, HeaderValue, header};
use uuid::Uuid;

pub use files::{file, sample};
pub use front::{Front, front};

use self::read::Asked;
use super::{
    Doors, access,
    address::Address,
    items,
    problem::Problem,
    proxy::Client,
    query::Query,
    rendered::{Name, What},
    wherever,
};
use crate::{
    live::Awake,
    news::{FeedId, Status},
    syndicate::Addresses,
};

/// What a page may load: files of this server, and pictures, sound and film from wherever newsrooms keep theirs; pages of
/// other sites in frames, once a reader asked for one.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
                      img-src https: http: data:; media-src https: http:; frame-src https: http:; base-uri 'none'; \
                      form-action 'none'";
/// Who may show it in a frame: whoever is at home here. An embedded feed leaves this out.
const FRAMED: &str = "; frame-ancestors 'self'";

/// Which page of a feed is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum View {
    /// Its own page.
    Page,
    /// The one for other sites' frames.
    Frame,
}

/// `GET /feeds/{feed}?before=` and a filter.
pub async fn feed(
    State(doors): State<Doors>,
    Address(feed): Address<String>,
    client: Client,
    query: Query,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    list(&doors, &feed, client, query, &headers, View::Page).await
}

/// `GET /embed/{feed}` and a filter.
pub async fn embed(
    State(doors): State<Doors>,
    Address(feed): Address<String>,
    client: Client,
    query: Query,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    list(&doors, &feed, client, query, &headers, View::Frame).await
}

async fn list(
    doors: &Doors,
    feed: &str,
    Client(client): Client,
    mut query: Query,
    headers: &HeaderMap,
    view: View,
) -> Result<Response, Problem> {
    let filter = query.filter()?;
    let before = match query.one("before")? {
        Some(text) if view == View::Page => Some(items::cursor(&text)?),
        _ => None,
    };
    let asked = Asked { before, filter };
    let awake = awake(doors, feed).await?;
    access::reader(doors, headers, &awake.state()).await?;
    let here = addresses(doors, headers)?;
    let door = if view == View::Page { "page" } else { "frame" };
    let name = Name { feed: awake.id.clone(), door, what: What::of(asked.query()) };
    let addresses = wherever::addresses(&doors.proxy);
    let make = || view::list(doors, &awake.id, &asked, &addresses, view);
    let Some(made) = doors.renditions.of(&doors.feeds, &awake, client, name, make).await? else {
        return Err(Problem::no_feed(feed));
    };
    let access = awake.state().feed.access;
    let response = made.answer(headers, &here, "text/html; charset=utf-8", access, doors.store.now());
    Ok(shown(response, view))
}

/// `GET /feeds/{feed}/items/{id}`.
pub async fn item(
    State(doors): State<Doors>,
    Address((feed, id)): Address<(String, String)>,
    Client(client): Client,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let awake = awake(&doors, &feed).await?;
    access::reader(&doors, &headers, &awake.state()).await?;
    let Ok(uuid) = id.parse::<Uuid>() else { return Err(items::missing(&awake.id, &id)) };
    let here = addresses(&doors, &headers)?;
    let name = Name { feed: awake.id.clone(), door: "item", what: What::Item(uuid) };
    let addresses = wherever::addresses(&doors.proxy);
    let make = || view::item(&doors, &awake, uuid, &addresses);
    let Some(made) = doors.renditions.of(&doors.feeds, &awake, client, name, make).await? else {
        return Err(not_shown(&doors, &awake.id, &id).await?);
    };
    let access = awake.state().feed.access;
    let response = made.answer(&headers, &here, "text/html; charset=utf-8", access, doors.store.now());
    Ok(shown(response, View::Page))
}

/// Why an item has no page.
async fn not_shown(doors: &Doors, feed: &FeedId, id: &str) -> Result<Problem, Problem> {
    let record = items::stored(doors, feed, id).await?;
    Ok(match record.status {
        Status::Removed => Problem::gone("This item was removed for good."),
        _ => Problem::not_found("This item is not shown at the moment."),
    })
}

/// The feed that an address names, awake; its readers here are counted by nobody, but keep it so.
async fn awake(doors: &Doors, feed: &str) -> Result<std::sync::Arc<Awake>, Problem> {
    let missing = || Problem::not_found(format!("There is no feed {feed:?} here; / lists those there are."));
    let id: FeedId = feed.parse().map_err(|_| missing())?;
    doors.feeds.open(&id).await?.ok_or_else(missing)
}

/// The absolute addresses that a page names.
fn addresses(doors: &Doors, headers: &HeaderMap) -> Result<Addresses, Problem> {
    let none = || Problem::bad_request("Host", "Say in Host which server you mean: a page names its own address.");
    doors.proxy.addresses(headers).ok_or_else(none)
}

/// A page's answer with what a browser and a cache must know of it.
fn shown(mut response: Response, view: View) -> Response {
    let policy = if view == View::Frame { POLICY.to_owned() } else { [POLICY, FRAMED].concat() };
    let out = response.headers_mut();
    // A public page is the same for everybody, and no other is kept; and it has an ETag, which beats a date.
    out.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    out.remove(header::LAST_MODIFIED);
    protect(out, &policy);
    response
}

/// Tells a browser what a page may do.
fn protect(out: &mut HeaderMap, policy: &str) {
    out.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_str(policy).expect("a policy is plain text"));
    out.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
}
