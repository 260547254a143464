//! The official MCP conformance suite against a server of ours, and against the same server behind the filter as it
//! ships, in real Envoy, under a policy that permits everything. The suite must not notice the filter: the same
//! scenarios, the same checks, the same outcomes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::string_slice)]

mod suite;

use std::collections::BTreeSet;
use std::net::SocketAddr;

use serde_json::json;
use tidegate::envoy::{Envoy, Options, Rendering, Upstream};
use tidegate_conformance_fixture::{Fixture, JSON, LAX, PATH};
use tidegate_tests::node::Packages;
use tidegate_tests::rig;
use tokio::runtime::Runtime;

use self::suite::{Outcome, Report, Suite};

/// The revision without sessions.
const MODERN: &str = "2026-07-28";

/// How many scenarios may differ for the busy machine's sake, see [`Stage::look_again`].
const DOUBTFUL: usize = 4;

/// How the suite reaches the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Direct,
    Hold,
    NoHold,
}

impl Way {
    const ALL: [Self; 3] = [Self::Direct, Self::Hold, Self::NoHold];

    fn name(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Hold => "hold",
            Self::NoHold => "no-hold",
        }
    }
}

/// What is run against one endpoint of the server.
#[derive(Debug, Clone, Copy)]
struct Run {
    title: &'static str,
    suite: Suite,
    /// How the path of the endpoint ends.
    endpoint: &'static str,
    /// How many scenarios this release has there, and how many checks pass.
    size: (usize, usize),
}

const RUNS: [Run; 4] = [
    Run { title: "0.1.16 --suite active", suite: Suite::Stable, endpoint: "/stable", size: (30, 40) },
    Run {
        title: "0.2.0-alpha.12 --requirements 2025-11-25",
        suite: Suite::Preview("2025-11-25"),
        endpoint: "/legacy",
        size: (33, 84),
    },
    Run {
        title: "0.2.0-alpha.12 --requirements 2026-07-28",
        suite: Suite::Preview(MODERN),
        endpoint: "/events",
        size: (50, 197),
    },
    Run { title: "  the same, answered with JSON", suite: Suite::Preview(MODERN), endpoint: JSON, size: (50, 196) },
];

fn policy() -> String {
    json!({
        "version": "tidegate/v1",
        "name": "conformance",
        "identity": {"anonymous": "allow"},
        "servers": [{"name": "fixture", "match": {"path": PATH}}],
        "rules": [
            {"id": "all", "allow": {"tools": ["*"], "resources": ["*"], "prompts": ["*"], "methods": ["*"]}},
        ],
    })
    .to_string()
}

/// The server, Envoy before it with a listener for each header mode, and the suite.
struct Stage {
    fixture: Fixture,
    envoy: Envoy,
    packages: Packages,
    _end: std::process::Child,
    runtime: Runtime,
}

impl Stage {
    fn start() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().worker_threads(2).build().unwrap();
        let (wasm, binary, packages) = (rig::wasm(), rig::binary(), suite::install());
        let (fixture, envoy) = runtime.block_on(async {
            let fixture = Fixture::start(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
            let [mut bootstrap, mut no_hold] = [Way::Hold, Way::NoHold].map(|way| {
                let mut rendering = Rendering::new(policy(), &wasm);
                rendering.hold = way == Way::Hold;
                rendering.upstreams = vec![Upstream::plain("mcp", fixture.address())];
                rig::named(&rendering, way.name())
            });
            let listener = no_hold["static_resources"]["listeners"][0].take();
            bootstrap["static_resources"]["listeners"].as_array_mut().unwrap().push(listener);
            let envoy = Envoy::start(&binary, bootstrap, &Options::default()).await;
            (fixture, envoy.unwrap_or_else(|error| panic!("{error}")))
        });
        let end = rig::end_with_us(envoy.pid());
        Self { fixture, envoy, packages, _end: end, runtime }
    }

    /// Runs a suite, or one scenario of it, on each way at the same time. Each has an endpoint of its own: what one
    /// makes the server tell its subscribers is not for another.
    fn run(&self, suite: Suite, endpoint: &str, scenario: Option<&str>) -> [Report; 3] {
        std::thread::scope(|scope| {
            let runs = Way::ALL.map(|way| {
                scope.spawn(move || {
                    let address = match way {
                        Way::Direct => self.fixture.address(),
                        Way::Hold | Way::NoHold => self.envoy.listener(way.name()).unwrap(),
                    };
                    let place = format!("{}{endpoint}", way.name());
                    let name = [place.replace('/', "-").as_str(), scenario.unwrap_or("all")].join("-");
                    suite.run(&self.packages, &format!("http://{address}{PATH}/{place}"), &name, scenario)
                })
            });
            runs.map(|it| it.join().unwrap())
        })
    }

