//! Payment and commerce.

use super::Segment::{Run, Text};
use super::{Detector, Form, Group, UUID};
use crate::secret::verify::class::{ALNUM, BASE64, BASE64URL, DIGIT, EQUALS, HEX, LOWER};

const G: Group = Group::Payment;

pub(super) const DETECTORS: &[Detector] = &[
    Detector::token("stripe-secret-key", G, &["sk_live_", "sk_test_", "sk_prod_"], &[Run(ALNUM, 16, 250)]),
    Detector::token("stripe-restricted-key", G, &["rk_live_", "rk_test_", "rk_prod_"], &[Run(ALNUM, 16, 250)]),
    Detector::token("webhook-signing-secret", G, &["whsec_"], &[Run(BASE64 | EQUALS, 24, 80)]),
    Detector::token("square-access-token", G, &["EAAA", "sq0atp-"], &[Run(BASE64URL, 22, 64)]).entropy(35),
    Detector::token("square-oauth-secret", G, &["sq0csp-"], &[Run(BASE64URL, 40, 64)]),
    Detector::token(
        "braintree-access-token",
        G,
        &["access_token$production$", "access_token$sandbox$"],
        &[Run(LOWER | DIGIT, 16, 16), Text("$"), Run(HEX, 32, 32)],
    ),
    Detector::keyed("paypal-client-secret", G, &["paypal"], &[Run(BASE64URL, 80, 80)]),
    Detector::token("shopify-access-token", G, &["shpat_"], &[Run(HEX, 32, 32)]),
    Detector::token("shopify-custom-access-token", G, &["shpca_"], &[Run(HEX, 32, 32)]),
    Detector::token("shopify-private-app-token", G, &["shppa_"], &[Run(HEX, 32, 32)]),
    Detector::token("shopify-shared-secret", G, &["shpss_"], &[Run(HEX, 32, 32)]),
    Detector::new(
        "adyen-api-key",
        G,
        &["hmfuXNWTK0Qc"],
        Form::Within(
            ALNUM,
            4,
            4,
            &[
                Run(BASE64 | EQUALS, 60, 400),
                Text("-"),
                Run(BASE64 | EQUALS, 20, 100),
                Text("-"),
                Run(PRINTABLE, 8, 100),
            ],
        ),
    ),
    Detector::new(
        "plaid-access-token",
        G,
        &["access-sandbox-", "access-development-", "access-production-"],
        Form::Token(UUID),
    )
    .entropy(25),
    Detector::keyed("plaid-secret", G, &["plaid"], &[Run(HEX, 30, 30)]),
    Detector::keyed("razorpay-key-secret", G, &["razorpay"], &[Run(ALNUM, 24, 24)]),
    Detector::token("flutterwave-secret-key", G, &["FLWSECK_TEST-", "FLWSECK-"], &[Run(ALNUM, 32, 32), Text("-X")]),
    Detector::token("mollie-api-key", G, &["live_", "test_"], &[Run(ALNUM, 30, 30)]).entropy(35),
    Detector::token("gocardless-access-token", G, &["live_"], &[Run(BASE64URL, 40, 40)]).entropy(35),
    Detector::token("easypost-api-key", G, &["EZAK", "EZTK"], &[Run(ALNUM, 54, 54)]),
    Detector::token("shippo-api-token", G, &["shippo_live_", "shippo_test_"], &[Run(HEX, 40, 40)]),
    Detector::token("duffel-api-token", G, &["duffel_live_", "duffel_test_"], &[Run(BASE64URL, 43, 43)]),
    Detector::keyed("coinbase-secret", G, &["coinbase"], &[Run(BASE64URL, 64, 64)]),
    Detector::token("xendit-api-key", G, &["xnd_production_", "xnd_development_"], &[Run(ALNUM, 40, 80)]),
];

/// What may follow in an Adyen key: base64 with all kinds of punctuation is seen; this much is agreed on.
const PRINTABLE: u16 = BASE64URL | BASE64 | EQUALS;
