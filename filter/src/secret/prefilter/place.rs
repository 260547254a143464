//! Which five bytes of a literal are looked for, and in which bucket.

use super::Literal;
use super::tables::{FREQUENCIES, PLACES};
use crate::order;
use crate::secret::verify::class;

/// Bytes of a fingerprint.
pub const WIDTH: usize = 5;

/// How many buckets there are: literals of one bucket are not told apart while scanning.
pub const BUCKETS: usize = 8;

/// A set of byte values as a pair of nibble tables can tell it: every byte whose two halves occur in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Set {
    /// Bit n: lower halves of value n.
    pub low: u16,
    /// Bit n: upper halves of value n.
    pub high: u16,
}

impl Set {
    /// Every byte.
    pub const ALL: Self = Self { low: u16::MAX, high: u16::MAX };

    /// One byte; with its twin of the other case if it is a letter that `folds`.
    pub fn of(byte: u8, folds: bool) -> Self {
        let one = Self { low: 1 << (byte & 15), high: 1 << (byte >> 4) };
        if folds && byte.is_ascii_alphabetic() { one.with(Self::of(byte ^ 0x20, false)) } else { one }
    }

    /// The bytes of a class of [`class`].
    pub fn of_class(classes: u16) -> Self {
        let members = (0..=u8::MAX).filter(|byte| class::is(*byte, classes));
        members.fold(Self::default(), |all, byte| all.with(Self::of(byte, false)))
    }

    /// Both.
    #[must_use]
    pub fn with(self, other: Self) -> Self {
        Self { low: self.low | other.low, high: self.high | other.high }
    }

    /// Whether `byte` is in it.
    pub fn has(self, byte: u8) -> bool {
        (self.low >> (byte & 15)) & (self.high >> (byte >> 4)) & 1 != 0
    }
}

/// Five bytes of a literal and of what must follow it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fingerprint {
    /// Where it lies, from the beginning of the literal.
    pub offset: usize,
    /// What its bytes may be.
    pub sets: [Set; WIDTH],
    /// The bits of the eight bytes from there on, the first one lowest, that the literal fixes.
    pub(super) mask: u64,
    /// What those bits are.
    pub(super) wanted: u64,
}

/// All fingerprints that find `literal`.
pub fn fingerprints(literal: &Literal) -> impl Iterator<Item = Fingerprint> {
    let (classes, least) = literal.then.unwrap_or_default();
    let following = Set::of_class(classes);
    // Three bytes of the literal itself (or all of a shorter one) come first, for the exact lookup.
    let own = literal.bytes.len().min(3);
    let last = (literal.bytes.len() + least.min(WIDTH - own)).saturating_sub(WIDTH);
    (0..=last).map(move |offset| {
        let mut it = Fingerprint { offset, sets: [Set::ALL; WIDTH], mask: 0, wanted: 0 };
        for (nth, byte) in literal.bytes.iter().skip(offset).take(8).enumerate() {
            let bits: u8 = if literal.folds && byte.is_ascii_alphabetic() { 0xdf } else { 0xff };
            it.mask |= u64::from(bits) << (8 * nth);
            it.wanted |= u64::from(byte & bits) << (8 * nth);
        }
        for (at, set) in (offset..).zip(&mut it.sets) {
            if let Some(byte) = literal.bytes.get(at) {
                *set = Set::of(*byte, literal.folds);
            } else if at < literal.bytes.len() + least {
                *set = following;
            }
        }
        it
    })
}

/// The sets of a bucket's literals, united by position.
pub type Bucket = [Set; WIDTH];

/// Puts literals into buckets.
#[derive(Debug)]
pub struct Placer {
    buckets: [Bucket; BUCKETS],
    /// Literal, whether it folds, bucket and offset; sorted.
    tuned: Vec<(&'static str, bool, u8, u8)>,
}

impl Placer {
    /// All buckets empty.
    pub fn new() -> Self {
        let tuned = PLACES.iter().flat_map(|&(bucket, offset, folds, literals)| {
            literals.split('\t').map(move |literal| (literal, folds, bucket, offset))
        });
        let mut tuned: Vec<_> = tuned.collect();
        order::sort(&mut tuned);
        Self { buckets: [Bucket::default(); BUCKETS], tuned }
    }

