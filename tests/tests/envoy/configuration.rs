//! Configuration that the filter refuses: Envoy does not start with it, and does not change to it.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tidegate::envoy::{Envoy, EnvoyError, Options};
use tidegate_tests::client::{Response, once};
use tidegate_tests::rig::{alone, binary, end_with_us, named, rendering, run, wasm};
use tidegate_tests::site::{Mode, Site};
use tidegate_tests::upstream::Upstream;
use tidegate_tests::within;

use super::{call, executed};

/// Starts an Envoy of its own with `policy`, which is expected to be refused; what it said.
async fn refusal(policy: &Value, options: &Options) -> String {
    let upstream = Upstream::start().await;
    let rendering = rendering(policy, Mode::NoHold, upstream.address, &wasm());
    match Envoy::start(&binary(), rendering.bootstrap(), options).await {
        Err(EnvoyError::Refused(said)) => said,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_bad_policy_keeps_envoy_from_starting_and_says_why() {
    alone(async {
        let mut policy = Site::Main.policy();
        policy["rules"][0]["alow"] = policy["rules"][0]["allow"].take();
        let said = refusal(&policy, &Options::default()).await;
        assert!(said.contains("/rules/0/alow") && said.contains("`allow`"), "{said}");
        let mut policy = Site::Main.policy();
        policy["approvals"] = json!({});
        let said = refusal(&policy, &Options::default()).await;
        assert!(said.contains("approvals") && said.contains("not supported by this version"), "{said}");
    });
}

#[test]
fn an_audit_log_that_nobody_would_see_keeps_envoy_from_starting() {
    alone(async {
        let options = Options { component_log_level: "wasm:warning".to_owned(), ..Options::default() };
        let said = refusal(&Site::Main.policy(), &options).await;
        assert!(said.contains("audit") && said.contains("host.audit"), "{said}");
    });
}

/// Envoy with one listener that it reads from a file.
struct Dynamic {
    envoy: Envoy,
    listener: Value,
    directory: PathBuf,
    version: u32,
    _end: std::process::Child,
}

impl Dynamic {
    async fn start(policy: &Value, upstream: &Upstream) -> Self {
        let mut root = named(&rendering(policy, Mode::Hold, upstream.address, &wasm()), "dynamic");
        let listener = root["static_resources"]["listeners"].take()[0].take();
        root["static_resources"]["listeners"] = json!([]);
        let directory = std::env::temp_dir().join(format!("tidegate-lds-{}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        let path = directory.join("listeners.json");
        root["node"] = json!({"id": "test", "cluster": "test"});
        root["dynamic_resources"]["lds_config"] = json!({
            "resource_api_version": "V3",
            "path_config_source": {"path": path, "watched_directory": {"path": directory}},
        });
        publish(&directory, &listener, 0);
        let envoy = Envoy::start(&binary(), root, &Options::default()).await.unwrap_or_else(|error| panic!("{error}"));
        let end = end_with_us(envoy.pid());
        Self { envoy, listener, directory, version: 0, _end: end }
    }

    /// Puts a listener with this policy in the place of the one that is there.
    fn update(&mut self, policy: &Value) {
        let mut listener = self.listener.clone();
        let filters = listener.pointer_mut("/filter_chains/0/filters/0/typed_config/http_filters").unwrap();
        let configuration = json!({"host": {"hold_headers": true}, "layers": [policy]}).to_string();
        *filters[0].pointer_mut("/typed_config/config/configuration/value").unwrap() = json!(configuration);
        self.version += 1;
        publish(&self.directory, &listener, self.version);
    }

    async fn counted(&self, name: &str, wanted: u64) {
        let mut ticks = tokio::time::interval(std::time::Duration::from_millis(20));
        within(name, async {
            while self.envoy.stats().await.unwrap().number(name) < wanted {
                ticks.tick().await;
            }
        })
        .await;
    }

    async fn call(&self, tool: &str) -> Response {
        let body = call("1", tool);
        let head = "POST /mcp/case-900000 HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n";
        let request = format!("{head}content-length: {}\r\n\r\n{body}", body.len());
        once(self.envoy.listener("dynamic").unwrap(), request).await
    }
}

impl Drop for Dynamic {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

/// Writes the file that Envoy watches in one step.
fn publish(directory: &Path, listener: &Value, version: u32) {
    let mut resource = listener.clone();
    resource["@type"] = json!("type.googleapis.com/envoy.config.listener.v3.Listener");
    let text = json!({"version_info": version.to_string(), "resources": [resource]}).to_string();
    let partial = directory.join("partial");
    std::fs::write(&partial, text).unwrap();
    std::fs::rename(&partial, directory.join("listeners.json")).unwrap();
}

#[test]
fn a_bad_update_is_refused_and_the_old_policy_governs_on() {
    alone(async {
        let upstream = Upstream::start().await;
        let ledger = upstream.execute("case-900000");
        let policy = Site::Main.policy();
        let mut envoy = Dynamic::start(&policy, &upstream).await;
        assert_eq!(envoy.call("delete_x").await.reason().as_deref(), Some("denied_by_rule"));
        assert_eq!(envoy.call("get_x").await.reason(), None);

        let mut bad = policy.clone();
        bad["rules"][1]["deny"]["tols"] = bad["rules"][1]["deny"]["tools"].take();
        envoy.update(&bad);
        envoy.counted("listener_manager.lds.update_rejected", 1).await;
        let said = envoy.envoy.wait_for_log(|line| line.contains("policy refused"), std::time::Duration::from_secs(10));
        said.await.unwrap();
        assert_eq!(envoy.call("delete_x").await.reason().as_deref(), Some("denied_by_rule"));
        assert_eq!(envoy.call("get_x").await.reason(), None);

        let mut good = policy.clone();
        good["rules"] = json!([{"id": "turned", "allow": {"tools": ["delete_*"]}}]);
        envoy.update(&good);
        envoy.counted("listener_manager.listener_modified", 1).await;
        envoy.counted("listener_manager.lds.update_success", 2).await;
        let turned = within("the new policy", async {
            let mut answer = envoy.call("get_x").await;
            while answer.reason().is_none() {
                answer = envoy.call("get_x").await;
            }
            answer
        });
        assert_eq!(turned.await.reason().as_deref(), Some("tool_not_allowed"));
        assert_eq!(envoy.call("delete_x").await.reason(), None);
        assert_eq!(ledger.tools().await.iter().filter(|tool| *tool == "delete_x").count(), 1);
    });
}

#[test]
fn decisions_are_counted_by_verdict_reason_and_server() {
    executed(Site::ReadOnly, async |case, rig| {
        let name = "wasmcustom.tidegate.decisions.verdict.deny.reason.read_only.server.main";
        let before = rig.stats().await.number(name);
        case.send(case.post(call("1", &case.tool("create")))).await;
        assert!(rig.stats().await.number(name) > before);
    });
    run(async |rig| {
        let prometheus = rig.envoy.prometheus().await.unwrap();
        let line = prometheus.lines().find(|line| line.contains("tidegate_decisions{") && line.contains("read_only"));
        let line = line.unwrap_or_else(|| panic!("no counter with labels in {prometheus}"));
        assert!(line.contains("verdict=\"deny\"") && line.contains("server=\"main\""), "{line}");
        let stats = rig.stats().await;
        assert!(stats.text("wasmcustom.tidegate.mcp_server_operation_duration.server.main").is_some());
    });
}
