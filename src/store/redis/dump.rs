//! A dump: every feed as it stood at one change, although others may be committed meanwhile.
//!
//! There is no one view over several commands. But a version never changes once it is committed (except that removal
//! erases it), so the versions and log entries up to the head of the beginning are that state. The floor is read last:
//! what was cut meanwhile is not claimed. A store that went back in time meanwhile ends the dump.

use std::{
    collections::{HashSet, VecDeque},
    sync::Arc,
};

use async_trait::async_trait;
use redis::Pipeline;
use uuid::Uuid;

use super::{
    keys::Keys,
    link::{Link, Request},
    read,
    record::corrupt,
    tokens, write,
};
use crate::{
    news::{FeedId, Kind, Moment, Position},
    store::{Dump, FeedState, Row, StoreError, dump::VersionRow, hash::unhex},
};

/// Entries of a log, keys or altIds that are asked for at once.
const AT_ONCE: usize = 500;

/// A dump under way.
pub(super) struct RedisDump {
    link: Arc<Link>,
    /// Rows that are ready.
    ready: Option<Vec<Row>>,
    feeds: VecDeque<FeedId>,
    feed: Option<OneFeed>,
}

/// The feed that is being dumped.
struct OneFeed {
    keys: Keys,
    /// As it stood at the beginning.
    state: FeedState,
    own: (Position, Kind, Moment),
    /// Its items of that time.
    items: HashSet<Uuid>,
    stage: Stage,
}

/// What comes next of a feed.
enum Stage {
    /// The log after this seq.
    Log(u64),
    Versions(VecDeque<Uuid>),
    AltIds(String),
    Keys(String),
    End,
}

impl RedisDump {
    /// Of these feeds; none named: of all, and the tokens.
    pub(super) async fn begin(link: Arc<Link>, feeds: &[FeedId]) -> Result<Self, StoreError> {
        let (ready, feeds) = if feeds.is_empty() {
            let rows = tokens::tokens(&link).await?.into_iter().map(Row::Token).collect();
            let all = read::feeds(&link).await?.into_iter().map(|state| state.feed.id).collect();
            (Some(rows), all)
        } else {
            (None, feeds.iter().cloned().collect())
        };
        Ok(Self { link, ready, feeds, feed: None })
    }

    /// Begins with a feed, if it is still there.
    async fn open(&mut self, id: FeedId) -> Result<Option<Vec<Row>>, StoreError> {
        let keys = Keys::of(&id);
        let Some(state) = read::feed(&self.link, &id).await? else { return Ok(None) };
        let mut ask = Pipeline::new();
        ask.cmd("HMGET").arg(keys.feed()).arg(&["fkind", "fat"]).cmd("HKEYS").arg(keys.items());
        let (own, items): ((String, i64), Vec<String>) = self.link.ask(Request::Many(&ask)).await?;
        let kind = own.0.parse().map_err(|_| corrupt("a change is of an unknown kind"))?;
        let own = (state.own, kind, Moment::from_millis(own.1));
        let items = items.iter().map(|id| read::id(id)).collect::<Result<_, _>>()?;
        let stage = Stage::Log(state.floor - 1);
        self.feed = Some(OneFeed { keys, state, own, items, stage });
        Ok(Some(vec![Row::Begin { feed: id }]))
    }
}

#[async_trait]
impl Dump for RedisDump {
    async fn next(&mut self) -> Result<Option<Vec<Row>>, StoreError> {
        if let Some(ready) = self.ready.take() {
            return Ok(Some(ready));
        }
        loop {
            if let Some(feed) = &mut self.feed {
                let rows = feed.next(&self.link).await?;
                if matches!(rows.last(), Some(Row::Feed { .. })) {
                    self.feed = None;
                }
                return Ok(Some(rows));
            }
            let Some(id) = self.feeds.pop_front() else { return Ok(None) };
            if let Some(rows) = self.open(id).await? {
                return Ok(Some(rows));
            }
        }
    }
}

impl OneFeed {
    /// The next rows; the feed's own row is the last of all.
    async fn next(&mut self, link: &Link) -> Result<Vec<Row>, StoreError> {
        let stage = std::mem::replace(&mut self.stage, Stage::End);
        let (rows, next) = match stage {
            Stage::Log(after) => self.log(link, after).await?,
            Stage::Versions(items) => self.versions(link, items).await?,
            Stage::AltIds(cursor) => self.alt_ids(link, &cursor).await?,
            Stage::Keys(cursor) => self.used_keys(link, &cursor).await?,
            Stage::End => (vec![self.end(link).await?], Stage::End),
        };
        self.stage = next;
        Ok(rows)
    }

    fn id(&self) -> &FeedId {
        &self.state.feed.id
    }

