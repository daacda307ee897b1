//! Who is measured: a server under load, whatever it is. Three are built here: newswire itself, the floor, and nchan
//! (see [`super::nchan`]), each anew for every run.

use std::{
    any::Any,
    io::Write as _,
    net::{SocketAddr, TcpStream},
};

use super::{
    crowd::{Arrival, Invitation},
    floor::{self, Script},
    wire::Wire,
};
use crate::support::{
    Fallible, child,
    clock::{Moment, Schedule},
    editors::{Editors, Pace},
    latency::Latencies,
    newswire::{self, FEED, Newswire},
    stamp::{NUMBER, Stamped},
};

/// How many connections editors have to a server.
const EDITORS: usize = 64;
/// A server under load.
pub(crate) struct Subject {
    /// What it is called in the tables.
    pub(crate) name: &'static str,
    /// The processes that are measured.
    pub(crate) processes: Vec<u32>,
    /// Where readers go.
    pub(crate) address: SocketAddr,
    /// What they ask for.
    pub(crate) path: String,
    /// What tells that they are here.
    pub(crate) arrival: Arrival,
    /// How changes are published.
    pub(crate) publisher: Publisher,
    /// The seq of the newest change.
    pub(crate) head: u64,
    /// What ends the server when it is dropped.
    pub(crate) _alive: Box<dyn Any>,
}

/// How changes are published.
pub(crate) enum Publisher {
    /// Over HTTP.
    Editors(Editors),
    /// By a word to each thread of the floor.
    Floor(Vec<TcpStream>),
}

impl Publisher {
    /// Publishes on a schedule; the first change has this seq. How long answers took, from the moment due, and the
    /// position of the last.
    ///
    /// # Errors
    /// The server refused one, or does not answer.
    pub(crate) fn publish(&mut self, schedule: Schedule, seq: u32) -> Fallible<(Latencies, Option<String>)> {
        match self {
            Self::Editors(editors) => {
                let published = editors.publish(Pace::Scheduled(schedule), seq)?;
                Ok((published.latencies, published.position))
            }
            Self::Floor(lanes) => {
                let mut latencies = Latencies::none();
                for number in 0..schedule.count {
                    schedule.due(number).wait();
                    let mut order = [0; 8];
                    order[..4].copy_from_slice(&number.to_le_bytes());
                    order[4..].copy_from_slice(&(seq + number).to_le_bytes());
                    for lane in &mut *lanes {
                        lane.write_all(&order)?;
                    }
                    latencies.count(Moment::now().since(schedule.due(number)));
                }
                Ok((latencies, None))
            }
        }
    }
}

impl Subject {
    /// Newswire on a new SQLite file.
    ///
    /// # Errors
    /// It does not start.
    pub(crate) fn newswire() -> Fallible<Self> {
        let server = Newswire::start(None)?;
        let request = Stamped::numbered(server.publication(NUMBER, ""));
        Ok(Self {
            name: "newswire",
            processes: vec![server.id()],
            address: server.address,
            path: format!("/v1/feeds/{FEED}/live?last=10"),
            arrival: Arrival::CaughtUp,
            publisher: Publisher::Editors(Editors::connect(server.address, EDITORS, request)?),
            head: seq(&newswire::head(server.address)?)?,
            _alive: Box::new(server),
        })
    }

    /// The floor, which says what newswire says.
    ///
    /// # Errors
    /// It does not start.
    pub(crate) fn floor(script: &Script) -> Fallible<Self> {
        let mut part = child::Part::start(floor::NAME)?;
        part.order(script)?;
        let doors: floor::Doors = part.answer()?;
        let lanes = doors.orders.iter().map(|lane| {
            let lane = TcpStream::connect(lane)?;
            lane.set_nodelay(true)?;
            Ok(lane)
        });
        Ok(Self {
            name: "floor",
            processes: vec![part.id()],
            address: doors.readers,
            path: "/".to_owned(),
            arrival: Arrival::CaughtUp,
            publisher: Publisher::Floor(lanes.collect::<Fallible<_>>()?),
            head: script.head,
            _alive: Box::new(part),
        })
    }

    /// The position of the newest change.
    ///
    /// # Errors
    /// The server, which is newswire, is away.
    pub(crate) fn position(&self) -> Fallible<String> {
        newswire::head(self.address)
    }

    /// An invitation to so many readers that want nothing but what is to come.
    pub(crate) fn invitation(&self, wire: Wire, readers: usize) -> Invitation {
        Invitation {
            address: self.address,
            wire,
            path: self.path.clone(),
            readers,
            after: self.head,
            through: self.head,
            arrival: self.arrival,
        }
    }
}

/// The seq of a position.
///
/// # Errors
/// It is none.
pub(crate) fn seq(position: &str) -> Fallible<u64> {
    Ok(position.split('-').next().unwrap_or_default().parse()?)
}
