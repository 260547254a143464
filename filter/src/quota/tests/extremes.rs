use super::*;

const MAX: u64 = u64::MAX;

fn all() -> impl Iterator<Item = Limit> {
    let numbers = [0, 1, 2, 1 << 32, 1 << 63, MAX - 1, MAX];
    let rates = move |limit| numbers.into_iter().flat_map(move |w| numbers.map(move |burst| rate(limit, w, burst)));
    let sums = |limit| {
        [Period::Hour, Period::Day, Period::Week, Period::Month].into_iter().flat_map(move |period| {
            [i32::MIN, -1, 0, i32::MAX].map(move |utc_offset| Limit::Calendar { limit, period, utc_offset })
        })
    };
    let leases = |limit| [0, 1, u32::MAX].map(move |lease| concurrent(limit, lease));
    numbers.into_iter().flat_map(move |limit| rates(limit).chain(sums(limit)).chain(leases(limit)))
}

fn states() -> impl Iterator<Item = Option<u128>> {
    [None, Some(0), Some(1), Some(u128::MAX), Some(u128::MAX << 64), Some(1 << 127), Some(u64::MAX.into())].into_iter()
}

#[test]
fn whatever_the_numbers_what_is_full_admits_nothing() {
    for limit in all() {
        for now in [0, 1, NOW, MAX - 1, MAX] {
            for state in states() {
                let full = limit.charge(state, now, MAX);
                let full = limit.charge(Some(full.state), now, MAX);
                for amount in [1, MAX] {
                    let taken = limit.take(Some(full.state), now, amount);
                    assert!(taken.is_err(), "{limit:?} {now} {amount} {taken:?}");
                }
                assert_eq!(full.fullness, u32::MAX, "{limit:?} {now} {full:?}");
                assert!(limit.peek(Some(full.state), now).is_err());
                assert!(limit.take(Some(full.state), now, 0).is_ok());
                limit.give_back(full.state, now, full.mark, MAX);
                limit.give_back(full.state, MAX, MAX, 1);
            }
        }
    }
}

#[test]
fn never_more_than_the_limit_or_the_burst() {
    for limit in all() {
        let most = match limit {
            Limit::Rate { limit: 0, .. } => 0,
            Limit::Rate { burst, .. } => burst,
            Limit::Calendar { limit, .. } => limit,
            Limit::Concurrent { limit, .. } => limit.min(u32::MAX.into()),
        };
        for now in [0, 1, NOW, MAX] {
            for amount in [1, 2, 1 << 32, MAX - 1, MAX] {
                let (mut state, mut sum) = (None, 0_u128);
                for _ in 0..4 {
                    if let Ok(held) = limit.take(state, now, amount) {
                        state = Some(held.state);
                        sum += u128::from(amount);
                    }
                }
                assert!(sum <= most.into(), "{limit:?} {now} {amount} {sum}");
            }
            let none = limit.take(None, now, MAX);
            assert!(none.is_ok() || most == MAX || none.is_err_and(|exceeded| exceeded.retry_after.is_none()));
        }
    }
}

#[test]
fn a_limit_of_nothing_admits_nothing_ever() {
    for limit in [rate(0, SECOND, 5), rate(5, SECOND, 0), calendar(0, Period::Day), concurrent(0, 60)] {
        let exceeded = limit.take(None, NOW, 1).unwrap_err();
        assert_eq!((exceeded.retry_after, exceeded.remaining), (None, 0), "{limit:?}");
        assert_eq!(limit.peek(None, NOW).unwrap_err().retry_after, None);
    }
}
