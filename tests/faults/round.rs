//! One round: a world is built, editors publish and readers read, something breaks and is mended, all come to rest, and
//! the judge judges.

use std::{
    collections::BTreeSet,
    panic::{AssertUnwindSafe, resume_unwind},
    sync::Arc,
    time::Duration,
};

use futures_util::{FutureExt as _, future::join_all};
use tokio::{
    sync::watch,
    task::JoinSet,
    time::{Instant, timeout},
};

use crate::{
    editor::Editor,
    fault::{Fault, Fired},
    judge::{Case, Verdict},
    measure::Measure,
    reader::{Habit, Reader},
    rivals::Rivals,
    support::{dice::Dice, stream::Door},
    truth::Truth,
    world::{Kept, Plan, Word, World},
};

/// How many editors there are.
const EDITORS: usize = 3;
/// How many changes are acknowledged before anything breaks.
const BEFORE: usize = 12;
/// And after it is mended.
const AFTER: usize = 12;
/// How long readers may take until they have everything, once nobody edits any more.
const REST: Duration = Duration::from_secs(60);
/// How long a round may take at most.
const LONGEST: Duration = Duration::from_secs(400);

/// What is going to happen in a round.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Draw {
    pub(crate) number: usize,
    /// Where all its chance comes from.
    pub(crate) seed: u64,
    pub(crate) kept: Kept,
    pub(crate) faults: Vec<Fault>,
}

/// What happened in a round.
pub(crate) struct Outcome {
    pub(crate) draw: Draw,
    pub(crate) fired: Vec<Fired>,
    pub(crate) verdict: Verdict,
    pub(crate) measure: Measure,
    pub(crate) took: Duration,
}

impl Draw {
    /// How it is called.
    pub(crate) fn name(&self) -> String {
        let faults: Vec<_> = self.faults.iter().map(|fault| fault.name()).collect();
        format!("round {} (seed {}) on {}: {}", self.number, self.seed, self.kept.name(), faults.join(" + "))
    }

    fn plan(&self) -> Plan {
        Plan {
            kept: self.kept,
            nodes: if self.kept == Kept::Sqlite { 1 } else { 2 },
            word: self.faults.iter().map(|fault| fault.leaves(self.kept)).max().unwrap_or(Word::Kept),
            settable: self.faults.contains(&Fault::Clock),
            networked: self.faults.contains(&Fault::PacketsLost),
            sealable: self.faults.contains(&Fault::FileSealed),
        }
    }

    /// Plays it on a runtime of its own, which ends with it. An error: it could not be played to its end.
    pub(crate) async fn play(self) -> Result<Outcome, String> {
        let name = self.name();
        let played = tokio::task::spawn_blocking(|| {
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
            runtime.expect("a runtime").block_on(self.played())
        });
        played.await.map_err(|_panic| format!("{name}: not played to its end"))
    }

    async fn played(self) -> Outcome {
        let began = Instant::now();
        let world = timeout(LONGEST, World::new(self.plan())).await;
        let world = Arc::new(world.unwrap_or_else(|_| panic!("its servers do not come up within {LONGEST:?}")));
        let played = AssertUnwindSafe(timeout(LONGEST, self.played_in(&world))).catch_unwind().await;
        let right = played.as_ref().is_ok_and(|played| played.as_ref().is_ok_and(|(_, verdict, _)| verdict.is_clean()));
        if !right {
            for (number, node) in world.nodes.iter().enumerate() {
                println!("--- {}: the log of node {number}\n{}", self.name(), node.log());
            }
        }
        let played = played.unwrap_or_else(|panic| resume_unwind(panic));
        let (fired, verdict, measure) = played.unwrap_or_else(|_| panic!("not done within {LONGEST:?}"));
        Outcome { draw: self, fired, verdict, measure, took: began.elapsed() }
    }

