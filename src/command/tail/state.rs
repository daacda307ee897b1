//! The state file: the position up to which everything has been dealt with.
//!
//! It is replaced whole: written beside itself, synced, renamed, and the directory synced. Whenever the power fails, the
//! file holds one position or the other, never a part of one. A file that cannot be read as such is refused and not
//! taken for a missing one, since beginning anew would be a silent loss.

use std::{
    fs::{self, File},
    io::{self, ErrorKind, Write},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use crate::news::{FeedId, Position};

/// Where a follower of one feed keeps its position.
#[derive(Debug)]
pub(super) struct StateFile {
    path: PathBuf,
    feed: FeedId,
    written: Option<Position>,
}

/// What the file holds: one JSON object on one line. The feed is there so that a position of one feed is never taken to
/// another.
#[derive(Serialize, Deserialize)]
struct Content {
    feed: FeedId,
    position: Position,
}

/// Why a state file cannot be gone on from.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unusable {
    /// It cannot be read or written.
    #[error("cannot use the state file {path}: {error}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// It holds something else.
    #[error("{path} is no state file of newswire tail; remove it to begin anew")]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// It belongs to another feed.
    #[error("{path} holds a position of the feed {feed}; give each feed a file of its own")]
    OtherFeed {
        /// The file.
        path: PathBuf,
        /// The feed.
        feed: FeedId,
    },
}

impl StateFile {
    /// The state of following this feed, from the file if there is one.
    ///
    /// # Errors
    /// The file is there and cannot be gone on from.
    pub(super) fn open(path: &Path, feed: FeedId) -> Result<Self, Unusable> {
        let path = path.to_owned();
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                // Whether it can be written is found out before anything is dealt with that could not be kept.
                let beside = beside(&path);
                return match File::create(&beside).and_then(|_| fs::remove_file(&beside)) {
                    Ok(()) => Ok(Self { path, feed, written: None }),
                    Err(error) => Err(Unusable::Io { path, error }),
                };
            }
            Err(error) => return Err(Unusable::Io { path, error }),
        };
        match serde_json::from_slice::<Content>(&text) {
            Ok(content) if content.feed == feed => Ok(Self { path, feed, written: Some(content.position) }),
            Ok(content) => Err(Unusable::OtherFeed { path, feed: content.feed }),
            Err(_) => Err(Unusable::Foreign { path }),
        }
    }

    /// The position to go on from; none on a first run.
    #[must_use]
    pub(super) fn position(&self) -> Option<Position> {
        self.written
    }

    /// Keeps a position: once this returns, it survives a loss of power. What is kept already is not written again.
    ///
    /// # Errors
    /// The file cannot be written; it still holds what it held.
    pub(super) fn keep(&mut self, position: Position) -> Result<(), Unusable> {
        if self.written == Some(position) {
            return Ok(());
        }
        self.replace(position).map_err(|error| Unusable::Io { path: self.path.clone(), error })?;
        self.written = Some(position);
        Ok(())
    }

    fn replace(&self, position: Position) -> io::Result<()> {
        let mut text = serde_json::to_vec(&Content { feed: self.feed.clone(), position })?;
        text.push(b'\n');
        let beside = beside(&self.path);
        let mut file = File::create(&beside)?;
        file.write_all(&text)?;
        file.sync_all()?;
        fs::rename(&beside, &self.path)?;
        let directory = self.path.parent().filter(|parent| !parent.as_os_str().is_empty());
        File::open(directory.unwrap_or(Path::new(".")))?.sync_all()
    }
}

/// The name under which the next state is written: the same each time, so that what a crash leaves is written over.
fn beside(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    path.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn feed() -> FeedId {
        "news-feed".parse().expect("a feed id")
    }

    fn at(text: &str) -> Position {
        text.parse().expect("a position")
    }

    #[test]
    fn a_position_that_was_kept_is_read_at_the_next_start() {
        let place = tempfile::tempdir().expect("a directory");
        let path = place.path().join("state");
        let mut state = StateFile::open(&path, feed()).expect("a first run");
        assert_eq!(state.position(), None);
        for position in ["7-9f3a2c1b", "8-00000001"].map(at) {
            state.keep(position).expect("kept");
            assert_eq!(StateFile::open(&path, feed()).expect("its own file").position(), Some(position));
        }
    }

    #[test]
    fn a_torn_write_leaves_the_position_before_it() {
        let place = tempfile::tempdir().expect("a directory");
        let path = place.path().join("state");
        let kept = at("7-9f3a2c1b");
        StateFile::open(&path, feed()).and_then(|mut state| state.keep(kept)).expect("kept");
        // What a crash between any two steps of the next write leaves behind.
        for torn in ["", "{\"feed\":\"news-f", "{\"feed\":\"news-feed\",\"position\":\"8-00000001\"}\n"] {
            fs::write(beside(&path), torn).expect("written");
            let mut state = StateFile::open(&path, feed()).expect("its own file");
            assert_eq!(state.position(), Some(kept));
            state.keep(at("9-00000002")).expect("what is left behind is written over");
            state.keep(kept).expect("kept");
        }
    }

    #[test]
    fn a_file_of_something_else_is_refused_and_left_alone() {
        let place = tempfile::tempdir().expect("a directory");
        let path = place.path().join("state");
        for text in ["", "7-9f3a2c1b", "{\"feed\":\"other\",\"position\":\"7-9f3a2c1b\"}"] {
            fs::write(&path, text).expect("written");
            assert!(StateFile::open(&path, feed()).is_err(), "{text:?}");
            assert_eq!(fs::read_to_string(&path).expect("read"), text);
        }
    }

    #[test]
    fn a_state_that_cannot_be_written_is_an_error_before_anything_is_dealt_with() {
        let place = tempfile::tempdir().expect("a directory");
        assert!(StateFile::open(&place.path().join("no/such/state"), feed()).is_err());
        let path = place.path().join("state");
        let mut state = StateFile::open(&path, feed()).expect("a first run");
        assert!(!path.exists(), "nothing is kept yet");
        drop(place);
        assert!(state.keep(at("7-9f3a2c1b")).is_err());
        assert_eq!(state.position(), None);
    }
}
