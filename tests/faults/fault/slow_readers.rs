//! Slow readers that take nothing at all for a while.

use tokio::time::Instant;

use super::{Fault, Fired};
use crate::{
    link::Way,
    world::{World, until},
};

pub(super) async fn fire(world: &World) -> Fired {
    let lanes = || world.nodes.iter().map(|node| &node.lane);
    let held = || lanes().map(|lane| lane.held()).sum::<u64>();
    let slow = || world.readers.get().into_iter().flatten().filter(|reader| reader.habit.slow);
    let heard = || slow().map(|reader| reader.look(|seen| seen.story.len())).sum::<usize>();
    let (began, before) = (Instant::now(), held());
    lanes().for_each(|lane| lane.hold(&[Way::Down]));
    until("something is held back", async || held() > before).await;
    let (heard_before, made_before) = (heard(), world.record.count());
    world.more(40).await;
    let (heard, made) = (heard() - heard_before, world.record.count() - made_before);
    lanes().for_each(|lane| lane.mend());
    let proof = format!("{} slow readers were told {heard} things while {made} changes were made", slow().count());
    Fired { fault: Fault::SlowReaders, proof, began, ended: Instant::now(), away: vec![], lost_at: None }
}
