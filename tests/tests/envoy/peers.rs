//! Callers known by the certificate of the connection, and by headers that a peer with a named certificate sets.

mod tls;

use std::net::SocketAddr;

use serde_json::{Value, json};
use tidegate::envoy::audit::Event;
use tidegate::envoy::{Envoy, Options};
use tidegate_tests::client::{Response, once};
use tidegate_tests::rig::{binary, end_with_us, named, rendering, run, wasm};
use tidegate_tests::site::Mode;
use tidegate_tests::upstream::{Ledger, Upstream};
use tokio::sync::OnceCell;

use self::tls::{Authority, Identity, dns, uri};
use super::call;

const GATEWAY: &str = "spiffe://example.com/ns/edge/sa/gateway";
const AGENT: &str = "spiffe://example.com/ns/agents/sa/reader";

fn policy() -> Value {
    json!({
        "version": "tidegate/v1",
        "name": "peers",
        "identity": {
            "sources": [
                {"header": {"peers": [GATEWAY], "subject": "x-user", "team": "x-team", "groups": "x-groups"}},
                {"spiffe": {"subject": "id"}},
            ],
            "anonymous": "deny",
        },
        "servers": [{"name": "main", "match": {"path": "/mcp"}}],
        "rules": [
            {"id": "reader", "allow": {"tools": ["get_*"]}, "who": {"subject": [AGENT]}},
            {"id": "edge", "allow": {"tools": ["edge_*"]}, "who": {"workload": [GATEWAY]}},
            {"id": "finance", "allow": {"tools": ["pay_*"]}, "who": {"team": ["finance"]}},
            {"id": "leads", "allow": {"tools": ["hire_*"]}, "who": {"groups": ["leads"]}},
            {"id": "ada", "allow": {"tools": ["sign_*"]}, "who": {"subject": ["ada"]}},
        ],
    })
}

/// An Envoy whose clients speak TLS, with a listener for each header mode.
struct Peers {
    envoy: Envoy,
    upstream: Upstream,
    authority: Authority,
    _end: std::process::Child,
}

impl Peers {
    async fn start() -> Self {
        let (wasm, binary) = tokio::task::spawn_blocking(|| (wasm(), binary())).await.unwrap();
        let (upstream, authority) = (Upstream::start().await, Authority::new());
        let mut bootstrap: Option<Value> = None;
        for mode in Mode::ALL {
            let mut rendering = rendering(&policy(), mode, upstream.address, &wasm);
            rendering.listener_tls = Some(authority.listener_tls());
            let mut root = named(&rendering, &format!("{mode:?}"));
            match &mut bootstrap {
                None => bootstrap = Some(root),
                Some(all) => {
                    let listener = root["static_resources"]["listeners"][0].take();
                    all["static_resources"]["listeners"].as_array_mut().unwrap().push(listener);
                }
            }
        }
        let envoy = Envoy::start(&binary, bootstrap.unwrap(), &Options::default()).await.unwrap();
        let end = end_with_us(envoy.pid());
        Self { envoy, upstream, authority, _end: end }
    }

    /// A caller that shows this certificate, on a listener of `mode`.
    async fn caller(&'static self, mode: Mode, shown: Option<&Identity>) -> Caller {
        static NEXT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(1);
        let token = format!("case-{:06}", NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed));
        let listener = self.envoy.listener(&format!("{mode:?}")).unwrap();
        let address = self.authority.tunnel(listener, shown).await;
        let ledger = self.upstream.execute(&token);
        Caller { peers: self, mode, address, token, ledger }
    }

    fn spiffe(&self, id: &str) -> Identity {
        self.authority.issue(vec![uri(id)])
    }
}

