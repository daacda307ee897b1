//! What a durable publish costs: `cargo bench --bench store`.
//!
//! Sixty-four editors publish typical items over HTTP to the real server, each its next as soon as the last is answered,
//! once with SQLite and once with a real redis-server. BENCHMARKS.md has the figures and what they do not say.

#[path = "../support/mod.rs"]
mod support;

use std::process::ExitCode;

use clap::{Parser, ValueEnum};

use support::{
    Fallible,
    arguments::Runs,
    editors::{Editors, Pace, Published},
    http,
    newswire::{self, FEED, Newswire},
    proc::Computed,
    redis::RedisServer,
    report::{Figure, Reach, Report},
    stamp::{NUMBER, Stamped},
    typical,
};

/// How many editors there are.
const EDITORS: usize = 64;
/// How many publications are not counted: what is opened and prepared once is done by then.
const WARM_UP: u32 = 500;

/// Where the server keeps its feeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Store {
    /// One file, brought to the disk with every commit
    Sqlite,
    /// A redis-server with an append-only file, brought to the disk every second
    Redis,
}

/// Measures how many publications a second are committed, and how long each takes.
#[derive(Parser)]
#[command(name = "store")]
struct Arguments {
    /// Which stores; both unless given
    stores: Vec<Store>,
    #[command(flatten)]
    runs: Runs,
}

fn main() -> ExitCode {
    match bench(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("store: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn bench(arguments: &Arguments) -> Fallible<()> {
    let Runs { runs, quick, .. } = arguments.runs;
    let mut stores = arguments.stores.clone();
    if stores.is_empty() {
        stores.extend(Store::value_variants());
    }
    let mut report = Report::new("store".to_owned(), "newswire");
    for run in 1..=runs {
        for store in &stores {
            eprintln!("{store:?}, run {run} of {runs}");
            report.add(&format!("{store:?}"), "newswire", measure(*store, quick)?);
        }
    }
    println!("{}", report.table());
    if quick {
        println!("A quick look: the load is shorter than the one that `reach` speaks of.");
    }
    println!("All runs are in {}.", report.write()?);
    Ok(())
}

/// One run on a new store.
fn measure(store: Store, quick: bool) -> Fallible<Vec<Figure>> {
    let redis = match store {
        Store::Sqlite => None,
        Store::Redis => Some(RedisServer::start()?),
    };
    let store: Vec<u32> = redis.iter().map(RedisServer::id).collect();
    let server = Newswire::start(redis)?;
    let mut editors = Editors::connect(server.address, EDITORS, typical_request(&server)?)?;
    editors.publish(Pace::AtOnce(WARM_UP), 0)?;
    let before = (Computed::by(&[server.id()])?, Computed::by(&store)?);
    let changes = if quick { 5_000 } else { 30_000 };
    let Published { latencies, took, .. } = editors.publish(Pace::AtOnce(changes), 0)?;
    let spent = Computed::by(&[server.id()])?.since(&before.0);
    let stored = Computed::by(&store)?.since(&before.1);
    // The feed's creation is its first change.
    let (head, all) = (newswire::head(server.address)?, format!("{}-", 1 + WARM_UP + changes));
    if !head.starts_with(&all) {
        return Err(
            format!("the feed's newest change is {head} and not {all}…: not each publish was one change").into()
        );
    }
    let changes = f64::from(changes);
    Ok(vec![
        Figure::to_reach("publishes a second", 0, changes / took.as_secs_f64(), Reach::AtLeast(8_000.0)),
        Figure::told("answer p50, ms", 1, latencies.percentile(50.0)),
        Figure::to_reach("answer p99, ms", 1, latencies.percentile(99.0), Reach::AtMost(25.0)),
        Figure::told("longest, ms", 1, latencies.percentile(100.0)),
        Figure::told("newswire's CPU per publish, µs", 0, spent.all.as_secs_f64() * 1e6 / changes),
        Figure::aside("… in its own code, %", 0, spent.own),
        Figure::told("the store's own process, the same, µs", 0, stored.all.as_secs_f64() * 1e6 / changes),
    ])
}

/// A publication of the first typical item, with a number in its headline that makes it another each time.
fn typical_request(server: &Newswire) -> Fallible<Stamped> {
    let mut item = typical::items(1)?.remove(0);
    let headline = format!("{} {NUMBER}", item["headline"].as_str().unwrap_or_default());
    item["headline"] = headline.into();
    let path = format!("/v1/feeds/{FEED}/items");
    Ok(Stamped::numbered(http::post(&path, Some(&server.token), &item.to_string())))
}
