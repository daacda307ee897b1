//! Storm: a flash. Ten thousand readers, one change, until the last reader has it.

use std::time::Duration;

use super::{
    super::{crowd::Gathered, subject::Subject, wire::Wire},
    Driven, drive,
};
use crate::support::{
    Fallible,
    report::{Figure, Reach, median},
};

/// One run: several changes, far enough from each other that each finds everybody at rest.
///
/// # Errors
/// The server did not do as it was asked.
pub(crate) fn measure(subject: &mut Subject, wire: Wire, quick: bool) -> Fallible<Vec<Figure>> {
    let every = Duration::from_millis(750);
    let (readers, changes) = if quick { (2_000, 3) } else { (10_000, 7) };
    let mut crowd = Gathered::new()?;
    crowd.join(subject.invitation(wire, readers))?;
    drive(subject, &mut crowd, 2, every)?;
    let driven: Driven = drive(subject, &mut crowd, changes, every)?;
    let last = median(driven.tally.last_reader.clone());
    let mut figures = vec![
        Figure::to_reach("until the last reader has it, ms", 0, last, Reach::TimesFloor(1.10)),
        Figure::told("half of them, ms", 0, driven.tally.p50),
        Figure::told("CPU per delivery, µs", 2, driven.cost()),
    ];
    figures.extend(driven.checks());
    Ok(figures)
}
