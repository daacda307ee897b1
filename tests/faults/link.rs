//! A wire that a round can break: a TCP proxy between a node and its store, or between readers and a node.
//!
//! What is held back is not lost, as with a network that is parted and heals: it arrives late, or its connection ends
//! first. Everything it does it counts, so that a fault can be proven to have happened.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpListener, TcpSocket, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
    task::JoinHandle,
};

/// A way along the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// From who connected.
    Up,
    /// Back to them.
    Down,
}

/// How the wire is.
#[derive(Clone, Copy, Debug, Default)]
struct State {
    holds_up: bool,
    holds_down: bool,
    /// How long each piece that goes down is late.
    late: Duration,
    /// Connections that were made before this number was raised are cut.
    cuts: u64,
    /// The same, but in the middle of the next message that goes down.
    tears: u64,
}

impl State {
    fn holds(&self, way: Way) -> bool {
        match way {
            Way::Up => self.holds_up,
            Way::Down => self.holds_down,
        }
    }
}

#[derive(Default)]
struct Counts {
    held: AtomicU64,
    late: AtomicU64,
    torn: AtomicU64,
}

/// The wire. Its connections end when it is dropped.
pub(crate) struct Link {
    port: u16,
    state: watch::Sender<State>,
    counts: Arc<Counts>,
    accepting: JoinHandle<()>,
}

impl Link {
    /// To a port of this machine.
    pub(crate) async fn to(port: u16) -> Self {
        Self::laid(port, None).await
    }

    /// One that takes in little at a time, so that who sends soon feels that nobody reads.
    pub(crate) async fn narrow(port: u16) -> Self {
        Self::laid(port, Some(4 * 1024)).await
    }

    async fn laid(to: u16, buffer: Option<u32>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
        let port = listener.local_addr().expect("its address").port();
        let state = watch::Sender::new(State::default());
        let counts = Arc::new(Counts::default());
        let accepting = tokio::spawn(accept(listener, to, buffer, state.clone(), counts.clone()));
        Self { port, state, counts, accepting }
    }

    /// Where it is connected to.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Holds back what goes these ways.
    pub(crate) fn hold(&self, ways: &[Way]) {
        self.state.send_modify(|state| {
            state.holds_up = ways.contains(&Way::Up);
            state.holds_down = ways.contains(&Way::Down);
        });
    }

    /// Makes each piece that goes down late.
    pub(crate) fn delay(&self, late: Duration) {
        self.state.send_modify(|state| state.late = late);
    }

    /// Lets everything through again.
    pub(crate) fn mend(&self) {
        self.state.send_modify(|state| *state = State { cuts: state.cuts, tears: state.tears, ..State::default() });
    }

    /// Ends all its connections.
    pub(crate) fn cut(&self) {
        self.state.send_modify(|state| state.cuts += 1);
    }

    /// Ends each of its connections one byte before the end of what it carries down next.
    pub(crate) fn tear(&self) {
        self.state.send_modify(|state| state.tears += 1);
    }

    /// How many bytes were held back so far.
    pub(crate) fn held(&self) -> u64 {
        self.counts.held.load(Ordering::Relaxed)
    }

    /// How many pieces were late so far.
    pub(crate) fn late(&self) -> u64 {
        self.counts.late.load(Ordering::Relaxed)
    }

    /// How many connections were torn so far.
    pub(crate) fn torn(&self) -> u64 {
        self.counts.torn.load(Ordering::Relaxed)
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.accepting.abort();
        self.cut();
    }
}

async fn accept(listener: TcpListener, to: u16, buffer: Option<u32>, state: watch::Sender<State>, counts: Arc<Counts>) {
    loop {
        let Ok((near, _)) = listener.accept().await else { continue };
        let (counts, state) = (counts.clone(), state.subscribe());
        tokio::spawn(async move {
            // Nobody there: who connected sees the connection end.
            if let Ok(far) = reach(to, buffer).await {
                carry(near, far, state, &counts).await;
            }
        });
    }
}

async fn reach(port: u16, buffer: Option<u32>) -> std::io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    if let Some(size) = buffer {
        socket.set_recv_buffer_size(size)?;
    }
    socket.connect(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).await
}

/// Carries both ways until one end is done, or the wire is cut.
async fn carry(near: TcpStream, far: TcpStream, mut state: watch::Receiver<State>, counts: &Counts) {
    let _fast = (near.set_nodelay(true), far.set_nodelay(true));
    let born = *state.borrow();
    let (near_in, near_out) = near.into_split();
    let (far_in, far_out) = far.into_split();
    let up = pump(near_in, far_out, Way::Up, state.clone(), counts);
    let down = pump(far_in, near_out, Way::Down, state.clone(), counts);
    tokio::select! {
        () = up => {}
        () = down => {}
        _ = state.wait_for(|state| state.cuts != born.cuts) => {}
    }
}

async fn pump(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    way: Way,
    mut state: watch::Receiver<State>,
    counts: &Counts,
) {
    let born = *state.borrow();
    let mut piece = [0; 16 * 1024];
    loop {
        let Ok(read @ 1..) = from.read(&mut piece).await else { return };
        let now = *state.borrow();
        if now.holds(way) {
            counts.held.fetch_add(read as u64, Ordering::Relaxed);
            if state.wait_for(|state| !state.holds(way)).await.is_err() {
                return;
            }
        }
        if way == Way::Down && !now.late.is_zero() {
            counts.late.fetch_add(1, Ordering::Relaxed);
            tokio::time::sleep(now.late).await;
        }
        if way == Way::Down && state.borrow().tears != born.tears {
            counts.torn.fetch_add(1, Ordering::Relaxed);
            let _gone = to.write_all(&piece[..read - 1]).await;
            return;
        }
        if to.write_all(&piece[..read]).await.is_err() {
            return;
        }
    }
}
