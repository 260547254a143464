//! Whether hostile text can make a pattern read the same bytes again and again.
//!
//! A candidate costs as many bytes as its automaton stays alive. That is no more than the text has, over all
//! candidates, if the literal cannot lie in what an automaton reads: it dies there. If it can, candidates overlap, and
//! one of three things must hold: they stay alive only for a few bytes without matching; or, wherever one dies without
//! a match, all that began later die too and the scanner may skip them; or the first always outlives the others.

use super::REREAD;
use super::dfa::{DEAD, Dfa, is_word};
use crate::order;

/// Most steps of comparing two runs.
const STEPS: usize = 4_000_000;

/// What is known about the candidates of one automaton.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cost {
    /// All bytes together are read a bounded number of times.
    Linear,
    /// The same, provided that after a run without a match all candidates inside what it read are skipped.
    LinearIfSkipped,
    /// Not bounded.
    Unbounded,
}

pub(super) fn cost(after: &Dfa, literals: &[Vec<u8>]) -> Cost {
    let starts = overlaps(after, literals);
    if starts.is_empty() {
        return Cost::Linear;
    }
    let spacing = spacing(literals);
    let (wait, wasted) = waits(after, literals, REREAD * spacing);
    if wait && wasted {
        return Cost::Linear;
    }
    if dominates(after, &starts, false) || (wasted && dominates(after, &starts, true)) {
        return Cost::LinearIfSkipped;
    }
    Cost::Unbounded
}

fn start(after: &Dfa, literal: &[u8]) -> u16 {
    after.start(literal.last().copied())
}

fn advance(after: &Dfa, from: u16, bytes: &[u8]) -> u16 {
    bytes.iter().fold(from, |state, byte| after.next(state, *byte))
}

/// All pairs of states in which an earlier candidate and a later one can be when the later one's run begins.
fn overlaps(after: &Dfa, literals: &[Vec<u8>]) -> Vec<(u16, u16)> {
    let mut pairs = Vec::new();
    for later in literals {
        for state in 1..u16::try_from(after.len()).unwrap_or(u16::MAX) {
            pairs.push((advance(after, state, later), start(after, later)));
        }
        for earlier in literals {
            for shift in 1..earlier.len() {
                let rest = earlier.get(shift..).unwrap_or_default();
                if let Some(beyond) = later.strip_prefix(rest) {
                    pairs.push((advance(after, start(after, earlier), beyond), start(after, later)));
                } else if let Some(beyond) = rest.strip_prefix(later.as_slice()) {
                    pairs.push((start(after, earlier), advance(after, start(after, later), beyond)));
                }
            }
        }
    }
    pairs.retain(|(first, second)| *first != DEAD && *second != DEAD);
    order::distinct(&mut pairs);
    pairs
}

/// Fewest bytes between two places at which literals begin.
fn spacing(literals: &[Vec<u8>]) -> usize {
    let fits = |earlier: &Vec<u8>, later: &Vec<u8>, shift: usize| {
        earlier.get(shift..).is_none_or(|rest| rest.iter().zip(later).all(|(a, b)| a == b))
    };
    let longest = literals.iter().map(Vec::len).max().unwrap_or(1);
    (1..longest).find(|shift| literals.iter().any(|a| literals.iter().any(|b| fits(a, b, *shift)))).unwrap_or(longest)
}

/// Whether a run stays alive for at most `bound` bytes without a match: from its start, and after a match.
fn waits(after: &Dfa, literals: &[Vec<u8>], bound: usize) -> (bool, bool) {
    let samples = after.samples();
    let mut waits = vec![0_usize; after.len()];
    let states = 1..u16::try_from(after.len()).unwrap_or(u16::MAX);
    let wait = |waits: &[usize], state: u16| {
        samples
            .iter()
            .map(|sample| after.next(state, *sample))
            .filter(|next| *next != DEAD)
            .map(|next| 1 + waits.get(usize::from(next)).copied().unwrap_or(0))
            .max()
            .unwrap_or(0)
    };
    let surely = |state: u16| after.accepts(state, false) && after.accepts(state, true);
    // Each round finds the ways that are one longer.
    for _ in 0..=bound + 1 {
        let mut changed = false;
        for state in states.clone().rev().filter(|state| !surely(*state)) {
            let longer = wait(&waits, state).min(bound + 2);
            if let Some(known) = waits.get_mut(usize::from(state)).filter(|known| **known < longer) {
                *known = longer;
                changed = true;
            }
        }
        if !changed {
            break;
        }
    }
    let short = |state: u16| waits.get(usize::from(state)).is_some_and(|wait| *wait <= bound);
    let from_start = literals.iter().all(|literal| short(start(after, literal)));
    let accepting = states.filter(|state| after.accepts(*state, false) || after.accepts(*state, true));
    (from_start, accepting.into_iter().all(|state| wait(&waits, state) <= bound + 1))
}

/// Whether, from each of the pairs, the second state dies where the first does and matches only where the first does;
/// with `until_match`, only up to the first match of the first.
fn dominates(after: &Dfa, starts: &[(u16, u16)], until_match: bool) -> bool {
    let states = after.len();
    let samples = after.samples();
    let mut seen = vec![0_u64; (states * states).div_ceil(64)];
    let mut pending = starts.to_vec();
    let mut steps = 0;
    while let Some((first, second)) = pending.pop() {
        if first == second {
            continue;
        }
        let number = usize::from(first) * states + usize::from(second);
        let Some(word) = seen.get_mut(number / 64) else { return false };
        if *word & (1 << (number % 64)) != 0 {
            continue;
        }
        *word |= 1 << (number % 64);
        if after.accepts(second, false) && !after.accepts(first, false) {
            return false;
        }
        for sample in &samples {
            steps += 1;
            let [own, other] = [first, second].map(|state| after.accepts(state, is_word(*sample)));
            if other && !own {
                return false;
            }
            if own && until_match {
                continue;
            }
            match (after.next(first, *sample), after.next(second, *sample)) {
                (_, DEAD) => {}
                (DEAD, _) => return false,
                pair => pending.push(pair),
            }
        }
        if steps > STEPS {
            return false;
        }
    }
    true
}
