//! Chooses where in each literal of the detectors the prefilter looks, and in which bucket, so that a sample of tool
//! results has few places that must be looked up; writes `filter/src/secret/prefilter/tables.rs`.
//!
//! ```text
//! cargo run --release -p tidegate-kernel --example tune-fingerprints
//! ```
//!
//! The same detectors give the same tables on every machine. What is not in the sample counts too, by a text in which
//! only neighbouring bytes are those of the sample: tables must not fit one sample alone.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, ExitCode};

use tidegate_filter::secret::Scanner;
use tidegate_filter::secret::detector::detectors;
use tidegate_filter::secret::prefilter::place::{BUCKETS, Bucket, Fingerprint, Set, WIDTH, fingerprints};
use tidegate_kernel::corpus;
use tidegate_kernel::random::Random;

const SEEDS: [u64; 3] = [11, 12, 13];
const BYTES: usize = 1 << 20;
/// One in so many places of the sample is looked at.
const STEP: usize = 47;
/// The weight of a text whose bytes are independent.
const INDEPENDENT: f64 = 0.3;
const ROUNDS: usize = 500;

fn main() -> ExitCode {
    let sample: String = SEEDS.iter().map(|seed| corpus::text(*seed, BYTES, usize::MAX)).collect();
    let neighbours = neighbours(sample.as_bytes(), sample.len() / 2);
    let grams = Grams::of(&[(sample.as_bytes(), 4), (&neighbours, 1)], STEP);
    let (default, others) = literals();
    println!("{} literals, {} in groups that are off by default", default.len() + others.len(), others.len());
    let mut search = Search::new(&grams, &default);
    search.run(&mut Random::new(1));
    if std::env::var_os("EXPLAIN").is_some() {
        for (nth, bucket) in search.placed().iter().enumerate() {
            let mine = default.iter().zip(&search.choices).filter(|it| it.1.bucket == nth);
            let texts: Vec<String> = mine.map(|(item, choice)| format!("{}@{}", item.text, choice.nth)).collect();
            println!("bucket {nth}, every {:.0}: {}", 1.0 / grams.cost(bucket), texts.join("  "));
        }
    }

    // The others must not make worse what runs by default, so they only take what room is left.
    let choices = search.choices;
    let mut all = default;
    all.extend(others);
    let mut search = Search { choices, ..Search::new(&grams, &all) };
    for item in all.get(search.choices.len()..).unwrap_or_default() {
        let buckets = search.placed();
        let costs = buckets.map(|bucket| grams.cost(&bucket));
        let choice = search.best_of(item, &buckets, &costs);
        search.choices.push(choice);
    }
    write(&all, &search.choices, sample.as_bytes())
}

/// A literal, and the fingerprints that all detectors with it can use.
#[derive(Clone)]
struct Item {
    text: &'static str,
    folds: bool,
    fingerprints: Vec<Fingerprint>,
}

