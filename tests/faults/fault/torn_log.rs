//! SQLite's write-ahead log with a torn last page, as a power cut leaves it: half of a page that was about to be
//! written, or, on a disk that lied about what it had kept, pages torn off that had been acknowledged.

use std::{
    fs::{self, File},
    io::Write as _,
    path::PathBuf,
};

use tokio::time::Instant;

use super::{Fault, Fired};
use crate::{support::dice::Dice, world::World};

/// A page in the log, with what stands before it.
const FRAME: usize = 24 + 4_096;

fn log(world: &World) -> PathBuf {
    let entries = fs::read_dir(world.data()).expect("the directory is there");
    let mut paths = entries.map(|entry| entry.expect("an entry").path());
    paths.find(|path| path.to_string_lossy().ends_with("-wal")).expect("a killed server leaves its log")
}

pub(super) async fn torn(world: &World) -> Fired {
    let began = Instant::now();
    let gone = world.nodes[0].kill().await;
    let path = log(world);
    let written = fs::read(&path).expect("the log can be read");
    // A log that a removal has just emptied has no page to repeat: then it begins with one that says nothing.
    let half = written.len().checked_sub(FRAME).map_or(&[0; FRAME / 2][..], |last| &written[last..][..FRAME / 2]);
    File::options().append(true).open(&path).and_then(|mut file| file.write_all(half)).expect("half a page is added");
    world.nodes[0].supervised().await;
    let proof = format!("{gone}; a log of {} bytes ended with {} more", written.len(), half.len());
    Fired { fault: Fault::LogTorn, proof, began, ended: Instant::now(), away: vec![], lost_at: None }
}

/// So many whole pages go with the torn one that what was acknowledged last is among them.
const MORE: usize = 12;

pub(super) async fn cut_short(world: &World, dice: &mut Dice) -> Fired {
    let began = Instant::now();
    let gone = world.nodes[0].kill().await;
    let path = log(world);
    let file = File::options().write(true).open(&path).expect("the log can be opened");
    let length = file.metadata().expect("a file").len();
    let kept = length.saturating_sub((FRAME / 2 + FRAME * dice.below(MORE)) as u64);
    file.set_len(kept).expect("the log can be cut");
    world.nodes[0].supervised().await;
    let ended = Instant::now();
    let proof = format!("{gone}; the log cut from {length} to {kept} bytes");
    Fired { fault: Fault::LogCutShort, proof, began, ended, away: vec![], lost_at: Some(ended) }
}
