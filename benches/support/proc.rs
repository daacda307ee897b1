//! What the system says of processes: the time they computed, and the memory that is theirs.

use std::{collections::HashMap, fs, time::Duration};

use super::{Fallible, latency::count};

/// The time that processes have computed since they began.
#[derive(Clone, Debug, Default)]
pub(crate) struct Computed {
    /// Each thread's, exact to the nanosecond. A thread that ends takes its time along: what idles that long has little.
    threads: HashMap<String, Duration>,
    /// In their own code, in ticks of 10 ms.
    user: u64,
    /// In the kernel, on their behalf, in the same.
    system: u64,
}

/// What they computed between two moments.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spent {
    /// All of it.
    pub(crate) all: Duration,
    /// How much of it was in their own code, and not in the kernel, in percent: of long stretches only.
    pub(crate) own: f64,
}

impl Computed {
    /// By these processes together.
    ///
    /// # Errors
    /// One of them has ended, or the kernel does not tell (CONFIG_SCHED_INFO).
    pub(crate) fn by(processes: &[u32]) -> Fallible<Self> {
        let mut sum = Self::default();
        for process in processes {
            let stat = fs::read_to_string(format!("/proc/{process}/stat")).map_err(|_| ended(*process))?;
            // The name, in parentheses, may hold spaces; user and system time are the 12th and 13th field after it.
            let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
            sum.user += fields[11].parse::<u64>()?;
            sum.system += fields[12].parse::<u64>()?;
            for thread in fs::read_dir(format!("/proc/{process}/task"))? {
                let thread = thread?.path();
                // It may have ended meanwhile.
                let Ok(told) = fs::read_to_string(thread.join("schedstat")) else { continue };
                let nanos = told.split(' ').next().unwrap_or_default().parse()?;
                sum.threads.insert(thread.display().to_string(), Duration::from_nanos(nanos));
            }
        }
        Ok(sum)
    }

    /// What was computed since `earlier`, a count of the same processes.
    pub(crate) fn since(&self, earlier: &Self) -> Spent {
        let before = |thread| earlier.threads.get(thread).copied().unwrap_or_default();
        let all = self.threads.iter().map(|(thread, now)| now.saturating_sub(before(thread))).sum();
        let (user, system) = (self.user - earlier.user, self.system - earlier.system);
        Spent { all, own: 100.0 * count(user) / count(user + system).max(1.0) }
    }
}

/// The memory that these processes have for themselves in user space, in bytes: heaps, stacks and what they changed of
/// their files (`Pss_Anon`). What the kernel keeps for their sockets is not in it.
///
/// # Errors
/// One of them has ended.
pub(crate) fn memory(processes: &[u32]) -> Fallible<u64> {
    let mut sum = 0;
    for process in processes {
        let rollup = fs::read_to_string(format!("/proc/{process}/smaps_rollup")).map_err(|_| ended(*process))?;
        let line =
            rollup.lines().find_map(|line| line.strip_prefix("Pss_Anon:")).ok_or("the kernel tells no Pss_Anon")?;
        sum += line.trim().trim_end_matches(" kB").parse::<u64>()? * 1_024;
    }
    Ok(sum)
}

/// The processes that a process has started.
pub(crate) fn children(process: u32) -> Fallible<Vec<u32>> {
    let list = fs::read_to_string(format!("/proc/{process}/task/{process}/children"))?;
    Ok(list.split_whitespace().map(str::parse).collect::<Result<_, _>>()?)
}

fn ended(process: u32) -> String {
    format!("process {process}, which was measured, has ended")
}
