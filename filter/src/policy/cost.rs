//! The reading of `costs`.

use std::sync::Arc;

use super::document::{Fields, Report, Value};
use super::{Cost, PricedArgument, Refunds, ReportedCost, keys, money, quota, rule};

/// The largest whole number that every JSON reader understands exactly (RFC 8259 section 6).
const MOST: u64 = (1 << 53) - 1;

/// The keys that are prices, or have one.
const PRICES: [&str; 5] = ["per_call", "per_request_kb", "per_result_kb", "argument", "result"];

/// When a call costs nothing after all, where the document does not say it.
const REFUNDS: Refunds = Refunds { upstream_failure: true, tool_error: false };

/// Reads `costs`.
pub(super) fn read(value: &Value<'_>, servers: &[String], report: &mut Report<'_>) -> Vec<Arc<Cost>> {
    let list = value.list(report).unwrap_or_default();
    list.iter().filter_map(|value| read_cost(value, servers, report)).map(Arc::new).collect()
}

fn read_cost(value: &Value<'_>, servers: &[String], report: &mut Report<'_>) -> Option<Cost> {
    let fields = Fields::open(value, &keys::COST, report)?;
    let tools = fields.required("tools", report).and_then(|value| value.list(report));
    let tools = tools.map(|tools| tools.iter().filter_map(|value| rule::read_tool(value, servers, report)).collect());
    if PRICES.iter().all(|key| fields.get(key).is_none()) {
        let help = "add `per_call`, `per_request_kb`, `per_result_kb`, `argument` or `result`; \
                    a tool without an entry costs nothing";
        fields.missing("no price in it", help, report);
    }
    let price = |key, report: &mut Report<'_>| {
        fields.get(key).and_then(|value| money::read(value, 0, report)).unwrap_or_default()
    };
    let (per_call, per_request_kb) = (price("per_call", report), price("per_request_kb", report));
    let per_result_kb = price("per_result_kb", report);
    let argument = fields.get("argument").and_then(|value| read_argument(value, report));
    let result = fields.get("result").and_then(|value| read_result(value, report));
    let max = fields.get("max").and_then(|value| money::read(value, 1, report));
    let open = ["per_result_kb", "result"].into_iter().find(|key| fields.get(key).is_some());
    if let (Some(key), None) = (open, fields.get("max")) {
        let message = format!("`{key}` needs `max`: what a call costs is known only when it ends");
        let help = "say what a call costs at most, as in \"max\": \"$1\": it is reserved, and the rest given back";
        fields.missing(&message, help, report);
    }
    let refund_on = fields.get("refund_on").map_or(REFUNDS, |value| quota::read_refund_list(value, report));
    Some(Cost { tools: tools?, per_call, per_request_kb, per_result_kb, argument, result, refund_on, max })
}

fn read_argument(value: &Value<'_>, report: &mut Report<'_>) -> Option<PricedArgument> {
    let fields = Fields::open(value, &keys::COST_ARGUMENT, report)?;
    let (pointer, price, per) = read_priced(&fields, report);
    let default = fields.get("default").map_or(Some(0), |value| value.whole(0..=MOST, report));
    Some(PricedArgument { pointer: pointer?, price: price?, per: per?, default: default? })
}

fn read_result(value: &Value<'_>, report: &mut Report<'_>) -> Option<ReportedCost> {
    let fields = Fields::open(value, &keys::COST_RESULT, report)?;
    let (pointer, price, per) = read_priced(&fields, report);
    Some(ReportedCost { pointer: pointer?, price: price?, per: per? })
}

/// Reads `pointer`, `price` and `per`.
fn read_priced(fields: &Fields<'_, '_>, report: &mut Report<'_>) -> (Option<String>, Option<u64>, Option<u64>) {
    let pointer = fields.required("pointer", report).and_then(|value| read_pointer(value, report));
    let price = fields.required("price", report).and_then(|value| money::read(value, 0, report));
    let per = fields.get("per").map_or(Some(1), |value| value.whole(1..=MOST, report));
    (pointer, price, per)
}

/// A JSON pointer (RFC 6901) to something inside.
fn read_pointer(value: &Value<'_>, report: &mut Report<'_>) -> Option<String> {
    let text = value.text(report)?;
    let escaped = text.split('~').skip(1).all(|rest| rest.starts_with(['0', '1']));
    if text.starts_with('/') && escaped {
        return Some(text.to_owned());
    }
    let help = if escaped {
        let steps = text.trim_start_matches(['#', '$', '.', '/']).replace('.', "/");
        format!("write it as in \"/{steps}\"")
    } else {
        "write `~0` for a `~` in a name, and `~1` for a `/`".to_owned()
    };
    report.error("bad_pointer", value, format!("`{text}` is not a JSON pointer"), &help);
    None
}