    async fn played_in(&self, world: &Arc<World>) -> (Vec<Fired>, Verdict, Measure) {
        let mut dice = Dice::of(self.seed);
        let (leave, leaving) = watch::channel(false);
        let (stop, stopping) = watch::channel(false);
        let readers: Vec<_> = habits(world.nodes.len()).into_iter().map(Reader::new).collect();
        assert!(world.readers.set(readers.clone()).is_ok(), "readers come once");
        let mut reading = JoinSet::new();
        for reader in &readers {
            reading.spawn(reader.clone().reads(world.clone(), dice.split(), leaving.clone()));
        }
        let mut editing = JoinSet::new();
        for number in 0..EDITORS {
            editing.spawn(Editor::new(world, number, dice.split()).edits(stopping.clone()));
        }

        editing.spawn(Rivals::new(world, EDITORS, dice.split()).quarrel(stopping.clone()));

        world.more(BEFORE).await;
        let fired = self.fire(world, &mut dice).await;
        world.green().await;
        world.more(AFTER).await;
        stop.send_replace(true);
        while let Some(edited) = editing.join_next().await {
            edited.expect("an editor's work");
        }
        let truth = rest(world, &readers).await;
        leave.send_replace(true);
        while let Some(read) = reading.join_next().await {
            read.expect("a reader's work");
        }

        let acks = world.record.acks();
        let seen: Vec<_> = readers.iter().map(|reader| (reader, reader.seen())).collect();
        let mut verdict = Verdict::default();
        let case = Case { acks: &acks, truth: &truth, word: world.plan.word };
        case.judge_store(&mut verdict);
        case.judge_rivals(&world.record.contests(), &mut verdict);
        seen.iter().for_each(|(reader, seen)| case.judge_reader(&reader.name, reader.habit, seen, &mut verdict));
        verdict.answers(world.record.wrongs());
        let measure = Measure::of(&fired, &acks, &seen, world.nodes.len());
        (fired, verdict, measure)
    }

    /// Fires its faults: the first at once, each further one a moment later, while the others last.
    async fn fire(&self, world: &World, dice: &mut Dice) -> Vec<Fired> {
        let firing = self.faults.iter().enumerate().map(|(number, fault)| {
            let mut dice = dice.split();
            async move {
                let pause = Duration::from_millis((number * dice.below(800)) as u64);
                tokio::time::sleep(pause).await;
                let _turn = world.turn(fault.layer()).await;
                let before = world.record.count();
                assert!(before >= BEFORE, "in the middle of publishing");
                fault.fire(world, &mut dice).await
            }
        });
        join_all(firing).await
    }
}

/// Readers at every door, plain and filtered, fast and slow, some that stay at each node and some that roam.
fn habits(nodes: usize) -> Vec<Habit> {
    let plain = Habit { door: Door::Sse, filtered: false, slow: false, roams: false, patient: false, node: 0 };
    let mut habits = Vec::new();
    for node in 0..nodes {
        for door in [Door::WebSocket, Door::Sse] {
            habits.push(Habit { door, node, ..plain });
        }
    }
    let last = nodes - 1;
    for (door, node) in [(Door::WebSocket, 0), (Door::Sse, last)] {
        habits.push(Habit { door, node, slow: true, ..plain });
        habits.push(Habit { door, node: last - node, filtered: true, patient: true, ..plain });
        habits.push(Habit { door, node, roams: true, ..plain });
    }
    habits.push(Habit { door: Door::Sse, node: 0, filtered: true, slow: true, roams: true, ..plain });
    habits.push(Habit { door: Door::Poll, node: 0, ..plain });
    habits.push(Habit { door: Door::Poll, node: last, filtered: true, roams: true, ..plain });
    habits
}

/// Waits until every reader has what the store has, and says what that is. Who does not come so far is judged as it is.
async fn rest(world: &World, readers: &[Arc<Reader>]) -> Truth {
    let until = Instant::now() + REST;
    let mut tick = tokio::time::interval(Duration::from_millis(100));
    loop {
        tick.tick().await;
        let known: BTreeSet<_> = world.record.acks().into_values().map(|ack| ack.item).collect();
        let Some(truth) = Truth::told(world, &known).await else {
            assert!(Instant::now() < until, "a node that is ready tells what it has");
            continue;
        };
        let settled = async {
            while !readers.iter().all(|reader| has_all(reader, &truth)) {
                tick.tick().await;
            }
        };
        // A cut that a reader tells moves the head once more: then there is a newer truth to wait for.
        let all = timeout(Duration::from_secs(2), settled).await.is_ok();
        let same = Truth::told(world, &known).await.as_ref() == Some(&truth);
        if (all && same) || Instant::now() > until {
            return truth;
        }
    }
}

fn has_all(reader: &Reader, truth: &Truth) -> bool {
    reader.look(|seen| {
        let filtered = reader.habit.filtered;
        let items = if filtered { &truth.filtered } else { &truth.plain };
        (filtered || seen.held.position.as_ref() == Some(&truth.head)) && seen.held.items == *items
    })
}
