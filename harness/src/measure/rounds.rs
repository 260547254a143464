//! Samples taken in turns, and what they come to.

use std::time::{Duration, Instant};

/// At most so many samples of one thing are kept.
const KEPT: usize = 1 << 17;

/// Something that is measured: its name is its place in the list.
pub type Work<'a> = Box<dyn FnMut() + 'a>;

/// How long something takes, in nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Times {
    /// The fastest.
    pub min: f64,
    /// Half are faster.
    pub median: f64,
    /// 99 of 100 are faster.
    pub p99: f64,
    /// How often it was measured.
    pub samples: usize,
}

impl Times {
    /// Of samples in nanoseconds; `None` if there are none.
    pub fn of(mut samples: Vec<f64>) -> Option<Self> {
        samples.sort_by(f64::total_cmp);
        let at = |part: usize| samples.get((samples.len().saturating_sub(1)) * part / 100).copied();
        Some(Self { min: at(0)?, median: at(50)?, p99: at(99)?, samples: samples.len() })
    }
}

/// Times every work in `rounds` rounds, so that what else the machine does falls on all alike; in all for about
/// `total`. `tick` is called before each round.
pub fn measure(works: &mut [Work<'_>], total: Duration, rounds: u32, mut tick: impl FnMut(u32)) -> Vec<Vec<f64>> {
    let mut samples: Vec<Vec<f64>> = works.iter().map(|_| Vec::new()).collect();
    let turns = u32::try_from(works.len()).unwrap_or(u32::MAX).saturating_mul(rounds).max(1);
    let turn = total / turns;
    for round in 0..rounds {
        tick(round);
        // Every other round goes backwards: nothing is always the neighbour of the same thing.
        let mut order: Vec<(&mut Work<'_>, &mut Vec<f64>)> = works.iter_mut().zip(&mut samples).collect();
        if round % 2 == 1 {
            order.reverse();
        }
        for (work, samples) in order {
            // What ran before has filled the caches with its own.
            work();
            let end = Instant::now() + turn;
            loop {
                let start = Instant::now();
                work();
                let stop = Instant::now();
                if samples.len() < KEPT {
                    samples.push((stop - start).as_secs_f64() * 1e9);
                }
                if stop >= end {
                    break;
                }
            }
        }
    }
    samples
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_measured_in_every_round() {
        let (mut a, mut b) = (0, 0);
        let samples = {
            let mut works: Vec<Work<'_>> = vec![Box::new(|| a += 1), Box::new(|| b += 1)];
            measure(&mut works, Duration::ZERO, 3, |_| {})
        };
        assert_eq!((a, b), (6, 6), "one to warm up and one that counts, in each round");
        assert_eq!(samples.iter().map(Vec::len).collect::<Vec<_>>(), [3, 3]);
    }

    #[test]
    fn times_are_quantiles() {
        let times = Times::of((1..=101).rev().map(f64::from).collect()).unwrap();
        assert_eq!((times.min, times.median, times.p99, times.samples), (1.0, 51.0, 100.0, 101));
        assert_eq!(Times::of(Vec::new()), None);
    }
}
