//! Scans text that may still be growing.

mod key;
mod owner;
mod pending;

use std::fmt;

pub use key::{Key, KeyError};
use owner::{Kind, Owner};
use pending::{Finding, Pending};

use super::detector::{Detector, Form, Personal, Segment, detectors};
use super::prefilter::{Literal, Prefilter, RUN, VALUE, Width};
use super::verify::valued::{self, Names, is_valued};
use super::verify::{Found, Resume, Resumed, Seen, Text, class, has_no_userinfo, least_run, resume, verify};

/// How far back from a candidate a verifier looks, at most.
pub const LOOKBACK: usize = 512;

/// How much text a verifier looks at from the start of a candidate, at most: a candidate is decided once this many
/// bytes after it have come.
pub const REACH: usize = 16 * 1024;

/// The name by which values under an operator's [`Key`]s are reported.
pub const KEY_NAME: &str = "key-name";

/// A secret that was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hit {
    /// Index of its first byte.
    pub start: usize,
    /// Index after its last byte.
    pub end: usize,
    /// The detector's number.
    pub detector: usize,
    /// It goes on where the hit before ended, and is the same secret: it gets no placeholder of its own. A secret of
    /// more than [`REACH`] bytes is reported so, in pieces.
    pub joins: bool,
}

/// An operator's own pattern.
pub trait Pattern: fmt::Debug + Send + Sync {
    /// Its name, as of a detector.
    fn name(&self) -> &str;

    /// Texts of which one stands in every match.
    fn literals(&self) -> Vec<&[u8]>;

    /// Whether the literals are taken in any mix of ASCII cases.
    fn folds(&self) -> bool;

    /// How many bytes before its literal a match may begin; less than [`LOOKBACK`].
    fn before(&self) -> usize;

    /// Judges the literal found at `at..end`, under the rules of [`verify`].
    fn verify(&self, text: &Text<'_>, at: usize, end: usize) -> Found;
}

/// What a scan remembers between calls for one text.
#[derive(Clone, Debug, Default)]
pub struct Memo {
    /// How many bytes of the text are gone. All other places count from the text's true beginning.
    base: u64,
    /// Candidates before this were judged.
    scanned: u64,
    pending: Pending,
    /// For each detector: its candidates that begin before this are no secrets, or inside of one.
    examined: Vec<u64>,
    /// Where a literal was last found under which an operator's key name found a secret.
    keyed: Option<u64>,
    open: Option<Open>,
}

/// A secret of which the end did not come yet, though all that may be looked at did.
#[derive(Clone, Copy, Debug)]
struct Open {
    number: usize,
    rank: u8,
    /// Where the next piece begins.
    from: u64,
    resume: Resume,
}

impl Memo {
    /// The caller dropped this many bytes from the beginning of the text.
    pub fn forget(&mut self, dropped: usize) {
        self.base += dropped as u64;
    }

    fn place(&self, index: usize) -> u64 {
        self.base + index as u64
    }

    fn index(&self, place: u64) -> usize {
        usize::try_from(place.saturating_sub(self.base)).unwrap_or(usize::MAX)
    }

    fn examine(&mut self, number: usize, to: usize) {
        let place = self.place(to);
        if self.examined.len() <= number {
            self.examined.resize(number + 1, 0);
        }
        if let Some(examined) = self.examined.get_mut(number) {
            *examined = (*examined).max(place);
        }
    }

    fn add(&mut self, owner: &Owner, start: usize, end: usize) {
        let (start, end) = (self.place(start), self.place(end));
        let Owner { number: detector, rank, .. } = *owner;
        self.pending.add(Finding { start, end, detector, rank, joins: false, is_rest: false });
    }

