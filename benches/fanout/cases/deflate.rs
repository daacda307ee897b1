//! Bytes on the wire for a client that offers permessage-deflate (RFC 7692), as every browser does: a typical item, and
//! the snapshot of the newest fifty.

use serde_json::Value;

use super::super::{sample::Sample, wire::Wire};
use crate::support::{
    Fallible, http,
    latency::count,
    newswire::{FEED, Newswire},
    report::{Figure, Reach},
    typical,
};

const OFFER: &str =
    "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; client_no_context_takeover\r\n";

/// What came over one stream.
struct Wired {
    accepted: bool,
    snapshot: usize,
    item: usize,
}

/// One run.
///
/// # Errors
/// The server did not do as it was asked.
pub(crate) fn measure() -> Fallible<Vec<Figure>> {
    let plain = stream("")?;
    let packed = stream(OFFER)?;
    let percent = |packed: usize, plain: usize| 100.0 * count(packed as u64) / count(plain as u64);
    Ok(vec![
        Figure::told("deflate accepted (1) or declined (0)", 0, f64::from(u8::from(packed.accepted))),
        Figure::told("a typical item, plain, bytes", 0, count(plain.item as u64)),
        Figure::told("the same where deflate is offered, bytes", 0, count(packed.item as u64)),
        Figure::to_reach("the same, % of plain", 1, percent(packed.item, plain.item), Reach::AtMost(65.0)),
        Figure::told("a snapshot of 50, plain, bytes", 0, count(plain.snapshot as u64)),
        Figure::told("the same where deflate is offered, bytes ", 0, count(packed.snapshot as u64)),
        Figure::to_reach("the same, % of plain ", 1, percent(packed.snapshot, plain.snapshot), Reach::AtMost(35.0)),
    ])
}

/// The first stream of a server that has fifty items, and then a typical item: hello, snapshot, caughtUp, the item. It
/// must be the first, because a later one may be sent an older snapshot and what changed since.
fn stream(offer: &str) -> Fallible<Wired> {
    let server = Newswire::start(None)?;
    for item in typical::items(50)? {
        publish(&server, &item)?;
    }
    let path = format!("/v1/feeds/{FEED}/live?last=50");
    let sample = Sample::open(server.address, Wire::WebSocket, &path, offer)?.messages(3)?;
    let items = typical::items(1)?;
    publish(&server, items.first().ok_or("there is a typical item")?)?;
    let sample = sample.messages(4)?;
    let accepted = http::header(&sample.head, "sec-websocket-extensions").is_some();
    Ok(Wired { accepted, snapshot: sample.lengths[1], item: sample.lengths[3] })
}

fn publish(server: &Newswire, item: &Value) -> Fallible<()> {
    let request = http::post(&format!("/v1/feeds/{FEED}/items"), Some(&server.token), &item.to_string());
    http::ask(server.address, &request).map(drop)
}
