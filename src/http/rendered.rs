//! What is made of a feed's items for all who ask alike: feeds for other software, pages. It is made once for each state
//! of the feed and not for each request, and kept for as long as it says what the feed says.
//!
//! A rendition is shown while the feed's head is the one that it was made at and nothing in it has ended by the clock.
//! One that is a moment behind may be shown too, so that a feed with hundreds of changes a second is not written out
//! hundreds of times; but never one from before a change that took text away. Such a one is also given up within a second,
//! whether or not somebody asks. All of them together are bounded; what is given up can be made again.
//!
//! What most readers ask for waits for nobody else's: only who asks for the same. There are few such names, since none has
//! the server's address in it ([`super::wherever`]). All others, which anybody can make up without end, are made a few at
//! a time, in turns that go round by client ([`super::turns`]), and are the first to be given up.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use tokio::time::Instant;
use uuid::Uuid;

pub use super::rendition::{Made, Rendition};
use super::{problem::Problem, rendition::Ground, turns::Turns};
use crate::{
    live::{Awake, Feeds},
    news::FeedId,
    store::StoreError,
};

/// How many are kept, and how many bytes they have together. Beyond that an eighth is given up.
const KEPT: usize = 1_024;
const BYTES: usize = 64 * 1024 * 1024;
/// How many parts of feeds are made at once, and how many pages of one item: each part may be looked for in 20,000 items,
/// and the store is there for others too.
const PARTS_AT_ONCE: usize = 2;
const ITEMS_AT_ONCE: usize = 4;
/// How often one is made again because text was taken away meanwhile, before who asks is told to come back.
const TRIES: usize = 5;
/// How often those are given up that must not be shown any more.
const TIDIED: Duration = Duration::from_millis(500);

/// What a rendition is known by. Two requests of the same name are answered alike.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Name {
    /// The feed.
    pub feed: FeedId,
    /// Which door's it is.
    pub door: &'static str,
    /// What of the feed it is.
    pub what: What,
}

/// What of a feed is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum What {
    /// Its newest items.
    Whole,
    /// Those that this query selects, written in one way only.
    Part(String),
    /// One item.
    Item(Uuid),
}

/// What there is of a name.
#[derive(Debug)]
struct Place {
    /// The newest, if it may still be shown.
    rendition: Option<Arc<Rendition>>,
    /// Held by the one who makes, so that all who wait share what comes of it.
    making: Arc<tokio::sync::Mutex<()>>,
    /// When somebody last asked.
    asked: Instant,
}

/// All that are kept.
#[derive(Debug)]
pub struct Renditions {
    places: Mutex<HashMap<Name, Place>>,
    parts: Turns,
    items: Turns,
}

impl What {
    /// What a query selects; an empty one everything.
    #[must_use]
    pub fn of(query: String) -> Self {
        if query.is_empty() { Self::Whole } else { Self::Part(query) }
    }
}

impl Default for Renditions {
    fn default() -> Self {
        Self { places: Mutex::default(), parts: Turns::of(PARTS_AT_ONCE), items: Turns::of(ITEMS_AT_ONCE) }
    }
}

impl Renditions {
    /// The rendition of this name as the feed now reads, made by `make` where there is none. None: there is no such feed
    /// any more.
    ///
    /// # Errors
    /// The store is away, text was taken away again and again while it was made, or the client waits for too many.
    pub async fn of<F>(
        &self,
        feeds: &Feeds,
        awake: &Awake,
        client: IpAddr,
        name: Name,
        make: impl Fn() -> F,
    ) -> Result<Option<Arc<Rendition>>, Problem>
    where
        F: Future<Output = Result<Option<Made>, StoreError>>,
    {
        if !feeds.freshness.is_fresh() {
            return Err(StoreError::Unavailable("this node is out of touch with its store".to_owned()).into());
        }
        let current = |rendition: &Arc<Rendition>| rendition.is_current(awake, feeds.store.now());
        if let Some(rendition) = self.kept(&name).filter(current) {
            return Ok(Some(rendition));
        }
        // Before a place is taken: else others who ask for the same would wait for all that this client asked before it.
        let _turn = match name.what {
            What::Whole => None,
            What::Item(_) => Some(self.items.next(client).await?),
            What::Part(_) => Some(self.parts.next(client).await?),
        };
        let making = self.place(&name);
        let _making = making.lock().await;
        if let Some(rendition) = self.kept(&name).filter(current) {
            return Ok(Some(rendition));
        }
        for _ in 0..TRIES {
            let ground = Ground::of(awake);
            let Some(made) = make().await? else { return Ok(None) };
            let rendition = Arc::new(Rendition::of(made, ground, feeds.store.now()));
            // It was made just now, however long that took; only what must not be shown is made again.
            if rendition.may_be_shown(awake) {
                self.keep(&name, rendition.clone());
                return Ok(Some(rendition));
            }
        }
        let error = "text was taken away faster than what is left could be written".to_owned();
        Err(StoreError::Unavailable(error).into())
    }

