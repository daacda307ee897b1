//! A Redis that is restored from a dump (RDB) that is older than what it had acknowledged. Its numbers then go on, so
//! that the same ones are given out again.

use std::fs;

use tokio::time::Instant;

use super::{Fault, Fired, redis_killed::run};
use crate::{support::dice::Dice, world::World};

pub(super) async fn fire(world: &World, dice: &mut Dice) -> Fired {
    let redis = world.redis();
    () = redis.say(&["SAVE"]).await;
    let copy = redis.dir().join("older.rdb");
    fs::copy(redis.dir().join("dump.rdb"), &copy).expect("the dump can be copied");
    let (before, run_before) = (world.record.count(), run(redis).await);
    world.more(4 + dice.below(20)).await;

    let began = Instant::now();
    redis.kill();
    let lost = world.record.count() - before;
    // An append-only file that consists of this dump alone, as an operator makes who restores one.
    let files = redis.files();
    fs::remove_dir_all(&files).expect("our own files can be removed");
    fs::create_dir(&files).expect("a directory can be made");
    fs::copy(&copy, files.join("appendonly.aof.1.base.rdb")).expect("the dump can be put back");
    let manifest = "file appendonly.aof.1.base.rdb seq 1 type b\n";
    fs::write(files.join("appendonly.aof.manifest"), manifest).expect("the list of files can be written");
    redis.up();
    let ended = Instant::now();
    let run_after = run(redis).await;
    assert_ne!(run_before, run_after, "another run of Redis");
    let proof = format!(
        "run_id {} then {}, on a dump that lacks about {lost} acknowledged changes",
        &run_before[..8],
        &run_after[..8]
    );
    let away = (0..world.nodes.len()).collect();
    Fired { fault: Fault::OlderCopy, proof, began, ended, away, lost_at: Some(ended) }
}