    /// The buckets as they are now.
    pub fn buckets(&self) -> &[Bucket; BUCKETS] {
        &self.buckets
    }

    /// Places all literals that are not found by runs: first those that were tuned, where tuning put them, then the
    /// others, each where it adds the fewest false candidates. Gives each one's number and fingerprint.
    pub fn place_all(&mut self, literals: &[Literal]) -> Vec<(usize, Fingerprint)> {
        let mut placed = Vec::with_capacity(literals.len());
        let mut others = Vec::new();
        for (number, literal) in literals.iter().enumerate().filter(|it| !it.1.in_run) {
            match self.tuned_place(literal) {
                Some((bucket, fingerprint)) => {
                    self.put(bucket, &fingerprint);
                    placed.push((number, fingerprint));
                }
                None => others.push((number, literal)),
            }
        }
        let mut frequencies = self.buckets.map(|bucket| frequency(&bucket));
        for (number, literal) in others {
            let choices = fingerprints(literal).flat_map(|it| (0..BUCKETS).map(move |bucket| (bucket, it)));
            let dearer = |(bucket, it): &(usize, Fingerprint)| {
                let (Some(sets), Some(now)) = (self.buckets.get(*bucket), frequencies.get(*bucket)) else { return 0 };
                frequency(&united(sets, it)).saturating_sub(*now)
            };
            if let Some((bucket, fingerprint)) = choices.min_by_key(dearer) {
                self.put(bucket, &fingerprint);
                if let (Some(now), Some(sets)) = (frequencies.get_mut(bucket), self.buckets.get(bucket)) {
                    *now = frequency(sets);
                }
                placed.push((number, fingerprint));
            }
        }
        placed
    }

    /// Where tuning put a literal, if it knew it and it may still be there.
    pub fn tuned_place(&self, literal: &Literal) -> Option<(usize, Fingerprint)> {
        let text = str::from_utf8(&literal.bytes).ok()?;
        let wanted = (text, literal.folds);
        let place = self.tuned.binary_search_by(|(literal, folds, ..)| (*literal, *folds).cmp(&wanted)).ok()?;
        let (_, _, bucket, offset) = self.tuned.get(place)?;
        let fingerprint = fingerprints(literal).nth(usize::from(*offset))?;
        (usize::from(*bucket) < BUCKETS).then_some((usize::from(*bucket), fingerprint))
    }

    fn put(&mut self, bucket: usize, fingerprint: &Fingerprint) {
        if let Some(bucket) = self.buckets.get_mut(bucket) {
            *bucket = united(bucket, fingerprint);
        }
    }
}

impl Default for Placer {
    fn default() -> Self {
        Self::new()
    }
}

fn united(bucket: &Bucket, fingerprint: &Fingerprint) -> Bucket {
    let mut sets = *bucket;
    sets.iter_mut().zip(fingerprint.sets).for_each(|(all, set)| *all = all.with(set));
    sets
}

/// How often five bytes of tool results lie in the bucket's sets, in units of 2^-60, were bytes independent.
fn frequency(bucket: &Bucket) -> u64 {
    bucket.iter().fold(1, |product: u64, set| {
        let members = bits(set.high).flat_map(|high| bits(set.low).map(move |low| usize::from(high << 4 | low)));
        let frequency: u64 = members.filter_map(|byte| FREQUENCIES.get(byte)).map(|it| u64::from(*it)).sum();
        // 65536 stands for always; a product of five of them must not overflow. No set is empty but an empty bucket's.
        if *set == Set::default() { 0 } else { product.saturating_mul((frequency >> 4).clamp(1, 4095)) }
    })
}

fn bits(mut of: u16) -> impl Iterator<Item = u8> + Clone {
    std::iter::from_fn(move || {
        let lowest = (of != 0).then(|| of.trailing_zeros())?;
        of &= of - 1;
        u8::try_from(lowest).ok()
    })
}
