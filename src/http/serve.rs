//! The accept loop: takes connections, outlives running out of files, and gives each to hyper with its limits.

use std::{io, net::SocketAddr, time::Duration};

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::net::{TcpListener, TcpStream};
use tower::ServiceExt as _;

use super::socket::Socket;
use crate::live::Drain;

/// How long a request's head may take to arrive; also how long a connection may idle between requests.
const HEAD: Duration = Duration::from_secs(30);
/// The same for a connection that comes while the server drains: what is opened in advance must not hold that up.
const HEAD_OF_LATE: Duration = Duration::from_secs(1);
/// How many headers a request may have.
const HEADERS: usize = 64;
/// How large a request's head may be, in bytes; hyper answers 431 beyond it.
const HEAD_BYTES: usize = 16 * 1024;
/// The pause after an accept that failed for want of files or memory.
const OUT_OF_FILES: Duration = Duration::from_millis(100);

/// Accepts connections until `done`; each lives in the drain, and is told to end after its request when that begins.
pub async fn accept(listener: TcpListener, router: Router, drain: Drain) {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                drain.spawn(converse(stream, peer, router.clone(), drain.clone()));
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

/// One connection, from its first request to its last.
async fn converse(stream: TcpStream, peer: SocketAddr, router: Router, drain: Drain) {
    let socket = match Socket::new(stream) {
        Ok(socket) => socket,
        Err(error) => {
            tracing::debug!(%error, %peer, "a connection ended before it began");
            return;
        }
    };
    let service =
        router.map_request(|request: http::Request<hyper::body::Incoming>| request.map(axum::body::Body::new));
    let late = drain.leaving();
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(if late { HEAD_OF_LATE } else { HEAD })
        .max_headers(HEADERS)
        .max_buf_size(HEAD_BYTES)
        .half_close(false)
        .keep_alive(!late)
        .serve_connection(TokioIo::new(socket), TowerToHyperService::new(service))
        .with_upgrades();
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = &mut connection => ended,
        // Who comes while the server drains is still answered, once.
        () = drain.left(), if !late => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, %peer, "a connection broke off");
    }
}
