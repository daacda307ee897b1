//! What the system says of processes: the time they computed, and the memory that is theirs.

use std::{fs, ops::Sub, time::Duration};

use super::Fallible;

/// The time that processes have computed since they began.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Computed {
    /// In their own code.
    pub(crate) user: Duration,
    /// In the kernel, on their behalf.
    pub(crate) system: Duration,
}

impl Computed {
    /// By these processes together, exact to a tick (10 ms) each.
    ///
    /// # Errors
    /// One of them has ended.
    pub(crate) fn by(processes: &[u32]) -> Fallible<Self> {
        let ticks_a_second = rustix::param::clock_ticks_per_second();
        let mut sum = Self::default();
        for process in processes {
            let stat = fs::read_to_string(format!("/proc/{process}/stat")).map_err(|_| ended(*process))?;
            // The name, in parentheses, may hold spaces; user and system time are the 12th and 13th field after it.
            let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
            let ticks = |at: usize| fields[at].parse::<u64>().map(|ticks| ticks * 1_000_000 / ticks_a_second);
            sum.user += Duration::from_micros(ticks(11)?);
            sum.system += Duration::from_micros(ticks(12)?);
        }
        Ok(sum)
    }

    /// All of it.
    pub(crate) fn all(&self) -> Duration {
        self.user + self.system
    }
}

impl Sub for Computed {
    type Output = Self;

    fn sub(self, earlier: Self) -> Self {
        Self { user: self.user - earlier.user, system: self.system - earlier.system }
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