    async fn log(&self, link: &Link, after: u64) -> Result<(Vec<Row>, Stage), StoreError> {
        let head = self.state.head.seq;
        let mut ask = redis::cmd("XRANGE");
        ask.arg(self.keys.log()).arg(format!("({after}-0")).arg(format!("{head}-0")).arg("COUNT").arg(AT_ONCE);
        let entries: Vec<(String, Vec<String>)> = link.ask(Request::One(&ask)).await?;
        let mut rows = Vec::with_capacity(entries.len());
        let mut last = after;
        for (id, fields) in &entries {
            let [_, mark, _, kind, _, item, _, version, _, at, ..] = fields.as_slice() else {
                return Err(corrupt("an entry of a log is not one"));
            };
            last = read::number(id.split('-').next().unwrap_or_default())?;
            let mark = mark.parse().map_err(|_| corrupt("what should be a mark is none"))?;
            let item = if item.is_empty() { None } else { Some((read::id(item)?, read::number(version)?)) };
            rows.push(Row::Change {
                feed: self.id().clone(),
                position: Position { seq: last, mark },
                kind: kind.parse().map_err(|_| corrupt("a change is of an unknown kind"))?,
                at: Moment::from_millis(at.parse().map_err(|_| corrupt("what should be a time is none"))?),
                item,
            });
        }
        let more = entries.len() == AT_ONCE;
        Ok((rows, if more { Stage::Log(last) } else { Stage::Versions(self.items.iter().copied().collect()) }))
    }

    /// All versions of one more item that there were at the beginning.
    async fn versions(&mut self, link: &Link, mut items: VecDeque<Uuid>) -> Result<(Vec<Row>, Stage), StoreError> {
        let Some(item) = items.pop_front() else { return Ok((Vec::new(), Stage::AltIds("0".to_owned()))) };
        let (mut rows, mut after) = (Vec::new(), 0);
        loop {
            let versions = read::versions(link, self.id(), item, after).await?;
            let Some(last) = versions.last() else { break };
            after = last.record.version;
            let ours = versions.into_iter().filter(|version| version.record.last_seq <= self.state.head.seq);
            for version in ours {
                rows.push(Row::Version(Box::new(VersionRow::of(self.id(), version)?)));
            }
        }
        if rows.is_empty() {
            // It was published after the beginning.
            self.items.remove(&item);
        }
        Ok((rows, Stage::Versions(items)))
    }

    async fn alt_ids(&self, link: &Link, cursor: &str) -> Result<(Vec<Row>, Stage), StoreError> {
        let mut scan = redis::cmd("HSCAN");
        scan.arg(self.keys.alt_ids()).arg(cursor).arg("COUNT").arg(AT_ONCE);
        let (next, found): (String, Vec<(String, String)>) = link.ask(Request::One(&scan)).await?;
        let mut rows = Vec::with_capacity(found.len());
        for (hash, item) in found {
            let hash = unhex(&hash).ok_or_else(|| corrupt("what should be a hash is none"))?;
            let item = read::id(&item)?;
            // One that is there now and was not at the beginning is new; one that is not there was dropped long ago.
            if self.items.contains(&item) || read::item(link, self.id(), item).await?.is_none() {
                rows.push(Row::AltId { feed: self.id().clone(), hash, item });
            }
        }
        Ok((rows, if next == "0" { Stage::Keys(next) } else { Stage::AltIds(next) }))
    }

    async fn used_keys(&self, link: &Link, cursor: &str) -> Result<(Vec<Row>, Stage), StoreError> {
        let beginning = self.keys.all_once();
        let mut scan = redis::cmd("SCAN");
        scan.arg(cursor).arg("MATCH").arg(format!("{beginning}*")).arg("COUNT").arg(AT_ONCE);
        let (next, found): (String, Vec<String>) = link.ask(Request::One(&scan)).await?;
        let mut rows = Vec::with_capacity(found.len());
        for key in found {
            let mut ask = Pipeline::new();
            ask.cmd("GET").arg(&key).cmd("PEXPIRETIME").arg(&key);
            let (record, expires): (Option<String>, i64) = link.ask(Request::Many(&ask)).await?;
            let Some(record) = record else { continue };
            let known = write::remembered(&record)?;
            let name = key.strip_prefix(&beginning).and_then(unhex).ok_or_else(|| corrupt("a key's name is none"))?;
            if known.position.seq <= self.state.head.seq {
                rows.push(Row::Key {
                    feed: self.id().clone(),
                    name,
                    hash: known.hash,
                    item: known.item,
                    version: known.version,
                    position: known.position,
                    expires: Moment::from_millis(expires),
                });
            }
        }
        Ok((rows, if next == "0" { Stage::End } else { Stage::Keys(next) }))
    }

    async fn end(&self, link: &Link) -> Result<Row, StoreError> {
        let now = read::feed(link, self.id()).await?.filter(|now| now.cut == self.state.cut);
        let Some(now) = now else {
            return Err(StoreError::Unavailable(format!(
                "the feed {} was deleted, or its store went back in time meanwhile: begin again",
                self.id()
            )));
        };
        let FeedState { feed, head, floor, cut, .. } = &self.state;
        Ok(Row::Feed {
            document: feed.clone(),
            head: *head,
            floor: now.floor.max(*floor).min(head.seq),
            cut: *cut,
            own: self.own,
        })
    }
}