    fn is_examined(&self, number: usize, at: usize) -> bool {
        self.examined.get(number).is_some_and(|examined| self.place(at) < *examined)
    }
}

/// What became of a candidate.
enum Judged {
    /// It is no secret.
    Nothing,
    /// It is one, or the beginning of one.
    Secret,
    /// It is one, up to this index.
    Through(usize),
    /// What begins at this index or later depends on text that has not come.
    More(usize),
}

/// A detector whose secrets begin before their literal.
#[derive(Clone, Copy, Debug)]
struct Lead {
    most: usize,
    /// The class of the bytes before the literal; `None` if it may be any but blanks.
    classes: Option<u16>,
}

/// Finds the secrets of the detectors that a policy switched on, and what an operator added.
#[derive(Debug)]
pub struct Scanner {
    prefilter: Prefilter,
    /// The owner of each literal.
    owners: Vec<Owner>,
    /// Names of values that are found before their names are looked at.
    names: Names,
    /// The owners of those.
    named: Vec<Owner>,
    leads: Vec<Lead>,
    keys: Vec<Key>,
    /// The number of all keys.
    key_number: usize,
    patterns: Vec<Box<dyn Pattern>>,
}

impl Scanner {
    /// A scanner for the detectors that `is_on` accepts, the values under `keys`, and `patterns`.
    ///
    /// Numbers: the detectors as [`detectors`] gives them, then one for all keys ([`KEY_NAME`]), then the patterns.
    pub fn new(is_on: impl Fn(&Detector) -> bool, keys: &[Key], patterns: Vec<Box<dyn Pattern>>) -> Self {
        let mut literals = Vec::new();
        let mut owners = Vec::new();
        let mut names = Names::default();
        let mut named = Vec::new();
        let mut leads = Vec::new();
        let mut count = 0;
        for (number, detector) in detectors().enumerate() {
            count += 1;
            if !is_on(detector) {
                continue;
            }
            leads.extend(Lead::of(detector));
            // What an operator asks for by a pattern comes before all.
            let owner = Owner { number, rank: 1 + detector.rank(), kind: Kind::Detector(detector), key: None };
            if is_valued(detector) {
                detector.literals.iter().for_each(|literal| names.insert(literal, named.len()));
                named.push(owner);
            }
            for literal in Self::literals(detector) {
                literals.push(literal);
                owners.push(owner);
            }
        }
        for (nth, key) in keys.iter().enumerate() {
            for bytes in key.literals() {
                let literal = Literal {
                    bytes: bytes.clone(),
                    folds: true,
                    then: None,
                    begins_word: false,
                    in_run: false,
                    unless: None,
                };
                // What stands there is looked up once.
                let is_same = |it: &(&Literal, &mut Owner)| {
                    it.0.folds && it.0.bytes == literal.bytes && it.1.key.is_none() && it.1.yields_to_keys()
                };
                match literals.iter().zip(&mut owners).find(is_same) {
                    Some((_, owner)) => owner.key = Some(nth),
                    None => {
                        literals.push(literal);
                        owners.push(Owner::of_key(count, nth));
                    }
                }
            }
        }
        for (nth, pattern) in patterns.iter().enumerate() {
            leads.extend((pattern.before() > 0).then(|| Lead { most: pattern.before(), classes: None }));
            for literal in pattern.literals() {
                literals.push(Literal {
                    bytes: literal.into(),
                    folds: pattern.folds(),
                    then: None,
                    begins_word: false,
                    in_run: false,
                    unless: None,
                });
                owners.push(Owner { number: count + 1 + nth, rank: 0, kind: Kind::Pattern(nth), key: None });
            }
        }
        let prefilter = Prefilter::new(literals);
        let prefilter = if names.is_empty() { prefilter } else { prefilter.with_values() };
        Self { prefilter, owners, names, named, leads, keys: keys.to_vec(), key_number: count, patterns }
    }

    /// The same with another width of the machine's registers; all find the same.
    #[must_use]
    pub fn with_width(mut self, width: Width) -> Self {
        self.prefilter = self.prefilter.with_width(width);
        self
    }

    /// What looks for the literals.
    pub fn prefilter(&self) -> &Prefilter {
        &self.prefilter
    }

    /// The literals of a detector, as the prefilter wants them.
    pub fn literals(detector: &Detector) -> impl Iterator<Item = Literal> {
        let then = following(&detector.form);
        // What the verifiers of these forms ask first.
        let begins_word = matches!(detector.form, Form::Token(_) | Form::Jwt | Form::Bearer | Form::Command(_));
        let literals = if is_valued(detector) { &[] } else { detector.literals };
        literals.iter().map(move |it| Literal {
            bytes: it.as_bytes().into(),
            folds: detector.folds,
            then,
            begins_word,
            in_run: begins_word && is_in_run(detector, it),
            unless: matches!(detector.form, Form::Url).then_some(has_no_userinfo as fn(&[u8], usize) -> bool),
        })
    }

    /// How many numbers there are.
    pub fn numbers(&self) -> usize {
        detectors().count() + 1 + self.patterns.len()
    }

