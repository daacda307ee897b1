//! A node killed as `kill -9` does, and started again by its supervisor. On SQLite the server is all there is, so it is
//! killed many times, each after a few more changes.

use std::time::Duration;

use tokio::time::Instant;

use super::{Fault, Fired};
use crate::{support::dice::Dice, world::World};

/// How often the server on SQLite is killed each time: ten times this is 200.
pub(crate) const KILLS: usize = 20;

pub(super) async fn once(world: &World, dice: &mut Dice) -> Fired {
    let began = Instant::now();
    let proof = kill(world, dice.below(world.nodes.len()), dice).await;
    Fired { fault: Fault::NodeKilled, proof, began, ended: Instant::now(), away: vec![], lost_at: None }
}

pub(super) async fn often(world: &World, dice: &mut Dice) -> Fired {
    let began = Instant::now();
    let first = kill(world, 0, dice).await;
    let mut last = String::new();
    for _ in 1..KILLS {
        world.more(1 + dice.below(6)).await;
        last = kill(world, 0, dice).await;
    }
    let proof = format!("{KILLS} kills, the first: {first}; the last: {last}");
    Fired { fault: Fault::ServerKilled, proof, began, ended: Instant::now(), away: vec![], lost_at: None }
}

/// Kills it at any moment of a commit, and has it started again: at once, or after a while.
async fn kill(world: &World, number: usize, dice: &mut Dice) -> String {
    let node = &world.nodes[number];
    tokio::time::sleep(Duration::from_micros(dice.below(20_000) as u64)).await;
    let gone = node.kill().await;
    if dice.below(3) == 0 {
        tokio::time::sleep(Duration::from_millis(dice.below(1_500) as u64)).await;
    }
    node.supervised().await;
    format!("node {number}: {gone}, now {}", node.id())
}
