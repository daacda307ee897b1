//! Readers: each keeps what PROTOCOL.md tells a client to keep, comes back with its position whenever its connection
//! ends, and writes down everything that it was told and when.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use serde_json::{Value, json};
use tokio::{
    sync::watch,
    time::{Instant, timeout},
};

use crate::{
    support::{
        dice::Dice,
        server::FEED,
        stream::{Door, Held, Said, Stream},
    },
    world::World,
};

/// The filter of those who do not want everything.
pub(crate) const FILTER: &str = "tag=election";
/// A stream that says nothing for 2.5 heartbeats is dead.
const DEAD: Duration = Duration::from_millis(37_500);
/// How long opening may take.
const OPENING: Duration = Duration::from_secs(5);
/// The longest pause before a reader comes back; who is told a longer one would miss the round.
const LONGEST_PAUSE: u64 = 8_000;

/// What a reader is like.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Habit {
    pub(crate) door: Door,
    pub(crate) filtered: bool,
    /// Takes little at a time, and nothing for a while now and then.
    pub(crate) slow: bool,
    /// Leaves now and then, and comes back anywhere; else it stays at its node.
    pub(crate) roams: bool,
    /// Waits as long as it is told to before it comes back.
    pub(crate) patient: bool,
    pub(crate) node: usize,
}

/// What happened to a reader.
#[derive(Clone, Debug)]
pub(crate) enum Event {
    /// It is at this node.
    Came(usize),
    /// It was told this.
    Said(Value),
    /// Its connection ended, was refused, or a poll was refused.
    Left,
}

/// What it has, and how it came to it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    pub(crate) held: Held,
    pub(crate) story: Vec<(Instant, Event)>,
    /// At which node its stream is open.
    pub(crate) at: Option<usize>,
}

impl Seen {
    /// At which node it was then.
    pub(crate) fn was_at(&self, then: Instant) -> Option<usize> {
        let before = self.story.iter().rev().filter(|(at, _)| *at <= then);
        let mut moves = before.filter_map(|(_, event)| match event {
            Event::Came(node) => Some(Some(*node)),
            Event::Left => Some(None),
            Event::Said(_) => None,
        });
        moves.next().flatten()
    }

    /// Whether it knew by then that its node was out of touch.
    pub(crate) fn was_stale(&self, then: Instant) -> bool {
        let before = self.story.iter().rev().filter(|(at, _)| *at <= then);
        matches!(before.map(|(_, event)| event).next(), Some(Event::Said(message)) if message["type"] == "stale")
    }

    /// When it was first told, since then, that what it has may not be all: in words, or by the end of its connection.
    pub(crate) fn told_since(&self, then: Instant) -> Option<Instant> {
        let told = self.story.iter().filter(|(at, _)| *at > then).find(|(_, event)| match event {
            Event::Left => true,
            Event::Came(_) => false,
            Event::Said(message) => ["stale", "bye", "reset"].iter().any(|kind| message["type"] == *kind),
        });
        told.map(|(at, _)| *at)
    }
}

/// A reader.
pub(crate) struct Reader {
    pub(crate) name: String,
    pub(crate) habit: Habit,
    seen: Mutex<Seen>,
}

impl Reader {
    /// One that has seen nothing yet.
    pub(crate) fn new(habit: Habit) -> Arc<Self> {
        let Habit { door, filtered, slow, roams, node, .. } = habit;
        let name = format!(
            "{}{}{} reader {} node {node}",
            if slow { "slow " } else { "" },
            if filtered { "filtered " } else { "" },
            match door {
                Door::WebSocket => "WebSocket",
                Door::Sse => "SSE",
                Door::Poll => "poll",
            },
            if roams { "roaming from" } else { "at" },
        );
        Arc::new(Self { name, habit, seen: Mutex::default() })
    }

    /// What it has seen so far.
    pub(crate) fn seen(&self) -> Seen {
        self.seen.lock().expect("no panic while it was held").clone()
    }

    /// Looks at what it has.
    pub(crate) fn look<T>(&self, look: impl FnOnce(&Seen) -> T) -> T {
        look(&self.seen.lock().expect("no panic while it was held"))
    }

    /// Whether it keeps a stream open.
    pub(crate) fn is_stream(&self) -> bool {
        self.habit.door != Door::Poll
    }

    fn note(&self, event: Event) {
        let mut seen = self.seen.lock().expect("no panic while it was held");
        match &event {
            Event::Came(node) => seen.at = Some(*node),
            Event::Said(message) => seen.held.apply(message),
            Event::Left => {
                seen.at = None;
                seen.held.cut_off();
            }
        }
        seen.story.push((Instant::now(), event));
    }

