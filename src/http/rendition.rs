//! One rendition: the text that was made of a feed's items for all who ask alike, how long it may be shown, and how it is
//! answered with. Which are kept, and who makes them, is [`super::rendered`]'s.

use std::{sync::Mutex, time::Duration};

use axum::{
    body::Body,
    response::{IntoResponse as _, Response},
};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use tokio::time::Instant;

use super::{coding, conditional, wherever::Text};
use crate::{
    live::{Awake, bell::Number, freshness::STALE_AFTER},
    news::{Moment, Position, feed::Access},
    syndicate::Addresses,
};

/// How long one that is behind the head may be shown, where no text was taken away.
const BEHIND: Duration = Duration::from_millis(250);
/// How long a cache that many share may keep what is public without asking. A server that lost its store shows it for at
/// most five seconds more ([`crate::live::freshness`]), so that what is retracted is out of every cache within ten.
const SHARED: Duration = Duration::from_secs(5);

/// What a door has made.
#[derive(Clone, Debug)]
pub struct Made {
    /// The whole text, written with [`super::wherever::addresses`].
    pub text: String,
    /// The head at the first read that it was made of.
    pub position: Position,
    /// When the first thing in it ends by itself.
    pub until: Option<Moment>,
}

/// What a rendition stands on: with another of these it is of another feed, or for other people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ground {
    /// What [`Awake::number`] was.
    number: Number,
    /// The generation of its window.
    generation: u64,
    /// Whether everybody could read the feed.
    public: bool,
}

impl Ground {
    pub(super) fn of(awake: &Awake) -> Self {
        Self { number: awake.number, generation: awake.standing().generation, public: awake.is_public() }
    }
}

/// What was made, with what it was made at.
#[derive(Debug)]
pub struct Rendition {
    text: Text,
    /// The same compressed, as it was asked for last: with this address.
    packed: Mutex<Option<(String, Bytes)>>,
    /// Of the text with its address left open.
    etag: String,
    position: Position,
    ground: Ground,
    until: Option<Moment>,
    made: Instant,
    /// When that was, by the store's clock, rounded up to a whole second.
    since: Moment,
}

impl Rendition {
    /// How many bytes its text has.
    pub(super) fn size(&self) -> usize {
        self.text.size()
    }

    pub(super) fn of(made: Made, ground: Ground, now: Moment) -> Self {
        let Made { text, position, until } = made;
        let since = Moment::from_millis((now.millis().div_euclid(1_000) + 1) * 1_000);
        let text = Text::of(text);
        let etag = conditional::etag(text.below(""));
        Self { text, packed: Mutex::default(), etag, position, ground, until, made: Instant::now(), since }
    }

    /// How long nothing in it ends by itself; none: nothing does.
    fn left(&self, now: Moment) -> Option<Duration> {
        let millis = |until: Moment| u64::try_from(until.millis() - now.millis()).unwrap_or(0);
        self.until.map(|until| Duration::from_millis(millis(until)))
    }

    /// Whether the feed did not sleep or go since it was made, no cut came, it was not opened or closed to the public, and
    /// no change took text away.
    pub(super) fn may_be_shown(&self, awake: &Awake) -> bool {
        Ground::of(awake) == self.ground && awake.standing().taken_away <= self.position.seq
    }

    /// Whether it says what the feed says.
    pub(super) fn is_current(&self, awake: &Awake, now: Moment) -> bool {
        let at_head = awake.glance().head == self.position;
        self.may_be_shown(awake)
            && (at_head || self.made.elapsed() <= BEHIND)
            && self.until.is_none_or(|until| now < until)
    }

