//! What was used stays used when the configuration, or the filter itself, is loaded anew.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tidegate::build::{self, Wasm};
use tidegate::report::progress::Lines;
use tidegate_tests::client::Connection;
use tidegate_tests::rig::wasm;
use tidegate_tests::site::Mode;

use crate::{Running, call, outcome, parallel, policy, rendering, server};

/// A directory that goes when the test ends.
struct Directory(PathBuf);

impl Directory {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("tidegate-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Puts the listener into a file that Envoy watches (LDS), as it does whatever is moved there.
fn publish(listener: &Value, directory: &Path) {
    let mut listener = listener.clone();
    listener["@type"] = json!("type.googleapis.com/envoy.config.listener.v3.Listener");
    let next = directory.join("next.json");
    fs::write(&next, json!({"resources": [listener]}).to_string()).unwrap();
    fs::rename(&next, directory.join("listeners.json")).unwrap();
}

fn listener(root: &mut Value) -> Value {
    root["static_resources"]["listeners"][0].take()
}

#[test]
fn counts_survive_a_new_configuration_and_a_new_module() {
    let (wasm, other) = (wasm(), build::build(&Wasm::filter().scalar(), &Lines).unwrap().path);
    let directory = Directory::new("lds");
    parallel(async {
        let upstream = server().await;
        let with = |revision: u64, limit: u64| {
            policy(json!({"revision": revision, "quotas": [{"id": "few", "limit": limit, "window": "month"}]}))
        };
        let rendered = |policy: &Value, wasm: &Path| {
            let mut rendering = rendering(policy, Mode::Hold, upstream.address, wasm);
            // A port that stays the same.
            rendering.listen = std::net::SocketAddr::from(([127, 0, 0, 1], free_port()));
            rendering
        };
        let first = rendered(&with(1, 3), &wasm);
        let port = first.listen;
        let mut root = first.bootstrap();
        publish(&listener(&mut root), &directory.0);
        root["static_resources"]["listeners"] = json!([]);
        root["dynamic_resources"] = json!({"lds_config": {"path_config_source": {
            "path": directory.0.join("listeners.json"), "watched_directory": {"path": directory.0}}}});
        root["node"] = json!({"id": "test", "cluster": "test"});
        let running = Running::start(root, 2).await;
        running.stat("listener_manager.lds.update_success", 1).await;
        let try_one = async || outcome(&Connection::to(port).await.exchange(call("get_a")).await);
        assert_eq!([try_one().await, try_one().await], ["ran", "ran"]);
        let again = |policy: &Value, wasm: &Path| {
            let mut rendering = rendered(policy, wasm);
            rendering.listen = port;
            publish(&listener(&mut rendering.bootstrap()), &directory.0);
        };
        again(&with(2, 3), &wasm);
        running.stat("listener_manager.listener_modified", 1).await;
        running.stat("listener_manager.total_listeners_draining", 0).await;
        assert_eq!([try_one().await, try_one().await], ["ran", "quota_exceeded"], "a new configuration");
        again(&with(3, 4), &other);
        running.stat("listener_manager.listener_modified", 2).await;
        assert_eq!([try_one().await, try_one().await], ["ran", "quota_exceeded"], "another module, and a larger limit");
    });
}

/// A port that was free a moment ago.
fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
