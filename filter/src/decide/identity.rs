//! Who calls: exactly one source supplies the whole caller, the first that applies.

use crate::policy::{ClaimPath, Field, HeaderSource, Identity, IdentitySource, JwtSource};
use crate::schema::Facts;

/// A claim of a verified token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claim {
    /// There is no token, or it has no such claim, or the claim is null.
    Absent,
    /// A string.
    Text(String),
    /// A list of strings, perhaps empty.
    List(Vec<String>),
    /// Anything else, a list with other things than strings included.
    Other,
}

/// A request header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HeaderValue {
    /// The request has no such header.
    Absent,
    /// One line, as text.
    One(String),
    /// Several lines, or bytes that are not UTF-8.
    Unreadable,
}

/// What identification may ask the host. Asking costs a host call, so nothing is asked that the policy does not need.
pub trait Evidence {
    /// A claim of the payload that jwt_authn left under `metadata_key`; `path` leads from the root to the claim.
    fn jwt_claim(&mut self, metadata_key: &str, path: &[String]) -> Claim;
    /// The SPIFFE id of the mutual-TLS peer.
    fn peer_spiffe(&mut self) -> Option<String>;
    /// A request header by its name in lower case.
    fn header(&self, name: &str) -> HeaderValue;
}

/// The outcome of identification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Identified {
    /// A source supplied the caller.
    Principal(Principal),
    /// No source applies; the policy's `anonymous` decides.
    Anonymous,
    /// A source applies and what it says cannot be used. The text says why, for the audit event and the message.
    Invalid(String),
}

/// Where a principal comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// A verified token.
    Jwt,
    /// The mutual-TLS peer itself.
    Spiffe,
    /// Headers of a named peer.
    Header,
    /// Nowhere: nobody identified the caller.
    Anonymous,
}

impl Source {
    /// The word for audit events.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Jwt => "jwt",
            Self::Spiffe => "spiffe",
            Self::Header => "header",
            Self::Anonymous => "anonymous",
        }
    }
}

/// Who calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// Who, in the words of the source; empty for an anonymous caller.
    pub subject: String,
    /// Who vouches for the subject: the token's issuer, or the peer that set the headers.
    pub issuer: Option<String>,
    /// The caller's team.
    pub team: Option<String>,
    /// The caller's groups.
    pub groups: Vec<String>,
    /// The OAuth scopes.
    pub scopes: Vec<String>,
    /// The agent that acts for the caller.
    pub agent: Option<String>,
    /// The SPIFFE id of the mutual-TLS peer, if a source or a rule reads it.
    pub workload: Option<String>,
    /// Where all this comes from.
    pub source: Source,
}

impl Principal {
    /// A caller whom nobody identified: no condition of any rule matches it.
    pub fn anonymous() -> Self {
        Self {
            subject: String::new(),
            issuer: None,
            team: None,
            groups: Vec::new(),
            scopes: Vec::new(),
            agent: None,
            workload: None,
            source: Source::Anonymous,
        }
    }

    /// A key that no other principal has, whatever source it comes from: `source:issuer|subject`, with `%` and `|` of
    /// the issuer percent-encoded, and without `issuer|` where there is none.
    pub fn key(&self) -> String {
        let source = self.source.as_str();
        match &self.issuer {
            Some(issuer) => {
                let issuer = issuer.replace('%', "%25").replace('|', "%7C");
                format!("{source}:{issuer}|{}", self.subject)
            }
            None => format!("{source}:{}", self.subject),
        }
    }

    /// The caller's values of a field that a rule's `who` can ask for.
    pub(super) fn values(&self, field: Field) -> &[String] {
        match field {
            Field::Subject => std::slice::from_ref(&self.subject),
            Field::Team => self.team.as_slice(),
            Field::Groups => &self.groups,
            Field::Agent => self.agent.as_slice(),
            Field::Workload => self.workload.as_slice(),
            Field::Scopes => &self.scopes,
            Field::Issuer => self.issuer.as_slice(),
        }
    }

    /// Makes the caller one of whom a rule's `who` finds `value` in `field`: beside the values that are there, or instead
    /// of the one that is.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn meet(&mut self, field: Field, value: String) {
        match field {
            Field::Subject => self.subject = value,
            Field::Team => self.team = Some(value),
            Field::Groups => self.groups.push(value),
            Field::Agent => self.agent = Some(value),
            Field::Workload => self.workload = Some(value),
            Field::Scopes => self.scopes.push(value),
            Field::Issuer => self.issuer = Some(value),
        }
    }
}

impl Facts for Principal {
    fn text(&self, path: &str) -> Option<&str> {
        let text = match path {
            "principal.subject" => Some(self.subject.as_str()),
            "principal.team" => self.team.as_deref(),
            "principal.agent" => self.agent.as_deref(),
            "principal.workload" => self.workload.as_deref(),
            "principal.issuer" => self.issuer.as_deref(),
            _ => None,
        };
        text.filter(|text| !text.is_empty())
    }

    fn list(&self, path: &str) -> Option<&[String]> {
        match path {
            "principal.groups" => Some(&self.groups),
            "principal.scopes" => Some(&self.scopes),
            _ => None,
        }
    }
}

