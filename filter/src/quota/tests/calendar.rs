use proptest::prelude::*;
use time::{OffsetDateTime, UtcOffset, Weekday};

use super::*;

const PERIODS: [Period; 4] = [Period::Hour, Period::Day, Period::Week, Period::Month];

fn seconds(text: &str) -> u64 {
    let format = &time::format_description::well_known::Rfc3339;
    OffsetDateTime::parse(text, format).unwrap().unix_timestamp().try_into().unwrap()
}

#[test]
fn windows_end_where_the_calendar_says() {
    for (period, utc_offset, now, start, end) in [
        (Period::Hour, 0, "2026-11-23T10:59:59Z", "2026-11-23T10:00:00Z", "2026-11-23T11:00:00Z"),
        (Period::Hour, 19_800, "2026-11-23T10:29:59Z", "2026-11-23T15:00:00+05:30", "2026-11-23T16:00:00+05:30"),
        (Period::Day, 3600, "2026-11-23T23:00:00Z", "2026-11-24T00:00:00+01:00", "2026-11-25T00:00:00+01:00"),
        (Period::Day, -18_000, "2026-11-23T04:59:59Z", "2026-11-22T00:00:00-05:00", "2026-11-23T00:00:00-05:00"),
        (Period::Week, 0, "2026-11-23T00:00:00Z", "2026-11-23T00:00:00Z", "2026-11-30T00:00:00Z"),
        (Period::Week, 0, "2026-11-22T23:59:59Z", "2026-11-16T00:00:00Z", "2026-11-23T00:00:00Z"),
        (Period::Month, 0, "2024-02-29T23:59:59Z", "2024-02-01T00:00:00Z", "2024-03-01T00:00:00Z"),
        (Period::Month, 0, "2100-02-28T12:00:00Z", "2100-02-01T00:00:00Z", "2100-03-01T00:00:00Z"),
        (Period::Month, 0, "2026-12-31T23:59:59Z", "2026-12-01T00:00:00Z", "2027-01-01T00:00:00Z"),
        (Period::Month, 7200, "2026-12-31T22:00:00Z", "2027-01-01T00:00:00+02:00", "2027-02-01T00:00:00+02:00"),
    ] {
        let limit = Limit::Calendar { limit: 10, period, utc_offset };
        let held = limit.take(None, seconds(now) * SECOND, 3).unwrap();
        assert_eq!((held.mark, held.expires, held.remaining), (seconds(start), seconds(end), 7), "{period:?} {now}");
    }
}

proptest! {
    #[test]
    fn windows_adjoin_and_begin_at_local_midnight(
        now in 0_i64..18_000_000_000, utc_offset in -50_400_i32..50_400,
    ) {
        for period in PERIODS {
            let (start, end) = period.window(utc_offset, now);
            prop_assert!(start <= now && now < end);
            prop_assert_eq!(period.window(utc_offset, end).0, end);
            prop_assert_eq!(period.window(utc_offset, start - 1).1, start);
            prop_assert_eq!(period.window(utc_offset, end - 1), (start, end));
            let offset = UtcOffset::from_whole_seconds(utc_offset).unwrap();
            if let Ok(local) = OffsetDateTime::from_unix_timestamp(start).map(|start| start.to_offset(offset)) {
                prop_assert_eq!((local.minute(), local.second()), (0, 0));
                prop_assert!(period == Period::Hour || local.hour() == 0);
                prop_assert!(period != Period::Week || local.weekday() == Weekday::Monday);
                prop_assert!(period != Period::Month || local.day() == 1);
            }
        }
    }
}

#[test]
fn a_window_admits_its_limit_and_the_next_again() {
    for period in PERIODS {
        let (limit, mut state) = (calendar(5, period), None);
        assert_eq!(admitted(&limit, &mut state, std::iter::repeat_n(NOW, 20)), 5);
        let exceeded = limit.take(state, NOW, 1).unwrap_err();
        let end = NOW + exceeded.retry_after.unwrap() * SECOND;
        assert_eq!(exceeded.retry_after, Some(exceeded.reset));
        assert!(limit.peek(state, end - 1).is_err());
        assert_eq!(admitted(&limit, &mut state, std::iter::repeat_n(end, 20)), 5);
    }
}

#[test]
fn what_cannot_be_admitted_is_told_from_what_must_wait() {
    let limit = calendar(5, Period::Day);
    assert_eq!(limit.take(None, NOW, 6).unwrap_err().retry_after, None);
    let state = limit.take(None, NOW, 3).unwrap().state;
    let exceeded = limit.take(Some(state), NOW, 5).unwrap_err();
    assert!(exceeded.retry_after.is_some());
    assert_eq!(exceeded.remaining, 2);
}

#[test]
fn settling_moves_what_was_used_in_the_same_window_only() {
    let limit = calendar(10, Period::Hour);
    let held = limit.take(None, NOW, 6).unwrap();
    let over = limit.charge(Some(held.state), NOW, 7);
    assert_eq!((over.remaining, over.fullness), (0, u32::MAX));
    assert!(limit.peek(Some(over.state), NOW).is_err());
    let back = limit.give_back(over.state, NOW, held.mark, 5).unwrap();
    assert_eq!(back.remaining, 2, "13 used, 5 given back");
    assert_eq!(limit.give_back(back.state, NOW, held.mark, 100).unwrap().remaining, 10);
    let next = held.expires * SECOND;
    assert_eq!(limit.give_back(over.state, next, held.mark, 5), None);
    let other = limit.take(Some(over.state), next, 4).unwrap();
    assert_eq!(limit.give_back(other.state, next, held.mark, 4), None, "another window's");
}
