//! What fan-out costs: `cargo bench --bench fanout [-- CASE…]`.
//!
//! Each case starts the real server as a child process, fills it with readers and publishes on a schedule. The floor,
//! epoll and `write(2)` in a process of its own, is put under the same load in the same run: the ratio to it is what can
//! be compared between machines. BENCHMARKS.md has the figures and what they do not say.

#[path = "../support/mod.rs"]
mod support;

mod cases;
mod crowd;
mod floor;
mod nchan;
mod sample;
mod subject;
mod wire;

use std::{env, process::ExitCode};

use clap::{Parser, ValueEnum};

use self::{
    cases::{deflate, memory, replay, rush, steady, storm},
    floor::Script,
    subject::Subject,
    support::{
        Fallible,
        arguments::Runs,
        report::{Figure, Report},
        stamp::Stamped,
    },
    wire::Wire,
};

/// What is asked of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Case {
    /// 2,000 readers, 20 changes a second
    Steady,
    /// 200 readers, 2,000 changes a second
    Rush,
    /// 10,000 readers, one change
    Storm,
    /// 2,000 readers return at once, each 100 changes behind
    Replay,
    /// What an idle reader costs in memory
    Memory,
    /// Bytes on the wire with permessage-deflate
    Wire,
}

/// Another server for comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Other {
    /// nginx with nchan, as Debian has it
    Nchan,
}

/// Who is measured, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Who {
    Newswire,
    Floor,
    Nchan,
}

/// Measures what fan-out costs, beside a bare server under the same load.
#[derive(Parser)]
#[command(name = "fanout")]
struct Arguments {
    /// Which cases; all unless given
    cases: Vec<Case>,
    #[command(flatten)]
    runs: Runs,
    /// On this wire only
    #[arg(long)]
    wire: Option<Wire>,
    /// Puts another server under the same load, too
    #[arg(long)]
    against: Option<Other>,
}

fn main() -> ExitCode {
    let part = env::args().nth(1);
    let ended = match part.as_deref() {
        Some(crowd::NAME) => crowd::be_one(),
        Some(floor::NAME) => floor::be_it(),
        _ => bench(&Arguments::parse()),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("fanout: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn bench(arguments: &Arguments) -> Fallible<()> {
    let mut cases = arguments.cases.clone();
    if cases.is_empty() {
        cases.extend(Case::value_variants());
    }
    let wires = arguments.wire.map_or(Wire::ALL.to_vec(), |wire| vec![wire]);
    let mut who = vec![Who::Newswire, Who::Floor];
    who.extend(arguments.against.map(|Other::Nchan| Who::Nchan));
    let smallest =
        wires.iter().map(|wire| Ok((*wire, sample::of_the_smallest(*wire)?))).collect::<Fallible<Vec<_>>>()?;
    for case in cases {
        let name = case.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default();
        let mut report = Report::new(format!("fanout-{name}"), "newswire");
        for run in 1..=arguments.runs.runs {
            if case == Case::Wire {
                report.add("wire, WebSocket", "newswire", deflate::measure()?);
                continue;
            }
            for (wire, (script, change)) in &smallest {
                eprintln!("{name}, {wire}, run {run} of {}", arguments.runs.runs);
                let mut scene =
                    Scene { case, wire: *wire, quick: arguments.runs.quick, script: script.clone(), change };
                for who in &who {
                    let mut subject = scene.subject(*who)?;
                    let figures = scene.measure(&mut subject)?;
                    report.add(&format!("{name}, {wire}"), subject.name, figures);
                }
            }
        }
        println!("{}", report.table());
        if arguments.runs.quick {
            println!("A quick look: the loads are smaller than those that `reach` speaks of.");
        }
        println!("All runs are in {}.\n", report.write()?);
    }
    Ok(())
}

/// One case on one wire: newswire first, since the floor says what it was heard to say.
struct Scene<'a> {
    case: Case,
    wire: Wire,
    quick: bool,
    script: Script,
    change: &'a Stamped,
}

impl Scene<'_> {
    /// A server that is ready for the case.
    fn subject(&mut self, who: Who) -> Fallible<Subject> {
        let mut subject = match who {
            Who::Newswire => Subject::newswire()?,
            Who::Floor => Subject::floor(&self.script)?,
            Who::Nchan => nchan::start(self.change)?,
        };
        if self.case == Case::Replay {
            match who {
                Who::Newswire => {
                    self.script.greeting = replay::prepare(&mut subject, self.wire)?;
                    self.script.head = subject.head;
                }
                Who::Floor => {}
                Who::Nchan => replay::prepare_other(&mut subject, self.wire, nchan::MISSED)?,
            }
        }
        Ok(subject)
    }

    fn measure(&self, subject: &mut Subject) -> Fallible<Vec<Figure>> {
        let measure = match self.case {
            Case::Steady => steady::measure,
            Case::Rush => rush::measure,
            Case::Storm => storm::measure,
            Case::Replay => replay::measure,
            Case::Memory => memory::measure,
            Case::Wire => unreachable!("nobody is put under load for it"),
        };
        measure(subject, self.wire, self.quick)
    }
}
