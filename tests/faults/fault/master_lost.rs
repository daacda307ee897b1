//! Redis' master killed as `kill -9` does; Sentinels promote its replica, which may not have had everything yet, and
//! the old master comes back as a replica of it.

use tokio::time::Instant;

use super::{Fault, Fired, refused};
use crate::{
    support::{dice::Dice, redis::RedisServer},
    world::{Kept, World, until},
};

pub(super) async fn fire(world: &World, dice: &mut Dice) -> Fired {
    let (master, replica) = (world.redis(), world.replica());
    let id = master.id();
    assert!(replica.is_replica().await, "it is one");
    let began = Instant::now();
    let lacking = if dice.below(3) > 0 { falls_behind(world, 1 + dice.below(4)).await } else { String::new() };
    let killed = Instant::now();
    master.kill();
    until("the replica is the master", async || !replica.is_replica().await).await;
    world.sentinels().name(replica).await;
    let ended = Instant::now();
    () = replica.say(&["CONFIG", "SET", "masterauth", ""]).await;
    master.up();
    until("the old master is a replica", async || master.is_replica().await).await;
    let proof = format!(
        "master {id} gone, its replica is role:master after {:.1?}{lacking}; the old master is role:slave",
        ended - killed,
    );
    let away = (0..world.nodes.len()).collect();
    Fired { fault: Fault::MasterLost, proof, began, ended, away, lost_at: Some(ended) }
}

/// Cuts the replica off from its master, which makes a few changes more, and says what the replica then lacks. A
/// password that its master does not know keeps it from coming back.
async fn falls_behind(world: &World, changes: usize) -> String {
    let (master, replica) = (world.redis(), world.replica());
    () = replica.say(&["CONFIG", "SET", "masterauth", "another"]).await;
    let _cut: u64 = master.say(&["CLIENT", "KILL", "TYPE", "replica"]).await;
    let told = async |server: &RedisServer, name: &str| {
        let info: String = server.say(&["INFO", "replication"]).await;
        info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':').map(ToOwned::to_owned))
    };
    until("the replica is cut off", async || {
        told(replica, "master_link_status").await.is_some_and(|status| status == "down")
    })
    .await;
    // What the replica must have received is made, and not acknowledged.
    let refusal = match world.plan.kept {
        Kept::Acknowledged => format!(", {}", refused(world, Instant::now()).await),
        _ => {
            world.more(changes).await;
            String::new()
        }
    };
    let offset = async |server, name| told(server, name).await.and_then(|offset| offset.parse::<u64>().ok());
    let (of_master, of_replica) = (offset(master, "master_repl_offset"), offset(replica, "slave_repl_offset"));
    let bytes = of_master.await.unwrap_or_default() - of_replica.await.unwrap_or_default();
    format!(", without the last {bytes} bytes{refusal}")
}
