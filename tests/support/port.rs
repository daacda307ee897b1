//! A port that one test has to itself: what it starts there can be killed and started again at the same address.

use std::{
    fs::File,
    net::{Ipv4Addr, TcpListener},
};

/// A port that is ours for as long as this lives, also while nobody listens on it: no other test takes it meanwhile.
/// It lies below the ports that the system gives away by itself, and so does the one 10,000 above it (a cluster's).
pub(crate) struct Port {
    pub(crate) number: u16,
    _lock: File,
}

impl Port {
    /// One that nobody has.
    pub(crate) fn any() -> Self {
        const FIRST: u16 = 20_000;
        const COUNT: u16 = 2_500;
        let start = u16::try_from(std::process::id() % u32::from(COUNT)).expect("fewer than the ports");
        for offset in 0..COUNT {
            let number = FIRST + (start + offset) % COUNT;
            let lock = File::create(std::env::temp_dir().join(format!("newswire-test-port-{number}")));
            let lock = lock.expect("a file in the temporary directory");
            if lock.try_lock().is_ok() && TcpListener::bind((Ipv4Addr::LOCALHOST, number)).is_ok() {
                return Self { number, _lock: lock };
            }
        }
        panic!("{COUNT} ports are taken");
    }
}
