//! What a crowd of readers at one position gets: put together once, and shared.
//!
//! [`Batches`] belongs to whoever serves many readers. It keeps what it has put together only as long as the feed says
//! the same ([`super::Awake::version`]), so that what was superseded or taken away meanwhile is not sent from here.

use std::{collections::HashMap, sync::Arc};

use bytes::{Bytes, BytesMut};

use super::{
    awake::{Awake, Glance},
    bell::Number,
    filters::Wanted,
    message::Message,
    window::{Shared, View},
    wire::Wire,
};
use crate::news::{Moment, Position};

/// How many bytes are kept before all are given up: they can be made again.
const KEPT_BYTES: usize = 1024 * 1024;
/// How many batches are kept before all are given up.
const KEPT: usize = 4_096;

/// Frames that follow each other.
#[derive(Debug)]
pub struct Batch {
    /// All of them. Possibly none, where all changes are superseded or hidden.
    pub bytes: Bytes,
    /// Where a reader stands that has them.
    pub reached: Position,
    frames: Vec<Frame>,
}

#[derive(Debug)]
struct Frame {
    /// Where it ends in the batch.
    end: usize,
    position: Position,
    /// The frame as all batches share it.
    bytes: Bytes,
}

/// How far a write has come.
#[derive(Debug)]
pub struct Stopped {
    /// How many frames were begun.
    pub frames: u64,
    /// The position of the last of them; none where there was none.
    pub position: Option<Position>,
    /// What is still to be written of the last one, and all of it. It keeps no other frame in memory.
    pub rest: Option<(Bytes, Bytes)>,
}

impl Batch {
    /// These changes as they go over this wire to readers who want this.
    #[must_use]
    pub fn of(changes: &[Arc<Shared>], reached: Position, wire: Wire, wanted: Option<&Wanted>, now: Moment) -> Self {
        let mut frames = Vec::with_capacity(changes.len());
        let mut end = 0;
        for change in changes {
            let bytes = match wanted {
                None => Some(change.on(wire, now)),
                Some(wanted) => change.wanted(wanted, wire, now),
            };
            let Some(bytes) = bytes else { continue };
            end += bytes.len();
            frames.push(Frame { end, position: change.change().position, bytes });
        }
        let bytes = match frames.as_slice() {
            [only] => only.bytes.clone(),
            all => {
                let mut bytes = BytesMut::with_capacity(end);
                all.iter().for_each(|frame| bytes.extend_from_slice(&frame.bytes));
                bytes.freeze()
            }
        };
        Self { bytes, reached, frames }
    }

    /// How many frames it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.frames.len()
    }

    /// Whether there is nothing to send.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    /// Where a write stopped that took so many bytes of it, which are fewer than all.
    #[must_use]
    pub fn stopped(&self, written: usize) -> Stopped {
        let whole = self.frames.partition_point(|frame| frame.end <= written);
        let begins = whole.checked_sub(1).map_or(0, |last| self.frames[last].end);
        let begun = if written > begins { whole + 1 } else { whole };
        let last = begun.checked_sub(1).map(|last| &self.frames[last]);
        Stopped {
            frames: begun as u64,
            position: last.map(|frame| frame.position),
            rest: last
                .filter(|_| written > begins)
                .map(|frame| (frame.bytes.slice(written - begins..), frame.bytes.clone())),
        }
    }
}

/// What batches of one feed are told apart by: the wire, the filter's number, the position.
type Name = (Wire, Option<u64>, Position);

/// What is kept of one feed.
#[derive(Debug)]
struct Kept {
    glance: Glance,
    batches: HashMap<Name, Option<Arc<Batch>>>,
    /// The one that was asked for last: that of most readers of a crowd.
    last: Option<(Name, Option<Arc<Batch>>)>,
    heartbeat: Option<(Wire, Option<Position>, Moment, Bytes)>,
    hello: Option<(Wire, Option<Position>, Bytes)>,
}

/// All batches that are kept.
#[derive(Debug, Default)]
pub struct Batches {
    /// That of the feed which was asked for last: a walk asks for the same one a few times for each reader.
    here: Option<(Number, Kept)>,
    /// Those of the others.
    feeds: HashMap<Number, Kept>,
    bytes: usize,
    count: usize,
}

impl Batches {
    /// How a feed stands.
    #[must_use]
    pub fn glance(&mut self, awake: &Awake) -> Glance {
        self.kept(awake).glance
    }

