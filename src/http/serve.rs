//! The accept loop: takes connections, outlives running out of files, and gives each to hyper with its limits. A
//! connection that becomes a stream is taken out of hyper again and goes to a shard.

use std::{
    future::{Future as _, poll_fn},
    io,
    net::SocketAddr,
    pin::{Pin, pin},
    sync::{Arc, atomic::Ordering},
    task::Poll,
    time::Duration,
};

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

use super::{
    live::shard::{Arrival, Shards},
    proxy::Proxy,
    socket::Socket,
    takeover::{Answering, Left},
};
use crate::live::Drain;

/// How long a connection may idle between requests: longer than the minute for which proxies keep one (nginx), so that
/// none is closed under a request that a proxy has just sent. A request's head has less time ([`super::socket`]).
const IDLE: Duration = Duration::from_secs(65);
/// The same for a connection that comes while the server drains: what is opened in advance must not hold that up.
const HEAD_OF_LATE: Duration = Duration::from_secs(1);
/// How many headers a request may have.
const HEADERS: usize = 64;
/// How large a request's head may be, in bytes; hyper answers 431 beyond it.
const HEAD_BYTES: usize = 16 * 1024;
/// The pause after an accept that failed for want of files or memory.
const OUT_OF_FILES: Duration = Duration::from_millis(100);

/// How many connections may wait to be accepted, as far as the system allows that many (Linux: `net.core.somaxconn`).
/// When a crowd comes back at once, those beyond it come only after a second, when they try again.
const WAITING: u32 = 16 * 1024;

/// Listens on an address.
///
/// # Errors
/// Somebody else does, or it is not ours.
pub fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // A server that is started again must not wait until the system has forgotten the connections of the last one.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(WAITING)
}

/// Accepts connections for as long as it is polled. Each lives in the drain: while that goes on, its next answer is its
/// last ([`super::takeover`]); once all are told, it ends if it idles.
pub async fn accept(listener: TcpListener, router: Router, proxy: Arc<Proxy>, shards: Shards, drain: Drain) {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                drain.spawn(converse(stream, peer, router.clone(), proxy.clone(), shards.clone(), drain.clone()));
            }
            Err(error) if of_one_connection(&error) => {}
            Err(error) => {
                tracing::error!(%error, "no connection could be accepted; trying again");
                tokio::time::sleep(OUT_OF_FILES).await;
            }
        }
    }
}

/// Errors that a connection had before it was accepted say nothing of the listener.
fn of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

/// One connection, from its first request to its last, or to the one that makes it a stream.
async fn converse(
    stream: TcpStream,
    peer: SocketAddr,
    router: Router,
    proxy: Arc<Proxy>,
    shards: Shards,
    drain: Drain,
) {
    let socket = match Socket::new(stream) {
        Ok(socket) => socket,
        Err(error) => {
            tracing::debug!(%error, %peer, "a connection ended before it began");
            return;
        }
    };
    let (left, full) = (Left::default(), socket.full());
    let answering =
        Answering { router, proxy, peer: peer.ip(), stage: socket.stage(), left: left.clone(), drain: drain.clone() };
    let late = drain.spread().is_some();
    let mut connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(if late { HEAD_OF_LATE } else { IDLE })
        .max_headers(HEADERS)
        .max_buf_size(HEAD_BYTES)
        .half_close(false)
        .keep_alive(!late)
        .serve_connection(TokioIo::new(socket), answering);
    let ended = {
        let mut told = late;
        let mut draining = pin!(drain.left());
        poll_fn(|context| {
            // Who comes while the server drains is still answered, once.
            if !told && draining.as_mut().poll(context).is_ready() {
                told = true;
                Pin::new(&mut connection).graceful_shutdown();
            }
            match Pin::new(&mut connection).poll(context) {
                Poll::Ready(ended) => Poll::Ready(Some(ended)),
                // Whatever was answered before on this connection has left first.
                Poll::Pending if left.is_there() && !full.load(Ordering::Relaxed) => Poll::Ready(None),
                Poll::Pending => Poll::Pending,
            }
        })
        .await
    };
    match ended {
        Some(Ok(())) => {}
        Some(Err(error)) => tracing::debug!(%error, %peer, "a connection broke off"),
        None => {
            let parts = connection.into_parts();
            let Some((head, walk)) = left.take() else { return };
            // Out of this runtime's reactor: there, it would keep this task's memory for as long as it is open.
            match parts.io.into_inner().into_stream().into_std() {
                Ok(socket) => shards.seat(Arrival { socket, read: parts.read_buf, head, walk }),
                Err(error) => tracing::debug!(%error, %peer, "a stream ended before it began"),
            }
        }
    }
}
