//! A node cut off from its Redis: what goes between the two is held back, both ways or one, and arrives late or never.
//! Sentinels may be cut off from it as well, or go on to tell it where the master is that it does not reach.

use std::time::Duration;

use tokio::time::Instant;

use super::{Fault, Fired, red};
use crate::{
    link::Way,
    support::dice::Dice,
    wire::{Reach, Wire},
    world::{World, until},
};

/// What the node is cut off from.
fn reach(wire: &Wire, dice: &mut Dice) -> Reach {
    // Thrown in any case, so that the same seed is the same round on every store.
    match dice.below(2) {
        0 if wire.has_sentinels() => Reach::Everything,
        _ => Reach::Servers,
    }
}

/// For less than the shortest timeout that a client of Redis may have (a second).
pub(super) async fn briefly(world: &World, dice: &mut Dice) -> Fired {
    let node = dice.below(world.nodes.len());
    let wire = world.nodes[node].wire.as_ref().expect("a wire to Redis");
    let (began, reach) = (Instant::now(), reach(wire, dice));
    let before = wire.held(reach);
    wire.hold(reach, &[Way::Up, Way::Down]);
    tokio::time::sleep(Duration::from_millis(200 + dice.below(700) as u64)).await;
    until("something is held back", async || wire.held(reach) > before).await;
    wire.mend();
    let proof = format!("{} bytes between node {node} and {} held back", wire.held(reach) - before, reach.name());
    Fired { fault: Fault::CutOffBriefly, proof, began, ended: Instant::now(), away: vec![node], lost_at: None }
}

/// Until the node and all its readers have noticed; then the network heals, or its connections have died meanwhile.
pub(super) async fn long(world: &World, dice: &mut Dice, fault: Fault, ways: &[Way]) -> Fired {
    let node = dice.below(world.nodes.len());
    let wire = world.nodes[node].wire.as_ref().expect("a wire to Redis");
    let (began, reach) = (Instant::now(), reach(wire, dice));
    let before = wire.held(reach);
    wire.hold(reach, ways);
    // What breaks at the same time may have silenced one of the two, until that is whole again.
    until("something is held back", async || wire.held(reach) > before).await;
    let seen = red(world, node, "").await;
    let told = world.told(node, began).await;
    tokio::time::sleep(Duration::from_millis(dice.below(2_000) as u64)).await;
    if dice.below(2) == 0 {
        wire.cut(reach);
    }
    wire.mend();
    let held = wire.held(reach) - before;
    let to = reach.name();
    let proof = format!("{held} bytes between node {node} and {to} held back; {seen}; {told} readers told");
    Fired { fault, proof, began, ended: Instant::now(), away: vec![node], lost_at: None }
}
