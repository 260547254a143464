//! What a call costs: what is reserved before it, and what it came to. Amounts are micro-dollars, rounded up.

use crate::json::{Decimal, decode, locate};
use crate::policy::Cost;

/// Parts of a unit that numbers in messages are read to.
const MILLION: u128 = 1_000_000;

/// What is known of a call's cost before it is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Estimate {
    /// What the request alone costs.
    pub request: u64,
    /// What is reserved: the most that the call can cost.
    pub reserved: u64,
}

/// What a call is expected to cost, from the bytes of its request and the JSON text of its `arguments`.
pub fn estimate(cost: &Cost, request_bytes: usize, arguments: Option<&[u8]>) -> Estimate {
    let argument = cost.argument.as_ref().map_or(0, |priced| {
        let found = arguments.and_then(|text| Some(locate(text, &priced.pointer)?.of(text)));
        let units = found.and_then(millionths).unwrap_or(u128::from(priced.default) * MILLION);
        price(units, priced.price, priced.per)
    });
    let request = cost.per_call.saturating_add(for_bytes(request_bytes, cost.per_request_kb)).saturating_add(argument);
    let request = cost.max.map_or(request, |max| request.min(max));
    let depends_on_result = cost.per_result_kb > 0 || cost.result.is_some();
    // Without a most there would be nothing that is certain not to be overspent.
    let most = cost.max.unwrap_or(u64::MAX);
    Estimate { request, reserved: if depends_on_result { most } else { request } }
}

/// What a call came to, from the bytes of its response and what the server reported (the JSON text of a number, or of
/// a string that holds one). Never more than was reserved.
pub fn settled(cost: &Cost, estimate: Estimate, response_bytes: usize, reported: Option<&[u8]>) -> u64 {
    let reported = match &cost.result {
        None => 0,
        Some(priced) => match reported.and_then(millionths) {
            Some(units) => price(units, priced.price, priced.per),
            // Nothing that can be used was reported: the most is what is certain to be enough.
            None => return estimate.reserved,
        },
    };
    let sum = estimate.request.saturating_add(for_bytes(response_bytes, cost.per_result_kb)).saturating_add(reported);
    sum.min(estimate.reserved)
}

fn for_bytes(bytes: usize, per_kb: u64) -> u64 {
    saturated((bytes as u128).saturating_mul(u128::from(per_kb)).div_ceil(1024))
}

/// The price of so many millionths of a unit.
fn price(millionths: u128, price: u64, per: u64) -> u64 {
    saturated(millionths.saturating_mul(u128::from(price)).div_ceil(u128::from(per.max(1)).saturating_mul(MILLION)))
}

fn saturated(amount: u128) -> u64 {
    u64::try_from(amount).unwrap_or(u64::MAX)
}

/// A number that is not negative, in millionths, rounded up. What is too large to count saturates.
fn millionths(text: &[u8]) -> Option<u128> {
    let text = if text.first() == Some(&b'"') { decode(text) } else { std::str::from_utf8(text).ok()?.into() };
    Decimal::read(text.as_bytes())?.millionths()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{PricedArgument, Refunds, ReportedCost};

    fn flat(per_call: u64) -> Cost {
        Cost {
            tools: Vec::new(),
            per_call,
            per_request_kb: 0,
            per_result_kb: 0,
            argument: None,
            result: None,
            refund_on: Refunds::default(),
            max: None,
        }
    }

    #[test]
    fn a_flat_price_is_the_estimate_and_the_charge() {
        let cost = flat(20_000);
        let estimate = estimate(&cost, 5_000, None);
        assert_eq!(estimate, Estimate { request: 20_000, reserved: 20_000 });
        assert_eq!(settled(&cost, estimate, 1 << 20, Some(b"99")), 20_000);
    }

    #[test]
    fn bytes_round_up_at_the_end() {
        let cost = Cost { per_request_kb: 3, per_result_kb: 2, max: Some(1_000), ..flat(0) };
        let before = estimate(&cost, 1, None);
        assert_eq!(before, Estimate { request: 1, reserved: 1_000 });
        assert_eq!(estimate(&cost, 2048, None).request, 6);
        assert_eq!(settled(&cost, before, 1025, None), 1 + 3);
        assert_eq!(settled(&cost, before, 1 << 30, None), 1_000, "never over what was reserved");
    }

    #[test]
    fn arguments_are_priced_as_exact_decimals() {
        let argument = PricedArgument { pointer: "/max_tokens".into(), price: 500_000, per: 1_000_000, default: 4096 };
        let cost = Cost { argument: Some(argument), ..flat(1) };
        for (arguments, expected) in [
            (r#"{"max_tokens":2000000}"#, 1_000_001),
            (r#"{"max_tokens":1}"#, 2),
            (r#"{"max_tokens":0.000001}"#, 2),
            (r#"{"max_tokens":1e3}"#, 501),
            (r#"{"max_tokens":"1000"}"#, 501),
            (r#"{"max_tokens":-5}"#, 2_049),
            (r#"{"max_tokens":"many"}"#, 2_049),
            (r#"{"max_tokens":[1]}"#, 2_049),
            (r#"{}"#, 2_049),
            (r#"{"max_tokens":1e400}"#, u64::MAX),
        ] {
            assert_eq!(estimate(&cost, 0, Some(arguments.as_bytes())).reserved, expected, "{arguments}");
        }
        let capped = Cost { max: Some(700), ..cost };
        assert_eq!(estimate(&capped, 0, Some(br#"{"max_tokens":1e400}"#)).reserved, 700);
    }

    #[test]
    fn what_the_server_reports_is_clamped_and_nothing_usable_is_the_most() {
        let result = ReportedCost { pointer: "/cost".into(), price: 1_000_000, per: 1 };
        let cost = Cost { result: Some(result), max: Some(50_000), ..flat(10) };
        let before = estimate(&cost, 0, None);
        assert_eq!(before.reserved, 50_000);
        for (reported, expected) in [
            (Some(&b"0.0123"[..]), 12_310),
            (Some(b"\"0.0123\""), 12_310),
            (Some(b"0"), 10),
            (Some(b"7"), 50_000),
            (Some(b"-1"), 50_000),
            (Some(b"null"), 50_000),
            (None, 50_000),
        ] {
            assert_eq!(settled(&cost, before, 0, reported), expected, "{reported:?}");
        }
    }
}
