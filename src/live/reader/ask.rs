//! What a reader asks the store, where the window does not say what comes next: whether its position is a good one, a
//! snapshot to begin with or the rest of one, and what the window has dropped.
//!
//! Each question is one bounded read, shared with others where that is possible; then the reader goes on stepping.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use bytes::Bytes;
use tokio::time::Instant;

use super::{Journey, Paging, Reader, Stage, Start, Step, Turn};
use crate::{
    live::{
        batch::Batch,
        behind::{Behind, behind},
        goodbye::{Ending, Goodbye},
        message::{Message, Reset},
        snapshot::Rest,
        wire::Wire,
    },
    news::{After, Mark, Position},
};

/// The pause before a reader behind its window asks a store again that did not answer.
const AGAIN: Duration = Duration::from_secs(1);

/// Where a reader stands that wants everything from the first change on and has nothing yet. No change has this number.
const BEGINNING: Position = Position { seq: 0, mark: Mark(0) };

impl Reader {
    /// Asks what the last step wanted to know. It can take seconds, and is asked by a task of its own.
    pub async fn ask(&mut self) -> Turn {
        let turn = match self.standing.stage {
            Stage::Opening(Start::Resume(after)) => self.resume(after).await,
            Stage::Opening(_) => Ok(Turn::Send(Vec::new())),
            Stage::Starting { reset } => self.snapshot(reset).await,
            Stage::Paging => self.rest().await,
            Stage::Walking(at) => self.catch_up(at).await,
        };
        turn.unwrap_or_else(|why| Turn::End(Ending::of(&self.awake.id, self.wire, why)))
    }

    /// Whether a position that the window does not have is a good one.
    async fn resume(&mut self, after: After) -> Result<Turn, Goodbye> {
        let resumes = match after {
            After::Position(at) => Some(at),
            After::First => None,
        };
        let page = behind(&self.feeds, &self.awake, after, self.filter()).await.map_err(|_| Goodbye::StoreAway)?;
        let hello = |resumes| Message::hello(&self.awake.state(), resumes).on(self.wire);
        match page {
            Err(lost) => {
                let hello = hello(None);
                self.standing.stage = Stage::Starting { reset: Some(lost.into()) };
                Ok(Turn::Send(vec![hello]))
            }
            Ok(page) => {
                let hello = hello(resumes);
                let from = resumes.unwrap_or(BEGINNING);
                self.standing.journey = Some(Journey { from: from.seq, sent: 0 });
                self.standing.stage = Stage::Walking(from);
                Ok(self.page_of(page, vec![hello]))
            }
        }
    }

    /// Reads the snapshot that it begins with, or waits for whoever reads it.
    async fn snapshot(&mut self, reset: Option<Reset>) -> Result<Turn, Goodbye> {
        match self.awake.snapshots.of(&self.awake, &self.feeds, self.size, self.filter()).await {
            Err(_) => Err(Goodbye::StoreAway),
            Ok(None) => Err(Goodbye::Gone),
            Ok(Some(snapshot)) => {
                self.began(&snapshot, reset);
                // Here, because nobody but its reader may still hold it: it is older than others may begin with.
                match self.page() {
                    Some(Step::Send(messages)) => Ok(Turn::Send(messages)),
                    _ => Ok(Turn::Send(Vec::new())),
                }
            }
        }
    }

    /// Reads the next page of a snapshot that is too old to be shown.
    async fn rest(&mut self) -> Result<Turn, Goodbye> {
        let paging = self.paging.as_ref().expect("it is there at this stage");
        let Paging { position, before, left, .. } = **paging;
        let rest = Rest { position, before, left, filter: self.filter() };
        match rest.read(&self.awake, &self.feeds).await {
            Err(_) => Err(Goodbye::StoreAway),
            Ok(None) => Err(Goodbye::Gone),
            Ok(Some((message, after))) => {
                let mut paging = self.paging.take().expect("it is there at this stage");
                // From here on it goes on from the store: the pages there have other ends.
                paging.snapshot = Weak::new();
                if let Some((before, items)) = after {
                    paging.before = Some(before);
                    paging.left -= items;
                }
                Ok(Turn::Send(self.turned(paging, message.on(self.wire), after.is_some())))
            }
        }
    }

    /// Reads what the window does not have any more.
    async fn catch_up(&mut self, at: Position) -> Result<Turn, Goodbye> {
        let after = if at == BEGINNING { After::First } else { After::Position(at) };
        match behind(&self.feeds, &self.awake, after, self.filter()).await {
            Ok(Ok(page)) if page.reached != at => Ok(self.page_of(page, Vec::new())),
            Ok(Err(lost)) => {
                self.standing.stage = Stage::Starting { reset: Some(lost.into()) };
                Ok(Turn::Send(Vec::new()))
            }
            // The store is away, or it is further back than the window and the follower will find out.
            Ok(Ok(_)) | Err(_) => {
                self.standing.patient_until = Some(Instant::now() + AGAIN);
                Ok(Turn::Send(Vec::new()))
            }
        }
    }

    fn page_of(&mut self, page: Behind, messages: Vec<Bytes>) -> Turn {
        let now = self.feeds.store.now();
        // Nobody shares these forms, and compression is paid once for many or not at all.
        let wire = if self.wire == Wire::Deflate { Wire::WebSocket } else { self.wire };
        let batch = Arc::new(Batch::of(&page.changes, page.reached, wire, self.wanted.as_ref(), now));
        let before = self.standing;
        self.standing.moved(batch.reached, batch.len() as u64);
        Turn::Batch(messages, before, batch)
    }
}
