//! Publishing one item: one request, repeated under the same idempotency key until it is answered for good.

use std::time::Duration;

use http::StatusCode;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use tokio::time::Instant;
use url::Url;

use crate::{
    command::{
        backoff::{Backoff, retry_after},
        exit::{Exit, Failure},
        problem::{Problem, for_good, passing},
        server_url::ServerUrl,
    },
    news::{FeedId, Position},
};

/// How long one attempt may take: a server that is stopping drains for 20 s, and a commit waits for its disk.
const ATTEMPT: Duration = Duration::from_secs(30);

/// Where items go, over one connection that is kept open.
#[derive(Debug)]
pub(super) struct Door {
    client: reqwest::Client,
    server: String,
    url: Url,
    token: String,
    feed: FeedId,
    patience: Duration,
}

/// What came of one item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Sent {
    /// It is published.
    Accepted {
        /// Its id.
        id: String,
        /// Its change, if the server made one.
        position: Option<Position>,
        /// Whether it was published by this run, or was there before.
        when: When,
    },
    /// It was refused: field and reason.
    Refused(String),
}

/// When an accepted item was published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum When {
    /// Now.
    Now,
    /// Before: the server knew the idempotency key, or the item by one of its altIds.
    Before,
}

/// By this a server tells that it answers again what it answered before.
const REPLAYED: &str = "idempotency-replayed";

#[derive(Deserialize)]
struct Accepted {
    item: Id,
    position: Option<Position>,
}

#[derive(Deserialize)]
struct Id {
    id: String,
}

/// What one attempt came to.
enum Attempt {
    Answered(Sent),
    Later { why: String, pause: Option<Duration> },
}

impl Door {
    /// The door of one feed. Patience is how long one item is tried for.
    ///
    /// # Errors
    /// There is no client to be had: TLS has no certificates to trust.
    pub(super) fn new(server: &ServerUrl, feed: FeedId, token: String, patience: Duration) -> Result<Self, Failure> {
        let client = reqwest::Client::builder()
            .timeout(ATTEMPT)
            .pool_max_idle_per_host(1)
            // A redirected POST would become a GET.
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| {
                Failure::new(Exit::Usage, format!("cannot make requests: {}", chain(&error, &server.to_string())))
            })?;
        Ok(Self { client, server: server.to_string(), url: server.items(&feed), token, feed, patience })
    }

    /// Publishes one item. `paused` is told of every pause and its reason.
    ///
    /// # Errors
    /// It was not answered within the patience, or answered in a way that no other item changes.
    pub(super) async fn send(&self, object: &[u8], mut paused: impl FnMut(&str, Duration)) -> Result<Sent, Failure> {
        let key = idempotency_key(&self.feed, object);
        let mut backoff = Backoff::new(Duration::from_millis(250), Duration::from_secs(15));
        let began = Instant::now();
        let mut lost = false;
        loop {
            let (why, asked) = match self.attempt(object, &key).await? {
                // An earlier attempt of ours was carried out, and its answer lost.
                Attempt::Answered(Sent::Accepted { id, position, .. }) if lost => {
                    return Ok(Sent::Accepted { id, position, when: When::Now });
                }
                Attempt::Answered(sent) => return Ok(sent),
                Attempt::Later { why, pause } => (why, pause),
            };
            // What the server asks for is waited at least, and the jitter comes on top.
            let pause = asked.unwrap_or_default() + backoff.next_pause();
            if began.elapsed() + pause > self.patience {
                let tried = self.patience.as_secs();
                return Err(Failure::new(Exit::Away, format!("{why}; given up after {tried} s of trying")));
            }
            lost = true;
            paused(&why, pause);
            tokio::time::sleep(pause).await;
        }
    }

    async fn attempt(&self, object: &[u8], key: &str) -> Result<Attempt, Failure> {
        let request = self
            .client
            .post(self.url.clone())
            .bearer_auth(&self.token)
            .header("Idempotency-Key", key)
            .header(http::header::CONTENT_TYPE, "application/json")
            .body(object.to_vec());
        let later = |error: &reqwest::Error| Attempt::Later { why: chain(error, &self.server), pause: None };
        let answer = match request.send().await {
            Ok(answer) => answer,
            Err(error) if error.is_builder() => return Err(Failure::new(Exit::Usage, chain(&error, &self.server))),
            Err(error) => return Ok(later(&error)),
        };
        let (status, pause) = (answer.status(), retry_after(answer.headers()));
        let replayed = answer.headers().get(REPLAYED).is_some_and(|value| value == "true");
        let when = if replayed || status == StatusCode::OK { When::Before } else { When::Now };
        match answer.bytes().await {
            Ok(body) => judge(status, &body, pause, when),
            Err(error) => Ok(later(&error)),
        }
    }
}

