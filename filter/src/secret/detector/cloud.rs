//! Cloud providers and hosts.

use super::Segment::{Any, Maybe, Run, Start, Text};
use super::{Detector, Form, Group, UUID};
use crate::secret::verify::class::{ALNUM, BASE32, BASE64, BASE64URL, DIGIT, DOT, EQUALS, HEX, PERCENT, TILDE, UPPER};

const G: Group = Group::Cloud;

pub(super) const DETECTORS: &[Detector] = &[
    Detector::token("aws-access-key-id", G, &["AKIA", "ASIA", "ABIA", "ACCA"], &[Run(BASE32, 16, 16)])
        .passes(&["AKIAIOSFODNN7EXAMPLE", "AKIAI44QH8DHBEXAMPLE"]),
    Detector::keyed(
        "aws-secret-access-key",
        G,
        &["aws_secret", "aws-secret", "awssecret", "secret_access_key", "secretaccesskey", "secret-access-key"],
        &[Run(BASE64, 40, 40)],
    )
    .entropy(35)
    .passes(&["wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "je7MtGbClwBF/2Zp9Utk/h3yCo8nvbEXAMPLEKEY"]),
    Detector::token(
        "aws-session-token",
        G,
        &["IQoJb3JpZ2lu", "FwoGZXIvYXdz", "FQoGZXIvYXdz"],
        &[Run(BASE64 | EQUALS | PERCENT, 100, 4096)],
    ),
    Detector::token("aws-bedrock-api-key", G, &["ABSK"], &[Run(BASE64 | EQUALS, 109, 270)]),
    Detector::token("aws-bedrock-short-term-key", G, &["bedrock-api-key-"], &[Run(BASE64 | EQUALS, 100, 4096)]),
    Detector::new("aws-mws-auth-token", G, &["amzn.mws."], Form::Token(UUID)).entropy(25),
    Detector::token(
        "azure-storage-account-key",
        G,
        &["accountkey="],
        &[Start, Run(BASE64 | PERCENT, 86, 92), Any(&["==", "%3D%3D", "%3d%3d"])],
    )
    .folding(),
    Detector::token(
        "azure-shared-access-key",
        G,
        &["sharedaccesskey=", "sharedsecretkey="],
        &[Start, Run(BASE64, 43, 43), Text("=")],
    )
    .folding(),
    Detector::token(
        "azure-sas-signature",
        G,
        &["sig="],
        &[Start, Run(BASE64 | PERCENT, 43, 64), Maybe("="), Maybe("=")],
    )
    .entropy(35),
    Detector::new(
        "azure-client-secret",
        G,
        &["Q~"],
        Form::Within(ALNUM | DASH_DOT, 4, 4, &[Run(ALNUM | DASH_DOT, 31, 34)]),
    )
    .entropy(35),
    Detector::keyed("azure-cognitive-services-key", G, &["azure"], &[Run(HEX, 32, 32)]),
    Detector::token("google-api-key", G, &["AIza"], &[Run(BASE64URL, 35, 35)]).entropy(30),
    Detector::token("google-oauth-client-secret", G, &["GOCSPX-"], &[Run(BASE64URL, 28, 28)]),
    Detector::token("google-oauth-access-token", G, &["ya29."], &[Run(BASE64URL | DOT, 30, 1024)]).entropy(30),
    Detector::token("google-oauth-refresh-token", G, &["1//0"], &[Run(BASE64URL, 40, 200)]).entropy(35),
    Detector::token("digitalocean-pat", G, &["dop_v1_"], &[Run(HEX, 64, 64)]),
    Detector::token("digitalocean-oauth-token", G, &["doo_v1_"], &[Run(HEX, 64, 64)]),
    Detector::token("digitalocean-refresh-token", G, &["dor_v1_"], &[Run(HEX, 64, 64)]),
    Detector::token("alibaba-access-key-id", G, &["LTAI"], &[Run(ALNUM, 12, 26)]).entropy(28),
    Detector::keyed(
        "alibaba-access-key-secret",
        G,
        &["alibaba", "aliyun", "access_key_secret", "accesskeysecret", "access-key-secret"],
        &[Run(ALNUM, 30, 30)],
    )
    .entropy(30),
    Detector::token("tencent-secret-id", G, &["AKID"], &[Run(ALNUM, 32, 32)]).entropy(30),
    Detector::keyed("tencent-secret-key", G, &["tencent", "qcloud"], &[Run(ALNUM, 32, 32)]).entropy(30),
    Detector::token("cloudflare-token", G, &["cfut_", "cfat_", "cfoat_"], &[Run(BASE64URL, 40, 64)]),
    Detector::keyed(
        "cloudflare-api-token",
        G,
        &["cloudflare", "cf_api", "cf-api", "x-auth-key"],
        &[Run(BASE64URL, 37, 40)],
    )
    .entropy(30),
    Detector::token("cloudflare-origin-ca-key", G, &["v1.0-"], &[Run(HEX, 24, 24), Text("-"), Run(HEX, 146, 146)]),
    Detector::keyed("heroku-api-key", G, &["heroku"], UUID),
    Detector::token("heroku-platform-key", G, &["HRKU-"], &[Run(BASE64URL, 36, 64)]),
    Detector::token(
        "flyio-access-token",
        G,
        &["fm2_", "fm1r_", "fm1a_", "fo1_"],
        &[Run(BASE64URL | BASE64 | EQUALS, 40, 2048)],
    ),
    Detector::token("netlify-access-token", G, &["nfp_", "nfc_", "nfo_"], &[Run(ALNUM, 36, 48)]),
    Detector::token("vercel-token", G, &["vcp_", "vci_", "vca_", "vcr_", "vck_"], &[Run(ALNUM, 24, 64)]).entropy(30),
    Detector::keyed("vercel-api-token", G, &["vercel"], &[Run(ALNUM, 24, 24)]).entropy(30),
    Detector::token("render-api-key", G, &["rnd_"], &[Run(ALNUM, 32, 32)]),
    Detector::keyed("scaleway-secret-key", G, &["scw_secret", "scaleway"], UUID),
    Detector::keyed("linode-api-token", G, &["linode"], &[Run(HEX, 64, 64)]),
    Detector::keyed("hetzner-api-token", G, &["hetzner", "hcloud"], &[Run(ALNUM, 64, 64)]),
    Detector::keyed(
        "ibm-cloud-api-key",
        G,
        &["ibmcloud", "ibm_cloud", "ibm-cloud", "bluemix"],
        &[Run(BASE64URL, 44, 44)],
    ),
    Detector::keyed("vultr-api-key", G, &["vultr"], &[Run(UPPER | DIGIT, 36, 36)]),
    Detector::token("yandex-cloud-api-key", G, &["AQVN"], &[Run(BASE64URL, 35, 38)]).entropy(30),
    Detector::token("fernet-token", G, &["gAAAAAB"], &[Run(BASE64URL | EQUALS, 93, 2048)]).entropy(35),
    Detector::token("vercel-blob-token", G, &["vercel_blob_rw_"], &[Run(BASE64URL, 40, 64)]),
    Detector::keyed("ovh-application-secret", G, &["ovh_", "ovh-"], &[Run(ALNUM, 32, 32)]),
];

const DASH_DOT: u16 = crate::secret::verify::class::DASH | crate::secret::verify::class::UNDERSCORE | DOT | TILDE;