    /// The answer to who asks for it at these addresses, or 304 where that client has it already. What is public a shared
    /// cache may keep for [`SHARED`], or until something in it ends, and nothing else.
    #[must_use]
    pub fn answer(
        &self,
        headers: &HeaderMap,
        addresses: &Addresses,
        kind: &'static str,
        access: Access,
        now: Moment,
    ) -> Response {
        let base = addresses.base();
        // The same place may come to be known under another address: a proxy tells that it speaks TLS, as of today.
        let etag =
            if self.text.is_open() { conditional::etag(format!("{base} {}", self.etag)) } else { self.etag.clone() };
        let gzip = coding::takes_gzip(headers);
        let etag = if gzip { format!("{}-gzip\"", etag.trim_end_matches('"')) } else { etag };
        let same = match headers.contains_key(header::IF_NONE_MATCH) {
            true => conditional::has(headers, &etag),
            false => self.modified(now).is_some_and(|modified| conditional::has_since(headers, modified)),
        };
        let mut response = match same {
            true => StatusCode::NOT_MODIFIED.into_response(),
            false if gzip => {
                let coded = [(header::CONTENT_TYPE, kind), (header::CONTENT_ENCODING, "gzip")];
                (coded, Body::from(self.packed(base))).into_response()
            }
            false => ([(header::CONTENT_TYPE, kind)], Body::from(self.text.below(base))).into_response(),
        };
        let caching = match access {
            Access::Public => {
                let seconds = self.left(now).map_or(SHARED, |left| left.min(SHARED)).as_secs();
                format!("public, max-age=0, must-revalidate, s-maxage={seconds}")
            }
            Access::Token => "private, no-store".to_owned(),
        };
        let out = response.headers_mut();
        out.insert(header::ETAG, HeaderValue::from_str(&etag).expect("an ETag is plain text"));
        out.insert(header::CACHE_CONTROL, HeaderValue::from_str(&caching).expect("plain text"));
        out.append(header::VARY, HeaderValue::from_static("authorization"));
        out.append(header::VARY, HeaderValue::from_static("accept-encoding"));
        if let Some(modified) = self.modified(now) {
            let written = HeaderValue::from_str(&modified.http_date()).expect("a date is plain text");
            out.insert(header::LAST_MODIFIED, written);
        }
        response
    }

    /// Compressed for all who ask under one address, as all do as a rule.
    fn packed(&self, base: &str) -> Bytes {
        let mut packed = self.packed.lock().expect("compressing does not panic");
        match packed.as_ref() {
            Some((of, bytes)) if of == base => bytes.clone(),
            _ => packed.insert((base.to_owned(), coding::gzip(&self.text.below(base)))).1.clone(),
        }
    }

