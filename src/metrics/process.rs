//! The process, by the names that every Prometheus client uses, and which program it runs.
//!
//! What only Linux tells is left out elsewhere.

use std::{fs, time::Duration};

use prometheus_client::{
    metrics::info::Info,
    registry::{Registry, Unit},
};
use rlimit::Resource;

use super::asked::{counter, gauge};
use crate::news::Moment;

/// The ticks in which Linux tells a process's time on the processor, in one second: it is the same on every platform that
/// it tells it to (USER_HZ).
const TICKS: f64 = 100.0;
/// Which words of `/proc/self/stat`, after the program's name, tell those ticks: in the program, and in the system.
const USER: usize = 11;
const SYSTEM: usize = 12;

pub(super) fn register(registry: &mut Registry) {
    let version = [("version", env!("CARGO_PKG_VERSION"))];
    registry.register("newswire_build", "Which newswire this is", Info::new(version));
    let process = registry.sub_registry_with_prefix("process");
    let begun = Moment::of_this_machine().millis();
    process.register_with_unit(
        "start_time",
        "When the process started, in Unix time",
        Unit::Seconds,
        gauge(move |told| told.one(Duration::from_millis(begun.unsigned_abs()).as_secs_f64())),
    );
    process.register_with_unit(
        "cpu",
        "Time that the process had on processors",
        Unit::Seconds,
        counter(move |told| cpu_seconds().map_or(Ok(()), |seconds| told.one(seconds))),
    );
    process.register_with_unit(
        "resident_memory",
        "Memory of the process that is resident",
        Unit::Bytes,
        gauge(move |told| resident_bytes().map_or(Ok(()), |bytes| told.one(bytes))),
    );
    process.register(
        "open_fds",
        "Files that the process has open, sockets among them",
        gauge(move |told| open_files().map_or(Ok(()), |files| told.one(files))),
    );
    process.register(
        "max_fds",
        "How many files the process may have open",
        gauge(move |told| Resource::NOFILE.get_soft().map_or(Ok(()), |files| told.one(files))),
    );
}

fn cpu_seconds() -> Option<f64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    // The program's name stands in parentheses, and may hold blanks.
    let words: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = |word: usize| words.get(word)?.parse::<u32>().ok().map(f64::from);
    Some((ticks(USER)? + ticks(SYSTEM)?) / TICKS)
}

fn resident_bytes() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(1024 * kibibytes)
}

fn open_files() -> Option<u64> {
    // One of them is the list itself.
    let files = fs::read_dir("/proc/self/fd").ok()?.count().saturating_sub(1);
    u64::try_from(files).ok()
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn linux_tells_what_the_process_uses() {
        let files = open_files().expect("told");
        let _one_more = fs::File::open("/proc/self/stat").expect("it is there");
        assert!(open_files().expect("told") > files, "an open file is counted");
        assert!(resident_bytes().expect("told") > 1024 * 1024);
        let before = cpu_seconds().expect("told");
        while cpu_seconds().expect("told") <= before {}
    }
}