/// Runs a test in each header mode.
fn peers(test: impl AsyncFn(&'static Peers, Mode)) {
    static PEERS: OnceCell<Peers> = OnceCell::const_new();
    run(async |_| {
        let peers = PEERS.get_or_init(|| async { tokio::spawn(Peers::start()).await.unwrap() }).await;
        for mode in Mode::ALL {
            test(peers, mode).await;
        }
    });
}

/// One client, and what it alone sends.
struct Caller {
    peers: &'static Peers,
    mode: Mode,
    address: SocketAddr,
    token: String,
    ledger: std::sync::Arc<Ledger>,
}

impl Caller {
    /// Calls a tool; `fields` are whole lines, each with its `\r\n`.
    async fn call(&self, fields: &str, tool: &str) -> Response {
        let body = call("1", &format!("{tool}_{}", self.token));
        let head = format!("POST /mcp/{} HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n", self.token);
        once(self.address, format!("{head}{fields}content-length: {}\r\n\r\n{body}", body.len())).await
    }

    async fn bodiless(&self, method: &str, fields: &str) -> Response {
        once(self.address, format!("{method} /mcp/{} HTTP/1.1\r\nhost: a\r\n{fields}\r\n", self.token)).await
    }

    /// The tools that the server ran for this caller.
    async fn ran(&self) -> Vec<String> {
        let ran = self.ledger.tools().await;
        ran.into_iter().map(|tool| tool.trim_end_matches(&format!("_{}", self.token)).to_owned()).collect()
    }

    /// The first decision with this verdict, already written or still to come.
    async fn decision(&self, verdict: &str) -> Event {
        let mut found = None;
        let wanted = |line: &str| {
            let event = Some(line).filter(|line| line.contains(&self.token)).and_then(Event::from_log_line);
            found = event.filter(|event| event.kind() == "decision" && event.text("verdict") == Some(verdict));
            found.is_some()
        };
        let line = self.peers.envoy.wait_for_log(wanted, std::time::Duration::from_secs(30)).await;
        line.unwrap_or_else(|error| panic!("no {verdict} of {}: {error}", self.token));
        found.unwrap()
    }

    /// Nothing of a refused call is run; in hold mode the server does not even see its headers.
    async fn assert_never_ran(&self) {
        assert_eq!(self.ran().await, Vec::<String>::new());
        let visits = self.ledger.settled().await;
        assert!(self.mode == Mode::NoHold || visits.is_empty(), "{visits:?}");
        assert!(visits.iter().all(|visit| visit.body.is_empty() && visit.complete == Some(false)), "{visits:?}");
    }
}

#[test]
fn a_caller_is_who_its_certificate_says() {
    peers(async |peers, mode| {
        // Other kinds of names beside the one URI say nothing.
        for names in [vec![uri(AGENT)], vec![dns("agent.example.com"), uri(AGENT)]] {
            let caller = peers.caller(mode, Some(&peers.authority.issue(names))).await;
            let answer = caller.call("", "get").await;
            assert_eq!((answer.status, answer.reason()), (200, None), "{answer}");
            let event = caller.decision("allow").await;
            assert_eq!((event.subject(), event.text("peer")), (Some(AGENT), Some(AGENT)));
            assert_eq!((event.text("source"), event.text("rule")), (Some("spiffe"), Some("reader")));
            let refused = caller.call("", "pay").await;
            assert_eq!(refused.reason().as_deref(), Some("tool_not_allowed"), "{refused}");
            assert_eq!(caller.ran().await, ["get"]);
        }
    });
}

#[test]
fn another_id_has_no_rights_of_the_one_that_is_named() {
    peers(async |peers, mode| {
        for id in [
            "spiffe://example.com/ns/agents/sa/Reader",
            "spiffe://example.com/ns/agents/sa/reader/x",
            "spiffe://example.com/ns/agents/sa/reade",
            "spiffe://example.org/ns/agents/sa/reader",
            "spiffe://example.com/ns/agents/sa/%72eader",
            "spiffe://example.com//ns/agents/sa/reader",
            // A subject of a header source is not a SPIFFE id, and the other way round.
            "spiffe://ada",
        ] {
            let caller = peers.caller(mode, Some(&peers.spiffe(id))).await;
            for tool in ["get", "sign"] {
                let refused = caller.call("", tool).await;
                assert_eq!(refused.reason().as_deref(), Some("method_not_allowed"), "{id}: {refused}");
            }
            let event = caller.decision("deny").await;
            assert_eq!((event.subject(), event.text("source")), (Some(id), Some("spiffe")));
            for method in ["GET", "DELETE"] {
                let refused = caller.bodiless(method, "mcp-session-id: s\r\n").await;
                assert!(refused.status >= 400, "{method} as {id}: {refused}");
                assert_eq!(refused.reason().as_deref(), Some("method_not_allowed"), "{method} as {id}: {refused}");
            }
            caller.assert_never_ran().await;
        }
    });
}

#[test]
fn a_certificate_that_names_no_spiffe_id_names_nobody() {
    peers(async |peers, mode| {
        let agent = AGENT.trim_start_matches("spiffe://");
        for names in [
            None,
            Some(vec![]),
            Some(vec![dns("agent.example.com")]),
            Some(vec![dns(agent)]),
            Some(vec![uri(&format!("https://{agent}"))]),
            Some(vec![uri(&format!("SPIFFE://{agent}"))]),
            Some(vec![uri(&format!("urn:{AGENT}"))]),
            // A SPIFFE id is the only URI of its certificate.
            Some(vec![uri(&format!("https://{agent}")), uri(AGENT)]),
        ] {
            let shown = names.map(|names| peers.authority.issue(names));
            let caller = peers.caller(mode, shown.as_ref()).await;
            for tool in ["get", "pay"] {
                let refused = caller.call("", tool).await;
                assert_eq!(refused.reason().as_deref(), Some("principal_missing"), "{refused}");
            }
            let event = caller.decision("deny").await;
            assert_eq!((event.subject(), event.text("source")), (Some("anonymous"), Some("anonymous")));
            caller.assert_never_ran().await;
        }
    });
}

#[test]
fn a_certificate_of_a_stranger_opens_no_connection() {
    peers(async |peers, mode| {
        let stranger = Authority::new().issue(vec![uri(AGENT)]);
        let caller = peers.caller(mode, Some(&stranger)).await;
        assert_eq!(caller.call("", "get").await.status, 0);
        assert_eq!(caller.ledger.settled().await.len(), 0);
    });
}

#[test]
fn headers_of_the_named_peer_say_who_calls() {
    peers(async |peers, mode| {
        let gateway = peers.spiffe(GATEWAY);
        let caller = peers.caller(mode, Some(&gateway)).await;
        let fields = "x-user: ada\r\nX-Team: finance\r\nx-groups: sre, leads\r\nx-tidegate-principal: eve\r\n";
        for tool in ["pay", "hire", "sign", "edge"] {
            let answer = caller.call(fields, tool).await;
            assert_eq!((answer.status, answer.reason()), (200, None), "{tool}: {answer}");
        }
        let event = caller.decision("allow").await;
        assert_eq!((event.subject(), event.text("team")), (Some("ada"), Some("finance")));
        assert_eq!((event.text("source"), event.text("issuer")), (Some("header"), Some(GATEWAY)));
        assert_eq!(event.text("peer"), Some(GATEWAY));
        let refused = caller.call(fields, "get").await;
        assert_eq!(refused.reason().as_deref(), Some("tool_not_allowed"), "{refused}");
        assert_eq!(caller.ran().await, ["pay", "hire", "sign", "edge"]);
        let visits = caller.ledger.settled().await;
        // What the gateway says about its caller is the server's to know; our own names are nobody's to send.
        assert_eq!(visits[0].head.get("x-user"), Some("ada"));
        assert!(visits.iter().all(|visit| !visit.head.has("x-tidegate-principal")), "{visits:?}");

        // Another caller on the same connection is another principal.
        let mut connection = tidegate_tests::client::Connection::to(caller.address).await;
        for (user, team, passes) in [("ada", "finance", true), ("bob", "support", false), ("ada", "finance", true)] {
            let body = call("1", &format!("pay_{}", caller.token));
            let head = format!(
                "POST /mcp/{} HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\nx-user: {user}\r\nx-team: {team}\r\n",
                caller.token
            );
            let answer = connection.exchange(format!("{head}content-length: {}\r\n\r\n{body}", body.len())).await;
            assert_eq!(answer.reason().is_none(), passes, "{user}: {answer}");
        }
    });
}

#[test]
fn a_named_peer_that_does_not_say_who_calls_is_not_the_caller_itself() {
    peers(async |peers, mode| {
        let gateway = peers.spiffe(GATEWAY);
        for fields in [
            "",
            "x-user:\r\n",
            "x-user:  \r\n",
            "x-team: finance\r\n",
            "x-user: ada\r\nx-user: eve\r\nx-team: finance\r\n",
            "x-user: ada\r\nx-team: finance\r\nx-team: finance\r\n",
        ] {
            let caller = peers.caller(mode, Some(&gateway)).await;
            for tool in ["edge", "pay", "sign"] {
                let refused = caller.call(fields, tool).await;
                assert_eq!(refused.reason().as_deref(), Some("principal_missing"), "{fields}: {refused}");
            }
            caller.decision("deny").await;
            caller.assert_never_ran().await;
        }
    });
}

#[test]
fn the_same_headers_of_anyone_else_say_nothing() {
    peers(async |peers, mode| {
        let fields = "x-user: ada\r\nx-team: finance\r\nx-groups: leads\r\n";
        // A peer with an id of its own stays who it is.
        let caller = peers.caller(mode, Some(&peers.spiffe(AGENT))).await;
        for tool in ["pay", "hire", "sign", "edge"] {
            let refused = caller.call(fields, tool).await;
            assert_eq!(refused.reason().as_deref(), Some("tool_not_allowed"), "{tool}: {refused}");
        }
        caller.assert_never_ran().await;
        let event = caller.decision("deny").await;
        assert_eq!((event.subject(), event.text("team"), event.text("source")), (Some(AGENT), None, Some("spiffe")));
        assert_eq!(caller.call(fields, "get").await.reason(), None);

        let gateway = GATEWAY.trim_start_matches("spiffe://");
        let claimed = format!(
            "{fields}x-forwarded-client-cert: By=spiffe://example.com/x;Hash=00;URI={GATEWAY}\r\nx-spiffe-id: {GATEWAY}\r\n"
        );
        for shown in [
            None,
            Some(peers.authority.issue(vec![])),
            Some(peers.authority.issue(vec![dns(gateway)])),
            Some(peers.spiffe(&format!("{GATEWAY}x"))),
            Some(peers.spiffe(&format!("{GATEWAY}/"))),
        ] {
            let caller = peers.caller(mode, shown.as_ref()).await;
            for tool in ["pay", "hire", "sign", "edge"] {
                let refused = caller.call(&claimed, tool).await;
                let reason = refused.reason().unwrap_or_else(|| panic!("{refused}"));
                assert!(["principal_missing", "method_not_allowed"].contains(&reason.as_str()), "{refused}");
            }
            caller.assert_never_ran().await;
            let event = caller.decision("deny").await;
            assert!(event.subject() != Some("ada") && event.text("team").is_none(), "{event:?}");
        }
    });
}
