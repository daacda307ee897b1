//! A node cut off from its Redis: what goes between the two is held back, both ways or one, and arrives late or never.

use std::time::Duration;

use tokio::time::Instant;

use super::{Fault, Fired, red};
use crate::{
    link::Way,
    support::dice::Dice,
    world::{World, until},
};

/// For less than the shortest timeout that a client of Redis may have (a second).
pub(super) async fn briefly(world: &World, dice: &mut Dice) -> Fired {
    let node = dice.below(world.nodes.len());
    let wire = world.nodes[node].wire.as_ref().expect("a wire to Redis");
    let (began, before) = (Instant::now(), wire.held());
    wire.hold(&[Way::Up, Way::Down]);
    tokio::time::sleep(Duration::from_millis(200 + dice.below(700) as u64)).await;
    until("something is held back", async || wire.held() > before).await;
    wire.mend();
    let proof = format!("{} bytes between node {node} and Redis held back", wire.held() - before);
    Fired { fault: Fault::CutOffBriefly, proof, began, ended: Instant::now(), away: vec![node], lost_at: None }
}

/// Until the node and all its readers have noticed; then the network heals, or its connections have died meanwhile.
pub(super) async fn long(world: &World, dice: &mut Dice, fault: Fault, ways: &[Way]) -> Fired {
    let node = dice.below(world.nodes.len());
    let wire = world.nodes[node].wire.as_ref().expect("a wire to Redis");
    let (began, before) = (Instant::now(), wire.held());
    wire.hold(ways);
    // What breaks at the same time may have silenced one of the two, until that is whole again.
    until("something is held back", async || wire.held() > before).await;
    let seen = red(world, node, "").await;
    let told = world.told(node, began).await;
    tokio::time::sleep(Duration::from_millis(dice.below(2_000) as u64)).await;
    if dice.below(2) == 0 {
        wire.cut();
    }
    wire.mend();
    let held = wire.held() - before;
    let proof = format!("{held} bytes between node {node} and Redis held back; {seen}; {told} readers told");
    Fired { fault, proof, began, ended: Instant::now(), away: vec![node], lost_at: None }
}
