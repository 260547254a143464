use std::fmt::Write as _;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use super::document::{Fields, Kind, Report, Value};
use super::index::RuleIndex;
use super::lint::Review;
#[cfg(not(target_family = "wasm"))]
use super::lint::Seen;
use super::quota::Engine;
use super::{
    Compiled, Configuration, Costs, Diagnostic, Diagnostics, HostSettings, Mode, Named, Policy, Rule, Server,
    TargetPattern, arguments, cost, cost_controls, identity, keys, lint, quota, redaction, registry, rule, server,
    settings,
};
use crate::order;

/// The version of the policy language that this compiler reads.
pub const VERSION: &str = "tidegate/v1";

/// Compiles a plugin configuration (`{"host": …, "layers": [policy]}`) or a bare policy.
///
/// # Errors
/// Every independent fault of the document, in the order of the text.
pub fn compile(text: &[u8]) -> Result<Compiled, Diagnostics> {
    compile_with(text, None)
}

/// Compiles as [`compile()`] does and adds the lints that compare rules with each other, and those that need a clock.
/// `now` is in seconds since the Unix epoch.
///
/// # Errors
/// Every independent fault of the document, in the order of the text.
#[cfg(not(target_family = "wasm"))]
pub fn check(text: &[u8], now: i64) -> Result<Compiled, Diagnostics> {
    compile_with(text, Some(Review { now, seen: None }))
}

/// Compiles as [`check`] does and adds the lints that compare rules with the tools that servers were seen to have.
///
/// # Errors
/// Every independent fault of the document, in the order of the text.
#[cfg(not(target_family = "wasm"))]
pub fn check_against(text: &[u8], now: i64, seen: &Seen) -> Result<Compiled, Diagnostics> {
    compile_with(text, Some(Review { now, seen: Some(seen) }))
}

fn compile_with(text: &[u8], review: Option<Review<'_>>) -> Result<Compiled, Diagnostics> {
    let mut report = Report::new(text);
    let configuration = Value::read(text, &mut report).and_then(|document| read(&document, text, review, &mut report));
    match configuration {
        Some(configuration) if report.errors.is_empty() => {
            let allowed = lint::apply(&mut report, review.map(|review| review.now));
            #[cfg(not(target_family = "wasm"))]
            let allowed = order::by_key(allowed, |it| it.finding.span.start);
            #[cfg(not(target_family = "wasm"))]
            if let Some(Review { now, seen }) = review {
                lint::report_unused(&mut report, now, seen.is_some());
            }
            Ok(Compiled { configuration, warnings: in_order(report.warnings), allowed })
        }
        _ => Err(Diagnostics(in_order(report.errors))),
    }
}

/// In the order of the text.
fn in_order(diagnostics: Vec<Diagnostic>) -> Vec<Diagnostic> {
    order::by_key(diagnostics, |diagnostic| diagnostic.span.start)
}

fn read(
    document: &Value<'_>,
    text: &[u8],
    review: Option<Review<'_>>,
    report: &mut Report<'_>,
) -> Option<Configuration> {
    let enveloped = match &document.kind {
        Kind::Object(members) => members.iter().any(|member| member.key == "layers" || member.key == "host"),
        _ => false,
    };
    if !enveloped {
        let policy = read_policy(document, text, Engine::Absent, review, report)?;
        return Some(Configuration { host: HostSettings::default(), policy });
    }
    let fields = Fields::open(document, &keys::CONFIGURATION, report)?;
    let host = fields.get("host").map(|value| settings::read_host(value, report)).unwrap_or_default();
    let engine = match fields.get("host").and_then(|host| host.below("/stores/global")) {
        Some(_) => Engine::Declared(host.stores.global.as_ref().map(|global| global.protocol)),
        None => Engine::Absent,
    };
    #[cfg(not(target_family = "wasm"))]
    if let (Some(_), false, Some(sink)) = (review, host.audit_log.enabled, document.below("/host/audit/sink")) {
        report.warn("audit_off", sink, "no audit event is written anywhere", "take it out: \"log\" is the default");
    }
    let layers = fields.required("layers", report)?.list(report)?;
    if let Some(second) = layers.get(1) {
        let help = "merge the layers into one: a policy never runs with a part of it ignored";
        report.error("not_yet", second, "several layers are not supported by this version of Tidegate", help);
    }
    let policy = layers.first().and_then(|layer| read_policy(layer, text, engine, review, report))?;
    Some(Configuration { host, policy })
}

