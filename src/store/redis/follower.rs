//! A node's place in the commits of all partitions.
//!
//! It blocks on the partitions' streams of commits, and nothing rides on PUB/SUB. A blocked read sees neither a flush
//! nor a restored copy, so behind every read, in the same request, the newest commit held of each partition is read
//! again: gone or different, and every feed must be checked. The same catches a server that came back older, and a
//! stream that was trimmed past what was held. It keeps no more than one commit of each partition. Among the streams
//! stands this node's [`Canary`]: a read that does not show what it must is no proof of anything.

use std::{collections::HashMap, sync::Arc, time::Duration};

use async_trait::async_trait;
use redis::{FromRedisValue, Pipeline, Value};
use tokio::time::{Instant, sleep_until, timeout};

use super::{
    canary::Canary,
    keys::Partition,
    link::{Link, PAUSE, told},
    record::corrupt,
    servers::Connected,
    write::COMMITS_KEPT,
};
use crate::{
    news::{FeedId, Position},
    store::{Followed, Follower, StoreError},
};

/// How long one read waits for commits.
const WAIT: Duration = Duration::from_millis(800);
/// How long the server may take to answer, with the wait.
const DEADLINE: Duration = Duration::from_millis(2_500);
/// How many commits of a partition one read takes.
const AT_ONCE: usize = 1_000;
/// Before the first entry of a stream.
const START: &str = "0-0";

/// An entry of a stream: its id, and names and values in turn.
type Commit = (String, Vec<String>);
/// Entries by stream; none if the wait ended first.
type Batch = Option<Vec<(String, Vec<Commit>)>>;

/// What is held of one partition.
#[derive(Debug)]
struct Held {
    stream: String,
    /// The newest commit that was told of, or stood at the end when following began. None: the stream was empty.
    newest: Option<Commit>,
}

/// A follower.
pub(super) struct RedisFollower {
    link: Arc<Link>,
    connection: Option<Connected>,
    failed: Option<Instant>,
    held: Vec<Held>,
    canary: Arc<Canary>,
    /// The newest number of the canary that was read.
    heard: u64,
    /// Doubt that was not told yet.
    doubt: bool,
}

impl RedisFollower {
    /// A follower that stands at the end of all streams.
    ///
    /// # Errors
    /// The server is away.
    pub(super) async fn new(link: Arc<Link>, canary: Arc<Canary>) -> Result<Self, StoreError> {
        let mut follower =
            Self { link, connection: None, failed: None, held: Vec::new(), canary, heard: 0, doubt: false };
        follower.stand_at_the_end().await?;
        follower.canary.listen();
        Ok(follower)
    }

    async fn stand_at_the_end(&mut self) -> Result<(), StoreError> {
        let streams: Vec<String> = Partition::all().map(Partition::commits).collect();
        let mut ask = Pipeline::new();
        for stream in &streams {
            ask.cmd("XREVRANGE").arg(stream).arg(&["+", "-", "COUNT", "1"]);
        }
        let ends: Vec<Vec<Commit>> = self.ask(&ask).await?;
        let held = streams.into_iter().zip(ends);
        self.held = held.map(|(stream, mut end)| Held { stream, newest: end.pop() }).collect();
        Ok(())
    }

    async fn ask<T: FromRedisValue>(&mut self, pipeline: &Pipeline) -> Result<T, StoreError> {
        let mut connected = self.connected().await?;
        let answer = match timeout(DEADLINE, pipeline.query_async(&mut connected.connection)).await {
            Ok(answer) => answer.map_err(|error| told(&error)),
            Err(_) => Err(StoreError::Unavailable(format!("no answer from Redis within {DEADLINE:?}"))),
        };
        if answer.is_ok() {
            self.connection = Some(connected);
        }
        answer
    }

    /// Takes the connection, or makes one. It is given back only after an answer: one on which something is still
    /// being waited for would make the next question wait behind it.
    async fn connected(&mut self) -> Result<Connected, StoreError> {
        if let Some(connected) = self.connection.take().filter(|is| !self.link.servers().turned_from(&is.to)) {
            return Ok(connected);
        }
        if let Some(failed) = self.failed {
            sleep_until(failed + PAUSE).await;
        }
        let connected = self.link.separate().await;
        self.failed = connected.is_err().then(Instant::now);
        connected
    }

