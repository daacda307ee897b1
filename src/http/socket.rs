//! A connection's socket: small writes leave at once, a peer that vanished is noticed, one that takes nothing for two
//! minutes is given up, whichever transport speaks over it, and so is one that does not get on with a request's head.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU8, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use socket2::{SockRef, TcpKeepalive};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::{Instant, Sleep, sleep},
};

/// After how long a socket that takes nothing is given up.
const PATIENCE: Duration = Duration::from_secs(120);
/// How long a request's head may take to arrive, from its first byte.
const HEAD: Duration = Duration::from_secs(10);
/// After how long sent bytes that nobody acknowledges end the connection (TCP_USER_TIMEOUT, RFC 5482).
#[cfg(target_os = "linux")]
const UNACKNOWLEDGED: Duration = Duration::from_secs(150);
/// How many bytes the kernel keeps that it could not send yet (TCP_NOTSENT_LOWAT). What waits here can no longer be
/// folded, or taken back.
#[cfg(target_os = "linux")]
const UNSENT: u32 = 64 * 1024;
/// When, and how often, an idle connection is asked whether it is still there.
const KEEPALIVE: Duration = Duration::from_secs(60);

/// Where a connection stands between its requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Stage {
    /// Nothing of a next request has come.
    Idle,
    /// A request's head is arriving.
    Head,
    /// A request was understood, and is not answered yet. What arrives is its body.
    Asked,
    /// Its answer is about to be written. What arrives after that begins another one.
    Answered,
}

/// A connection's stage, shared with whoever understands its requests.
#[derive(Clone, Debug, Default)]
pub struct Staged(Arc<AtomicU8>);

impl Staged {
    /// It stands here from now on.
    pub fn set(&self, stage: Stage) {
        self.0.store(stage as u8, Ordering::Relaxed);
    }

    fn moves(&self, from: Stage, to: Stage) -> bool {
        self.0.compare_exchange(from as u8, to as u8, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }

    fn is(&self, stage: Stage) -> bool {
        self.0.load(Ordering::Relaxed) == stage as u8
    }
}

/// A connection that must get on.
#[derive(Debug)]
pub struct Socket {
    stream: TcpStream,
    stage: Staged,
    /// Runs while a head arrives.
    heading: Option<Pin<Box<Sleep>>>,
    /// Runs while a write waits.
    stuck: Option<Pin<Box<Sleep>>>,
    full: Arc<AtomicBool>,
    patience: Duration,
}

impl Socket {
    /// Takes an accepted connection.
    ///
    /// # Errors
    /// It ended already.
    pub fn new(stream: TcpStream) -> io::Result<Self> {
        // A change is one write, and must not wait for the acknowledgement of the one before.
        stream.set_nodelay(true)?;
        let socket = SockRef::from(&stream);
        socket.set_tcp_keepalive(&TcpKeepalive::new().with_time(KEEPALIVE).with_interval(KEEPALIVE))?;
        #[cfg(target_os = "linux")]
        {
            socket.set_tcp_user_timeout(Some(UNACKNOWLEDGED))?;
            socket.set_tcp_notsent_lowat(UNSENT)?;
        }
        let (stage, full) = (Staged::default(), Arc::default());
        Ok(Self { stream, stage, heading: None, stuck: None, full, patience: PATIENCE })
    }

    /// Whether the last write waits, so that something may still be unsent.
    #[must_use]
    pub fn full(&self) -> Arc<AtomicBool> {
        self.full.clone()
    }

    /// The connection, which speaks HTTP no longer.
    #[must_use]
    pub fn into_stream(self) -> TcpStream {
        self.stream
    }

    /// Its stage, to be told of the requests that are understood.
    pub fn stage(&self) -> Staged {
        self.stage.clone()
    }

    /// What a write came to, unless it has waited for too long.
    fn patiently<T>(&mut self, wrote: Poll<io::Result<T>>, context: &mut Context<'_>) -> Poll<io::Result<T>> {
        self.full.store(wrote.is_pending(), Ordering::Relaxed);
        if wrote.is_ready() {
            self.stuck = None;
            return wrote;
        }
        let patience = self.patience;
        let stuck = self.stuck.get_or_insert_with(|| Box::pin(sleep(patience)));
        ready!(stuck.as_mut().poll(context));
        stuck.as_mut().reset(Instant::now() + patience);
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the peer took nothing for too long")))
    }
}

impl AsyncRead for Socket {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let had = into.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, into);
        if into.filled().len() > had && self.stage.moves(Stage::Idle, Stage::Head) {
            self.heading = Some(Box::pin(sleep(HEAD)));
        }
        if !self.stage.is(Stage::Head) {
            self.heading = None;
        }
        if let Some(heading) = &mut self.heading
            && heading.as_mut().poll(context).is_ready()
        {
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "a request's head took too long")));
        }
        read
    }
}

impl AsyncWrite for Socket {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, from: &[u8]) -> Poll<io::Result<usize>> {
        self.stage.moves(Stage::Answered, Stage::Idle);
        let wrote = Pin::new(&mut self.stream).poll_write(context, from);
        self.patiently(wrote, context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        from: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.stage.moves(Stage::Answered, Stage::Idle);
        let wrote = Pin::new(&mut self.stream).poll_write_vectored(context, from);
        self.patiently(wrote, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::{io::AsyncWriteExt as _, net::TcpListener};

    use super::*;

    #[tokio::test]
    async fn a_peer_that_takes_nothing_is_given_up() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("its address");
        let (accepted, _idle) = tokio::join!(listener.accept(), TcpStream::connect(address));
        let mut socket = Socket::new(accepted.expect("a connection").0).expect("a socket");
        socket.patience = Duration::from_millis(50);
        let error = loop {
            if let Err(error) = socket.write_all(&[0; 65_536]).await {
                break error;
            }
        };
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }
}
