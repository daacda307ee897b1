//! The lower end of a feed's log: raising it as the log grows, and over a cut.

use rusqlite::{Connection, params};

use super::{
    commit::{advance, append, put_feed},
    rows::{self, integer},
};
use crate::{
    news::{FeedId, Kind, Mark, Moment, Position},
    store::{FeedState, LOG_KEPT, StoreError, Witness},
};

/// The run in which a cut was told that the command line told, beside the server or before it: whichever run finds it here
/// first takes it for its own, so that no reader is believed in it about what all have been told already.
pub(super) const TOLD: [u8; 16] = [1; 16];

/// How much longer than [`LOG_KEPT`] a log gets before it is trimmed. Trimming one entry with each commit would write
/// to two ends of the file each time.
const TRIMMED_AT_ONCE: u64 = 1_000;

/// Trims a log that has got too long. Called with every commit.
pub(super) fn keep_bounded(db: &Connection, feed: &FeedId, head: u64, floor: u64) -> Result<(), StoreError> {
    if head - floor >= LOG_KEPT + TRIMMED_AT_ONCE {
        raise(db, feed, head + 1 - LOG_KEPT)?;
    }
    Ok(())
}

/// Tells a cut, if this witness is to be believed. `run` is the server's present run.
pub(super) fn cut(
    db: &Connection,
    feed: &FeedId,
    noticed: (Option<u64>, Witness),
    mark: Mark,
    at: Moment,
    run: [u8; 16],
) -> Result<bool, StoreError> {
    let Some(row) = rows::feed(db, feed)? else { return Ok(false) };
    let current = row.state.cut;
    let believed = match noticed {
        (known, Witness::Follower) => known.is_some_and(|known| current <= known),
        (_, Witness::Reader) if row.run == TOLD => {
            db.execute("UPDATE feeds SET run = ? WHERE id = ?", params![run, feed.as_str()])?;
            false
        }
        (known, Witness::Reader) => known.is_none_or(|known| current <= known) && row.run != run,
    };
    if !believed {
        return Ok(false);
    }
    tell(db, &row.state, mark, at, run)?;
    Ok(true)
}

/// Tells a cut in a feed that stands so.
pub(super) fn tell(
    db: &Connection,
    state: &FeedState,
    mark: Mark,
    at: Moment,
    run: [u8; 16],
) -> Result<(), StoreError> {
    let feed = &state.feed.id;
    let position = Position { seq: state.head.seq + 1, mark };
    append(db, feed, position, Kind::FeedUpdated, at, None)?;
    advance(db, feed, position)?;
    put_feed(db, feed, None, position, Kind::FeedUpdated, at)?;
    raise(db, feed, position.seq)?;
    db.execute("UPDATE feeds SET cut = ?, run = ? WHERE id = ?", params![integer(position.seq), run, feed.as_str()])?;
    Ok(())
}

/// Makes `floor` the lowest seq of the log.
pub(super) fn raise(db: &Connection, feed: &FeedId, floor: u64) -> Result<(), StoreError> {
    let below = params![feed.as_str(), integer(floor)];
    db.execute(
        "UPDATE whole SET trimmed = max(trimmed, coalesce(
             (SELECT n FROM log WHERE feed = ? AND seq < ? ORDER BY seq DESC LIMIT 1), 0))",
        below,
    )?;
    db.execute("DELETE FROM log WHERE feed = ? AND seq < ?", below)?;
    db.execute("UPDATE feeds SET floor = ?2 WHERE id = ?1", below)?;
    Ok(())
}
