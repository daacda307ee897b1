//! What is made of a feed's items for all who ask alike: feeds for other software, pages. It is made once for each state
//! of the feed and not for each request, and kept for as long as it says what the feed says.
//!
//! A rendition is shown while the feed's head is the one that it was made at and nothing in it has ended by the clock.
//! One that is a moment behind may be shown too, so that a feed with hundreds of changes a second is not written out
//! hundreds of times; but never one from before a change that took text away. Such a one is also given up within a second,
//! whether or not somebody asks. All of them together are bounded; what is given up can be made again.

use std::{
    collections::HashMap,
    hash::{Hash as _, Hasher as _},
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use axum::{
    body::Body,
    response::{IntoResponse as _, Response},
};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use tokio::time::Instant;

use super::conditional;
use crate::{
    live::{Awake, Feeds, awake::Standing, bell::Number, freshness::STALE_AFTER},
    news::{FeedId, Moment, Position, feed::Access},
    store::StoreError,
    syndicate::Addresses,
};

/// How long one that is behind the head may be shown, where no text was taken away.
const BEHIND: Duration = Duration::from_millis(250);
/// How many are kept, and how many bytes they have together, before all are given up.
const KEPT: usize = 1_024;
const BYTES: usize = 64 * 1024 * 1024;
/// How many may be made at once.
const MADE_AT_ONCE: usize = 8;
/// How often one is made again because text was taken away meanwhile, before who asks is told to come back.
const TRIES: usize = 5;
/// How often those are given up that must not be shown any more.
const TIDIED: Duration = Duration::from_millis(500);

/// What a rendition is known by. Two requests of the same name are answered alike.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Name {
    /// The feed.
    pub feed: FeedId,
    /// Which door's it is.
    pub door: &'static str,
    /// The addresses that its links have.
    pub addresses: Addresses,
    /// What was asked for beside that, written in one way only.
    pub query: String,
}

/// What a door has made.
#[derive(Clone, Debug)]
pub struct Made {
    /// The whole text.
    pub text: String,
    /// The head at the first read that it was made of.
    pub position: Position,
    /// When the first thing in it ends by itself.
    pub until: Option<Moment>,
}

/// What was made, with what it was made at.
#[derive(Debug)]
pub struct Rendition {
    text: Bytes,
    etag: String,
    position: Position,
    /// What [`Awake::number`] was, and the generation of its window.
    window: (Number, u64),
    until: Option<Moment>,
    made: Instant,
    /// When that was, by the store's clock, rounded up to a whole second.
    since: Moment,
}

/// All that are kept.
#[derive(Debug, Default)]
pub struct Renditions {
    kept: Mutex<HashMap<Name, Arc<Rendition>>>,
    /// Held by the one who makes, so that all who wait share what comes of it.
    making: [tokio::sync::Mutex<()>; MADE_AT_ONCE],
}

impl Renditions {
    /// The rendition of this name as the feed now reads, made by `make` where there is none. None: there is no such feed
    /// any more.
    ///
    /// # Errors
    /// The store is away, or text was taken away again and again while it was made.
    pub async fn of<F>(
        &self,
        feeds: &Feeds,
        awake: &Awake,
        name: Name,
        make: impl Fn() -> F,
    ) -> Result<Option<Arc<Rendition>>, StoreError>
    where
        F: Future<Output = Result<Option<Made>, StoreError>>,
    {
        if !feeds.freshness.is_fresh() {
            return Err(StoreError::Unavailable("this node is out of touch with its store".to_owned()));
        }
        let ready = || self.all().get(&name).filter(|kept| kept.is_current(awake, feeds.store.now())).cloned();
        if let Some(rendition) = ready() {
            return Ok(Some(rendition));
        }
        let _making = self.making[place(&name)].lock().await;
        if let Some(rendition) = ready() {
            return Ok(Some(rendition));
        }
        for _ in 0..TRIES {
            let window = (awake.number, awake.standing().generation);
            let Some(made) = make().await? else { return Ok(None) };
            let rendition = Arc::new(Rendition::of(made, window, feeds.store.now()));
            // It was made just now, however long that took; only what must not be shown is made again.
            if rendition.may_be_shown(awake) {
                self.keep(name, rendition.clone());
                return Ok(Some(rendition));
            }
        }
        Err(StoreError::Unavailable("text was taken away faster than what is left could be written".to_owned()))
    }

