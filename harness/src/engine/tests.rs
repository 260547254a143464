use serde_json::json;
use tidegate_filter::policy::{Counts, Dimension, FailMode, Missing, Mode, Quota, Reason, Refunds, Scope};
use tidegate_filter::quota::{Limit, Period};

use super::{limitador, limitador_remarks};
use crate::envoy::to_yaml;

fn quota(id: &str, limit: Limit, by: &[Dimension]) -> Quota {
    Quota {
        id: id.into(),
        counts: Counts::Calls,
        limit,
        by: by.to_vec(),
        targets: Vec::new(),
        servers: None,
        who: None,
        scope: Scope::Global,
        on_store_error: FailMode::Deny,
        on_missing: Missing::Share,
        refund_on: Refunds::default(),
        mode: Mode::Enforce,
        advice: None,
        exceeded: Reason::QuotaExceeded,
    }
}

fn rate(limit: u64, seconds: u64) -> Limit {
    Limit::Rate { limit, window: seconds * super::SECOND, burst: limit }
}

fn calendar(limit: u64, period: Period) -> Limit {
    Limit::Calendar { limit, period, utc_offset: 3_600 }
}

#[test]
fn limits_have_the_form_that_limitador_reads() {
    let budget = Quota { counts: Counts::Cost, ..quota("budget", calendar(5_000_000_000, Period::Month), &[]) };
    let searches = quota("searches", rate(500, 3_600), &[Dimension::Team, Dimension::Tool]);
    let local = Quota { scope: Scope::Local, ..quota("local", rate(1, 1), &[]) };
    let limits = limitador("tidegate", [&searches, &local, &budget]);
    assert_eq!(limits.warnings, [""; 0]);
    let expected = r#"- name: searches
  conditions:
  - "descriptors[0]['quota'] == 'searches'"
  max_value: 500
  namespace: tidegate
  seconds: 3600
  variables:
  - "descriptors[0]['team']"
  - "descriptors[0]['tool']"
- name: budget
  conditions:
  - "descriptors[0]['quota'] == 'budget'"
  max_value: 5000000000
  namespace: tidegate
  seconds: 2682000
  variables:
  - "descriptors[0]['period']"
"#;
    assert_eq!(to_yaml(&limits.document), expected);
}

#[test]
fn a_counter_outlives_the_longest_window_of_its_calendar() {
    for (period, longest) in
        [(Period::Hour, 3_600), (Period::Day, 86_400), (Period::Week, 604_800), (Period::Month, 2_678_400)]
    {
        let limits = limitador("d", [&quota("q", calendar(1, period), &[])]);
        let seconds = limits.document[0]["seconds"].as_u64().unwrap();
        assert!(seconds > longest, "{period:?}");
        // Not so long that counters pile up.
        assert!(seconds <= longest + 86_400, "{period:?}");
    }
}

#[test]
fn what_the_engine_cannot_do_is_said() {
    let whole = quota("whole", rate(60, 60), &[]);
    let parts = quota("parts", Limit::Rate { limit: 5, window: super::SECOND / 2, burst: 5 }, &[]);
    let open = quota("open", Limit::Concurrent { limit: 8, lease: 300 }, &[]);
    let limits = limitador("d", [&whole, &parts, &open]);
    let names: Vec<_> = limits.document.as_array().unwrap().iter().map(|it| it["name"].clone()).collect();
    assert_eq!(names, [json!("whole"), json!("parts")]);
    assert_eq!(limits.document[1]["seconds"], 1);
    for (warning, id) in limits.warnings.iter().zip(["`parts`", "`open`"]) {
        assert!(warning.starts_with(id), "{warning}");
    }
    assert_eq!(limits.warnings.len(), 2);
}

#[test]
fn no_name_ends_the_expression_that_it_stands_in() {
    let limits = limitador("d", [&quota(r"it's \ mine", rate(1, 1), &[])]);
    assert_eq!(limits.document[0]["conditions"][0], r"descriptors[0]['quota'] == 'it\'s \\ mine'");
}

#[test]
fn the_unit_of_money_is_said_where_there_is_money() {
    let calls = quota("calls", rate(1, 1), &[]);
    let cost = Quota { counts: Counts::Cost, ..calls.clone() };
    let names_money = |quota| limitador_remarks(60, [quota]).iter().any(|it| it.contains("micro-dollars"));
    assert!(!names_money(&calls));
    assert!(names_money(&cost));
    assert!(limitador_remarks(90, [&calls]).iter().any(|it| it.contains("--max-reservation-ttl 90")));
}
