//! The totals for tools.

use serde_json::{Map, Value, json};
use tidegate_filter::policy::Effect;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::{Fate, Tally, Verdict};

/// Names that a list holds at most.
const LISTED: usize = 100;

impl Tally {
    /// The totals as a JSON object. Lists of names hold the most frequent hundred. Money is in millionths of a dollar.
    pub fn json(&self) -> Map<String, Value> {
        let verdicts: Map<String, Value> =
            Verdict::ALL.iter().map(|verdict| (verdict.key().to_owned(), self.count(*verdict).into())).collect();
        let secrets = |fate: Fate| -> Map<String, Value> {
            let of = self.fates.iter().filter(|((other, _), _)| *other == fate);
            of.map(|((_, detector), count)| (detector.clone(), (*count).into())).collect()
        };
        let time = |at: OffsetDateTime| at.format(&Rfc3339).unwrap_or_default();
        let spent = self.spent();
        let mut members = Map::new();
        let mut put = |name: &str, value: Value| members.insert(name.to_owned(), value);
        put("exchanges", self.exchanges.into());
        put("messages", self.messages.into());
        put("verdicts", verdicts.into());
        put("reasons", json!(self.reasons));
        put("rules", self.rules.iter().map(rule).collect());
        put("rewritten", json!({"requests": self.rewritten_requests, "responses": self.rewritten_responses}));
        put(
            "secrets",
            json!({
                "redacted": secrets(Fate::Redacted),
                "refused": secrets(Fate::Refused),
                "would_redact": secrets(Fate::Passed),
            }),
        );
        put(
            "denied",
            listed(self.refused.sorted(|count| *count), |(what, count)| {
                let mut row = json!({"message": what.message, "reason": what.reason, "count": count});
                if let (Some(rule), Some(row)) = (&what.rule, row.as_object_mut()) {
                    row.insert("rule".to_owned(), rule.as_str().into());
                }
                row
            }),
        );
        put(
            "callers",
            listed(
                self.callers.sorted(|count| count.0),
                |(caller, (calls, denied))| json!({"principal": caller.subject, "team": caller.team, "messages": calls, "denied": denied}),
            ),
        );
        put(
            "hidden",
            listed(self.hidden.sorted(|count| *count), |(name, count)| json!({"name": name, "count": count})),
        );
        put(
            "spend",
            json!({"calls": spent.calls, "micro_usd": spent.micro_usd, "teams":
            listed(self.spend.sorted(|it| it.micro_usd), |(team, spend)| {
                json!({"team": team, "calls": spend.calls, "micro_usd": spend.micro_usd})
            })}),
        );
        put(
            "undecidable",
            self.undecidable.iter().map(|(reason, it)| (reason.clone(), json!(it.count))).collect::<Map<_, _>>().into(),
        );
        put(
            "drift",
            json!({"count": self.drift.count, "changes": listed(self.drift.changes.iter().collect(), |it| {
                json!({"server": it.server, "tool": it.tool, "what": it.what, "times": it.times, "exchange": it.exchange})
            })}),
        );
        if let Some((first, last)) = self.range {
            put("first", time(first).into());
            put("last", time(last).into());
        }
        members
    }
}

fn listed<T>(items: Vec<T>, row: impl Fn(T) -> Value) -> Value {
    items.into_iter().take(LISTED).map(row).collect()
}

fn rule(rule: &super::RuleUse) -> Value {
    json!({
        "id": rule.id,
        "effect": match rule.effect { Effect::Allow => "allow", Effect::Deny => "deny" },
        "mode": rule.mode.as_str(),
        "decided": rule.decided(),
        "allowed": rule.allowed,
        "denied": rule.denied,
        "shadow": rule.shadow,
    })
}