fn read_policy(
    value: &Value<'_>,
    text: &[u8],
    engine: Engine,
    review: Option<Review<'_>>,
    report: &mut Report<'_>,
) -> Option<Policy> {
    // What another version calls its keys says nothing about this policy.
    if let Some(version) = value.member("version")
        && let Kind::Text(text) = &version.kind
        && text != VERSION
        && !text.is_empty()
    {
        let message = format!(
            "a policy of another version, `{text}`: Tidegate {} reads \"{VERSION}\"",
            env!("CARGO_PKG_VERSION")
        );
        let help = if text.strip_prefix("tidegate/v").is_some_and(|number| number.parse::<u32>().is_ok()) {
            "use a Tidegate of that version"
        } else {
            "write \"tidegate/v1\""
        };
        report.error("unknown_version", version, message, help);
        return None;
    }
    let fields = Fields::open(value, &keys::POLICY, report)?;
    if let Some(version) = fields.required("version", report) {
        version.text(report);
    }
    let name = fields.required("name", report).and_then(|value| value.text(report)).map(str::to_owned);
    let revision = fields.get("revision").and_then(|value| value.whole(0..=(1 << 53) - 1, report));
    let mode = fields.get("mode").and_then(|value| server::read_mode(value, report)).unwrap_or(Mode::Enforce);
    let mut identity = fields.get("identity").map(|value| identity::read(value, report)).unwrap_or_default();
    let names = fields.get("registries").map(server::declared).unwrap_or_default();
    let registries = fields.get("registries").map(|value| registry::read(value, &names, report)).unwrap_or_default();
    let servers =
        fields.required("servers", report).map(|value| server::read(value, mode, &names, report)).unwrap_or_default();
    let declared = fields.get("servers").map(server::declared).unwrap_or_default();
    let joined = fields.get("servers").map(server::joined).unwrap_or_default();
    let names = quota::Names { servers: &declared, joined: &joined, declared: &names, registries: &registries, engine };
    let mut quotas = fields.get("quotas").map(|value| quota::read(value, &names, report)).unwrap_or_default();
    let mut costs = Costs {
        list: fields.get("costs").map(|value| cost::read(value, &declared, report)).unwrap_or_default(),
        ..Costs::default()
    };
    if let Some(value) = fields.get("cost_controls") {
        cost_controls::read(value, engine, &mut quotas, &mut costs, report);
    }
    let sets = fields.get("sets").map(|value| arguments::read_sets(value, report)).unwrap_or_default();
    let names = rule::Names { servers: &declared, sets: &sets };
    let rules = fields.required("rules", report).map(|value| rule::read(value, &names, report)).unwrap_or_default();
    let narrow_schemas = fields.get("narrow_schemas").and_then(|value| value.flag(report)).unwrap_or(true);
    let read_only = fields.get("read_only").map(|value| settings::read_read_only(value, &declared, report));
    let redaction = fields.get("redaction").and_then(|value| redaction::read(value, &declared, report)).map(Arc::new);
    let limits = fields.get("limits").map(|value| settings::read_limits(value, report)).unwrap_or_default();
    let on = fields.get("on").map(|value| settings::read_fail_modes(value, report)).unwrap_or_default();
    let redacts =
        redaction.as_ref().map_or(fields.get("redaction").is_some(), |redaction| redaction.looks_for_secrets());
    if let Some(lint) = fields.get("lint") {
        lint::read_allowances(lint, &value.pointer, report);
    }
    let audit = fields.get("audit").map(|value| settings::read_audit(value, redacts, report)).unwrap_or_default();

    let asks_workload = |rule: &Rule| rule.who.as_ref().is_some_and(|who| who.asks(super::Field::Workload));
    // A text that merely mentions it costs a host call, and nothing else.
    let compares_workload = |rule: &Rule| {
        const FACT: &[u8] = b"principal.workload";
        rule.arguments.as_ref().is_some_and(|it| it.text().windows(FACT.len()).any(|window| window == FACT))
    };
    identity.reads_peer |= rules.iter().any(|rule| asks_workload(rule) || compares_workload(rule));
    let read_only = read_only.unwrap_or_default();
    let (global, by_server) = index(&rules, &read_only.reads, &servers);
    let mut time_bounds: Vec<i64> = rules.iter().flat_map(|rule| [rule.not_before, rule.expires]).flatten().collect();
    order::distinct(&mut time_bounds);
    let digest = digest(text.get(value.span.start..value.span.end).unwrap_or_default());
    let name = name?;
    let whos = rules.iter().filter_map(|rule| rule.who.as_ref());
    let named = Named::of(whos.chain(quotas.iter().filter_map(|quota| quota.who.as_ref())));
    let policy = Policy {
        name,
        revision,
        digest,
        mode,
        identity,
        registries,
        servers,
        rules,
        sets,
        narrow_schemas,
        read_only,
        redaction,
        quotas,
        costs,
        named,
        limits,
        on,
        audit,
        global,
        by_server,
        time_bounds,
    };
    // Lints find the values they mark by position, which holds only where every server and rule could be read.
    if report.errors.is_empty() {
        lint::lint(&policy, value, review, report);
    }
    Some(policy)
}

fn digest(text: &[u8]) -> String {
    let mut digest = "sha256:".to_owned();
    for byte in Sha256::digest(text).iter().take(8) {
        // Writing to a String cannot fail.
        let _ = write!(digest, "{byte:02x}");
    }
    digest
}

fn index(rules: &[Rule], reads: &[TargetPattern], servers: &[Server]) -> (RuleIndex, Vec<RuleIndex>) {
    let mut global = RuleIndex::default();
    let mut by_server = vec![RuleIndex::default(); servers.len()];
    for (number, rule) in (0u32..).zip(rules) {
        for pattern in &rule.targets {
            let file = |index: &mut RuleIndex| {
                index.add(number, rule);
                index.file(number, pattern);
            };
            match (&pattern.server, &rule.servers) {
                (None, None) => file(&mut global),
                _ => servers
                    .iter()
                    .zip(&mut by_server)
                    .filter(|(server, _)| rule.reaches(pattern, server))
                    .for_each(|(_, index)| file(index)),
            }
        }
    }
    for pattern in reads {
        match &pattern.server {
            None => global.reads.file(&pattern.name, |()| {}),
            Some(on) => {
                for (_, index) in servers.iter().zip(&mut by_server).filter(|(server, _)| on.matches(&server.name)) {
                    index.reads.file(&pattern.name, |()| {});
                }
            }
        }
    }
    global.finish(rules);
    by_server.iter_mut().for_each(|index| index.finish(rules));
    (global, by_server)
}
