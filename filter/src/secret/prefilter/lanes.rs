//! The places where a fingerprint may be, and the bytes of tokens: SSSE3 or AVX2 where the processor has them, simd128
//! on WebAssembly where it is enabled, and tables of 256 entries everywhere else. All mark the same places; the tests
//! compare them.

use super::place::{BUCKETS, Bucket, WIDTH};
use crate::secret::verify::class;

/// As many bytes are marked at a time.
pub(super) const GROUP: usize = 64;

/// The registers that are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Width {
    /// One byte after the other.
    Scalar,
    /// Sixteen bytes.
    #[cfg(target_arch = "x86_64")]
    Ssse3,
    /// Thirty-two bytes.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// Sixteen bytes.
    #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
    Simd128,
}

impl Width {
    /// All that this machine has, the widest last.
    pub fn all() -> Vec<Self> {
        let mut all = vec![Self::Scalar];
        #[cfg(target_arch = "x86_64")]
        {
            all.extend(std::is_x86_feature_detected!("ssse3").then_some(Self::Ssse3));
            all.extend(std::is_x86_feature_detected!("avx2").then_some(Self::Avx2));
        }
        #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
        all.push(Self::Simd128);
        all
    }

    /// The widest.
    pub fn best() -> Self {
        Self::all().last().copied().unwrap_or(Self::Scalar)
    }
}

/// For each position of a fingerprint and each half of a byte: in which of the buckets it occurs there.
type Halves = [[u8; 16]; WIDTH];

/// What is marked in a group: bit n is for its byte n.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Marks {
    /// Some bucket has the five bytes that *end* here. The first four places of a text look at nothing before it, and
    /// so have none.
    pub(super) ends: u64,
    /// The byte is of [`class::TOKEN`].
    pub(super) token: u64,
    /// The byte is a letter or digit.
    pub(super) word: u64,
}

/// By the halves of a byte, which parts of [`class::TOKEN`] have it: digits, letters of the first and of the second half of
/// the alphabet, and then what is no letter or digit. A byte is of a part if both of its halves are.
const PARTS: [[u8; 16]; 2] =
    [[5, 7, 7, 7, 7, 7, 7, 7, 7, 7, 6, 2, 2, 18, 18, 10], [0, 0, 16, 1, 2, 12, 2, 4, 0, 0, 0, 0, 0, 0, 0, 0]];
/// The parts that are letters and digits.
const WORD: u8 = 7;

/// The buckets as tables.
#[derive(Debug)]
pub(super) struct Buckets {
    low: Halves,
    high: Halves,
    /// For each position and byte: in which of all buckets it is.
    whole: Box<[[u8; 256]; WIDTH]>,
}

impl Buckets {
    pub(super) fn new(buckets: &[Bucket; BUCKETS]) -> Self {
        let mut low = [[0; 16]; WIDTH];
        let mut high = [[0; 16]; WIDTH];
        let mut whole = Box::new([[0; 256]; WIDTH]);
        for (bit, bucket) in buckets.iter().enumerate() {
            for (set, ((low, high), whole)) in bucket.iter().zip(low.iter_mut().zip(&mut high).zip(whole.iter_mut())) {
                for (entries, halves) in [(low, set.low), (high, set.high)] {
                    for (half, entry) in entries.iter_mut().enumerate() {
                        *entry |= u8::from(halves >> half & 1 != 0) << bit;
                    }
                }
                for (byte, entry) in (0..=u8::MAX).zip(whole) {
                    *entry |= u8::from(set.has(byte)) << bit;
                }
            }
        }
        Self { low, high, whole }
    }

    /// Marks `text`.
    #[inline]
    pub(super) fn mark(&self, width: Width, text: &[[u8; GROUP]], marks: &mut [Marks]) {
        match width {
            Width::Scalar => self.narrow(text, marks),
            #[cfg(target_arch = "x86_64")]
            Width::Ssse3 => ssse3::mark(self, text, marks),
            #[cfg(target_arch = "x86_64")]
            Width::Avx2 => avx2::mark(self, text, marks),
            #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
            Width::Simd128 => simd128::mark(self, text, marks),
        }
    }

    fn narrow(&self, text: &[[u8; GROUP]], marks: &mut [Marks]) {
        let [first, second, third, fourth, fifth] = &*self.whole;
        let of = |table: &[u8; 256], byte: u8| table.get(usize::from(byte)).copied().unwrap_or(0);
        // In which buckets the last bytes are: the last four as the first four, the last three as the first three ...
        let (mut four, mut three, mut two, mut one) = (0, 0, 0, 0);
        for (group, mark) in text.iter().zip(marks) {
            *mark = Marks::default();
            for (nth, byte) in group.iter().enumerate() {
                mark.ends |= u64::from(four & of(fifth, *byte) != 0) << nth;
                four = three & of(fourth, *byte);
                three = two & of(third, *byte);
                two = one & of(second, *byte);
                one = of(first, *byte);
                mark.token |= u64::from(class::is(*byte, class::TOKEN)) << nth;
                mark.word |= u64::from(class::is(*byte, class::ALNUM)) << nth;
            }
        }
    }
}

/// The kernel, over the operations of the module it stands in.
///
/// Each position's tables are looked up where the bytes lie, and the results shifted up to the last position's.
macro_rules! kernel {
    ($(#[$attribute:meta])* $width:literal) => {
        $(#[$attribute])*
        fn run(buckets: &Buckets, text: &[[u8; GROUP]], marks: &mut [Marks]) {
            let (lows, highs) = (tables(&buckets.low), tables(&buckets.high));
            let [part_low, part_high] = &PARTS;
            let (part_low, part_high) = (table(part_low), table(part_high));
            let (fifteen, word) = (every(15), every(WORD));
            let mut before = [none(); 4];
            for (group, marks) in text.iter().zip(marks) {
                let (blocks, _) = group.as_chunks::<$width>();
                // Of what is not marked: a register asks for zeros. The last bytes' bits come in at the top.
                let mut not = Marks::default();
                let into = |bits: u64, last: u32| bits >> ($width) | u64::from(last) << (64 - $width);
                for block in blocks {
                    let (low, high) = halves(load(block), fifteen);
                    let [a, b, c, d, e] = looked_up(&lows, &highs, low, high);
                    let [before_a, before_b, before_c, before_d] = before;
                    let ends =
                        and(and(up_4(before_a, a), up_3(before_b, b)), and(and(up_2(before_c, c), up_1(before_d, d)), e));
                    before = [a, b, c, d];
                    let part = in_both(part_low, low, part_high, high);
                    not.ends = into(not.ends, none_of(ends));
                    not.token = into(not.token, none_of(part));
                    not.word = into(not.word, none_of(and(part, word)));
                }
                *marks = Marks { ends: !not.ends, token: !not.token, word: !not.word };
            }
        }
    };
}

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
mod simd128;
#[cfg(target_arch = "x86_64")]
mod ssse3;