    /// The name of a number that a [`Hit`] carries; empty for one that is none.
    pub fn name(&self, number: usize) -> &str {
        let built_in = detectors().count();
        match number.checked_sub(built_in) {
            None => detectors().nth(number).map_or("", |detector| detector.name),
            Some(0) => KEY_NAME,
            Some(nth) => self.patterns.get(nth - 1).map_or("", |pattern| pattern.name()),
        }
    }

    /// The number of a name, whether it is switched on or not.
    pub fn detector(&self, name: &str) -> Option<usize> {
        (0..self.numbers()).find(|number| self.name(*number) == name)
    }

    /// Scans on from index `from`, appends what it finds to `hits` in the order of places, and gives the index up to
    /// which everything is decided: hits before it are final, and the bytes before it may leave. Of complete text that
    /// is its end. Hits do not overlap: of several that begin at the same byte the most specific is reported, of others
    /// the first, and of one that reaches further what sticks out.
    ///
    /// For the next call the caller may drop bytes from the beginning (see [`Memo::forget`]), but must keep
    /// [`LOOKBACK`] bytes before the index given, and append to the end. Any way to cut one text into calls gives
    /// the same hits.
    pub fn scan(&self, text: &Text<'_>, from: usize, memo: &mut Memo, hits: &mut Vec<Hit>) -> usize {
        let frontier = self.judge(text, from, memo, hits);
        let place = memo.place(frontier);
        memo.scanned = memo.scanned.max(place);
        memo.pending.settle(place, memo.base, hits);
        if text.is_complete {
            return frontier;
        }
        let open = memo.pending.first().map_or(frontier, |first| memo.index(first).min(frontier));
        let leads =
            self.leads.iter().map(|lead| frontier - lead.length(text.bytes.get(..frontier).unwrap_or_default()));
        // What was taken is final, whatever a secret before its literal may reach back to.
        leads.fold(open, usize::min).max(memo.index(memo.pending.taken())).max(from)
    }

    /// Judges candidates and gives the place of the first that was not.
    fn judge(&self, text: &Text<'_>, from: usize, memo: &mut Memo, hits: &mut Vec<Hit>) -> usize {
        // A literal may begin in what has come and end in what has not.
        let tail = if text.is_complete { 0 } else { self.prefilter.reach().saturating_sub(1) };
        let from = from.max(memo.index(memo.scanned));
        let mut frontier = text.bytes.len().saturating_sub(tail).max(from);
        let mut first = from;
        if let Some(open) = memo.open {
            first = match close(open, text, memo) {
                Ok(end) => end,
                Err(from) => return from,
            };
            frontier = frontier.max(first);
        }
        let mut beyond = first;
        let seen = Seen::default();
        self.prefilter.find(text.bytes, first, |literal, at| {
            if at >= frontier {
                return false;
            }
            if at < beyond {
                return true;
            }
            memo.pending.settle(memo.place(at), memo.base, hits);
            if literal == VALUE {
                let is_decided = self.value(text, at, memo, &seen);
                if !is_decided {
                    frontier = at;
                }
                return is_decided;
            }
            let Some(owner) = self.owners.get(literal) else { return true };
            let end = at + self.prefilter.length(literal);
            let mut judged = Judged::Nothing;
            if let Some(nth) = owner.key {
                if memo.keyed == Some(memo.place(at)) {
                    return true;
                }
                judged = self.candidate(&Owner::of_key(self.key_number, nth), text, (at, end), memo, &seen);
                if matches!(judged, Judged::Secret | Judged::Through(_)) {
                    memo.keyed = Some(memo.place(at));
                }
            }
            if matches!(judged, Judged::Nothing) {
                judged = self.candidate(owner, text, (at, end), memo, &seen);
            }
            match judged {
                Judged::Nothing | Judged::Secret => {}
                Judged::Through(end) => beyond = end,
                Judged::More(from) => {
                    frontier = from;
                    return false;
                }
            }
            true
        });
        frontier.max(beyond)
    }

    /// Judges a literal of the owner at `at..end`.
    fn candidate(
        &self,
        owner: &Owner,
        text: &Text<'_>,
        (at, end): (usize, usize),
        memo: &mut Memo,
        seen: &Seen,
    ) -> Judged {
        if memo.is_examined(owner.number, at) || memo.pending.covers(memo.place(at), owner.rank) {
            return Judged::Nothing;
        }
        match self.look(owner, text, at, end, seen) {
            Found::Nothing { examined } => {
                // What did not look beyond its literal says nothing of others that overlap it.
                if examined > end {
                    memo.examine(owner.number, examined);
                }
                Judged::Nothing
            }
            Found::Secret { start, end } => {
                memo.examine(owner.number, end);
                memo.add(owner, start, end);
                Judged::Secret
            }
            Found::Open { start, end, resume } => {
                memo.add(owner, start, end);
                let from = memo.place(end);
                close(Open { number: owner.number, rank: owner.rank, from, resume }, text, memo)
                    .map_or_else(Judged::More, Judged::Through)
            }
            Found::More => Judged::More(at),
        }
    }

