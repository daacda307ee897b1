//! The doors: HTTP/1.1 without TLS, which is the proxy's.
//!
//! Reading: [`live`] (streams), [`poll`], [`items`], [`feeds`], [`page`], [`widget`], [`words`], [`syndication`] (feeds for
//! other software). Writing: [`publish`]. Around them: [`rendered`] (made once for all who ask alike), [`rendition`] (one
//! of them), [`coding`] (how they are compressed), [`turns`] (whose is made next), [`wherever`] (texts that name this server), [`serve`]
//! (the accept loop), [`takeover`] (streams leave hyper), [`proxy`] (what stands in front), [`bounds`] (how much at
//! once), [`access`] (who may), [`problem`] (every error's form), [`request`] (ids and the log), [`health`].

pub mod access;
pub mod address;
pub mod again;
pub mod body;
pub mod bounds;
mod coding;
pub mod conditional;
pub mod coverage;
pub mod describe;
pub mod documents;
pub mod feed_edit;
pub mod feeds;
pub mod finish;
pub mod health;
pub mod history;
pub mod items;
pub mod live;
pub mod once;
pub mod page;
pub mod poll;
pub mod problem;
pub mod proxy;
pub mod publish;
pub mod query;
pub mod rendered;
pub mod rendition;
pub mod request;
pub mod serve;
pub mod socket;
pub mod syndication;
pub mod takeover;
pub mod ticket;
pub mod turns;
pub mod wherever;
pub mod widget;
pub mod words;

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    extract::State,
    middleware,
    response::{IntoResponse as _, Redirect, Response},
    routing::{delete, get, patch, post},
};
use http::{HeaderName, Method, Uri, header};
use tower_http::{catch_panic::CatchPanicLayer, cors};

use crate::{
    live::{Drain, Feeds},
    news::edit::Verb,
    store::SharedStore,
    upkeep::last_used::LastUsed,
};
use bounds::Places;
use documents::Documents;
use live::room::Room;
use page::Front;
use problem::Problem;
use proxy::Proxy;
use rendered::Renditions;
use request::Refusals;

/// What every door needs. Clones are the same doors.
#[derive(Clone, Debug)]
pub struct Doors {
    /// Where everything is kept.
    pub store: SharedStore,
    /// The awake feeds of this node.
    pub feeds: Arc<Feeds>,
    /// Who is told to leave, and when.
    pub drain: Drain,
    /// What tickets are signed with.
    pub ticket_key: Arc<ticket::Key>,
    /// The documents of feeds that were edited here.
    pub documents: Arc<Documents>,
    /// When tokens were last used.
    pub last_used: Arc<LastUsed>,
    /// What was made of feeds for all who ask alike.
    pub renditions: Arc<Renditions>,
    /// The feeds that everybody may read.
    pub front: Arc<Front>,
    /// What stands in front of this server.
    pub proxy: Arc<Proxy>,
    /// The room for readers.
    pub room: Arc<Room>,
    /// The places of open requests.
    pub places: Places,
    /// How often requests were refused.
    pub refusals: Refusals,
}

/// Every door of the server.
pub fn router(doors: Doors) -> Router {
    let (places, refusals) = (doors.places.clone(), doors.refusals.clone());
    let verb = |verb: Verb| post(move |state, path, request| publish::act(verb, state, path, request));
    Router::new()
        .route("/", get(page::front))
        .route("/feeds/{feed}", get(page::feed))
        .route("/feeds/{feed}/items/{id}", get(page::item))
        .route("/embed/{feed}", get(page::embed))
        .route("/page/{file}", get(page::file))
        .route("/sample/{file}", get(page::sample))
        .route("/widget.js", get(widget::newest))
        .route("/widget.json", get(widget::now))
        .route("/widget/{file}", get(widget::file))
        .route("/widget/words/{file}", get(words::file))
        .route("/widget/{hash}/news-feed.js", get(widget::pinned))
        .route("/openapi.json", get(describe::doors))
        .route("/messages.schema.json", get(describe::streams))
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/v1/feeds", get(feeds::list).post(feed_edit::make))
        .route("/v1/feeds/{feed}", get(feeds::one).merge(patch(feed_edit::change)).merge(delete(feed_edit::delete)))
        .route("/v1/live", get(live::several::stream))
        .route("/v1/feeds/{feed}/live", get(live::stream))
        .route("/v1/feeds/{feed}/tickets", post(ticket::make))
        .route("/v1/feeds/{feed}/changes", get(poll::changes))
        .route("/v1/feeds/{feed}/items", get(items::page).post(publish::publish))
        .route("/v1/feeds/{feed}/items/by-alt-id", get(history::by_alt_id))
        .route("/v1/feeds/{feed}/items/{id}/versions", get(history::versions))
        .route("/v1/feeds/{feed}/items/{id}", get(items::one).merge(patch(publish::update)))
        .route("/v1/feeds/{feed}/items/{id}/correct", verb(Verb::Correct))
        .route("/v1/feeds/{feed}/items/{id}/withhold", verb(Verb::Withhold))
        .route("/v1/feeds/{feed}/items/{id}/release", verb(Verb::Release))
        .route("/v1/feeds/{feed}/items/{id}/retract", verb(Verb::Retract))
        .route("/v1/feeds/{feed}/items/{id}/remove", verb(Verb::Remove))
        .route("/v1/feeds/{feed}/items/{id}/pin", verb(Verb::Pin))
        .route("/v1/feeds/{feed}/items/{id}/unpin", verb(Verb::Unpin))
        .route("/feeds/{feed}/feed.atom", get(syndication::atom))
        .route("/feeds/{feed}/feed.rss", get(syndication::rss))
        .route("/feeds/{feed}/feed.json", get(syndication::json_feed))
        .fallback(elsewhere)
        .method_not_allowed_fallback(|| async { Problem::method_not_allowed() })
        .with_state(doors)
        .layer(CatchPanicLayer::custom(problem::of_panic))
        .layer(middleware::from_fn_with_state(places, bounds::hold))
        .layer(cors())
        .layer(middleware::from_fn_with_state(refusals, request::tell))
}

/// What is at no address of ours. The public path alone is the page's, which loads its files from below it.
async fn elsewhere(State(doors): State<Doors>, uri: Uri) -> Response {
    let prefix = doors.proxy.prefix();
    if !prefix.is_empty() && uri.path() == prefix {
        return Redirect::permanent(&format!("{prefix}/")).into_response();
    }
    Problem::not_found("There is nothing at this address; the API begins at /v1/feeds.").into_response()
}

/// Anybody's page may read what is public, and a newsroom's console on another host may write with its token. There
/// are no cookies, so an origin gains nothing that its user's token does not give it.
fn cors() -> cors::CorsLayer {
    cors::CorsLayer::new()
        .allow_origin(cors::Any)
        .allow_methods([Method::GET, Method::HEAD, Method::POST, Method::PATCH, Method::DELETE])
        .allow_headers([
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
            header::IF_MATCH,
            header::IF_NONE_MATCH,
            HeaderName::from_static("idempotency-key"),
            HeaderName::from_static("last-event-id"),
            request::ID,
        ])
        .expose_headers([header::ETAG, header::LOCATION, header::RETRY_AFTER, once::REPLAYED, request::ID])
        .max_age(Duration::from_secs(24 * 60 * 60))
}
