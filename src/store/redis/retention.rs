//! What ends by itself, and what a feed gives up: the due lists, retention, deletion.

use redis::Pipeline;
use uuid::Uuid;

use super::{
    keys::{Keys, Partition},
    link::{Link, Request},
    read,
    record::corrupt,
    script::{self, Call},
    write::{Append, carried_out, once_call, remembered},
};
use crate::{
    news::{FeedId, Kind, Mark, Moment, TimedEnd, feed::Keep},
    store::{Committed, Conflict, Due, Once, StoreError, budget},
};

/// A day, in milliseconds.
const DAY: i64 = 24 * 60 * 60 * 1_000;

/// How many idempotency keys are looked through at once when a feed is deleted.
const KEYS_AT_ONCE: usize = 1_000;

/// [`super::Store::due`].
pub(super) async fn due(link: &Link, by: Moment) -> Result<Vec<Due>, StoreError> {
    let mut ask = Pipeline::new();
    for partition in Partition::all() {
        let list = ask.cmd("ZRANGEBYSCORE").arg(partition.due()).arg("-inf").arg(by.millis());
        list.arg("WITHSCORES").arg("LIMIT").arg(0).arg(budget::ITEMS);
    }
    let lists: Vec<Vec<(String, i64)>> = link.ask(Request::Many(&ask)).await?;
    let mut due = lists.iter().flatten().map(|(member, until)| entry(member, *until)).collect::<Result<Vec<_>, _>>()?;
    due.sort_by_key(|due| due.until);
    due.truncate(budget::ITEMS);
    Ok(due)
}

/// Reads `FEED ITEM WHAT`.
fn entry(member: &str, until: i64) -> Result<Due, StoreError> {
    let damaged = || corrupt("a due entry is not one");
    let words: Vec<&str> = member.split(' ').collect();
    let [feed, item, what] = words[..] else { return Err(damaged()) };
    let what = match what {
        "breaking" => TimedEnd::Breaking,
        "pin" => TimedEnd::Pin,
        _ => return Err(damaged()),
    };
    let feed = feed.parse().map_err(|_| damaged())?;
    Ok(Due { feed, item: read::id(item)?, what, until: Moment::from_millis(until) })
}

/// [`super::Store::prune`].
pub(super) async fn prune(link: &Link, feed: &FeedId, keep: &Keep, now: Moment) -> Result<bool, StoreError> {
    let keys = Keys::of(feed);
    let number = |number: Option<u64>| number.map_or_else(String::new, |number| number.to_string());
    let days = keep.days.map(|days| i64::try_from(days).unwrap_or(i64::MAX).saturating_mul(DAY));
    let over = days.map(|days| Moment::from_millis(now.millis().saturating_sub(days)));
    let all = [
        keys.feed(),
        keys.log(),
        keys.items(),
        keys.time(),
        keys.last(),
        keys.pins(),
        keys.partition().due(),
        keys.alt_ids(),
    ];
    let call = Call::new(&script::PRUNE, &all)
        .arg(number(keep.changes))
        .arg(number(keep.items))
        .arg(over.map_or_else(String::new, |over| over.millis().to_string()))
        .arg(now.millis())
        .arg(budget::DROPPED)
        .arg(keys.all_versions())
        .arg(feed.as_str())
        .arg(budget::LOOKED_AT)
        .arg(over.map_or_else(String::new, |over| over.to_string()));
    link.ask(Request::Script(&call)).await
}

/// [`super::Store::delete_feed`]. The idempotency keys of its items go first: they stand in no list, and what is left of
/// them by a crash would answer for a feed that is created again under the id.
pub(super) async fn delete_feed(
    link: &Link,
    feed: &FeedId,
    once: Option<&Once>,
) -> Result<Result<Committed, Conflict>, StoreError> {
    let keys = Keys::of(feed);
    forget_keys_of_items(link, &keys).await?;
    let partition = keys.partition();
    let more = [
        partition.feeds(),
        keys.items(),
        keys.time(),
        keys.last(),
        keys.pins(),
        keys.alt_ids(),
        partition.due(),
        partition.scrub(),
    ];
    // A deletion is no entry of the log: of this, its script reads the feed's id alone.
    let append = Append { feed, mark: Mark(0), kind: Kind::FeedUpdated, at: Moment::from_millis(0), who: "" };
    let call =
        once_call(&append, &script::DELETE_FEED, once, &more).arg(keys.all_versions()).arg(Uuid::nil().to_string());
    carried_out(link, &call, append.mark).await
}

/// Forgets what idempotency keys stand for that are about a feed's items, and not about the feed itself.
async fn forget_keys_of_items(link: &Link, keys: &Keys) -> Result<(), StoreError> {
    let mut cursor = "0".to_owned();
    loop {
        let mut scan = redis::cmd("SCAN");
        scan.arg(&cursor).arg("MATCH").arg(format!("{}*", keys.all_once())).arg("COUNT").arg(KEYS_AT_ONCE);
        let (next, found): (String, Vec<String>) = link.ask(Request::One(&scan)).await?;
        if !found.is_empty() {
            let mut get = redis::cmd("MGET");
            get.arg(&found);
            let records: Vec<Option<String>> = link.ask(Request::One(&get)).await?;
            let mut unlink = redis::cmd("UNLINK");
            let mut any = false;
            for (key, record) in found.iter().zip(records) {
                if record.is_some_and(|record| remembered(&record).is_ok_and(|done| !done.item.is_nil())) {
                    unlink.arg(key);
                    any = true;
                }
            }
            if any {
                let _: i64 = link.ask(Request::One(&unlink)).await?;
            }
        }
        if next == "0" {
            return Ok(());
        }
        cursor = next;
    }
}