    /// Since when this node shows it so, to the second: which tells no two changes of one second apart. So it is said, and
    /// compared, only once no node can still show what was there before, and of no text that depends on the address: who
    /// has this date has this rendition.
    fn modified(&self, now: Moment) -> Option<Moment> {
        (self.since.plus(STALE_AFTER) <= now && !self.text.is_open()).then_some(self.since)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use flate2::read::GzDecoder;

    use super::*;
    use crate::{
        http::{proxy::Proxy, wherever},
        news::Mark,
    };

    const MADE: i64 = 1_000_000_000_400;

    const GROUND: Ground = Ground { number: 0, generation: 0, public: true };

    fn made() -> Made {
        Made { text: "<feed/>".to_owned(), position: Position { seq: 7, mark: Mark(1) }, until: None }
    }

    fn rendition() -> Rendition {
        Rendition::of(made(), GROUND, Moment::from_millis(MADE))
    }

    fn here() -> Addresses {
        Addresses::below("https://example.org")
    }

    #[tokio::test]
    async fn a_text_names_the_address_under_which_it_is_asked_for_and_is_the_same_there_alone() {
        let written = wherever::addresses(&Proxy::default()).front();
        let made = Made { text: format!("<a>{written}</a><b>{written}</b>"), ..made() };
        let rendition = Rendition::of(made, GROUND, Moment::from_millis(MADE));
        let date = rendition.since.http_date();
        let dated = HeaderMap::from_iter([(header::IF_MODIFIED_SINCE, date.parse().expect("a value"))]);
        let mut etags = Vec::new();
        for base in ["http://a.example", "https://a.example"] {
            let (here, now) = (Addresses::below(base), Moment::from_millis(MADE));
            let answer = rendition.answer(&HeaderMap::new(), &here, "text/xml", Access::Public, now);
            etags.push(answer.headers()[header::ETAG].clone());
            let body = axum::body::to_bytes(answer.into_body(), 1_024).await.expect("a body");
            assert_eq!(body, format!("<a>{base}/</a><b>{base}/</b>"));
            // Its date would be the same under the other.
            let late = rendition.answer(&dated, &here, "text/xml", Access::Public, now.plus(Duration::from_secs(60)));
            assert_eq!((late.status(), late.headers().get(header::LAST_MODIFIED)), (StatusCode::OK, None));
        }
        assert_ne!(etags[0], etags[1]);
    }

    #[tokio::test]
    async fn who_takes_gzip_gets_the_same_text_in_fewer_bytes_and_caches_tell_the_two_apart() {
        let written = wherever::addresses(&Proxy::default()).front();
        let text = format!("<a>{written}</a>").repeat(100);
        let rendition = Rendition::of(Made { text, ..made() }, GROUND, Moment::from_millis(MADE));
        let mut etags = Vec::new();
        // Who asks under another address meanwhile gets that.
        for (base, coding) in
            [("http://a", "gzip, br"), ("http://b", "gzip"), ("http://a", "GZIP;q=0.5"), ("http://a", "gzip;q=0")]
        {
            let headers = HeaderMap::from_iter([(header::ACCEPT_ENCODING, coding.parse().expect("a value"))]);
            let (here, now) = (Addresses::below(base), Moment::from_millis(MADE));
            let answer = rendition.answer(&headers, &here, "text/xml", Access::Public, now);
            let vary: Vec<_> = answer.headers().get_all(header::VARY).iter().collect();
            assert_eq!(vary, ["authorization", "accept-encoding"]);
            etags.push(answer.headers()[header::ETAG].clone());
            let packed = answer.headers().contains_key(header::CONTENT_ENCODING);
            assert_eq!(packed, coding != "gzip;q=0");
            let mut body = axum::body::to_bytes(answer.into_body(), 10_000).await.expect("a body").to_vec();
            if packed {
                assert!(body.len() < 200, "{}", body.len());
                let mut whole = Vec::new();
                GzDecoder::new(body.as_slice()).read_to_end(&mut whole).expect("gzip");
                body = whole;
            }
            assert_eq!(body, format!("<a>{base}/</a>").repeat(100).as_bytes());
        }
        assert_eq!(etags[0], etags[2]);
        assert!(etags[0] != etags[1] && etags[0] != etags[3]);
    }

    fn asked(rendition: &Rendition, name: header::HeaderName, value: &str, after: i64) -> StatusCode {
        let headers = HeaderMap::from_iter([(name, value.parse().expect("a value"))]);
        rendition.answer(&headers, &here(), "text/xml", Access::Public, Moment::from_millis(MADE + after)).status()
    }

    #[tokio::test]
    async fn a_date_is_said_only_once_it_names_one_rendition() {
        let rendition = rendition();
        let at = |after| {
            let now = Moment::from_millis(MADE + after);
            let response = rendition.answer(&HeaderMap::new(), &here(), "text/xml", Access::Public, now);
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
        assert_eq!(rendition.answer(&headers, &here(), "text/xml", Access::Public, late).status(), StatusCode::OK);
    }

    #[tokio::test]
    async fn no_cache_keeps_what_is_not_public() {
        for (access, said) in
            [(Access::Public, "public, max-age=0, must-revalidate, s-maxage=5"), (Access::Token, "private, no-store")]
        {
            let response =
                rendition().answer(&HeaderMap::new(), &here(), "text/xml", access, Moment::from_millis(MADE));
            assert_eq!(response.headers()[header::CACHE_CONTROL], said);
        }
    }
}
