use super::*;

const DAY: u64 = 86_400 * SECOND;

/// A full counter, and how long it would have stayed full had the clock not been set.
fn full() -> [(Limit, u64); 5] {
    [
        (rate(10, SECOND, 10), SECOND / 10),
        (rate(100, 3600 * SECOND, 100), 36 * SECOND),
        (calendar(10, Period::Hour), 3600 * SECOND),
        (calendar(10, Period::Month), 31 * DAY),
        (concurrent(10, 60), 90 * SECOND),
    ]
}

#[test]
fn a_step_back_gives_nothing_and_locks_nobody_out_for_long() {
    for (limit, wait) in full() {
        for step in
            [1, SECOND / 2, SECOND, 2 * SECOND, 59 * SECOND, 240 * SECOND, 7200 * SECOND, 40 * DAY, 10_000 * DAY, NOW]
        {
            let mut state = None;
            admitted(&limit, &mut state, std::iter::repeat_n(NOW, 200));
            let back = NOW - step;
            assert_eq!(admitted(&limit, &mut state, std::iter::repeat_n(back, 200)), 0, "{limit:?} {step}");
            // At most another window, or another lease, from where the clock stands now.
            let most = match limit {
                Limit::Rate { .. } => wait + 2 * SECOND,
                Limit::Calendar { .. } => 2 * wait,
                Limit::Concurrent { .. } => 150 * SECOND,
            };
            assert!(limit.peek(state, back + most).is_ok(), "{limit:?} {step}");
        }
    }
}

#[test]
fn refusals_alone_do_not_keep_a_counter_in_the_future() {
    for (limit, _) in full() {
        let mut state = None;
        admitted(&limit, &mut state, std::iter::repeat_n(NOW, 200));
        let back = NOW - 300 * DAY;
        let times = (0..33 * 24).map(|hour| back + hour * 3600 * SECOND);
        assert!(admitted(&limit, &mut state, times) > 0, "{limit:?}");
    }
}

#[test]
fn debt_outlives_a_step_back() {
    let limit = rate(10, SECOND, 10);
    let state = limit.charge(None, NOW, 1010).state;
    let back = NOW - DAY;
    let exceeded = limit.peek(Some(state), back).unwrap_err();
    assert!((101..=102).contains(&exceeded.reset), "{}", exceeded.reset);
    let state = exceeded.set_back.unwrap().state;
    assert!(limit.peek(Some(state), back + 99 * SECOND).is_err());
    assert!(limit.peek(Some(state), back + 102 * SECOND).is_ok());
}

#[test]
fn workers_that_come_late_with_their_time_gain_nothing() {
    let limit = rate(10, SECOND, 10);
    let mut state = None;
    let times = (0..10_000).map(|n| if n % 2 == 0 { NOW } else { NOW - 1 });
    assert_eq!(admitted(&limit, &mut state, times), 10);
}

#[test]
fn a_call_that_outlasts_a_step_back_is_given_back_where_its_window_still_is() {
    for limit in [calendar(10, Period::Hour), concurrent(10, 60)] {
        let held = limit.take(None, NOW, 10).unwrap();
        let back = limit.give_back(held.state, NOW - 20 * SECOND, held.mark, 10).unwrap();
        assert_eq!(back.remaining, 10, "{limit:?}");
    }
}
