//! A place at the top. Neither pinning nor unpinning moves `updated`: the story is what it was.

use serde_json::Value;

use super::{Draft, Edit, Kind, Record, Refusal, Verb, limits, status::allow};
use crate::news::{
    Pin,
    story::text::{future, whole},
};

/// Pins an item, at the top unless a position is given. One that is pinned moves there. Whether another item is in that
/// place the store's commit knows.
pub(super) fn pin(edit: &Edit<'_>, current: &Record) -> Result<Option<Draft>, Refusal> {
    let sent = edit.fields(&["position", "until"])?;
    let given = |name: &str| sent.get(name).filter(|value| !value.is_null());
    let position =
        given("position").map_or(Ok(*limits::PIN.start()), |value| whole("position", value, &limits::PIN))?;
    let until = given("until").map(|value: &Value| future("until", value, edit.now)).transpose()?;
    allow(Verb::Pin, current)?;
    let mut record = edit.next(current, Kind::ItemPinned);
    record.pin = Some(Pin { position: u8::try_from(position).expect("a pin's position is 3 at most"), until });
    Ok(edit.draft(Some(current), record))
}

/// Unpins an item. One that is not pinned, or whose pin has ended by itself, stays as it is.
pub(super) fn unpin(edit: &Edit<'_>, current: &Record) -> Result<Option<Draft>, Refusal> {
    edit.no_fields()?;
    if !current.pin.is_some_and(|pin| pin.holds(edit.now)) {
        return Ok(None);
    }
    let mut record = edit.next(current, Kind::ItemUnpinned);
    record.pin = None;
    Ok(edit.draft(Some(current), record))
}
