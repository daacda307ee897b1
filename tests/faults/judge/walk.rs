//! A reader's story, gone through once from beginning to end.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{Case, Verdict, Wrong};
use crate::{
    reader::{Event, Habit, Seen},
    support::stream::seq,
    truth::Change,
    world::Word,
};

/// The reasons that a reset may have.
const REASONS: [&str; 4] = ["trimmed", "storeChanged", "unknown", "gone"];

/// A form that the reader has, or had before it was taken away.
#[derive(Clone, Copy, Debug)]
struct Form {
    version: u64,
    /// A form from a snapshot may come once more as the change that made it.
    from_snapshot: bool,
    there: bool,
}

/// Where the walk stands.
pub(super) struct Walk<'a> {
    case: &'a Case<'a>,
    name: &'a str,
    habit: Habit,
    /// The seq of the position that the reader keeps.
    kept: u64,
    position: Option<String>,
    /// Changes and forms since the last reset.
    came: BTreeSet<u64>,
    forms: BTreeMap<String, Form>,
    /// What it was shown since the last reset that the store no longer has.
    lost: Vec<String>,
    /// The last changes of items, and how many of them its position covers.
    finals: Vec<&'a Change>,
    covered: usize,
    /// Whether a snapshot is under way.
    in_snapshot: bool,
}

impl<'a> Walk<'a> {
    pub(super) fn of(case: &'a Case<'a>, name: &'a str, habit: Habit) -> Self {
        Self {
            case,
            name,
            habit,
            kept: 0,
            position: None,
            came: BTreeSet::new(),
            forms: BTreeMap::new(),
            lost: Vec::new(),
            finals: case.truth.finals(),
            covered: 0,
            in_snapshot: false,
        }
    }

    pub(super) fn judge(mut self, seen: &Seen, verdict: &mut Verdict) {
        // Positions from before a reset belong to a log that may not be there any more.
        let last_reset = seen.story.iter().rposition(|(_, event)| is_reset(event));
        for (index, (_, event)) in seen.story.iter().enumerate() {
            match event {
                Event::Said(message) => {
                    verdict.messages += 1;
                    self.hear(message, verdict);
                    if last_reset.is_none_or(|last| index > last) && !self.in_snapshot {
                        self.check_covered(message, verdict);
                    }
                }
                Event::Left => self.in_snapshot = false,
                Event::Came(_) => {}
            }
        }
        for position in &self.lost {
            let words = format!("{} was shown {position}, which is not there, and was not told", self.name);
            verdict.add(Wrong::Silent, words);
        }
    }

    fn hear(&mut self, message: &Value, verdict: &mut Verdict) {
        match message["type"].as_str().unwrap_or_default() {
            "reset" => self.reset(message, verdict),
            "snapshot" => self.snapshot(message),
            "hello" => {
                let comes_with = message.get("position").and_then(Value::as_str);
                if comes_with.is_some() && comes_with != self.position.as_deref() {
                    let words = format!("{} came with {:?} and was greeted {message}", self.name, self.position);
                    verdict.add(Wrong::Other, words);
                }
            }
            kind if kind.starts_with("item.") || kind.starts_with("feed.") => self.change(message, verdict),
            _ => {
                if let Some(position) = message.get("position")
                    && seq(position) < self.kept
                {
                    let words = format!("{} stood at {:?} and was told {message}", self.name, self.position);
                    verdict.add(Wrong::OutOfOrder, words);
                }
            }
        }
        if message["type"] != "hello"
            && let Some(position) = message.get("position").and_then(Value::as_str)
        {
            self.kept = seq(&message["position"]);
            self.position = Some(position.to_owned());
        }
    }

    fn reset(&mut self, message: &Value, verdict: &mut Verdict) {
        verdict.resets += 1;
        let reason = message["reason"].as_str().unwrap_or_default();
        if !REASONS.contains(&reason) || (self.case.word == Word::Kept && reason != "trimmed") {
            verdict.add(Wrong::Reset, format!("{} was told {message}", self.name));
        }
        self.kept = 0;
        self.came.clear();
        self.forms.clear();
        self.lost.clear();
        self.in_snapshot = false;
    }

