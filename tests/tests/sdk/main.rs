//! Real MCP clients before the filter as it ships, in real Envoy, with a real MCP server behind it: rmcp and two
//! generations of the Python and of the TypeScript SDK. What they make of a refusal decides whether an agent can go on.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::string_slice)]

mod python;
mod sdk;
mod typescript;
mod walk;

use std::net::SocketAddr;
use std::process::Child;
use std::sync::OnceLock;
use std::time::Duration;

use serde_json::{Value, json};
use tidegate::envoy::audit::Event;
use tidegate::envoy::{Envoy, JwtProvider, Options, Rendering, Upstream};
use tidegate::sample::{Client, Era, Issuer, Server};
use tidegate_tests::rig;
use tidegate_tests::site::Mode;
use tokio::runtime::Runtime;
use tokio::sync::OnceCell;

use self::sdk::{Negotiation, Sdk};
use self::walk::{Caller, Seen, Step, assert_ran, assert_seen, is_audited, policy, steps, with_rmcp};

const ISSUER: &str = "https://idp.example.com";
const AUDIENCE: &str = "https://mcp.example.com";

/// One Envoy for all tests, with a listener for each header mode, and the sample servers behind it.
struct Stage {
    envoy: Envoy,
    server: Server,
    issuer: Issuer,
    _end: Child,
}

impl Stage {
    async fn start() -> Self {
        let (wasm, binary) = tokio::task::spawn_blocking(|| (rig::wasm(), rig::binary())).await.unwrap();
        let server = Server::start(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
        let issuer = Issuer::new(ISSUER).unwrap();
        let policy = policy(ISSUER, AUDIENCE).to_string();
        let [hold, mut no_hold] = Mode::ALL.map(|mode| {
            let mut rendering = Rendering::new(policy.as_str(), &wasm);
            rendering.hold = mode == Mode::Hold;
            rendering.upstreams = vec![Upstream::plain("mcp", server.address())];
            let audiences = vec![AUDIENCE.to_owned()];
            rendering.jwt = vec![JwtProvider { issuer: ISSUER.to_owned(), audiences, jwks: issuer.jwks() }];
            rig::named(&rendering, name(mode))
        });
        let mut bootstrap = hold;
        let listener: Value = no_hold["static_resources"]["listeners"][0].take();
        bootstrap["static_resources"]["listeners"].as_array_mut().unwrap().push(listener);
        let envoy = Envoy::start(&binary, bootstrap, &Options::default()).await;
        let envoy = envoy.unwrap_or_else(|error| panic!("{error}"));
        let end = rig::end_with_us(envoy.pid());
        Self { envoy, server, issuer, _end: end }
    }

    fn caller(&self, client: &str, team: &str, mode: Mode) -> Caller {
        let subject = format!("{client}, {team}, {}", name(mode));
        let address = self.envoy.listener(name(mode)).unwrap();
        let token = self.issuer.sign(&json!({
            "iss": ISSUER, "aud": AUDIENCE, "sub": subject, "team": team, "exp": 4_102_444_800_u64,
        }));
        Caller { subject, token, url: format!("http://{address}/mcp/billing") }
    }

    async fn assert_audited(&self, caller: &Caller, era: Era, step: &Step) {
        let wanted = |line: &str| Event::from_log_line(line).is_some_and(|event| is_audited(&event, caller, era, step));
        if self.envoy.wait_for_log(wanted, Duration::from_secs(30)).await.is_err() {
            panic!("no audit event of {} tells of {step:?}", caller.subject);
        }
    }
}

fn name(mode: Mode) -> &'static str {
    match mode {
        Mode::Hold => "hold",
        Mode::NoHold => "no-hold",
    }
}

