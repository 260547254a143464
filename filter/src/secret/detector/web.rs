//! What HTTP carries.

use super::{Detector, Form, Group, Kind};

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
];
