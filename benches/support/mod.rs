//! What the benchmarks share: the real server and a real redis-server as child processes, editors that publish on a
//! schedule, clocks and counters, and the tables. Nothing here knows what a figure means; that stands in the cases.

#![allow(dead_code, reason = "each benchmark, and the test of them, uses the part that it needs")]

pub(crate) mod arguments;
pub(crate) mod child;
pub(crate) mod clock;
pub(crate) mod editors;
pub(crate) mod http;
pub(crate) mod latency;
pub(crate) mod newswire;
pub(crate) mod proc;
pub(crate) mod redis;
pub(crate) mod report;
pub(crate) mod stamp;
pub(crate) mod typical;

/// What went wrong, for the one who runs the benchmark.
pub(crate) type Failure = Box<dyn std::error::Error + Send + Sync>;
/// A result that may be a failure.
pub(crate) type Fallible<T> = Result<T, Failure>;

/// How many cores this process may use.
pub(crate) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}
