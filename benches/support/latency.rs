//! How latencies are distributed: a histogram of fixed size, whatever is counted. A bucket is at most 1/32 of its value
//! wide, so a percentile is that exact.

use std::time::Duration;

/// Buckets for each power of two.
const FINE: u64 = 32;

/// Latencies, counted in microseconds.
#[derive(Debug)]
pub(crate) struct Latencies {
    buckets: Vec<u64>,
    count: u64,
    longest: u64,
}

impl Latencies {
    /// None yet.
    pub(crate) fn none() -> Self {
        Self { buckets: vec![0; bucket(u64::from(u32::MAX)) + 1], count: 0, longest: 0 }
    }

    /// Counts one. What takes longer than an hour counts as that long.
    pub(crate) fn count(&mut self, latency: Duration) {
        let micros = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX).min(u64::from(u32::MAX));
        self.buckets[bucket(micros)] += 1;
        self.count += 1;
        self.longest = self.longest.max(micros);
    }

    /// What so many of a hundred took at most, in milliseconds; 0 of none.
    pub(crate) fn percentile(&self, percent: f64) -> f64 {
        let mut left = (count(self.count) * percent / 100.0).ceil();
        for (index, counted) in self.buckets.iter().enumerate() {
            left -= count(*counted);
            if left <= 0.0 {
                return count(upper(index).min(self.longest)) / 1_000.0;
            }
        }
        count(self.longest) / 1_000.0
    }
}

/// The bucket of a value: values below 32 have one each, and every power of two above has 32.
fn bucket(value: u64) -> usize {
    let power = u64::from(value.max(1).ilog2());
    let index = if value < FINE { value } else { (power - 4) * FINE + (value >> (power - 5)) - FINE };
    usize::try_from(index).expect("there are few buckets")
}

/// The largest value of a bucket.
fn upper(index: usize) -> u64 {
    let index = index as u64;
    if index < FINE {
        return index;
    }
    let (power, part) = (index / FINE + 4, index % FINE);
    ((FINE + part + 1) << (power - 5)) - 1
}

/// A count as a number to divide.
#[expect(clippy::cast_precision_loss, reason = "counts here are far below 2^53")]
pub(crate) fn count(number: u64) -> f64 {
    number as f64
}
