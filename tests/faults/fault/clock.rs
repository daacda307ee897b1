//! A node whose clock is suddenly ten minutes ahead, or behind, and later right again.

use jiff::{Timestamp, fmt::rfc2822};
use tokio::time::Instant;

use super::{Fault, Fired};
use crate::{
    support::{self, dice::Dice},
    world::World,
};

/// How far a node's clock is ahead, in seconds: what it dates its answers with.
async fn ahead(world: &World, node: usize) -> i64 {
    let answer = reqwest::get(world.nodes[node].url("/healthz")).await.expect("the node answers");
    let date = answer.headers().get("date").expect("answers are dated").to_str().expect("text").to_owned();
    let date = rfc2822::parse(&date).expect("a date").timestamp();
    (date.as_second()) - Timestamp::now().as_second()
}

pub(super) async fn fire(world: &World, dice: &mut Dice) -> Fired {
    let node = dice.below(world.nodes.len());
    let (words, seconds) = *dice.pick(&[("+600", 600), ("-600", -600)]);
    let began = Instant::now();
    world.nodes[node].set_clock(words);
    let mut seen = 0;
    let near = |seen: i64, seconds: i64| (seen - seconds).abs() < 30;
    support::until("the node's clock is wrong", async || {
        seen = ahead(world, node).await;
        near(seen, seconds)
    })
    .await;
    world.more(10).await;
    world.nodes[node].set_clock("+0");
    support::until("the node's clock is right", async || near(ahead(world, node).await, 0)).await;
    let proof = format!("node {node} dated its answers {seen} s ahead");
    Fired { fault: Fault::Clock, proof, began, ended: Instant::now(), away: vec![], lost_at: None }
}
