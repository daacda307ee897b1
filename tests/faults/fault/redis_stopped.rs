//! A Redis that is stopped as it stands: its connections stay open, the system takes new ones for it, and nothing is
//! answered.

use std::time::Duration;

use tokio::time::Instant;

use super::{Fault, Fired, red};
use crate::{
    support::dice::Dice,
    world::{World, until},
};

pub(super) async fn fire(world: &World, dice: &mut Dice) -> Fired {
    let redis = world.redis();
    let began = Instant::now();
    redis.pause();
    let mut state = String::new();
    until("Redis is stopped", async || {
        let status = std::fs::read_to_string(format!("/proc/{}/status", redis.id())).expect("the process is there");
        let line = status.lines().find(|line| line.starts_with("State:")).expect("Linux says");
        state = line.replace('\t', " ");
        state.contains("stopped")
    })
    .await;
    let mut seen = String::new();
    if dice.below(2) == 0 {
        for node in 0..world.nodes.len() {
            seen.push_str(&format!("; {}; {} readers told", red(world, node, "").await, world.told(node, began).await));
        }
    } else {
        tokio::time::sleep(Duration::from_millis(300 + dice.below(4_000) as u64)).await;
    }
    redis.resume();
    let proof = format!("Redis process {}: {state}{seen}", redis.id());
    let away = (0..world.nodes.len()).collect();
    Fired { fault: Fault::RedisStopped, proof, began, ended: Instant::now(), away, lost_at: None }
}
