//! A Redis that somebody emptied. Its operator makes the feed and a token anew: at once, or only after readers were
//! told that the feed is gone.

use std::time::Duration;

use tokio::time::Instant;

use super::{Fault, Fired};
use crate::{support::dice::Dice, world::World};

pub(super) async fn fire(world: &World, dice: &mut Dice) -> Fired {
    let began = Instant::now();
    let flush = "redis.call('FLUSHALL') return redis.call('DBSIZE')";
    let left: u64 = world.redis().say(&["EVAL", flush, "0"]).await;
    let flushed = Instant::now();
    assert_eq!(left, 0, "dbsize after FLUSHALL");
    if dice.below(2) == 0 {
        tokio::time::sleep(Duration::from_millis(dice.below(3_000) as u64)).await;
    }
    world.lay_out().await;
    let proof = "dbsize 0 after FLUSHALL".to_owned();
    Fired { fault: Fault::Flushed, proof, began, ended: Instant::now(), away: vec![], lost_at: Some(flushed) }
}
