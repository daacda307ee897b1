//! Everything that can break, breaking, while editors publish and readers read: what was acknowledged is not lost, no
//! reader is sent anything twice or out of order, and whatever a failing store loses is told.
//!
//! Rounds are drawn from a table of what can break on which store ([`table`]), each with readers at every door, from one
//! seed: `FAULTS_SEED` repeats a run, and `FAULTS_ROUND` with it a single round of it. `cargo test --test faults --
//! --ignored` makes the long run and prints the figures that RELIABILITY.md quotes; `FAULTS_ROUNDS` is how long.
//!
//! The judge ([`judge`]) knows what PROTOCOL.md says and nothing of the server.

#![expect(clippy::disallowed_methods, reason = "a test waits for the tasks that it starts")]

mod editor;
mod fault;
mod figures;
mod judge;
mod link;
mod measure;
mod namespace;
mod node;
mod reader;
mod record;
mod rivals;
mod round;
#[path = "../support/mod.rs"]
mod support;
mod table;
mod truth;
mod twice;
mod wire;
mod world;

use std::time::Duration;

use fault::Fault;
use figures::Figures;
use futures_util::stream::{self, StreamExt as _};
use namespace::Namespace;
use round::{Draw, Outcome};

/// The seed of the short run, unless another is given.
const SEED: u64 = 1;
/// Within what time delivery goes on once what was broken is whole again. Held in a long run, on a machine that has
/// nothing else to do.
const GOES_ON: Duration = Duration::from_secs(3);
/// How many rounds a long run has, unless it is told otherwise.
const ROUNDS: usize = 200;

fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().expect("a number"))
}

/// What can happen on this machine: sealing a file takes root, and a file system that does it; losing packets takes a
/// network namespace.
fn possible() -> impl Fn(Fault) -> bool + Copy {
    let dir = tempfile::TempDir::new_in(world::ON_DISK).expect("a temporary directory");
    let can_seal = fault::can_seal(dir.path());
    if !can_seal {
        println!("files cannot be sealed here: {} is left out", Fault::FileSealed.name());
    }
    let network = Namespace::new();
    if let Err(why) = &network {
        println!("no network of a node's own can be made here ({why}): {} is left out", Fault::PacketsLost.name());
    }
    let has_networks = network.is_ok();
    move |fault| match fault {
        Fault::FileSealed => can_seal,
        Fault::PacketsLost => has_networks,
        _ => true,
    }
}

fn tell(outcome: &Outcome) {
    let Outcome { draw, fired, verdict, measure, took } = outcome;
    println!("{}: {took:.1?}, {} changes, {measure:.1?}", draw.name(), verdict.acknowledged);
    fired.iter().for_each(|fired| println!("    {}: {}", fired.fault.name(), fired.proof));
    verdict.wrongs.iter().for_each(|(wrong, words)| println!("    WRONG, {wrong:?}: {words}"));
}

/// Plays rounds, so many at once, and fails if anything was wrong in any of them.
async fn play(draws: Vec<Draw>, at_once: usize) -> Figures {
    let _there = rustls::crypto::ring::default_provider().install_default();
    let chosen = setting("FAULTS_ROUND");
    let draws = draws.into_iter().filter(|draw| chosen.is_none_or(|number| draw.number as u64 == number));
    let mut outcomes = stream::iter(draws.map(Draw::play)).buffer_unordered(at_once);
    let (mut figures, mut wrong) = (Figures::default(), Vec::new());
    while let Some(outcome) = outcomes.next().await {
        match outcome {
            Ok(outcome) => {
                tell(&outcome);
                figures.add(&outcome);
                if !outcome.verdict.is_clean() {
                    wrong.push(outcome.draw.name());
                }
            }
            Err(words) => wrong.push(words),
        }
    }
    println!("{}", figures.told());
    assert!(wrong.is_empty(), "{wrong:#?}");
    figures
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn each_fault_alone_loses_nothing_in_silence() {
    let seed = setting("FAULTS_SEED").unwrap_or(SEED);
    println!("FAULTS_SEED={seed}");
    play(table::each_once(seed, possible()), 5).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "takes ten minutes and more"]
async fn two_hundred_rounds_of_faults_lose_nothing_in_silence() {
    let seed = setting("FAULTS_SEED").unwrap_or_else(|| u64::from(getrandom::u32().expect("random numbers")));
    let rounds = setting("FAULTS_ROUNDS").map_or(ROUNDS, |rounds| usize::try_from(rounds).expect("so many"));
    println!("FAULTS_SEED={seed}");
    let possible = possible();
    let figures = play(table::many(seed, rounds, possible), 4).await;
    if setting("FAULTS_ROUND").is_none() {
        let rare = figures.rarer_than(table::AT_LEAST, possible);
        assert_eq!(figures.later_than(GOES_ON), 0, "delivery goes on within {GOES_ON:?}");
        assert!(rare.is_empty(), "happened less than {} times alone and together: {rare:?}", table::AT_LEAST);
    }
}
