//! What the editors were told, as it was told: the truth that everything else is held against.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use tokio::time::Instant;

/// A change that was acknowledged.
#[derive(Clone, Debug)]
pub(crate) struct Ack {
    pub(crate) item: String,
    pub(crate) version: u64,
    pub(crate) position: String,
    /// None where the public sees no text of it.
    pub(crate) headline: Option<String>,
    /// When the attempt that was acknowledged was sent.
    pub(crate) asked: Instant,
}

/// An answer that was no acknowledgement: a status, or none where no answer came.
#[derive(Clone, Debug)]
pub(crate) struct Refusal {
    pub(crate) at: Instant,
    pub(crate) status: Option<u16>,
    /// The problem, or the client's own words.
    pub(crate) words: String,
}

/// What two rivals were told who changed the same item by the same ETag.
#[derive(Clone, Debug)]
pub(crate) struct Contest {
    pub(crate) item: String,
    /// The ETags of those who won.
    pub(crate) winners: Vec<String>,
    /// What those who did not were told that the item's ETag is now; none for another refusal.
    pub(crate) beaten: Vec<Option<String>>,
}

/// Everything that the editors of one round were told.
#[derive(Default)]
pub(crate) struct Record {
    acks: Mutex<BTreeMap<String, Ack>>,
    count: AtomicUsize,
    refusals: Mutex<Vec<Refusal>>,
    contests: Mutex<Vec<Contest>>,
    wrong: Mutex<Vec<String>>,
}

impl Record {
    /// An editor was told that its change is made.
    pub(crate) fn acknowledged(&self, ack: Ack) {
        let position = ack.position.clone();
        let before = self.acks.lock().expect("no panic while it was held").insert(position, ack.clone());
        if let Some(before) = before {
            self.wrong(format!("one position was acknowledged for two changes: {before:?} and {ack:?}"));
        }
        self.count.fetch_add(1, Ordering::Relaxed);
    }

    /// An editor was not.
    pub(crate) fn refused(&self, status: Option<u16>, words: String) {
        let refusal = Refusal { at: Instant::now(), status, words };
        self.refusals.lock().expect("no panic while it was held").push(refusal);
    }

    /// Two rivals know what became of both.
    pub(crate) fn contest(&self, contest: Contest) {
        self.contests.lock().expect("no panic while it was held").push(contest);
    }

    /// All contests.
    pub(crate) fn contests(&self) -> Vec<Contest> {
        self.contests.lock().expect("no panic while it was held").clone()
    }

    /// Somebody was told what nobody may be told, whatever breaks.
    pub(crate) fn wrong(&self, words: String) {
        self.wrong.lock().expect("no panic while it was held").push(words);
    }

    /// How many changes were acknowledged.
    pub(crate) fn count(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    /// All that were, by position.
    pub(crate) fn acks(&self) -> BTreeMap<String, Ack> {
        self.acks.lock().expect("no panic while it was held").clone()
    }

    /// The refusals since then.
    pub(crate) fn refusals(&self, since: Instant) -> Vec<Refusal> {
        let refusals = self.refusals.lock().expect("no panic while it was held");
        refusals.iter().filter(|refusal| refusal.at >= since).cloned().collect()
    }

    /// What was wrong.
    pub(crate) fn wrongs(&self) -> Vec<String> {
        self.wrong.lock().expect("no panic while it was held").clone()
    }
}
