use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use super::super::shared::{Memory, Racing};
use super::*;
use crate::quota::Period;

const NOW: u64 = 1_700_000_000 * SECOND;
const TENANT: [u8; 16] = *b"0123456789abcdef";

fn daily(limit: u64) -> Limit {
    Limit::Calendar { limit, period: Period::Day, utc_offset: 0 }
}

/// A table of one bucket.
fn bucket() -> Counters {
    Counters::new(8, TENANT)
}

fn counter(counters: &Counters, name: &str) -> CounterKey {
    counters.key(&daily(0), [Some("quota"), Some(name)])
}

/// Takes `amount` of 100 a day.
fn take(counters: &Counters, data: &mut dyn SharedData, name: &str, keeps: bool, amount: u64) -> Taken {
    counters.take(data, &counter(counters, name), &daily(100), keeps, NOW, amount).unwrap()
}

fn remaining(counters: &Counters, data: &mut Memory, name: &str, now: u64) -> u64 {
    counters.charge(data, &counter(counters, name), &daily(100), false, now, 0).unwrap().remaining
}

#[test]
fn eight_threads_admit_exactly_the_limit() {
    let rate = Limit::Rate { limit: 5000, window: SECOND, burst: 5000 };
    for limit in [rate, daily(5000), Limit::Concurrent { limit: 5000, lease: 60 }] {
        let (counters, data, admitted) = (Counters::new(1 << 15, TENANT), Memory::default(), AtomicU64::new(0));
        let key = counters.key(&limit, [Some("all")]);
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    let mut data = data.clone();
                    for _ in 0..20_000 {
                        if counters.take(&mut data, &key, &limit, false, NOW, 1).is_ok() {
                            admitted.fetch_add(1, Ordering::Relaxed);
                        }
                    }
                });
            }
        });
        assert_eq!(admitted.into_inner(), 5000, "{limit:?}");
        assert_eq!(data.uses().1, 5000, "refusals write nothing");
    }
}

#[test]
fn threads_that_give_back_leave_nothing_behind() {
    let limit = Limit::Concurrent { limit: 3, lease: 60 };
    let (counters, mut data, running) = (bucket(), Memory::default(), AtomicU64::new(0));
    let key = counters.key(&limit, [Some("all")]);
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let mut data = data.clone();
                for _ in 0..2000 {
                    let Ok(taken) = counters.take(&mut data, &key, &limit, true, NOW, 1) else { continue };
                    assert!(running.fetch_add(1, Ordering::SeqCst) < 3);
                    running.fetch_sub(1, Ordering::SeqCst);
                    while counters.give_back(&mut data, &key, &limit, NOW, taken.mark, 1).is_err() {}
                }
            });
        }
    });
    assert_eq!(counters.charge(&mut data, &key, &limit, true, NOW, 0).unwrap().remaining, 3);
}

#[test]
fn one_read_and_one_write_a_take() {
    let (counters, mut data) = (bucket(), Memory::default());
    take(&counters, &mut data, "a", false, 100);
    assert_eq!(data.uses(), (1, 1));
    counters.take(&mut data, &counter(&counters, "a"), &daily(100), false, NOW, 1).unwrap_err();
    counters.peek(&mut data, &counter(&counters, "a"), &daily(100), false, NOW).unwrap_err();
    take(&counters, &mut data, "b", false, 0);
    counters.peek(&mut data, &counter(&counters, "b"), &daily(100), false, NOW).unwrap();
    assert_eq!(data.uses(), (5, 1));
}

