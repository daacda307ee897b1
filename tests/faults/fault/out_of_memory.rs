//! A Redis that has no memory left and throws nothing away.

use tokio::time::Instant;

use super::{Fault, Fired, red, refused};
use crate::world::World;

pub(super) async fn fire(world: &World) -> Fired {
    let redis = world.redis();
    let began = Instant::now();
    () = redis.say(&["CONFIG", "SET", "maxmemory", "1"]).await;
    let (refusal, seen) = (refused(world, began).await, red(world, 0, "OOM").await);
    () = redis.say(&["CONFIG", "SET", "maxmemory", "0"]).await;
    let proof = format!("maxmemory 1, noeviction; {refusal}; {seen}");
    Fired { fault: Fault::OutOfMemory, proof, began, ended: Instant::now(), away: vec![], lost_at: None }
}