/// The literals of the default groups, and of those that are off unless a policy asks for them.
fn literals() -> (Vec<Item>, Vec<Item>) {
    let mut all: BTreeMap<(&'static str, bool), (bool, Vec<Fingerprint>)> = BTreeMap::new();
    for detector in detectors() {
        for (text, literal) in detector.literals.iter().zip(Scanner::literals(detector)).filter(|it| !it.1.in_run) {
            let mine: Vec<Fingerprint> = fingerprints(&literal).collect();
            let (is_default, all) = all.entry((text, detector.folds)).or_insert_with(|| (false, mine.clone()));
            *is_default |= detector.group.is_default();
            // Another may need less to follow: then fewer fit both, and their sets are wider.
            all.truncate(mine.len());
            for (all, mine) in all.iter_mut().zip(mine) {
                all.sets.iter_mut().zip(mine.sets).for_each(|(all, set)| *all = all.with(set));
            }
        }
    }
    let items = all.into_iter().filter(|(_, (_, fingerprints))| !fingerprints.is_empty());
    let (default, others): (Vec<_>, Vec<_>) = items
        .map(|((text, folds), (is_default, fingerprints))| (is_default, Item { text, folds, fingerprints }))
        .partition(|(is_default, _)| *is_default);
    let strip = |items: Vec<(bool, Item)>| items.into_iter().map(|(_, item)| item).collect();
    (strip(default), strip(others))
}

/// A text in which every three bytes that follow each other do so in the sample.
fn neighbours(sample: &[u8], bytes: usize) -> Vec<u8> {
    let mut random = Random::new(7);
    let mut places: HashMap<[u8; 2], Vec<usize>> = HashMap::new();
    for (at, pair) in sample.windows(2).enumerate() {
        places.entry([pair[0], pair[1]]).or_default().push(at);
    }
    let mut out = sample[..2].to_vec();
    while out.len() < bytes {
        let known = &places[&[out[out.len() - 2], out[out.len() - 1]]];
        out.push(sample.get(known[random.below(known.len())] + 2).copied().unwrap_or(b'\n'));
    }
    out
}

/// All runs of four bytes, by how often they occur.
struct Grams {
    counted: Vec<([u8; WIDTH], u64)>,
    total: u64,
    /// For each position, half and its value: which grams have it there.
    bits: Vec<Vec<u64>>,
    /// How often each byte occurs, of 1.
    bytes: [f64; 256],
}

impl Grams {
    /// Of every so manieth place.
    fn of(texts: &[(&[u8], u64)], step: usize) -> Self {
        let mut counted: BTreeMap<[u8; WIDTH], u64> = BTreeMap::new();
        for (text, weight) in texts {
            for window in text.windows(WIDTH).step_by(step) {
                if let Ok(gram) = window.try_into() {
                    *counted.entry(gram).or_default() += weight;
                }
            }
        }
        Self::new(counted.into_iter().collect())
    }

    fn new(counted: Vec<([u8; WIDTH], u64)>) -> Self {
        let words = counted.len().div_ceil(64);
        let mut bits = vec![vec![0; words]; WIDTH * 32];
        for (number, (gram, _)) in counted.iter().enumerate() {
            for (position, byte) in gram.iter().enumerate() {
                for half in [usize::from(byte & 15), 16 + usize::from(byte >> 4)] {
                    bits[position * 32 + half][number / 64] |= 1 << (number % 64);
                }
            }
        }
        let total: u64 = counted.iter().map(|(_, count)| count).sum();
        let mut bytes = [1e-6; 256];
        for (gram, count) in &counted {
            bytes[usize::from(gram[0])] += *count as f64 / total as f64;
        }
        Self { total, counted, bits, bytes }
    }

    /// How often four bytes are in a bucket: in the sample, and a little as if bytes were independent, for the sample
    /// does not have everything.
    fn cost(&self, bucket: &Bucket) -> f64 {
        if bucket.contains(&Set::default()) {
            return 0.0;
        }
        self.seen(bucket) as f64 / self.total as f64 + INDEPENDENT * self.independent(bucket)
    }

    fn independent(&self, bucket: &Bucket) -> f64 {
        let of = |set: &Set| -> f64 {
            let highs = (0..16).filter(|high| set.high >> high & 1 != 0);
            let both =
                highs.flat_map(|high| (0..16).filter(|low| set.low >> low & 1 != 0).map(move |low| high << 4 | low));
            both.map(|byte| self.bytes[byte]).sum()
        };
        bucket.iter().map(of).product()
    }

    fn seen(&self, bucket: &Bucket) -> u64 {
        let words = self.counted.len().div_ceil(64);
        let mut cost = 0;
        let rows: Vec<Vec<&[u64]>> = bucket
            .iter()
            .enumerate()
            .flat_map(|(position, set)| [(position, u32::from(set.low)), (position, u32::from(set.high) << 16)])
            .filter(|(_, halves)| *halves != 0xffff && *halves != 0xffff_0000)
            .map(|(position, halves)| {
                let set = (0..32).filter(|half| halves >> half & 1 != 0);
                set.map(|half| self.bits[position * 32 + half].as_slice()).collect()
            })
            .collect();
        for nth in 0..words {
            let mut word = u64::MAX;
            for row in &rows {
                word &= row.iter().fold(0, |any, bits| any | bits[nth]);
                if word == 0 {
                    break;
                }
            }
            while word != 0 {
                cost += self.counted.get(nth * 64 + word.trailing_zeros() as usize).map_or(0, |(_, count)| *count);
                word &= word - 1;
            }
        }
        cost
    }
}

/// A bucket, and which fingerprint of the item.
#[derive(Clone, Copy)]
struct Choice {
    bucket: usize,
    nth: usize,
}

struct Search<'a> {
    grams: &'a Grams,
    items: &'a [Item],
    choices: Vec<Choice>,
    /// What each item costs at least, alone.
    alone: Vec<f64>,
}

fn with(bucket: &Bucket, fingerprint: &Fingerprint) -> Bucket {
    let mut united = *bucket;
    united.iter_mut().zip(fingerprint.sets).for_each(|(all, set)| *all = all.with(set));
    united
}

impl<'a> Search<'a> {
    fn new(grams: &'a Grams, items: &'a [Item]) -> Self {
        let alone = |item: &Item| item.fingerprints.iter().map(|it| grams.cost(&it.sets)).fold(1.0, f64::min);
        Self { grams, items, choices: Vec::new(), alone: items.iter().map(alone).collect() }
    }

    fn buckets_without(&self, item: usize) -> [Bucket; BUCKETS] {
        let mut buckets = [Bucket::default(); BUCKETS];
        for (number, (it, choice)) in self.items.iter().zip(&self.choices).enumerate() {
            if number != item {
                let bucket = &mut buckets[choice.bucket];
                *bucket = with(bucket, &it.fingerprints[choice.nth]);
            }
        }
        buckets
    }

