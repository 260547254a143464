//! Private keys and password hashes.

use super::Segment::{Maybe, Run, Text};
use super::{Detector, Form, Group};
use crate::secret::verify::class::{ALNUM, BASE64, DIGIT, DOT, PLUS_SLASH, UPPER};

const G: Group = Group::PrivateKeys;

/// The alphabet of crypt(3).
const CRYPT: u16 = ALNUM | DOT | PLUS_SLASH;

pub(super) const DETECTORS: &[Detector] = &[
    Detector::new("private-key", G, &["-----BEGIN "], Form::PrivateKey),
    Detector::new("base64-private-key", G, &["LS0tLS1CRUdJTi"], Form::EncodedPrivateKey),
    Detector::new("putty-private-key", G, &["Private-Lines: "], Form::PuttyKey),
    Detector::token("age-secret-key", G, &["AGE-SECRET-KEY-1", "AGE-SECRET-KEY-PQ-1"], &[Run(UPPER | DIGIT, 58, 100)]),
    Detector::token("bcrypt-hash", G, &["$2a$", "$2b$", "$2y$"], &[Run(DIGIT, 2, 2), Text("$"), Run(CRYPT, 53, 53)]),
    Detector::token(
        "sha512-crypt-hash",
        G,
        &["$6$"],
        &[
            Maybe("rounds=5000$"),
            Maybe("rounds=10000$"),
            Maybe("rounds=500000$"),
            Maybe("rounds=656000$"),
            Run(CRYPT, 1, 16),
            Text("$"),
            Run(CRYPT, 86, 86),
        ],
    ),
    Detector::token(
        "sha256-crypt-hash",
        G,
        &["$5$"],
        &[
            Maybe("rounds=5000$"),
            Maybe("rounds=10000$"),
            Maybe("rounds=500000$"),
            Maybe("rounds=656000$"),
            Run(CRYPT, 1, 16),
            Text("$"),
            Run(CRYPT, 43, 43),
        ],
    ),
    Detector::token("md5-crypt-hash", G, &["$1$", "$apr1$"], &[Run(CRYPT, 1, 8), Text("$"), Run(CRYPT, 22, 22)]),
    Detector::token(
        "yescrypt-hash",
        G,
        &["$y$", "$7$", "$gy$"],
        &[Run(CRYPT, 1, 16), Text("$"), Run(CRYPT, 1, 86), Text("$"), Run(CRYPT, 43, 43)],
    ),
    Detector::token(
        "argon2-hash",
        G,
        &["$argon2id$", "$argon2i$", "$argon2d$"],
        &[
            Text("v="),
            Run(DIGIT, 1, 3),
            Text("$"),
            Text("m="),
            Run(DIGIT, 1, 9),
            Text(",t="),
            Run(DIGIT, 1, 4),
            Text(",p="),
            Run(DIGIT, 1, 4),
            Text("$"),
            Run(BASE64, 8, 90),
            Text("$"),
            Run(BASE64, 16, 180),
        ],
    ),
];
