//! The figures of many rounds, as RELIABILITY.md quotes them.

use std::{collections::BTreeMap, fmt::Write as _, time::Duration};

use crate::{fault::Fault, judge::Wrong, round::Outcome, world::Kept};

/// How often a fault happened.
#[derive(Clone, Copy, Debug, Default)]
struct Often {
    alone: usize,
    together: usize,
}

/// All of it.
#[derive(Default)]
pub(crate) struct Figures {
    rounds: usize,
    faults: BTreeMap<Fault, Often>,
    stores: BTreeMap<Kept, usize>,
    wrongs: BTreeMap<Wrong, usize>,
    acknowledged: usize,
    lost_by_store: usize,
    contests: usize,
    messages: usize,
    resets: usize,
    silence: Duration,
    resumed: Vec<Duration>,
}

impl Figures {
    /// Adds a round.
    pub(crate) fn add(&mut self, outcome: &Outcome) {
        self.rounds += 1;
        *self.stores.entry(outcome.draw.kept).or_default() += 1;
        for fired in &outcome.fired {
            let often = self.faults.entry(fired.fault).or_default();
            if outcome.fired.len() == 1 { often.alone += 1 } else { often.together += 1 }
        }
        let verdict = &outcome.verdict;
        for (wrong, _) in &verdict.wrongs {
            *self.wrongs.entry(*wrong).or_default() += 1;
        }
        self.acknowledged += verdict.acknowledged;
        self.lost_by_store += verdict.lost_by_store;
        self.contests += verdict.contests;
        self.messages += verdict.messages;
        self.resets += verdict.resets;
        self.silence = self.silence.max(outcome.measure.silence.unwrap_or_default());
        self.resumed.extend(outcome.measure.resumed);
    }

    /// Faults that happened less often than this, alone or together with others.
    pub(crate) fn rarer_than(&self, least: usize, possible: impl Fn(Fault) -> bool) -> Vec<Fault> {
        let often = |fault: &Fault| self.faults.get(fault).copied().unwrap_or_default();
        let enough = |fault: &Fault| often(fault).alone >= least && often(fault).together >= least;
        Fault::ALL.into_iter().filter(|fault| possible(*fault) && !enough(fault)).collect()
    }

    /// In how many rounds delivery took longer than this to go on.
    pub(crate) fn later_than(&self, bound: Duration) -> usize {
        self.resumed.iter().filter(|resumed| **resumed > bound).count()
    }

    /// As a table in Markdown.
    pub(crate) fn told(&mut self) -> String {
        let mut text = format!("rounds: {}", self.rounds);
        for (kept, rounds) in &self.stores {
            let _ = write!(text, "; on {} {rounds}", kept.name());
        }
        let _ = writeln!(text, "\n\n| fault | alone | with others |\n|---|---|---|");
        for (fault, often) in &self.faults {
            let _ = writeln!(text, "| {} | {} | {} |", fault.name(), often.alone, often.together);
        }
        self.resumed.sort_unstable();
        let wrong = |wrong: Wrong| self.wrongs.get(&wrong).copied().unwrap_or_default();
        let at = |part: usize| {
            let index = self.resumed.len().saturating_sub(1) * part / 100;
            self.resumed.get(index).copied().unwrap_or_default()
        };
        let rows = [
            ("changes acknowledged", self.acknowledged.to_string()),
            ("messages that readers were sent", self.messages.to_string()),
            ("acknowledged and lost, where the store keeps its word", wrong(Wrong::Lost).to_string()),
            ("made twice", wrong(Wrong::Twice).to_string()),
            ("numbers skipped", wrong(Wrong::Hole).to_string()),
            ("times that two rivals changed the same item", self.contests.to_string()),
            ("rivals of whom not exactly one won", wrong(Wrong::Rivals).to_string()),
            ("repeated", wrong(Wrong::Repeated).to_string()),
            ("out of order", wrong(Wrong::OutOfOrder).to_string()),
            ("positions beyond what was sent", wrong(Wrong::Beyond).to_string()),
            ("silent losses", wrong(Wrong::Silent).to_string()),
            ("shown other than acknowledged", wrong(Wrong::Other).to_string()),
            ("resets without need", wrong(Wrong::Reset).to_string()),
            ("answers that nobody may get", wrong(Wrong::Answer).to_string()),
            ("lost by a store that does not keep its word", self.lost_by_store.to_string()),
            ("resets told", self.resets.to_string()),
            ("longest silence before a reader was told", format!("{:.1?}", self.silence)),
            ("from the end of a fault to the next delivery at every node: median", format!("{:.1?}", at(50))),
            ("the same, 95 of 100", format!("{:.1?}", at(95))),
            ("the same, longest", format!("{:.1?}", at(100))),
        ];
        let _ = writeln!(text, "\n| | |\n|---|---|");
        for (name, figure) in rows {
            let _ = writeln!(text, "| {name} | {figure} |");
        }
        text
    }
}
