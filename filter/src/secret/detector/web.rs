//! What HTTP carries.

use super::Segment::{End, Run, Start, Text};
use super::{Detector, Form, Group, Kind};
use crate::secret::verify::class::{BASE64, BASE64URL, DASH, DOT, EQUALS, PERCENT, TILDE, WORD};

const G: Group = Group::Web;

pub(super) const DETECTORS: &[Detector] = &[
    Detector::new("jwt", G, &["eyJ"], Form::Jwt),
    Detector::new("url-credentials", G, &["://"], Form::Url),
    Detector::new("bearer-token", G, &["bearer ", "bearer%20", "bearer+"], Form::Bearer).folding().entropy(28),
    Detector::new("basic-credentials", G, &["basic "], Form::Basic).folding(),
    Detector::new("docker-auth", G, &["\"auth\""], Form::Basic),
    Detector::new("authorization-header", G, &["authorization"], Form::Assignment(Kind::Header)).folding().entropy(28),
    Detector::new(
        "session-cookie",
        G,
        &["sessid", "sessionid", "session_id", "session=", "connect.sid", "_session=", "sid=", "auth="],
        Form::Cookie,
    )
    .folding()
    .entropy(28),
    Detector::new("command-line-credentials", G, &["-u ", "--user ", "sshpass -p"], Form::UserArgument),
    Detector::new(
        "mysql-command-password",
        G,
        &["mysql -", "mysqldump -", "mysqladmin -", "mariadb -"],
        Form::Command(" -p"),
    ),
    Detector::new("redis-command-password", G, &["redis-cli -"], Form::Command(" -a ")),
    Detector::new(
        "ldap-command-password",
        G,
        &["ldapsearch -", "ldapadd -", "ldapmodify -", "ldapwhoami -"],
        Form::Command(" -w "),
    ),
    Detector::new(
        "login-command-password",
        G,
        &["docker login", "podman login", "az login", "oc login", "helm registry login"],
        Form::Command(" -p "),
    ),
    Detector::new("snmp-command-password", G, &["snmpwalk -", "snmpget -", "snmpbulkwalk -"], Form::Command(" -A ")),
    Detector::new(
        "snmp-command-privacy-password",
        G,
        &["snmpwalk -", "snmpget -", "snmpbulkwalk -"],
        Form::Command(" -X "),
    ),
    Detector::new("sql-server-command-password", G, &["sqlcmd -"], Form::Command(" -P ")),
    Detector::new("openssl-command-password", G, &["openssl "], Form::Command(" pass:")),
    Detector::new("go-mysql-password", G, &["@tcp("], Form::Within(PASSWORD, 4, 24, &[End(5)]))
        .entropy(15)
        .passes(DOCUMENTED),
    Detector::token(
        "oracle-jdbc-password",
        G,
        &["thin:"],
        &[Run(WORD | DASH | DOT, 1, 64), Text("/"), Start, Run(PASSWORD, 4, 64), End(0), Text("@")],
    )
    .entropy(15)
    .passes(DOCUMENTED),
];

/// What passwords in connection strings mostly consist of.
const PASSWORD: u16 = BASE64URL | BASE64 | DOT | EQUALS | PERCENT | TILDE;

/// What documentation writes in their place.
const DOCUMENTED: &[&str] =
    &["password", "passwd", "pass", "pwd", "secret", "changeme", "mypassword", "db_password", "dbpass", "yourpassword"];
