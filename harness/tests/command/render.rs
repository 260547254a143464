//! The manifests for Envoy Gateway and the bootstrap for Envoy: what the API server would say to them, and what real Envoy
//! makes of them.

use std::net::SocketAddr;

use serde_json::{Value, json};
use tidegate::envoy::Envoy;
use tidegate::sample::{Issuer, Server};

use crate::rendered::{
    self, DIGEST, assert_governs, before_the_router, binary, faults, manager, manifest, module, proxy, render,
};
use crate::typed::{STARTER, Written, code, stderr, stdout};

/// How the manifests in `envoy/` were rendered; the digest is for their user to fill in.
const AS_SHIPPED: [&str; 10] = [
    "--target",
    "HTTPRoute/mcp",
    "--namespace",
    "mcp",
    "--patch",
    "infra/eg/http",
    "--module",
    "oci://registry.example.com/tidegate:0.1.0",
    "--sha256",
    DIGEST,
];
const ALONE: [&str; 6] =
    ["--target", "Gateway/eg/http", "--module", "https://example.com/tidegate.wasm", "--sha256", DIGEST];

const EXTENSION: &str = include_str!("crds/envoyextensionpolicy.json");
const PATCH: &str = include_str!("crds/envoypatchpolicy.json");

/// The starter policy in a document of its own, changed.
fn document(change: impl FnOnce(&mut Value)) -> Written {
    let policy: Value = serde_json::from_str(&std::fs::read_to_string(STARTER).unwrap()).unwrap();
    let mut document = json!({"host": {}, "layers": [policy]});
    change(&mut document);
    Written::new("policy.json", &document.to_string())
}

/// With a quota that a fleet shares, and the name of a key.
fn global() -> Written {
    document(|document| {
        document["host"] =
            json!({"stores": {"global": {"cluster": "limits"}}, "keys": {"redaction": {"env": "REDACTION_KEY"}}});
        document["layers"][0]["quotas"] = json!([{"id": "q", "limit": 5, "window": "1m", "scope": "global"}]);
    })
}

#[test]
fn the_manifests_in_the_repository_are_what_the_command_renders() {
    let output = render("envoy-gateway", &AS_SHIPPED);
    let shipped = include_str!("../../../envoy/envoy-gateway.yaml");
    assert_eq!(stdout(&output), shipped, "render it again");
}

#[test]
fn the_api_server_takes_every_manifest() {
    let keyed = [&ALONE[..], &["--redaction-key-env", "REDACTION_KEY"]].concat();
    let secret = [&AS_SHIPPED[..4], &AS_SHIPPED[6..], &["--pull-secret", "registry", "--name", "guard"]].concat();
    let several = [&ALONE[..], &["--target", "httproute/other", "--target", "ListenerSet/l"]].concat();
    let document = global();
    let global = [&ALONE[..], &["--policy", document.path()]].concat();
    for arguments in [&ALONE[..], &keyed, &secret, &several, &global] {
        let manifest = manifest("envoy-gateway", arguments);
        assert_eq!(faults(EXTENSION, &manifest), [""; 0], "{manifest}");
    }
    let manifest = |arguments: &[&str]| manifest("envoy-gateway", arguments)["spec"]["wasm"][0].clone();
    assert_eq!(manifest(&keyed)["env"], json!({"hostKeys": ["REDACTION_KEY"]}));
    let image =
        json!({"url": "registry.example.com/tidegate:0.1.0", "sha256": DIGEST, "pullSecretRef": {"name": "registry"}});
    assert_eq!(manifest(&secret)["code"]["image"], image);
    assert_eq!(manifest(&ALONE)["config"]["host"]["hold_headers"], false);

    let list = rendered::manifest("envoy-gateway", &AS_SHIPPED);
    let [extension, patch] = list["items"].as_array().unwrap().as_slice() else { panic!("{list}") };
    assert_eq!((faults(EXTENSION, extension), faults(PATCH, patch)), (vec![], vec![]), "{list}");
    assert_eq!(extension["metadata"], json!({"name": "tidegate", "namespace": "mcp"}));
    assert_eq!(patch["metadata"], json!({"name": "tidegate-eg-http", "namespace": "infra"}));

    let mut broken = extension.clone();
    broken["spec"]["wasm"][0]["failStrategy"] = json!("FAIL_RELOAD");
    broken["spec"]["targetRefs"][0]["sectionName"] = json!("No name");
    assert_eq!(faults(EXTENSION, &broken).len(), 2, "the schema has a say");
    let mut broken = patch.clone();
    broken["spec"]["jsonPatches"][0]["operation"]["op"] = json!("merge");
    assert_eq!(faults(PATCH, &broken).len(), 1, "the schema has a say");
}

