//! A Redis that may be read and not written: a replica, or a master with too few replicas.

use tokio::time::Instant;

use super::{Fault, Fired, red, refused};
use crate::world::World;

pub(super) async fn replica(world: &World) -> Fired {
    let redis = world.redis();
    let began = Instant::now();
    // Nobody is there to replicate from, so that it keeps what it has.
    () = redis.say(&["REPLICAOF", "127.0.0.1", "1"]).await;
    let info: String = redis.say(&["INFO", "replication"]).await;
    let role = info.lines().find(|line| line.starts_with("role:")).expect("it says").trim().to_owned();
    assert_eq!(role, "role:slave");
    let (refusal, seen) = (refused(world, began).await, red(world, 0, "READONLY").await);
    () = redis.say(&["REPLICAOF", "NO", "ONE"]).await;
    let proof = format!("INFO says {role}; {refusal}; {seen}");
    Fired { fault: Fault::ReadOnlyReplica, proof, began, ended: Instant::now(), away: vec![], lost_at: None }
}

pub(super) async fn alone(world: &World) -> Fired {
    let redis = world.redis();
    let began = Instant::now();
    () = redis.say(&["CONFIG", "SET", "min-replicas-to-write", "1"]).await;
    let (refusal, seen) = (refused(world, began).await, red(world, 0, "NOREPLICAS").await);
    () = redis.say(&["CONFIG", "SET", "min-replicas-to-write", "0"]).await;
    let proof = format!("min-replicas-to-write 1; {refusal}; {seen}");
    Fired { fault: Fault::TooFewReplicas, proof, began, ended: Instant::now(), away: vec![], lost_at: None }
}
