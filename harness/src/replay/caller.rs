//! Who calls in a replay, told to the filter by the same channels as in Envoy: the payload that jwt_authn leaves in its
//! metadata, the peer's certificate, or headers of a named peer.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};
use tidegate_filter::policy::{HeaderSource, Identity, IdentitySource, JwtSource};
use time::OffsetDateTime;

use crate::capture::{Request, header};
use crate::host::{Properties, Value as Property};

/// The subject where only other things were said of the caller.
const SUBJECT: &str = "replay";
pub(super) const PEER: &str = "connection/uri_san_peer_certificate";

/// What is said of a caller.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Claimed {
    subject: Option<String>,
    team: Option<String>,
    groups: Vec<String>,
    scopes: Vec<String>,
    agent: Option<String>,
    workload: Option<String>,
    issuer: Option<String>,
}

/// Why nobody can be supplied as said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallerError(String);

impl fmt::Display for CallerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for CallerError {}

const KEYS: [&str; 7] = ["subject", "team", "groups", "scopes", "agent", "workload", "issuer"];

impl Claimed {
    /// Reads `subject=ada,team=finance,groups=a,b`: what has no key of its own belongs to the one before.
    ///
    /// # Errors
    /// An unknown key, a value that is missing, or two values where there is room for one.
    pub fn parse<S: AsRef<str>>(texts: &[S]) -> Result<Self, CallerError> {
        let mut pairs: Vec<(&str, String)> = Vec::new();
        for text in texts {
            let mut open = false;
            for piece in text.as_ref().split(',') {
                let key = piece.split_once('=').map(|(key, value)| (key.trim(), value));
                match (key, pairs.last_mut()) {
                    (Some((key, value)), _) if KEYS.contains(&key) => {
                        pairs.push((key, value.trim().to_owned()));
                        open = true;
                    }
                    (_, Some((_, value))) if open => *value = format!("{value},{}", piece.trim()),
                    _ => {
                        let keys = KEYS.join(", ");
                        return Err(CallerError(format!("`{piece}` is not KEY=VALUE with one of the keys {keys}")));
                    }
                }
            }
        }
        let mut claimed = Self::default();
        for (key, value) in pairs {
            if value.is_empty() {
                return Err(CallerError(format!("`{key}` has no value; leave it out if the caller has none")));
            }
            let list = || value.split(',').filter(|it| !it.is_empty()).map(str::to_owned);
            let slot = match key {
                "groups" => {
                    claimed.groups.extend(list());
                    continue;
                }
                "scopes" => {
                    claimed.scopes.extend(list().flat_map(|it| words(&it)));
                    continue;
                }
                "subject" => &mut claimed.subject,
                "team" => &mut claimed.team,
                "agent" => &mut claimed.agent,
                "workload" => &mut claimed.workload,
                _ => &mut claimed.issuer,
            };
            if slot.replace(value).is_some() {
                return Err(CallerError(format!("`{key}` is given twice, and a caller has only one")));
            }
        }
        Ok(claimed)
    }
}

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

/// What tells the filter who calls.
#[derive(Debug, Clone, Default)]
pub struct Supplied {
    /// Properties of the stream.
    pub(super) properties: Properties,
    /// Headers that the peer sets, and with `None` those that it does not set.
    pub(super) headers: Vec<(String, Option<String>)>,
}

/// Who calls in a replay.
#[derive(Debug, Clone)]
pub enum Caller {
    /// Nobody says who.
    Anonymous,
    /// The same caller in every exchange.
    Fixed(Box<Supplied>),
    /// Whom each request's bearer token names. Nobody verifies it.
    Tokens(Vec<JwtSource>),
}

/// Why a bearer token names nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TokenFault {
    /// The request has none.
    Absent,
    /// It is no JWT with readable claims (RFC 7519).
    Unreadable,
    /// The policy has no source for its issuer.
    UnknownIssuer,
    /// It was not valid at the replayed time.
    OutsideTime,
}

impl fmt::Display for TokenFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Absent => "no bearer token",
            Self::Unreadable => "a bearer token that is no readable JWT",
            Self::UnknownIssuer => "a token of an issuer that the policy does not name",
            Self::OutsideTime => "a token that was not valid at the replayed time",
        })
    }
}

impl Caller {
    pub(super) fn supply(&self, request: &Request, at: OffsetDateTime) -> (Supplied, Option<TokenFault>) {
        match self {
            Self::Anonymous => (Supplied::default(), None),
            Self::Fixed(supplied) => (supplied.as_ref().clone(), None),
            Self::Tokens(sources) => match of_token(sources, request, at) {
                Ok(supplied) => (supplied, None),
                Err(fault) => (Supplied::default(), Some(fault)),
            },
        }
    }
}

