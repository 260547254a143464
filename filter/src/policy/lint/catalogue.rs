//! Every lint by name. Names are stable: policies allow lints by them, and pipelines look for them.

/// Declares the names, which every build knows, and what a person is told about them, which a proxy does not carry.
macro_rules! lints {
    ($( $name:literal, $meaning:literal, $fix:literal; )+) => {
        /// The names of all lints, in alphabetical order.
        pub(in super::super) const NAMES: &[&str] = &[$( $name ),+];

        /// All lints, in alphabetical order.
        #[cfg(not(target_family = "wasm"))]
        pub const LINTS: &[LintEntry] = &[$( LintEntry { name: $name, meaning: $meaning, fix: $fix } ),+];
    };
}

/// A lint, for a person.
#[cfg(not(target_family = "wasm"))]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LintEntry {
    /// The stable name: the code of its warnings, and what `lint.allow` calls it.
    pub name: &'static str,
    /// What it means.
    pub meaning: &'static str,
    /// What to do about it.
    pub fix: &'static str,
}

lints! {
    "anonymous_allowed",
    "Callers whom nobody identified are judged by the rules without `who`.",
    "Say \"anonymous\": \"deny\", or give every rule a `who` but for those that are meant for everyone.";
    "any_issuer",
    "Several sources can name the same subject, team or group, and a rule takes any of them.",
    "Add `issuer` to the `who` of rules that mean one source only.";
    "arguments_audited",
    "Audit events carry the values of arguments; only what a detector knows is taken out of them.",
    "Say \"keys\" or \"none\", or make sure that whoever reads the audit may read what callers send.";
    "audit_off",
    "No audit event is written anywhere.",
    "Take \"sink\": \"none\" out of `host.audit`.";
    "broad_allow",
    "A rule lets every caller use every tool, writes included.",
    "Name the tools, or say `who`.";
    "broad_allowance",
    "An entry of `redaction.allow` lets every secret pass in every call.",
    "Name the tools, the paths or the detectors that are meant.";
    "budget_in_memory",
    "A budget of a day or longer is kept in memory: it starts at $0 when Envoy restarts, and each Envoy counts for itself.",
    "Say \"scope\": \"global\", with a rate limit service in `host.stores.global`.";
    "budget_without_costs",
    "Nothing that a budget is about has a price, so it counts nothing.",
    "Add the tools with their prices to `costs`.";
    "claim_without_source",
    "A condition or a counter asks for something about the caller that no identity source supplies.",
    "Name the claim or the header in `identity.sources`.";
    "contradictory_rules",
    "One rule allows exactly what another denies; the deny wins.",
    "Decide which of the two is meant, and take the other out.";
    "dead_allowance",
    "An entry of `redaction.allow` names a detector that is not on.",
    "Take it out, or switch the detector on.";
    "dead_pattern",
    "One pattern of a rule can never take effect.",
    "The help of the warning says why; correct the pattern, or take it out.";
    "dead_rule",
    "A rule can never take effect: a deny takes back all of it, read-only mode refuses it, or it reaches no server.",
    "The help of the warning says why; correct the rule, or take it out.";
    "dead_strategy",
    "A strategy is given for a detector that is not on.",
    "Take it out, or switch the detector on.";
    "duplicate_condition",
    "A rule says the same twice: a pattern that another of its patterns includes, or a value of `who` again.",
    "Take the narrower or the second one out.";
    "engine_window",
    "A rate limit service counts in fixed windows of its own, where `burst` does not apply.",
    "Expect up to twice the limit around the turn of a window, or use \"scope\": \"local\".";
    "expired_rule",
    "The time of a rule is over.",
    "Take the rule out, or give it a new time.";
    "fail_open",
    "In a case of doubt messages pass that no rule has judged, or that no quota has counted.",
    "Say \"deny\", or watch the counter of this cause.";
    "limits_conflict",
    "A limit can never be reached, because a smaller one comes before it.",
    "Make the smaller limit the smaller number.";
    "no_detectors",
    "Redaction is on, and nothing is looked for.",
    "Say \"detectors\": \"default\", or take `redaction` out.";
    "no_identity",
    "No source says who calls, and anonymous callers are refused: nobody can call anything.",
    "Add a source to `identity.sources`.";
    "no_reads",
    "Read-only mode is on and no tool counts as a read.",
    "Name the tools that only read in `read_only.reads`.";
    "not_active",
    "A setting is read, and has no effect yet.",
    "Leave it for a later version, or take it out.";
    "nothing_allowed",
    "No rule allows anything, so every call is refused.",
    "Add an `allow` that is not in shadow.";
    "personal_data_blocked",
    "Messages with a mail address or a telephone number are refused or withheld, which many tools are called with.",
    "Give the group `personal` a strategy of its own, or switch off those detectors.";
    "placeholders_pass",
    "A placeholder that an agent sends back reaches the server, which may store it for the secret.",
    "Take `placeholder` out of `strategies`.";
    "quota_burst",
    "A burst of the whole limit admits up to twice the limit within one window.",
    "Make it smaller: a tenth of the limit is the default for calls.";
    "quota_unreachable",
    "No rule allows what a quota would count.",
    "Compare it with the rules, or take it out.";
    "redaction_off",
    "Nothing looks for secrets in arguments and results.",
    "Add \"redaction\": {}, which has safe defaults.";
    "requests_rewritten",
    "Calls run with something else in the place of a secret, which a server may store for the secret.",
    "Say \"requests\": \"block\".";
    "secrets_pass",
    "Secrets that are found go to the servers, or reach the clients and the models behind them.",
    "Say \"block\" for requests and \"replace\" for responses; name what may pass in `strategies` or `allow`.";
    "shadow_policy",
    "The whole policy is in shadow: it refuses nothing.",
    "Say \"enforce\" once the audit shows what you expect.";
    "shadow_quota",
    "A quota or a budget is in shadow: it counts, and refuses nothing.",
    "Say \"enforce\" once the audit shows what you expect.";
    "shadow_redaction",
    "Redaction is in shadow: secrets are counted, and pass.",
    "Say \"enforce\" once the audit's `would_redact` shows what you expect.";
    "shadow_rule",
    "A rule is in shadow: what it would change is reported, and nothing is changed.",
    "Say \"enforce\" once the audit shows what you expect.";
    "shadow_server",
    "A server is in shadow: nothing is refused on it.",
    "Say \"enforce\" once the audit shows what you expect.";
    "shadowed_cost",
    "An earlier entry of `costs` prices all tools of this one, so its prices never apply.",
    "The first match counts: put the narrower entry first.";
    "shadowed_rule",
    "Earlier rules of the same kind say all that this one says.",
    "Take one of them out, or put the narrower one first.";
    "threshold_order",
    "A threshold can never be reached, because that of a longer time is less.",
    "Make the threshold of the day the larger one.";
    "trusted_header",
    "Headers say who calls: whoever can connect as one of the peers can speak for every caller.",
    "Make sure that the peers remove these headers from what they receive, and allow the lint with that as the reason.";
    "ungoverned_server",
    "Requests to a server pass unjudged and unaudited.",
    "Take `govern` out once the server speaks MCP only.";
    "unmatched_pattern",
    "A pattern of an allow, or a name of a deny, matches no tool that was seen on its servers (only with --against).",
    "Correct it, or take it out; one for a tool that will come can be allowed with that as the reason.";
    "unreachable_server",
    "An earlier server matches every request that this one would.",
    "The first match counts: put the narrower server first.";
    "unreachable_source",
    "An earlier identity source applies wherever this one does, so it is never used.",
    "Move it before the other, or take it out.";
    "unused_allowance",
    "An entry of `lint.allow` allows nothing: there is no such warning at that place, or it has expired.",
    "Take it out, or correct `at` or `expires`.";
    "write_for_everyone",
    "A rule opens writes to every caller, whatever the arguments.",
    "Say `who` may write, or constrain the `arguments`.";
}
