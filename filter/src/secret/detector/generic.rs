//! Values assigned to a name that says they are secret.

use super::{Detector, Form, Group, Kind};

const G: Group = Group::Generic;

pub(super) const DETECTORS: &[Detector] = &[
    Detector::new(
        "password",
        G,
        &[
            "password",
            "passwd",
            "passphrase",
            "passwort",
            "kennwort",
            "contrasena",
            "pwd",
            "_pass",
            "-pass",
            "dbpass",
            "userpass",
            "rootpass",
            "passcode",
            "\"pass\"",
        ],
        Form::Assignment(Kind::Password),
    )
    .folding(),
    Detector::new("generic-secret", G, &["secret", "credential", "signature_key"], Form::Assignment(Kind::Secret))
        .folding()
        .entropy(28),
    Detector::new("generic-token", G, &["token", "_pat", "_jwt", "auth_code"], Form::Assignment(Kind::Token))
        .folding()
        .entropy(28),
    Detector::new(
        "generic-api-key",
        G,
        &[
            "api_key",
            "apikey",
            "api-key",
            "api key",
            "access_key",
            "accesskey",
            "access-key",
            "private_key",
            "privatekey",
            "private-key",
            "auth_key",
            "authkey",
            "auth-key",
            "encryption_key",
            "encryptionkey",
            "encryption-key",
            "signing_key",
            "signingkey",
            "signing-key",
            "account_key",
            "accountkey",
            "account-key",
            "master_key",
            "masterkey",
            "master-key",
            "license_key",
            "licensekey",
            "service_key",
            "servicekey",
            "admin_key",
            "shared_key",
            "sharedkey",
            "session_key",
            "storage_key",
            "app_key",
            "hmac_key",
            "webhook_key",
            "deploy_key",
            "ssh_key",
            "subscription-key",
            "function-key",
            "functions-key",
        ],
        Form::Assignment(Kind::Key),
    )
    .folding()
    .entropy(28),
];
