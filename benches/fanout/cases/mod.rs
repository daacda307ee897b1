//! The cases: what is asked of a server, and the figures that come of it. What each is to reach stands in its file.

pub(crate) mod deflate;
pub(crate) mod memory;
pub(crate) mod replay;
pub(crate) mod rush;
pub(crate) mod steady;
pub(crate) mod storm;

use std::time::Duration;

use super::{
    crowd::{Course, Gathered, tally::Tally},
    subject::Subject,
};
use crate::support::{
    Fallible,
    clock::Schedule,
    latency::{Latencies, count},
    proc::{Computed, Spent},
    report::{Figure, Reach},
};

/// What was measured while changes were published.
pub(crate) struct Driven {
    /// What the server computed meanwhile.
    pub(crate) computed: Spent,
    /// What came to the readers.
    pub(crate) tally: Tally,
    /// How long the editors' answers took, from the moment due.
    pub(crate) answers: Latencies,
}

/// Publishes so many changes at a fixed interval while the crowd follows.
///
/// # Errors
/// A publication was refused, for example.
pub(crate) fn drive(subject: &mut Subject, crowd: &mut Gathered, changes: u32, every: Duration) -> Fallible<Driven> {
    let before = Computed::by(&subject.processes)?;
    let schedule = Schedule::soon(changes, every);
    let seq = u32::try_from(subject.head + 1)?;
    let course = Course { schedule, last: subject.head + u64::from(changes) };
    let ((answers, _), tally) = crowd.follow(course, || subject.publisher.publish(schedule, seq))?;
    subject.head = course.last;
    Ok(Driven { computed: Computed::by(&subject.processes)?.since(&before), tally, answers })
}

impl Driven {
    /// The server's time for each delivery, in microseconds.
    fn cost(&self) -> f64 {
        micros(self.computed.all) / count(self.tally.delivered).max(1.0)
    }

    /// What tells whether the rest can be believed: nothing was lost, and the crowd was not the limit.
    fn checks(&self) -> Vec<Figure> {
        let mut figures = losses(&self.tally);
        figures.push(Figure::told(
            "bytes per delivery",
            0,
            count(self.tally.bytes) / count(self.tally.delivered).max(1.0),
        ));
        figures.push(Figure::aside("crowd busy, %", 0, busy(&self.tally)));
        figures
    }
}

/// What must not be: changes that did not come to a reader as they should.
fn losses(tally: &Tally) -> Vec<Figure> {
    vec![
        Figure::to_reach("lost", 0, count(tally.lost + tally.gone), Reach::Never),
        Figure::to_reach("repeated", 0, count(tally.repeated), Reach::Never),
        Figure::to_reach("out of order", 0, count(tally.out_of_order), Reach::Never),
    ]
}

/// How much of the time the crowd's one thread computed.
fn busy(tally: &Tally) -> f64 {
    100.0 * tally.computed.as_secs_f64() / tally.took.as_secs_f64().max(1e-9)
}

/// A duration in microseconds.
fn micros(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}
