//! Which server a request is for.

use crate::decide::route::{RouteFacts, matches};
use crate::policy::{Policy, Server, ServerMatch};

/// One server of the policy, in document order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerStep<'p> {
    /// The server.
    pub server: &'p Server,
    /// What came of it.
    pub outcome: ServerOutcome,
}

/// What came of comparing a request with a server's `match`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServerOutcome {
    /// It is the one.
    Chosen,
    /// These keys of its `match` differ; never empty.
    Differs(Vec<Differs>),
    /// An earlier server matched.
    NotReached,
}

/// A key of `match` that does not agree with the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Differs {
    /// `path`, `authority`, `route` or `cluster`.
    pub key: &'static str,
    /// What the policy says.
    pub wanted: String,
    /// What the request has; `None` where it is not known.
    pub found: Option<String>,
}

/// Every server of the policy, up to the first that matches and beyond.
pub fn servers<'p>(policy: &'p Policy, facts: &RouteFacts<'_>) -> Vec<ServerStep<'p>> {
    let mut chosen = false;
    let mut step = |server: &'p Server| {
        let outcome = if chosen {
            ServerOutcome::NotReached
        } else if matches(&server.matcher, facts) {
            chosen = true;
            ServerOutcome::Chosen
        } else {
            ServerOutcome::Differs(differences(&server.matcher, facts))
        };
        ServerStep { server, outcome }
    };
    policy.servers.iter().map(&mut step).collect()
}

fn differences(matcher: &ServerMatch, facts: &RouteFacts<'_>) -> Vec<Differs> {
    let ServerMatch { path, authority, route, cluster } = matcher.clone();
    let none = ServerMatch::default;
    let keys = [
        ("path", path.clone(), ServerMatch { path, ..none() }, Some(facts.path)),
        ("authority", authority.clone(), ServerMatch { authority, ..none() }, Some(facts.authority)),
        ("route", route.clone(), ServerMatch { route, ..none() }, facts.route),
        ("cluster", cluster.clone(), ServerMatch { cluster, ..none() }, facts.cluster),
    ];
    let differs = keys.into_iter().filter(|(_, _, alone, _)| !matches(alone, facts));
    differs
        .map(|(key, wanted, _, found)| Differs {
            key,
            wanted: wanted.unwrap_or_default(),
            found: found.map(str::to_owned),
        })
        .collect()
}
