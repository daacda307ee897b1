//! A feed for other software: `GET /feeds/{feed}/feed.atom`, `…/feed.rss` and `…/feed.json`, with the filters of the other
//! doors. Each has the newest items by time, a pinned one in its place among them. Atom also tells what was retracted
//! lately of items that are older: who subscribed has them still.

use std::{cmp::Reverse, collections::HashSet, time::Duration};

use axum::{extract::State, response::Response};
use http::HeaderMap;

use super::{
    Doors, access,
    address::Address,
    problem::Problem,
    proxy::Client,
    query::Query,
    rendered::{Made, Name, What},
    wherever,
};
use crate::{
    live::Awake,
    news::{Cursor, FeedId, Filter, Moment, Position, Record, Status, What as Changed},
    store::{FeedState, StoreError},
    syndicate::{
        Item, Listing, atom, json_feed,
        listing::{self, NEWEST},
        rss,
    },
};

/// How many pages of the store are looked through before a listing stays short.
const PAGES: usize = 10;
/// How many bytes of stories a listing has before it ends early.
const BYTES: usize = 2 * 1024 * 1024;

/// For how long a retraction of an older item is told. Software that asks less often than weekly is seldom in use, and what
/// it has of an older item it gives up by itself as that leaves the feed.
const TOLD: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// One of the formats.
struct Format {
    /// Its name below the feed's page.
    file: &'static str,
    /// Its media type.
    kind: &'static str,
    retractions: Retractions,
    write: fn(&Listing<'_>) -> String,
}

/// What a format says of what was retracted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Retractions {
    /// That it was.
    Told,
    /// Nothing: it has no word for it.
    LeftOut,
}

const ATOM: Format = Format { file: atom::FILE, kind: atom::TYPE, retractions: Retractions::Told, write: atom::write };
const RSS: Format = Format { file: rss::FILE, kind: rss::TYPE, retractions: Retractions::LeftOut, write: rss::write };
const JSON_FEED: Format =
    Format { file: json_feed::FILE, kind: json_feed::TYPE, retractions: Retractions::LeftOut, write: json_feed::write };

/// `GET /feeds/{feed}/feed.atom`.
pub async fn atom(
    State(doors): State<Doors>,
    Address(feed): Address<String>,
    client: Client,
    query: Query,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    show(&ATOM, &doors, &feed, client, query, &headers).await
}

/// `GET /feeds/{feed}/feed.rss`.
pub async fn rss(
    State(doors): State<Doors>,
    Address(feed): Address<String>,
    client: Client,
    query: Query,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    show(&RSS, &doors, &feed, client, query, &headers).await
}

/// `GET /feeds/{feed}/feed.json`.
pub async fn json_feed(
    State(doors): State<Doors>,
    Address(feed): Address<String>,
    client: Client,
    query: Query,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    show(&JSON_FEED, &doors, &feed, client, query, &headers).await
}

async fn show(
    format: &Format,
    doors: &Doors,
    feed: &str,
    Client(client): Client,
    mut query: Query,
    headers: &HeaderMap,
) -> Result<Response, Problem> {
    let filter = query.filter()?;
    query.end("urgency, tag and subject")?;
    let id: FeedId = feed.parse().map_err(|_| Problem::no_feed(feed))?;
    let Some(awake) = doors.feeds.open(&id).await? else { return Err(Problem::no_feed(feed)) };
    let state = awake.state();
    access::reader(doors, headers, &state).await?;
    let Some(here) = doors.proxy.addresses(headers) else {
        return Err(Problem::bad_request("Host", "Say in Host which server you mean: a feed has absolute links."));
    };
    let query = listing::query(filter.as_ref());
    let addresses = wherever::addresses(&doors.proxy);
    let make = async || {
        let told = format.retractions == Retractions::Told;
        let lately = told.then(|| retracted(&awake, filter.as_ref(), doors.store.now()));
        let Some((newest, state)) = newest(doors, &id, filter.as_ref()).await? else { return Ok(None) };
        let items: Vec<_> = newest.iter().filter_map(|record| Item::of(record, &id)).collect();
        // What is held here may be behind the store: then the whole is not newer than that.
        let (held, mut retracted) = lately.unwrap_or((state.head, Vec::new()));
        let position = if held.seq < state.head.seq { held } else { state.head };
        let listed: HashSet<_> = items.iter().map(|item| item.id).collect();
        retracted.retain(|item| !listed.contains(&item.id));
        let (feed, items, retracted) = (&state.feed, &items, &retracted);
        let own = match doors.proxy.public {
            Some(_) => None,
            None => Some(doors.ticket_key.name(&doors.store, &format!("{id}?{query}")).await?),
        };
        let listing = Listing { feed, own, items, retracted, addresses: &addresses, query: &query };
        Ok(Some(Made { text: (format.write)(&listing), position, until: None }))
    };
    let name = Name { feed: id.clone(), door: format.file, what: What::of(query.clone()) };
    let Some(rendition) = doors.renditions.of(&doors.feeds, &awake, client, name, make).await? else {
        return Err(Problem::no_feed(feed));
    };
    Ok(rendition.answer(headers, &here, format.kind, state.feed.access, doors.store.now()))
}

/// The newest listed items that the filter lets through, newest first, with the feed as it was at the first read. None:
/// there is no such feed.
async fn newest(
    doors: &Doors,
    feed: &FeedId,
    filter: Option<&Filter>,
) -> Result<Option<(Vec<Record>, FeedState)>, StoreError> {
    let place = |record: &Record| Cursor { published: record.published, id: record.id };
    let (mut found, mut first, mut before) = (Vec::new(), None, None);
    let (mut unpinned, mut bytes) = (0, 0);
    for _ in 0..PAGES {
        let Some(page) = doors.store.page(feed, before, NEWEST - unpinned, filter).await? else { return Ok(None) };
        let listed = |record: &Record| filter.is_none_or(|filter| filter.lists(record));
        first.get_or_insert(page.state);
        found.extend(page.pinned.into_iter().filter(|record| listed(record)));
        let items: Vec<_> = page.items.into_iter().filter(|record| listed(record)).collect();
        unpinned += items.len();
        bytes += items.iter().map(|record| record.story.len()).sum::<usize>();
        found.extend(items);
        before = page.before;
        if before.is_none() || unpinned >= NEWEST || bytes > BYTES {
            break;
        }
    }
    // A pinned item that is older than what was looked through is not among the newest.
    found.retain(|record| before.is_none_or(|before| place(record) >= before));
    found.sort_by_key(|record| Reverse(place(record)));
    found.dedup_by_key(|record| record.id);
    found.truncate(NEWEST);
    Ok(first.map(|state| (found, state)))
}

/// The notices of what was retracted lately, as far as the newest changes are held here, newest first; and up to which
/// change that is.
fn retracted(awake: &Awake, filter: Option<&Filter>, now: Moment) -> (Position, Vec<Item>) {
    let (head, changes) = awake.newest();
    let notices = changes.iter().filter_map(|shared| {
        let Changed::Item(record) = &*shared.change().what else { return None };
        let listed = record.status == Status::Canceled && filter.is_none_or(|filter| filter.lists(record));
        let notice = listed.then(|| Item::of(record, &awake.id))??;
        notice.retraction.as_ref().is_some_and(|it| it.at.plus(TOLD) > now).then_some(notice)
    });
    (head, notices.collect())
}
