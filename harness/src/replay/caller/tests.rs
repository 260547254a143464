use tidegate_filter::policy::compile;

use super::*;

fn identity(sources: &str) -> Identity {
    let text = format!(
        r#"{{"version": "tidegate/v1", "name": "p", "identity": {{"sources": {sources}, "anonymous": "allow"}},
        "servers": [{{"name": "s", "match": {{"path": "/"}}}}], "rules": [{{"id": "r", "allow": {{"tools": ["*"]}}}}]}}"#
    );
    compile(text.as_bytes()).unwrap().configuration.policy.identity
}

fn fixed(sources: &str, said: &str) -> Supplied {
    match supply(&identity(sources), &Claimed::parse(&[said]).unwrap()).unwrap() {
        Caller::Fixed(supplied) => *supplied,
        other => panic!("{other:?}"),
    }
}

fn refused(sources: &str, said: &str) -> String {
    supply(&identity(sources), &Claimed::parse(&[said]).unwrap()).unwrap_err().to_string()
}

fn property(supplied: &Supplied, path: &str) -> Option<Vec<u8>> {
    supplied.properties.get(path.split('/')).and_then(Property::serialize)
}

const PAYLOAD: &str = "metadata/filter_metadata/envoy.filters.http.jwt_authn/payload";

#[test]
fn a_caller_is_read_from_the_command_line() {
    let claimed = Claimed::parse(&["subject=ada,team=finance,groups=a,b", "groups=c", "scopes=x y,z"]).unwrap();
    assert_eq!((claimed.subject.as_deref(), claimed.team.as_deref()), (Some("ada"), Some("finance")));
    assert_eq!(
        (claimed.groups, claimed.scopes),
        (vec!["a".into(), "b".into(), "c".into()], vec!["x".into(), "y".into(), "z".into()])
    );
    for (said, expected) in [
        ("sub=ada", "`sub=ada` is not KEY=VALUE with one of the keys subject, team"),
        ("ada", "`ada` is not"),
        ("team=", "`team` has no value"),
        ("team=a,team=b", "`team` is given twice"),
    ] {
        let error = Claimed::parse(&[said]).unwrap_err().to_string();
        assert!(error.starts_with(expected), "{error}");
    }
}

#[test]
fn a_jwt_source_is_supplied_by_claims_where_the_policy_looks_for_them() {
    let source =
        r#"[{"jwt": {"issuer": "https://i", "audience": "aud1", "subject": "user.name", "groups": "user.roles"}}]"#;
    let supplied = fixed(source, "subject=ada,groups=a,b");
    let get = |path: &str| property(&supplied, &format!("{PAYLOAD}/{path}"));
    assert_eq!(get("iss"), Some(b"https://i".to_vec()));
    assert_eq!(get("aud"), Some(b"aud1".to_vec()));
    assert_eq!(get("user/name"), Some(b"ada".to_vec()));
    assert_eq!(get("user/roles/1"), Some(b"b".to_vec()));
    assert!(refused(source, "team=x").contains("jwt of https://i: it maps no claim to `team`"));
    assert!(refused(source, "issuer=https://j").contains("does not take tokens of https://j"));
}

#[test]
fn a_spiffe_source_is_supplied_by_the_certificate() {
    let supplied = fixed(r#"[{"spiffe": {}}]"#, "subject=spiffe://e/sa/x");
    assert_eq!(property(&supplied, PEER), Some(b"spiffe://e/sa/x".to_vec()));
    assert!(refused(r#"[{"spiffe": {}}]"#, "subject=ada").contains("`ada` is not a SPIFFE id"));
    assert!(refused(r#"[{"spiffe": {}}]"#, "team=a").contains("nothing else"));
}

#[test]
fn a_header_source_is_supplied_by_headers_of_its_peer() {
    let source =
        r#"[{"header": {"peers": ["spiffe://e/gw"], "subject": "x-user", "team": "x-team", "groups": "x-groups"}}]"#;
    let supplied = fixed(source, "subject=ada,groups=a,b");
    assert_eq!(property(&supplied, PEER), Some(b"spiffe://e/gw".to_vec()));
    let value = |name: &str| supplied.headers.iter().find(|(other, _)| other == name).unwrap().1.clone();
    assert_eq!((value("x-user"), value("x-groups")), (Some("ada".into()), Some("a,b".into())));
    assert_eq!(value("x-team"), None, "what the capture says of the team is not believed");
    assert!(refused(source, "agent=x").contains("header: it maps no header to `agent`"));
    assert!(refused(source, "workload=spiffe://e/other").contains("other peers"));
}

#[test]
fn the_first_source_that_can_supplies_and_no_earlier_one_takes_the_caller() {
    let sources = r#"[{"spiffe": {}}, {"jwt": {"issuer": "https://i", "team": "t"}}]"#;
    let supplied = fixed(sources, "team=finance");
    assert_eq!(property(&supplied, &format!("{PAYLOAD}/t")), Some(b"finance".to_vec()));
    assert_eq!(property(&supplied, &format!("{PAYLOAD}/sub")), Some(SUBJECT.into()));
    let error = refused(sources, "team=finance,workload=spiffe://e/x");
    assert!(error.contains("an earlier source takes"), "{error}");
    let nobody = supply(&Identity::default(), &Claimed::default()).unwrap_err();
    assert!(nobody.to_string().contains("no identity source"), "{nobody}");
}

#[test]
fn a_recorded_token_speaks_for_its_caller_at_its_time() {
    let Caller::Tokens(sources) = tokens(&identity(r#"[{"jwt": {"issuer": "https://i"}}]"#)).unwrap() else { panic!() };
    let at = |seconds: i64| OffsetDateTime::from_unix_timestamp(seconds).unwrap();
    let attempt = |authorization: &str, seconds: i64| {
        let target =
            crate::capture::Target { scheme: "http".to_owned(), authority: "h".to_owned(), path: "/".to_owned() };
        let headers = vec![("Authorization".to_owned(), authorization.to_owned())];
        of_token(&sources, &Request { method: "POST".to_owned(), target, headers, body: Vec::new() }, at(seconds))
    };
    let token = |claims: &str| format!("Bearer e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims));
    let good = token(r#"{"iss":"https://i","sub":"ada","nbf":100,"exp":200}"#);
    let supplied = attempt(&good, 150).unwrap();
    assert_eq!(property(&supplied, &format!("{PAYLOAD}/sub")), Some(b"ada".to_vec()));
    for (authorization, seconds, fault) in [
        (good.as_str(), 200, TokenFault::OutsideTime),
        (&good, 99, TokenFault::OutsideTime),
        (&token(r#"{"iss":"https://j"}"#), 150, TokenFault::UnknownIssuer),
        ("Bearer [REDACTED]", 150, TokenFault::Unreadable),
        ("Basic YTpi", 150, TokenFault::Absent),
    ] {
        assert_eq!(attempt(authorization, seconds).unwrap_err(), fault, "{authorization}");
    }
    assert!(tokens(&identity(r#"[{"spiffe": {}}]"#)).is_err());
}
