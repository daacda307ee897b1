//! WebSocket (RFC 6455): the handshake, and one task per connection that sends what the walk gives and reads what the
//! client sends, which is nothing but control frames and noise.

use std::{pin::pin, time::Duration};

use axum::{body::Body, extract::Request, response::Response};
use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _};
use http::{HeaderMap, HeaderName, Method, StatusCode, header};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        Error, Message,
        handshake::derive_accept_key,
        protocol::{
            CloseFrame, Role, WebSocketConfig,
            frame::{
                Frame,
                coding::{CloseCode, Data, OpCode},
            },
        },
    },
};

use super::{Doors, Problem, Walk, access};
use crate::live::{Ending, Goodbye, Turn};

/// The largest message a client may send, in bytes. A reader has nothing to say; this leaves room for a ping's payload
/// and for clients that greet.
const LARGEST_SENT: usize = 4 * 1024;
/// How long the client may take to answer a close frame.
const CLOSING: Duration = Duration::from_secs(2);

/// What ends one round of a connection.
enum Event {
    Turn(Turn),
    /// The client's close frame, a broken frame, or the end of the connection.
    Last(Option<Result<Message, Error>>),
}

type Socket = WebSocketStream<TokioIo<Upgraded>>;

/// Answers the handshake and begins the walk once the connection is handed over.
pub(super) fn upgrade(doors: &Doors, walk: Walk, mut request: Request) -> Result<Response, Problem> {
    if request.method() != Method::GET {
        return Err(Problem::bad_request(
            "Upgrade",
            "A WebSocket is opened by GET; leave Upgrade out of other requests.",
        ));
    }
    let key = accepted(request.headers())?;
    let subprotocol = chosen(request.headers());
    let Some(upgrade) = request.extensions_mut().remove::<OnUpgrade>() else {
        return Err(Problem::bad_request("Upgrade", "This connection cannot be upgraded; use HTTP/1.1."));
    };
    doors.drain.spawn(async move {
        match upgrade.await {
            Ok(connection) => run(connection, walk).await,
            Err(error) => tracing::debug!(%error, "a handshake was not finished"),
        }
    });
    let mut response = Response::builder();
    if let Some(subprotocol) = subprotocol {
        response = response.header(header::SEC_WEBSOCKET_PROTOCOL, subprotocol);
    }
    let response = response
        .status(StatusCode::SWITCHING_PROTOCOLS)
        .header(header::CONNECTION, "upgrade")
        .header(header::UPGRADE, "websocket")
        .header(HeaderName::from_static("sec-websocket-accept"), key)
        .body(Body::empty());
    Ok(response.expect("these headers are plain text"))
}

/// The value of `Sec-WebSocket-Accept`, if the handshake is one (RFC 6455, section 4.2.1).
fn accepted(headers: &HeaderMap) -> Result<String, Problem> {
    if !names(headers, header::CONNECTION, "upgrade") {
        let detail = "An upgrade to websocket needs the header \"Connection: Upgrade\".";
        return Err(Problem::bad_request("Connection", detail));
    }
    if !names(headers, header::SEC_WEBSOCKET_VERSION, "13") {
        return Err(Problem::upgrade_required());
    }
    match headers.get(header::SEC_WEBSOCKET_KEY) {
        // 16 bytes in base64 are 24 characters.
        Some(key) if key.len() == 24 => Ok(derive_accept_key(key.as_bytes())),
        _ => Err(Problem::bad_request("Sec-WebSocket-Key", "A handshake carries 16 random bytes in base64.")),
    }
}

/// What a browser can name its connection by; a token that it offers beside stays out of the answer then.
const SUBPROTOCOL: &str = "newswire.v1";

