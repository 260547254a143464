//! Response fields that send a client elsewhere: it must come back through this filter, or not go at all.

use super::headers::{Headers, Lookup};
use super::{Core, Edit, Exchange, Surroundings};
use crate::decide::route::{self, RouteFacts, path_fault};
use crate::policy::{Reason, same_authority};

/// Fields of a response that name another place.
pub const LEADING_FIELDS: [&str; 2] = ["location", "www-authenticate"];

impl Exchange {
    /// What has to change in a response's `Location` and `WWW-Authenticate`. A location elsewhere goes (RFC 9110 section
    /// 10.2.2), and so does the challenge's `resource_metadata` on another authority (RFC 9728 section 5.1). To be asked
    /// once, before the headers go on.
    pub fn response_edits(&mut self, headers: &Headers, env: &mut dyn Surroundings) -> Vec<Edit> {
        let core = &mut self.core;
        let mut edits = Vec::new();
        if core.leads_away(headers.get("location")) {
            core.record_response(Some(Reason::TransportRefused), "location_elsewhere", None, true, env);
            edits.push(Edit::Remove("location".to_owned()));
        }
        if core.challenges_elsewhere(headers.get("www-authenticate")) {
            core.record_response(Some(Reason::TransportRefused), "resource_metadata_elsewhere", None, true, env);
            edits.push(Edit::Set("www-authenticate", "Bearer".to_owned()));
        }
        if core.enforces() { edits } else { Vec::new() }
    }
}

impl Core {
    fn leads_away(&self, location: Lookup<'_>) -> bool {
        match location {
            Lookup::Absent => false,
            Lookup::Many => true,
            Lookup::One(_) => location.text().is_none_or(|target| !self.is_governed_place(target)),
        }
    }

    /// Whether a URI reference leads to a server of the policy on the authority that the client asked for.
    fn is_governed_place(&self, target: &str) -> bool {
        let target = target.split(['?', '#']).next().unwrap_or_default();
        let path = match self.own_path(target) {
            Some(path) => path,
            None if target.starts_with('/') && !target.starts_with("//") => target,
            None => return false,
        };
        let facts = RouteFacts { authority: &self.facts.authority, path, ..RouteFacts::default() };
        path_fault(path).is_none() && route::server(&self.configuration.policy, &facts).is_some()
    }

    /// The path of an absolute URI on the authority that the client asked for.
    fn own_path<'t>(&self, target: &'t str) -> Option<&'t str> {
        let rest = target.strip_prefix("https://").or_else(|| target.strip_prefix("http://"))?;
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let own = &self.facts.authority;
        let same = same_authority(authority, own) && same_authority(own, authority);
        same.then_some(if path.is_empty() { "/" } else { path })
    }

    fn challenges_elsewhere(&self, challenge: Lookup<'_>) -> bool {
        const PARAMETER: &str = "resource_metadata";
        let text = match challenge {
            Lookup::Absent => return false,
            Lookup::Many => return true,
            Lookup::One(value) => String::from_utf8_lossy(value),
        };
        let lower = text.to_ascii_lowercase();
        lower.match_indices(PARAMETER).any(|(at, _)| {
            let value = text.get(at + PARAMETER.len()..).unwrap_or_default().trim_start();
            let value = value.strip_prefix('=').unwrap_or_default().trim_start().trim_start_matches('"');
            let url = value.split(['"', ',', ' ']).next().unwrap_or_default();
            self.own_path(url.split(['?', '#']).next().unwrap_or_default()).is_none()
        })
    }
}
