//! Identity providers and other services.

use super::Segment::{Any, Run, Start, Text};
use super::{Detector, Form, Group, UUID};
use crate::secret::verify::class::{ALNUM, BASE64, BASE64URL, DASH, DIGIT, DOT, EQUALS, HEX, LOWER, PERCENT, UPPER};

const G: Group = Group::Identity;

pub(super) const DETECTORS: &[Detector] = &[
    Detector::token("atlassian-api-token", G, &["ATATT3xFfG"], &[Run(BASE64URL | EQUALS, 100, 300)]),
    Detector::token("atlassian-admin-key", G, &["ATCTT3xFfGN0"], &[Run(BASE64URL | EQUALS, 100, 300)]),
    Detector::keyed("atlassian-legacy-token", G, &["atlassian", "confluence", "jira"], &[Run(ALNUM, 24, 24)])
        .entropy(33),
    Detector::token("trello-api-token", G, &["ATTA"], &[Run(HEX, 72, 72)]),
    Detector::token(
        "asana-pat",
        G,
        &["1/", "2/", "0/"],
        &[Run(DIGIT, 13, 20), Any(&["/", ":"]), Run(ALNUM | DASH | SLASH_COLON, 32, 64)],
    ),
    Detector::token("figma-pat", G, &["figd_", "figoh_", "figor_", "figu_"], &[Run(BASE64URL, 38, 64)]),
    Detector::keyed("airtable-pat", G, &["airtable"], &[Text("pat"), Run(ALNUM, 14, 14), Text("."), Run(HEX, 64, 64)]),
    Detector::keyed("airtable-api-key", G, &["airtable"], &[Text("key"), Run(ALNUM, 14, 14)]),
    Detector::token("hubspot-private-app-token", G, &["pat-na1-", "pat-na2-", "pat-eu1-", "pat-ap1-"], UUID),
    Detector::keyed("hubspot-api-key", G, &["hubspot", "hapikey"], UUID),
    Detector::keyed("zendesk-api-token", G, &["zendesk"], &[Run(ALNUM, 40, 40)]),
    Detector::token("intercom-access-token", G, &["dG9rO"], &[Run(BASE64, 54, 54), Text("=")]),
    Detector::token("linear-api-key", G, &["lin_api_"], &[Run(ALNUM, 32, 64)]),
    Detector::token("linear-oauth-token", G, &["lin_oauth_", "lin_wh_"], &[Run(ALNUM, 32, 64)]),
    Detector::token("notion-api-token", G, &["ntn_"], &[Run(ALNUM, 40, 50)]),
    Detector::token("notion-legacy-token", G, &["secret_"], &[Run(ALNUM, 43, 43)]).entropy(35),
    Detector::token("postman-api-key", G, &["PMAK-"], &[Run(HEX, 24, 24), Text("-"), Run(HEX, 34, 34)]),
    Detector::token("contentful-pat", G, &["CFPAT-"], &[Run(BASE64URL, 43, 43)]),
    Detector::keyed("contentful-delivery-token", G, &["contentful"], &[Run(BASE64URL, 43, 43)]),
    Detector::token("typeform-pat", G, &["tfp_"], &[Run(BASE64URL | DOT, 40, 64)]),
    Detector::token("dropbox-access-token", G, &["sl.A", "sl.B", "sl.C", "sl.u."], &[Run(BASE64URL, 60, 2048)]),
    Detector::new("okta-ssws-token", G, &["SSWS "], Form::Token(&[Start, Text("00"), Run(BASE64URL, 38, 42)]))
        .entropy(35),
    Detector::keyed("okta-api-token", G, &["okta"], &[Text("00"), Run(BASE64URL, 38, 42)]),
    Detector::keyed("auth0-client-secret", G, &["auth0"], &[Run(BASE64URL, 64, 64)]),
    Detector::token("clerk-webhook-secret", G, &["ak_live_", "ak_test_"], &[Run(ALNUM, 24, 64)]),
    Detector::token("stytch-secret", G, &["secret-live-", "secret-test-"], &[Run(BASE64URL | EQUALS, 36, 64)]),
    Detector::new(
        "salesforce-access-token",
        G,
        &["00D"],
        Form::Token(&[Run(ALNUM, 12, 15), Text("!"), Run(BASE64URL | DOT, 80, 260)]),
    )
    .entropy(35),
    Detector::token("facebook-access-token", G, &["EAAC", "EAAG", "EAAB", "EAAM", "EAAD"], &[Run(ALNUM, 80, 400)]),
    Detector::token("twitter-bearer-token", G, &["AAAAAAAAAAAAAAAAAAAAA"], &[Run(ALNUM | PERCENT, 60, 200)])
        .entropy(30),
    Detector::token(
        "mapbox-secret-token",
        G,
        &["sk.eyJ"],
        &[Run(BASE64URL, 60, 200), Text("."), Run(BASE64URL, 20, 40)],
    ),
    Detector::keyed("linkedin-client-secret", G, &["linkedin"], &[Run(ALNUM, 16, 16)]),
    Detector::token("frameio-token", G, &["fio-u-"], &[Run(BASE64URL, 64, 64)]),
    Detector::token("readme-api-key", G, &["rdme_"], &[Run(LOWER | DIGIT, 70, 70)]),
    Detector::token("wakatime-api-key", G, &["waka_"], UUID),
    Detector::token("onfido-live-token", G, &["api_live.", "api_sandbox."], &[Run(BASE64URL | DOT, 30, 100)]),
    Detector::token("onesignal-api-key", G, &["os_v2_app_", "os_v2_org_"], &[Run(LOWER | DIGIT, 100, 110)]),
    Detector::token("retool-token", G, &["retool_"], &[Run(ALNUM, 26, 64)]),
    Detector::token("clickup-token", G, &["pk_"], &[Run(DIGIT, 7, 9), Text("_"), Run(UPPER | DIGIT, 32, 32)]),
    Detector::token("sanity-token", G, &["skE", "skp", "sky"], &[Run(ALNUM, 80, 200)]).entropy(40),
    Detector::token("apify-api-token", G, &["apify_api_"], &[Run(ALNUM, 34, 40)]),
    Detector::token("scalingo-token", G, &["tk-us-"], &[Run(BASE64URL, 48, 48)]),
    Detector::keyed("workos-api-key", G, &["workos"], &[Text("sk_"), Run(ALNUM, 32, 100)]),
];

const SLASH_COLON: u16 = crate::secret::verify::class::PLUS_SLASH | crate::secret::verify::class::COLON;
