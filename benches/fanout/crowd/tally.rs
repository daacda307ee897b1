//! What a crowd counted together.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::ledger::Came;
use crate::support::{
    clock::{Moment, Schedule, nanos},
    latency::Latencies,
};

/// What came to all readers, as it is told once they are through.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(crate) struct Tally {
    /// Changes that came, each once.
    pub(crate) delivered: u64,
    /// Changes that did not come.
    pub(crate) lost: u64,
    /// Changes that came again.
    pub(crate) repeated: u64,
    /// Changes that came after a newer one.
    pub(crate) out_of_order: u64,
    /// Readers whose connection ended.
    pub(crate) gone: u64,
    /// Everything that was read, in bytes.
    pub(crate) bytes: u64,
    /// From the moment due until a reader had it, in milliseconds: half of them, and 99 of 100, at most.
    pub(crate) p50: f64,
    /// See `p50`.
    pub(crate) p99: f64,
    /// For each publication, from the moment due until the last reader had it, in milliseconds.
    pub(crate) last_reader: Vec<f64>,
    /// From the first moment due, or from the first connection, until the last delivery.
    pub(crate) took: Duration,
    /// From the first delivery until the last.
    pub(crate) span: Duration,
    /// How long the crowd itself computed meanwhile, in its one thread.
    pub(crate) computed: Duration,
}

/// A tally in the making.
#[derive(Debug)]
pub(crate) struct Counting {
    schedule: Option<Schedule>,
    begun: Moment,
    first: Option<Moment>,
    latencies: Latencies,
    last_reader: Vec<u64>,
    tally: Tally,
}

impl Counting {
    /// Of what is published on a schedule, or of what readers that come are sent.
    pub(crate) fn begin(schedule: Option<Schedule>) -> Self {
        let last_reader = vec![0; schedule.map_or(0, |schedule| schedule.count as usize)];
        let begun = schedule.map_or_else(Moment::now, |schedule| schedule.due(0));
        Self { schedule, begun, first: None, latencies: Latencies::none(), last_reader, tally: Tally::default() }
    }

    /// Counts a change that came to a reader.
    pub(crate) fn count(&mut self, came: &Came, number: Option<u32>, now: Moment) {
        let tally = &mut self.tally;
        match came {
            Came::Next { missing } => tally.lost += missing,
            Came::OutOfOrder => {
                tally.out_of_order += 1;
                tally.lost -= 1;
            }
            Came::Repeated => {
                tally.repeated += 1;
                return;
            }
        }
        tally.delivered += 1;
        tally.took = now.since(self.begun);
        tally.span = now.since(*self.first.get_or_insert(now));
        if let (Some(schedule), Some(number)) = (&self.schedule, number)
            && number < schedule.count
        {
            let latency = now.since(schedule.due(number));
            self.latencies.count(latency);
            self.last_reader[number as usize] = nanos(latency);
        }
    }

    /// Counts bytes that were read.
    pub(crate) fn read(&mut self, bytes: usize) {
        self.tally.bytes += bytes as u64;
    }

    /// Counts a reader whose connection ended.
    pub(crate) fn gone(&mut self) {
        self.tally.gone += 1;
    }

    /// Counts changes that will not come any more.
    pub(crate) fn never_came(&mut self, changes: u64) {
        self.tally.lost += changes;
    }

    /// What it came to.
    pub(crate) fn end(self, computed: Duration) -> Tally {
        let Self { latencies, last_reader, tally, .. } = self;
        #[expect(clippy::cast_precision_loss, reason = "milliseconds to print")]
        let last_reader = last_reader.into_iter().map(|latency| latency as f64 / 1e6).collect();
        Tally { p50: latencies.percentile(50.0), p99: latencies.percentile(99.0), last_reader, computed, ..tally }
    }
}
