//! The kinds of secrets, declared as data: one file a group.

mod chat;
mod cloud;
mod database;
mod delivery;
mod generic;
mod identity;
mod keys;
mod llm;
mod observability;
mod payment;
mod personal;
mod registry;
mod version_control;
mod web;

#[cfg(test)]
mod tests;

use crate::secret::verify::class;

/// What detectors are switched by, beside their own names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Group {
    /// Keys of cloud providers and hosts.
    Cloud,
    /// Source code hosts.
    VersionControl,
    /// Chat, mail and messages.
    Chat,
    /// Payment and commerce.
    Payment,
    /// Providers of language models, and what is built around them.
    LanguageModels,
    /// Package registries.
    PackageRegistries,
    /// Databases and connection strings.
    Databases,
    /// Monitoring, logging and paging.
    Observability,
    /// Build, deployment, secret stores and networks.
    Infrastructure,
    /// Identity providers and other services.
    Identity,
    /// Private keys and password hashes.
    PrivateKeys,
    /// What HTTP carries: tokens, credentials in URLs and headers, session cookies.
    Web,
    /// Values assigned to a name that says they are secret.
    Generic,
    /// Personal data; off unless a policy asks for it.
    Personal,
}

impl Group {
    /// All groups.
    pub const ALL: &'static [Self] = &[
        Self::Cloud,
        Self::VersionControl,
        Self::Chat,
        Self::Payment,
        Self::LanguageModels,
        Self::PackageRegistries,
        Self::Databases,
        Self::Observability,
        Self::Infrastructure,
        Self::Identity,
        Self::PrivateKeys,
        Self::Web,
        Self::Generic,
        Self::Personal,
    ];

    /// Its name in a policy. No detector has the name of a group.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cloud => "cloud",
            Self::VersionControl => "version-control",
            Self::Chat => "chat",
            Self::Payment => "payment",
            Self::LanguageModels => "language-models",
            Self::PackageRegistries => "package-registries",
            Self::Databases => "databases",
            Self::Observability => "observability",
            Self::Infrastructure => "infrastructure",
            Self::Identity => "identity",
            Self::PrivateKeys => "private-keys",
            Self::Web => "web",
            Self::Generic => "generic",
            Self::Personal => "personal",
        }
    }

    /// Whether a policy that says `"default"` means it.
    pub fn is_default(self) -> bool {
        self != Self::Personal
    }
}

/// One kind of secret.
#[derive(Debug)]
pub struct Detector {
    /// Stable, kebab-case: in policies, placeholders, audit events and metrics.
    pub name: &'static str,
    /// What it is switched with.
    pub group: Group,
    /// Texts of which one stands in, or right before, every secret of this kind; each at least three bytes long (two,
    /// where the form allows no longer one).
    pub literals: &'static [&'static str],
    /// Whether the literals are taken in any mix of ASCII cases.
    pub folds: bool,
    /// What must surround the literal.
    pub form: Form,
    /// Least Shannon entropy of the value in tenths of a bit a byte; 0 asks for none.
    pub entropy: u8,
    /// What the value carries that proves it: a value whose checksum is right needs no entropy; one whose checksum is
    /// wrong is judged by its entropy, for a typo or a new format must not leak it.
    pub checksum: Checksum,
    /// Values that look like secrets and are none: published examples.
    pub passes: &'static [&'static str],
}

