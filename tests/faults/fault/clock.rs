//! A node whose clock is suddenly ten minutes ahead, or behind, and later right again.

use jiff::Timestamp;
use tokio::time::Instant;

use super::{Fault, Fired};
use crate::{
    support::dice::Dice,
    world::{World, until},
};

/// How far a node's clock is ahead, in seconds: what it dates the newest line of its log with.
fn ahead(world: &World, node: usize) -> i64 {
    let log = world.nodes[node].log();
    let dates = log.lines().rev().filter_map(|line| line.split(' ').next()?.parse::<Timestamp>().ok());
    dates.map(Timestamp::as_second).next().unwrap_or_default() - Timestamp::now().as_second()
}

pub(super) async fn fire(world: &World, dice: &mut Dice) -> Fired {
    let node = dice.below(world.nodes.len());
    let (words, seconds) = *dice.pick(&[("+600", 600), ("-600", -600)]);
    let began = Instant::now();
    world.nodes[node].set_clock(words);
    let mut seen = 0;
    let near = |seen: i64, seconds: i64| (seen - seconds).abs() < 30;
    until("the node's clock is wrong", async || {
        seen = ahead(world, node);
        near(seen, seconds)
    })
    .await;
    world.more(10).await;
    world.nodes[node].set_clock("+0");
    until("the node's clock is right", async || near(ahead(world, node), 0)).await;
    let proof = format!("node {node} dated its log {seen} s ahead");
    Fired { fault: Fault::Clock, proof, began, ended: Instant::now(), away: vec![], lost_at: None }
}
