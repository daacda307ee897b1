//! A slow Redis: each of its replies to every node is late.

use std::time::Duration;

use tokio::time::Instant;

use super::{Fault, Fired};
use crate::{support::dice::Dice, world::World};

pub(super) async fn fire(world: &World, dice: &mut Dice) -> Fired {
    let late = Duration::from_millis(30 + dice.below(200) as u64);
    let wires: Vec<_> = world.nodes.iter().filter_map(|node| node.wire.as_ref()).collect();
    let before: u64 = wires.iter().map(|wire| wire.late()).sum();
    let began = Instant::now();
    wires.iter().for_each(|wire| wire.delay(late));
    world.more(6).await;
    wires.iter().for_each(|wire| wire.mend());
    let replies = wires.iter().map(|wire| wire.late()).sum::<u64>() - before;
    assert!(replies > 0, "replies were late");
    let proof = format!("{replies} replies {late:?} late each");
    Fired { fault: Fault::RedisSlow, proof, began, ended: Instant::now(), away: vec![], lost_at: None }
}
