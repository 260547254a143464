use super::document::{Fields, Kind, Report, Value};
use super::keys;

/// How callers are identified.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Identity {
    /// Sources in document order. The first that applies supplies the whole caller.
    pub sources: Vec<IdentitySource>,
    /// What happens to a caller to whom no source applies.
    pub anonymous: Anonymous,
    /// Whether a source or a rule reads the peer's SPIFFE id; otherwise nobody need ask the host for it.
    pub reads_peer: bool,
}

/// One place that says who calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IdentitySource {
    /// The payload of a token that Envoy's jwt_authn filter has verified.
    Jwt(JwtSource),
    /// The SPIFFE id of the mutual-TLS peer is the subject.
    Spiffe,
    /// Headers set by a named peer.
    Header(HeaderSource),
}

/// A JWT source: applies when the payload's `iss` is the issuer and, if an audience is named, its `aud` contains it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JwtSource {
    /// The exact `iss` (RFC 7519 section 4.1.1).
    pub issuer: String,
    /// A value that `aud` must be or contain (RFC 7519 section 4.1.3).
    pub audience: Option<String>,
    /// Where jwt_authn leaves the payload: its `payload_in_metadata`.
    pub metadata_key: String,
    /// The claim that names the caller; required in every token.
    pub subject: ClaimPath,
    /// The claim that names the caller's team.
    pub team: Option<ClaimPath>,
    /// The claim that lists groups.
    pub groups: Option<ClaimPath>,
    /// The claim that lists scopes: a list, or one string with spaces between them (RFC 8693 section 4.2).
    pub scopes: Option<ClaimPath>,
    /// The claim that names the agent (often `azp` or `client_id`).
    pub agent: Option<ClaimPath>,
}

/// The names to follow from the payload's root to a claim; never empty.
pub type ClaimPath = Vec<String>;

/// A header source: applies when the mutual-TLS peer is one of `peers`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeaderSource {
    /// SPIFFE ids of the peers whose headers are believed; never empty.
    pub peers: Vec<String>,
    /// The header that names the caller; required in every request of these peers. Header names are in lower case.
    pub subject: String,
    /// The header that names the team.
    pub team: Option<String>,
    /// The header that lists groups, with commas between them.
    pub groups: Option<String>,
    /// The header that lists scopes, with spaces between them.
    pub scopes: Option<String>,
    /// The header that names the agent.
    pub agent: Option<String>,
}

/// What happens to a caller to whom no source applies.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Anonymous {
    /// Refused like any other denial.
    #[default]
    Deny,
    /// Answered 401 with `WWW-Authenticate`, so that an OAuth client logs in (RFC 9728 section 5.1).
    Challenge {
        /// The absolute URL of the protected resource metadata.
        resource_metadata: String,
    },
    /// Judged by the rules that have no `who`.
    Allow,
}

/// Reads `identity`.
pub(super) fn read(value: &Value<'_>, report: &mut Report<'_>) -> Identity {
    let mut identity = Identity::default();
    let Some(fields) = Fields::open(value, &keys::IDENTITY, report) else { return identity };
    if let Some(sources) = fields.get("sources").and_then(|sources| sources.list(report)) {
        identity.sources = sources.iter().filter_map(|source| read_source(source, report)).collect();
    }
    if let Some(value) = fields.get("anonymous") {
        identity.anonymous = read_anonymous(value, report).unwrap_or(Anonymous::Deny);
    }
    identity.reads_peer = identity.sources.iter().any(|source| !matches!(source, IdentitySource::Jwt(_)));
    identity
}

fn read_source(value: &Value<'_>, report: &mut Report<'_>) -> Option<IdentitySource> {
    let fields = Fields::open(value, &keys::SOURCE, report)?;
    let given: Vec<_> = ["jwt", "spiffe", "header"].iter().filter_map(|key| Some((*key, fields.get(key)?))).collect();
    let &[(key, source)] = given.as_slice() else {
        let message = "a source is exactly one of `jwt`, `spiffe` and `header`";
        let help = if given.is_empty() {
            "add one of them"
        } else {
            "make each of them a source of its own; their order matters"
        };
        fields.missing(message, help, report);
        return None;
    };
    match key {
        "jwt" => read_jwt(source, report).map(IdentitySource::Jwt),
        "spiffe" => read_spiffe(source, report),
        _ => read_header(source, report).map(IdentitySource::Header),
    }
}

fn read_jwt(value: &Value<'_>, report: &mut Report<'_>) -> Option<JwtSource> {
    let fields = Fields::open(value, &keys::JWT, report)?;
    let issuer = fields.required("issuer", report).and_then(|value| value.text(report)).map(str::to_owned);
    let text = |key, report: &mut Report<'_>| fields.get(key).and_then(|value| value.text(report)).map(str::to_owned);
    let audience = text("audience", report);
    let metadata_key = text("metadata_key", report).unwrap_or_else(|| "payload".to_owned());
    let mut claim = |key| fields.get(key).and_then(|value| read_claim_path(value, report));
    let subject = claim("subject").unwrap_or_else(|| vec!["sub".to_owned()]);
    let (team, groups, scopes, agent) = (claim("team"), claim("groups"), claim("scopes"), claim("agent"));
    Some(JwtSource { issuer: issuer?, audience, metadata_key, subject, team, groups, scopes, agent })
}