/// What must surround a literal.
#[derive(Clone, Copy, Debug)]
pub enum Form {
    /// The literal, then these segments, then the end of the word.
    Token(&'static [Segment]),
    /// A run of a class (the class, the fewest and the most bytes), the literal, then these segments: the secret begins
    /// before its literal.
    Within(u16, u8, u8, &'static [Segment]),
    /// The literal stands in a name that speaks of a key, token or secret; the value assigned to it consists of exactly
    /// these segments.
    Keyed(&'static [Segment]),
    /// The literal stands in the name of something secret; the value assigned to it is plausible.
    Assignment(Kind),
    /// The literal is the name of a member whose value comes before the member that names it.
    ValueBefore,
    /// The literal begins a command; its password follows this flag, on the same line.
    Command(&'static str),
    /// The beginning of a PEM or PGP block.
    PrivateKey,
    /// The beginning of a PEM block, encoded in base64 once more.
    EncodedPrivateKey,
    /// The private part of a PuTTY key file.
    PuttyKey,
    /// `eyJ`: JWS (three parts) and JWE (five) in compact form.
    Jwt,
    /// `://`: a password in the userinfo of a URL.
    Url,
    /// `bearer `: a token of RFC 6750.
    Bearer,
    /// `basic `: credentials of RFC 7617; also the value of a field whose name is the literal.
    Basic,
    /// A session cookie.
    Cookie,
    /// `user:password` as the argument of a command.
    UserArgument,
    /// A line of a PostgreSQL password file.
    PgPass,
    /// Personal data.
    Personal(Personal),
}

/// A part of a token.
#[derive(Clone, Copy, Debug)]
pub enum Segment {
    /// A run of bytes of a class ([`crate::secret::verify::class`]): the class, the fewest and the most bytes.
    Run(u16, u16, u16),
    /// Exactly this text.
    Text(&'static str),
    /// One of these texts; no one begins another.
    Any(&'static [&'static str]),
    /// This text, or nothing.
    Maybe(&'static str),
    /// A run that need not follow before this text comes: the class, the most bytes, the text. The run takes in the
    /// first occurrence of the text only.
    Until(u16, u16, &'static str),
    /// The secret begins here, and not with the literal.
    Start,
    /// The secret ends this many bytes before here; what lies between and what follows must be there, but stays.
    End(u16),
}

/// What proves a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Checksum {
    /// Nothing.
    None,
    /// The last six bytes are the CRC-32 of those between literal and them, in base62 (`0-9A-Za-z`).
    Crc32Base62,
    /// The last eight bytes, after `_`, are the CRC-32 of all before that `_`, in hexadecimal.
    Crc32Hex,
}

/// What a name in an assignment says of its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Chosen by people: may be short and full of words.
    Password,
    /// Made by machines.
    Secret,
    /// Made by machines; many things that are called tokens are no secrets.
    Token,
    /// Made by machines; the name is of two words.
    Key,
    /// The value of a header that authenticates: an optional scheme goes before.
    Header,
}

/// Kinds of personal data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Personal {
    /// A payment card number: Luhn.
    Card,
    /// An IBAN: ISO 7064 mod 97-10.
    Iban,
    /// A mail address.
    Email,
    /// A telephone number in the international form.
    Phone,
    /// A United States social security number with its dashes.
    Ssn,
    /// A number after its name.
    Named(NationalId),
}

/// National numbers that are found by the name before them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NationalId {
    /// United States social security number, with or without dashes.
    UsSsn,
    /// German tax identification number: ISO 7064 mod 11,10.
    DeTaxId,
    /// Brazilian CPF: two digits mod 11.
    BrCpf,
    /// Dutch BSN: the eleven-proof.
    NlBsn,
    /// Polish PESEL: weights mod 10.
    PlPesel,
    /// Spanish DNI and NIE: a letter mod 23.
    EsDni,
    /// Italian fiscal code: a letter mod 26.
    ItFiscalCode,
    /// French NIR: mod 97.
    FrNir,
    /// Canadian social insurance number: Luhn.
    CaSin,
    /// Indian Aadhaar: Verhoeff.
    InAadhaar,
    /// Australian tax file number: weights mod 11.
    AuTfn,
    /// United Kingdom NHS number: mod 11.
    UkNhs,
    /// United Kingdom national insurance number: its letters.
    UkNino,
    /// Swedish personal number: Luhn.
    SePersonnummer,
}

impl Detector {
    /// How many bytes before its literal a secret may begin, at most.
    pub fn before(&self) -> usize {
        match self.form {
            Form::Within(_, _, most, _) => usize::from(most),
            Form::Personal(Personal::Email) => 64,
            Form::Personal(Personal::Ssn) => 3,
            _ => 0,
        }
    }

    /// Which detector names a secret that several found: of hits that begin at the same byte the least rank wins, and
    /// of equal ranks the longer hit, then the lower number. 0 knows the secret by its own form, 1 by its form and its
    /// name, 2 by its name alone.
    pub fn rank(&self) -> u8 {
        match self.form {
            Form::Assignment(_)
            | Form::ValueBefore
            | Form::Command(_)
            | Form::Cookie
            | Form::UserArgument
            | Form::PgPass => 3,
            Form::Bearer => 2,
            Form::Keyed(_) | Form::Basic | Form::Url => 1,
            _ => 0,
        }
    }

    const fn new(name: &'static str, group: Group, literals: &'static [&'static str], form: Form) -> Self {
        Self { name, group, literals, folds: false, form, entropy: 0, checksum: Checksum::None, passes: &[] }
    }

    /// A token of random bytes.
    const fn token(
        name: &'static str,
        group: Group,
        literals: &'static [&'static str],
        segments: &'static [Segment],
    ) -> Self {
        Self::new(name, group, literals, Form::Token(segments)).entropy(25)
    }

    /// A value of a known shape that needs its name beside it.
    const fn keyed(
        name: &'static str,
        group: Group,
        literals: &'static [&'static str],
        segments: &'static [Segment],
    ) -> Self {
        Self::new(name, group, literals, Form::Keyed(segments)).entropy(25).folding()
    }

    const fn entropy(mut self, tenths: u8) -> Self {
        self.entropy = tenths;
        self
    }

    const fn folding(mut self) -> Self {
        self.folds = true;
        self
    }

    const fn checksum(mut self, checksum: Checksum) -> Self {
        self.checksum = checksum;
        self
    }

    const fn passes(mut self, passes: &'static [&'static str]) -> Self {
        self.passes = passes;
        self
    }
}

/// A UUID (RFC 9562).
const UUID: &[Segment] = &[
    Segment::Run(class::HEX, 8, 8),
    Segment::Text("-"),
    Segment::Run(class::HEX, 4, 4),
    Segment::Text("-"),
    Segment::Run(class::HEX, 4, 4),
    Segment::Text("-"),
    Segment::Run(class::HEX, 4, 4),
    Segment::Text("-"),
    Segment::Run(class::HEX, 12, 12),
];

/// Those that go by names.
pub(crate) fn assignments() -> impl Iterator<Item = &'static Detector> {
    generic::DETECTORS.iter().filter(|detector| matches!(detector.form, Form::Assignment(_)))
}

/// All of them; a detector's number is its index here.
pub fn detectors() -> impl Iterator<Item = &'static Detector> {
    [
        cloud::DETECTORS,
        version_control::DETECTORS,
        chat::DETECTORS,
        payment::DETECTORS,
        llm::DETECTORS,
        registry::DETECTORS,
        database::DETECTORS,
        observability::DETECTORS,
        delivery::DETECTORS,
        identity::DETECTORS,
        keys::DETECTORS,
        web::DETECTORS,
        generic::DETECTORS,
        personal::DETECTORS,
    ]
    .into_iter()
    .flatten()
}
