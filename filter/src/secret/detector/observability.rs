//! Monitoring, logging and paging.

use super::Segment::{Any, Run, Text};
use super::{Checksum, Detector, Group, UUID};
use crate::secret::verify::class::{ALNUM, BASE32, BASE64, BASE64URL, DIGIT, EQUALS, HEX, LOWER, UPPER};

const G: Group = Group::Observability;

pub(super) const DETECTORS: &[Detector] = &[
    Detector::keyed("datadog-api-key", G, &["datadog", "dd_api", "dd-api", "ddapi"], &[Run(HEX, 32, 32)]),
    Detector::keyed(
        "datadog-app-key",
        G,
        &["datadog", "dd_app", "dd-app", "ddapp", "dd-application"],
        &[Run(HEX, 40, 40)],
    ),
    Detector::token("datadog-token", G, &["ddapp_", "ddpat_", "ddat_"], &[Run(ALNUM, 34, 64)]),
    Detector::token("new-relic-user-key", G, &["NRAK-"], &[Run(UPPER | DIGIT, 27, 27)]),
    Detector::token("new-relic-insert-key", G, &["NRII-"], &[Run(BASE64URL, 32, 32)]),
    Detector::token("new-relic-query-key", G, &["NRIQ-"], &[Run(BASE64URL, 32, 32)]),
    Detector::token("new-relic-browser-key", G, &["NRJS-"], &[Run(HEX, 19, 19)]),
    Detector::keyed(
        "new-relic-license-key",
        G,
        &["newrelic", "new_relic", "new-relic"],
        &[Run(HEX, 36, 36), Any(&["NRAL", "nral"])],
    ),
    Detector::token("grafana-service-account-token", G, &["glsa_"], &[Run(ALNUM, 32, 32), Text("_"), Run(HEX, 8, 8)])
        .checksum(Checksum::Crc32Hex),
    Detector::token("grafana-cloud-token", G, &["glc_"], &[Run(BASE64 | EQUALS, 32, 400)]),
    Detector::token("grafana-api-key", G, &["eyJrIjoi"], &[Run(BASE64 | EQUALS, 60, 400)]),
    Detector::token("sentry-org-token", G, &["sntrys_"], &[Run(BASE64URL | BASE64 | EQUALS, 60, 400)]),
    Detector::token("sentry-user-token", G, &["sntryu_"], &[Run(HEX, 64, 64)]),
    Detector::keyed("sentry-auth-token", G, &["sentry"], &[Run(HEX, 64, 64)]),
    Detector::token(
        "honeycomb-api-key",
        G,
        &["hcaik_01", "hcbik_01", "hccik_01", "hcdik_01", "hcxik_01", "hcalk_01", "hcxlk_01", "hcamk_01", "hcxmk_01"],
        &[Run(LOWER | DIGIT, 56, 60)],
    ),
    Detector::keyed("honeycomb-classic-key", G, &["honeycomb"], &[Run(HEX, 32, 32)]),
    Detector::token(
        "dynatrace-token",
        G,
        &["dt0c01.", "dt0s01.", "dt0s02.", "dt0s08.", "dt0s16."],
        &[Run(BASE32, 24, 24), Text("."), Run(BASE32, 64, 64)],
    ),
    Detector::keyed(
        "pagerduty-api-key",
        G,
        &["pagerduty", "pager_duty", "pd_api", "pd_token"],
        &[Run(BASE64URL | BASE64, 20, 20)],
    ),
    Detector::keyed("opsgenie-api-key", G, &["opsgenie"], UUID),
    Detector::keyed("splunk-hec-token", G, &["splunk", "hec_token"], UUID),
    Detector::keyed("rollbar-access-token", G, &["rollbar"], &[Run(HEX, 32, 32)]),
    Detector::keyed("bugsnag-api-key", G, &["bugsnag"], &[Run(HEX, 32, 32)]),
    Detector::keyed("sumo-logic-access-key", G, &["sumologic", "sumo_logic", "sumo_access"], &[Run(ALNUM, 64, 64)]),
    Detector::keyed("logzio-token", G, &["logzio", "logz_io"], &[Run(ALNUM, 32, 32)]),
    Detector::keyed("lightstep-access-token", G, &["lightstep"], &[Run(BASE64URL | BASE64, 64, 200)]),
    Detector::token("axiom-token", G, &["xaat-", "xapt-"], UUID),
    Detector::token("posthog-personal-key", G, &["phx_", "phs_"], &[Run(ALNUM, 40, 64)]),
    Detector::keyed("better-stack-token", G, &["betterstack", "logtail"], &[Run(ALNUM, 24, 24)]),
    Detector::keyed("signalfx-token", G, &["signalfx", "sfx_"], &[Run(BASE64URL, 22, 22)]),
    Detector::keyed("mixpanel-secret", G, &["mixpanel"], &[Run(HEX, 32, 32)]),
    Detector::keyed("segment-write-key", G, &["segment_"], &[Run(ALNUM, 32, 32)]),
    Detector::token("segment-public-api-token", G, &["sgp_"], &[Run(ALNUM, 64, 64)]),
    Detector::token("incident-io-key", G, &["inc_"], &[Run(HEX, 64, 64)]),
];