    /// What comes after a position, one turn of it at most; none where the window does not have that position. It is
    /// as of the moment of the glance that comes with it.
    #[must_use]
    pub fn after(
        &mut self,
        awake: &Awake,
        at: Position,
        wire: Wire,
        wanted: Option<&Wanted>,
        now: Moment,
    ) -> (Glance, Option<Arc<Batch>>) {
        let name = (wire, wanted.map(Wanted::number), at);
        let kept = self.kept(awake);
        if let Some((last, batch)) = &kept.last
            && *last == name
        {
            return (kept.glance, batch.clone());
        }
        if let Some(batch) = kept.batches.get(&name) {
            kept.last = Some((name, batch.clone()));
            return (kept.glance, batch.clone());
        }
        let look = awake.look(at);
        if look.glance != kept.glance {
            *kept = Kept::of(look.glance);
        }
        let batch = match look.view {
            View::Changes { changes, reached } => Some(Arc::new(Batch::of(&changes, reached, wire, wanted, now))),
            View::Head => {
                let reached = at;
                Some(Arc::new(Batch { bytes: Bytes::new(), reached, frames: Vec::new() }))
            }
            View::Elsewhere => None,
        };
        let glance = kept.glance;
        kept.last = Some((name, batch.clone()));
        kept.batches.insert(name, batch.clone());
        self.bytes += batch.as_ref().map_or(0, |batch| batch.bytes.len());
        self.count += 1;
        if self.bytes > KEPT_BYTES || self.count > KEPT {
            self.forget();
        }
        (glance, batch)
    }

    /// A heartbeat, made once for a crowd.
    #[must_use]
    pub fn heartbeat(&mut self, awake: &Awake, position: Option<Position>, checked: Moment, wire: Wire) -> Bytes {
        let kept = self.kept(awake);
        match &kept.heartbeat {
            Some((on, at, when, bytes)) if (*on, *at, *when) == (wire, position, checked) => bytes.clone(),
            _ => {
                let bytes = Message::heartbeat(&awake.id, position, checked).on(wire);
                kept.heartbeat = Some((wire, position, checked, bytes.clone()));
                bytes
            }
        }
    }

    /// A hello, made once for a crowd.
    #[must_use]
    pub fn hello(&mut self, awake: &Awake, resumes: Option<Position>, wire: Wire) -> Bytes {
        let kept = self.kept(awake);
        match &kept.hello {
            Some((on, from, bytes)) if (*on, *from) == (wire, resumes) => bytes.clone(),
            _ => {
                let bytes = Message::hello(&awake.state(), resumes).on(wire);
                kept.hello = Some((wire, resumes, bytes.clone()));
                bytes
            }
        }
    }

    /// Gives up everything.
    pub fn forget(&mut self) {
        *self = Self::default();
    }

    /// What is kept of a feed, if that still says the same.
    fn kept(&mut self, awake: &Awake) -> &mut Kept {
        if self.here.as_ref().is_none_or(|(number, _)| *number != awake.number) {
            let kept = self.feeds.remove(&awake.number).unwrap_or_else(|| Kept::of(awake.glance()));
            self.feeds.extend(self.here.replace((awake.number, kept)));
        }
        let (_, kept) = self.here.as_mut().expect("it was put there just now");
        if kept.glance.version != awake.version() {
            *kept = Kept::of(awake.glance());
        }
        kept
    }
}

impl Kept {
    fn of(glance: Glance) -> Self {
        Self { glance, batches: HashMap::new(), last: None, heartbeat: None, hello: None }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::news::Mark;

    fn batch(lengths: &[usize]) -> Batch {
        let mut frames = Vec::new();
        let mut bytes = BytesMut::new();
        for (index, length) in lengths.iter().enumerate() {
            let frame = Bytes::from(vec![u8::try_from(index % 256).expect("a byte"); *length]);
            bytes.extend_from_slice(&frame);
            let position = Position { seq: index as u64 + 1, mark: Mark(0) };
            frames.push(Frame { end: bytes.len(), position, bytes: frame });
        }
        let reached = Position { seq: lengths.len() as u64, mark: Mark(0) };
        Batch { bytes: bytes.freeze(), reached, frames }
    }

    proptest! {
        /// Wherever a write stops: what was written, the rest of the frame, and the frames after its position are all.
        #[test]
        fn a_write_that_stops_anywhere_goes_on_there(lengths in prop::collection::vec(1_usize..40, 1..20), stop in 0_usize..400) {
            let batch = batch(&lengths);
            let stop = stop.min(batch.bytes.len() - 1);
            let stopped = batch.stopped(stop);
            let mut seen = batch.bytes.slice(..stop).to_vec();
            if let Some((rest, frame)) = &stopped.rest {
                prop_assert!(!rest.is_empty() && rest.len() < frame.len());
                seen.extend_from_slice(rest);
            }
            let begun = usize::try_from(stopped.frames).expect("few");
            prop_assert_eq!(stopped.position.map_or(0, |at| at.seq), stopped.frames);
            batch.frames[begun..].iter().for_each(|frame| seen.extend_from_slice(&frame.bytes));
            prop_assert_eq!(seen, batch.bytes.to_vec());
        }
    }
}
