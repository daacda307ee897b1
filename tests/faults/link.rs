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
    near: SocketAddr,
    state: watch::Sender<State>,
    counts: Arc<Counts>,
    accepting: JoinHandle<()>,
}

impl Link {
    /// Laid from an address of this machine to its other end.
    pub(crate) async fn between(near: Ipv4Addr, far: Far) -> Self {
        let listener = TcpListener::bind((near, 0)).await.expect("a free port");
        let near = listener.local_addr().expect("its address");
        let state = watch::Sender::new(State::default());
        let counts = Arc::new(Counts::default());
        let accepting = tokio::spawn(accept(listener, far, state.clone(), counts.clone()));
        Self { near, state, counts, accepting }
    }

    /// Where it is connected to.
    pub(crate) fn near(&self) -> SocketAddr {
        self.near
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

/// The other end.
#[derive(Clone)]
pub(crate) struct Far {
    at: SocketAddr,
    /// How little is taken from it at a time, if so.
    buffer: Option<u32>,
    /// What is heard for the ports that it names.
    names: Arc<[(String, String)]>,
}

impl Far {
    /// Somebody who listens there.
    pub(crate) fn at(address: Ipv4Addr, port: u16) -> Self {
        Self { at: (address, port).into(), buffer: None, names: Arc::default() }
    }

    /// From whom little is taken at a time, so that who sends soon feels that nobody reads.
    pub(crate) fn narrow(self) -> Self {
        Self { buffer: Some(4 * 1024), ..self }
    }

    /// Where that end names one of these ports, the one beside it is heard.
    pub(crate) fn naming(self, ports: &[(u16, u16)]) -> Self {
        let names = ports.iter().map(|(port, heard)| (port.to_string(), heard.to_string()));
        Self { names: names.inspect(|(port, heard)| assert_eq!(port.len(), heard.len())).collect(), ..self }
    }

    async fn reach(&self) -> std::io::Result<TcpStream> {
        let socket = TcpSocket::new_v4()?;
        if let Some(size) = self.buffer {
            socket.set_recv_buffer_size(size)?;
        }
        socket.connect(self.at).await
    }

    /// Translates what it says. A Sentinel's answers are short and come whole.
    fn translate(&self, said: &mut [u8]) {
        for (port, heard) in self.names.iter() {
            for at in 0..said.len().saturating_sub(port.len() - 1) {
                if said[at..].starts_with(port.as_bytes()) {
                    said[at..at + port.len()].copy_from_slice(heard.as_bytes());
                }
            }
        }
    }
}

async fn accept(listener: TcpListener, far: Far, state: watch::Sender<State>, counts: Arc<Counts>) {
    loop {
        let Ok((near, _)) = listener.accept().await else { continue };
        let (far, counts, state) = (far.clone(), counts.clone(), state.subscribe());
        tokio::spawn(async move {
            // Nobody there: who connected sees the connection end.
            if let Ok(reached) = far.reach().await {
                carry(near, reached, &far, state, &counts).await;
            }
        });
    }
}

/// Carries both ways until one end is done, or the wire is cut.
async fn carry(near: TcpStream, reached: TcpStream, far: &Far, mut state: watch::Receiver<State>, counts: &Counts) {
    let _fast = (near.set_nodelay(true), reached.set_nodelay(true));
    let born = *state.borrow();
    let (near_in, near_out) = near.into_split();
    let (far_in, far_out) = reached.into_split();
    let up = pump((near_in, far_out), Way::Up, far, state.clone(), counts);
    let down = pump((far_in, near_out), Way::Down, far, state.clone(), counts);
    tokio::select! {
        () = up => {}
        () = down => {}
        _ = state.wait_for(|state| state.cuts != born.cuts) => {}
    }
}

async fn pump(
    (mut from, mut to): (OwnedReadHalf, OwnedWriteHalf),
    way: Way,
    far: &Far,
    mut state: watch::Receiver<State>,
    counts: &Counts,
) {
    let born = *state.borrow();
    let mut piece = [0; 16 * 1024];
    loop {
        let Ok(read @ 1..) = from.read(&mut piece).await else { return };
        if way == Way::Down {
            far.translate(&mut piece[..read]);
        }
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
