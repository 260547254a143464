//! Which quotas a message counts against, and under which keys.

use std::borrow::Cow;
use std::sync::Arc;

use super::access::{Caller, is_meant};
use crate::order;
use crate::pattern::Pattern;
use crate::policy::{Cost, Dimension, Missing, Noun, Policy, Quota, TargetPattern};

/// Groups of one caller that can be counted; each costs a look into the store.
const MOST_GROUPS: usize = 32;

/// What a request asks for.
#[derive(Debug, Clone, Copy)]
pub struct Ask<'a> {
    /// Who asks which server.
    pub caller: Caller<'a>,
    /// The JSON-RPC method.
    pub method: &'a str,
    /// What kind of thing it names, if it names one.
    pub noun: Option<Noun>,
    /// The name or URI of that thing; the method where it names none.
    pub name: &'a str,
}

/// One counter of a quota: a value for each dimension of its `by`, in their order; None where the caller has none.
pub type Values<'a> = Vec<Option<Cow<'a, str>>>;

/// Why a quota has no counter for a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Uncountable {
    /// The caller lacks what it counts by, and it refuses such callers.
    Lacks(Dimension),
    /// The caller is in too many groups.
    TooManyGroups,
}

impl<'a> Ask<'a> {
    /// The quotas that count this request, in document order.
    pub fn quotas<'p>(&self, policy: &'p Policy) -> impl Iterator<Item = &'p Arc<Quota>> {
        policy.quotas.iter().filter(|quota| self.is_counted(quota))
    }

    /// The price of the call, and the pattern that matches its tool: of the first price that names it.
    pub fn cost<'p>(&self, policy: &'p Policy) -> Option<(&'p Arc<Cost>, &'p Pattern)> {
        policy.costs.list.iter().find_map(|cost| {
            let tool = cost.tools.iter().find(|tool| self.is_target(tool))?;
            Some((cost, &tool.name))
        })
    }

    pub(super) fn is_counted(&self, quota: &Quota) -> bool {
        let server = &self.caller.server.name;
        let is_about = match quota.targets.as_slice() {
            [] => self.noun == Some(Noun::Tool),
            targets => targets.iter().any(|target| self.is_target(target)),
        };
        is_about
            && quota.servers.as_ref().is_none_or(|servers| servers.contains(server))
            && is_meant(quota.who.as_ref(), self.caller.principal)
    }

    pub(super) fn is_target(&self, target: &TargetPattern) -> bool {
        let name = if target.noun == Noun::Method { self.method } else { self.name };
        (target.noun == Noun::Method || self.noun == Some(target.noun))
            && target.server.as_ref().is_none_or(|server| server.matches(&self.caller.server.name))
            && target.name.matches(name)
    }

    /// The counters of `quota` that this request counts on: one, or, if it counts by groups, one for each of them.
    ///
    /// # Errors
    /// The request cannot be counted.
    pub fn counters(&self, quota: &Quota) -> Result<Vec<Values<'a>>, Uncountable> {
        let principal = self.caller.principal;
        let mut groups: Vec<&'a str> = Vec::new();
        let mut counters: Vec<Values<'a>> = vec![Vec::with_capacity(quota.by.len())];
        for dimension in &quota.by {
            let value = match dimension {
                Dimension::Subject => (!principal.subject.is_empty()).then(|| Cow::Owned(principal.key())),
                Dimension::Team => principal.team.as_deref().map(Cow::Borrowed),
                Dimension::Server => Some(Cow::Borrowed(self.caller.server.name.as_str())),
                Dimension::Registry => self.caller.server.registry.as_deref().map(Cow::Borrowed),
                Dimension::Tool => Some(match self.noun {
                    Some(Noun::Tool) => Cow::Borrowed(self.name),
                    Some(_) => Cow::Owned(format!("{} {}", self.method, self.name)),
                    None => Cow::Borrowed(self.method),
                }),
                Dimension::Groups => {
                    groups = principal.groups.iter().map(String::as_str).collect();
                    order::distinct(&mut groups);
                    if groups.len() > MOST_GROUPS {
                        return Err(Uncountable::TooManyGroups);
                    }
                    groups.pop().map(Cow::Borrowed)
                }
            };
            if value.is_none() && quota.on_missing == Missing::Deny {
                return Err(Uncountable::Lacks(*dimension));
            }
            counters.iter_mut().for_each(|counter| counter.push(value.clone()));
        }
        let at = quota.by.iter().position(|dimension| *dimension == Dimension::Groups);
        if let (Some(at), Some(first)) = (at, counters.first().cloned()) {
            counters.extend(groups.into_iter().map(|group| {
                let mut counter = first.clone();
                if let Some(value) = counter.get_mut(at) {
                    *value = Some(Cow::Borrowed(group));
                }
                counter
            }));
        }
        Ok(counters)
    }
}
