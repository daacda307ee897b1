//! Memory: what a reader that has everything costs the server in user space. Ten thousand, of whom the first thousand
//! are not counted: they pay for what is there once.

use std::time::Duration;

use super::{
    super::{crowd::Gathered, subject::Subject, wire::Wire},
    drive, losses,
};
use crate::support::{
    Fallible,
    latency::count,
    proc::memory,
    report::{Figure, Reach},
};

/// One run. Every reader has been sent a change before it is weighed.
///
/// # Errors
/// The server did not do as it was asked.
pub(crate) fn measure(subject: &mut Subject, wire: Wire, quick: bool) -> Fallible<Vec<Figure>> {
    let every = Duration::from_millis(50);
    let (first, more) = if quick { (500, 2_000) } else { (1_000, 9_000) };
    let mut crowd = Gathered::new()?;
    crowd.join(subject.invitation(wire, first))?;
    drive(subject, &mut crowd, 2, every)?;
    let before = memory(&subject.processes)?;
    crowd.join(subject.invitation(wire, more))?;
    let driven = drive(subject, &mut crowd, 2, every)?;
    let after = memory(&subject.processes)?;
    let each = count(after.saturating_sub(before)) / count(more as u64);
    let mut figures = vec![
        Figure::to_reach("bytes per idle reader", 0, each, Reach::AtMost(1_536.0)),
        Figure::told("all of the server, MiB", 1, count(after) / 1_048_576.0),
    ];
    figures.extend(losses(&driven.tally));
    Ok(figures)
}
