//! The manifests for Istio: what the API server would say to them, and what Envoy makes of them once istiod has.

use std::net::SocketAddr;

use serde_json::{Value, json};
use tidegate::envoy::Envoy;
use tidegate::sample::{Issuer, Server};

use crate::rendered::{
    DIGEST, assert_governs, before_the_router, binary, faults, manager, manifest, module, proxy, render,
};
use crate::typed::{Scratch, code, stderr, stdout};

/// How the manifests in `envoy/` were rendered; the digest is for their user to fill in.
const AS_SHIPPED: [&str; 10] = [
    "--selector",
    "app=mcp-server",
    "--namespace",
    "mcp",
    "--port",
    "8080",
    "--module",
    "oci://registry.example.com/tidegate:0.1.0",
    "--sha256",
    DIGEST,
];

#[test]
fn the_manifests_in_the_repository_are_what_the_command_renders() {
    let shipped = [
        ("istio", include_str!("../../../envoy/istio-envoyfilter.yaml")),
        ("istio-wasmplugin", include_str!("../../../envoy/istio-wasmplugin.yaml")),
        ("istio-trafficextension", include_str!("../../../envoy/istio-trafficextension.yaml")),
    ];
    for (form, text) in shipped {
        let output = render(form, &AS_SHIPPED);
        assert_eq!(stdout(&output), text, "render it again");
    }
}

/// The proxy has the key in its environment, and hands it to the filter by name.
#[test]
fn the_key_of_placeholders_reaches_the_filter_by_name() {
    let keyed = [&AS_SHIPPED[..], &["--redaction-key-env", "REDACTION_KEY"]].concat();
    let filter = manifest("istio", &keyed);
    let vm = filter.pointer("/spec/configPatches/0/patch/value/typed_config/config/vm_config").unwrap();
    assert_eq!(vm["environment_variables"], json!({"host_env_keys": ["REDACTION_KEY"]}));
    let plugin = manifest("istio-wasmplugin", &keyed);
    assert_eq!(plugin["spec"]["vmConfig"], json!({"env": [{"name": "REDACTION_KEY", "valueFrom": "HOST"}]}));
    assert_eq!(plugin["spec"]["pluginConfig"]["host"]["keys"]["redaction"]["env"], "REDACTION_KEY");
    assert_eq!(plugin["spec"]["pluginConfig"]["host"]["audit"]["level"], "warn");
}

#[test]
fn the_api_server_takes_every_manifest() {
    let anywhere = ["--selector", "app=a", "--selector", "tier=b", "--module", "file:///t.wasm"];
    let gateway = [&AS_SHIPPED[..], &["--gateway", "--name", "guard"]].concat();
    let secret = [&AS_SHIPPED[..], &["--pull-secret", "registry"]].concat();
    let keyed = [&AS_SHIPPED[..], &["--redaction-key-env", "REDACTION_KEY"]].concat();
    let schema = include_str!("crds/envoyfilter.json");
    for arguments in [&AS_SHIPPED[..], &anywhere, &gateway, &keyed] {
        let manifest = manifest("istio", arguments);
        assert_eq!(faults(schema, &manifest), [""; 0], "{manifest}");
    }
    let mut broken = manifest("istio", &AS_SHIPPED);
    broken["spec"]["configPatches"][0]["applyTo"] = json!("EVERYTHING");
    broken["spec"]["configPatches"][1]["match"]["listener"]["port"] = json!(8080);
    assert_eq!(faults(schema, &broken).len(), 2, "the schema has a say");

    let schema = include_str!("crds/wasmplugin.json");
    for arguments in [&AS_SHIPPED[..], &anywhere, &gateway, &secret, &keyed] {
        let manifest = manifest("istio-wasmplugin", arguments);
        assert_eq!(faults(schema, &manifest), [""; 0], "{manifest}");
    }
    for form in ["istio-wasmplugin", "istio-trafficextension"] {
        let schema = if form == "istio-wasmplugin" { schema } else { include_str!("crds/trafficextension.json") };
        for kind in ["Gateway/mcp-waypoint", "service/mcp-server", "ServiceEntry/mcp.example.com", "GatewayClass/w"] {
            let attached = [&["--target", kind, "--priority", "-5"], &AS_SHIPPED[2..]].concat();
            let manifest = manifest(form, &attached);
            assert_eq!(faults(schema, &manifest), [""; 0], "{manifest}");
            assert!(manifest["spec"]["selector"].is_null() && manifest["spec"]["priority"] == -5, "{manifest}");
            assert_eq!(manifest["spec"]["match"][0]["mode"], "CLIENT_AND_SERVER", "{manifest}");
        }
    }
    let extension = include_str!("crds/trafficextension.json");
    for arguments in [&AS_SHIPPED[..], &anywhere, &gateway, &secret, &keyed] {
        let manifest = manifest("istio-trafficextension", arguments);
        assert_eq!(faults(extension, &manifest), [""; 0], "{manifest}");
    }
    let mut broken = manifest("istio-trafficextension", &AS_SHIPPED);
    broken["spec"]["wasm"]["holdHeaders"] = json!(true);
    broken["spec"]["phase"] = json!("FIRST");
    assert_eq!(faults(extension, &broken).len(), 2, "the schema has a say");

    let mut broken = manifest("istio-wasmplugin", &AS_SHIPPED);
    broken["spec"]["sha256"] = json!("latest");
    broken["spec"]["holdHeaders"] = json!(true);
    assert_eq!(faults(schema, &broken).len(), 2, "the schema has a say");
}

