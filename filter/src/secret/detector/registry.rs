//! Package registries.

use super::Segment::{Maybe, Run, Start};
use super::{Checksum, Detector, Group, UUID};
use crate::secret::verify::class::{ALNUM, BASE64, BASE64URL, DIGIT, EQUALS, HEX, LOWER};

const G: Group = Group::PackageRegistries;

pub(super) const DETECTORS: &[Detector] = &[
    Detector::token("npm-access-token", G, &["npm_"], &[Run(ALNUM, 36, 36)]).checksum(Checksum::Crc32Base62),
    Detector::new(
        "npmrc-auth-token",
        G,
        &["_authToken="],
        super::Form::Token(&[Start, Maybe("\""), Start, Run(BASE64URL | BASE64 | EQUALS, 20, 2048)]),
    )
    .entropy(25),
    Detector::token(
        "npmrc-auth",
        G,
        &[":_auth=", ":_password=", "\n_auth=", "\n_password="],
        &[Start, Maybe("\""), Start, Run(BASE64 | EQUALS, 12, 512)],
    ),
    Detector::token("pypi-token", G, &["pypi-AgE"], &[Run(BASE64URL, 50, 1024)]),
    Detector::token("rubygems-api-key", G, &["rubygems_"], &[Run(HEX, 48, 48)]),
    Detector::token("crates-io-token", G, &["cio"], &[Run(ALNUM, 32, 32)]).entropy(35),
    Detector::token("nuget-api-key", G, &["oy2"], &[Run(LOWER | DIGIT, 43, 43)]),
    Detector::token("docker-hub-pat", G, &["dckr_pat_"], &[Run(BASE64URL, 27, 40)]),
    Detector::token("docker-hub-oat", G, &["dckr_oat_"], &[Run(BASE64URL, 27, 40)]),
    Detector::token("artifactory-api-key", G, &["AKCp"], &[Run(ALNUM, 69, 69)]),
    Detector::token("artifactory-reference-token", G, &["cmVmdGtu"], &[Run(ALNUM, 56, 56)]),
    Detector::token("clojars-deploy-token", G, &["CLOJARS_"], &[Run(HEX, 60, 60)]),
    Detector::token(
        "packagist-token",
        G,
        &["packagist_ack_", "packagist_acs_", "packagist_oat_", "packagist_ort_", "packagist_out_", "packagist_uut_"],
        &[Run(HEX, 64, 68)],
    ),
    Detector::keyed("gemfury-token", G, &["gemfury", "fury_"], &[Run(BASE64URL, 20, 24)]).entropy(33),
    Detector::token("cloudsmith-api-key", G, &["csk_", "csa_"], &[Run(ALNUM, 32, 64)]),
    Detector::keyed("hex-pm-key", G, &["hex_api", "hex_pm"], &[Run(HEX, 32, 32)]),
    Detector::token("expo-access-token", G, &["expo_"], &[Run(BASE64URL, 40, 40)]),
    Detector::keyed("codacy-token", G, &["codacy"], &[Run(HEX, 32, 32)]),
    Detector::keyed("libraries-io-token", G, &["libraries_io", "librariesio"], &[Run(HEX, 32, 32)]),
    Detector::keyed("gradle-publish-secret", G, &["gradle.publish", "gradle_publish"], &[Run(ALNUM, 32, 48)]),
    Detector::keyed("sonatype-token", G, &["sonatype", "ossrh"], &[Run(BASE64URL | BASE64, 40, 48)]),
    Detector::keyed("codecov-token", G, &["codecov"], UUID),
];
