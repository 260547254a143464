//! From nodes to an automaton over bytes.

use super::node::Node;

/// Which way the text is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    Forward,
    Backward,
}

#[derive(Clone, Debug)]
pub(super) enum State {
    /// Takes a byte of the set with this number.
    Byte {
        set: usize,
        next: usize,
    },
    /// Goes on at all of these.
    Any(Vec<usize>),
    /// Goes on if there is a boundary of a word here (or none, if that is wanted).
    Word {
        wanted: bool,
        next: usize,
    },
    Match,
}

/// The bytes that a state takes.
pub(super) type Set = [bool; 256];

/// Most states.
const STATES: usize = 16_384;

#[derive(Debug)]
pub(super) struct Nfa {
    pub(super) states: Vec<State>,
    pub(super) sets: Vec<Set>,
    pub(super) start: usize,
}

impl Nfa {
    /// The automaton of these nodes, one after the other; `None` if it is too large.
    pub(super) fn new(nodes: &[Node], way: Way) -> Option<Self> {
        let mut nfa = Self { states: vec![State::Match], sets: Vec::new(), start: 0 };
        nfa.start = nfa.sequence(nodes, way, 0)?;
        Some(nfa)
    }

    fn push(&mut self, state: State) -> Option<usize> {
        self.states.push(state);
        (self.states.len() <= STATES).then_some(self.states.len() - 1)
    }

    /// Builds from the end, so that each state knows the next.
    fn sequence(&mut self, nodes: &[Node], way: Way, end: usize) -> Option<usize> {
        let mut next = end;
        match way {
            Way::Forward => {
                for node in nodes.iter().rev() {
                    next = self.node(node, way, next)?;
                }
            }
            Way::Backward => {
                for node in nodes {
                    next = self.node(node, way, next)?;
                }
            }
        }
        Some(next)
    }

    fn node(&mut self, node: &Node, way: Way, next: usize) -> Option<usize> {
        match node {
            Node::Set(ranges) => self.characters(ranges, way, next),
            Node::Word(wanted) => self.push(State::Word { wanted: *wanted, next }),
            Node::Sequence(nodes) => self.sequence(nodes, way, next),
            Node::Choice(nodes) => {
                let mut starts = Vec::with_capacity(nodes.len());
                for node in nodes {
                    starts.push(self.node(node, way, next)?);
                }
                self.push(State::Any(starts))
            }
            Node::Repeat { node, least, most } => {
                let mut entry = next;
                match most {
                    None => {
                        let again = self.push(State::Any(Vec::new()))?;
                        let body = self.node(node, way, again)?;
                        *self.states.get_mut(again)? = State::Any(vec![body, next]);
                        entry = again;
                    }
                    Some(most) => {
                        for _ in *least..*most {
                            let body = self.node(node, way, entry)?;
                            entry = self.push(State::Any(vec![body, next]))?;
                        }
                    }
                }
                for _ in 0..*least {
                    let before = self.states.len();
                    entry = self.node(node, way, entry)?;
                    if self.states.len() == before {
                        break;
                    }
                }
                Some(entry)
            }
        }
    }

    fn characters(&mut self, ranges: &[(u32, u32)], way: Way, next: usize) -> Option<usize> {
        let mut single: Set = [false; 256];
        let mut longer = Vec::new();
        for (first, last) in ranges {
            sequences(*first, *last, &mut |sequence| match sequence {
                [(low, high)] => (*low..=*high).for_each(|byte| take(&mut single, byte)),
                _ => longer.push(sequence.to_vec()),
            });
        }
        let mut starts = Vec::new();
        if single.contains(&true) {
            let set = self.set(single);
            starts.push(self.push(State::Byte { set, next })?);
        }
        for mut sequence in longer {
            if way == Way::Forward {
                sequence.reverse();
            }
            let mut entry = next;
            for (low, high) in sequence {
                let mut set: Set = [false; 256];
                (low..=high).for_each(|byte| take(&mut set, byte));
                let set = self.set(set);
                entry = self.push(State::Byte { set, next: entry })?;
            }
            starts.push(entry);
        }
        match starts.as_slice() {
            [one] => Some(*one),
            _ => self.push(State::Any(starts)),
        }
    }

    fn set(&mut self, set: Set) -> usize {
        self.sets.iter().position(|known| *known == set).unwrap_or_else(|| {
            self.sets.push(set);
            self.sets.len() - 1
        })
    }
}

fn take(set: &mut Set, byte: u8) {
    if let Some(it) = set.get_mut(usize::from(byte)) {
        *it = true;
    }
}

/// Tells the sequences of byte ranges that make up the UTF-8 of the characters `first..=last`.
fn sequences(first: u32, last: u32, tell: &mut impl FnMut(&[(u8, u8)])) {
    if first > last {
        return;
    }
    if first <= 0xdfff && last >= 0xd800 {
        // No surrogates.
        sequences(first, 0xd7ff, tell);
        sequences(0xe000, last, tell);
        return;
    }
    // All of one length.
    for end in [0x7f, 0x7ff, 0xffff] {
        if first <= end && end < last {
            sequences(first, end, tell);
            sequences(end + 1, last, tell);
            return;
        }
    }
    // Where a byte differs, all bytes after it must be free to be any.
    if first > 0x7f {
        for bytes in 1..4 {
            let low = (1 << (6 * bytes)) - 1;
            if first & !low != last & !low {
                if first & low != 0 {
                    sequences(first, first | low, tell);
                    sequences((first | low) + 1, last, tell);
                    return;
                }
                if last & low != low {
                    sequences(first, (last & !low) - 1, tell);
                    sequences(last & !low, last, tell);
                    return;
                }
            }
        }
    }
    let (Some(first), Some(last)) = (char::from_u32(first), char::from_u32(last)) else { return };
    let (mut low, mut high) = ([0; 4], [0; 4]);
    let (low, high) = (first.encode_utf8(&mut low).as_bytes(), last.encode_utf8(&mut high).as_bytes());
    let ranges: Vec<_> = low.iter().copied().zip(high.iter().copied()).collect();
    tell(&ranges);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequences_take_the_characters_of_a_range_and_no_others() {
        for (first, last) in [
            (0, 0x10_ffff),
            (0x20, 0x7e),
            (0x7f, 0x80),
            (0x61, 0x3b1),
            (0x7ff, 0x801),
            (0xd000, 0xe100),
            (0xfffe, 0x1_0001),
            (0x1f600, 0x1f64f),
        ] {
            let mut all = Vec::new();
            sequences(first, last, &mut |sequence| all.push(sequence.to_vec()));
            for character in (0..=0x10_ffff_u32)
                .step_by(7)
                .chain([first, last, 0x7f, 0x80, 0x7ff, 0x800, 0xffff])
                .filter_map(char::from_u32)
            {
                let mut buffer = [0; 4];
                let bytes = character.encode_utf8(&mut buffer).as_bytes();
                let taken = all
                    .iter()
                    .filter(|it| {
                        it.len() == bytes.len()
                            && it.iter().zip(bytes).all(|((low, high), byte)| (low..=high).contains(&byte))
                    })
                    .count();
                assert_eq!(
                    taken,
                    usize::from((first..=last).contains(&u32::from(character))),
                    "{character:?} of {first:x}..={last:x}"
                );
            }
        }
    }
}
