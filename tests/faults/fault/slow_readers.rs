//! Slow readers that take nothing at all for a while.

use tokio::time::Instant;

use super::{Fault, Fired};
use crate::{link::Way, support, world::World};

pub(super) async fn fire(world: &World) -> Fired {
    let lanes = || world.nodes.iter().map(|node| &node.lane);
    let held = || lanes().map(|lane| lane.held()).sum::<u64>();
    let (began, before) = (Instant::now(), held());
    lanes().for_each(|lane| lane.hold(&[Way::Down]));
    world.more(40).await;
    support::until("something is held back", async || held() > before).await;
    lanes().for_each(|lane| lane.mend());
    let proof = format!("{} bytes held back from slow readers during 40 changes", held() - before);
    Fired { fault: Fault::SlowReaders, proof, began, ended: Instant::now(), away: vec![], lost_at: None }
}