    fn keep(&self, name: Name, rendition: Arc<Rendition>) {
        let mut all = self.all();
        all.insert(name, rendition);
        // What somebody asks for by a thousand different names is no reason to keep it a thousand times.
        if all.len() > KEPT || all.values().map(|kept| kept.text.len()).sum::<usize>() > BYTES {
            all.clear();
        }
    }

    /// Gives up what must not be shown any more, and what is of a feed that has gone to sleep.
    fn tidy(&self, feeds: &Feeds) {
        self.all().retain(|name, kept| feeds.awake(&name.feed).is_some_and(|awake| kept.may_be_shown(&awake)));
    }

    fn all(&self) -> MutexGuard<'_, HashMap<Name, Arc<Rendition>>> {
        self.kept.lock().expect("nothing panics while holding it")
    }
}

/// Keeps no text in memory that was taken away, until the server drains.
pub async fn tend(renditions: Arc<Renditions>, feeds: Arc<Feeds>) {
    let mut ticks = tokio::time::interval(TIDIED);
    loop {
        // What can wake this loop: the clock; and the drain ends it.
        tokio::select! {
            _ = ticks.tick() => renditions.tidy(&feeds),
            () = feeds.drain.left() => return,
        }
    }
}

/// Which lock a rendition is made under.
fn place(name: &Name) -> usize {
    let mut hash = std::hash::DefaultHasher::new();
    name.hash(&mut hash);
    usize::try_from(hash.finish() % MADE_AT_ONCE as u64).expect("a small number")
}

impl Rendition {
    fn of(made: Made, window: (Number, u64), now: Moment) -> Self {
        let Made { text, position, until } = made;
        let since = Moment::from_millis((now.millis().div_euclid(1_000) + 1) * 1_000);
        let etag = conditional::etag(&text);
        Self { text: text.into(), etag, position, window, until, made: Instant::now(), since }
    }

    /// How long nothing in it ends by itself; none: nothing does.
    #[must_use]
    pub fn left(&self, now: Moment) -> Option<Duration> {
        let millis = |until: Moment| u64::try_from(until.millis() - now.millis()).unwrap_or(0);
        self.until.map(|until| Duration::from_millis(millis(until)))
    }

    /// Whether the feed did not sleep or go since it was made, no cut came, and no change that took text away.
    fn may_be_shown(&self, awake: &Awake) -> bool {
        let Standing { generation, taken_away } = awake.standing();
        (awake.number, generation) == self.window && taken_away <= self.position.seq
    }

    /// Whether it says what the feed says.
    fn is_current(&self, awake: &Awake, now: Moment) -> bool {
        let at_head = awake.glance().head == self.position;
        self.may_be_shown(awake)
            && (at_head || self.made.elapsed() <= BEHIND)
            && self.until.is_none_or(|until| now < until)
    }

    /// The answer to who asks for it, or 304 where that client has it already. A cache may keep what is public for 10 s,
    /// and nothing else.
    #[must_use]
    pub fn answer(&self, headers: &HeaderMap, kind: &'static str, access: Access, now: Moment) -> Response {
        let same = match headers.contains_key(header::IF_NONE_MATCH) {
            true => conditional::has(headers, &self.etag),
            false => self.modified(now).is_some_and(|modified| conditional::has_since(headers, modified)),
        };
        let mut response = match same {
            true => StatusCode::NOT_MODIFIED.into_response(),
            false => ([(header::CONTENT_TYPE, kind)], Body::from(self.text.clone())).into_response(),
        };
        let caching = match access {
            Access::Public => "public, max-age=10",
            Access::Token => "private, no-store",
        };
        let out = response.headers_mut();
        out.insert(header::ETAG, HeaderValue::from_str(&self.etag).expect("an ETag is plain text"));
        out.insert(header::CACHE_CONTROL, HeaderValue::from_static(caching));
        out.append(header::VARY, HeaderValue::from_static("authorization"));
        if let Some(modified) = self.modified(now) {
            let written = HeaderValue::from_str(&modified.http_date()).expect("a date is plain text");
            out.insert(header::LAST_MODIFIED, written);
        }
        response
    }

