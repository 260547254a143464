use proptest::prelude::*;

use super::*;

const MINUTE: u64 = 60 * SECOND;

/// The algorithm in rational numbers: times are counted in `1 / limit` nanoseconds.
struct Rational {
    limit: u128,
    window: u128,
    burst: u128,
    tat: u128,
}

impl Rational {
    fn take(&mut self, now: u64, amount: u64) -> bool {
        let now = u128::from(now) * self.limit;
        let next = self.tat.max(now) + u128::from(amount) * self.window;
        let fits = next - now <= self.burst * self.window;
        if fits {
            self.tat = next;
        }
        fits
    }
}

proptest! {
    #[test]
    fn admits_what_exact_arithmetic_admits(
        limit in 1_u64..5000,
        window in prop::sample::select(vec![7, 1000, SECOND, MINUTE, 3600 * SECOND]),
        burst in 1_u64..300,
        steps in prop::collection::vec((0_u64..4, 0_u64..3, 1_u64..40), 1..300),
    ) {
        let gcra = rate(limit, window, burst);
        let mut exact =
            Rational { limit: limit.into(), window: window.into(), burst: burst.into(), tat: 0 };
        let (mut now, mut state) = (NOW, None);
        for (gap, jitter, amount) in steps {
            // The very nanosecond in which so many units come back, the one before and the one after.
            now += ((gap * window).div_ceil(limit) + jitter).saturating_sub(1);
            let taken = gcra.take(state, now, amount);
            prop_assert_eq!(taken.is_ok(), exact.take(now, amount));
            if let Ok(held) = taken {
                state = Some(held.state);
                prop_assert_eq!(held.remaining > 0, gcra.peek(state, now).is_ok());
            }
        }
    }

    #[test]
    fn the_time_to_come_again_is_right_to_the_second(
        limit in 1_u64..100, burst in 1_u64..100, amount in 1_u64..100, late in 0_u64..MINUTE,
    ) {
        let gcra = rate(limit, MINUTE, burst);
        let full = gcra.take(None, NOW, burst).unwrap().state;
        let now = NOW + late;
        if let Err(exceeded) = gcra.take(Some(full), now, amount) {
            prop_assert_eq!(exceeded.retry_after.is_none(), amount > burst);
            if let Some(seconds) = exceeded.retry_after {
                prop_assert!(gcra.take(Some(full), now + seconds * SECOND, amount).is_ok());
                prop_assert!(gcra.take(Some(full), now + (seconds - 1) * SECOND, amount).is_err());
            }
            let rested = gcra.charge(Some(full), now + exceeded.reset * SECOND, 0);
            prop_assert_eq!((rested.fullness, rested.remaining), (0, burst));
        }
    }
}

#[test]
fn a_burst_at_once_and_the_limit_in_every_window_after() {
    // 7 does not divide the second.
    let (gcra, mut state) = (rate(7, SECOND, 20), None);
    assert_eq!(admitted(&gcra, &mut state, std::iter::repeat_n(NOW, 100)), 20);
    for window in 1..50_000 {
        assert_eq!(admitted(&gcra, &mut state, std::iter::repeat_n(NOW + window * SECOND, 9)), 7, "{window}");
    }
}

#[test]
fn large_byte_rates_lose_nothing_that_counts() {
    let (limit, mut state) = (3_000_000_007, None);
    let gcra = rate(limit, SECOND, limit);
    for window in 0..10_000 {
        let now = NOW + window * SECOND;
        state = Some(gcra.take(state, now, limit - 1).unwrap().state);
        assert!(gcra.take(state, now, 3).is_err());
        state = Some(gcra.take(state, now, 1).unwrap().state);
    }
}

#[test]
fn debt_is_paid_by_waiting() {
    let gcra = rate(1000, SECOND, 100);
    let held = gcra.charge(None, NOW, 100_100);
    assert_eq!((held.remaining, held.fullness, held.expires), (0, u32::MAX, NOW / SECOND + 101));
    let exceeded = gcra.peek(Some(held.state), NOW).unwrap_err();
    assert_eq!((exceeded.retry_after, exceeded.reset, exceeded.set_back), (Some(101), 101, None));
    assert!(gcra.peek(Some(held.state), NOW + 100 * SECOND).is_err());
    assert!(gcra.peek(Some(held.state), NOW + 100 * SECOND + SECOND / 1000).is_ok());
    assert!(gcra.take(Some(held.state), NOW, 0).is_ok(), "nothing always fits");
}

#[test]
fn what_is_given_back_is_there_again_unless_it_has_come_back_by_itself() {
    let gcra = rate(60, MINUTE, 10);
    let first = gcra.take(None, NOW, 4).unwrap();
    let second = gcra.take(Some(first.state), NOW, 6).unwrap();
    assert_eq!(second.remaining, 0);
    let back = gcra.give_back(second.state, NOW + SECOND, first.mark, 4).unwrap();
    assert_eq!(back.remaining, 5, "4 given back, and one by time");
    assert_eq!(gcra.give_back(second.state, NOW + 4 * SECOND, first.mark, 4), None, "the first 4 have come back");
    let late = gcra.give_back(second.state, NOW + 9 * SECOND, second.mark, 6).unwrap();
    assert_eq!((late.remaining, late.fullness), (10, 0), "never more than the burst");
    assert_eq!(gcra.give_back(second.state, NOW, second.mark, 0), None);
}
