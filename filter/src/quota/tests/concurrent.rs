use proptest::prelude::*;

use super::*;

const LEASE: u64 = 60 * SECOND;

#[test]
fn as_many_as_the_limit_and_one_more_for_each_that_ends() {
    let limit = concurrent(3, 60);
    let mut state = None;
    assert_eq!(admitted(&limit, &mut state, std::iter::repeat_n(NOW, 10)), 3);
    let full = limit.take(state, NOW, 1).unwrap_err();
    assert_eq!((full.retry_after, full.remaining), (Some(1), 0));
    assert!((60..=90).contains(&full.reset), "{}", full.reset);
    assert_eq!(limit.take(None, NOW, 4).unwrap_err().retry_after, None);
    let mark = limit.charge(state, NOW, 0).mark;
    let back = limit.give_back(state.unwrap(), NOW + LEASE / 2, mark, 1).unwrap();
    let again = limit.take(Some(back.state), NOW + LEASE / 2, 1).unwrap();
    assert_ne!(again.mark, mark);
    assert!(limit.take(Some(again.state), NOW + LEASE / 2, 1).is_err());
}

#[test]
fn what_all_have_given_back_says_nothing() {
    let limit = concurrent(3, 60);
    let held = limit.take(None, NOW, 1).unwrap();
    let back = limit.give_back(held.state, NOW, held.mark, 1).unwrap();
    assert_eq!((back.expires, back.fullness, back.remaining), (0, 0, 3));
    assert_eq!(limit.give_back(back.state, NOW, held.mark, 1), None, "given back twice");
}

proptest! {
    #[test]
    fn nothing_is_forgotten_before_its_lease_or_kept_half_a_lease_longer(
        steps in prop::collection::vec((0_u64..LEASE / 2, any::<bool>()), 1..200),
    ) {
        let limit = concurrent(5, 60);
        let (mut now, mut state) = (NOW, None);
        let mut running: Vec<(u64, u64)> = Vec::new();
        for (gap, ends) in steps {
            now += gap;
            if ends && !running.is_empty() {
                let (begun, mark) = running.remove(0);
                let back = state.and_then(|state| limit.give_back(state, now, mark, 1));
                prop_assert!(back.is_some() || now - begun >= LEASE);
                prop_assert!(back.is_none() || now - begun < LEASE * 3 / 2);
                state = back.map(|held| held.state).or(state);
            }
            let least = running.iter().filter(|(begun, _)| now - begun < LEASE).count();
            let most = running.iter().filter(|(begun, _)| now - begun < LEASE * 3 / 2).count();
            match limit.take(state, now, 1) {
                Ok(held) => {
                    prop_assert!(least < 5);
                    state = Some(held.state);
                    running.push((now, held.mark));
                }
                Err(_) => prop_assert!(most >= 5),
            }
        }
    }
}
