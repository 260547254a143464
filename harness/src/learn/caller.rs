use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use super::inventory::Issuer;
use crate::capture::{Headers, header};

/// Whom a bearer token names. Nobody has verified it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Caller {
    /// `iss`
    pub issuer: String,
    /// `sub`
    pub subject: String,
    /// `team`
    pub team: Option<String>,
}

/// Whom requests are taken to come from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Callers {
    /// Nobody is told apart.
    #[default]
    Unknown,
    /// Those whom bearer tokens name, which nobody verifies.
    Tokens,
    /// One caller sent everything.
    One(Caller),
}

/// Callers to whom the same rules apply: a team, or one subject that has none.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Group {
    /// Who vouches for it.
    pub issuer: String,
    /// Whether `name` is a team's and not a subject's.
    pub is_team: bool,
    /// The team or the subject.
    pub name: String,
}

impl Caller {
    /// The group that rules name.
    pub fn group(&self) -> Group {
        let name = self.team.clone().unwrap_or_else(|| self.subject.clone());
        Group { issuer: self.issuer.clone(), is_team: self.team.is_some(), name }
    }

    /// Reads `subject=ada,team=finance,issuer=https://idp.example.com`; `team` may be absent.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn parse(text: &str) -> Result<Self, String> {
        let [mut issuer, mut subject, mut team] = [None, None, None];
        for piece in text.split(',') {
            let (key, value) = piece.split_once('=').unwrap_or((piece, ""));
            let slot = match key.trim() {
                "issuer" => &mut issuer,
                "subject" => &mut subject,
                "team" => &mut team,
                other => return Err(format!("`{other}` is none of the keys subject, team and issuer")),
            };
            let value = value.trim();
            if value.is_empty() || value.contains('*') || slot.replace(value.to_owned()).is_some() {
                return Err(format!("`{piece}` is not KEY=VALUE with one value for each key"));
            }
        }
        let missing =
            |key: &str| format!("`{key}` is missing: a rule must say whom it allows, and who vouches for them");
        Ok(Self {
            issuer: issuer.ok_or_else(|| missing("issuer"))?,
            subject: subject.ok_or_else(|| missing("subject"))?,
            team,
        })
    }

    /// What is noted of the issuer of a caller without a token.
    pub(super) fn vouched(&self) -> Issuer {
        Issuer { audience: None, audiences_differ: true, has_team: self.team.is_some() }
    }

    /// The caller in a few words.
    pub fn describe(&self) -> String {
        match &self.team {
            Some(team) => format!("{} ({team})", self.subject),
            None => self.subject.clone(),
        }
    }

    /// The caller that the bearer token names, if it is a JWT with `iss` and `sub` (RFC 7519), and what is to be noted of
    /// its issuer.
    pub(super) fn of_token(headers: &Headers) -> Option<(Self, Issuer)> {
        let (scheme, token) = header(headers, "authorization")?.trim().split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return None;
        }
        let payload = token.trim().split('.').nth(1)?;
        let payload = URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).ok()?;
        let claims: Value = serde_json::from_slice(&payload).ok()?;
        let text = |name: &str| claims.get(name).and_then(Value::as_str).filter(|it| !it.is_empty());
        // `*` has no meaning in `who`, and is refused there.
        let plain = |it: &&str| !it.contains('*');
        let caller = Self {
            issuer: text("iss")?.to_owned(),
            subject: text("sub").filter(plain)?.to_owned(),
            team: text("team").filter(plain).map(str::to_owned),
        };
        let audience = text("aud").map(str::to_owned);
        let issuer = Issuer { audiences_differ: audience.is_none(), audience, has_team: caller.team.is_some() };
        Some((caller, issuer))
    }
}

impl Issuer {
    /// Adds what another token of the same issuer has.
    pub(super) fn merge(&mut self, other: &Self) {
        self.audiences_differ |= other.audiences_differ || self.audience != other.audience;
        self.has_team |= other.has_team;
    }
}
