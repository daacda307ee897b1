//! A node in a network of its own, from which nothing reaches its store any more, or which nothing from there reaches:
//! packets are lost, and who sent them hears nothing.

use std::time::Duration;

use tokio::time::Instant;

use super::{Fault, Fired, red};
use crate::{
    link::Way,
    support::dice::Dice,
    world::{World, until},
};

/// What is lost, and how a proof calls it.
const LOST: [(&[Way], &str); 3] = [
    (&[Way::Up, Way::Down], "between the node and Redis"),
    (&[Way::Up], "from the node to Redis"),
    (&[Way::Down], "from Redis to the node"),
];

/// Until the node and all its readers have noticed.
pub(super) async fn fire(world: &World, dice: &mut Dice) -> Fired {
    let node = world.nodes.len() - 1;
    let network = world.nodes[node].network.as_ref().expect("a network of its own");
    let (began, before) = (Instant::now(), network.sent_again());
    let (ways, words) = *dice.pick(&LOST);
    network.lose(ways);
    let seen = red(world, node, "").await;
    let told = world.told(node, began).await;
    until("segments are sent again", async || network.sent_again() > before).await;
    tokio::time::sleep(Duration::from_millis(dice.below(2_000) as u64)).await;
    let again = network.sent_again() - before;
    network.mend();
    let proof =
        format!("all packets {words} lost, {again} segments of node {node} sent again; {seen}; {told} readers told");
    Fired { fault: Fault::PacketsLost, proof, began, ended: Instant::now(), away: vec![node], lost_at: None }
}
