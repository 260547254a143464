//! The harness against real Envoy: the same scripts of traffic, with the same guest (`tests/probe`), in both. What the
//! guest was told at every call, and what client and server got, must be the same.
//!
//! Where a test here fails, the harness is wrong: Envoy is what the filter has to run in.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::string_slice)]

mod cases;
mod envoy;
mod harness;
mod peers;
mod script;

use std::fmt::Write as _;

use script::{Outcome, Script};
use tidegate::host::{Module, StartFailure, Vm};

/// Buffer limit of the plugins whose names end in `limit`.
pub(crate) const LIMIT: usize = 16 * 1024;

fn module() -> Module {
    Module::from_file(envoy::wasm()).unwrap()
}

/// What differs, or nothing.
fn differences(script: &Script, harness: &Outcome, envoy: &Outcome) -> String {
    let mut text = String::new();
    let count = harness.lines.len().max(envoy.lines.len());
    let mut shown = 0;
    for i in 0..count {
        let (h, e) = (harness.lines.get(i), envoy.lines.get(i));
        if h != e && shown < 25 {
            shown += 1;
            let _ = writeln!(text, "  line {i}\n    harness {}\n    envoy   {}", show(h), show(e));
        }
    }
    for (side, h, e) in
        [("upstream", &harness.upstream, &envoy.upstream), ("downstream", &harness.downstream, &envoy.downstream)]
    {
        if h != e {
            let _ = writeln!(text, "  {side}\n    harness {h:?}\n    envoy   {e:?}");
        }
    }
    if text.is_empty() { text } else { format!("{} ({})\n{text}", script.name, script.plugin) }
}

fn show(line: Option<&String>) -> &str {
    line.map_or("(nothing)", String::as_str)
}

/// Runs every script in both, and reports all that differs.
async fn compare(scripts: Vec<Script>) {
    let module = module();
    let mut envoy = envoy::Running::start().await;
    let vms: Vec<(&str, Vm)> = envoy::PLUGINS.iter().map(|name| (*name, harness::start(&module, name))).collect();
    let mut report = String::new();
    for (plugin, vm) in &vms {
        let prefix = "root ";
        let started: Vec<String> =
            vm.logs().iter().filter_map(|line| line.text.strip_prefix(prefix).map(str::to_owned)).collect();
        let lines = envoy.start_lines(plugin, started.len()).await;
        let outcome = |lines: Vec<String>| Outcome { lines, ..Outcome::default() };
        report += &differences(&Script::new(plugin, "start"), &outcome(started), &outcome(lines));
    }
    for script in &scripts {
        let Some((_, vm)) = vms.iter().find(|(name, _)| *name == script.plugin) else { panic!("no such plugin") };
        let expected = harness::run(vm, script);
        let got = envoy.run(script, &expected).await;
        report += &differences(script, &expected, &got);
    }
    assert!(report.is_empty(), "the harness differs from Envoy:\n{report}");
}

/// Every awkward question in every callback, in both header modes and over both protocols.
#[tokio::test(flavor = "multi_thread")]
async fn every_host_call_answers_as_in_envoy() {
    let all = "qh:headers;qh:calls;qb:calls;qt:calls;sh:headers;sh:calls;sb:calls;st:calls;log:calls";
    let holding = "qh:calls;qh:pause;qb:calls;qb:hold;qt:calls;sh:calls;sh:pause;sb:calls;sb:hold;st:calls;log:calls";
    let headers: &[(&str, &[u8])] = &[
        ("accept", b"a/b"),
        ("accept", b"c/d"),
        ("user-agent", b"probe-client"),
        ("referer", b"http://elsewhere/"),
        ("x-request-id", b"the-id"),
        ("x-dup", b"one\xff"),
        ("x-dup", b"two"),
    ];
    let whole = |script: Script, probe: &str| {
        let length = Some(10);
        script
            .request("POST", probe, headers, length, false)
            .request_body(b"01234", false)
            .request_body(b"56789", true)
            .response(200, length, false)
            .response_body(b"abcde", false)
            .response_body(b"fghij", true)
    };
    let trailers = |script: Script, probe: &str| {
        script
            .http2()
            .request("POST", probe, headers, None, false)
            .request_body(b"0123456789", false)
            .request_trailers()
            .response(200, None, false)
            .response_body(b"abcdefghij", false)
            .response_trailers()
    };
    let edits =
        |script: Script| script.request("GET", "qh:edits;sh:edits", headers, None, true).answer(Some(2), &[b"ok"]);
    compare(vec![
        whole(Script::new("plain", "calls-plain"), all),
        whole(Script::new("plain", "calls-plain").http2(), all),
        whole(Script::new("hold", "calls-hold"), holding),
        whole(Script::new("hold", "calls-hold").http2(), holding),
        trailers(Script::new("plain", "calls-trailers"), all),
        trailers(Script::new("hold", "calls-held-trailers"), holding),
        Script::new("plain", "calls-bare").request("GET", all, headers, None, true).response(204, None, true),
        edits(Script::new("plain", "edits")),
        edits(Script::new("plain", "edits").http2()),
    ])
    .await;
}

