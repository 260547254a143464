//! Finds the literals of all detectors in one pass.

/// A literal to look for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Literal {
    /// Its bytes.
    pub bytes: Box<[u8]>,
    /// Whether any mix of ASCII cases is meant.
    pub folds: bool,
}

/// Looks for a fixed set of literals.
#[derive(Debug)]
pub struct Prefilter {
    literals: Box<[Literal]>,
}

impl Prefilter {
    /// A prefilter for these literals, which are numbered in this order.
    pub fn new(literals: Vec<Literal>) -> Self {
        Self { literals: literals.into_boxed_slice() }
    }

    /// Length of the longest literal.
    pub fn longest(&self) -> usize {
        self.literals.iter().map(|literal| literal.bytes.len()).max().unwrap_or(0)
    }

    /// Length of a literal; 0 of a number that it does not have.
    pub fn length(&self, literal: usize) -> usize {
        self.literals.get(literal).map_or(0, |literal| literal.bytes.len())
    }

    /// Calls `found(literal, at)` for every occurrence that begins at or after `from`, in the order of places.
    /// Stops when it returns false.
    pub fn find(&self, text: &[u8], from: usize, mut found: impl FnMut(usize, usize) -> bool) {
        for at in from..text.len() {
            let rest = text.get(at..).unwrap_or_default();
            for (number, literal) in self.literals.iter().enumerate() {
                let Some(here) = rest.get(..literal.bytes.len()) else { continue };
                let same =
                    if literal.folds { here.eq_ignore_ascii_case(&literal.bytes) } else { *here == *literal.bytes };
                if same && !found(number, at) {
                    return;
                }
            }
        }
    }
}
