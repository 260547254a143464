//! Running a program: the set of live states, one character at a time.

use super::super::work::{Undecidable, Work};
use super::{Assertion, Class, Instruction, Regex};

/// Live states. A state is in the set if its mark is the current step.
struct States {
    marks: Vec<usize>,
    live: Vec<u32>,
}

impl Regex {
    pub(super) fn run(&self, text: &str, work: &mut Work, folded: bool) -> Result<bool, Undecidable> {
        let mut states = States { marks: vec![0; self.program.len()], live: Vec::new() };
        let mut next = Vec::new();
        let mut pending = Vec::new();
        let mut previous = None;
        let mut characters = text.chars();
        // Position 0 has mark 1, so that no state starts out marked.
        let mut step = 1_usize;
        loop {
            let current = characters.clone().next();
            // A match may start at every character.
            pending.push(0);
            if self.enter(&mut states, &mut pending, step, (previous, current), work)? {
                return Ok(true);
            }
            let Some(character) = characters.next() else { return Ok(false) };
            work.spend(states.live.len() + 1)?;
            next.clear();
            next.extend(states.live.iter().copied().filter(|at| self.takes(*at, character, folded)).map(|at| at + 1));
            states.live.clear();
            step += 1;
            // In front of the start state: `enter` takes from the end.
            pending.clear();
            pending.append(&mut next);
            previous = Some(character);
        }
    }

    /// Follows everything that takes no character from the pending states. True if the end of the program is among
    /// what is reached.
    fn enter(
        &self,
        states: &mut States,
        pending: &mut Vec<u32>,
        step: usize,
        around: (Option<char>, Option<char>),
        work: &mut Work,
    ) -> Result<bool, Undecidable> {
        while let Some(at) = pending.pop() {
            let Ok(index) = usize::try_from(at) else { continue };
            let (Some(mark), Some(instruction)) = (states.marks.get_mut(index), self.program.get(index)) else {
                continue;
            };
            if *mark == step {
                continue;
            }
            *mark = step;
            work.spend(1)?;
            match *instruction {
                Instruction::Match => return Ok(true),
                Instruction::Char(_) | Instruction::Class(_) => states.live.push(at),
                Instruction::Jump(to) => pending.push(to),
                Instruction::Split(to) => pending.extend([to, at + 1]),
                Instruction::Assert(assertion) => {
                    if holds(assertion, around) {
                        pending.push(at + 1);
                    }
                }
            }
        }
        Ok(false)
    }

    fn takes(&self, at: u32, character: char, folded: bool) -> bool {
        let Some(instruction) = usize::try_from(at).ok().and_then(|at| self.program.get(at)) else { return false };
        match *instruction {
            Instruction::Char(wanted) => {
                wanted == character || (folded && (alike(character).contains(&wanted) || lower(wanted) == character))
            }
            Instruction::Class(number) => {
                let class = usize::try_from(number).ok().and_then(|number| self.classes.get(number));
                class.is_some_and(|class: &Class| match (folded, class.negated) {
                    (false, _) => class.has(character),
                    (true, false) => alike(character).into_iter().any(|it| class.has(it)),
                    (true, true) => alike(character).into_iter().all(|it| class.has(it)),
                })
            }
            _ => false,
        }
    }
}

/// A character in each case, the three that share one included (Unicode CaseFolding.txt, status C). Upper case is
/// known for ASCII alone.
fn alike(character: char) -> [char; 3] {
    match character {
        'k' | 'K' | '\u{212a}' => ['k', 'K', '\u{212a}'],
        's' | 'S' | '\u{17f}' => ['s', 'S', '\u{17f}'],
        _ => [character, lower(character), character.to_ascii_uppercase()],
    }
}

fn lower(character: char) -> char {
    let mut lower = character.to_lowercase();
    match (lower.next(), lower.next()) {
        (Some(one), None) => one,
        _ => character,
    }
}

fn holds(assertion: Assertion, (previous, current): (Option<char>, Option<char>)) -> bool {
    let word = |character: Option<char>| character.is_some_and(|it| it.is_ascii_alphanumeric() || it == '_');
    match assertion {
        Assertion::Start => previous.is_none(),
        Assertion::End => current.is_none(),
        Assertion::WordBoundary => word(previous) != word(current),
        Assertion::NotWordBoundary => word(previous) == word(current),
    }
}
