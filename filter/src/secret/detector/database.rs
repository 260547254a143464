//! Databases and connection strings.

use super::Segment::{Run, Text};
use super::{Detector, Form, Group};
use crate::secret::verify::class::{ALNUM, BASE64, BASE64URL, DASH, DIGIT, DOT, EQUALS, HEX, LOWER, UPPER};

const G: Group = Group::Databases;

pub(super) const DETECTORS: &[Detector] = &[
    Detector::token("planetscale-token", G, &["pscale_tkn_"], &[Run(BASE64URL | DOT | EQUALS, 32, 64)]),
    Detector::token("planetscale-password", G, &["pscale_pw_"], &[Run(BASE64URL | DOT | EQUALS, 32, 64)]),
    Detector::token("planetscale-oauth-token", G, &["pscale_oauth_"], &[Run(BASE64URL | DOT | EQUALS, 32, 64)]),
    Detector::token("supabase-access-token", G, &["sbp_"], &[Run(HEX, 40, 40)]),
    Detector::token("supabase-secret-key", G, &["sb_secret_"], &[Run(BASE64URL, 30, 64)]),
    Detector::token("neon-api-key", G, &["napi_"], &[Run(LOWER | DIGIT, 60, 68)]),
    Detector::token("neon-password", G, &["npg_"], &[Run(ALNUM, 12, 24)]).entropy(28),
    Detector::token("mongodb-atlas-service-account-secret", G, &["mdb_sa_sk_"], &[Run(BASE64URL, 38, 44)]),
    Detector::token(
        "databricks-token",
        G,
        &["dapi"],
        &[Run(HEX, 32, 32), super::Segment::Maybe("-2"), super::Segment::Maybe("-3")],
    ),
    Detector::token("databricks-oauth-secret", G, &["dose"], &[Run(HEX, 32, 32)]),
    Detector::token("aiven-password", G, &["AVNS_"], &[Run(BASE64URL, 18, 24)]).entropy(28),
    Detector::token("aiven-token", G, &["aivenv1"], &[Run(BASE64 | EQUALS, 64, 480)]),
    Detector::token("cockroachdb-api-key", G, &["CCDB1_"], &[Run(ALNUM, 22, 22), Text("_"), Run(ALNUM, 40, 40)]),
    Detector::token("elastic-api-key", G, &["essu_", "essa_"], &[Run(BASE64URL | BASE64 | EQUALS, 40, 200)]),
    Detector::token("fauna-secret", G, &["fnAE", "fnAF"], &[Run(BASE64URL, 36, 40)]),
    Detector::token("xata-api-key", G, &["xau_"], &[Run(ALNUM, 36, 48)]),
    Detector::token(
        "prisma-accelerate-key",
        G,
        &["prisma-data.net/?api_key="],
        &[super::Segment::Start, Run(BASE64URL | DOT, 40, 1024)],
    ),
    Detector::keyed("influxdb-token", G, &["influx"], &[Run(BASE64URL | BASE64, 86, 86), Text("==")]),
    Detector::keyed("confluent-secret-key", G, &["confluent"], &[Run(BASE64, 64, 64)]),
    Detector::keyed("snowflake-token", G, &["snowflake"], &[Run(BASE64URL | DOT | EQUALS, 40, 2048)]),
    Detector::keyed("upstash-token", G, &["upstash"], &[Run(BASE64URL | EQUALS, 36, 120)]),
    Detector::keyed("algolia-api-key", G, &["algolia"], &[Run(HEX, 32, 32)]),
    Detector::keyed("firebase-database-secret", G, &["firebase"], &[Run(ALNUM, 40, 40)]),
    Detector::token(
        "firebase-cloud-messaging-key",
        G,
        &["AAAA"],
        &[Run(BASE64URL, 7, 7), Text(":"), Run(BASE64URL, 140, 140)],
    ),
    Detector::new("pgpass", G, &[":5432:", ":5433:", ":6432:"], Form::PgPass),
    Detector::token("tinybird-token", G, &["p.eyJ"], &[Run(BASE64URL | DOT, 60, 400)]),
    Detector::keyed("qdrant-api-key", G, &["qdrant"], &[Run(BASE64URL | DOT, 40, 200)]),
    Detector::keyed("weaviate-api-key", G, &["weaviate"], &[Run(ALNUM, 36, 40)]),
    Detector::keyed("typesense-api-key", G, &["typesense"], &[Run(ALNUM, 32, 48)]),
    Detector::keyed("meilisearch-key", G, &["meili"], &[Run(BASE64URL, 43, 64)]),
    Detector::token("redis-cloud-key", G, &["A-RCP-"], &[Run(UPPER | LOWER | DIGIT | DASH, 32, 80)]),
];