/// What an answer means for the item, or for all that follow.
fn judge(status: StatusCode, body: &[u8], pause: Option<Duration>, when: When) -> Result<Attempt, Failure> {
    if status.is_success() {
        let foreign = |_| Failure::new(Exit::Away, "the server does not answer as a newswire server would");
        let Accepted { item, position } = serde_json::from_slice(body).map_err(foreign)?;
        return Ok(Attempt::Answered(Sent::Accepted { id: item.id, position, when }));
    }
    if let Some(failure) = for_good(status, body) {
        return Err(failure);
    }
    let said = Problem::read(body).map_or_else(|| format!("the server answers {status}"), |p| p.line(status));
    Ok(if passing(status) { Attempt::Later { why: said, pause } } else { Attempt::Answered(Sent::Refused(said)) })
}

/// The key under which this item is published into this feed, always the same: SHA-256 of both, in hex.
fn idempotency_key(feed: &FeedId, object: &[u8]) -> String {
    let mut hash = Sha256::new();
    // A feed's id holds no line break, so that no two pairs run together.
    hash.update(feed.as_str());
    hash.update(b"\n");
    hash.update(object);
    hash.finalize().iter().fold(String::with_capacity(64), |text, byte| text + &format!("{byte:02x}"))
}

/// An error and what caused it, with the server's address and not the whole one that reqwest repeats.
fn chain(error: &reqwest::Error, server: &str) -> String {
    let mut causes = Vec::new();
    let mut next = std::error::Error::source(error);
    while let Some(cause) = next {
        causes.push(cause.to_string());
        next = cause.source();
    }
    let what = if error.is_timeout() {
        format!("no answer in time from {server}")
    } else if error.is_connect() {
        format!("cannot connect to {server}")
    } else {
        format!("the connection to {server} failed")
    };
    causes.last().map_or_else(|| what.clone(), |cause| format!("{what}: {cause}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_depends_on_feed_and_text_and_on_nothing_else() {
        let feed = |id: &str| id.parse::<FeedId>().expect("a feed id");
        let key = idempotency_key(&feed("news-feed"), br#"{"headline":"A"}"#);
        assert_eq!(key, "ddbba4143e5a8fb9fe8373c8d0b3518ac86bae90117cb4c38f81a80e0e97c280");
        assert_ne!(key, idempotency_key(&feed("news-feed"), br#"{"headline":"B"}"#));
        assert_ne!(key, idempotency_key(&feed("other"), br#"{"headline":"A"}"#));
    }

    #[test]
    fn only_what_may_pass_is_tried_again() {
        let problem = br#"{"code":"tooLong","detail":"at most 300","field":"headline"}"#;
        let judged =
            |status: u16, body: &[u8]| judge(StatusCode::from_u16(status).expect("a status"), body, None, When::Now);
        for status in [429, 502, 503, 504] {
            assert!(matches!(judged(status, b""), Ok(Attempt::Later { .. })), "{status}");
        }
        for status in [400, 409, 413, 422, 500] {
            let refused = |sent: &Attempt| matches!(sent, Attempt::Answered(Sent::Refused(why)) if why == "headline: at most 300");
            assert!(judged(status, problem).is_ok_and(|sent| refused(&sent)), "{status}");
        }
        for (status, exit) in
            [(401, Exit::NotAllowed), (403, Exit::NotAllowed), (404, Exit::NotFound), (302, Exit::Away)]
        {
            assert!(judged(status, b"").is_err_and(|failure| failure.exit == exit), "{status}");
        }
        let body = br#"{"item":{"id":"x","version":1},"position":"7-9f3a2c1b","readers":2}"#;
        assert!(matches!(judged(201, body), Ok(Attempt::Answered(Sent::Accepted { id, .. })) if id == "x"));
        assert!(judged(200, b"<html>").is_err());
    }
}
