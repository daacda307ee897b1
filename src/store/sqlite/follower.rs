//! A follower: one number in the log of all feeds, and what was committed above it.
//!
//! It is woken when this process has committed, and when the `keeper` has noticed that another one
//! has; being woken is only a hint. It owns no queue: one that is not asked for a while finds all in the log.

use std::time::Duration;

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension};
use tokio::{sync::watch, time::timeout};

use super::{
    fault,
    reads::Reads,
    rows::{integer, number},
};
use crate::{
    news::{FeedId, Mark, Position},
    store::{Followed, Follower, StoreError, budget},
};

/// How long it waits for a commit before it confirms that there is none.
const CONFIRMS_EVERY: Duration = Duration::from_secs(1);

/// An entry of the log, by its number and mark.
pub(super) type Place = (i64, u32);

/// A follower.
pub(super) struct Following {
    reads: Reads,
    committed: watch::Receiver<u64>,
    /// The newest entry that was told; zero before the first.
    at: Place,
    /// Whether there may be more, so that it does not wait.
    behind: bool,
}

impl Following {
    /// One that stands at the end of the log.
    pub(super) async fn start(reads: Reads, committed: watch::Receiver<u64>) -> Result<Self, StoreError> {
        let at = reads.read(newest).await?;
        Ok(Self { reads, committed, at, behind: true })
    }
}

#[async_trait]
impl Follower for Following {
    async fn next(&mut self) -> Result<Followed, StoreError> {
        if !self.behind {
            // The time running out is no answer: the log is.
            if let Ok(Err(_)) = timeout(CONFIRMS_EVERY, self.committed.changed()).await {
                return Err(fault::closed());
            }
        }
        self.behind = true;
        self.committed.mark_unchanged();
        let at = self.at;
        let (followed, at, behind) = self.reads.read(move |db| since(db, at)).await?;
        (self.at, self.behind) = (at, behind);
        Ok(followed)
    }
}

/// The newest entry of the log, or the place of one that is gone since: a follower there has missed nothing.
pub(super) fn newest(db: &Connection) -> Result<Place, StoreError> {
    let mut newest = db.prepare_cached("SELECT n, mark FROM log ORDER BY n DESC LIMIT 1")?;
    let newest: Option<Place> = newest.query_row([], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
    let trimmed = trimmed(db)?;
    Ok(newest.filter(|(n, _)| *n > trimmed).unwrap_or((trimmed, 0)))
}

/// The highest number that was ever trimmed away.
fn trimmed(db: &Connection) -> Result<i64, StoreError> {
    Ok(db.prepare_cached("SELECT trimmed FROM whole")?.query_row([], |row| row.get(0))?)
}

/// What was committed since, where that leaves the follower, and whether there may be more.
fn since(db: &Connection, at: Place) -> Result<(Followed, Place, bool), StoreError> {
    let trimmed = trimmed(db)?;
    let mut mark = db.prepare_cached("SELECT mark FROM log WHERE n = ?")?;
    let mark: Option<u32> = mark.query_row([at.0], |row| row.get(0)).optional()?;
    // An entry that is gone was trimmed, which it is only after it was told; or the file went back in time.
    let known = mark.map_or(at.0 <= trimmed, |mark| mark == at.1) || at.0 == 0;
    if !known || trimmed > at.0 {
        return Ok((Followed::Doubt, newest(db)?, false));
    }
    let mut entries = db.prepare_cached("SELECT n, mark, feed, seq FROM log WHERE n > ? ORDER BY n LIMIT ?")?;
    let mut found = entries.query((at.0, integer(budget::LOOKED_AT as u64)))?;
    let (mut commits, mut last) = (Vec::new(), at);
    while let Some(entry) = found.next()? {
        let mark = entry.get(1)?;
        let feed: String = entry.get(2)?;
        let feed: FeedId = feed.parse().map_err(|error| StoreError::Corrupt(format!("{feed:?}: {error}")))?;
        commits.push((feed, Position { seq: number(entry, 3)?, mark: Mark(mark) }));
        last = (entry.get(0)?, mark);
    }
    let behind = commits.len() == budget::LOOKED_AT;
    Ok((Followed::Commits(commits), last, behind))
}
