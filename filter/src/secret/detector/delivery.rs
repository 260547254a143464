//! Build, deployment, secret stores and networks.

use super::Segment::{Any, Run, Start, Text};
use super::{Detector, Form, Group, UUID};
use crate::secret::verify::class::{ALNUM, BASE64, BASE64URL, DASH, DIGIT, DOT, EQUALS, HEX, LOWER, UPPER};

const G: Group = Group::Infrastructure;

pub(super) const DETECTORS: &[Detector] = &[
    Detector::token("vault-service-token", G, &["hvs."], &[Run(BASE64URL, 24, 300)]),
    Detector::token("vault-batch-token", G, &["hvb."], &[Run(BASE64URL, 24, 500)]),
    Detector::token("vault-recovery-token", G, &["hvr."], &[Run(BASE64URL, 24, 300)]),
    Detector::keyed("vault-legacy-token", G, &["vault"], &[Any(&["s.", "b.", "r."]), Run(ALNUM, 24, 24)]),
    Detector::new("terraform-cloud-token", G, &[".atlasv1."], Form::Within(ALNUM, 14, 14, &[Run(BASE64URL, 60, 70)]))
        .entropy(35),
    Detector::token(
        "vault-unseal-key",
        G,
        &["Unseal Key "],
        &[Run(DIGIT, 1, 2), Text(": "), Start, Run(BASE64, 43, 43), Text("=")],
    ),
    Detector::token("pulumi-access-token", G, &["pul-"], &[Run(HEX, 40, 40)]),
    Detector::token(
        "doppler-token",
        G,
        &["dp.pt.", "dp.ct.", "dp.sa.", "dp.scim.", "dp.audit.", "dp.said."],
        &[Run(ALNUM, 40, 44)],
    ),
    Detector::token("doppler-service-token", G, &["dp.st."], &[Run(BASE64URL | DOT, 40, 80)]),
    Detector::token("circleci-token", G, &["CCIPAT_", "CCIPRJ_"], &[Run(ALNUM, 22, 22), Text("_"), Run(HEX, 40, 40)]),
    Detector::keyed("circleci-legacy-token", G, &["circleci", "circle_token", "circle-token"], &[Run(HEX, 40, 40)]),
    Detector::token("buildkite-token", G, &["bkua_", "bkaj_", "bkct_", "bkpt_"], &[Run(ALNUM, 40, 64)]),
    Detector::keyed("travis-ci-token", G, &["travis"], &[Run(BASE64URL, 22, 22)]).entropy(33),
    Detector::keyed("jenkins-api-token", G, &["jenkins"], &[Run(HEX, 34, 34)]),
    Detector::keyed("drone-ci-token", G, &["drone"], &[Run(ALNUM, 32, 32)]),
    Detector::token("octopus-deploy-api-key", G, &["API-"], &[Run(UPPER | DIGIT, 26, 32)]),
    Detector::token(
        "harness-token",
        G,
        &["pat.", "sat."],
        &[Run(BASE64URL, 22, 22), Text("."), Run(HEX, 24, 24), Text("."), Run(ALNUM, 20, 20)],
    ),
    Detector::token("infracost-api-token", G, &["ico-"], &[Run(ALNUM, 32, 32)]),
    Detector::keyed(
        "rancher-token",
        G,
        &["rancher"],
        &[Text("token-"), Run(LOWER | DIGIT, 5, 5), Text(":"), Run(LOWER | DIGIT, 54, 54)],
    ),
    Detector::keyed(
        "kubeadm-bootstrap-token",
        G,
        &["kubeadm", "--token", "bootstrap"],
        &[Run(LOWER | DIGIT, 6, 6), Text("."), Run(LOWER | DIGIT, 16, 16)],
    ),
    Detector::token(
        "docker-swarm-join-token",
        G,
        &["SWMTKN-1-"],
        &[Run(LOWER | DIGIT, 50, 50), Text("-"), Run(LOWER | DIGIT, 25, 25)],
    ),
    Detector::token(
        "tailscale-key",
        G,
        &["tskey-auth-", "tskey-api-", "tskey-client-", "tskey-scim-", "tskey-webhook-", "tskey-"],
        &[Run(ALNUM, 8, 40), Text("-"), Run(ALNUM, 16, 64)],
    ),
    Detector::keyed("ngrok-auth-token", G, &["ngrok"], &[Run(ALNUM | super::class::UNDERSCORE, 48, 50)]),
    Detector::keyed("consul-token", G, &["consul"], UUID),
    Detector::keyed("nomad-token", G, &["nomad"], UUID),
    Detector::new("launchdarkly-key", G, &["api-", "sdk-", "mob-"], Form::Token(UUID)).entropy(25),
    Detector::keyed("snyk-api-token", G, &["snyk"], UUID),
    Detector::token("snyk-pat", G, &["snyk_uat."], &[Run(ALNUM, 8, 8), Text("."), Run(BASE64URL | DOT, 40, 600)]),
    Detector::token(
        "onepassword-service-account-token",
        G,
        &["ops_eyJ"],
        &[Run(BASE64 | BASE64URL | EQUALS, 80, 1024)],
    ),
    Detector::token(
        "onepassword-secret-key",
        G,
        &["A3-"],
        &[Run(UPPER | DIGIT, 6, 6), Text("-"), Run(UPPER | DIGIT, 6, 11), Text("-"), Run(UPPER | DIGIT | DASH, 17, 23)],
    ),
    Detector::token(
        "infisical-service-token",
        G,
        &["st."],
        &[Run(HEX, 24, 24), Text("."), Run(HEX, 32, 32), Text("."), Run(HEX, 32, 32)],
    ),
    Detector::token("prefect-api-token", G, &["pnu_", "pnb_"], &[Run(ALNUM, 36, 36)]),
    Detector::keyed(
        "wireguard-private-key",
        G,
        &["privatekey", "private_key", "presharedkey"],
        &[Run(BASE64, 43, 43), Text("=")],
    ),
    Detector::keyed("fastly-api-token", G, &["fastly"], &[Run(BASE64URL, 32, 32)]),
    Detector::token("spacelift-token", G, &["spct_"], &[Run(ALNUM, 32, 64)]),
    Detector::token(
        "akamai-token",
        G,
        &["akab-"],
        &[Run(LOWER | DIGIT, 16, 16), Text("-"), Run(LOWER | DIGIT, 16, 16)],
    ),
    Detector::token("env0-api-key", G, &["e0_"], &[Run(ALNUM, 40, 64)]),
    Detector::token("ansible-galaxy-token", G, &["galaxy_"], &[Run(HEX, 40, 40)]),
];
