//! Loading the rows of a dump. A feed's own hash comes last: until then nothing shows what stands under its id.

use std::collections::BTreeSet;

use redis::Pipeline;

use super::{
    keys::{Keys, NAMES},
    link::{Link, Request},
    record, retention,
    script::{self, Call},
    tokens,
    write::{self, COMMITS_KEPT},
};
use crate::{
    news::{Feed, FeedId, Kind, Moment, Position, Record},
    store::{Row, StoreError, Token, Version, document, hash::hex},
};

/// [`super::Store::load`].
pub(super) async fn load(link: &Link, rows: Vec<Row>) -> Result<(), StoreError> {
    let feeds: BTreeSet<FeedId> = rows.iter().filter_map(feed_of).cloned().collect();
    for feed in feeds {
        let there: bool = link.ask(Request::One(redis::cmd("EXISTS").arg(Keys::of(&feed).feed()))).await?;
        if there {
            return Err(StoreError::Taken(format!("there is a feed {feed} already")));
        }
    }
    for row in rows {
        match row {
            Row::Token(loaded) => token(link, &loaded).await?,
            // What stands there was left by a load that was cut off.
            Row::Begin { feed } => drop(retention::delete_feed(link, &feed, None).await?),
            Row::Change { feed, position, kind, at, item } => change(link, &feed, position, kind, at, item).await?,
            Row::Version(row) => {
                let (feed, version) = row.into_version();
                load_version(link, &feed, &version).await?;
            }
            Row::AltId { feed, hash, item } => {
                let mut own = redis::cmd("HSET");
                own.arg(Keys::of(&feed).alt_ids()).arg(hex(&hash)).arg(item.to_string());
                let _: i64 = link.ask(Request::One(&own)).await?;
            }
            Row::Key { feed, name, hash, item, version, position, expires } => {
                let mut keep = redis::cmd("SET");
                keep.arg(format!("{}{}", Keys::of(&feed).all_once(), hex(&name)))
                    .arg(format!("{} {item} {version} {position}", hex(&hash)))
                    .arg("PXAT")
                    .arg(expires.millis());
                let () = link.ask(Request::One(&keep)).await?;
            }
            Row::Feed { document, head, floor, cut, own } => {
                feed(link, &document, head, (floor, cut), own).await?;
            }
        }
    }
    Ok(())
}

/// The feed that a row belongs to.
fn feed_of(row: &Row) -> Option<&FeedId> {
    match row {
        Row::Token(_) => None,
        Row::Begin { feed } | Row::Change { feed, .. } | Row::AltId { feed, .. } | Row::Key { feed, .. } => Some(feed),
        Row::Version(row) => Some(&row.feed),
        Row::Feed { document, .. } => Some(&document.id),
    }
}

/// Loads a token, unless it is there.
async fn token(link: &Link, token: &Token) -> Result<(), StoreError> {
    if tokens::create(link, token).await? {
        return Ok(());
    }
    let mut ask = redis::cmd("HGET");
    ask.arg(NAMES).arg(&token.name);
    let hash: Option<String> = link.ask(Request::One(&ask)).await?;
    if hash != Some(hex(&token.hash)) {
        return Err(StoreError::Taken(format!("there is another token of the name {:?}", token.name)));
    }
    Ok(())
}

async fn change(
    link: &Link,
    feed: &FeedId,
    position: Position,
    kind: Kind,
    at: Moment,
    item: Option<(uuid::Uuid, u64)>,
) -> Result<(), StoreError> {
    let (item, version) = item.map_or((String::new(), 0), |(item, version)| (item.to_string(), version));
    let mut add = redis::cmd("XADD");
    // The order of the fields is the one that the scripts write and read.
    add.arg(Keys::of(feed).log())
        .arg(format!("{}-0", position.seq))
        .arg(&["m", &position.mark.to_string(), "k", kind.name(), "i", &item])
        .arg(&["v", &version.to_string(), "t", &at.millis().to_string(), "w", ""]);
    let _: String = link.ask(Request::One(&add)).await?;
    Ok(())
}

async fn load_version(link: &Link, feed: &FeedId, version: &Version) -> Result<(), StoreError> {
    let Version { record, who, fields } = version;
    let Record { id, last_seq, born, version, .. } = record;
    let keys = Keys::of(feed);
    let all = [keys.items(), keys.time(), keys.last(), keys.pins(), keys.versions(*id), keys.partition().due()];
    let call = Call::new(&script::LOAD_VERSION, &all)
        .arg(feed.as_str())
        .arg(id.to_string())
        .arg(*version)
        .arg(*last_seq)
        .arg(u8::from(record.status.listed()))
        .arg(record.published.millis())
        .arg(record.pin.map_or_else(String::new, |pin| pin.position.to_string()))
        .arg(write::millis(record.pin.and_then(|pin| pin.until)))
        .arg(write::millis(record.breaking_until))
        .arg(format!("{last_seq} {born} {version}\n{}", record::write(record)))
        .arg(record::made(fields, who));
    link.ask(Request::Script(&call)).await
}

/// Loads the feed itself, by which it is seen.
async fn feed(
    link: &Link,
    document: &Feed,
    head: Position,
    (floor, cut): (u64, u64),
    (own, kind, at): (Position, Kind, Moment),
) -> Result<(), StoreError> {
    let keys = Keys::of(&document.id);
    let mut load = Pipeline::new();
    load.atomic();
    load.cmd("SADD").arg(keys.partition().feeds()).arg(document.id.as_str()).ignore();
    load.cmd("HSET")
        .arg(keys.feed())
        // No run of the server is called that: a reader who has seen more than was dumped is believed.
        .arg(&["doc", &document::write(document), "run", "loaded"])
        .arg(&["head", &head.seq.to_string(), "mark", &head.mark.to_string()])
        .arg(&["floor", &floor.to_string(), "cut", &cut.to_string()])
        .arg(&["fseq", &own.seq.to_string(), "fmark", &own.mark.to_string()])
        .arg(&["fkind", kind.name(), "fat", &at.millis().to_string()])
        .ignore();
    load.cmd("XADD")
        .arg(keys.partition().commits())
        .arg(&["MAXLEN", "=", &COMMITS_KEPT.to_string(), "*", "f", document.id.as_str()])
        .arg(&["s", &head.seq.to_string(), "m", &head.mark.to_string()])
        .ignore();
    link.ask(Request::Many(&load)).await
}
