//! Deterministic automata over bytes, anchored where they start.

use std::collections::BTreeMap;

use super::nfa::{Nfa, State};
use crate::order;

/// The state from which nothing matches any more.
pub(super) const DEAD: u16 = 0;
/// Most steps of building one: what takes longer would become too large.
const WORK: usize = 2_000_000;

/// What all automata of one pattern may cost together.
#[derive(Debug)]
pub(super) struct Budget {
    pub(super) states: usize,
    /// Bytes of the tables.
    pub(super) bytes: usize,
}

/// Whether a byte belongs to a word, as `\b` has it.
pub(super) fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

pub(super) struct Dfa {
    /// The class of each byte: bytes that no state tells apart are one.
    classes: [u8; 256],
    width: usize,
    /// The next state, for each state and class.
    table: Box<[u16]>,
    /// For each state: whether it accepts if the next byte belongs to no word (or there is none), and if it does.
    accepts: Box<[[bool; 2]]>,
    /// Whether a state has a way on.
    goes_on: Box<[bool]>,
    /// Where to start after a byte that belongs to no word, and after one that does.
    starts: [u16; 2],
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Run {
    /// Bytes of the longest match.
    pub(super) longest: Option<usize>,
    /// Bytes that were read and did not end the run.
    pub(super) read: usize,
    /// Whether it ended for want of bytes, and more could change the answer.
    pub(super) is_open: bool,
}

impl Dfa {
    /// The automaton, paid from the budget; `None` if that does not reach.
    pub(super) fn new(nfa: &Nfa, budget: &mut Budget) -> Option<Self> {
        let words = nfa.states.iter().any(|state| matches!(state, State::Word { .. }));
        let (classes, width) = classes(nfa, words);
        let samples: Vec<u8> = (0..width)
            .filter_map(|class| {
                (0..=255).find(|byte| classes.get(usize::from(*byte)).is_some_and(|it| usize::from(*it) == class))
            })
            .collect();
        let mut builder = Builder {
            nfa,
            words,
            known: BTreeMap::new(),
            sets: vec![(Vec::new(), false)],
            marks: vec![0; nfa.states.len()],
            mark: 0,
            work: 0,
        };
        let most = budget.states.min(budget.bytes / (2 * width)).min(usize::from(u16::MAX));
        let first = builder.settled(&[nfa.start]);
        let starts = [builder.number(first.clone(), false)?, builder.number(first, words)?];
        let (mut table, mut accepts, mut goes_on) = (vec![DEAD; width], vec![[false; 2]], vec![false]);
        let mut at = 1;
        while let Some((set, previous)) = builder.sets.get(at).cloned() {
            let ahead = [false, true].map(|next| builder.resolved(&set, previous, next));
            accepts.push([ahead[0].1, ahead[1].1]);
            let row = table.len();
            for sample in &samples {
                let is_word = words && is_word(*sample);
                let [(other, _), (word, _)] = &ahead;
                let live = if is_word { word } else { other };
                let targets = builder.stepped(live, *sample);
                let settled = builder.settled(&targets);
                let next = if settled.is_empty() { DEAD } else { builder.number(settled, is_word)? };
                table.push(next);
            }
            goes_on.push(table.get(row..).is_some_and(|row| row.iter().any(|next| *next != DEAD)));
            if builder.sets.len() > most + 1 || builder.work > WORK {
                return None;
            }
            at += 1;
        }
        budget.states = budget.states.saturating_sub(goes_on.len() - 1);
        budget.bytes = budget.bytes.saturating_sub(2 * table.len());
        Some(Self {
            classes,
            width,
            table: table.into_boxed_slice(),
            accepts: accepts.into_boxed_slice(),
            goes_on: goes_on.into_boxed_slice(),
            starts,
        })
    }

    /// Where to start after this byte (before it, when the text is read backwards).
    pub(super) fn start(&self, previous: Option<u8>) -> u16 {
        let [other, word] = self.starts;
        if previous.is_some_and(is_word) { word } else { other }
    }

    /// Runs over `bytes` from the state [`Dfa::start`] gives. `is_end` tells that nothing comes after them; if it is
    /// false and `limit` bytes were read, the run ends there.
    pub(super) fn run(&self, start: u16, bytes: impl Iterator<Item = u8>, is_end: bool, limit: usize) -> Run {
        let mut state = start;
        let mut longest = None;
        let mut read = 0;
        for byte in bytes {
            if self.accepts(state, is_word(byte)) {
                longest = Some(read);
            }
            if read == limit {
                return Run { longest, read, is_open: false };
            }
            state = self.next(state, byte);
            if state == DEAD {
                return Run { longest, read, is_open: false };
            }
            read += 1;
        }
        if is_end {
            if self.accepts(state, false) {
                longest = Some(read);
            }
            return Run { longest, read, is_open: false };
        }
        let [other, word] = [self.accepts(state, false), self.accepts(state, true)];
        if other && word {
            longest = Some(read);
        }
        Run { longest, read, is_open: other != word || (read < limit && self.goes_on(state)) }
    }