    /// Runs the scenarios that differ once more, with nothing beside them: some of the suite's own deadlines are half a
    /// second, which a machine that does other things may miss. What the filter does shows every time.
    fn look_again(&self, run: &Run, reports: &mut [Report; 3]) {
        let differences = differences(reports);
        let doubtful: BTreeSet<&String> = differences.iter().map(|(_, difference)| &difference.scenario).collect();
        if doubtful.len() > DOUBTFUL {
            return;
        }
        for (way, difference) in &differences {
            println!("to be looked at again: {}, {}: {difference}", run.title, way.name());
        }
        for scenario in doubtful {
            for (report, again) in reports.iter_mut().zip(self.run(run.suite, run.endpoint, Some(scenario))) {
                report.replace(again);
            }
        }
    }

    /// No VM was ever replaced: nothing that the suite sent made the filter trap.
    fn assert_no_trap(&self) {
        let stats = self.runtime.block_on(self.envoy.stats()).unwrap();
        let reloads: Vec<_> = stats.with_prefix("wasm.").filter(|(name, _)| name.contains("reload")).collect();
        assert!(reloads.iter().all(|(_, count)| *count == 0), "the filter trapped: {reloads:?}");
    }
}

/// What is otherwise behind the filter.
fn differences(reports: &[Report; 3]) -> Vec<(Way, suite::Difference)> {
    let [direct, through @ ..] = reports;
    let ways = [Way::Hold, Way::NoHold].into_iter().zip(through);
    ways.flat_map(|(way, report)| direct.differences(report).into_iter().map(move |it| (way, it))).collect()
}

fn title(columns: [&str; 5]) {
    println!("{:<42}{:>10}{:>9}{:>9}{:>9}", columns[0], columns[1], columns[2], columns[3], columns[4]);
}

fn row(name: &str, reports: &[Report; 3]) {
    let scenarios = reports[0].scenarios().to_string();
    let [direct, hold, no_hold] = reports.each_ref().map(|report| {
        let [passed, failed] = [Outcome::Success, Outcome::Failure].map(|outcome| report.count(outcome));
        format!("{passed}/{}", passed + failed)
    });
    title([name, &scenarios, &direct, &hold, &no_hold]);
}

#[test]
fn the_suite_does_not_notice_the_filter() {
    let stage = Stage::start();
    let mut found = Vec::new();
    title(["@modelcontextprotocol/conformance", "scenarios", "direct", "hold", "no-hold"]);
    for pair in RUNS.chunks(2) {
        let reports = std::thread::scope(|scope| {
            let runs: Vec<_> =
                pair.iter().map(|run| scope.spawn(|| stage.run(run.suite, run.endpoint, None))).collect();
            runs.into_iter().map(|it| it.join().unwrap()).collect::<Vec<_>>()
        });
        for (run, mut reports) in pair.iter().zip(reports) {
            stage.look_again(run, &mut reports);
            row(run.title, &reports);
            let differences = differences(&reports).into_iter();
            found.extend(differences.map(|(way, it)| format!("{}, {}: {it}", run.title, way.name())));
            let direct = &reports[0];
            found.extend(direct.failed().into_iter().map(|it| format!("{}, direct: {it}", run.title)));
            let size = (direct.scenarios(), direct.count(Outcome::Success));
            if size != run.size {
                found.push(format!("{}, direct: {size:?} scenarios and checks, not {:?}", run.title, run.size));
            }
        }
    }
    header_validation(&stage, &mut found);
    stage.assert_no_trap();
    assert!(found.is_empty(), "{} differences:\n{}", found.len(), found.join("\n"));
}

/// A server that never compares the mirrored headers with the body has the filter to do it. That an `Mcp-Param-*`
/// header is missing shows only to who knows the tool's schema.
fn header_validation(stage: &Stage, found: &mut Vec<String>) {
    let [standard, custom] =
        [("http-header-validation", [4, 14, 14]), ("http-custom-header-server-validation", [4, 8, 8])];
    for (scenario, passed) in [standard, custom] {
        let reports = stage.run(Suite::Preview(MODERN), LAX, Some(scenario));
        row(&format!("  {scenario}, *"), &reports);
        for (way, difference) in differences(&reports) {
            if !difference.is_better() {
                found.push(format!("{scenario}, lax, {}: {difference}", way.name()));
            }
        }
        if reports.each_ref().map(|report| report.count(Outcome::Success)) == passed {
            continue;
        }
        for (way, report) in Way::ALL.iter().zip(&reports) {
            found.extend(report.failed().into_iter().map(|it| format!("lax, {}: {it}", way.name())));
        }
    }
}