#[test]
fn what_is_asked_for_is_where_istio_looks_for_it() {
    let filter = manifest("istio", &AS_SHIPPED);
    assert_eq!(filter["metadata"], json!({"name": "tidegate", "namespace": "mcp"}));
    assert_eq!(filter["spec"]["workloadSelector"], json!({"labels": {"app": "mcp-server"}}));
    let [extension, http, route] = filter["spec"]["configPatches"].as_array().unwrap().as_slice() else { panic!() };
    let remote = &extension["patch"]["value"]["typed_config"]["config"]["vm_config"]["code"]["remote"];
    assert_eq!(remote["http_uri"]["uri"], AS_SHIPPED[7]);
    assert_eq!(remote["sha256"], DIGEST);
    assert_eq!(http["match"]["listener"]["portNumber"], 8080);
    assert_eq!(route["match"]["routeConfiguration"]["portNumber"], 8080);
    for patch in [extension, http, route] {
        assert_eq!(patch["match"]["context"], "SIDECAR_INBOUND");
    }
    let filter = manifest("istio", &[&AS_SHIPPED[..], &["--gateway"]].concat());
    for patch in filter["spec"]["configPatches"].as_array().unwrap() {
        assert_eq!(patch["match"]["context"], "GATEWAY");
    }

    let plugin = manifest("istio-wasmplugin", &AS_SHIPPED);
    assert_eq!(plugin["spec"]["match"], json!([{"mode": "SERVER", "ports": [{"number": 8080}]}]));
    assert_eq!(plugin["spec"]["selector"], json!({"matchLabels": {"app": "mcp-server"}}));
    assert_eq!((&plugin["spec"]["url"], &plugin["spec"]["sha256"]), (&json!(AS_SHIPPED[7]), &json!(DIGEST)));
    assert_eq!((&plugin["spec"]["phase"], &plugin["spec"]["failStrategy"]), (&json!("AUTHZ"), &json!("FAIL_RELOAD")));
    let plugin = manifest("istio-wasmplugin", &[&AS_SHIPPED[..], &["--gateway", "--pull-secret", "registry"]].concat());
    assert_eq!(plugin["spec"]["match"][0]["mode"], "CLIENT");
    assert_eq!(plugin["spec"]["imagePullSecret"], "registry");
}

#[test]
fn what_cannot_be_rendered_says_why_and_what_a_host_cannot_do_is_said() {
    let said = |form: &str, arguments: &[&str]| {
        let output = render(form, arguments);
        (code(&output), stderr(&output))
    };
    let unpinned = ["--selector", "a=b", "--module", "oci://registry.example.com/tidegate:0.1.0"];
    for (form, arguments, expected) in [
        ("istio", &unpinned[..], "give --sha256"),
        ("istio", &["--selector", "a=b", "--module", "tidegate.wasm"], "write oci://"),
        ("istio", &["--selector", "a", "--module", "file:///t.wasm"], "KEY=VALUE"),
        ("istio", &["--module", "file:///t.wasm"], "--selector"),
        ("istio-trafficextension", &["--module", "file:///t.wasm"], "--target"),
        ("istio-trafficextension", &["--module", "file:///t.wasm", "--target", "Pod/mcp"], "Gateway, GatewayClass"),
        ("istio-trafficextension", &[&unpinned[..], &["--target", "Gateway/w"]].concat(), "cannot be used with"),
        ("istio-wasmplugin", &[&unpinned[..], &["--sha256", "latest"]].concat(), "64 lower-case"),
        ("istio-wasmplugin", &[&unpinned[..], &["--port", "0"]].concat(), "--port"),
    ] {
        let (code, words) = said(form, arguments);
        assert!(code == 2 && words.contains(expected), "{form} {arguments:?}: {code} {words}");
    }
    let (code, words) = said("istio-wasmplugin", &unpinned);
    assert_eq!(code, 0, "{words}");
    for expected in ["cannot hold headers", "`policy_digest`", "give --sha256", "RequestAuthentication"] {
        assert!(words.contains(expected), "{expected}: {words}");
    }
    let (_, words) = said("istio", &AS_SHIPPED);
    assert!(words.contains("RequestAuthentication") && !words.contains("cannot hold"), "{words}");
    let yaml = stdout(&render("istio-trafficextension", &AS_SHIPPED));
    assert!(yaml.contains("# Warning: a TrafficExtension cannot hold headers"), "the file tells it as well\n{yaml}");
}

