//! A node killed as `kill -9` does, and started again by its supervisor. On SQLite the node is all there is, so it is
//! killed many times, each after a few more changes.

use std::time::Duration;

use tokio::time::Instant;

use super::{Fault, Fired};
use crate::{
    support::dice::Dice,
    world::{Kept, World},
};

/// How often the only node of a store is killed.
pub(crate) const KILLS: usize = 20;

pub(super) async fn fire(world: &World, dice: &mut Dice) -> Fired {
    let began = Instant::now();
    let kills = if world.plan.kept == Kept::Sqlite { KILLS } else { 1 };
    let mut proof = String::new();
    for kill in 0..kills {
        if kill > 0 {
            world.more(1 + dice.below(6)).await;
        }
        let number = dice.below(world.nodes.len());
        let node = &world.nodes[number];
        // At any moment of a commit.
        tokio::time::sleep(Duration::from_micros(dice.below(20_000) as u64)).await;
        let gone = node.kill().await;
        if dice.below(3) == 0 {
            tokio::time::sleep(Duration::from_millis(dice.below(1_500) as u64)).await;
        }
        node.supervised().await;
        if kill == 0 || kill + 1 == kills {
            proof.push_str(&format!("node {number}: {gone}, now {}; ", node.id()));
        }
    }
    proof.push_str(&format!("{kills} kills"));
    Fired { fault: Fault::NodeKilled, proof, began, ended: Instant::now(), away: vec![], lost_at: None }
}
