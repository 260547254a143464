//! An identity provider that lives as long as the process: one Ed25519 key, its JWKS, and tokens.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::{Signer as _, SigningKey};
use serde_json::{Value, json};

/// Who a token speaks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Principal {
    /// The `sub` claim.
    pub subject: &'static str,
    /// The `team` claim.
    pub team: &'static str,
    /// The `groups` claim.
    pub groups: &'static [&'static str],
}

/// Signs tokens (JWS with EdDSA, RFC 8037) with a key made when it was created.
pub struct Issuer {
    name: String,
    key: SigningKey,
}

impl std::fmt::Debug for Issuer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Issuer").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Issuer {
    /// A new issuer with a fresh key. `name` is the `iss` claim of its tokens.
    ///
    /// # Errors
    /// The operating system has no random bytes.
    pub fn new(name: &str) -> Result<Self, getrandom::Error> {
        let mut seed = [0; 32];
        getrandom::fill(&mut seed)?;
        Ok(Self { name: name.to_owned(), key: SigningKey::from_bytes(&seed) })
    }

    /// The `iss` claim of the tokens.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The key set (RFC 7517) that verifies the tokens, as text.
    pub fn jwks(&self) -> String {
        let x = URL_SAFE_NO_PAD.encode(self.key.verifying_key().as_bytes());
        json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": "demo", "x": x}]})
            .to_string()
    }

    /// A token for `principal` and `audience`, good for an hour.
    pub fn token(&self, principal: &Principal, audience: &str) -> String {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |it| it.as_secs());
        self.sign(&json!({
            "iss": self.name,
            "aud": audience,
            "sub": principal.subject,
            "team": principal.team,
            "groups": principal.groups,
            "iat": now,
            "exp": now + 3600,
        }))
    }

    /// A token with these claims, whatever they are.
    pub fn sign(&self, claims: &Value) -> String {
        let header = json!({"alg": "EdDSA", "typ": "JWT", "kid": "demo"});
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(&header), part(claims));
        let signature = self.key.sign(signed.as_bytes());
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature.to_bytes()))
    }
}

/// The `sub` claim of a bearer token, unverified: the sample server stands behind an Envoy that has verified it.
pub(super) fn subject_of(authorization: &str) -> Option<String> {
    let token = authorization.strip_prefix("Bearer ")?;
    let claims = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    let claims: Value = serde_json::from_slice(&claims).ok()?;
    Some(claims.get("sub")?.as_str()?.to_owned())
}

#[cfg(test)]
mod tests {
    use ed25519_dalek::Signature;

    use super::*;

    #[test]
    fn a_token_verifies_against_the_published_key() {
        let issuer = Issuer::new("https://idp.example.com").unwrap();
        let token = issuer.token(&Principal { subject: "ada", team: "finance", groups: &["a"] }, "mcp");
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let jwks: Value = serde_json::from_str(&issuer.jwks()).unwrap();
        let x = URL_SAFE_NO_PAD.decode(jwks["keys"][0]["x"].as_str().unwrap()).unwrap();
        let key = ed25519_dalek::VerifyingKey::from_bytes(&x.try_into().unwrap()).unwrap();
        let signature = Signature::from_slice(&URL_SAFE_NO_PAD.decode(signature).unwrap()).unwrap();
        key.verify_strict(signed.as_bytes(), &signature).unwrap();
        assert_eq!(subject_of(&format!("Bearer {token}")).as_deref(), Some("ada"));
        assert_eq!(subject_of("Basic x"), None);
    }
}