    /// Since when this node shows it so, to the second: which tells no two changes of one second apart. So it is said, and
    /// compared, only once no node can still show what was there before: who has this date has this rendition.
    fn modified(&self, now: Moment) -> Option<Moment> {
        (self.since.plus(STALE_AFTER) <= now).then_some(self.since)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::news::Mark;

    const MADE: i64 = 1_000_000_000_400;

    fn rendition() -> Rendition {
        let position = Position { seq: 7, mark: Mark(1) };
        let made = Made { text: "<feed/>".to_owned(), position, until: None };
        Rendition::of(made, (0, 0), Moment::from_millis(MADE))
    }

    fn asked(rendition: &Rendition, name: header::HeaderName, value: &str, after: i64) -> StatusCode {
        let headers = HeaderMap::from_iter([(name, value.parse().expect("a value"))]);
        rendition.answer(&headers, "text/xml", Access::Public, Moment::from_millis(MADE + after)).status()
    }

    #[tokio::test]
    async fn a_date_is_said_only_once_it_names_one_rendition() {
        let rendition = rendition();
        let at = |after| {
            let now = Moment::from_millis(MADE + after);
            let response = rendition.answer(&HeaderMap::new(), "text/xml", Access::Public, now);
            response.headers().get(header::LAST_MODIFIED).map(|date| date.to_str().expect("text").to_owned())
        };
        let date = "Sun, 09 Sep 2001 01:46:41 GMT";
        assert_eq!((at(5_599), at(5_600).as_deref()), (None, Some(date)));
        assert_eq!(asked(&rendition, header::IF_MODIFIED_SINCE, date, 5_599), StatusCode::OK);
        assert_eq!(asked(&rendition, header::IF_MODIFIED_SINCE, date, 5_600), StatusCode::NOT_MODIFIED);
        let earlier = "Sun, 09 Sep 2001 01:46:40 GMT";
        assert_eq!(asked(&rendition, header::IF_MODIFIED_SINCE, earlier, 60_000), StatusCode::OK);
        assert_eq!(asked(&rendition, header::IF_MODIFIED_SINCE, "yesterday", 60_000), StatusCode::OK);
    }

    #[tokio::test]
    async fn an_etag_beats_a_date() {
        let rendition = rendition();
        assert_eq!(asked(&rendition, header::IF_NONE_MATCH, &rendition.etag, 0), StatusCode::NOT_MODIFIED);
        let late = Moment::from_millis(MADE + 60_000);
        let date = rendition.modified(late).expect("it is told").http_date();
        let headers = HeaderMap::from_iter([
            (header::IF_NONE_MATCH, "\"other\"".parse().expect("a value")),
            (header::IF_MODIFIED_SINCE, date.parse().expect("a value")),
        ]);
        assert_eq!(rendition.answer(&headers, "text/xml", Access::Public, late).status(), StatusCode::OK);
    }

    #[tokio::test]
    async fn no_cache_keeps_what_is_not_public() {
        for (access, said) in [(Access::Public, "public, max-age=10"), (Access::Token, "private, no-store")] {
            let response = rendition().answer(&HeaderMap::new(), "text/xml", access, Moment::from_millis(MADE));
            assert_eq!(response.headers()[header::CACHE_CONTROL], said);
        }
    }
}
