//! A proxy of the tests' own in front of a Redis: it can lead some connections astray, cut one at the worst moment, or
//! tell what is under way at once.
//! What it looks for are words in what a client sends. Its test needs a runtime of several threads, since starting a
//! server keeps one busy.

use std::{
    net::Ipv4Addr,
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::{Instant, sleep_until},
};

/// What it does with a connection on which a client says certain words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// It leads there from then on, also what is said now.
    LeadTo(u16),
    /// What is said reaches the server; the answer, once it is there, is thrown away and the connection is cut. Once only.
    CutAnswer,
    /// Answers wait until this is said on the connection, too, but no longer than half a second: it is carried out where
    /// that is said before anything was answered.
    Gather(&'static str),
}

/// How long answers wait for what is to be said beside.
const GATHERS: Duration = Duration::from_millis(500);

/// A proxy, which ends when dropped.
pub(crate) struct Proxy {
    port: u16,
    orders: Orders,
    /// Ends with it.
    _accepting: JoinSet<()>,
}

/// What is ordered now, and how often an order was carried out.
type Orders = Arc<Mutex<(Option<(&'static str, Order)>, usize)>>;

impl Proxy {
    /// Starts one in front of the server at this port.
    pub(crate) async fn before(server: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let orders = Orders::default();
        let given = Arc::clone(&orders);
        let mut accepting = JoinSet::new();
        accepting.spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (client, _) = listener.accept().await.expect("a connection");
                connections.spawn(carry(client, server, Arc::clone(&given)));
            }
        });
        Self { port, orders, _accepting: accepting }
    }

    /// Where it listens, as `newswire --store` takes it.
    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Orders this for connections on which these words are said from now on.
    pub(crate) fn order(&self, words: &'static str, order: Order) {
        self.orders.lock().expect("no panic while it was held").0 = Some((words, order));
    }

    /// Takes the order back. What was led astray stays there.
    pub(crate) fn nothing(&self) {
        self.orders.lock().expect("no panic while it was held").0 = None;
    }

    /// How often an order was carried out.
    pub(crate) fn carried_out(&self) -> usize {
        self.orders.lock().expect("no panic while it was held").1
    }
}

/// Carries what both sides say, until one of them ends or an order cuts them.
async fn carry(mut client: TcpStream, server: u16, orders: Orders) {
    let Ok(mut to) = TcpStream::connect((Ipv4Addr::LOCALHOST, server)).await else { return };
    let mut led = false;
    let mut cut = false;
    let mut gathers: Option<(&str, Instant)> = None;
    let (mut said, mut answered) = (vec![0; 64 * 1024], vec![0; 64 * 1024]);
    loop {
        tokio::select! {
            read = client.read(&mut said) => {
                let Ok(length @ 1..) = read else { return };
                if let Some(order) = ordered(&orders, &said[..length], led) {
                    match order {
                        Order::LeadTo(other) => {
                            let Ok(other) = TcpStream::connect((Ipv4Addr::LOCALHOST, other)).await else { return };
                            (to, led) = (other, true);
                        }
                        Order::CutAnswer => cut = true,
                        Order::Gather(other) => gathers = Some((other, Instant::now() + GATHERS)),
                    }
                }
                if gathers.is_some_and(|(other, _)| has(&said[..length], other)) {
                    orders.lock().expect("no panic while it was held").1 += 1;
                    gathers = None;
                }
                if to.write_all(&said[..length]).await.is_err() { return }
            }
            () = sleep_until(gathers.map_or_else(Instant::now, |(_, until)| until)), if gathers.is_some() => gathers = None,
            read = to.read(&mut answered), if gathers.is_none() => {
                let Ok(length @ 1..) = read else { return };
                if cut || client.write_all(&answered[..length]).await.is_err() { return }
            }
        }
    }
}

/// The order for a connection on which this is said, if it is not carried out there already.
fn ordered(orders: &Orders, said: &[u8], led: bool) -> Option<Order> {
    let mut orders = orders.lock().expect("no panic while it was held");
    let (words, order) = orders.0.filter(|_| !led)?;
    if !has(said, words) {
        return None;
    }
    match order {
        Order::LeadTo(_) => orders.1 += 1,
        Order::CutAnswer => *orders = (None, orders.1 + 1),
        // It is carried out once the other is said.
        Order::Gather(_) => orders.0 = None,
    }
    Some(order)
}

fn has(said: &[u8], words: &str) -> bool {
    memchr::memmem::find(said, words.as_bytes()).is_some()
}