/// The caller of `--trust-capture-tokens`.
///
/// # Errors
/// The policy takes no caller from a token.
pub fn tokens(identity: &Identity) -> Result<Caller, CallerError> {
    let jwt = |source: &IdentitySource| match source {
        IdentitySource::Jwt(source) => Some(source.clone()),
        _ => None,
    };
    let sources: Vec<JwtSource> = identity.sources.iter().filter_map(jwt).collect();
    if sources.is_empty() {
        return Err(CallerError("the policy has no jwt source that could take a caller from a token".to_owned()));
    }
    Ok(Caller::Tokens(sources))
}

fn of_token(sources: &[JwtSource], request: &Request, at: OffsetDateTime) -> Result<Supplied, TokenFault> {
    let value = header(&request.headers, "authorization").ok_or(TokenFault::Absent)?;
    let (scheme, token) = value.trim().split_once(' ').ok_or(TokenFault::Absent)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(TokenFault::Absent);
    }
    let payload = token.trim().split('.').nth(1).ok_or(TokenFault::Unreadable)?;
    let payload = URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).map_err(|_| TokenFault::Unreadable)?;
    let claims: Value = serde_json::from_slice(&payload).map_err(|_| TokenFault::Unreadable)?;
    let issuer = claims.get("iss").and_then(Value::as_str).ok_or(TokenFault::UnknownIssuer)?;
    let source = sources.iter().find(|source| source.issuer == issuer).ok_or(TokenFault::UnknownIssuer)?;
    let time = |name: &str| claims.get(name).and_then(Value::as_f64);
    #[allow(clippy::cast_precision_loss, reason = "seconds since 1970 are small")]
    let now = at.unix_timestamp() as f64;
    if time("exp").is_some_and(|exp| exp <= now) || time("nbf").is_some_and(|nbf| nbf > now) {
        return Err(TokenFault::OutsideTime);
    }
    Ok(Supplied { properties: payload_in_metadata(source, claims.clone()), headers: Vec::new() })
}

fn payload_in_metadata(source: &JwtSource, claims: Value) -> Properties {
    let payload = Property::Map(vec![(source.metadata_key.clone(), claims.into())]);
    Properties::new().with("metadata/filter_metadata/envoy.filters.http.jwt_authn", payload)
}

/// The caller of `--as`: the first of the policy's sources that can supply all that is said does.
///
/// # Errors
/// No source can: why each of them cannot.
pub fn supply(identity: &Identity, claimed: &Claimed) -> Result<Caller, CallerError> {
    if identity.sources.is_empty() {
        let why = "the policy has no identity source: every caller is anonymous to it, and none can be supplied";
        return Err(CallerError(why.to_owned()));
    }
    let mut obstacles = Vec::new();
    for (at, source) in identity.sources.iter().enumerate() {
        let (name, supplied) = match source {
            IdentitySource::Jwt(jwt) => (format!("jwt of {}", jwt.issuer), by_token(jwt, claimed)),
            IdentitySource::Spiffe => ("spiffe".to_owned(), by_certificate(claimed)),
            IdentitySource::Header(source) => ("header".to_owned(), by_headers(source, claimed)),
        };
        let supplied = supplied.and_then(|(supplied, peer)| {
            let earlier = identity.sources.iter().take(at).any(|earlier| takes(earlier, peer.as_deref()));
            if earlier {
                Err("an earlier source takes whoever has this peer certificate".to_owned())
            } else {
                Ok(supplied)
            }
        });
        match supplied {
            Ok(supplied) => return Ok(Caller::Fixed(Box::new(supplied))),
            Err(why) => obstacles.push(format!("  {name}: {why}")),
        }
    }
    Err(CallerError(format!("no identity source of the policy can supply this caller:\n{}", obstacles.join("\n"))))
}

/// Whether a source takes everybody who comes with this certificate.
fn takes(source: &IdentitySource, peer: Option<&str>) -> bool {
    match source {
        IdentitySource::Jwt(_) => false,
        IdentitySource::Spiffe => peer.is_some(),
        IdentitySource::Header(source) => source.peers.iter().any(|it| Some(it.as_str()) == peer),
    }
}

/// What is supplied, and the peer's certificate if there is one.
type Attempt = Result<(Supplied, Option<String>), String>;

