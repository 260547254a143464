//! From parts to instructions.

use super::{Class, Instruction, PATTERN_INSTRUCTIONS, Refusal, Regex};
use crate::regex::Part;

/// The program for a pattern, if it is not too long.
pub(super) fn program(part: &Part) -> Result<Regex, Refusal> {
    let mut program = Program::default();
    program.part(part)?;
    program.push(Instruction::Match)?;
    Ok(Regex { program: program.instructions.into_boxed_slice(), classes: program.classes.into_boxed_slice() })
}

#[derive(Default)]
struct Program {
    instructions: Vec<Instruction>,
    classes: Vec<Class>,
}

impl Program {
    fn here(&self) -> u32 {
        // Bounded by PATTERN_INSTRUCTIONS.
        u32::try_from(self.instructions.len()).unwrap_or(u32::MAX)
    }

    fn push(&mut self, instruction: Instruction) -> Result<usize, Refusal> {
        let at = self.instructions.len();
        if at >= PATTERN_INSTRUCTIONS {
            return Err(Refusal {
                what: format!("too many parts: it compiles to more than {PATTERN_INSTRUCTIONS} steps"),
                at: 0,
                instead: "bound the length with `maxLength` instead of a large `{m,n}`",
            });
        }
        self.instructions.push(instruction);
        Ok(at)
    }

    /// Makes the split or jump at `at` lead to the next instruction.
    fn lead_here(&mut self, at: usize) {
        let here = self.here();
        if let Some(Instruction::Split(to) | Instruction::Jump(to)) = self.instructions.get_mut(at) {
            *to = here;
        }
    }

    fn part(&mut self, part: &Part) -> Result<(), Refusal> {
        match part {
            Part::Char(character) => self.push(Instruction::Char(*character)).map(drop),
            Part::Class(class) => {
                let number = match self.classes.iter().position(|known| known == class) {
                    Some(number) => number,
                    None => {
                        self.classes.push(class.clone());
                        self.classes.len() - 1
                    }
                };
                self.push(Instruction::Class(u32::try_from(number).unwrap_or(u32::MAX))).map(drop)
            }
            Part::Assert { assertion, .. } => self.push(Instruction::Assert(*assertion)).map(drop),
            Part::Sequence(parts) => parts.iter().try_for_each(|part| self.part(part)),
            Part::Choice(parts) => self.choice(parts),
            Part::Repeat { part, least, most, .. } => self.repeat(part, *least, *most),
        }
    }

    fn choice(&mut self, parts: &[Part]) -> Result<(), Refusal> {
        let mut ends = Vec::new();
        let Some((last, others)) = parts.split_last() else { return Ok(()) };
        for part in others {
            let split = self.push(Instruction::Split(0))?;
            self.part(part)?;
            ends.push(self.push(Instruction::Jump(0))?);
            self.lead_here(split);
        }
        self.part(last)?;
        ends.into_iter().for_each(|end| self.lead_here(end));
        Ok(())
    }

    fn repeat(&mut self, part: &Part, least: u32, most: Option<u32>) -> Result<(), Refusal> {
        for _ in 0..least {
            let before = self.instructions.len();
            self.part(part)?;
            // Nothing, however often, is nothing; and must not cost time.
            if self.instructions.len() == before {
                return Ok(());
            }
        }
        let Some(most) = most else {
            let start = self.here();
            let split = self.push(Instruction::Split(0))?;
            self.part(part)?;
            self.push(Instruction::Jump(start))?;
            self.lead_here(split);
            return Ok(());
        };
        let mut exits = Vec::new();
        for _ in least..most {
            exits.push(self.push(Instruction::Split(0))?);
            self.part(part)?;
        }
        exits.into_iter().for_each(|exit| self.lead_here(exit));
        Ok(())
    }
}