/// Runs a test on the runtime and the stage that all tests share.
fn on_stage(test: impl AsyncFnOnce(&'static Stage)) {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    static STAGE: OnceCell<Stage> = OnceCell::const_new();
    let runtime = RUNTIME
        .get_or_init(|| tokio::runtime::Builder::new_multi_thread().enable_all().worker_threads(2).build().unwrap());
    runtime.block_on(async {
        let stage = STAGE.get_or_init(|| async { tokio::spawn(Stage::start()).await.unwrap() }).await;
        test(stage).await;
        let stats = stage.envoy.stats().await.unwrap();
        let reloads: Vec<_> = stats.with_prefix("wasm.").filter(|(name, _)| name.contains("reload")).collect();
        assert!(reloads.iter().all(|(_, count)| *count == 0), "the filter trapped: {reloads:?}");
    });
}

/// A client of an SDK: how it does the walk, and how it takes being refused at the start: with what text.
trait Walker {
    /// What tells its subjects from those of other clients.
    fn name(&self) -> String;
    /// The era that it must come to speak.
    fn era(&self) -> Era;
    async fn walk(&self, caller: &Caller, steps: &[Step]) -> Seen;
    async fn be_refused(&self, caller: &Caller) -> Option<String>;
    /// Whether it throws that text away.
    fn forgets_why(&self, mode: Mode) -> bool;
}

impl Walker for Era {
    fn name(&self) -> String {
        format!("rmcp {self}")
    }

    fn era(&self) -> Era {
        *self
    }

    async fn walk(&self, caller: &Caller, steps: &[Step]) -> Seen {
        with_rmcp(*self, caller, steps).await
    }

    async fn be_refused(&self, caller: &Caller) -> Option<String> {
        let error = Client::connect(&caller.url, Some(&caller.token), *self).await.unwrap_err();
        assert!(error.contains("-31403"), "{error}");
        Some(error)
    }

    fn forgets_why(&self, _mode: Mode) -> bool {
        false
    }
}

impl Walker for Sdk {
    fn name(&self) -> String {
        format!("{self:?}")
    }

    fn era(&self) -> Era {
        Sdk::era(*self)
    }

    // Each test has a thread of its own, and a child process needs no more.
    async fn walk(&self, caller: &Caller, steps: &[Step]) -> Seen {
        Sdk::walk(*self, caller, steps)
    }

    async fn be_refused(&self, caller: &Caller) -> Option<String> {
        Sdk::be_refused(*self, caller)
    }

    fn forgets_why(&self, mode: Mode) -> bool {
        Sdk::forgets_why(*self, mode)
    }
}

/// Lets a client do its walk in each header mode, and holds what it saw, what ran and what was audited against the
/// policy; then a caller without any right tries to connect.
fn walk_with(client: &impl Walker) {
    let era = client.era();
    on_stage(async |stage| {
        for mode in Mode::ALL {
            let caller = stage.caller(&client.name(), "finance", mode);
            let steps = steps();
            let seen = client.walk(&caller, &steps).await;
            assert_seen(&seen, &steps);
            let revision = match era {
                Era::Legacy => "2025-11-25",
                Era::Modern => "2026-07-28",
            };
            assert!(seen.revision.as_deref().is_none_or(|it| it == revision), "{seen:?}");
            for step in &steps {
                stage.assert_audited(&caller, era, step).await;
            }
            assert_ran(&stage.server.calls(), &caller, &steps);

            let stranger = stage.caller(&client.name(), "sales", mode);
            let said = client.be_refused(&stranger).await;
            assert_eq!(said.is_none(), client.forgets_why(mode), "{said:?}");
            if let Some(said) = said {
                assert!(said.contains("(reason method_not_allowed, policy sdk, decision "), "{said}");
            }
            assert_ran(&stage.server.calls(), &stranger, &[]);
        }
    });
}

#[test]
fn rmcp_in_the_legacy_era() {
    walk_with(&Era::Legacy);
}

#[test]
fn rmcp_in_the_modern_era() {
    walk_with(&Era::Modern);
}

#[test]
fn python_1() {
    walk_with(&Sdk::Python1);
}

#[test]
fn python_2_left_to_itself_is_modern() {
    walk_with(&Sdk::Python2(Negotiation::Auto));
}

#[test]
fn python_2_in_the_legacy_era() {
    walk_with(&Sdk::Python2(Negotiation::Legacy));
}

#[test]
fn typescript_1() {
    walk_with(&Sdk::TypeScript1);
}

#[test]
fn typescript_2_left_to_itself_is_legacy() {
    walk_with(&Sdk::TypeScript2(Negotiation::Unset));
}

#[test]
fn typescript_2_finds_the_modern_era() {
    walk_with(&Sdk::TypeScript2(Negotiation::Auto));
}

#[test]
fn typescript_2_in_the_modern_era_alone() {
    walk_with(&Sdk::TypeScript2(Negotiation::Pinned));
}