/// Identifies the caller.
pub fn identify(identity: &Identity, evidence: &mut dyn Evidence) -> Identified {
    let peer = if identity.reads_peer { evidence.peer_spiffe() } else { None };
    for source in &identity.sources {
        let outcome = match source {
            IdentitySource::Jwt(jwt) => from_jwt(jwt, evidence),
            IdentitySource::Spiffe => from_peer(peer.as_deref()),
            IdentitySource::Header(header) => from_headers(header, peer.as_deref(), evidence),
        };
        match outcome {
            Ok(None) => {}
            Ok(Some(principal)) => return Identified::Principal(Principal { workload: peer, ..principal }),
            Err(why) => return Identified::Invalid(why),
        }
    }
    Identified::Anonymous
}

/// `None`: the source does not apply. An error: it applies, and names nobody.
type Outcome = Result<Option<Principal>, String>;

fn from_jwt(jwt: &JwtSource, evidence: &mut dyn Evidence) -> Outcome {
    let mut claim = |path: &[String]| evidence.jwt_claim(&jwt.metadata_key, path);
    match claim(&["iss".to_owned()]) {
        Claim::Absent => return Ok(None),
        Claim::Text(issuer) if issuer == jwt.issuer => {}
        Claim::Text(_) => return Ok(None),
        Claim::List(_) | Claim::Other => return Err("the token's claim `iss` is not a string".to_owned()),
    }
    if let Some(audience) = &jwt.audience {
        match claim(&["aud".to_owned()]) {
            Claim::Text(named) if named == *audience => {}
            Claim::List(named) if named.contains(audience) => {}
            Claim::Other => return Err("the token's claim `aud` is neither a string nor a list of strings".to_owned()),
            _ => return Ok(None),
        }
    }
    let subject = match claim(&jwt.subject) {
        Claim::Text(subject) if !subject.is_empty() => subject,
        Claim::Absent | Claim::Text(_) => {
            return Err(format!("the token has no claim `{}` to name the caller by", jwt.subject.join(".")));
        }
        Claim::List(_) | Claim::Other => return Err(wrong_type(&jwt.subject, "a string")),
    };
    let mut text = |path: &Option<ClaimPath>| {
        let Some(path) = path else { return Ok(None) };
        match claim(path) {
            Claim::Absent => Ok(None),
            Claim::Text(text) => Ok(Some(text).filter(|text| !text.is_empty())),
            Claim::List(_) | Claim::Other => Err(wrong_type(path, "a string")),
        }
    };
    let (team, agent) = (text(&jwt.team)?, text(&jwt.agent)?);
    let groups = match jwt.groups.as_ref().map(|path| (path, claim(path))) {
        None | Some((_, Claim::Absent)) => Vec::new(),
        Some((_, Claim::List(groups))) => groups,
        Some((path, _)) => return Err(wrong_type(path, "a list of strings")),
    };
    let scopes = match jwt.scopes.as_ref().map(|path| (path, claim(path))) {
        None | Some((_, Claim::Absent)) => Vec::new(),
        Some((_, Claim::List(scopes))) => scopes,
        Some((_, Claim::Text(scopes))) => words(&scopes, ' '),
        Some((path, Claim::Other)) => {
            return Err(wrong_type(path, "a list of strings, or one with spaces between them"));
        }
    };
    let issuer = Some(jwt.issuer.clone());
    Ok(Some(Principal { subject, issuer, team, groups, scopes, agent, workload: None, source: Source::Jwt }))
}

fn wrong_type(path: &[String], expected: &str) -> String {
    format!("the token's claim `{}` is not {expected}", path.join("."))
}

fn from_peer(peer: Option<&str>) -> Outcome {
    let spiffe = |peer: &str| Principal { subject: peer.to_owned(), source: Source::Spiffe, ..Principal::anonymous() };
    Ok(peer.filter(|peer| !peer.is_empty()).map(spiffe))
}

fn from_headers(source: &HeaderSource, peer: Option<&str>, evidence: &dyn Evidence) -> Outcome {
    // Only a named peer's headers are looked at: anyone else could write them.
    let Some(peer) = peer.filter(|peer| source.peers.iter().any(|named| named == peer)) else { return Ok(None) };
    let text = |name: &str| match evidence.header(name) {
        HeaderValue::Absent => Ok(None),
        HeaderValue::One(text) => Ok(Some(text.trim().to_owned()).filter(|text| !text.is_empty())),
        HeaderValue::Unreadable => Err(format!("the header `{name}` comes several times or is not UTF-8")),
    };
    let optional = |name: &Option<String>| name.as_deref().map_or(Ok(None), text);
    // Falling through to the next source would make the caller whoever the peer is, with the peer's rights.
    let subject = text(&source.subject)?
        .ok_or_else(|| format!("the peer sent no header `{}` to name the caller by", source.subject))?;
    let (team, agent) = (optional(&source.team)?, optional(&source.agent)?);
    let groups = optional(&source.groups)?.map(|list| words(&list, ',')).unwrap_or_default();
    let scopes = optional(&source.scopes)?.map(|list| words(&list, ' ')).unwrap_or_default();
    let issuer = Some(peer.to_owned());
    Ok(Some(Principal { subject, issuer, team, groups, scopes, agent, workload: None, source: Source::Header }))
}

fn words(text: &str, between: char) -> Vec<String> {
    text.split(between).map(str::trim).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}