    fn best_of(&self, item: &Item, buckets: &[Bucket; BUCKETS], now: &[f64; BUCKETS]) -> Choice {
        let choices =
            (0..BUCKETS).flat_map(|bucket| (0..item.fingerprints.len()).map(move |nth| Choice { bucket, nth }));
        let added = |it: &Choice| {
            let united = with(&buckets[it.bucket], &item.fingerprints[it.nth]);
            if united == buckets[it.bucket] { 0.0 } else { self.grams.cost(&united) - now[it.bucket] }
        };
        let priced = choices.map(|it| (added(&it), it));
        priced.min_by(|a, b| a.0.total_cmp(&b.0)).map_or(Choice { bucket: 0, nth: 0 }, |(_, it)| it)
    }

    fn placed(&self) -> [Bucket; BUCKETS] {
        self.buckets_without(usize::MAX)
    }

    /// Takes the literals out of a dear bucket and of some others, and puts each back where it costs least; keeps
    /// what is better. Greed alone ends with one bucket for everything that is hard to place.
    fn run(&mut self, random: &mut Random) {
        self.choices = vec![Choice { bucket: 0, nth: 0 }; self.items.len()];
        let mut best: Option<f64> = None;
        for round in 0..ROUNDS {
            let mut out = [false; BUCKETS];
            let before = self.choices.clone();
            if best.is_none() {
                out = [true; BUCKETS];
            } else {
                let costs = self.placed().map(|bucket| self.grams.cost(&bucket));
                let mut left = costs.iter().sum::<f64>() * (random.below(1000) as f64 / 1000.0);
                let dear = costs.iter().position(|cost| {
                    left -= cost;
                    left <= 0.0
                });
                out[dear.unwrap_or(0)] = true;
                for _ in 0..random.between(1, 3) {
                    out[random.below(BUCKETS)] = true;
                }
            }
            let stays = random.between(0, 60);
            let mut taken: Vec<(u64, usize)> = Vec::new();
            let mut buckets = [Bucket::default(); BUCKETS];
            for (number, choice) in self.choices.iter().enumerate() {
                if out[choice.bucket] && (best.is_none() || random.below(100) >= stays) {
                    let alone = (self.alone[number] * 1e12) as u64;
                    // Hard ones first, more or less.
                    taken.push(((alone + 1) * (1 + random.bits() % 8), number));
                } else {
                    let bucket = &mut buckets[choice.bucket];
                    *bucket = with(bucket, &self.items[number].fingerprints[choice.nth]);
                }
            }
            taken.sort_by(|a, b| b.cmp(a));
            let mut costs = buckets.map(|bucket| self.grams.cost(&bucket));
            for (_, number) in taken {
                let item = &self.items[number];
                let choice = self.best_of(item, &buckets, &costs);
                let bucket = &mut buckets[choice.bucket];
                *bucket = with(bucket, &item.fingerprints[choice.nth]);
                costs[choice.bucket] = self.grams.cost(bucket);
                self.choices[number] = choice;
            }
            let cost: f64 = costs.iter().sum();
            if best.is_some_and(|best| best < cost) {
                self.choices = before;
            } else {
                if round % 8 == 0 || best.is_none() {
                    println!("round {round}: about every {:.0} bytes", 1.0 / cost);
                }
                best = Some(cost);
            }
        }
    }
}

fn write(items: &[Item], choices: &[Choice], sample: &[u8]) -> ExitCode {
    let mut groups: BTreeMap<(usize, usize, bool), Vec<&str>> = BTreeMap::new();
    for (item, choice) in items.iter().zip(choices) {
        let offset = item.fingerprints[choice.nth].offset;
        groups.entry((choice.bucket, offset, item.folds)).or_default().push(item.text);
    }
    let mut counts = [0_usize; 256];
    sample.iter().for_each(|byte| counts[usize::from(*byte)] += 1);
    let frequencies = counts.map(|count| (count * 65535 / sample.len()).max(1));
    let mut out = String::from(
        "//! Where tuning put each detector's literals, and how frequent bytes are in the sample it was tuned on.\n//!\n\
         //! Written by `cargo run --release -p tidegate-kernel --example tune-fingerprints`; not by hand.\n\n\
         /// Bucket, offset of the fingerprint, whether the literals fold ASCII case, and the literals.\n\
         pub(super) static PLACES: &[(u8, u8, bool, &str)] = &[\n",
    );
    for ((bucket, offset, folds), texts) in groups {
        let _ = writeln!(out, "({bucket}, {offset}, {folds}, {:?}),", texts.join("\t"));
    }
    let _ = writeln!(
        out,
        "];\n\n/// How often each byte occurs, of 65536.\npub(super) static FREQUENCIES: [u16; 256] = {frequencies:?};"
    );
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../filter/src/secret/prefilter/tables.rs");
    if let Err(error) = std::fs::write(&path, out) {
        eprintln!("error: {} cannot be written: {error}", path.display());
        return ExitCode::FAILURE;
    }
    match Command::new("rustfmt")
        .args(["--edition", "2024", "--config", "max_width=120,use_small_heuristics=Max"])
        .arg(&path)
        .status()
    {
        Ok(status) if status.success() => ExitCode::SUCCESS,
        _ => {
            eprintln!("error: rustfmt did not format {}; run `cargo fmt`", path.display());
            ExitCode::FAILURE
        }
    }
}