#[test]
fn what_is_evicted_goes_in_the_declared_order() {
    let (counters, mut data) = (bucket(), Memory::default());
    let hourly = Limit::Calendar { limit: 100, period: Period::Hour, utc_offset: 0 };
    let hour = counters.key(&hourly, [Some("hour")]);
    counters.take(&mut data, &hour, &hourly, true, NOW, 100).unwrap();
    for (name, keeps, amount) in [
        ("money-a", true, 2),
        ("money-b", true, 1),
        ("d", false, 40),
        ("e", false, 30),
        ("f", false, 90),
        ("g", false, 50),
    ] {
        assert!(!take(&counters, &mut data, name, keeps, amount).evicted);
    }
    assert!(!take(&counters, &mut data, "h", false, 60).evicted, "the eighth finds an empty slot");

    let later = NOW + 3600 * SECOND;
    let key = counter(&counters, "i");
    let taken = counters.take(&mut data, &key, &daily(100), false, later, 99).unwrap();
    assert!(!taken.evicted, "one that has expired goes first, even if it is full and to be kept");
    for (new, gone) in [("j", "e"), ("k", "d"), ("l", "g"), ("m", "h"), ("n", "f"), ("o", "i")] {
        let taken = counters.take(&mut data, &counter(&counters, new), &daily(100), true, later, 100).unwrap();
        assert!(taken.evicted);
        let names: HashSet<_> = ["money-a", "money-b", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n"]
            .into_iter()
            .filter(|name| remaining(&counters, &mut data, name, later) < 100)
            .collect();
        assert!(!names.contains(gone) && names.contains("money-a") && names.contains("money-b"), "{new}: {names:?}");
    }
    assert!(take(&counters, &mut data, "p", true, 5).evicted);
    assert_eq!(remaining(&counters, &mut data, "money-b", later), 100, "all are to be kept: the least used goes");
    assert_eq!(remaining(&counters, &mut data, "money-a", later), 98);
    assert_eq!(data.values().len(), 1);
}

#[test]
fn what_an_evicted_counter_held_is_not_given_back_to_the_new_one() {
    let (counters, mut data) = (bucket(), Memory::default());
    let old = take(&counters, &mut data, "a", false, 10);
    for name in ["b", "c", "d", "e", "f", "g", "h", "i"] {
        take(&counters, &mut data, name, false, 90);
    }
    assert_eq!(remaining(&counters, &mut data, "a", NOW), 100);
    let key = counter(&counters, "a");
    counters.give_back(&mut data, &key, &daily(100), NOW, old.mark, 10).unwrap();
    let new = take(&counters, &mut data, "a", false, 10);
    counters.give_back(&mut data, &key, &daily(100), NOW, old.mark, 10).unwrap();
    assert_eq!(remaining(&counters, &mut data, "a", NOW), 90);
    counters.give_back(&mut data, &key, &daily(100), NOW, new.mark, 4).unwrap();
    assert_eq!(remaining(&counters, &mut data, "a", NOW), 94);
}

#[test]
fn a_million_callers_stay_within_the_table() {
    let (counters, mut data) = (Counters::new(1 << 10, TENANT), Memory::default());
    let mut evicted = 0;
    for caller in 0..1_000_000 {
        evicted += u32::from(take(&counters, &mut data, &caller.to_string(), false, 1).evicted);
    }
    let values = data.values();
    assert_eq!(values.len(), 1 << 7);
    assert!(values.iter().all(|(key, value)| key.starts_with("tidegate/q1/128/") && value.len() == 256));
    assert_eq!(evicted, 1_000_000 - (1 << 10));
}

#[test]
fn a_lost_race_is_run_again_and_64_of_them_are_reported() {
    let counters = bucket();
    for losses in [1, 63, 64] {
        let (mut left, other) = (losses, bucket());
        let race = |data: &mut Memory| {
            if left > 0 {
                left -= 1;
                take(&other, data, "other", false, 1);
            }
        };
        let mut data = Racing { data: Memory::default(), other: race };
        let taken = counters.take(&mut data, &counter(&counters, "own"), &daily(100), false, NOW, 1);
        if losses == 64 {
            assert_eq!(taken, Err(TakeError::Store(StoreError::Contended)));
        } else {
            assert_eq!(taken.unwrap().remaining, 99);
        }
        let mut data = data.data;
        assert_eq!(remaining(&counters, &mut data, "other", NOW), 100 - losses);
    }
}

#[test]
fn the_last_unit_goes_to_one_of_two() {
    let counters = bucket();
    let other = bucket();
    let race = |data: &mut Memory| assert!(other.take(data, &counter(&other, "a"), &daily(1), false, NOW, 1).is_ok());
    let mut data = Racing { data: Memory::default(), other: race };
    let taken = counters.take(&mut data, &counter(&counters, "a"), &daily(1), false, NOW, 1);
    assert!(matches!(taken, Err(TakeError::Exceeded(_))), "{taken:?}");
}

#[test]
fn parts_cannot_be_forged() {
    let counters = Counters::new(1 << 15, TENANT);
    let lists: [&[Option<&str>]; 12] = [
        &[],
        &[None],
        &[None, None],
        &[Some("")],
        &[Some(""), None],
        &[Some("a/b")],
        &[Some("a"), Some("b")],
        &[Some("a"), Some("/b")],
        &[Some("a/"), Some("b")],
        &[Some("ab")],
        &[Some("a\0b")],
        &[Some("a"), None, Some("b")],
    ];
    let keys: HashSet<_> = lists.map(|parts| counters.key(&daily(1), parts.iter().copied()).fingerprint).into();
    assert_eq!(keys.len(), lists.len());
    // The encoding of a first part and of the second's length, in one part.
    let forged = "a\u{2}\0\0\0\0\0\0\0b";
    assert_ne!(counters.key(&daily(1), [Some(forged)]), counters.key(&daily(1), [Some("a"), Some("b")]));
    let other = Counters::new(1 << 15, [0; 16]);
    assert_ne!(other.key(&daily(1), [Some("a")]), counters.key(&daily(1), [Some("a")]));
}

#[test]
fn a_policy_that_changes_a_limit_keeps_what_can_be_kept() {
    let counters = bucket();
    let key = |limit: &Limit| counters.key(limit, [Some("a")]);
    let rate = |limit, burst| Limit::Rate { limit, window: SECOND, burst };
    let lease = |lease| Limit::Concurrent { limit: 5, lease };
    assert_eq!(key(&daily(1)), key(&daily(2)));
    assert_eq!(key(&rate(5, 1)), key(&rate(5, 2)));
    assert_ne!(key(&rate(5, 1)), key(&rate(6, 1)));
    assert_ne!(key(&lease(30)), key(&lease(60)));
    assert_ne!(key(&daily(1)), key(&Limit::Calendar { limit: 1, period: Period::Hour, utc_offset: 0 }));
}

#[test]
fn a_value_that_is_no_bucket_is_replaced_and_reported() {
    let (counters, mut data) = (bucket(), Memory::default());
    data.set("tidegate/q1/1/0", &[7; 255], None).unwrap();
    let peeked = counters.peek(&mut data, &counter(&counters, "a"), &daily(100), false, NOW).unwrap();
    assert!(peeked.damaged);
    counters.give_back(&mut data, &counter(&counters, "a"), &daily(100), NOW, peeked.mark, 1).unwrap();
    let taken = take(&counters, &mut data, "a", false, 1);
    assert!(taken.damaged && !taken.evicted);
    assert_eq!(taken.remaining, 99);
    assert!(!take(&counters, &mut data, "a", false, 1).damaged);
}

#[test]
fn a_store_that_refuses_is_an_error_everywhere() {
    let (counters, mut data) = (bucket(), Memory::default());
    let (key, limit) = (counter(&counters, "a"), daily(100));
    let mark = take(&counters, &mut data, "a", false, 1).mark;
    data.refuse();
    let unavailable = TakeError::Store(StoreError::Unavailable);
    assert_eq!(counters.take(&mut data, &key, &limit, false, NOW, 1), Err(unavailable));
    assert_eq!(counters.peek(&mut data, &key, &limit, false, NOW), Err(unavailable));
    assert_eq!(counters.charge(&mut data, &key, &limit, false, NOW, 1), Err(StoreError::Unavailable));
    assert_eq!(counters.give_back(&mut data, &key, &limit, NOW, mark, 1), Err(StoreError::Unavailable));
}

#[test]
fn a_clock_that_was_set_back_is_written_with_the_refusal() {
    let (counters, mut data) = (bucket(), Memory::default());
    take(&counters, &mut data, "a", false, 100);
    let (key, limit, day) = (counter(&counters, "a"), daily(100), 86_400 * SECOND);
    let back = NOW - 10 * day;
    counters.take(&mut data, &key, &limit, false, back, 1).unwrap_err();
    assert_eq!(data.uses(), (2, 2));
    assert!(counters.peek(&mut data, &key, &limit, false, back).is_err());
    assert!(counters.peek(&mut data, &key, &limit, false, back + day).is_ok());
}