    /// What is kept of a name.
    fn kept(&self, name: &Name) -> Option<Arc<Rendition>> {
        let mut all = self.all();
        let place = all.get_mut(name)?;
        place.asked = Instant::now();
        place.rendition.clone()
    }

    /// What a name is made under. Who holds that keeps the place.
    fn place(&self, name: &Name) -> Arc<tokio::sync::Mutex<()>> {
        let mut all = self.all();
        if !all.contains_key(name) {
            make_room(&mut all);
        }
        let new = || Place { rendition: None, making: Arc::default(), asked: Instant::now() };
        all.entry(name.clone()).or_insert_with(new).making.clone()
    }

    fn keep(&self, name: &Name, rendition: Arc<Rendition>) {
        let mut all = self.all();
        if let Some(place) = all.get_mut(name) {
            place.rendition = Some(rendition);
        }
        make_room(&mut all);
    }

    /// Gives up what must not be shown any more, and what is of a feed that has gone to sleep.
    fn tidy(&self, feeds: &Feeds) {
        self.all().retain(|name, place| {
            let awake = feeds.awake(&name.feed);
            let shown = |kept: &Arc<Rendition>| awake.as_ref().is_some_and(|awake| kept.may_be_shown(awake));
            place.rendition = place.rendition.take().filter(shown);
            place.rendition.is_some() || place.is_waited_for()
        });
    }

    fn all(&self) -> MutexGuard<'_, HashMap<Name, Place>> {
        self.places.lock().expect("nothing panics while holding it")
    }
}

impl Place {
    /// Whether somebody makes it, or waits for who does.
    fn is_waited_for(&self) -> bool {
        Arc::strong_count(&self.making) > 1
    }

    fn size(&self) -> usize {
        self.rendition.as_ref().map_or(0, |rendition| rendition.size())
    }
}

/// Where there are too many, gives up those that nobody waits for: made-up ones first, then what was asked for longest ago.
fn make_room(all: &mut HashMap<Name, Place>) {
    let (mut count, mut bytes) = (all.len(), all.values().map(Place::size).sum::<usize>());
    if count < KEPT && bytes <= BYTES {
        return;
    }
    let idle = all.iter().filter(|(_, place)| !place.is_waited_for());
    let mut idle: Vec<_> = idle.map(|(name, place)| (place.asked, place.size(), name.clone())).collect();
    idle.sort_by_key(|(asked, _, name)| (name.what == What::Whole, *asked));
    for (_, size, name) in idle {
        if count <= KEPT - KEPT / 8 && bytes <= BYTES - BYTES / 8 {
            break;
        }
        all.remove(&name);
        (count, bytes) = (count - 1, bytes - size);
    }
}

