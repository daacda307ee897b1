//! Writes: each one script, whole or not at all.

use std::time::Duration;

use uuid::Uuid;

use super::{
    keys::Keys,
    link::{Link, Request},
    read,
    record::{self, corrupt},
    script::{self, Call, Script},
};
use crate::{
    news::{Ever, FeedId, Kind, Mark, Moment, Position, Status},
    store::{
        Commit, CommitError, Committed, Conflict, Expected, FeedWrite, ItemWrite, KEY_KEPT, LOG_KEPT, Once, Remembered,
        StoreError, Witness, Write, document,
        hash::{hex, unhex},
    },
};

/// How many commits each partition's stream names. A follower that is further behind is told to check everything.
pub(super) const COMMITS_KEPT: u64 = 10_000;

/// How long the trace of a [`settle`] stays.
const SETTLED: Duration = Duration::from_secs(60);

/// What every appended change has.
pub(super) struct Append<'a> {
    pub(super) feed: &'a FeedId,
    pub(super) mark: Mark,
    pub(super) kind: Kind,
    pub(super) at: Moment,
    pub(super) who: &'a str,
}

impl Append<'_> {
    /// A call with the keys and arguments that `append.lua` reads, and these keys after them.
    fn call(&self, script: &'static std::sync::LazyLock<Script>, more: &[String]) -> Call {
        let keys = Keys::of(self.feed);
        let mut all = vec![keys.feed(), keys.log(), keys.partition().commits()];
        all.extend_from_slice(more);
        Call::new(script, &all)
            .arg(self.feed.as_str())
            .arg(self.mark.to_string())
            .arg(self.kind.name())
            .arg(self.at.millis())
            .arg(LOG_KEPT)
            .arg(COMMITS_KEPT)
            .arg(self.who)
    }
}

/// [`super::Store::commit`].
pub(super) async fn commit(link: &Link, commit: &Commit) -> Result<Committed, CommitError> {
    let Commit { feed, once, mark, kind, at, who, write } = commit;
    let append = Append { feed, mark: *mark, kind: *kind, at: *at, who };
    let call = match write {
        Write::Create(feed) => {
            let index = Keys::of(&feed.id).partition().feeds();
            once_call(&append, &script::CREATE_FEED, once.as_ref(), &[index])
                .arg(document::write(feed))
                .arg(Uuid::nil().to_string())
                .arg(link.run().await?)
        }
        Write::Item(item) => item_call(&append, once.as_ref(), item),
        Write::Feed(FeedWrite { expected, document: feed }) => {
            once_call(&append, &script::COMMIT_FEED, once.as_ref(), &[])
                .arg(document::write(feed))
                .arg(Uuid::nil().to_string())
                .arg(expected.seq)
                .arg(expected.mark.to_string())
        }
    };
    carried_out(link, &call, *mark).await?.map_err(CommitError::Conflict)
}

/// Calls a script that writes, and reads what came of it. `mark` is that of the change that it makes.
pub(super) async fn carried_out(
    link: &Link,
    call: &Call,
    mark: Mark,
) -> Result<Result<Committed, Conflict>, StoreError> {
    // What was done before counts as well: its script has written the key's record again, so that there is something to
    // wait for on this connection.
    let done = |answer: &Vec<String>| matches!(answer.first().map(String::as_str), Some("now" | "before"));
    let answer: Vec<String> = link.write(Request::Script(call), done).await?;
    let answer: Vec<&str> = answer.iter().map(String::as_str).collect();
    let conflict = match answer[..] {
        ["now", seq] => return Ok(Ok(Committed::Now(Position { seq: read::number(seq)?, mark }))),
        // What makes no change of its own tells the newest there was.
        ["now", seq, mark] => {
            let mark = mark.parse().map_err(|_| corrupt("a mark is none"))?;
            return Ok(Ok(Committed::Now(Position { seq: read::number(seq)?, mark })));
        }
        ["before", record] => return Ok(Ok(Committed::Before(remembered(record)?))),
        ["reused"] => Conflict::KeyReused,
        ["nofeed"] => Conflict::NoFeed,
        ["feed"] => Conflict::Feed,
        ["exists"] => Conflict::Exists,
        ["version"] => Conflict::Version,
        ["alt", item] => Conflict::AltId(read::id(item)?),
        ["pin", item] => Conflict::Pin(read::id(item)?),
        _ => return Err(corrupt("a script answers with an unknown word")),
    };
    Ok(Err(conflict))
}

/// A call with what `once.lua` reads, after what `append.lua` does.
pub(super) fn once_call(
    append: &Append<'_>,
    script: &'static std::sync::LazyLock<Script>,
    once: Option<&Once>,
    more: &[String],
) -> Call {
    let keys = Keys::of(append.feed);
    let key = once.map_or_else(|| keys.feed(), |once| keys.once(&once.token, &once.key));
    let all = [&[key], more].concat();
    append.call(script, &all).arg(once.map_or_else(String::new, |once| hex(&once.hash))).arg(KEY_KEPT.as_secs())
}