/// The proxy with the patches of an EnvoyFilter, as istiod applies them, and with the module where istio-agent puts it.
/// What istiod would send over ADS lies in a file.
fn patched(mut bootstrap: Value, filter: &Value, directory: &Scratch) -> Value {
    let discovered = directory.path("extensions.json");
    for patch in filter["spec"]["configPatches"].as_array().unwrap() {
        let mut value = patch["patch"]["value"].clone();
        let what = [&patch["applyTo"], &patch["patch"]["operation"]].map(|it| it.as_str().unwrap());
        match what {
            ["EXTENSION_CONFIG", "ADD"] => {
                let code = value.pointer_mut("/typed_config/config/vm_config/code").unwrap();
                assert!(code["remote"]["sha256"].is_string(), "{code}");
                *code = json!({"local": {"filename": module()}});
                value["@type"] = json!("type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig");
                let response = json!({"version_info": "1", "resources": [value]});
                std::fs::write(&discovered, response.to_string()).unwrap();
            }
            ["HTTP_FILTER", "INSERT_BEFORE"] => {
                if let Some(source) = value.pointer_mut("/config_discovery/config_source") {
                    assert_eq!(source.as_object_mut().unwrap().remove("ads"), Some(json!({})));
                    source["path_config_source"] = json!({"path": discovered});
                }
                before_the_router(&mut bootstrap, value);
            }
            ["HTTP_ROUTE", "MERGE"] => {
                for route in
                    manager(&mut bootstrap)["route_config"]["virtual_hosts"][0]["routes"].as_array_mut().unwrap()
                {
                    route.as_object_mut().unwrap().extend(value.as_object().unwrap().clone());
                }
            }
            other => panic!("istiod is not asked for {other:?} here"),
        }
    }
    bootstrap
}

/// The proxy with a WasmPlugin or a TrafficExtension, as istiod builds the filter from it.
fn plugged(mut bootstrap: Value, plugin: &Value) -> Value {
    let spec = plugin["spec"].get("wasm").unwrap_or(&plugin["spec"]);
    let filter = json!({
        "name": "extensions.istio.io/wasmplugin/mcp.tidegate",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm",
            "config": {
                "name": "mcp.tidegate",
                "root_id": spec["pluginName"],
                "failure_policy": spec["failStrategy"],
                "vm_config": {"runtime": "envoy.wasm.runtime.v8", "code": {"local": {"filename": module()}}},
                "configuration": {
                    "@type": "type.googleapis.com/google.protobuf.StringValue",
                    "value": spec["pluginConfig"].to_string(),
                },
            },
        },
    });
    before_the_router(&mut bootstrap, filter);
    bootstrap
}

#[tokio::test]
async fn envoy_accepts_what_istiod_makes_of_each_manifest() {
    let issuer = Issuer::new("https://idp.example.com").unwrap();
    let nowhere = SocketAddr::from(([127, 0, 0, 1], 9));
    let directory = Scratch::new();
    let file = format!("file://{}", module().display());
    let inline = manifest("istio", &["--selector", "a=b", "--module", &file]);
    assert_eq!(inline["spec"]["configPatches"].as_array().unwrap().len(), 2, "nothing to fetch");
    for filter in [inline, manifest("istio", &AS_SHIPPED)] {
        let bootstrap = patched(proxy(nowhere, &issuer), &filter, &directory);
        Envoy::validate(binary(), bootstrap).await.unwrap();
    }
    // As it stands, with the stream that a proxy of Istio has.
    let mut bootstrap = proxy(nowhere, &issuer);
    let discovery = manifest("istio", &AS_SHIPPED)["spec"]["configPatches"][1]["patch"]["value"].clone();
    before_the_router(&mut bootstrap, discovery);
    bootstrap["dynamic_resources"] = json!({"ads_config": {
        "api_type": "GRPC", "transport_api_version": "V3",
        "grpc_services": [{"envoy_grpc": {"cluster_name": "mcp"}}],
    }});
    Envoy::validate(binary(), bootstrap).await.unwrap();
    for form in ["istio-wasmplugin", "istio-trafficextension"] {
        let plugin = manifest(form, &AS_SHIPPED);
        Envoy::validate(binary(), plugged(proxy(nowhere, &issuer), &plugin)).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_envoy_filter_governs() {
    let issuer = Issuer::new("https://idp.example.com").unwrap();
    let server = Server::start(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
    let directory = Scratch::new();
    let bootstrap = patched(proxy(server.address(), &issuer), &manifest("istio", &AS_SHIPPED), &directory);
    assert_eq!(assert_governs(bootstrap, &server, &issuer).await, 0, "headers were held");
}

#[tokio::test(flavor = "multi_thread")]
async fn both_plugins_govern_without_holding_headers() {
    let issuer = Issuer::new("https://idp.example.com").unwrap();
    for form in ["istio-wasmplugin", "istio-trafficextension"] {
        let server = Server::start(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
        let bootstrap = plugged(proxy(server.address(), &issuer), &manifest(form, &AS_SHIPPED));
        assert_eq!(assert_governs(bootstrap, &server, &issuer).await, 1, "{form}: headers went on");
    }
}
