//! What every client does, and what must come of it.

use serde_json::{Value, json};
use tidegate::envoy::audit::Event;
use tidegate::sample::{Call, Client, Era, Reply};

/// The tools that the policy opens, in the order in which the server lists them.
pub(crate) const LISTED: [&str; 2] = ["list_customers", "get_customer"];

/// Who calls, and where.
#[derive(Debug)]
pub(crate) struct Caller {
    /// The `sub` claim: what tells this walk's calls and audit events from all others.
    pub(crate) subject: String,
    pub(crate) token: String,
    pub(crate) url: String,
}

/// One request.
#[derive(Debug)]
pub(crate) struct Step {
    pub(crate) ask: Ask,
    pub(crate) expect: Expect,
}

/// What is asked for.
#[derive(Debug)]
pub(crate) enum Ask {
    Call { tool: &'static str, arguments: Value },
    Read { resource: &'static str },
}

impl Ask {
    /// As the programs read it.
    pub(crate) fn to_json(&self) -> Value {
        match self {
            Self::Call { tool, arguments } => json!({"tool": tool, "arguments": arguments}),
            Self::Read { resource } => json!({"resource": resource}),
        }
    }
}

/// What must come of a request.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Expect {
    /// It runs; this is in its answer.
    Runs(&'static str),
    /// It is refused, and the caller reads this: in a tool's result, or else in an error.
    Denied { reason: &'static str, rule: Option<&'static str>, said: &'static str, advice: &'static str },
    /// To the caller there is no such tool.
    Hidden { rule: &'static str },
}

/// What a client saw.
#[derive(Debug)]
pub(crate) struct Seen {
    /// The protocol revision that client and server agreed on, if the client tells.
    pub(crate) revision: Option<String>,
    pub(crate) tools: Vec<String>,
    pub(crate) replies: Vec<Reply>,
}

/// The policy: one rule for each kind of refusal.
pub(crate) fn policy(issuer: &str, audience: &str) -> Value {
    let finance = json!({"team": ["finance"]});
    let source = json!({"jwt": {"issuer": issuer, "audience": audience, "subject": "sub", "team": "team"}});
    json!({
        "version": "tidegate/v1",
        "name": "sdk",
        "identity": {"sources": [source], "anonymous": "deny"},
        "servers": [{"name": "billing", "match": {"path": "/mcp/billing"}}],
        "rules": [
            {"id": "staff", "who": finance, "allow": {"tools": [
                "list_customers", "get_*", "issue_refund", "delete_customer",
            ]}},
            {"id": "migration", "who": finance, "allow": {"tools": ["update_customer"]}, "write": true,
             "expires": "2020-01-01T00:00:00Z"},
            {"id": "no-deletes", "deny": {"tools": ["delete_*"]}, "advice": "Open a ticket with data protection."},
            {"id": "no-credentials", "deny": {"tools": ["*credentials*"]}, "deny_style": "hide"},
        ],
        "read_only": {"enabled": true, "reads": ["get_*", "list_*", "search_*"]},
        "quotas": [{"id": "lists", "limit": 1, "window": "month", "by": ["subject"], "tools": ["list_customers"],
                    "advice": "Use the list that you have."}],
        "costs": [{"tools": ["get_report"], "per_call": "$11"}],
        "cost_controls": {"approval_thresholds": {"single_request": "$10"}},
        "audit": {"allowed": true},
        // One kind of secret may go to the server, which says it back.
        "redaction": {"strategies": {"gitlab-pat": {"requests": "allow"}}},
    })
}

/// The requests of one session: each refusal has a call that must succeed after it.
pub(crate) fn steps() -> Vec<Step> {
    let customer = || json!({"customer_id": "cus_1042"});
    let refused = [
        Step {
            ask: Ask::Call { tool: "search_invoices", arguments: json!({"state": "open"}) },
            expect: Expect::Denied {
                reason: "tool_not_allowed",
                rule: None,
                said: "The tool search_invoices on server billing is not allowed to you.",
                advice: "Do not retry this call; use a tool that tools/list shows, or ask the operator for access.",
            },
        },
        Step {
            ask: Ask::Call { tool: "delete_customer", arguments: customer() },
            expect: Expect::Denied {
                reason: "denied_by_rule",
                rule: Some("no-deletes"),
                said: "The tool delete_customer on server billing is not allowed to you.",
                advice: "Open a ticket with data protection.",
            },
        },
        Step {
            ask: Ask::Call { tool: "issue_refund", arguments: json!({"invoice_id": "inv_2208", "amount": 12.5}) },
            expect: Expect::Denied {
                reason: "read_only",
                rule: Some("staff"),
                said: "The tool issue_refund on server billing changes things, and this policy allows only reading.",
                advice: "Do not retry this call; use a tool that tools/list shows, or ask the operator for access.",
            },
        },
        Step {
            ask: Ask::Call { tool: "update_customer", arguments: customer() },
            expect: Expect::Denied {
                reason: "outside_time",
                rule: Some("migration"),
                said: "The tool update_customer on server billing is not open to you at this time.",
                advice: "Retry inside the time that the operator has opened, or ask for it to be changed.",
            },
        },
        Step {
            ask: Ask::Read { resource: "billing://ledger/2026" },
            expect: Expect::Denied {
                reason: "resource_not_allowed",
                rule: None,
                said: "The resource billing://ledger/2026 on server billing is not allowed to you.",
                advice: "Do not retry; use what the lists show, or ask the operator for access.",
            },
        },
        Step {
            ask: Ask::Call { tool: "get_payment_credentials", arguments: json!({}) },
            expect: Expect::Hidden { rule: "no-credentials" },
        },
    ];
    let secret = |customer_id: &str| Ask::Call { tool: "get_customer", arguments: json!({"customer_id": customer_id}) };
    let secrets = [
        Step { ask: secret("glpat-7Kq2mXv9RbTzWc4LdNpS"), expect: Expect::Runs("[redacted:gitlab-pat:") },
        Step {
            ask: secret("AKIAQ3EGRZ7PLM5VWXTD"),
            expect: Expect::Denied {
                reason: "secret_blocked",
                rule: None,
                said: "/params/arguments/customer_id holds a secret (aws-access-key-id), which this policy does not let through.",
                advice: "Call again without the secret: refer to it by name, or let the server read it from where it is kept.",
            },
        },
    ];
    let allowed = || Step {
        ask: Ask::Call { tool: "get_customer", arguments: customer() },
        expect: Expect::Runs("Northwind Traders"),
    };
    let list = || Ask::Call { tool: "list_customers", arguments: json!({}) };
    let limited = [
        Step { ask: list(), expect: Expect::Runs("Northwind Traders") },
        Step {
            ask: list(),
            expect: Expect::Denied {
                reason: "quota_exceeded",
                rule: None,
                said: "The quota lists is used up: 1 call per month.",
                advice: "Use the list that you have.",
            },
        },
        Step {
            ask: Ask::Call { tool: "get_report", arguments: json!({}) },
            expect: Expect::Denied {
                reason: "approval_required",
                rule: None,
                said: "This call may cost $11, and a single call over $10 needs the approval of a person.",
                advice: "Do not retry. Ask for less at once, or tell the user what the call would cost.",
            },
        },
    ];
    let mut steps = vec![allowed()];
    for step in refused.into_iter().chain(secrets).chain(limited) {
        steps.extend([step, allowed()]);
    }
    steps
}

/// The walk with rmcp.
pub(crate) async fn with_rmcp(era: Era, caller: &Caller, steps: &[Step]) -> Seen {
    let client = Client::connect(&caller.url, Some(&caller.token), era).await.unwrap();
    let tools = client.list_tools().await.unwrap();
    let mut replies = Vec::new();
    for step in steps {
        replies.push(match &step.ask {
            Ask::Call { tool, arguments } => client.call(tool, arguments.as_object().unwrap().clone()).await,
            Ask::Read { resource } => client.read(resource).await,
        });
    }
    client.close().await;
    Seen { revision: None, tools, replies }
}

/// The caller saw what the policy says.
pub(crate) fn assert_seen(seen: &Seen, steps: &[Step]) {
    assert_eq!(seen.tools, LISTED);
    assert_eq!(seen.replies.len(), steps.len());
    for (reply, step) in seen.replies.iter().zip(steps) {
        assert_reply(reply, step);
    }
}

fn assert_reply(reply: &Reply, step: &Step) {
    match (step.expect, reply, &step.ask) {
        (Expect::Runs(answer), Reply::Result { text, is_error: false, .. }, Ask::Call { .. }) => {
            assert!(text.contains(answer) && !text.contains("glpat-"), "{step:?}: {reply:?}");
            assert_eq!(reply.denial(), None);
        }
        (
            Expect::Denied { reason, rule, said, advice },
            Reply::Result { text, is_error: true, .. },
            Ask::Call { .. },
        ) => {
            let denial = reply.denial().unwrap_or_else(|| panic!("{step:?}: {reply:?}"));
            let told = |name: &str| denial.get(name).map(|value| value.as_str().unwrap());
            assert_eq!((told("reason"), told("rule"), told("policy")), (Some(reason), rule, Some("sdk")), "{step:?}");
            assert_eq!(told("advice"), Some(advice), "{step:?}");
            let by = rule.map(|rule| format!(", rule {rule}")).unwrap_or_default();
            let decision = told("decision").unwrap();
            assert_eq!(*text, format!("{said} (reason {reason}{by}, policy sdk, decision {decision}) {advice}"));
        }
        (Expect::Denied { reason, said, advice, .. }, Reply::Error { code: -31403, message }, Ask::Read { .. }) => {
            assert!(message.starts_with(&format!("{said} (reason {reason}, policy sdk, decision ")), "{message}");
            assert!(message.ends_with(&format!(") {advice}")), "{message}");
        }
        (Expect::Hidden { .. }, Reply::Error { code, message }, Ask::Call { tool, .. }) => {
            assert_eq!((*code, message.clone()), (-32602, format!("Unknown tool: {tool}")));
        }
        _ => panic!("{step:?}: {reply:?}"),
    }
}

/// The server ran the allowed calls of this caller, in their order and with their arguments, and nothing else.
pub(crate) fn assert_ran(calls: &[Call], caller: &Caller, steps: &[Step]) {
    let ran: Vec<(&str, Value)> = calls
        .iter()
        .filter(|call| call.subject.as_ref() == Some(&caller.subject))
        .map(|call| (call.tool.as_str(), Value::Object(call.arguments.clone())))
        .collect();
    let allowed: Vec<(&str, Value)> = steps
        .iter()
        .filter_map(|step| match (&step.ask, step.expect) {
            (Ask::Call { tool, arguments }, Expect::Runs(_)) => Some((*tool, arguments.clone())),
            _ => None,
        })
        .collect();
    assert_eq!(ran, allowed);
}

/// Whether `event` is about this request by this caller, in this era, with the verdict that the step expects.
pub(crate) fn is_audited(event: &Event, caller: &Caller, era: Era, step: &Step) -> bool {
    let is = |name: &str, value: Option<&str>| event.text(name) == value;
    let verdict = match step.expect {
        Expect::Runs(_) => is("verdict", Some("allow")) && is("rule", Some("staff")),
        Expect::Denied { reason, rule, .. } => {
            is("verdict", Some("deny")) && is("reason", Some(reason)) && is("rule", rule)
        }
        Expect::Hidden { rule } => is("verdict", Some("deny")) && is("rule", Some(rule)),
    };
    let target = match step.ask {
        Ask::Call { tool, .. } => is("tool", Some(tool)),
        Ask::Read { resource } => is("resource", Some(resource)),
    };
    verdict
        && target
        && event.kind() == "decision"
        && is("era", Some(&era.to_string()))
        && event.subject() == Some(&caller.subject)
}