#[test]
fn a_module_that_refuses_or_traps_does_not_start() {
    let module = module();
    let start = |configuration: &str| {
        let mut options = harness::options("plain");
        options.configuration = configuration.into();
        Vm::start(&module, options).err()
    };
    assert!(start("fine").is_none());
    let refused = start("refuse").unwrap();
    assert_eq!(refused.failure, StartFailure::ConfigurationRefused);
    assert!(refused.to_string().contains("root configure 6 \"refuse\""), "the log is carried: {refused}");
    assert!(matches!(start("trap").unwrap().failure, StartFailure::Trap(trap) if trap.contains("unreachable")));
}

#[tokio::test(flavor = "multi_thread")]
async fn local_replies_go_the_same_way() {
    compare(cases::local_replies()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_held_back_comes_out_the_same() {
    compare(cases::holding_back()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn buffer_limits_bite_the_same() {
    compare(cases::limits()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn peers_that_come_early_or_leave_see_the_same() {
    compare(cases::peers()).await;
}

fn bare(plugin: &'static str, name: &str, probe: &str) -> Script {
    Script::new(plugin, name).request("GET", probe, &[], None, true).answer(None, &[b"ab", b"cd"])
}

fn sent(plugin: &'static str, name: &str, probe: &str) -> Script {
    Script::new(plugin, name).post(probe, None, &[b"01", b"23"]).answer(None, &[b"ab", b"cd"])
}

/// Under FAIL_CLOSED a trap is for good.
#[tokio::test(flavor = "multi_thread")]
async fn after_a_trap_a_closed_plugin_stays_closed() {
    compare(vec![
        bare("closed", "before-trap", "qh:headers"),
        sent("closed", "trap", "qb:trap_end"),
        bare("closed", "after-trap", "qh:headers"),
        bare("plain", "other-plugin-after-trap", "qh:headers"),
    ])
    .await;
}

/// Under FAIL_RELOAD a later stream gets a new VM. In every phase the stream that trapped ends the same way.
#[tokio::test(flavor = "multi_thread")]
async fn after_a_trap_a_reloading_plugin_comes_back() {
    let (module, clock) = (module(), tidegate::host::Clock::fixed(std::time::SystemTime::now()));
    let vm = Vm::start(&module, harness::options("reload").clock(clock.clone())).unwrap();
    let mut envoy = envoy::Running::start().await;
    let mut report = String::new();
    for (i, probe) in ["qh:trap", "qb:trap_end", "sh:trap", "sb:trap", "sb:trap_end", "log:trap"].iter().enumerate() {
        let script = sent("reload", &format!("trap-{i}"), probe);
        clock.advance(std::time::Duration::from_secs(60));
        let expected = harness::run(&vm, &script);
        let got = envoy.run(&script, &expected).await;
        report += &differences(&script, &expected, &got);
        assert!(vm.failure().is_some_and(|trap| trap.contains("unreachable")), "{:?}", vm.failure());

        clock.advance(std::time::Duration::from_secs(60));
        let expected = harness::run(&vm, &sent("reload", &format!("reloaded-{i}"), "qh:headers"));
        assert_eq!(expected.downstream.body, b"abcd", "the harness reloaded");
        // Envoy waits a second before it makes the next VM; until then it answers 503.
        let patience = std::time::Duration::from_millis(500);
        let mut found = String::new();
        for attempt in 0..20 {
            let name = format!("reloaded-{i}-{attempt}");
            let script = sent("reload", &name, "qh:headers");
            let expected = harness::run(&vm, &script);
            found = differences(&script, &expected, &envoy.run_within(&script, &expected, patience).await);
            if found.is_empty() {
                break;
            }
        }
        assert!(found.is_empty(), "Envoy did not reload:\n{found}");
    }
    assert!(report.is_empty(), "the harness differs from Envoy:\n{report}");
    assert_eq!(vm.reloads(), 6);
}