    /// Reads until it is told to leave.
    pub(crate) async fn reads(self: Arc<Self>, world: Arc<World>, mut dice: Dice, mut leave: watch::Receiver<bool>) {
        let reading = async {
            let mut node = self.habit.node;
            loop {
                let pause = match self.habit.door {
                    Door::Poll => self.polls(&world, node, &mut dice).await,
                    Door::WebSocket | Door::Sse => self.listens(&world, node, &mut dice).await,
                };
                let told = pause.filter(|pause| self.habit.patient && *pause <= LONGEST_PAUSE);
                let pause = told.unwrap_or(40 + dice.below(160) as u64);
                tokio::time::sleep(Duration::from_millis(pause)).await;
                if self.habit.roams {
                    node = dice.below(world.nodes.len());
                }
            }
        };
        tokio::select! {
            () = reading => {}
            _ = leave.wait_for(|leave| *leave) => {}
        }
    }

    fn url(&self, world: &World, node: usize, path: &str) -> String {
        let node = &world.nodes[node];
        let near = if self.habit.slow { node.lane.near() } else { node.street.near() };
        let filter = if self.habit.filtered { format!("&{FILTER}") } else { String::new() };
        format!("http://{near}/v1/feeds/{FEED}/{path}{filter}")
    }

    /// One visit to a stream; returns the pause that it was told to make.
    async fn listens(&self, world: &World, node: usize, dice: &mut Dice) -> Option<u64> {
        let after = self.look(|seen| seen.held.position.as_ref().map(|position| format!("&after={position}")));
        let url = self.url(world, node, &format!("live?last=500{}", after.unwrap_or_default()));
        let opened = timeout(OPENING, Stream::try_at(&url, self.habit.door)).await;
        let Ok(Some(mut stream)) = opened else {
            self.note(Event::Left);
            return None;
        };
        self.note(Event::Came(node));
        let mut pause = None;
        // Who roams leaves after a while of its own accord.
        let visit = if self.habit.roams { 5 + dice.below(60) } else { usize::MAX };
        for _ in 0..visit {
            let Ok(Said::Message(message)) = timeout(DEAD, stream.wait()).await else { break };
            if message["type"] == "bye" {
                pause = message["retryMs"].as_u64();
            }
            self.note(Event::Said(message));
        }
        self.note(Event::Left);
        pause
    }

    /// Polls until it is refused, or has polled for a while and roams.
    async fn polls(&self, world: &World, node: usize, dice: &mut Dice) -> Option<u64> {
        let client = reqwest::Client::builder().timeout(OPENING).build().expect("a client");
        self.note(Event::Came(node));
        let visit = if self.habit.roams { 3 + dice.below(20) } else { usize::MAX };
        for _ in 0..visit {
            if self.poll(&client, world, node, dice).await.is_none() {
                break;
            }
        }
        self.note(Event::Left);
        None
    }

    async fn poll(&self, client: &reqwest::Client, world: &World, node: usize, dice: &mut Dice) -> Option<()> {
        let position = self.look(|seen| seen.held.position.clone());
        let Some(position) = position else { return self.begin(client, world, node).await };
        let limit = 1 + dice.below(60);
        let path = format!("changes?after={position}&limit={limit}&wait=2");
        let polled = self.get(client, &self.url(world, node, &path)).await?;
        if let Some(reason) = polled.get("reset") {
            self.note(Event::Said(json!({"type": "reset", "reason": reason})));
            return self.begin(client, world, node).await;
        }
        for change in polled["changes"].as_array()? {
            self.note(Event::Said(change.clone()));
        }
        self.note(Event::Said(json!({"type": "moved", "position": polled["position"]})));
        Some(())
    }

    /// The first page, as a poller begins.
    async fn begin(&self, client: &reqwest::Client, world: &World, node: usize) -> Option<()> {
        let page = self.get(client, &self.url(world, node, "items?limit=200")).await?;
        assert_eq!(page.get("before"), None, "a round's items fit a page");
        let items = &page["items"];
        let all = json!({"type": "snapshot", "items": items, "done": true, "position": page["position"]});
        self.note(Event::Said(all));
        Some(())
    }

    async fn get(&self, client: &reqwest::Client, url: &str) -> Option<Value> {
        let answer = client.get(url).send().await.ok()?;
        match answer.status().as_u16() {
            200 => answer.json().await.ok(),
            // There is no such feed: what was read of it is nothing any more. Said once.
            404 => {
                if self.look(|seen| !seen.held.items.is_empty() || seen.held.resets == 0) {
                    self.note(Event::Said(json!({"type": "reset", "reason": "gone"})));
                }
                None
            }
            503 => None,
            other => panic!("{}: {url} is answered {other}", self.name),
        }
    }
}

/// Items by id.
pub(crate) type Items = BTreeMap<String, Value>;