fn by_token(source: &JwtSource, claimed: &Claimed) -> Attempt {
    if let Some(issuer) = claimed.issuer.as_ref().filter(|it| **it != source.issuer) {
        return Err(format!("it does not take tokens of {issuer}"));
    }
    let mut claims = Map::new();
    put(&mut claims, &["iss".to_owned()], json!(source.issuer))?;
    if let Some(audience) = &source.audience {
        put(&mut claims, &["aud".to_owned()], json!(audience))?;
    }
    put(&mut claims, &source.subject, json!(claimed.subject.as_deref().unwrap_or(SUBJECT)))?;
    let groups = (!claimed.groups.is_empty()).then(|| json!(claimed.groups));
    let scopes = (!claimed.scopes.is_empty()).then(|| json!(claimed.scopes.join(" ")));
    for (key, path, value) in [
        ("team", &source.team, claimed.team.as_ref().map(|it| json!(it))),
        ("groups", &source.groups, groups),
        ("scopes", &source.scopes, scopes),
        ("agent", &source.agent, claimed.agent.as_ref().map(|it| json!(it))),
    ] {
        if let Some(value) = value {
            put(&mut claims, path.as_ref().ok_or_else(|| format!("it maps no claim to `{key}`"))?, value)?;
        }
    }
    let mut properties = payload_in_metadata(source, Value::Object(claims));
    if let Some(peer) = &claimed.workload {
        certificate(&mut properties, peer)?;
    }
    Ok((Supplied { properties, headers: Vec::new() }, claimed.workload.clone()))
}

/// Puts a claim at its path, with the objects on the way to it.
fn put(claims: &mut Map<String, Value>, path: &[String], value: Value) -> Result<(), String> {
    let clash = || format!("the claim `{}` is mapped to two things", path.join("."));
    let Some((last, way)) = path.split_last() else { return Ok(()) };
    let mut node = claims;
    for name in way {
        let next = node.entry(name.clone()).or_insert_with(|| Value::Object(Map::new()));
        node = next.as_object_mut().ok_or_else(clash)?;
    }
    if node.get(last).is_some_and(|other| *other != value) {
        return Err(clash());
    }
    node.insert(last.clone(), value);
    Ok(())
}

fn certificate(properties: &mut Properties, peer: &str) -> Result<(), String> {
    if !peer.starts_with("spiffe://") {
        return Err(format!("`{peer}` is not a SPIFFE id (spiffe://…)"));
    }
    properties.set(PEER, peer).set("connection/mtls", true);
    Ok(())
}

fn by_certificate(claimed: &Claimed) -> Attempt {
    let only = "it supplies a subject, a SPIFFE id, and nothing else";
    let more = claimed.team.is_some() || claimed.agent.is_some() || claimed.issuer.is_some();
    if more || !claimed.groups.is_empty() || !claimed.scopes.is_empty() {
        return Err(only.to_owned());
    }
    let peer = match (&claimed.subject, &claimed.workload) {
        (Some(subject), Some(workload)) if subject != workload => return Err(only.to_owned()),
        (Some(peer), _) | (None, Some(peer)) => peer,
        (None, None) => return Err(only.to_owned()),
    };
    let mut properties = Properties::new();
    certificate(&mut properties, peer)?;
    Ok((Supplied { properties, headers: Vec::new() }, Some(peer.clone())))
}

fn by_headers(source: &HeaderSource, claimed: &Claimed) -> Attempt {
    let wanted = claimed.workload.as_ref().or(claimed.issuer.as_ref());
    let peer = match wanted {
        None => source.peers.first(),
        Some(wanted) => source.peers.iter().find(|it| *it == wanted),
    };
    let peer = peer.ok_or_else(|| "it believes the headers of other peers".to_owned())?;
    let list = |items: &[String], between: char, separator: &str| {
        let split = items.iter().find(|it| it.contains(between));
        match split {
            Some(item) => Err(format!("`{item}` would be read as several")),
            None => Ok((!items.is_empty()).then(|| items.join(separator))),
        }
    };
    let mut headers = vec![(source.subject.clone(), Some(claimed.subject.as_deref().unwrap_or(SUBJECT).to_owned()))];
    for (key, name, value) in [
        ("team", &source.team, claimed.team.clone()),
        ("groups", &source.groups, list(&claimed.groups, ',', ",")?),
        ("scopes", &source.scopes, list(&claimed.scopes, ' ', " ")?),
        ("agent", &source.agent, claimed.agent.clone()),
    ] {
        match (name, value) {
            (Some(name), value) => headers.push((name.clone(), value)),
            (None, Some(_)) => return Err(format!("it maps no header to `{key}`")),
            (None, None) => {}
        }
    }
    let mut properties = Properties::new();
    certificate(&mut properties, peer)?;
    Ok((Supplied { properties, headers }, Some(peer.clone())))
}

#[cfg(test)]
mod tests;