    /// Judges the value at `at` by its name; false if that depends on text that has not come.
    fn value(&self, text: &Text<'_>, at: usize, memo: &mut Memo, seen: &Seen) -> bool {
        let mut is_decided = true;
        self.names.find(text.bytes, at, |nth, start, end| {
            let Some(owner) = self.named.get(nth) else { return };
            let Kind::Detector(detector) = owner.kind else { return };
            if memo.pending.covers(memo.place(at), owner.rank) {
                return;
            }
            match valued::verify(detector, text, at, (start, end), seen) {
                Found::Secret { start, end } => memo.add(owner, start, end),
                Found::More => is_decided = false,
                _ => {}
            }
        });
        is_decided
    }

    fn look(&self, owner: &Owner, text: &Text<'_>, at: usize, end: usize, seen: &Seen) -> Found {
        let nothing = Found::Nothing { examined: end };
        match owner.kind {
            Kind::Detector(detector) => verify(detector, text, (at, end), seen),
            Kind::Key(nth) => self.keys.get(nth).map_or(nothing, |key| key.value(text, at, end, seen)),
            Kind::Pattern(nth) => self.patterns.get(nth).map_or(nothing, |pattern| pattern.verify(text, at, end)),
        }
    }
}

/// Takes in the rest of a secret, in pieces of [`REACH`] bytes. Gives its end, or how far it came in what is at hand.
fn close(open: Open, text: &Text<'_>, memo: &mut Memo) -> Result<usize, usize> {
    let mut from = memo.index(open.from);
    let (end, is_end) = match resume(open.resume, text, from) {
        Resumed::Ends(end) => (end.max(from), true),
        Resumed::Goes(end) => (end.max(from), false),
    };
    // Where pieces are cut depends on nothing but where the secret began, and so not on how the text comes.
    while end - from >= REACH || is_end && end > from {
        let until = end.min(from + REACH);
        memo.pending.add(Finding {
            start: memo.place(from),
            end: memo.place(until),
            detector: open.number,
            rank: open.rank,
            joins: true,
            is_rest: false,
        });
        from = until;
    }
    memo.open = (!is_end).then(|| Open { from: memo.place(from), ..open });
    if is_end { Ok(end) } else { Err(from) }
}

/// The class of the bytes that must follow a literal, and how many.
fn following(form: &Form) -> Option<(u16, usize)> {
    match form {
        Form::Token([Segment::Run(classes, least, _), ..])
        | Form::Token([Segment::Start, Segment::Run(classes, least, _), ..])
        | Form::Within(_, _, _, [Segment::Run(classes, least, _), ..]) => Some((*classes, usize::from(*least))),
        Form::Jwt => Some((class::BASE64URL, 4)),
        Form::Personal(Personal::Card | Personal::Iban) => Some((class::DIGIT, 2)),
        _ => None,
    }
}

/// Whether the prefilter may take for granted that a literal begins a run of token bytes.
fn is_in_run(detector: &Detector, literal: &str) -> bool {
    let least = match detector.form {
        Form::Token(segments) => least_run(literal, segments),
        // The header of a JWS is an object with an algorithm.
        Form::Jwt => RUN,
        _ => 0,
    };
    least >= RUN && !detector.folds && literal.as_bytes().first().is_some_and(u8::is_ascii_alphanumeric)
}

impl Lead {
    fn of(detector: &Detector) -> Option<Self> {
        let classes = match detector.form {
            Form::Within(classes, ..) => Some(classes),
            _ => None,
        };
        (detector.before() > 0).then(|| Self { most: detector.before(), classes })
    }

    /// How many bytes at the end of `text` may be the beginning of a secret.
    fn length(&self, text: &[u8]) -> usize {
        let may_be = |byte: &&u8| match self.classes {
            Some(classes) => class::is(**byte, classes),
            None => !byte.is_ascii_whitespace(),
        };
        text.iter().rev().take(self.most).take_while(may_be).count()
    }
}

#[cfg(test)]
mod tests;
