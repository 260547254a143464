//! Documents that give names to values: configuration, logs, dumps, code.

mod files;
mod output;

use crate::draft::{Case, Draft, Entry};
use crate::random::Random;

/// Which values a document can hold as they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Values {
    /// Any.
    All,
    /// Those without characters that a URL escapes.
    Url,
}

/// A kind of document.
#[derive(Debug)]
pub(crate) struct Document {
    pub(crate) name: &'static str,
    head: &'static str,
    /// Ways to write an entry; one document keeps to one.
    lines: &'static [&'static str],
    join: &'static str,
    foot: &'static str,
    case: Case,
    pub(crate) values: Values,
    /// The most entries it holds.
    pub(crate) most: Option<usize>,
}

impl Document {
    /// Writes the document with these entries.
    pub(crate) fn write(&self, draft: &mut Draft, entries: &[Entry], random: &mut Random) {
        draft.write(self.head, None, random);
        let line = random.pick(self.lines);
        for (index, entry) in entries.iter().enumerate() {
            if index > 0 {
                draft.text.push_str(self.join);
            }
            draft.write(line, Some((entry, self.case)), random);
        }
        draft.write(self.foot, None, random);
    }
}

const fn lines(
    name: &'static str,
    case: Case,
    head: &'static str,
    lines: &'static [&'static str],
    foot: &'static str,
) -> Document {
    Document { name, head, lines, join: "\n", foot, case, values: Values::All, most: None }
}

const fn list(
    name: &'static str,
    case: Case,
    head: &'static str,
    lines: &'static [&'static str],
    foot: &'static str,
) -> Document {
    Document { name, head, lines, join: ",", foot, case, values: Values::All, most: None }
}

const fn short(
    name: &'static str,
    case: Case,
    head: &'static str,
    lines: &'static [&'static str],
    join: &'static str,
    foot: &'static str,
) -> Document {
    Document { name, head, lines, join, foot, case, values: Values::All, most: Some(3) }
}

/// All of them.
pub(crate) fn documents() -> Vec<&'static Document> {
    files::DOCUMENTS.iter().chain(output::DOCUMENTS).collect()
}
