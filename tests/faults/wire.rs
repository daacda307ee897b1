//! Everything between a node and its store: a [`Link`] to each server of Redis, and, where Sentinels say which of them is
//! the master, one to each of these. What Sentinels answer is translated: where they name a server, the node is led to its
//! own link to it.

use std::{net::Ipv4Addr, time::Duration};

use crate::{
    link::{Far, Link, Way},
    support::sentinels::{self, Sentinels},
};

/// What a node is cut off from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// The servers alone: Sentinels go on to say where the master is.
    Servers,
    /// Sentinels as well, where there are any.
    Everything,
}

impl Reach {
    /// How a proof calls it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Servers => "Redis",
            Self::Everything => "Redis and its Sentinels",
        }
    }
}

/// The wire.
pub(crate) struct Wire {
    servers: Vec<Link>,
    sentinels: Vec<Link>,
}

impl Wire {
    /// To a server at this port, from a node that reaches this address.
    pub(crate) async fn to(port: u16, at: Ipv4Addr) -> Self {
        Self { servers: vec![Link::between(at, Far::at(Ipv4Addr::LOCALHOST, port)).await], sentinels: Vec::new() }
    }

    /// To servers at these ports, and to the Sentinels that watch them.
    pub(crate) async fn through(sentinels: &Sentinels, ports: &[u16]) -> Self {
        let (mut servers, mut names) = (Vec::new(), Vec::new());
        for port in ports {
            let link = Link::between(Ipv4Addr::LOCALHOST, Far::at(Ipv4Addr::LOCALHOST, *port)).await;
            names.push((*port, link.near().port()));
            servers.push(link);
        }
        let mut wire = Self { servers, sentinels: Vec::new() };
        for port in sentinels.ports() {
            let far = Far::at(Ipv4Addr::LOCALHOST, port).naming(&names);
            wire.sentinels.push(Link::between(Ipv4Addr::LOCALHOST, far).await);
        }
        wire
    }

    /// The store's address, as the node is given it.
    pub(crate) fn url(&self) -> String {
        match &self.sentinels[..] {
            [] => format!("redis://{}", self.servers[0].near()),
            all => sentinels::url(all.iter().map(|link| link.near().port())),
        }
    }

    /// Whether Sentinels are at its other end.
    pub(crate) fn has_sentinels(&self) -> bool {
        !self.sentinels.is_empty()
    }

    fn links(&self, reach: Reach) -> impl Iterator<Item = &Link> {
        let sentinels = if reach == Reach::Everything { &self.sentinels[..] } else { &[] };
        self.servers.iter().chain(sentinels)
    }

    /// Holds back what goes these ways.
    pub(crate) fn hold(&self, reach: Reach, ways: &[Way]) {
        self.links(reach).for_each(|link| link.hold(ways));
    }

    /// Makes each reply of the servers late.
    pub(crate) fn delay(&self, late: Duration) {
        self.links(Reach::Servers).for_each(|link| link.delay(late));
    }

    /// Lets everything through again.
    pub(crate) fn mend(&self) {
        self.links(Reach::Everything).for_each(Link::mend);
    }

    /// Ends all its connections.
    pub(crate) fn cut(&self, reach: Reach) {
        self.links(reach).for_each(Link::cut);
    }

    /// How many bytes between the node and these were held back so far.
    pub(crate) fn held(&self, reach: Reach) -> u64 {
        self.links(reach).map(Link::held).sum()
    }

    /// How many replies of the servers were late so far.
    pub(crate) fn late(&self) -> u64 {
        self.links(Reach::Servers).map(Link::late).sum()
    }
}
