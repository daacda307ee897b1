//! All timers of a shard: a wheel of quarter seconds, in which each connection stands at most once.
//!
//! A time may come up to a quarter of a second late, and one that lies further ahead than the wheel reaches comes early;
//! whoever is woken looks at the clock. Nothing is allocated for a connection but its place.

use std::time::Duration;

use tokio::time::Instant;

/// How long one place of the wheel lasts.
pub(super) const TICK: Duration = Duration::from_millis(250);
/// How many places there are: 16 s, a little more than a heartbeat.
const PLACES: u64 = 64;

/// The wheel.
#[derive(Debug)]
pub(super) struct Wheel {
    began: Instant,
    /// The last tick that was told.
    told: u64,
    places: Vec<Vec<u32>>,
}

/// When a connection is due, as a number of ticks; 0: it stands nowhere.
pub(super) type Due = u64;

impl Wheel {
    pub(super) fn new(now: Instant) -> Self {
        Self { began: now, told: 0, places: (0..PLACES).map(|_| Vec::new()).collect() }
    }

    /// Sees to it that a slot comes up at this time, which is due already at `due`.
    pub(super) fn set(&mut self, slot: u32, due: &mut Due, at: Instant) {
        let after = u64::try_from((at - self.began).as_millis()).unwrap_or(u64::MAX);
        let tick = after.div_ceil(millis(TICK)).clamp(self.told + 1, self.told + PLACES - 1);
        if *due != 0 && *due <= tick {
            return;
        }
        *due = tick;
        self.places[place(tick)].push(slot);
    }

    /// The slots whose time has come, with the tick they stood at. A slot that was set anew since then, or belongs to
    /// somebody else now, stands at another tick.
    pub(super) fn turn(&mut self, now: Instant, into: &mut Vec<(u32, Due)>) {
        let reached = u64::try_from((now - self.began).as_millis()).unwrap_or(u64::MAX) / millis(TICK);
        // After a long pause each place comes up once.
        let from = (self.told + 1).max(reached.saturating_sub(PLACES - 1));
        for tick in from..=reached {
            let place = &mut self.places[place(tick)];
            into.extend(place.drain(..).map(|slot| (slot, tick)));
            if place.capacity() > 1024 {
                *place = Vec::new();
            }
        }
        if reached > self.told && from > self.told + 1 {
            // The ticks that were passed over share their places with later ones.
            into.iter_mut().for_each(|(_, tick)| *tick = Due::MAX);
        }
        self.told = self.told.max(reached);
    }

    /// When the next tick is.
    pub(super) fn next(&self) -> Instant {
        self.began + TICK * u32::try_from(self.told + 1).unwrap_or(u32::MAX)
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).expect("a short time")
}

fn place(tick: Due) -> usize {
    usize::try_from(tick % PLACES).expect("a small number")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn due_at(wheel: &mut Wheel, began: Instant, millis: u64) -> Vec<u32> {
        let mut came = Vec::new();
        wheel.turn(began + Duration::from_millis(millis), &mut came);
        came.into_iter().map(|(slot, _)| slot).collect()
    }

    #[test]
    fn a_time_comes_up_once_within_a_tick_of_when_it_was_set_for() {
        let began = Instant::now();
        let mut wheel = Wheel::new(began);
        let (mut one, mut two) = (0, 0);
        wheel.set(1, &mut one, began + Duration::from_millis(600));
        wheel.set(2, &mut two, began + Duration::from_secs(15));
        wheel.set(1, &mut one, began + Duration::from_secs(5));
        assert!(due_at(&mut wheel, began, 500).is_empty());
        assert_eq!(due_at(&mut wheel, began, 750), [1]);
        assert!(due_at(&mut wheel, began, 14_999).is_empty());
        assert_eq!(due_at(&mut wheel, began, 15_000), [2]);
        assert!(due_at(&mut wheel, began, 60_000).is_empty());
    }

    #[test]
    fn an_earlier_time_takes_the_place_of_a_later_one() {
        let began = Instant::now();
        let mut wheel = Wheel::new(began);
        let mut due = 0;
        wheel.set(7, &mut due, began + Duration::from_secs(10));
        wheel.set(7, &mut due, began + Duration::from_secs(1));
        let mut came = Vec::new();
        wheel.turn(began + Duration::from_secs(1), &mut came);
        assert_eq!(came, [(7, due)]);
        came.clear();
        wheel.turn(began + Duration::from_secs(10), &mut came);
        assert!(came.iter().all(|(_, tick)| *tick != due), "it stands elsewhere now");
    }

    #[test]
    fn what_lies_beyond_the_wheel_comes_early_and_a_long_pause_loses_nothing() {
        let began = Instant::now();
        let mut wheel = Wheel::new(began);
        let (mut far, mut near) = (0, 0);
        wheel.set(1, &mut far, began + Duration::from_secs(120));
        wheel.set(2, &mut near, began + Duration::from_secs(1));
        let mut came = due_at(&mut wheel, began, 1_000_000);
        came.sort_unstable();
        assert_eq!(came, [1, 2]);
    }
}
