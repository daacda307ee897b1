//! The state file: the positions up to which everything of each feed has been dealt with.
//!
//! It is replaced whole: written beside itself, synced, renamed, and the directory synced. Whenever the power fails, the
//! file holds one state or the other, never a part of one. A file that cannot be read as such is refused and not
//! taken for a missing one, since beginning anew would be a silent loss.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, ErrorKind, Write},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use crate::news::{FeedId, Position};

/// Where a follower keeps the position of each feed.
#[derive(Debug)]
pub(super) struct StateFile {
    path: PathBuf,
    written: BTreeMap<FeedId, Position>,
    form: Form,
}

/// How the file is written: a follower of one feed needs no map, and could read none in earlier versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    One,
    Several,
}

/// What the file holds: one JSON object on one line. The feeds are there so that a position of one feed is never taken
/// to another.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Content {
    One { feed: FeedId, position: Position },
    Several { positions: BTreeMap<FeedId, Position> },
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
    #[error("{path} holds a position of the feed {feed}; give each set of feeds a file of its own")]
    OtherFeed {
        /// The file.
        path: PathBuf,
        /// The feed.
        feed: FeedId,
    },
}

impl StateFile {
    /// The state of following these feeds, from the file if there is one.
    ///
    /// # Errors
    /// The file is there and cannot be gone on from.
    pub(super) fn open(path: &Path, feeds: &[FeedId]) -> Result<Self, Unusable> {
        let path = path.to_owned();
        let form = if feeds.len() == 1 { Form::One } else { Form::Several };
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                // Whether it can be written is found out before anything is dealt with that could not be kept.
                let beside = beside(&path);
                return match File::create(&beside).and_then(|_| fs::remove_file(&beside)) {
                    Ok(()) => Ok(Self { path, written: BTreeMap::new(), form }),
                    Err(error) => Err(Unusable::Io { path, error }),
                };
            }
            Err(error) => return Err(Unusable::Io { path, error }),
        };
        let written = match serde_json::from_slice(&text) {
            Ok(Content::One { feed, position }) => BTreeMap::from([(feed, position)]),
            Ok(Content::Several { positions }) => positions,
            Err(_) => return Err(Unusable::Foreign { path }),
        };
        match written.keys().find(|feed| !feeds.contains(feed)) {
            Some(other) => Err(Unusable::OtherFeed { path, feed: other.clone() }),
            None => Ok(Self { path, written, form }),
        }
    }

    /// The positions to go on from; of a feed that is followed for the first time there is none.
    #[must_use]
    pub(super) fn positions(&self) -> &BTreeMap<FeedId, Position> {
        &self.written
    }

    /// Keeps a position: once this returns, it survives a loss of power. What is kept already is not written again.
    ///
    /// # Errors
    /// The file cannot be written; it still holds what it held.
    pub(super) fn keep(&mut self, feed: &FeedId, position: Position) -> Result<(), Unusable> {
        if self.written.get(feed) == Some(&position) {
            return Ok(());
        }
        let mut positions = self.written.clone();
        positions.insert(feed.clone(), position);
        let content = match self.form {
            Form::One => Content::One { feed: feed.clone(), position },
            Form::Several => Content::Several { positions: positions.clone() },
        };
        self.replace(&content).map_err(|error| Unusable::Io { path: self.path.clone(), error })?;
        self.written = positions;
        Ok(())
    }

    fn replace(&self, content: &Content) -> io::Result<()> {
        let mut text = serde_json::to_vec(content)?;
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

    fn feed(id: &str) -> FeedId {
        id.parse().expect("a feed id")
    }

    fn feeds() -> [FeedId; 1] {
        [feed("news-feed")]
    }

    fn position(state: &StateFile) -> Option<Position> {
        state.positions().get(&feeds()[0]).copied()
    }

    fn at(text: &str) -> Position {
        text.parse().expect("a position")
    }

    #[test]
    fn a_position_that_was_kept_is_read_at_the_next_start() {
        let place = tempfile::tempdir().expect("a directory");
        let path = place.path().join("state");
        let mut state = StateFile::open(&path, &feeds()).expect("a first run");
        assert_eq!(position(&state), None);
        for at in ["7-9f3a2c1b", "8-00000001"].map(at) {
            state.keep(&feeds()[0], at).expect("kept");
            assert_eq!(position(&StateFile::open(&path, &feeds()).expect("its own file")), Some(at));
        }
    }

    #[test]
    fn a_torn_write_leaves_the_position_before_it() {
        let place = tempfile::tempdir().expect("a directory");
        let path = place.path().join("state");
        let kept = at("7-9f3a2c1b");
        StateFile::open(&path, &feeds()).and_then(|mut state| state.keep(&feeds()[0], kept)).expect("kept");
        // What a crash between any two steps of the next write leaves behind.
        for torn in ["", "{\"feed\":\"news-f", "{\"feed\":\"news-feed\",\"position\":\"8-00000001\"}\n"] {
            fs::write(beside(&path), torn).expect("written");
            let mut state = StateFile::open(&path, &feeds()).expect("its own file");
            assert_eq!(position(&state), Some(kept));
            state.keep(&feeds()[0], at("9-00000002")).expect("what is left behind is written over");
            state.keep(&feeds()[0], kept).expect("kept");
        }
    }

    #[test]
    fn a_file_of_something_else_is_refused_and_left_alone() {
        let place = tempfile::tempdir().expect("a directory");
        let path = place.path().join("state");
        for text in ["", "7-9f3a2c1b", "{\"feed\":\"other\",\"position\":\"7-9f3a2c1b\"}"] {
            fs::write(&path, text).expect("written");
            assert!(StateFile::open(&path, &feeds()).is_err(), "{text:?}");
            assert_eq!(fs::read_to_string(&path).expect("read"), text);
        }
    }

    #[test]
    fn a_state_that_cannot_be_written_is_an_error_before_anything_is_dealt_with() {
        let place = tempfile::tempdir().expect("a directory");
        assert!(StateFile::open(&place.path().join("no/such/state"), &feeds()).is_err());
        let path = place.path().join("state");
        let mut state = StateFile::open(&path, &feeds()).expect("a first run");
        assert!(!path.exists(), "nothing is kept yet");
        drop(place);
        assert!(state.keep(&feeds()[0], at("7-9f3a2c1b")).is_err());
        assert_eq!(position(&state), None);
    }

    #[test]
    fn a_follower_of_several_feeds_keeps_a_position_of_each_and_reads_the_file_of_one() {
        let place = tempfile::tempdir().expect("a directory");
        let path = place.path().join("state");
        let two = [feed("news-feed"), feed("sports")];
        StateFile::open(&path, &feeds()).and_then(|mut state| state.keep(&two[0], at("7-9f3a2c1b"))).expect("kept");
        let mut state = StateFile::open(&path, &two).expect("a file of one of them");
        assert_eq!((position(&state), state.positions().get(&two[1])), (Some(at("7-9f3a2c1b")), None));
        state.keep(&two[1], at("2-00000001")).expect("kept");
        assert_eq!(StateFile::open(&path, &two).expect("its own file").positions(), state.positions());
        assert_eq!(state.positions().len(), 2);
        assert!(matches!(StateFile::open(&path, &feeds()), Err(Unusable::OtherFeed { feed, .. }) if feed == two[1]));
    }
}
