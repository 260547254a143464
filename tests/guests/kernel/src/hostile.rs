//! Texts made to be slow.

use tidegate_filter::secret::detector::{Detector, detectors};

/// A text and what it is called.
#[derive(Debug, Clone)]
pub struct Hostile {
    /// Without blanks.
    pub name: String,
    /// What is repeated.
    pub unit: String,
}

impl Hostile {
    fn new(name: &str, unit: impl Into<String>) -> Self {
        Self { name: name.to_owned(), unit: unit.into() }
    }

    /// About `bytes` bytes of it.
    pub fn text(&self, bytes: usize) -> Vec<u8> {
        self.unit.as_bytes().repeat((bytes / self.unit.len().max(1)).max(1))
    }
}

/// Those that somebody thought of.
pub fn known() -> Vec<Hostile> {
    let is_default = |detector: &&Detector| detector.group.is_default();
    let literals: Vec<&str> = detectors().filter(is_default).flat_map(|it| it.literals).copied().collect();
    let mut all = vec![
        Hostile::new("password=", "password="),
        Hostile::new("bearer-long", format!("bearer {}", "A".repeat(40))),
        Hostile::new("token-quote", "token: \""),
        Hostile::new("password-blanks", "password      = "),
        Hostile::new("T3BlbkFJ", "T3BlbkFJ"),
        Hostile::new("AKIA", "AKIA"),
        Hostile::new("begin", "-----BEGIN "),
        Hostile::new("begin-private", "-----BEGIN PRIVATE KEY-----"),
        Hostile::new("begin-private-body", format!("-----BEGIN PRIVATE KEY-----\n{}\n", "QUFB".repeat(16))),
        Hostile::new("secret", "secret"),
        Hostile::new("eyJ", "eyJ"),
        Hostile::new("eyJ.eyJ", "eyJhbGciOiJIUzI1NiJ9.eyJ"),
        Hostile::new("eyJ-parts", "eyJhbGciOiJIUzI1NiJ9."),
        Hostile::new("mail", "a@b"),
        Hostile::new("url", "://"),
        Hostile::new("url-colon", "a://b:"),
        Hostile::new("url-at", "a://b:c@"),
        Hostile::new("quotes", "\""),
        Hostile::new("quoted-keys", "\"password\":\""),
        Hostile::new("key-blanks", format!("\"password\"{}", " ".repeat(30))),
        Hostile::new("words-of-keys", "secret_token_password_api_key_"),
        Hostile::new("colons", ":AA"),
        Hostile::new("digits-AA", "123456789:AA"),
        Hostile::new("base64", "QUtJQQ+/"),
        Hostile::new("letters", "e"),
        Hostile::new("zeros", "\0"),
        Hostile::new("dashes", "-"),
        Hostile::new("underscores", "_"),
        Hostile::new("hex", "0123456789abcdef"),
        Hostile::new("all-literals", literals.concat()),
        Hostile::new("all-literals-dashed", literals.join("-")),
        Hostile::new("all-literals-assigned", literals.join("=")),
        Hostile::new("all-literals-quoted", literals.join("\": \"")),
        Hostile::new("all-literals-apart", literals.join(" ")),
        Hostile::new("all-literals-cut", literals.iter().map(|it| &it[..it.len() - 1]).collect::<String>()),
    ];
    let backwards: Vec<&str> = literals.iter().rev().copied().collect();
    all.push(Hostile::new("all-literals-backwards", backwards.concat()));
    all
}

/// For every literal of the default detectors: itself and what may follow it, over and over.
pub fn of_every_literal() -> Vec<Hostile> {
    let mut all = Vec::new();
    for detector in detectors().filter(|it| it.group.is_default()) {
        for literal in detector.literals {
            for (what, tail) in [
                ("", ""),
                ("-A", "A"),
                ("-dash", "-"),
                ("-=", "="),
                ("-blanks", "        "),
                ("-quoted", "\": \""),
                ("-run", "a1B2c3D4e5F6g7H8"),
            ] {
                let name = format!("{}-{literal}{what}", detector.name).replace([' ', '\n'], "~");
                all.push(Hostile { name, unit: format!("{literal}{tail}") });
            }
        }
    }
    all
}
