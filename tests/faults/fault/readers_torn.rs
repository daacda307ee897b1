//! Readers' connections that end in the middle of a message: all but its last byte arrives.

use std::time::Duration;

use tokio::time::Instant;

use super::{Fault, Fired};
use crate::world::{World, until};

pub(super) async fn fire(world: &World) -> Fired {
    let links = || world.nodes.iter().flat_map(|node| [&node.street, &node.lane]);
    let torn = || links().map(|link| link.torn()).sum::<u64>();
    let began = Instant::now();
    let before = torn();
    for again in 1..=3 {
        // Those that end otherwise meanwhile leave their place to others, which are torn then.
        let mut next = Instant::now();
        until("connections are torn", async || {
            if Instant::now() >= next {
                links().for_each(|link| link.tear());
                next += Duration::from_secs(1);
            }
            torn() >= before + 3 * again
        })
        .await;
    }
    let proof = format!("{} connections ended one byte before the end of a message", torn() - before);
    Fired { fault: Fault::ReadersTorn, proof, began, ended: Instant::now(), away: vec![], lost_at: None }
}
