//! The limits that `tidegate render limitador` writes, the descriptors that the filter sends, and Limitador between them:
//! all three must mean the same counters.

use tidegate::engine;
use tidegate::envoy::to_yaml;
use tidegate_filter::policy::{Counts, Dimension, FailMode, Missing, Mode, Quota, Reason, Refunds, Scope};
use tidegate_filter::quota::{Limit, Period};
use tidegate_filter::ratelimit::{Descriptor, Reserved, descriptor, read_reserve, reserve};
use tidegate_rls::{Method, read_limits};

use super::client::{Client, DOMAIN, serve};

fn quota(id: &str, limit: Limit, by: &[Dimension]) -> Quota {
    Quota {
        id: id.into(),
        counts: Counts::Cost,
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
        exceeded: Reason::BudgetExceeded,
    }
}

async fn ask(client: &Client, descriptor: Descriptor, amount: u64) -> Option<Reserved> {
    let answer = client.call(Method::Reserve, reserve(DOMAIN, &[descriptor], amount, 60)).await.unwrap();
    read_reserve(&answer, amount)
}

#[tokio::test]
async fn each_counter_of_each_quota_is_its_own() {
    let month = Limit::Calendar { limit: 5_000_000_000, period: Period::Month, utc_offset: 0 };
    let hour = Limit::Rate { limit: 5_000_000_000, window: 3_600_000_000_000, burst: 5_000_000_000 };
    let quotas = [
        quota("all-months", month.clone(), &[]),
        quota("team-months", month, &[Dimension::Team, Dimension::Subject]),
        quota("team-hours", hour.clone(), &[Dimension::Team]),
        quota("cost_controls.team_budgets.it's", hour, &[]),
    ];
    let document = engine::limitador(DOMAIN, &quotas).document;
    let server = serve(read_limits(&to_yaml(&document)).unwrap()).await;
    assert_eq!(read_limits(&document.to_string()).unwrap(), read_limits(&to_yaml(&document)).unwrap());
    let client = Client::connect(&server).await;

    // Above what 32 bits hold: $5,000. Every counter takes it once.
    let team_month =
        |team, subject, month| descriptor("team-months", [("team", team), ("subject", subject)], Some(month));
    let counters = [
        descriptor("all-months", [], Some("2026-11")),
        descriptor("all-months", [], Some("2026-12")),
        team_month(Some("a"), Some("b"), "2026-11"),
        team_month(Some("a"), Some("b"), "2026-12"),
        team_month(Some("a"), Some("c"), "2026-11"),
        team_month(Some("a"), None, "2026-11"),
        team_month(None, Some("a"), "2026-11"),
        // Who is called as the absent are.
        team_month(Some("~"), Some("a"), "2026-11"),
        team_month(Some("~~"), Some("a"), "2026-11"),
        // What would be one text if values were joined.
        team_month(Some("a/b"), Some("c"), "2026-11"),
        team_month(Some("a"), Some("b/c"), "2026-11"),
        team_month(Some("'"), Some("\"\\\n\0"), "2026-11"),
        descriptor("team-hours", [("team", Some("a"))], None),
        descriptor("team-hours", [("team", None)], None),
        descriptor("cost_controls.team_budgets.it's", [], None),
    ];
    for counter in &counters {
        assert!(ask(&client, counter.clone(), 5_000_000_000).await.unwrap().allowed, "{counter:?}");
    }
    for counter in &counters {
        assert!(!ask(&client, counter.clone(), 1).await.unwrap().allowed, "{counter:?}");
    }
    // A calendar's descriptor without its period finds no counter, and that is no answer.
    assert_eq!(ask(&client, descriptor("all-months", [], None), 1).await, None);
    assert_eq!(ask(&client, descriptor("team-hours", [], None), 1).await, None);
}
