//! Which server a request is for.

pub use crate::policy::path_fault;
use crate::policy::{Policy, Server, ServerMatch, is_below, same_authority};

/// What is known of a request before its body.
#[derive(Debug, Clone, Copy, Default)]
pub struct RouteFacts<'a> {
    /// The `:authority`, or `Host`, with its port if it has one.
    pub authority: &'a str,
    /// The path without query. Whoever asks has refused what [`path_fault`] finds.
    pub path: &'a str,
    /// Envoy's route name, where known.
    pub route: Option<&'a str>,
    /// Envoy's cluster name, where known.
    pub cluster: Option<&'a str>,
}

/// The first server, in document order, whose match agrees with every fact.
pub fn server<'p>(policy: &'p Policy, facts: &RouteFacts<'_>) -> Option<&'p Server> {
    policy.servers.iter().find(|server| matches(&server.matcher, facts))
}

/// Whether a server is matched by route or cluster, so that the host must be asked for them.
pub fn needs_route(policy: &Policy) -> bool {
    policy.servers.iter().any(|server| server.matcher.route.is_some() || server.matcher.cluster.is_some())
}

pub(super) fn matches(matcher: &ServerMatch, facts: &RouteFacts<'_>) -> bool {
    let same =
        |wanted: &Option<String>, fact: Option<&str>| wanted.as_deref().is_none_or(|wanted| fact == Some(wanted));
    matcher.path.as_deref().is_none_or(|prefix| is_below(facts.path, prefix))
        && matcher.authority.as_deref().is_none_or(|wanted| same_authority(facts.authority, wanted))
        && same(&matcher.route, facts.route)
        && same(&matcher.cluster, facts.cluster)
}