#[test]
fn what_cannot_be_rendered_says_why_and_what_a_host_cannot_do_is_said() {
    let file = ["--target", "HTTPRoute/mcp", "--module", "file:///t.wasm"];
    for (arguments, expected) in [
        (&file[..], "cannot take a module from `file:///t.wasm`"),
        (&[&ALONE[..], &["--pull-secret", "s"]].concat(), "takes no pull secret"),
        (&[&ALONE[..], &["--patch", "infra/eg/http"]].concat(), "--namespace"),
        (&[&ALONE[..], &["--namespace", "mcp", "--patch", "eg/http"]].concat(), "NAMESPACE/GATEWAY/LISTENER"),
        (&["--target", "Pod/mcp", "--module", "oci://h/t"], "Gateway, HTTPRoute"),
        (&["--module", "oci://h/t"], "--target"),
        (&["--target", "HTTPRoute/mcp", "--module", "registry/t"], "write oci://"),
        (&[&ALONE[..], &["--policy", "/nonexistent/policy.json"]].concat(), "cannot read /nonexistent/policy.json"),
    ] {
        let output = render("envoy-gateway", arguments);
        assert_eq!(code(&output), 2, "{arguments:?}");
        assert!(stderr(&output).contains(expected), "{arguments:?}: {}", stderr(&output));
        assert!(output.stdout.is_empty(), "nothing half is printed");
    }
    let document = global();
    let output = render("envoy-gateway", &[&ALONE[..], &["--policy", document.path()]].concat());
    let yaml = stdout(&output);
    for expected in
        ["cannot hold headers", "has no FAIL_RELOAD", "`limits` by gRPC", "variable REDACTION_KEY", "named `payload`"]
    {
        assert!(stderr(&output).contains(expected), "{expected}: {}", stderr(&output));
    }
    assert_eq!(yaml.matches("# Warning: ").count(), stderr(&output).matches("tidegate: warning: ").count(), "{yaml}");
    let output = render("envoy-gateway", &AS_SHIPPED);
    assert!(
        !stderr(&output).contains("cannot hold") && stderr(&output).contains("enableEnvoyPatchPolicy"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn a_manifest_that_a_cluster_may_not_take_is_told_of() {
    for (bytes, expected) in [(300_000, "--server-side"), (1_100_000, "over 1 MiB")] {
        let document = document(|document| {
            document["layers"][0]["rules"][0]["advice"] = json!("x".repeat(bytes));
        });
        let output = render("envoy-gateway", &[&ALONE[..], &["--policy", document.path()]].concat());
        assert_eq!(code(&output), 0);
        assert!(stderr(&output).contains(expected), "{expected}: {}", stderr(&output));
    }
}

/// The proxy with an extension policy's filter, as Envoy Gateway translates it: off, but for the routes it is for, and
/// with a buffer of 32 KiB.
fn extended(mut bootstrap: Value, policy: &Value) -> Value {
    let wasm = &policy["spec"]["wasm"][0];
    let id = format!("envoyextensionpolicy/{}/tidegate/wasm/0", policy["metadata"]["namespace"].as_str().unwrap());
    let name = format!("envoy.filters.http.wasm/{id}");
    let filter = json!({
        "name": name,
        "disabled": true,
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm",
            "config": {
                "name": wasm["name"],
                "vm_config": {
                    "vm_id": id, "runtime": "envoy.wasm.runtime.v8", "code": {"local": {"filename": module()}},
                },
                "configuration": {
                    "@type": "type.googleapis.com/google.protobuf.StringValue",
                    "value": wasm["config"].to_string(),
                },
            },
        },
    });
    before_the_router(&mut bootstrap, filter);
    let route = &mut manager(&mut bootstrap)["route_config"]["virtual_hosts"][0]["routes"][0];
    route["typed_per_filter_config"] =
        json!({name: {"@type": "type.googleapis.com/envoy.config.route.v3.FilterConfig", "config": {}}});
    bootstrap["static_resources"]["listeners"][0]["per_connection_buffer_limit_bytes"] = json!(32_768);
    bootstrap
}

/// The listener with the patches of an EnvoyPatchPolicy, as Envoy Gateway applies them.
fn patched(mut bootstrap: Value, policy: &Value) -> Value {
    for patch in policy["spec"]["jsonPatches"].as_array().unwrap() {
        assert_eq!(patch["type"], "type.googleapis.com/envoy.config.listener.v3.Listener");
        assert_eq!(patch["name"], "infra/eg/http");
        let operation = &patch["operation"];
        assert_eq!(operation["op"], "add");
        let path = operation["path"].as_str().unwrap();
        let (parent, field) = path.rsplit_once('/').unwrap();
        let place = match operation.get("jsonPath").and_then(Value::as_str) {
            None => bootstrap.pointer_mut("/static_resources/listeners/0").unwrap(),
            Some(query) => {
                let name = query.strip_prefix("$..http_filters[?(@.name=='").unwrap().strip_suffix("')]").unwrap();
                let filters = manager(&mut bootstrap)["http_filters"].as_array_mut().unwrap();
                filters.iter_mut().find(|it| it["name"] == name).unwrap()
            }
        };
        place
            .pointer_mut(parent)
            .unwrap()
            .as_object_mut()
            .unwrap()
            .insert(field.to_owned(), operation["value"].clone());
    }
    bootstrap
}

#[tokio::test(flavor = "multi_thread")]
async fn the_extension_governs_without_holding_headers_and_patched_it_holds_them() {
    let issuer = Issuer::new("https://idp.example.com").unwrap();
    let server = Server::start(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
    let list = manifest("envoy-gateway", &AS_SHIPPED);
    let alone = extended(proxy(server.address(), &issuer), &list["items"][0]);
    assert_eq!(assert_governs(alone.clone(), &server, &issuer).await, 1, "headers went on");
    let server = Server::start(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
    let patched = patched(extended(proxy(server.address(), &issuer), &list["items"][0]), &list["items"][1]);
    let limit = patched.pointer("/static_resources/listeners/0/per_connection_buffer_limit_bytes");
    assert_eq!(limit, Some(&json!(8 << 20)), "twice what the policy lets the filter hold");
    Envoy::validate(binary(), patched.clone()).await.unwrap();
    assert_eq!(assert_governs(patched, &server, &issuer).await, 0, "headers were held");
}

#[tokio::test]
async fn envoy_knows_the_service_that_counts_for_a_fleet() {
    let document = global();
    let wasm = module().to_str().unwrap();
    let arguments = ["--policy", document.path(), "--upstream", "http://localhost:1/mcp", "--wasm", wasm];
    let output = render("envoy", &arguments);
    assert!(stderr(&output).contains("--rate-limit-service http://HOST:PORT"), "{}", stderr(&output));
    let known = [&arguments[..], &["--rate-limit-service", "http://limitador.example.com:8081"]].concat();
    assert!(!stderr(&render("envoy", &known)).contains("--rate-limit-service"));
    let bootstrap = manifest("envoy", &known);
    let cluster = &bootstrap["static_resources"]["clusters"][1];
    assert_eq!(cluster["name"], "limits");
    assert!(cluster["typed_extension_protocol_options"].to_string().contains("http2_protocol_options"), "{cluster}");
    let mut unkeyed = bootstrap;
    // No test sets variables of its own process, from which Envoy inherits them.
    let config =
        manager(&mut unkeyed)["http_filters"][0].pointer_mut("/typed_config/config/configuration/value").unwrap();
    *config = json!(config.as_str().unwrap().replace("\"keys\":{\"redaction\":{\"env\":\"REDACTION_KEY\"}},", ""));
    Envoy::validate(binary(), unkeyed).await.unwrap();
    for (service, policy, expected) in [
        ("limitador:8081", document.path(), "--rate-limit-service: `limitador:8081`"),
        ("http://limitador:8081", STARTER, "the policy names no rate limit service"),
    ] {
        let output =
            render("envoy", &["--policy", policy, "--upstream", "http://h/mcp", "--rate-limit-service", service]);
        assert_eq!(code(&output), 2);
        assert!(stderr(&output).contains(expected), "{}", stderr(&output));
    }
}