fn item_call(append: &Append<'_>, once: Option<&Once>, write: &ItemWrite) -> Call {
    let keys = Keys::of(append.feed);
    let record = &write.record;
    let more = [
        keys.items(),
        keys.time(),
        keys.last(),
        keys.pins(),
        keys.versions(record.id),
        keys.alt_ids(),
        keys.partition().due(),
        keys.partition().scrub(),
    ];
    // A pin that has ended is no pin: it takes no place, and nobody stands in its way.
    let pin = record.pin.filter(|pin| pin.holds(append.at));
    let mut call = once_call(append, &script::COMMIT_ITEM, once, &more)
        .arg(record.id.to_string())
        .arg(match write.expected {
            Expected::Nothing => String::new(),
            Expected::Version(version) => version.to_string(),
        })
        .arg(record.version)
        .arg(u8::from(record.status.listed()))
        .arg(u8::from(record.status == Status::Removed))
        .arg(record.published.millis())
        .arg(pin.map_or_else(String::new, |pin| pin.position.to_string()))
        .arg(millis(pin.and_then(|pin| pin.until)))
        .arg(millis(record.breaking_until))
        .arg(millis(record.pin.and_then(|pin| pin.until)))
        .arg(record::write(record))
        .arg(record::made(&write.fields, append.who))
        .arg(record::ever(&Ever::default()))
        .arg(write.under.map_or_else(String::new, |own| own.seq.to_string()))
        .arg(write.under.map_or_else(String::new, |own| own.mark.to_string()));
    for alt_id in &write.alt_ids {
        call = call.arg(hex(alt_id));
    }
    call
}

pub(super) fn millis(moment: Option<Moment>) -> String {
    moment.map_or_else(String::new, |moment| moment.millis().to_string())
}

/// [`super::Store::recall`]. Who was not told of a commit since its replicas were away shall not be told of it here.
pub(super) async fn recall(
    link: &Link,
    commits: &Link,
    feed: &FeedId,
    token: &str,
    key: &str,
) -> Result<Option<Remembered>, StoreError> {
    let mut ask = redis::cmd("GET");
    ask.arg(Keys::of(feed).once(token, key));
    let Some(record) = link.ask::<Option<String>>(Request::One(&ask)).await? else { return Ok(None) };
    settle(commits, feed).await?;
    remembered(&record).map(Some)
}

/// [`super::Store::settle`]. What replicas receive is one row of writes, whoever made them, so that a write made now
/// stands for all before it.
pub(super) async fn settle(commits: &Link, feed: &FeedId) -> Result<(), StoreError> {
    if commits.replicas() == 0 {
        return Ok(());
    }
    let mut write = redis::cmd("SET");
    write.arg(Keys::of(feed).partition().settled()).arg("").arg("EX").arg(SETTLED.as_secs());
    commits.write(Request::One(&write), |(): &()| true).await
}

/// Reads what `once.lua` wrote.
pub(super) fn remembered(text: &str) -> Result<Remembered, StoreError> {
    let damaged = || corrupt("what an idempotency key stands for cannot be read");
    let words: Vec<&str> = text.split(' ').collect();
    let [hash, item, version, position] = words[..] else { return Err(damaged()) };
    Ok(Remembered {
        hash: unhex(hash).ok_or_else(damaged)?,
        item: read::id(item)?,
        version: read::number(version)?,
        position: position.parse().map_err(|_| damaged())?,
    })
}

/// [`super::Store::remember`].
pub(super) async fn remember(
    link: &Link,
    feed: &FeedId,
    once: &Once,
    item: Uuid,
    head: Position,
) -> Result<(), StoreError> {
    let mut set = redis::cmd("SET");
    set.arg(Keys::of(feed).once(&once.token, &once.key))
        .arg(format!("{} {item} 0 {head}", hex(&once.hash)))
        .arg(&["NX", "EX"])
        .arg(KEY_KEPT.as_secs());
    link.ask(Request::One(&set)).await
}

/// [`super::Store::cut`].
pub(super) async fn cut(
    link: &Link,
    feed: &FeedId,
    known: Option<u64>,
    witness: Witness,
    mark: Mark,
    now: Moment,
) -> Result<bool, StoreError> {
    let append = Append { feed, mark, kind: Kind::FeedUpdated, at: now, who: "newswire" };
    let call = append
        .call(&script::CUT, &[])
        .arg(known.map_or_else(String::new, |cut| cut.to_string()))
        .arg(match witness {
            Witness::Follower => "follower",
            Witness::Reader => "reader",
        })
        .arg(link.run().await?);
    link.ask(Request::Script(&call)).await
}
