//! Redis killed as `kill -9` does, and started again on its files.

use std::time::Duration;

use tokio::time::Instant;

use super::{Fault, Fired, red};
use crate::{
    support::{dice::Dice, redis::RedisServer},
    world::{Kept, World},
};

/// Which run of the server this is.
pub(super) async fn run(redis: &RedisServer) -> String {
    let info: String = redis.say(&["INFO", "server"]).await;
    info.lines().find_map(|line| line.strip_prefix("run_id:")).expect("it says").to_owned()
}

pub(super) async fn fire(world: &World, dice: &mut Dice) -> Fired {
    let redis = world.redis();
    let (before, id) = (run(redis).await, redis.id());
    let began = Instant::now();
    redis.kill();
    let mut seen = String::new();
    match dice.below(3) {
        0 => seen = format!("; {}", red(world, 0, "").await),
        _ => tokio::time::sleep(Duration::from_millis(dice.below(1_200) as u64)).await,
    }
    redis.up();
    let ended = Instant::now();
    let after = run(redis).await;
    assert_ne!(before, after, "another run of Redis");
    let proof =
        format!("Redis process {id} gone, now {}; run_id {} then {}{seen}", redis.id(), &before[..8], &after[..8]);
    let lost_at = (world.plan.kept == Kept::EverySecond).then_some(ended);
    Fired { fault: Fault::RedisKilled, proof, began, ended, away: (0..world.nodes.len()).collect(), lost_at }
}