    pub(super) fn next(&self, state: u16, byte: u8) -> u16 {
        let class = self.classes.get(usize::from(byte)).copied().unwrap_or(0);
        self.table.get(usize::from(state) * self.width + usize::from(class)).copied().unwrap_or(DEAD)
    }

    /// Whether what was read up to `state` matches, if a byte comes next that belongs to a word, or not.
    pub(super) fn accepts(&self, state: u16, before_word: bool) -> bool {
        self.accepts.get(usize::from(state)).is_some_and(|accepts| if before_word { accepts[1] } else { accepts[0] })
    }

    fn goes_on(&self, state: u16) -> bool {
        self.goes_on.get(usize::from(state)).is_some_and(|it| *it)
    }

    /// Number of states, the dead one included.
    pub(super) fn len(&self) -> usize {
        self.goes_on.len()
    }

    /// One byte of each class.
    pub(super) fn samples(&self) -> Vec<u8> {
        let class = |byte: u8| self.classes.get(usize::from(byte)).map(|class| usize::from(*class));
        (0..self.width).filter_map(|wanted| (0..=255).find(|byte| class(*byte) == Some(wanted))).collect()
    }
}

/// Sorts the bytes into classes that no set, and no boundary of a word, tells apart.
fn classes(nfa: &Nfa, words: bool) -> ([u8; 256], usize) {
    let mut known: BTreeMap<Vec<bool>, u8> = BTreeMap::new();
    let mut classes = [0; 256];
    for (byte, class) in (0..=255_u8).zip(&mut classes) {
        let has = |set: &super::nfa::Set| set.get(usize::from(byte)).is_some_and(|it| *it);
        let mut signs: Vec<bool> = nfa.sets.iter().map(has).collect();
        signs.push(words && is_word(byte));
        // At most 256 classes.
        let fresh = u8::try_from(known.len()).unwrap_or(u8::MAX);
        *class = *known.entry(signs).or_insert(fresh);
    }
    (classes, known.len())
}

struct Builder<'n> {
    nfa: &'n Nfa,
    words: bool,
    known: BTreeMap<(Vec<usize>, bool), u16>,
    /// By number.
    sets: Vec<(Vec<usize>, bool)>,
    marks: Vec<usize>,
    mark: usize,
    work: usize,
}

impl Builder<'_> {
    fn number(&mut self, set: Vec<usize>, previous: bool) -> Option<u16> {
        let key = (set, previous);
        if let Some(number) = self.known.get(&key) {
            return Some(*number);
        }
        let number = u16::try_from(self.sets.len()).ok()?;
        self.sets.push(key.clone());
        self.known.insert(key, number);
        Some(number)
    }

    /// What is reached from these states without a byte and without asking about words.
    fn settled(&mut self, from: &[usize]) -> Vec<usize> {
        self.closed(from, None).0
    }

    /// What is reached once the bytes around are known, and whether that is the end.
    fn resolved(&mut self, set: &[usize], previous: bool, next: bool) -> (Vec<usize>, bool) {
        if !self.words {
            let ends = set.iter().any(|at| matches!(self.nfa.states.get(*at), Some(State::Match)));
            return (set.to_vec(), ends);
        }
        self.closed(set, Some(previous != next))
    }

    fn closed(&mut self, from: &[usize], boundary: Option<bool>) -> (Vec<usize>, bool) {
        self.mark += 1;
        let mut out = Vec::new();
        let mut ends = false;
        let mut pending = from.to_vec();
        while let Some(at) = pending.pop() {
            let (Some(mark), Some(state)) = (self.marks.get_mut(at), self.nfa.states.get(at)) else { continue };
            if *mark == self.mark {
                continue;
            }
            *mark = self.mark;
            self.work += 1;
            match state {
                State::Any(all) => pending.extend(all),
                State::Word { wanted, next } if boundary.is_some() => {
                    if boundary == Some(*wanted) {
                        pending.push(*next);
                    }
                }
                State::Match => {
                    ends = true;
                    out.push(at);
                }
                State::Word { .. } | State::Byte { .. } => out.push(at),
            }
        }
        order::sort(&mut out);
        (out, ends)
    }

    fn stepped(&mut self, live: &[usize], byte: u8) -> Vec<usize> {
        self.work += live.len();
        live.iter()
            .filter_map(|at| match self.nfa.states.get(*at)? {
                State::Byte { set, next } => self.nfa.sets.get(*set)?.get(usize::from(byte))?.then_some(*next),
                _ => None,
            })
            .collect()
    }
}
