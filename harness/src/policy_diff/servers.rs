//! Where requests can lead, as few as two policies can tell apart.

use tidegate_filter::decide::route::{self, RouteFacts};
use tidegate_filter::policy::{Policy, Server};

/// Requests that are tried, at most: each path with each authority, route and cluster that either policy names.
const MOST_REQUESTS: usize = 50_000;

/// A kind of request by where it leads under the old and under the new policy.
#[derive(Debug, Clone)]
pub(super) struct Destination<'p> {
    /// The server's name, or the request that has led to different ones.
    pub(super) label: String,
    /// The server of the old and of the new policy.
    pub(super) servers: [Option<&'p Server>; 2],
}

/// Every pair of servers to which some request leads, and whether every combination was tried.
pub(super) fn enumerate(policies: [&Policy; 2]) -> (Vec<Destination<'_>>, bool) {
    let matchers = || policies.into_iter().flat_map(|policy| &policy.servers).map(|server| &server.matcher);
    let paths = distinct(matchers().map(|it| it.path.as_deref()).collect());
    let authorities = distinct(matchers().map(|it| it.authority.as_deref()).collect());
    let routes = distinct(matchers().map(|it| it.route.as_deref()).collect());
    let clusters = distinct(matchers().map(|it| it.cluster.as_deref()).collect());

    let mut found: Vec<Destination<'_>> = Vec::new();
    let mut tried = 0;
    for path in &paths {
        for authority in &authorities {
            for route in &routes {
                for cluster in &clusters {
                    tried += 1;
                    if tried > MOST_REQUESTS {
                        return (found, false);
                    }
                    let facts = RouteFacts {
                        authority: authority.unwrap_or("elsewhere.invalid"),
                        path: path.unwrap_or("/elsewhere"),
                        route: *route,
                        cluster: *cluster,
                    };
                    let servers = policies.map(|policy| route::server(policy, &facts));
                    let names = servers.map(|server| server.map(|it| &it.name));
                    let is_known = |it: &Destination<'_>| it.servers.map(|server| server.map(|it| &it.name)) == names;
                    if names == [None, None] || found.iter().any(is_known) {
                        continue;
                    }
                    let label = match names {
                        [Some(old), Some(new)] if old == new => old.clone(),
                        [Some(name), None] | [None, Some(name)] => format!("{name} ({})", request(&facts)),
                        [Some(old), Some(new)] => format!("{old}, now {new} ({})", request(&facts)),
                        [None, None] => String::new(),
                    };
                    found.push(Destination { label, servers });
                }
            }
        }
    }
    (found, true)
}

/// Each value once, and none.
fn distinct(values: Vec<Option<&str>>) -> Vec<Option<&str>> {
    let mut distinct = Vec::new();
    for value in values.into_iter().chain([None]) {
        if !distinct.contains(&value) {
            distinct.push(value);
        }
    }
    distinct
}

fn request(facts: &RouteFacts<'_>) -> String {
    let mut text = format!("requests for {}", facts.path);
    if facts.authority != "elsewhere.invalid" {
        text.push_str(&format!(" on {}", facts.authority));
    }
    for (name, value) in [("route", facts.route), ("cluster", facts.cluster)] {
        if let Some(value) = value {
            text.push_str(&format!(" by {name} {value}"));
        }
    }
    text
}