    /// Reads what is new, and behind it whether what is held still stands. None: it does not.
    async fn read(&mut self) -> Result<Option<Vec<(FeedId, Position)>>, StoreError> {
        let due = self.canary.due();
        let mut answers: Vec<Value> = self.ask(&self.question()).await?;
        let proofs = answers.split_off(1.min(answers.len()));
        let batch: Batch = decode(answers.pop().unwrap_or_default())?;
        let mut batch: HashMap<String, Vec<Commit>> = batch.unwrap_or_default().into_iter().collect();
        if let Some((number, _)) = batch.remove(self.canary.key()).unwrap_or_default().last() {
            self.heard = number.split('-').next().and_then(|number| number.parse().ok()).unwrap_or(self.heard);
            self.canary.heard();
        }
        if self.heard < due {
            // It answers, and is not where this node writes: no connection is to be believed.
            self.connection = None;
            self.link.servers().doubt();
            return Err(StoreError::Unavailable("the follower does not hear what this node writes".to_owned()));
        }
        let mut commits = Vec::new();
        let mut newest = Vec::new();
        for (held, proof) in self.held.iter().zip(proofs) {
            let new = batch.remove(&held.stream).unwrap_or_default();
            if !held.stands(proof, new.is_empty())? {
                return Ok(None);
            }
            for (_, fields) in &new {
                commits.push(commit(fields)?);
            }
            newest.push(new.into_iter().next_back());
        }
        for (held, newest) in self.held.iter_mut().zip(newest) {
            held.newest = newest.or(held.newest.take());
        }
        Ok(Some(commits))
    }

    fn question(&self) -> Pipeline {
        let mut ask = Pipeline::new();
        let wait = u64::try_from(WAIT.as_millis()).expect("a wait fits 64 bits");
        ask.cmd("XREAD").arg("COUNT").arg(AT_ONCE).arg("BLOCK").arg(wait).arg("STREAMS");
        for held in &self.held {
            ask.arg(&held.stream);
        }
        ask.arg(self.canary.key());
        for held in &self.held {
            ask.arg(held.newest.as_ref().map_or(START, |(id, _)| id));
        }
        ask.arg(format!("{}-0", self.heard));
        for held in &self.held {
            match &held.newest {
                Some((id, _)) => ask.cmd("XRANGE").arg(&held.stream).arg(id).arg(id),
                None => ask.cmd("XLEN").arg(&held.stream),
            };
        }
        ask
    }
}

impl Held {
    /// Whether the server still has what is held, and trimmed nothing after it.
    fn stands(&self, proof: Value, nothing_new: bool) -> Result<bool, StoreError> {
        match &self.newest {
            Some(newest) => Ok(decode::<Vec<Commit>>(proof)?.first() == Some(newest)),
            // A stream that was empty and is now full may have been trimmed already.
            None => Ok(nothing_new || decode::<u64>(proof)? < COMMITS_KEPT),
        }
    }
}

fn decode<T: FromRedisValue>(value: Value) -> Result<T, StoreError> {
    T::from_redis_value(value).map_err(|_| corrupt("a stream of commits is not one"))
}

/// Reads an entry: f, the feed, s, the seq, m, the mark.
fn commit(fields: &[String]) -> Result<(FeedId, Position), StoreError> {
    let [_, feed, _, seq, _, mark] = fields else { return Err(corrupt("a commit lacks a field")) };
    let feed = feed.parse().map_err(|_| corrupt("a commit is of no feed"))?;
    let position = format!("{seq}-{mark}").parse().map_err(|_| corrupt("a commit has no position"))?;
    Ok((feed, position))
}

#[async_trait]
impl Follower for RedisFollower {
    async fn next(&mut self) -> Result<Followed, StoreError> {
        if !self.doubt {
            match self.read().await? {
                Some(commits) => return Ok(Followed::Commits(commits)),
                None => self.doubt = true,
            }
        }
        // The end is found before doubt is told, so that what is committed while feeds are checked is told of, too.
        self.stand_at_the_end().await?;
        self.doubt = false;
        Ok(Followed::Doubt)
    }
}
