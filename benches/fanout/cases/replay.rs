//! Replay: the network was away. Two thousand readers come back at once, each a hundred changes behind.

use std::time::Duration;

use super::{
    super::{
        crowd::{Gathered, tally::Tally},
        sample::Sample,
        subject::Subject,
        wire::Wire,
    },
    drive, losses, micros,
};
use crate::support::{
    Fallible,
    latency::count,
    newswire::FEED,
    proc::{Computed, memory},
    report::{Figure, Reach},
};

/// How many changes the readers have missed.
const MISSED: u32 = 100;

/// Makes the changes that are missed, and the readers' request for them. What newswire sends for it comes back, for the
/// floor to say.
///
/// # Errors
/// A publication was refused.
pub(crate) fn prepare(subject: &mut Subject, wire: Wire) -> Fallible<Vec<u8>> {
    let every = Duration::from_millis(5);
    let mut crowd = Gathered::new()?;
    crowd.join(subject.invitation(wire, 1))?;
    drive(subject, &mut crowd, 50, every)?;
    let position = subject.position()?;
    drive(subject, &mut crowd, MISSED, every)?;
    subject.path = format!("/v1/feeds/{FEED}/live?after={position}");
    let sample = Sample::open(subject.address, wire, &subject.path, "")?.until("caughtUp")?;
    Ok(sample.greeting())
}

/// The same for a server that is not asked by position: it has no other changes, and sends all that it has.
///
/// # Errors
/// A publication was refused.
pub(crate) fn prepare_other(subject: &mut Subject, wire: Wire, path: &str) -> Fallible<()> {
    let mut crowd = Gathered::new()?;
    crowd.join(subject.invitation(wire, 1))?;
    drive(subject, &mut crowd, MISSED, Duration::from_millis(5))?;
    path.clone_into(&mut subject.path);
    Ok(())
}

/// One run. Some have come back before, so that what is done once is done.
///
/// # Errors
/// The server did not do as it was asked.
pub(crate) fn measure(subject: &mut Subject, wire: Wire, quick: bool) -> Fallible<Vec<Figure>> {
    let readers = if quick { 500 } else { 2_000 };
    let mut crowd = Gathered::new()?;
    let mut returning = subject.invitation(wire, 100);
    returning.after = subject.head - u64::from(MISSED);
    crowd.join(returning.clone())?;
    returning.readers = readers;
    let held = memory(&subject.processes)?;
    let before = Computed::by(&subject.processes)?;
    let tally: Tally = crowd.join(returning)?;
    let computed = Computed::by(&subject.processes)?.since(&before);
    // All of them are here, and have everything. An idle reader costs as much as the case `memory` says; what was put
    // together for them is shared.
    let each = count(memory(&subject.processes)?.saturating_sub(held)) / count(readers as u64);
    let mut figures = vec![
        Figure::to_reach("CPU per reader, µs", 1, micros(computed.all) / count(readers as u64), Reach::TimesFloor(2.5)),
        Figure::told("until the last reader has it, ms", 0, tally.took.as_secs_f64() * 1e3),
        Figure::told("memory kept per reader, bytes", 0, each),
        Figure::told("bytes per reader", 0, count(tally.bytes) / count(readers as u64)),
    ];
    figures.extend(losses(&tally));
    Ok(figures)
}
