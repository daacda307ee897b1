//! Rivals: two editors who change the same field of the same item at the same moment, through two nodes where there are
//! two, each by what it was told last. One of them wins, and the other is told so (412), whatever breaks meanwhile.

use std::sync::Arc;

use reqwest::Method;
use serde_json::json;
use tokio::{sync::watch, time::interval};

use crate::{
    editor::{Became, Change, Editor, PACE},
    record::Contest,
    support::dice::Dice,
    world::World,
};

/// How many items they share one after the other; with those of the editors they fit one page.
const ITEMS: usize = 20;
/// After how many contests they turn to another one.
const CONTESTS: usize = 6;

/// The two.
pub(crate) struct Rivals {
    world: Arc<World>,
    both: [Editor; 2],
    dice: Dice,
}

impl Rivals {
    /// Two who have nothing to quarrel about yet; they are numbered from this on.
    pub(crate) fn new(world: &Arc<World>, number: usize, mut dice: Dice) -> Self {
        let both = [0, 1].map(|rival| Editor::new(world, number + rival, dice.split()));
        Self { world: world.clone(), both, dice }
    }

    /// They quarrel until they are told to stop; what they began they finish.
    pub(crate) async fn quarrel(mut self, stop: watch::Receiver<bool>) {
        let mut pace = interval(PACE);
        let (mut about, mut items) = (None, 0);
        for number in 0.. {
            pace.tick().await;
            if *stop.borrow() {
                return;
            }
            about = match about.filter(|_| number % CONTESTS > 0 || items == ITEMS) {
                // A store that lost their last item leaves them nothing to quarrel about.
                None if items == ITEMS => return,
                None => {
                    items += 1;
                    self.publish(number).await
                }
                Some((item, etag)) => self.contest(number, item, etag).await,
            };
        }
    }

    /// Makes an item: its id and its ETag. None where that cannot be, as in a store that lost its feed.
    async fn publish(&mut self, number: usize) -> Option<(String, String)> {
        let body = json!({"headline": format!("Rivals {number}"), "tags": ["election"]});
        let key = format!("rivals {number}");
        let change = Change { item: None, method: Method::POST, path: "items".to_owned(), body, etag: None, key };
        match self.both[0].insist(&change).await {
            Became::Made(item, etag) => Some((item, etag)),
            Became::Impossible(..) => None,
        }
    }

    /// Both change it; the item with the winner's ETag, unless it is lost.
    async fn contest(&mut self, number: usize, item: String, etag: String) -> Option<(String, String)> {
        let throw = self.dice.below(1_000_000);
        let changes = [0, 1].map(|rival| Change {
            item: Some(item.clone()),
            method: Method::PATCH,
            path: format!("items/{item}"),
            body: json!({"headline": format!("Rival {rival}.{number} says {throw}")}),
            etag: Some(etag.clone()),
            key: format!("rival {rival} contest {number}"),
        });
        let [one, other] = &mut self.both;
        let became = tokio::join!(one.insist(&changes[0]), other.insist(&changes[1]));
        let (mut winners, mut beaten) = (Vec::new(), Vec::new());
        for became in [became.0, became.1] {
            match became {
                Became::Made(_, etag) => winners.push(etag),
                Became::Impossible(412, problem) => beaten.push(problem["current"].as_str().map(ToOwned::to_owned)),
                Became::Impossible(..) => beaten.push(None),
            }
        }
        let next = winners.last().map(|winner| (item.clone(), winner.clone()));
        self.world.record.contest(Contest { item, winners, beaten });
        next
    }
}
