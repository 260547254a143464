//! The places where a fingerprint may be: SSSE3 or AVX2 where the processor has them, simd128 on WebAssembly where it
//! is enabled, and tables of 256 entries everywhere else. All mark the same places; the tests compare them.

use super::place::{BUCKETS, Bucket, WIDTH};

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

/// For each position of a fingerprint and each half of a byte: in which of eight buckets it occurs there.
type Halves = [[u8; 16]; WIDTH];

/// The buckets as tables.
#[derive(Debug)]
pub(super) struct Buckets {
    /// Of the lower halves: buckets 0 to 7, and 8 to 15.
    low: [Halves; 2],
    high: [Halves; 2],
    /// For each position and byte: in which of all buckets it is.
    whole: Box<[[u16; 256]; WIDTH]>,
}

impl Buckets {
    pub(super) fn new(buckets: &[Bucket; BUCKETS]) -> Self {
        let mut low = [[[0; 16]; WIDTH]; 2];
        let mut high = [[[0; 16]; WIDTH]; 2];
        for (group, eight) in buckets.chunks(8).enumerate() {
            for (bit, bucket) in eight.iter().enumerate() {
                for (position, set) in bucket.iter().enumerate() {
                    for (tables, halves) in [(&mut low, set.low), (&mut high, set.high)] {
                        let table = tables.get_mut(group).and_then(|group| group.get_mut(position));
                        for (half, entry) in table.into_iter().flatten().enumerate() {
                            *entry |= u8::from(halves >> half & 1 != 0) << bit;
                        }
                    }
                }
            }
        }
        let mut whole = Box::new([[0; 256]; WIDTH]);
        for (position, table) in whole.iter_mut().enumerate() {
            for (byte, entry) in (0..=u8::MAX).zip(table) {
                for (number, bucket) in buckets.iter().enumerate() {
                    *entry |= u16::from(bucket.get(position).is_some_and(|set| set.has(byte))) << number;
                }
            }
        }
        Self { low, high, whole }
    }

    /// For each place of `text` a bit: whether some bucket has the five bytes that *end* there. The first four places
    /// look at nothing before the text, and so have none.
    #[inline]
    pub(super) fn mark(&self, width: Width, text: &[[u8; GROUP]], marks: &mut [u64]) {
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

    fn narrow(&self, text: &[[u8; GROUP]], marks: &mut [u64]) {
        let [first, second, third, fourth, fifth] = &*self.whole;
        let of = |table: &[u16; 256], byte: u8| table.get(usize::from(byte)).copied().unwrap_or(0);
        // In which buckets the last bytes are: the last four as the first four, the last three as the first three ...
        let (mut four, mut three, mut two, mut one) = (0, 0, 0, 0);
        for (group, mark) in text.iter().zip(marks) {
            *mark = 0;
            for (nth, byte) in group.iter().enumerate() {
                *mark |= u64::from(four & of(fifth, *byte) != 0) << nth;
                four = three & of(fourth, *byte);
                three = two & of(third, *byte);
                two = one & of(second, *byte);
                one = of(first, *byte);
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
        fn run(buckets: &Buckets, text: &[[u8; GROUP]], marks: &mut [u64]) {
            let [low_first, low_second] = &buckets.low;
            let [high_first, high_second] = &buckets.high;
            let (low_first, high_first) = (tables(low_first), tables(high_first));
            let (low_second, high_second) = (tables(low_second), tables(high_second));
            let mut before_first = [none(); 4];
            let mut before_second = [none(); 4];
            for (group, mark) in text.iter().zip(marks) {
                let (blocks, _) = group.as_chunks::<$width>();
                *mark = 0;
                for (nth, block) in blocks.iter().enumerate() {
                    let (low, high) = halves(load(block));
                    let [a, b, c, d, e] = looked_up(&low_first, &high_first, low, high);
                    let [before_a, before_b, before_c, before_d] = before_first;
                    let first =
                        and(and(up_4(before_a, a), up_3(before_b, b)), and(and(up_2(before_c, c), up_1(before_d, d)), e));
                    before_first = [a, b, c, d];
                    let [a, b, c, d, e] = looked_up(&low_second, &high_second, low, high);
                    let [before_a, before_b, before_c, before_d] = before_second;
                    let second =
                        and(and(up_4(before_a, a), up_3(before_b, b)), and(and(up_2(before_c, c), up_1(before_d, d)), e));
                    before_second = [a, b, c, d];
                    *mark |= u64::from(some(or(first, second))) << (nth * $width);
                }
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
