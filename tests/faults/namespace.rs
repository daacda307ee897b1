//! A network of a node's own: a Linux network namespace with two cables to this one, along one of which it reaches its
//! store, and along the other its readers reach it. What is lost on the first is lost as in a network: nobody is told, and
//! the system sends it again until it gives up. It takes root, or a user who may make namespaces.

use std::{net::Ipv4Addr, process::Command};

use crate::{link::Way, support::port::Port};

/// Where frames go that are to be lost: to a card that nobody has.
const NOBODY: &str = "02:00:00:00:00:01";

/// The network. It is gone once this is dropped.
pub(crate) struct Namespace {
    name: String,
    /// A number that no other test on this machine has, for names and addresses.
    number: u16,
    _number: Port,
}

/// One of its cables.
#[derive(Clone, Copy)]
enum Cable {
    /// To its readers.
    Street = 0,
    /// To its store.
    Wire = 1,
}

fn ip(words: &[&str]) -> Result<String, String> {
    let ran = Command::new("ip").args(words).output().map_err(|error| format!("ip: {error}"))?;
    let said = if ran.status.success() { ran.stdout } else { ran.stderr };
    let said = String::from_utf8_lossy(&said).trim().to_owned();
    if ran.status.success() { Ok(said) } else { Err(format!("ip {}: {said}", words.join(" "))) }
}

impl Namespace {
    /// A new one, or why there is none.
    pub(crate) fn new() -> Result<Self, String> {
        let port = Port::any();
        let number = port.number % 10_000;
        let network = Self { name: format!("nwt{number}"), number, _number: port };
        // What a test left behind that was killed.
        let _nothing = ip(&["netns", "del", &network.name]);
        ip(&["netns", "add", &network.name])?;
        let inside = |words: &[&str]| ip(&[&["-n", &network.name], words].concat());
        inside(&["link", "set", "lo", "up"])?;
        for cable in [Cable::Street, Cable::Wire] {
            let (near, far) = (network.near(cable), network.far(cable));
            // The system takes a network's cables away some time after the network.
            let _nothing = ip(&["link", "del", &near]);
            ip(&["link", "add", &near, "type", "veth", "peer", "name", &far, "netns", &network.name])?;
            ip(&["address", "add", &format!("{}/30", network.address(cable, 1)), "dev", &near])?;
            inside(&["address", "add", &format!("{}/30", network.address(cable, 2)), "dev", &far])?;
            ip(&["link", "set", &near, "up"])?;
            inside(&["link", "set", &far, "up"])?;
        }
        Ok(network)
    }

    /// The words before a command that make it run there.
    pub(crate) fn before(&self) -> [&str; 4] {
        ["ip", "netns", "exec", &self.name]
    }

    /// Where a node there listens for its readers.
    pub(crate) fn here(&self) -> Ipv4Addr {
        self.address(Cable::Street, 2)
    }

    /// Where a node there reaches its store.
    pub(crate) fn store(&self) -> Ipv4Addr {
        self.address(Cable::Wire, 1)
    }

    /// Loses everything that goes these ways between the node and its store.
    pub(crate) fn lose(&self, ways: &[Way]) {
        for way in ways {
            self.neighbour(*way, &["lladdr", NOBODY, "nud", "permanent"], "replace").expect("frames can be misled");
        }
    }

    /// Loses nothing any more.
    pub(crate) fn mend(&self) {
        for way in [Way::Up, Way::Down] {
            // None, where it was not misled and has not talked for a while.
            let _none = self.neighbour(way, &[], "del");
        }
    }

    /// How many segments were sent again from there so far, for want of an answer.
    pub(crate) fn sent_again(&self) -> u64 {
        let told = Command::new("ip").args(["netns", "exec", &self.name, "cat", "/proc/net/snmp"]).output();
        let told = String::from_utf8(told.expect("ip runs").stdout).expect("text");
        let mut lines = told.lines().filter(|line| line.starts_with("Tcp:"));
        let (names, numbers) = (lines.next().expect("names"), lines.next().expect("numbers"));
        let mut pairs = names.split(' ').zip(numbers.split(' '));
        pairs.find(|(name, _)| *name == "RetransSegs").expect("it is counted").1.parse().expect("a number")
    }

    /// Says to which card frames go that are sent this way.
    fn neighbour(&self, way: Way, to: &[&str], verb: &str) -> Result<String, String> {
        let (to_store, to_node) = (self.address(Cable::Wire, 1).to_string(), self.address(Cable::Wire, 2).to_string());
        let (near, far) = (self.near(Cable::Wire), self.far(Cable::Wire));
        match way {
            Way::Up => ip(&[&["-n", &self.name, "neighbour", verb, &to_store], to, &["dev", &far]].concat()),
            Way::Down => ip(&[&["neighbour", verb, &to_node], to, &["dev", &near]].concat()),
        }
    }

    /// The two ends of a cable: 1 here, 2 there. The addresses are link-local (RFC 3927), four for each cable.
    fn address(&self, cable: Cable, end: u32) -> Ipv4Addr {
        let first = u32::from(Ipv4Addr::new(169, 254, 1, 0));
        Ipv4Addr::from(first + u32::from(self.number) * 8 + cable as u32 * 4 + end)
    }

    fn near(&self, cable: Cable) -> String {
        format!("{}h{}", self.name, cable as u32)
    }

    fn far(&self, cable: Cable) -> String {
        format!("{}n{}", self.name, cable as u32)
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        // Its cables go with it.
        let _gone = ip(&["netns", "del", &self.name]);
    }
}
