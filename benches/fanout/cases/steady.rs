//! Steady: a live blog on a busy day. Two thousand readers, twenty changes a second.

use std::time::Duration;

use super::{
    super::{crowd::Gathered, subject::Subject, wire::Wire},
    Driven, drive,
};
use crate::support::{
    Fallible,
    report::{Figure, Reach},
};

/// One run.
///
/// # Errors
/// The server did not do as it was asked.
pub(crate) fn measure(subject: &mut Subject, wire: Wire, quick: bool) -> Fallible<Vec<Figure>> {
    let every = Duration::from_millis(50);
    let (readers, changes) = if quick { (500, 40) } else { (2_000, 100) };
    let mut crowd = Gathered::new()?;
    crowd.join(subject.invitation(wire, readers))?;
    // What is done once for a reader, or for the first change, is no part of a steady day.
    drive(subject, &mut crowd, 10, every)?;
    let driven: Driven = drive(subject, &mut crowd, changes, every)?;
    let mut figures = vec![
        Figure::to_reach("CPU per delivery, µs", 2, driven.cost(), Reach::TimesFloor(1.10)),
        Figure::aside("… in its own code, %", 0, driven.computed.own),
        Figure::told("latency p50, ms", 1, driven.tally.p50),
        Figure::told("latency p99, ms", 1, driven.tally.p99),
    ];
    figures.extend(driven.checks());
    Ok(figures)
}