fn read_claim_path(value: &Value<'_>, report: &mut Report<'_>) -> Option<ClaimPath> {
    if let Kind::List(_) = value.kind {
        let segments = value.list(report)?;
        return segments.iter().map(|segment| segment.text(report).map(str::to_owned)).collect();
    }
    let text = value.text(report)?;
    if text.contains("://") {
        let help = format!("write [\"{text}\"]: in a string the dots lead into nested claims");
        report.error("invalid_value", value, "a claim whose name is a URL", &help);
        return None;
    }
    let path: ClaimPath = text.split('.').map(str::to_owned).collect();
    if path.iter().any(String::is_empty) {
        let help = "write it as in \"realm_access.roles\", or as a list of names: [\"realm_access\", \"roles\"]";
        report.error("invalid_value", value, "a claim path with an empty name between its dots", help);
        return None;
    }
    Some(path)
}

fn read_spiffe(value: &Value<'_>, report: &mut Report<'_>) -> Option<IdentitySource> {
    let fields = Fields::open(value, &keys::SPIFFE, report)?;
    if let Some(subject) = fields.get("subject") {
        subject.choice(&[("id", ())], report)?;
    }
    Some(IdentitySource::Spiffe)
}

fn read_header(value: &Value<'_>, report: &mut Report<'_>) -> Option<HeaderSource> {
    let fields = Fields::open(value, &keys::HEADER, report)?;
    let peers = fields
        .required("peers", report)
        .and_then(|value| value.list(report))
        .map(|peers| peers.iter().filter_map(|peer| read_peer(peer, report)).collect::<Vec<_>>());
    let subject = fields.required("subject", report).and_then(|value| read_header_name(value, report));
    let mut header = |key| fields.get(key).and_then(|value| read_header_name(value, report));
    let (team, groups, scopes, agent) = (header("team"), header("groups"), header("scopes"), header("agent"));
    Some(HeaderSource { peers: peers?, subject: subject?, team, groups, scopes, agent })
}

fn read_peer(value: &Value<'_>, report: &mut Report<'_>) -> Option<String> {
    let text = value.text(report)?;
    let rest = text.strip_prefix("spiffe://");
    if rest.is_none_or(|rest| rest.is_empty() || rest.starts_with('/')) || text.contains('*') {
        let help = "write the whole id of the peer, such as \"spiffe://example.com/ns/edge/sa/gateway\"";
        report.error("invalid_value", value, format!("`{text}` is not a SPIFFE id"), help);
        return None;
    }
    Some(text.to_owned())
}

/// A field name of RFC 9110 section 5.1, in lower case as HTTP/2 carries it.
fn read_header_name(value: &Value<'_>, report: &mut Report<'_>) -> Option<String> {
    let text = value.text(report)?;
    let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if !text.bytes().all(token) {
        report.error("invalid_value", value, format!("`{text}` is not a header name"), "write one such as \"x-user\"");
        return None;
    }
    let name = text.to_ascii_lowercase();
    if ["authorization", "cookie", "host"].contains(&name.as_str()) || name.starts_with("x-tidegate-") {
        let help = "name a header that the peer itself sets after it has verified the caller";
        report.error("invalid_value", value, format!("`{name}` cannot say who calls"), help);
        return None;
    }
    Some(name)
}

fn read_anonymous(value: &Value<'_>, report: &mut Report<'_>) -> Option<Anonymous> {
    if let Kind::Object(_) = value.kind {
        let challenge = Fields::open(value, &keys::ANONYMOUS, report)?.required("challenge", report)?;
        let url = Fields::open(challenge, &keys::CHALLENGE, report)?.required("resource_metadata", report)?;
        let text = url.text(report)?;
        let absolute = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
        // It goes between quotation marks into WWW-Authenticate.
        let safe = text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\');
        if !safe || absolute.is_none_or(|rest| rest.is_empty() || rest.starts_with('/')) {
            let help = "write the absolute URL of the server's protected resource metadata (RFC 9728)";
            report.error("invalid_value", url, format!("`{text}` is not an http or https URL"), help);
            return None;
        }
        return Some(Anonymous::Challenge { resource_metadata: text.to_owned() });
    }
    if matches!(&value.kind, Kind::Text(text) if text == "challenge") {
        let help = "write { \"challenge\": { \"resource_metadata\": \"https://…\" } }";
        report.error("invalid_value", value, "a challenge needs the URL of the resource metadata", help);
        return None;
    }
    let allow = value.choice(&[("deny", false), ("allow", true)], report)?;
    Some(if allow { Anonymous::Allow } else { Anonymous::Deny })
}