/// The subprotocol to answer with, of those that are offered: a browser fails a connection that answers with none.
fn chosen(headers: &HeaderMap) -> Option<String> {
    let lists = headers.get_all(header::SEC_WEBSOCKET_PROTOCOL).iter().filter_map(|value| value.to_str().ok());
    let offered: Vec<&str> = lists.flat_map(|list| list.split(',')).map(str::trim).collect();
    let ours = offered.iter().find(|offered| **offered == SUBPROTOCOL);
    let token = || offered.iter().find(|offered| offered.starts_with(access::SUBPROTOCOL));
    ours.or_else(token).map(|chosen| (*chosen).to_owned())
}

/// Whether a header that is a list names this word.
pub(super) fn names(headers: &HeaderMap, name: HeaderName, word: &str) -> bool {
    let lists = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    lists.flat_map(|list| list.split(',')).any(|token| token.trim().eq_ignore_ascii_case(word))
}

async fn run(connection: Upgraded, mut walk: Walk) {
    let config = WebSocketConfig::default()
        // The default of 128 KiB would be most of what an idle reader costs.
        .read_buffer_size(LARGEST_SENT)
        .max_message_size(Some(LARGEST_SENT))
        .max_frame_size(Some(LARGEST_SENT));
    let mut socket = WebSocketStream::from_raw_socket(TokioIo::new(connection), Role::Server, Some(config)).await;
    loop {
        // What can wake this loop: a turn of the walk, or something that the client sent. The turn that was begun goes
        // on whatever the client sends meanwhile: a client that never stops must not keep it from ever ending.
        let event = {
            let mut next = pin!(walk.next());
            loop {
                tokio::select! {
                    turn = &mut next => break Event::Turn(turn),
                    received = socket.next() => match received {
                        // What a reader says is dropped. Pings are answered by the library as the next frame is awaited.
                        Some(Ok(message)) if !message.is_close() => {}
                        other => break Event::Last(other),
                    },
                }
            }
        };
        let turn = match event {
            Event::Turn(turn) => turn,
            Event::Last(Some(Err(Error::Capacity(_)))) => walk.end(Goodbye::TooMuch),
            Event::Last(Some(Err(Error::Protocol(_)))) => return close(socket, CloseCode::Protocol, "protocol").await,
            Event::Last(Some(Err(Error::Utf8(_)))) => return close(socket, CloseCode::Invalid, "utf8").await,
            Event::Last(Some(Ok(_))) => return answered(socket).await,
            Event::Last(Some(Err(_)) | None) => return,
        };
        match turn {
            Turn::Send(messages) => {
                if !sent(&mut socket, messages).await {
                    return;
                }
            }
            Turn::End(Ending { messages, why, .. }) => {
                if sent(&mut socket, messages).await {
                    close(socket, why.close_code().into(), why.name()).await;
                }
                return;
            }
        }
    }
}

/// Writes the messages and waits until the socket has taken them. False: the reader is gone, or takes nothing.
async fn sent(socket: &mut Socket, messages: Vec<Bytes>) -> bool {
    let write: Result<(), Error> = async {
        for message in messages {
            // A frame made of shared bytes: nothing is encoded, and nothing copied but into the socket's buffer.
            let frame = Frame::message(message, OpCode::Data(Data::Text), true);
            socket.feed(Message::Frame(frame)).await?;
        }
        socket.flush().await
    }
    .await;
    match write {
        Ok(()) => true,
        Err(error) => {
            tracing::debug!(%error, "a reader is gone");
            false
        }
    }
}

/// Closes with a code and waits a moment for the client's own close frame.
async fn close(mut socket: Socket, code: CloseCode, reason: &'static str) {
    let frame = CloseFrame { code, reason: reason.into() };
    let closing = async {
        // After a broken frame nothing more can be read, but what is written still arrives.
        let _closing = socket.close(Some(frame)).await;
        while let Some(Ok(_)) = socket.next().await {}
    };
    let _gone_anyway = tokio::time::timeout(CLOSING, closing).await;
}

/// Sends the answer to the client's close frame, which the library has made when it read that.
async fn answered(mut socket: Socket) {
    let answering = async { while let Some(Ok(_)) = socket.next().await {} };
    let _gone_anyway = tokio::time::timeout(CLOSING, answering).await;
}
