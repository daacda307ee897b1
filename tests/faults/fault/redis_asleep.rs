//! A Redis that is busy with one command and answers nothing else meanwhile.

use tokio::time::Instant;

use super::{Fault, Fired};
use crate::{support::dice::Dice, world::World};

pub(super) async fn fire(world: &World, dice: &mut Dice) -> Fired {
    let seconds = *dice.pick(&["0.5", "2", "4", "8"]);
    let began = Instant::now();
    () = world.redis().say(&["DEBUG", "SLEEP", seconds]).await;
    let ended = Instant::now();
    let took = ended - began;
    assert!(took.as_secs_f64() >= seconds.parse().expect("a number"), "it slept: {took:?}");
    let stats: String = world.redis().say(&["INFO", "commandstats"]).await;
    let slept = stats.lines().find(|line| line.starts_with("cmdstat_debug")).expect("it counts commands");
    let proof = format!("DEBUG SLEEP {seconds} took {took:?}; {slept}");
    let away = (0..world.nodes.len()).collect();
    Fired { fault: Fault::RedisAsleep, proof, began, ended, away, lost_at: None }
}
