//! Rush: more changes than a newsroom ever makes. Two hundred readers, two thousand changes a second, each of an item of
//! its own, so that none may be folded into another.

use std::time::Duration;

use super::{
    super::{crowd::Gathered, subject::Subject, wire::Wire},
    Driven, drive,
};
use crate::support::{
    Fallible,
    latency::count,
    report::{Figure, Reach},
};

/// What is offered, in thousands a second. Nobody delivers more; what is within a hundredth of it has kept up, since the
/// last changes take their time after the last publication.
const OFFERED: f64 = 400.0;

/// One run.
///
/// # Errors
/// The server did not do as it was asked.
pub(crate) fn measure(subject: &mut Subject, wire: Wire, quick: bool) -> Fallible<Vec<Figure>> {
    let every = Duration::from_micros(500);
    let changes = if quick { 2_000 } else { 10_000 };
    let mut crowd = Gathered::new()?;
    crowd.join(subject.invitation(wire, 200))?;
    drive(subject, &mut crowd, 500, every)?;
    let driven: Driven = drive(subject, &mut crowd, changes, every)?;
    // The first changes have no time before them.
    let a_second = count(driven.tally.delivered) / (driven.tally.span + every).as_secs_f64();
    let mut figures = vec![
        Figure::to_reach("deliveries, 1,000/s", 0, a_second / 1_000.0, Reach::AtLeast(OFFERED * 0.99)),
        Figure::to_reach("CPU per delivery, µs", 2, driven.cost(), Reach::AtMost(1.2)),
        Figure::aside("… in its own code, %", 0, driven.computed.own),
        Figure::told("latency p50, ms", 1, driven.tally.p50),
        Figure::told("latency p99, ms", 1, driven.tally.p99),
        Figure::told("editor's answer p99, ms", 1, driven.answers.percentile(99.0)),
    ];
    figures.extend(driven.checks());
    Ok(figures)
}
