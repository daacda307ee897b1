//! Server-sent events (WHATWG HTML, section 9.2): a response body that asks the walk for its next turn whenever the
//! socket has taken the last one.

use std::{collections::VecDeque, convert::Infallible};

use axum::{
    body::Body,
    response::{IntoResponse as _, Response},
};
use bytes::Bytes;
use futures_util::stream;
use http::{HeaderName, header};

use super::Walk;
use crate::live::Turn;

/// What stands between the walk and the socket: the rest of one turn.
struct Events {
    /// None once the walk has ended.
    walk: Option<Walk>,
    turn: VecDeque<Bytes>,
}

/// The response: 200 whatever the walk says, with headers that keep proxies from buffering it.
pub(super) fn respond(walk: Walk) -> Response {
    let events = Events { walk: Some(walk), turn: VecDeque::new() };
    let body = stream::unfold(events, |mut events| async move {
        let bytes = events.next().await?;
        Some((Ok::<_, Infallible>(bytes), events))
    });
    let head = [
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "no-store, no-transform"),
        (HeaderName::from_static("x-accel-buffering"), "no"),
    ];
    (head, Body::from_stream(body)).into_response()
}

impl Events {
    /// The next bytes of the stream; none at its end.
    async fn next(&mut self) -> Option<Bytes> {
        while self.turn.is_empty() {
            match self.walk.as_mut()?.next().await {
                Turn::Send(messages) => self.turn = messages.into(),
                Turn::End { messages, pause, .. } => {
                    self.walk = None;
                    // The pause for a browser's EventSource, which does not read `bye`.
                    self.turn.push_back(format!("retry: {}\n", pause.as_millis()).into());
                    self.turn.extend(messages);
                }
            }
        }
        self.turn.pop_front()
    }
}