    fn snapshot(&mut self, message: &Value) {
        if !self.in_snapshot {
            self.forms.clear();
            self.came.clear();
            self.kept = 0;
        }
        for item in message["items"].as_array().into_iter().flatten() {
            let version = item["version"].as_u64().unwrap_or_default();
            let form = Form { version, from_snapshot: true, there: true };
            self.forms.insert(text(&item["id"]), form);
            self.note_lost(&text(&item["id"]), version);
        }
        self.in_snapshot = message["done"] != true;
    }

    /// A form in a snapshot has no position: what it shows is lost if each change that made such a form is.
    fn note_lost(&mut self, item: &str, version: u64) {
        let mut made = self.case.acks.iter().filter(|(_, ack)| ack.item == item && ack.version == version).peekable();
        let Some((position, _)) = made.peek().copied() else { return };
        if made.all(|(position, _)| !self.case.truth.changes.contains_key(position)) {
            self.lost.push(position.clone());
        }
    }

    fn change(&mut self, message: &Value, verdict: &mut Verdict) {
        let (at, position) = (seq(&message["position"]), text(&message["position"]));
        if self.came.contains(&at) {
            verdict.add(Wrong::Repeated, format!("{} was sent {at} again: {message}", self.name));
        } else if at <= self.kept {
            verdict.add(Wrong::OutOfOrder, format!("{} stood at {} and was sent {message}", self.name, self.kept));
        }
        self.came.insert(at);
        let Some(id) = message["item"]["id"].as_str().map(ToOwned::to_owned) else { return };
        let kind = message["type"].as_str().unwrap_or_default();
        let there = !["item.left", "item.withheld", "item.removed"].contains(&kind);
        self.check_shown(&id, &position, message, verdict);
        let Some(version) = message["item"]["version"].as_u64() else {
            if let Some(form) = self.forms.get_mut(&id) {
                form.there = false;
            }
            return;
        };
        if let Some(form) = self.forms.get(&id) {
            let repeats = version < form.version || (version == form.version && !form.from_snapshot && form.there);
            if repeats {
                verdict.add(Wrong::Repeated, format!("{} had {form:?} and was sent {message}", self.name));
            }
        }
        self.forms.insert(id, Form { version, from_snapshot: false, there });
    }

    /// What is shown was committed, and is what its editor was told.
    fn check_shown(&mut self, id: &str, position: &str, message: &Value, verdict: &mut Verdict) {
        let there = self.case.truth.changes.contains_key(position);
        let ack = self.case.acks.get(position);
        if !there {
            self.lost.push(position.to_owned());
            if self.case.word == Word::Kept {
                verdict.add(Wrong::Other, format!("{} was shown what is not there: {message}", self.name));
            }
        }
        let Some(ack) = ack else { return };
        let shown = message["item"].get("headline").and_then(Value::as_str);
        let other = ack.item != id
            || message["item"]["version"].as_u64().is_some_and(|version| version != ack.version)
            || (shown.is_some() && shown != ack.headline.as_deref());
        if other {
            verdict.add(Wrong::Other, format!("{} was sent {message}, acknowledged was {ack:?}", self.name));
        }
    }

    /// Whatever the kept position covers, the reader has in its last form, unless that is still to come.
    fn check_covered(&mut self, message: &Value, verdict: &mut Verdict) {
        if message["type"] == "hello" || message.get("position").is_none() {
            return;
        }
        while let Some(change) = self.finals.get(self.covered).filter(|change| change.seq <= self.kept) {
            self.covered += 1;
            let shown = if self.habit.filtered { change.filtered } else { change.listed };
            let form = self.forms.get(&change.item);
            let has = form.filter(|form| form.there).map(|form| form.version);
            let right = if shown { has == Some(change.version) } else { has.is_none() };
            if !right {
                let words = format!("{} was told {message} and has {form:?} of {change:?}", self.name);
                verdict.add(Wrong::Beyond, words);
            }
        }
    }
}

fn is_reset(event: &Event) -> bool {
    matches!(event, Event::Said(message) if message["type"] == "reset")
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
