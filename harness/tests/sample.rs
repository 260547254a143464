//! The sample servers by themselves: what the filter changes is measured against this.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests state what must hold"
)]

use std::net::SocketAddr;

use serde_json::json;
use tidegate::sample::{Client, Era, Issuer, Principal, Reply, Server, endpoints};

#[tokio::test(flavor = "multi_thread")]
async fn both_eras_list_and_call_every_tool() {
    let server = Server::start(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
    let issuer = Issuer::new("https://idp.example.com").unwrap();
    let token = issuer.token(&Principal { subject: "ada", team: "finance", groups: &[] }, "mcp");
    let mut expected = Vec::new();
    for era in Era::ALL {
        for endpoint in endpoints() {
            let url = format!("http://{}{}", server.address(), endpoint.path);
            let client = Client::connect(&url, Some(&token), era).await.unwrap();
            let names: Vec<String> = endpoint.tools.iter().map(|it| it.name.to_string()).collect();
            assert_eq!(client.list_tools().await.unwrap(), names, "{era}");
            for name in names {
                let arguments = json!({"service": "s", "environment": "staging"}).as_object().unwrap().clone();
                let reply = client.call(&name, arguments).await;
                assert!(matches!(reply, Reply::Result { is_error: false, .. }), "{era} {name}: {reply:?}");
                expected.push(name);
            }
            let reply = client.call("no_such_tool", serde_json::Map::new()).await;
            assert!(matches!(reply, Reply::Error { code: -32602, .. }), "{era}: {reply:?}");
            client.close().await;
        }
    }
    let ran: Vec<String> = server.calls().iter().map(|it| it.tool.clone()).collect();
    assert_eq!(ran, expected);
    assert!(server.calls().iter().all(|it| it.subject.as_deref() == Some("ada")));
}

#[tokio::test]
async fn nobody_answers_once_the_server_is_dropped() {
    let server = Server::start(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
    let url = format!("http://{}/mcp/billing", server.address());
    drop(server);
    assert!(Client::connect(&url, None, Era::Legacy).await.is_err());
}
