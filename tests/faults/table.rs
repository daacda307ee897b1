//! The table of what can break where, and how rounds are drawn from it.

use std::collections::BTreeMap;

use crate::{fault::Fault, round::Draw, support::dice::Dice, world::Kept};

/// How often each fault happens alone, and how often together with others, at least, in a long run.
pub(crate) const AT_LEAST: usize = 5;

/// All that can happen here: a fault on a store.
pub(crate) fn table(possible: impl Fn(Fault) -> bool) -> Vec<(Fault, Kept)> {
    let faults = Fault::ALL.into_iter().filter(|fault| possible(*fault));
    faults.flat_map(|fault| fault.stores().iter().map(move |kept| (fault, *kept))).collect()
}

/// Each fault once, alone, on a store by the seed.
pub(crate) fn each_once(seed: u64, possible: impl Fn(Fault) -> bool) -> Vec<Draw> {
    let mut dice = Dice::of(seed);
    let faults = Fault::ALL.into_iter().filter(|fault| possible(*fault));
    let draws = faults.enumerate().map(|(number, fault)| {
        let kept = *dice.pick(fault.stores());
        Draw { number, seed: dice.next(), kept, faults: vec![fault] }
    });
    draws.collect()
}

/// So many rounds: each fault often enough alone, and all others together with others that happened least so far.
pub(crate) fn many(seed: u64, rounds: usize, possible: impl Fn(Fault) -> bool) -> Vec<Draw> {
    let mut dice = Dice::of(seed);
    let table = table(possible);
    let mut fired: BTreeMap<(Fault, Kept), usize> = BTreeMap::new();
    let mut together: BTreeMap<Fault, usize> = BTreeMap::new();
    let mut draws: Vec<Draw> = Vec::new();
    let mut alone: Vec<Fault> = table.iter().map(|(fault, _)| *fault).collect();
    alone.dedup();
    let alone = alone.into_iter().flat_map(|fault| [fault; AT_LEAST]);
    for fault in alone {
        let stores = fault.stores().iter().min_by_key(|kept| fired.get(&(fault, **kept)).copied().unwrap_or_default());
        let kept = *stores.expect("a fault has a store");
        *fired.entry((fault, kept)).or_default() += 1;
        draws.push(Draw { number: 0, seed: dice.next(), kept, faults: vec![fault] });
    }
    while draws.len() < rounds {
        // The one that happened least leads, and says where; among such, any.
        let often = |fault: &Fault| together.get(fault).copied().unwrap_or_default();
        let least = table.iter().map(|(fault, _)| often(fault)).min().unwrap_or_default();
        let rare: Vec<_> = table.iter().filter(|(fault, _)| often(fault) == least).collect();
        let (lead, kept) = **dice.pick(&rare);
        let mut faults: Vec<Fault> = table.iter().filter(|(_, on)| *on == kept).map(|(fault, _)| *fault).collect();
        faults.retain(|fault| *fault != lead);
        *together.entry(lead).or_default() += 1;
        let mut drawn = vec![lead];
        for _ in 0..1 + dice.below(2) {
            // The one that happened least; among such, any.
            let often = |fault: &Fault| together.get(fault).copied().unwrap_or_default();
            let least = faults.iter().map(often).min().unwrap_or_default();
            let rare: Vec<Fault> = faults.iter().copied().filter(|fault| often(fault) == least).collect();
            let fault = *dice.pick(&rare);
            faults.retain(|other| *other != fault);
            *together.entry(fault).or_default() += 1;
            drawn.push(fault);
        }
        draws.push(Draw { number: 0, seed: dice.next(), kept, faults: drawn });
    }
    // In any order, so that a run that is broken off has seen something of everything.
    for last in (1..draws.len()).rev() {
        draws.swap(last, dice.below(last + 1));
    }
    draws.iter_mut().enumerate().for_each(|(number, draw)| draw.number = number);
    draws
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::KILLS;

    #[test]
    fn a_long_run_does_everything_often_enough_alone_and_together_and_kills_the_server_on_sqlite_200_times() {
        for seed in 0..20 {
            let draws = many(seed, crate::ROUNDS, |_| true);
            let often = |fault: Fault, alone: bool| {
                let fires = |draw: &&Draw| draw.faults.contains(&fault) && (draw.faults.len() == 1) == alone;
                draws.iter().filter(fires).count()
            };
            for fault in Fault::ALL {
                let (alone, together) = (often(fault, true), often(fault, false));
                assert!(alone >= AT_LEAST && together >= AT_LEAST, "seed {seed}: {fault:?} {alone} and {together}");
            }
            let kills = KILLS * (often(Fault::ServerKilled, true) + often(Fault::ServerKilled, false));
            assert!(kills >= 200, "seed {seed}: {kills}");
        }
    }
}
