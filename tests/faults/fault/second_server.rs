//! A second server that is started on the SQLite file of the first: it says so and ends, and the first goes on.

use tokio::{process::Command, time::Instant};

use super::{Fault, Fired};
use crate::world::World;

pub(super) async fn fire(world: &World) -> Fired {
    let began = Instant::now();
    let id = world.nodes[0].id();
    let mut second = Command::new(env!("CARGO_BIN_EXE_newswire"));
    second.args(["--listen", "127.0.0.1:0", "--data"]).arg(world.data());
    let ran = second.output().await.expect("newswire runs");
    let said = String::from_utf8_lossy(&ran.stderr).trim().lines().last().unwrap_or_default().to_owned();
    assert!(!ran.status.success(), "a second server starts: {said}");
    assert!(said.contains("another"), "a clear sentence: {said}");
    world.more(3).await;
    assert_eq!(id, world.nodes[0].id());
    let proof = format!("the second: {}, {said}; the first is still process {id}", ran.status);
    Fired { fault: Fault::SecondServer, proof, began, ended: Instant::now(), away: vec![], lost_at: None }
}
