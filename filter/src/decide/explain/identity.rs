//! Who calls: which source was asked what, and what it said.

use crate::decide::identity::{Claim, Evidence, HeaderValue, Identified, identify};
use crate::policy::{Identity, IdentitySource};

/// What identification came to, source by source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdentitySteps<'p> {
    /// The sources in document order.
    pub sources: Vec<SourceStep<'p>>,
    /// The outcome.
    pub identified: Identified,
}

/// One source of identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceStep<'p> {
    /// The source.
    pub source: &'p IdentitySource,
    /// What it asked, in its order.
    pub asked: Vec<Asked>,
    /// What came of it.
    pub outcome: SourceOutcome,
}

/// A question to the host, and its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// ``claim `team` ``, ``header `x-user` `` or `peer certificate`.
    pub what: String,
    /// What it holds, in words; `None` if there is no such thing.
    pub answer: Option<String>,
}

/// What came of a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SourceOutcome {
    /// It supplied the caller.
    Supplied,
    /// It does not apply.
    DoesNotApply,
    /// It applies and what it says cannot be used: why.
    Unusable(String),
    /// An earlier source applied.
    NotReached,
}

/// Identifies the caller, source by source.
pub fn identity<'p>(identity: &'p Identity, evidence: &mut dyn Evidence) -> IdentitySteps<'p> {
    let mut identified = Identified::Anonymous;
    let mut sources = Vec::with_capacity(identity.sources.len());
    for source in &identity.sources {
        if identified != Identified::Anonymous {
            sources.push(SourceStep { source, asked: Vec::new(), outcome: SourceOutcome::NotReached });
            continue;
        }
        let alone = Identity { sources: vec![source.clone()], ..identity.clone() };
        let recording = Recording { evidence: &mut *evidence, asked: std::cell::RefCell::default() };
        let mut recording = recording;
        identified = identify(&alone, &mut recording);
        let outcome = match &identified {
            Identified::Principal(_) => SourceOutcome::Supplied,
            Identified::Anonymous => SourceOutcome::DoesNotApply,
            Identified::Invalid(why) => SourceOutcome::Unusable(why.clone()),
        };
        sources.push(SourceStep { source, asked: recording.asked.into_inner(), outcome });
    }
    IdentitySteps { sources, identified }
}

/// Evidence that takes note of what is asked.
struct Recording<'a> {
    evidence: &'a mut dyn Evidence,
    asked: std::cell::RefCell<Vec<Asked>>,
}

impl Recording<'_> {
    fn note(&self, what: String, answer: Option<String>) {
        self.asked.borrow_mut().push(Asked { what, answer });
    }
}

impl Evidence for Recording<'_> {
    fn jwt_claim(&mut self, metadata_key: &str, path: &[String]) -> Claim {
        let claim = self.evidence.jwt_claim(metadata_key, path);
        let answer = match &claim {
            Claim::Absent => None,
            Claim::Text(text) => Some(text.clone()),
            Claim::List(list) => Some(list.join(", ")),
            Claim::Other => Some("neither a string nor a list of strings".to_owned()),
        };
        self.note(format!("claim `{}`", path.join(".")), answer);
        claim
    }

    fn peer_spiffe(&mut self) -> Option<String> {
        let peer = self.evidence.peer_spiffe();
        self.note("peer certificate".to_owned(), peer.clone());
        peer
    }

    fn header(&self, name: &str) -> HeaderValue {
        let value = self.evidence.header(name);
        let answer = match &value {
            HeaderValue::Absent => None,
            HeaderValue::One(text) => Some(text.clone()),
            HeaderValue::Unreadable => Some("several lines, or not UTF-8".to_owned()),
        };
        self.note(format!("header `{name}`"), answer);
        value
    }
}
