//! The judge: holds what each reader was told and ended with against what the editors were told and what the store has.
//!
//! It knows PROTOCOL.md and nothing of the server. Every fault that it can find has a name of its own ([`Wrong`]), so
//! that the figures say how many there were, also where there were none.

mod walk;
mod wrongs;

use std::collections::BTreeMap;

use crate::{
    reader::{Habit, Seen},
    record::{Ack, Contest},
    truth::Truth,
    world::Word,
};

/// What can be wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Wrong {
    /// An acknowledged change is not there, although the store keeps its word.
    Lost,
    /// The store has a change that no editor was told of: one was made twice.
    Twice,
    /// A number that no change has, although the store keeps its word.
    Hole,
    /// A reader was sent a change, or an older form, again.
    Repeated,
    /// A reader was sent a change after a later one.
    OutOfOrder,
    /// A reader was given a position that covers what it was not sent.
    Beyond,
    /// A reader was shown what is not there any more, or misses what is, and was not told.
    Silent,
    /// A reader was shown something else than was acknowledged, or what was never committed.
    Other,
    /// Of two rivals both won, or none, or who lost was told otherwise than who won.
    Rivals,
    /// A reader was reset without need, or without a reason.
    Reset,
    /// An answer that nobody may get, whatever breaks.
    Answer,
}

/// A judgement.
#[derive(Clone, Debug, Default)]
pub(crate) struct Verdict {
    pub(crate) wrongs: Vec<(Wrong, String)>,
    /// Acknowledged changes, and those of them that a store which does not keep its word has lost.
    pub(crate) acknowledged: usize,
    pub(crate) lost_by_store: usize,
    /// How often two rivals changed the same item.
    pub(crate) contests: usize,
    /// Messages that readers were sent, and resets among them.
    pub(crate) messages: usize,
    pub(crate) resets: usize,
}

impl Verdict {
    fn add(&mut self, wrong: Wrong, words: String) {
        self.wrongs.push((wrong, words));
    }

    /// Adds answers that nobody may get.
    pub(crate) fn answers(&mut self, words: Vec<String>) {
        words.into_iter().for_each(|words| self.add(Wrong::Answer, words));
    }

    /// Whether nothing is wrong.
    pub(crate) fn is_clean(&self) -> bool {
        self.wrongs.is_empty()
    }
}

/// What is judged.
pub(crate) struct Case<'a> {
    pub(crate) acks: &'a BTreeMap<String, Ack>,
    pub(crate) truth: &'a Truth,
    /// What the store keeps of what was written to it.
    pub(crate) word: Word,
}

impl Case<'_> {
    /// Judges what became of the changes.
    pub(crate) fn judge_store(&self, verdict: &mut Verdict) {
        verdict.acknowledged += self.acks.len();
        for (position, ack) in self.acks.iter().filter(|(position, _)| !self.truth.changes.contains_key(*position)) {
            if self.word == Word::Broken {
                verdict.lost_by_store += 1;
            } else {
                verdict.add(Wrong::Lost, format!("{position} was acknowledged: {ack:?}"));
            }
        }
        for (position, change) in &self.truth.changes {
            match self.acks.get(position) {
                None => verdict.add(Wrong::Twice, format!("{position} was acknowledged to nobody: {change:?}")),
                Some(ack) if (&ack.item, ack.version) != (&change.item, change.version) => {
                    verdict.add(Wrong::Other, format!("{position} is {change:?}, and was acknowledged as {ack:?}"));
                }
                Some(_) => {}
            }
        }
        if self.word == Word::Kept {
            // Creating the feed was change 1; all others are changes of items.
            let mut seqs: Vec<_> = self.truth.changes.values().map(|change| change.seq).collect();
            seqs.sort_unstable();
            let holes = (2..).zip(&seqs).find(|(expected, seq)| expected != *seq);
            let head = crate::support::stream::seq(&self.truth.head.clone().into());
            if let Some((expected, seq)) = holes {
                verdict.add(Wrong::Hole, format!("{seq} stands where {expected} should"));
            } else if head != 1 + seqs.len() as u64 {
                verdict.add(Wrong::Hole, format!("the head is {head}, and there are {} changes", seqs.len()));
            }
        }
    }

    /// Judges what rivals were told. A store that loses what it acknowledged may have told each that it won, or none.
    pub(crate) fn judge_rivals(&self, contests: &[Contest], verdict: &mut Verdict) {
        verdict.contests += contests.len();
        if self.word == Word::Broken {
            return;
        }
        for contest in contests {
            let one_won = matches!((&contest.winners[..], &contest.beaten[..]), ([_], [Some(_)]));
            // What a replica had not received may be gone again once the loser was told of it.
            let of_the_winner = self.word != Word::Kept || contest.beaten[..] == [contest.winners.first().cloned()];
            if !one_won || !of_the_winner {
                let Contest { item, winners, beaten } = contest;
                let words = format!("rivals for {item} were told {winners:?} who won, and {beaten:?} who did not");
                verdict.add(Wrong::Rivals, words);
            }
        }
    }

    /// Judges what a reader was told, and what it ended with.
    pub(crate) fn judge_reader(&self, name: &str, habit: Habit, seen: &Seen, verdict: &mut Verdict) {
        walk::Walk::of(self, name, habit).judge(seen, verdict);
        if !habit.filtered && seen.held.position.as_ref() != Some(&self.truth.head) {
            let words = format!("{name} ended at {:?}, and the head is {}", seen.held.position, self.truth.head);
            verdict.add(Wrong::Silent, words);
        }
        let listed = if habit.filtered { &self.truth.filtered } else { &self.truth.plain };
        if seen.held.items != *listed {
            let missing: Vec<_> = listed.iter().filter(|(id, item)| seen.held.items.get(*id) != Some(item)).collect();
            let surplus: Vec<_> = seen.held.items.keys().filter(|id| !listed.contains_key(*id)).collect();
            verdict.add(
                Wrong::Silent,
                format!("{name} ended at {:?} without {missing:?} and with {surplus:?}", seen.held.position),
            );
        }
    }
}
