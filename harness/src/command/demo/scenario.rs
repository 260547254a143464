//! Who does what in the demo, and what must come of it under `policies/demo.json`.

use serde_json::{Value, json};

use crate::sample::{Principal, SECRETS};

/// The policy of the demo, as it lies in the repository.
pub(super) const POLICY: &str = include_str!("../../../../policies/demo.json");

/// The `iss` claim that the policy trusts.
pub(super) const ISSUER: &str = "https://idp.example.com";
/// The `aud` claim that the policy asks for.
pub(super) const AUDIENCE: &str = "https://mcp.example.com";

const ADA: Principal = Principal { subject: "ada", team: "finance", groups: &["finance-leads"] };
const SAM: Principal = Principal { subject: "sam", team: "platform", groups: &["sre"] };
const BOT: Principal = Principal { subject: "report-bot", team: "analytics", groups: &[] };

/// The kinds of secrets that `get_service_config` tells.
const DETECTORS: &[&str] = &["aws-access-key-id", "aws-secret-access-key", "url-credentials"];

/// What one agent does on one server, in this order over one connection.
#[derive(Debug)]
pub(super) struct Visit {
    /// `None` comes without a token.
    pub(super) principal: Option<Principal>,
    pub(super) server: &'static str,
    pub(super) path: &'static str,
    pub(super) steps: Vec<Step>,
}

/// One thing an agent does.
#[derive(Debug)]
pub(super) enum Step {
    /// Connecting must be refused with this reason; nothing else is tried.
    Refused(&'static str),
    /// Listing tools must show exactly these, in this order.
    List(&'static [&'static str]),
    /// Calling a tool.
    Call { tool: &'static str, arguments: Value, expect: Expect },
}

/// What must come of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Expect {
    /// It runs, by this rule.
    Runs { rule: &'static str },
    /// It runs, and this shadow rule would have refused it.
    RunsInShadow { rule: &'static str, shadow: &'static str },
    /// It runs, by this rule; of its result the agent gets all but these kinds of secrets.
    Redacted { rule: &'static str, detectors: &'static [&'static str] },
    /// It does not run; the agent is told why.
    Denied { reason: &'static str, rule: Option<&'static str> },
    /// It does not run; to the agent the tool does not exist.
    Hidden { rule: &'static str },
}

impl Expect {
    /// Whether the tool must have run.
    pub(super) fn runs(self) -> bool {
        matches!(self, Self::Runs { .. } | Self::RunsInShadow { .. } | Self::Redacted { .. })
    }
}

fn call(tool: &'static str, arguments: Value, expect: Expect) -> Step {
    Step::Call { tool, arguments, expect }
}

/// The whole demo. Each visit is made in both eras.
pub(super) fn visits() -> Vec<Visit> {
    let billing = |principal, steps| Visit { principal, server: "billing", path: "/mcp/billing", steps };
    let platform = |principal, steps| Visit { principal, server: "platform", path: "/mcp/platform", steps };
    let refund = || json!({"invoice_id": "inv_2207", "amount": 40, "reason": "duplicate"});
    let customer = || json!({"customer_id": "cus_1042"});
    let config = |value: &str| json!({"service": "checkout", "name": "AWS_ACCESS_KEY_ID", "value": value});
    let restart = || json!({"service": "checkout", "environment": "production"});
    vec![
        billing(
            Some(ADA),
            vec![
                Step::List(&["list_customers", "get_customer", "search_invoices", "issue_refund", "update_customer"]),
                call("get_customer", customer(), Expect::Runs { rule: "finance-reads" }),
                call("issue_refund", refund(), Expect::Runs { rule: "finance-writes" }),
                // Within the rule, and more than one call may cost by itself.
                call(
                    "issue_refund",
                    json!({"invoice_id": "inv_2207", "amount": 250, "reason": "goodwill"}),
                    Expect::Denied { reason: "approval_required", rule: None },
                ),
                call(
                    "issue_refund",
                    json!({"amount": 4000, "invoice_id": "inv_2207", "reason": "goodwill"}),
                    Expect::Denied { reason: "arguments_invalid", rule: Some("finance-writes") },
                ),
                call(
                    "delete_customer",
                    customer(),
                    Expect::Denied { reason: "denied_by_rule", rule: Some("no-deletes") },
                ),
                call("get_payment_credentials", json!({}), Expect::Hidden { rule: "no-credentials" }),
            ],
        ),
        platform(
            Some(SAM),
            vec![
                Step::List(&[
                    "list_deployments",
                    "get_deployment_log",
                    "get_service_config",
                    "restart_deployment",
                    "roll_back_deployment",
                    "set_service_config",
                ]),
                call("get_deployment_log", json!({"service": "checkout"}), Expect::Runs { rule: "sre" }),
                call(
                    "get_service_config",
                    json!({"service": "checkout"}),
                    Expect::Redacted { rule: "sre", detectors: DETECTORS },
                ),
                // What stands for the key now, and what an agent that has the key from elsewhere would write.
                call(
                    "set_service_config",
                    config("[redacted:aws-access-key-id:7f3a]"),
                    Expect::Denied { reason: "secret_blocked", rule: None },
                ),
                call("set_service_config", config(SECRETS[0]), Expect::Denied { reason: "secret_blocked", rule: None }),
                call("restart_deployment", restart(), Expect::Runs { rule: "sre" }),
                call("roll_back_deployment", restart(), Expect::RunsInShadow { rule: "sre", shadow: "release-freeze" }),
            ],
        ),
        billing(Some(SAM), vec![Step::Refused("method_not_allowed")]),
        billing(
            Some(BOT),
            vec![
                Step::List(&["list_customers", "get_customer", "search_invoices"]),
                call("search_invoices", json!({"state": "open"}), Expect::Runs { rule: "analysts-read" }),
                call("issue_refund", refund(), Expect::Denied { reason: "read_only", rule: Some("analysts-read") }),
            ],
        ),
        platform(
            Some(BOT),
            vec![
                Step::List(&["list_deployments", "get_deployment_log", "get_service_config"]),
                call("list_deployments", json!({}), Expect::Runs { rule: "analysts-read" }),
                call(
                    "restart_deployment",
                    restart(),
                    Expect::Denied { reason: "read_only", rule: Some("analysts-read") },
                ),
            ],
        ),
        billing(None, vec![Step::Refused("principal_missing")]),
    ]
}
