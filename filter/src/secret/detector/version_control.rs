//! Source code hosts.

use super::Segment::{Maybe, Run, Text};
use super::{Checksum, Detector, Group};
use crate::secret::verify::class::{ALNUM, BASE64URL, DOT, EQUALS, HEX, LOWER, UNDERSCORE, UPPER};

const G: Group = Group::VersionControl;

/// What a routable GitLab token adds to the classic 20 bytes.
const GITLAB: u16 = BASE64URL | DOT;

pub(super) const DETECTORS: &[Detector] = &[
    Detector::token("github-pat", G, &["ghp_"], &[Run(ALNUM, 36, 255)]).checksum(Checksum::Crc32Base62),
    Detector::token("github-oauth-token", G, &["gho_"], &[Run(ALNUM, 36, 255)]).checksum(Checksum::Crc32Base62),
    Detector::token("github-app-token", G, &["ghu_", "ghs_"], &[Run(ALNUM | GITLAB, 36, 1024)])
        .checksum(Checksum::Crc32Base62),
    Detector::token("github-refresh-token", G, &["ghr_"], &[Run(ALNUM, 36, 255)]).checksum(Checksum::Crc32Base62),
    Detector::token(
        "github-fine-grained-pat",
        G,
        &["github_pat_"],
        &[Run(ALNUM, 22, 22), Text("_"), Run(ALNUM, 59, 59)],
    ),
    Detector::token("gitlab-pat", G, &["glpat-"], &[Run(GITLAB, 20, 300)]),
    Detector::token("gitlab-deploy-token", G, &["gldt-"], &[Run(GITLAB, 20, 300)]),
    Detector::token("gitlab-runner-token", G, &["glrt-", "glrtr-"], &[Run(GITLAB, 20, 300)]),
    Detector::token("gitlab-runner-registration-token", G, &["GR1348941"], &[Run(BASE64URL, 20, 20)]),
    Detector::token("gitlab-trigger-token", G, &["glptt-"], &[Run(HEX, 40, 40)]),
    Detector::token("gitlab-feed-token", G, &["glft-"], &[Run(GITLAB, 20, 300)]),
    Detector::token("gitlab-scim-token", G, &["glsoat-"], &[Run(GITLAB, 20, 300)]),
    Detector::token("gitlab-ci-job-token", G, &["glcbt-"], &[Run(GITLAB, 20, 300)]),
    Detector::token("gitlab-agent-token", G, &["glagent-"], &[Run(GITLAB, 20, 300)]),
    Detector::token("gitlab-incoming-mail-token", G, &["glimt-"], &[Run(GITLAB, 20, 300)]),
    Detector::token("gitlab-feature-flag-token", G, &["glffct-"], &[Run(GITLAB, 20, 300)]),
    Detector::token("gitlab-oauth-app-secret", G, &["gloas-"], &[Run(GITLAB, 64, 300)]),
    Detector::token("gitlab-workspace-token", G, &["glwt-"], &[Run(GITLAB, 20, 300)]),
    Detector::token("bitbucket-app-password", G, &["ATBB"], &[Run(ALNUM, 28, 40)]).entropy(30),
    Detector::token("bitbucket-access-token", G, &["ATCTT3xFfG"], &[Run(BASE64URL | EQUALS, 100, 300)]),
    Detector::token("sourcegraph-access-token", G, &["sgp_"], &[Maybe("local_"), Run(HEX | UNDERSCORE, 40, 57)]),
    Detector::token("sonarqube-token", G, &["sqp_", "squ_", "sqa_"], &[Run(HEX, 40, 40)]),
    Detector::keyed("gitea-access-token", G, &["gitea", "forgejo", "codeberg"], &[Run(HEX, 40, 40)]),
    Detector::keyed(
        "azure-devops-pat",
        G,
        &["devops", "azdo", "vsts", "ado_"],
        &[Run(LOWER | crate::secret::verify::class::DIGIT, 52, 52)],
    ),
    Detector::keyed("azure-devops-token", G, &["devops", "azdo", "system_access"], &[Run(ALNUM, 84, 84)]),
    Detector::token("gitguardian-api-key", G, &["ggtt-"], &[Run(ALNUM | UPPER, 20, 64)]),
];
