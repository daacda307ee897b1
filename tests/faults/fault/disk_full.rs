//! A disk with no room left for the SQLite file: a limit of size stands for it, beyond which a write is an error.

use std::process::Command;

use tokio::time::Instant;

use super::{Fault, Fired, red, refused};
use crate::{support::dice::Dice, world::World};

fn limit(id: u32, bytes: &str) {
    let set = Command::new("prlimit").args(["--pid", &id.to_string(), &format!("--fsize={bytes}")]).status();
    assert!(set.expect("prlimit is installed").success());
}

pub(super) async fn fire(world: &World, dice: &mut Dice) -> Fired {
    let id = world.nodes[0].id();
    let began = Instant::now();
    // Nothing more fits, or a few pages more.
    let bytes = 4_096 * (1 + dice.below(60));
    limit(id, &format!("{bytes}:"));
    let (refusal, seen) = (refused(world, began).await, red(world, 0, "").await);
    let limits = std::fs::read_to_string(format!("/proc/{id}/limits")).expect("the process is there");
    let line = limits.lines().find(|line| line.starts_with("Max file size")).expect("Linux says");
    assert!(line.contains(&bytes.to_string()), "{line}");
    limit(id, "unlimited:");
    let proof = format!("process {id}: files end at {bytes} bytes; {refusal}; {seen}");
    Fired { fault: Fault::DiskFull, proof, began, ended: Instant::now(), away: vec![], lost_at: None }
}
