//! What was used stays used when the configuration, or the filter itself, is loaded anew.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tidegate::build::{self, Wasm};
use tidegate::envoy::Rendering;
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

/// Envoy with a listener that can be loaded anew. Its port and its clusters stay.
pub(super) struct Reloading {
    pub(super) running: Running,
    pub(super) port: SocketAddr,
    directory: Directory,
    modified: u64,
}

impl Reloading {
    pub(super) async fn start(name: &str, mut rendering: Rendering, workers: u32) -> Self {
        let directory = Directory::new(name);
        rendering.listen = SocketAddr::from(([127, 0, 0, 1], free_port()));
        let mut root = rendering.bootstrap();
        publish(&listener(&mut root), &directory.0);
        root["static_resources"]["listeners"] = json!([]);
        root["dynamic_resources"] = json!({"lds_config": {"path_config_source": {
            "path": directory.0.join("listeners.json"), "watched_directory": {"path": directory.0}}}});
        root["node"] = json!({"id": "test", "cluster": "test"});
        let running = Running::start(root, workers).await;
        running.stat("listener_manager.lds.update_success", 1).await;
        Self { running, port: rendering.listen, directory, modified: 0 }
    }

    /// Loads another configuration or module; what runs under the one before ends there.
    pub(super) async fn again(&mut self, mut rendering: Rendering) {
        rendering.listen = self.port;
        publish(&listener(&mut rendering.bootstrap()), &self.directory.0);
        self.modified += 1;
        self.running.stat("listener_manager.listener_modified", self.modified).await;
    }
}

#[test]
fn counts_survive_a_new_configuration_and_a_new_module() {
    let (wasm, other) = (wasm(), other_module());
    parallel(async {
        let upstream = server().await;
        let rendered = |revision: u64, limit: u64, wasm: &Path| {
            let quota = json!({"id": "few", "limit": limit, "window": "month"});
            let policy = policy(json!({"revision": revision, "quotas": [quota]}));
            rendering(&policy, Mode::Hold, upstream.address, wasm)
        };
        let mut envoy = Reloading::start("counts", rendered(1, 3, &wasm), 2).await;
        let port = envoy.port;
        let try_one = async || outcome(&Connection::to(port).await.exchange(call("get_a")).await);
        assert_eq!([try_one().await, try_one().await], ["ran", "ran"]);
        envoy.again(rendered(2, 3, &wasm)).await;
        envoy.running.stat("listener_manager.total_listeners_draining", 0).await;
        assert_eq!([try_one().await, try_one().await], ["ran", "quota_exceeded"], "a new configuration");
        envoy.again(rendered(3, 4, &other)).await;
        assert_eq!([try_one().await, try_one().await], ["ran", "quota_exceeded"], "another module, and a larger limit");
    });
}

/// The filter once more, as other bytes.
pub(super) fn other_module() -> PathBuf {
    build::build(&Wasm::filter().scalar(), &Lines).unwrap().path
}

/// A port that was free a moment ago.
fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
