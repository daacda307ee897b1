//! Whose turn it is, where clients ask for more than is made at once. Turns go round by client: who asks for a hundred
//! things waits for himself, and another client for one of each who is before it.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex},
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit};

use super::{problem::Problem, proxy::household};

/// How many requests of one client may wait, or have their turn: an eighth of all that may be open.
pub const WAITING: usize = super::bounds::READS / 8;

/// The turns of all clients.
#[derive(Debug)]
pub struct Turns {
    /// Who comes first is first; each client stands there with no more requests than it may have at once.
    places: Semaphore,
    most: usize,
    /// Nobody is kept here who does not wait.
    clients: Mutex<HashMap<IpAddr, Arc<Semaphore>>>,
}

/// A turn, until it is dropped.
#[derive(Debug)]
pub struct Turn<'a> {
    _place: SemaphorePermit<'a>,
    _own: OwnedSemaphorePermit,
}

impl Turns {
    /// So many at once, and of one client all but one.
    #[must_use]
    pub fn of(places: usize) -> Self {
        Self { places: Semaphore::new(places), most: (places - 1).max(1), clients: Mutex::default() }
    }

    /// Waits for this client's turn.
    ///
    /// # Errors
    /// It waits for too many already.
    pub async fn next(&self, client: IpAddr) -> Result<Turn<'_>, Problem> {
        let own = self.join(household(client))?.acquire_owned().await.expect("it is never closed");
        let place = self.places.acquire().await.expect("it is never closed");
        Ok(Turn { _place: place, _own: own })
    }

    fn join(&self, client: IpAddr) -> Result<Arc<Semaphore>, Problem> {
        let mut clients = self.clients.lock().expect("nothing panics while holding it");
        if !clients.contains_key(&client) {
            // Each request holds its client's, whether it waits or has its turn.
            clients.retain(|_, own| Arc::strong_count(own) > 1);
        }
        let own = clients.entry(client).or_insert_with(|| Arc::new(Semaphore::new(self.most)));
        if Arc::strong_count(own) > WAITING { Err(Problem::crowded(WAITING)) } else { Ok(own.clone()) }
    }
}

#[cfg(test)]
mod tests {
    use std::{future::Future, pin::Pin};

    use futures_util::{FutureExt as _, poll};
    use http::StatusCode;
    use tokio::task::coop::unconstrained;

    use super::*;

    type Asked<'a> = Pin<Box<dyn Future<Output = Result<Turn<'a>, Problem>> + 'a>>;

    fn ask<'a>(turns: &'a Turns, client: &str) -> Asked<'a> {
        Box::pin(unconstrained(turns.next(client.parse().expect("an address"))))
    }

    #[tokio::test]
    async fn one_client_leaves_a_place_to_others_and_its_turns_come_after_theirs() {
        let turns = Turns::of(2);
        let flood: Vec<_> = (0..100).map(|_| ask(&turns, "192.0.2.1")).collect();
        let mut flood = flood.into_iter();
        let (mut first, mut second) = (flood.next().expect("one"), flood.next().expect("one"));
        let first = poll!(&mut first).map(|turn| turn.expect("a turn"));
        assert!(first.is_ready() && poll!(&mut second).is_pending());
        let one = ask(&turns, "192.0.2.2").now_or_never().expect("the other place is free").expect("a turn");
        // All are taken: the next stand in one row, a request of each client.
        let mut other = ask(&turns, "192.0.2.3");
        assert!(poll!(&mut other).is_pending());
        drop(first);
        assert!(poll!(&mut second).is_pending(), "it stands behind the other client");
        assert!(poll!(&mut other).is_ready());
        drop(one);
        assert!(poll!(&mut second).is_ready());
    }

    #[tokio::test]
    async fn a_client_may_wait_for_so_many_and_is_forgotten_once_it_waits_for_none() {
        let turns = Turns::of(2);
        let mut waiting: Vec<_> = (0..WAITING).map(|_| ask(&turns, "2001:db8::1")).collect();
        let first = poll!(&mut waiting[0]);
        for one in &mut waiting[1..] {
            assert!(poll!(one).is_pending());
        }
        // All addresses of a household are one.
        let refused = ask(&turns, "2001:db8::2").now_or_never().expect("at once").expect_err("it is one too many");
        assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
        let at_once = |client| ask(&turns, client).now_or_never().is_some_and(|turn| turn.is_ok());
        assert!(at_once("192.0.2.2"));
        drop((first, waiting));
        assert!(at_once("2001:db8::2"));
        assert!(at_once("192.0.2.3"));
        assert_eq!(turns.clients.lock().expect("it is free").len(), 1);
    }
}