/// Keeps no text in memory that was taken away, until the server drains.
pub async fn tend(renditions: Arc<Renditions>, feeds: Arc<Feeds>) {
    let mut ticks = tokio::time::interval(TIDIED);
    loop {
        // What can wake this loop: the clock; and the drain ends it.
        tokio::select! {
            _ = ticks.tick() => renditions.tidy(&feeds),
            () = feeds.drain.left() => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        future::pending,
        sync::atomic::{AtomicUsize, Ordering},
    };

    use futures_util::poll;
    use tempfile::TempDir;
    use tokio::task::coop::unconstrained;

    use super::*;
    use crate::{
        live::Drain,
        news::{Feed, Mark},
        store::{
            SharedStore,
            sqlite::{Role, Sqlite},
        },
    };

    /// A feed, and what is made of it.
    struct House {
        feeds: Arc<Feeds>,
        awake: Arc<Awake>,
        renditions: Renditions,
        made: AtomicUsize,
        _dir: TempDir,
    }

    impl House {
        async fn open() -> Self {
            let dir = tempfile::tempdir().expect("a directory");
            let store: SharedStore = Arc::new(Sqlite::open(dir.path(), Role::Server).expect("opens"));
            let id: FeedId = "news".parse().expect("an id");
            store.create_feed(Feed::new(id.clone(), "News"), Mark::random(), "test").await.expect("created");
            let feeds = Feeds::asleep(store, Drain::default());
            feeds.freshness.confirm(feeds.store.now(), Instant::now());
            let awake = feeds.open(&id).await.expect("answers").expect("it is there");
            Self { feeds, awake, renditions: Renditions::default(), made: AtomicUsize::new(0), _dir: dir }
        }

        fn name(&self, what: What) -> Name {
            Name { feed: self.awake.id.clone(), door: "page", what }
        }

        /// Asks for something that is made at once.
        async fn ask(&self, client: &str, what: What) -> Arc<Rendition> {
            let make = async || {
                self.made.fetch_add(1, Ordering::Relaxed);
                Ok(Some(Made { text: String::new(), position: self.awake.glance().head, until: None }))
            };
            let answer = self.renditions.of(&self.feeds, &self.awake, at(client), self.name(what), make).await;
            answer.expect("it is made").expect("the feed is there")
        }

        /// Asks for something that is never done.
        async fn hang(&self, client: &str, what: What, begun: &AtomicUsize) {
            let make = async || {
                begun.fetch_add(1, Ordering::Relaxed);
                pending().await
            };
            let _ = self.renditions.of(&self.feeds, &self.awake, at(client), self.name(what), make).await;
        }
    }

    fn at(client: &str) -> IpAddr {
        client.parse().expect("an address")
    }

    const READER: &str = "192.0.2.1";
    const FLOOD: &str = "198.51.100.1";
    const OTHER: &str = "2001:db8::1";

    fn item(number: u128) -> What {
        What::Item(Uuid::from_u128(number))
    }

    fn part(number: u128) -> What {
        What::of(format!("?tag={number}"))
    }

    #[tokio::test]
    async fn the_whole_of_a_feed_waits_for_nothing_that_anybody_can_make_up() {
        let house = House::open().await;
        house.ask(READER, What::Whole).await;
        let begun = AtomicUsize::new(0);
        let mut hanging = Vec::new();
        for number in 0..100 {
            for (client, what) in
                [(FLOOD, part(number)), (OTHER, part(100 + number)), (FLOOD, item(number)), (OTHER, item(100 + number))]
            {
                hanging.push(Box::pin(unconstrained(house.hang(client, what, &begun))));
                assert!(poll!(hanging.last_mut().expect("one")).is_pending());
            }
        }
        assert_eq!(begun.load(Ordering::Relaxed), PARTS_AT_ONCE + ITEMS_AT_ONCE);
        assert!(
            house.renditions.all().len() <= 1 + PARTS_AT_ONCE + ITEMS_AT_ONCE,
            "who waits for a turn takes no place"
        );
        // It is made anew, as after a change.
        house.renditions.all().values_mut().for_each(|place| place.rendition = None);
        assert!(poll!(Box::pin(unconstrained(house.ask(READER, What::Whole)))).is_ready());
        assert_eq!(house.made.load(Ordering::Relaxed), 2);
    }

    #[tokio::test]
    async fn who_asks_for_one_part_waits_for_nobody_who_asks_for_many_that_one_among_them() {
        let house = House::open().await;
        let begun = AtomicUsize::new(0);
        let mut hanging = Vec::new();
        for number in 0..100 {
            hanging.push(Box::pin(unconstrained(house.hang(FLOOD, part(number), &begun))));
            assert!(poll!(hanging.last_mut().expect("one")).is_pending());
        }
        assert_eq!(begun.load(Ordering::Relaxed), PARTS_AT_ONCE - 1);
        assert!(poll!(Box::pin(unconstrained(house.ask(READER, part(99))))).is_ready());
    }

    #[tokio::test]
    async fn who_asks_for_the_same_waits_for_what_is_made_already() {
        let house = House::open().await;
        let begun = AtomicUsize::new(0);
        let mut first = Box::pin(house.hang(OTHER, What::Whole, &begun));
        assert!(poll!(&mut first).is_pending());
        let mut second = Box::pin(house.ask(READER, What::Whole));
        assert!(poll!(&mut second).is_pending());
        // Who made it went away.
        drop(first);
        let made = second.await;
        assert!(Arc::ptr_eq(&made, &house.ask(READER, What::Whole).await));
        assert_eq!((begun.load(Ordering::Relaxed), house.made.load(Ordering::Relaxed)), (1, 1));
    }

    #[tokio::test]
    async fn what_is_made_up_is_bounded_and_displaces_nothing_that_is_asked_for_plainly() {
        let house = House::open().await;
        let whole = house.ask(READER, What::Whole).await;
        for number in 0..KEPT as u128 {
            house.ask(FLOOD, part(number)).await;
            house.ask(FLOOD, item(number)).await;
            assert!(house.renditions.all().len() <= KEPT);
        }
        assert!(house.renditions.all().len() > KEPT / 2, "not all are given up");
        house.ask(FLOOD, part(KEPT as u128 - 1)).await;
        assert_eq!(house.made.load(Ordering::Relaxed), 2 * KEPT + 1, "the last is kept");
        assert!(Arc::ptr_eq(&whole, &house.ask(READER, What::Whole).await));
    }
}
