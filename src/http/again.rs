//! A wire story that is sent again: told by its altIds, also where its item was killed, or is kept no more.

use uuid::Uuid;

use super::Doors;
use crate::{
    news::{
        FeedId, Record, Status,
        refusal::{Code, Refusal},
        story::Story,
    },
    store::StoreError,
};

/// What is told as the status of an item that is not kept any more.
pub const NOT_KEPT: &str = "no longer kept";

/// What a story that is sent again is known as.
#[derive(Debug)]
pub enum Again {
    /// This item.
    As(Box<Record>),
    /// One that does not return by being sent again.
    Killed(Refusal),
}

/// What a story has become that may have been sent before: the item that has one of its altIds, unless another of them
/// belongs to one that was killed. None: its altIds are new.
///
/// # Errors
/// The store is away.
pub async fn again(doors: &Doors, feed: &FeedId, story: &Record) -> Result<Option<Again>, StoreError> {
    let mut known = None;
    for hash in Story::of(&story.story).alt_id_hashes(feed) {
        let Some(id) = doors.store.item_by_alt_id(feed, &hash).await?.filter(|id| *id != story.id) else { continue };
        match doors.store.item(feed, id).await? {
            Some(item) if item.status == Status::Usable => known = known.or(Some(Again::As(Box::new(item)))),
            item => return Ok(Some(Again::Killed(taken(id, item.map_or(NOT_KEPT, |item| item.status.name()))))),
        }
    }
    Ok(known)
}

/// The refusal of an altId that belongs to this item.
pub fn taken(id: Uuid, status: &str) -> Refusal {
    let detail = format!("One of the altIds belongs to the item {id}, which is {status}.");
    Refusal::new(Code::AltIdTaken, detail).field("altIds").item(id, status)
}
