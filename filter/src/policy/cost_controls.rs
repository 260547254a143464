//! The reading of `cost_controls`: budgets of teams, and thresholds over which spending needs an approval. Each is a
//! quota on what calls cost, but for the threshold on single calls.

use std::fmt::Write as _;
use std::sync::Arc;

use super::diagnostic::suggestion;
use super::document::{Fields, Kind, Report, Value};
use super::duration::{self, Bounds, HOUR, SECOND};
use super::quota::{self, Engine, PERIODS, RESERVED};
use super::{
    Costs, Counts, Dimension, FailMode, Field, Missing, Mode, Quota, Reason, Refunds, Scope, Who, keys, money, server,
};
use crate::quota::{Limit, Period};

/// What is said once for all of `cost_controls`.
struct Settings {
    utc_offset: i32,
    scope: Scope,
    on_store_error: FailMode,
    mode: Mode,
}

/// Reads `cost_controls`; adds its quotas, and the threshold on single calls.
pub(super) fn read(
    value: &Value<'_>,
    engine: Engine,
    quotas: &mut Vec<Arc<Quota>>,
    costs: &mut Costs,
    report: &mut Report<'_>,
) {
    let Some(fields) = Fields::open(value, &keys::COST_CONTROLS, report) else { return };
    let settings = Settings {
        utc_offset: fields.get("utc_offset").and_then(|it| quota::read_utc_offset(it, report)).unwrap_or_default(),
        scope: quota::read_scope(&fields, engine, report),
        on_store_error: quota::read_on_store_error(&fields, report),
        mode: fields.get("mode").and_then(|value| server::read_mode(value, report)).unwrap_or(Mode::Enforce),
    };
    quota::check_budget(&fields, Counts::Cost, settings.scope, engine, report);
    if let Some(value) = fields.get("team_budgets") {
        read_team_budgets(value, &settings, quotas, report);
    }
    if let Some(fields) =
        fields.get("approval_thresholds").and_then(|value| Fields::open(value, &keys::APPROVAL_THRESHOLDS, report))
    {
        let mut threshold = |key| fields.get(key).and_then(|value| money::read(value, 1, report));
        costs.single_request = threshold("single_request");
        costs.single_request_mode = settings.mode;
        for (key, period) in [("hourly_spend", Period::Hour), ("daily_spend", Period::Day)] {
            let Some(limit) = threshold(key) else { continue };
            let quota = Quota {
                by: vec![Dimension::Team],
                ..settings.quota(
                    format!("{RESERVED}approval_thresholds.{key}"),
                    limit,
                    period,
                    Reason::ApprovalRequired,
                )
            };
            quotas.push(Arc::new(quota));
        }
    }
    if let Some(fields) = fields.get("optimization").and_then(|value| Fields::open(value, &keys::OPTIMIZATION, report))
    {
        let bounds = Bounds { least: SECOND, most: 720 * HOUR, units: duration::SECONDS };
        if let Some(value) = fields.get("cache_ttl") {
            duration::read(value, &bounds, report);
        }
        if let Some(value) = fields.get("model_routing") {
            value.choice(&[("cost_optimized", ())], report);
        }
    }
}

impl Settings {
    fn quota(&self, id: String, limit: u64, period: Period, exceeded: Reason) -> Quota {
        Quota {
            id,
            counts: Counts::Cost,
            limit: Limit::Calendar { limit, period, utc_offset: self.utc_offset },
            by: Vec::new(),
            targets: Vec::new(),
            servers: None,
            who: None,
            scope: self.scope,
            on_store_error: self.on_store_error,
            on_missing: Missing::Share,
            refund_on: Refunds::default(),
            mode: self.mode,
            advice: None,
            exceeded,
        }
    }
}

fn read_team_budgets(value: &Value<'_>, settings: &Settings, quotas: &mut Vec<Arc<Quota>>, report: &mut Report<'_>) {
    let Kind::Object(members) = &value.kind else {
        value.wrong_type("an object from teams to budgets", report);
        return;
    };
    for member in members {
        let team = &*member.key;
        if team.is_empty() || team.contains('*') {
            let help = "write the name of one team, as its members' tokens have it";
            report.error("invalid_value", &member.value, format!("`{team}` is not the name of a team"), help);
            continue;
        }
        let Some((limit, period)) = read_budget(&member.value, report) else { continue };
        let id = format!("{RESERVED}team_budgets.{}", encoded(team));
        let quota = Quota {
            who: Some(Who(vec![(Field::Team, vec![team.to_owned()])])),
            ..settings.quota(id, limit, period, Reason::BudgetExceeded)
        };
        quotas.push(Arc::new(quota));
    }
}

/// Reads `$5000/month`.
fn read_budget(value: &Value<'_>, report: &mut Report<'_>) -> Option<(u64, Period)> {
    if let Kind::Number(number) = value.kind {
        let help = format!("write \"${number}/month\"");
        report.error("wrong_type", value, "expected a budget such as \"$5000/month\", found a number", &help);
        return None;
    }
    let text = value.text(report)?;
    let Some((amount, window)) = text.split_once('/') else {
        let help = format!("add \"/hour\", \"/day\", \"/week\" or \"/month\", as in \"{text}/month\"");
        report.error("bad_window", value, format!("`{text}` has no window"), &help);
        return None;
    };
    let period = quota::period(window);
    if period.is_none() {
        let words = PERIODS.map(|(word, _)| word);
        let short = [("h", "hour"), ("d", "day"), ("w", "week"), ("mo", "month"), ("daily", "day")];
        let plain = window.trim();
        let near = short.iter().find(|(short, _)| *short == plain).map(|(_, word)| *word);
        let help = near.or_else(|| suggestion(plain, words)).map_or_else(
            || "end it with \"/hour\", \"/day\", \"/week\" or \"/month\"".to_owned(),
            |near| format!("write \"{}/{near}\"", amount.trim()),
        );
        report.error("bad_window", value, format!("`{window}` is not a window of a budget"), &help);
    }
    let limit = money::read_text(amount, value, 1, report);
    Some((limit?, period?))
}

/// Percent-encoded (RFC 3986 section 2.1), but for letters, digits, `.`, `_` and `-`.
fn encoded(name: &str) -> String {
    let mut encoded = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"._-".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}
