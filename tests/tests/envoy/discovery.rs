//! The filter's configuration from a file that Envoy watches (extension configuration discovery, as Istio uses it): an
//! update governs new requests, and one that the filter refuses changes nothing.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::{Value, json};
use tidegate::envoy::audit::Event;
use tidegate::envoy::{Envoy, Options};
use tidegate_tests::client::{Response, once};
use tidegate_tests::rig::{alone, binary, end_with_us, named, rendering, wasm};
use tidegate_tests::site::{Mode, Site};
use tidegate_tests::upstream::Upstream;
use tidegate_tests::within;

use super::call;

const TOKEN: &str = "case-800000";
const OTHER: &str = "case-800001";
const TYPE: &str = "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm";

/// Envoy with one listener, whose filter is configured by a file.
struct Discovered {
    envoy: Envoy,
    upstream: Upstream,
    filter: Value,
    directory: PathBuf,
    version: u32,
    _end: std::process::Child,
}

impl Discovered {
    async fn start(policy: &Value, mode: Mode) -> Self {
        let (wasm, binary) = tokio::task::spawn_blocking(|| (wasm(), binary())).await.unwrap();
        let upstream = Upstream::start().await;
        let mut root = named(&rendering(policy, mode, upstream.address, &wasm), "discovered");
        root["node"] = json!({"id": "test", "cluster": "test"});
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("tidegate-ecds-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let directory = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&directory).unwrap();
        let filters = "/static_resources/listeners/0/filter_chains/0/filters/0/typed_config/http_filters";
        let entry = &mut root.pointer_mut(filters).unwrap()[0];
        let path = directory.join("filters.json");
        let source = json!({
            "resource_api_version": "V3",
            "path_config_source": {"path": path, "watched_directory": {"path": directory}},
        });
        let discovery = json!({"name": "tidegate", "config_discovery": {"config_source": source, "type_urls": [TYPE]}});
        let filter = std::mem::replace(entry, discovery)["typed_config"].take();
        publish(&directory, &filter, 0);
        let envoy = Envoy::start(&binary, root, &Options::default()).await.unwrap_or_else(|error| panic!("{error}"));
        let end = end_with_us(envoy.pid());
        Self { envoy, upstream, filter, directory, version: 0, _end: end }
    }

    /// Puts this policy in the place of the one that is there.
    fn update(&mut self, policy: &Value) {
        let configuration = self.filter.pointer_mut("/config/configuration/value").unwrap();
        let mut whole: Value = serde_json::from_str(configuration.as_str().unwrap()).unwrap();
        whole["layers"] = json!([policy]);
        *configuration = json!(whole.to_string());
        self.version += 1;
        publish(&self.directory, &self.filter, self.version);
    }

    async fn counted(&self, name: &str, wanted: u64) {
        let name = format!("extension_config_discovery.http_filter.tidegate.{name}");
        let mut ticks = tokio::time::interval(std::time::Duration::from_millis(20));
        within(&name, async {
            while self.envoy.stats().await.unwrap().number(&name) < wanted {
                ticks.tick().await;
            }
        })
        .await;
    }

    fn address(&self) -> SocketAddr {
        self.envoy.listener("discovered").unwrap()
    }

    async fn call(&self, tool: &str) -> Response {
        once(self.address(), request(TOKEN, &call("1", tool))).await
    }

    /// Calls until the answer is no longer what it was: workers get an update after the main thread has counted it.
    async fn call_until(&self, tool: &str, reason: Option<&str>) -> Response {
        let mut ticks = tokio::time::interval(std::time::Duration::from_millis(20));
        within("the new policy", async {
            loop {
                let answer = self.call(tool).await;
                if answer.reason().as_deref() == reason {
                    return answer;
                }
                ticks.tick().await;
            }
        })
        .await
    }
}

impl Drop for Discovered {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

fn request(token: &str, body: &str) -> String {
    let head = format!("POST /mcp/{token} HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n");
    format!("{head}content-length: {}\r\n\r\n{body}", body.len())
}

/// Writes the file that Envoy watches in one step.
fn publish(directory: &Path, filter: &Value, version: u32) {
    let resource = json!({
        "@type": "type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig",
        "name": "tidegate",
        "typed_config": filter,
    });
    let text = json!({"version_info": version.to_string(), "resources": [resource]}).to_string();
    let partial = directory.join("partial");
    std::fs::write(&partial, text).unwrap();
    std::fs::rename(&partial, directory.join("filters.json")).unwrap();
}

/// A policy whose one rule allows these tools.
fn allowing(tools: &str) -> Value {
    let mut policy = Site::Main.policy();
    policy["rules"] = json!([{"id": "only", "allow": {"tools": [tools]}}]);
    policy
}

#[test]
fn an_update_governs_new_requests_and_a_bad_one_none() {
    for mode in Mode::ALL {
        alone(async {
            let mut discovered = Discovered::start(&allowing("get_*"), mode).await;
            let ledger = discovered.upstream.execute(TOKEN);
            discovered.counted("config_reload", 1).await;
            assert_eq!(discovered.call("get_a").await.reason(), None);
            assert_eq!(discovered.call("put_a").await.reason().as_deref(), Some("tool_not_allowed"));

            let mut bad = allowing("put_*");
            bad["rules"][0]["alow"] = bad["rules"][0]["allow"].take();
            for (at, broken) in [bad, json!({"version": "tidegate/v2"}), json!([])].iter().enumerate() {
                discovered.update(broken);
                discovered.counted("config_fail", at as u64 + 1).await;
                assert_eq!(discovered.call("get_a").await.reason(), None);
                assert_eq!(discovered.call("put_b").await.reason().as_deref(), Some("tool_not_allowed"));
            }
            let said = discovered.envoy.log_lines();
            assert!(said.iter().any(|line| line.contains("/rules/0/alow")), "{said:#?}");

            // An exchange that is on its way keeps the policy that it began with.
            let mut arrivals = discovered.upstream.script(OTHER);
            let list = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#;
            let begun = tokio::spawn(once(discovered.address(), request(OTHER, list)));
            let arrival = within("the list at the server", arrivals.recv()).await.unwrap();
            discovered.update(&allowing("put_*"));
            discovered.counted("config_reload", 2).await;
            discovered.call_until("get_b", Some("tool_not_allowed")).await;
            assert_eq!(discovered.call("put_c").await.reason(), None);
            let answer = r#"{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"get_d"},{"name":"put_d"}]}}"#;
            arrival.answer(200, "application/json", answer).await;
            assert_eq!(begun.await.unwrap().json()["result"]["tools"], json!([{"name": "get_d"}]));
            let begun = tokio::spawn(once(discovered.address(), request(OTHER, list)));
            let arrival = within("the list at the server", arrivals.recv()).await.unwrap();
            arrival.answer(200, "application/json", answer).await;
            assert_eq!(begun.await.unwrap().json()["result"]["tools"], json!([{"name": "put_d"}]));

            let ran = ledger.tools().await;
            assert!(ran.contains(&"get_a".to_owned()) && ran.contains(&"put_c".to_owned()), "{ran:?}");
            assert!(!ran.contains(&"put_a".to_owned()) && !ran.contains(&"put_b".to_owned()), "{ran:?}");
        });
    }
}

#[test]
fn with_a_bad_policy_from_the_start_nothing_passes() {
    for mode in Mode::ALL {
        alone(async {
            let mut bad = allowing("get_*");
            bad["rules"][0]["alow"] = bad["rules"][0]["allow"].take();
            let mut discovered = Discovered::start(&bad, mode).await;
            let ledger = discovered.upstream.execute(TOKEN);
            discovered.counted("config_fail", 1).await;
            let answer = discovered.call("get_a").await;
            assert_eq!((answer.status, answer.body.is_empty()), (500, true), "{answer}");
            assert_eq!(ledger.settled().await.len(), 0);
            discovered.update(&allowing("get_*"));
            discovered.call_until("put_b", Some("tool_not_allowed")).await;
            assert_eq!(discovered.call("get_b").await.reason(), None);
            assert_eq!(ledger.tools().await, ["get_b"]);
        });
    }
}

/// Refusals that were only counted when an update came are written out before the old filter goes.
#[test]
fn an_update_in_the_middle_of_a_flood_loses_no_refusal() {
    for mode in Mode::ALL {
        alone(async {
            let mut discovered = Discovered::start(&allowing("get_*"), mode).await;
            let _ledger = discovered.upstream.execute(TOKEN);
            for _ in 0..60 {
                assert_eq!(discovered.call("put_x").await.reason().as_deref(), Some("tool_not_allowed"));
            }
            discovered.update(&allowing("put_*"));
            discovered.call_until("put_y", None).await;
            let mut lines = discovered.envoy.follow_log();
            let mut refusals = 0;
            within("every refusal in the audit log", async {
                while refusals < 60 {
                    let line = lines.next().await.expect("Envoy's log has ended");
                    let event = Event::from_log_line(&line).filter(|event| event.text("tool") == Some("put_x"));
                    refusals += event.map_or(0, |it| it.json().get("repeat").map_or(1, |it| it.as_u64().unwrap()));
                }
            })
            .await;
            assert_eq!(refusals, 60);
        });
    }
}
