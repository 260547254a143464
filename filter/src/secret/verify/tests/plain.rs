//! Forms with code of their own.

use super::{Random, Resumed, Seen, Text, assert_grows, by_name, found, resume, verify};
use crate::secret::verify::{Found, class};

fn base64(bytes: &[u8], is_url_safe: bool) -> String {
    let digits: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let bits = chunk.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for index in 0..=chunk.len() {
            out.push(char::from(digits[(bits >> (18 - 6 * index)) as usize & 63]));
        }
        if !is_url_safe {
            out.extend(std::iter::repeat_n('=', 3 - chunk.len()));
        }
    }
    if is_url_safe { out.replace('+', "-").replace('/', "_") } else { out }
}

fn pem(label: &str, headers: &str, lines: usize) -> String {
    let mut random = Random(lines as u64);
    let body: String = (0..lines).map(|_| random.run(class::BASE64, 64) + "\n").collect();
    format!("-----{} {label}-----\n{headers}{body}{}==\n-----END {label}-----", "BEGIN", random.run(class::BASE64, 10))
}

#[test]
fn private_keys_of_all_kinds_are_found_whole() {
    for (label, headers) in [
        ("PRIVATE KEY", ""),
        ("RSA PRIVATE KEY", ""),
        ("EC PRIVATE KEY", ""),
        ("DSA PRIVATE KEY", ""),
        ("OPENSSH PRIVATE KEY", ""),
        ("ENCRYPTED PRIVATE KEY", ""),
        ("RSA PRIVATE KEY", "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,0123\n\n"),
        ("PGP PRIVATE KEY BLOCK", "Version: GnuPG v2\nComment: a b\n\n"),
        ("PGP PRIVATE KEY BLOCK", "\n"),
        ("SSH2 ENCRYPTED PRIVATE KEY", ""),
    ] {
        for lines in [1, 4, 25, 50] {
            let key = pem(label, headers, lines);
            for text in [
                key.clone(),
                format!("{{\"private_key\":\"{key}\\n\",\"x\":1}}"),
                format!("a\n{key}\nb"),
                key.replace('\n', "\n    "),
                key.replace('\n', "\r\n"),
                if headers.is_empty() { key.replace('\n', " ") } else { key.clone() },
            ] {
                let hits = found(&text);
                assert_eq!(hits.len(), 1, "{text}: {hits:?}");
                assert_eq!(hits[0].0, "private-key");
                assert!(
                    hits[0].1.starts_with("-----BEGIN") && hits[0].1.ends_with("KEY-----")
                        || hits[0].1.ends_with("BLOCK-----")
                );
            }
            if lines == 4 {
                assert_grows(by_name("private-key"), &format!("a {key} b"));
            }
        }
    }
}

#[test]
fn a_key_that_was_cut_short_ends_with_its_string() {
    let key = pem("RSA PRIVATE KEY", "", 5);
    let cut = &key[..key.find("-----END").unwrap() - 20];
    assert_eq!(found(&format!("{{\"a\":\"{cut}\",\"b\":1}}")), [("private-key", cut.to_owned())]);
    let text = format!("{cut}\n[truncated] and the text goes on");
    assert_eq!(found(&text), [("private-key", cut.to_owned())]);
}

#[test]
fn a_key_beyond_the_reach_goes_on() {
    let key = pem("PRIVATE KEY", "", 1000);
    let text = format!("{key} rest");
    let detector = by_name("private-key");
    let all = Text { bytes: text.as_bytes(), is_complete: true, levels: &() };
    let Found::Open { start, end, resume: how } = verify(detector, &all, (0, 11), &Seen::default()) else { panic!() };
    assert_eq!(start, 0);
    assert_eq!(resume(how, &all, end), Resumed::Ends(key.len()));
    // In pieces of any size, from any place.
    for step in [1, 7, 64, 1000] {
        let mut from = end;
        let mut have = end;
        loop {
            have = (have + step).min(text.len());
            let part = Text { bytes: &text.as_bytes()[..have], is_complete: have == text.len(), levels: &() };
            match resume(how, &part, from) {
                Resumed::Goes(to) => {
                    assert!(to >= from && have - to <= 130);
                    from = to;
                }
                Resumed::Ends(to) => {
                    assert_eq!(to, key.len(), "step {step}");
                    break;
                }
            }
        }
    }
}

#[test]
fn keys_in_other_wrappings() {
    let encoded = base64(pem("PRIVATE KEY", "", 10).as_bytes(), false);
    let text = format!("client-key-data: {encoded}\n");
    assert_eq!(found(&text), [("base64-private-key", encoded)]);
    assert_grows(by_name("base64-private-key"), &text);
    let certificate = base64(pem("CERTIFICATE", "", 10).as_bytes(), false);
    assert_eq!(found(&format!("certificate-authority-data: {certificate}\n")), []);
    let lines: String = (0..8).map(|n| Random(n).run(class::BASE64, 64) + "\n").collect();
    let text = format!("Public-Lines: 1\nAAAA\nPrivate-Lines: 8\n{lines}Private-MAC: 0a1b\n");
    assert_eq!(found(&text), [("putty-private-key", lines.trim_end().to_owned())]);
    assert_grows(by_name("putty-private-key"), &text);
    assert_eq!(found("Private-Lines: 8 of them"), []);
}

#[test]
fn web_tokens_are_found_by_their_headers() {
    let mut random = Random(5);
    let header = base64(b"{\"typ\":\"JWT\",\"alg\":\"HS256\"}", true);
    let header2 = base64(b"{\"alg\":\"HS256\"}", true);
    let payload = base64(b"{\"sub\":\"1234567890\",\"name\":\"A\",\"iat\":1516239022,\"exp\":1516239022}", true);
    let signature = random.run(class::BASE64URL, 43);
    for header in [&header, &header2] {
        let token = format!("{header}.{payload}.{signature}");
        for text in [
            token.clone(),
            format!("Authorization: Bearer {token}\n"),
            format!("{{\"id_token\":\"{token}\"}}"),
            format!("?jwt={token}&a=1"),
            format!("token: {token}."),
        ] {
            assert_eq!(found(&text), [("jwt", token.clone())], "{text}");
        }
        assert_grows(by_name("jwt"), &format!("a {token} b"));
        let unsigned = format!("{header}.{payload}");
        assert_eq!(found(&format!("x {unsigned} y")), [("jwt", unsigned)]);
    }
    let jwe = format!(
        "{header}.{}.{}.{}.{}",
        random.run(class::BASE64URL, 60),
        random.run(class::BASE64URL, 16),
        random.run(class::BASE64URL, 90),
        random.run(class::BASE64URL, 22)
    );
    assert_eq!(found(&jwe), [("jwt", jwe.clone())]);
    let direct = format!(
        "{header}..{}.{}.{}",
        random.run(class::BASE64URL, 16),
        random.run(class::BASE64URL, 90),
        random.run(class::BASE64URL, 22)
    );
    assert_eq!(found(&direct), [("jwt", direct.clone())]);
    let other = base64(b"{\"version\":3,\"sources\":[]}", true);
    assert_eq!(found(&format!("{other}.{payload}.{signature}")), []);
}

#[test]
fn passwords_in_urls_are_found_and_their_hosts_kept() {
    for (before, secret, after) in [
        ("postgres://app:", "s3cr3t", "@db.internal:5432/app"),
        ("mysql://root:", "a%40b!c", "@h/db"),
        ("https://u:", "p4ss", "@h.test/x"),
        ("redis://:", "S3cr3tPw", "@r:6379/0"),
        ("mongodb+srv://u:", "p/w?d1", "@c0.x.mongodb.net/db"),
        ("amqp://u:", "p@ss1", "@h"),
        ("ftp://u:", "hunter2", "@h"),
        ("\"jdbc:postgresql://u:", "abc9", "@h/d\""),
        ("https://", "q7Zt2vKx9LmR4pWc8sYb1", "@github.com/o/r.git"),
        ("https://x-access-token:", "q7Zt2vKx9LmR4pWc8sYb1", "@github.com/o/r.git"),
        ("mongodb://u:", "pw-9x", "@h1:27017,h2:27017/db"),
        ("http://user:", "12345", "@proxy:3128"),
        ("postgresql+asyncpg://u:", "x9!$&'x".trim_end_matches("'x"), "@h/d"),
    ] {
        let text = format!("{before}{secret}{after}");
        assert_eq!(found(&text), [("url-credentials", secret.to_owned())], "{text}");
        assert_grows(by_name("url-credentials"), &text);
    }
}

#[test]
fn header_credentials_are_found() {
    let pair = base64(b"alice:wonder land1", false);
    assert_eq!(found(&format!("Authorization: Basic {pair}\r\n")), [("basic-credentials", pair.clone())]);
    assert_eq!(
        found(&format!("{{\"auths\":{{\"r.test\":{{\"auth\":\"{pair}\"}}}}}}")),
        [("docker-auth", pair.clone())]
    );
    assert_eq!(found(&format!("{{\"auth\" : \n \"{pair}\"}}")), [("docker-auth", pair.clone())]);
    assert_grows(by_name("basic-credentials"), &format!("basic {pair} x"));
    assert_grows(by_name("docker-auth"), &format!("\"auth\": \"{pair}\" x"));
    let nothing = base64(b"no colon in here", false);
    assert_eq!(found(&format!("Authorization: Basic {nothing}")), []);
    let opaque = Random(9).run(class::BASE64URL, 40);
    for text in [
        format!("Authorization: Bearer {opaque}"),
        format!("bearer {opaque}."),
        format!("-H 'authorization: BEARER {opaque}'"),
    ] {
        assert_eq!(found(&text), [("bearer-token", opaque.clone())], "{text}");
    }
    assert_grows(by_name("bearer-token"), &format!("bearer {opaque} x"));
    for text in [
        format!("Authorization: ApiKey {opaque}\n"),
        format!("\"Authorization\": \"Token {opaque}\""),
        format!("{{\"name\":\"Authorization\",\"value\":\"{opaque}\"}}"),
    ] {
        assert_eq!(found(&text), [("authorization-header", opaque.clone())], "{text}");
        assert_grows(by_name("authorization-header"), &text);
    }
}

#[test]
fn session_cookies_are_found() {
    let value = Random(4).run(class::ALNUM, 32);
    for (before, after) in [
        ("Set-Cookie: sessionid=", "; Path=/"),
        ("Cookie: theme=dark; PHPSESSID=", ""),
        ("JSESSIONID=", ";"),
        ("cookie: _app_session=", "; a=b"),
        ("connect.sid=", ";"),
        ("Set-Cookie: sid=", "; HttpOnly"),
    ] {
        let text = format!("{before}{value}{after}");
        assert_eq!(found(&text), [("session-cookie", value.clone())], "{text}");
        assert_grows(by_name("session-cookie"), &text);
    }
}

#[test]
fn credentials_on_command_lines_and_in_password_files() {
    for (before, secret, after) in [
        ("curl -u admin:", "S3cret!x", " https://h.test"),
        ("curl --user 'admin:", "S3cret!x", "' h"),
        ("sshpass -p", "S3cret!x", " ssh h"),
        ("sshpass -p '", "S3cret!x", "' ssh h"),
    ] {
        let text = format!("{before}{secret}{after}");
        assert_eq!(found(&text), [("command-line-credentials", secret.to_owned())], "{text}");
        assert_grows(by_name("command-line-credentials"), &text);
    }
    let text = "db.internal:5432:app:alice:S3cret!x\n";
    assert_eq!(found(text), [("pgpass", "S3cret!x".to_owned())]);
    assert_grows(by_name("pgpass"), text);
    assert_eq!(found("listening on 10.0.0.1:5432: ok"), []);
}

#[test]
fn passwords_of_commands_are_found_after_their_flags() {
    for (name, before, secret, after) in [
        ("mysql-command-password", "$ mysql -h h -u maria -p", "PsSean4G3I", " db < d.sql"),
        ("mysql-command-password", "mysqldump -p", "S3cret!x", "\n"),
        ("redis-command-password", "redis-cli -h h -a ", "EjSuNoPAa0xI9", " INFO"),
        ("ldap-command-password", "ldapsearch -D 'cn=a' -w ", "BseQJAGF41LjFyWE", " '(uid=m)'"),
        ("login-command-password", "docker login r.test -u app -p ", "LvZ2OwgebfBCQ5Y3G", "\n"),
        ("snmp-command-password", "snmpwalk -v3 -A ", "ArLLHVHHon0Rv", " h"),
        ("snmp-command-privacy-password", "snmpwalk -v3 -x AES -X ", "SKI8MfcSdvV6g", " h"),
        ("sql-server-command-password", "sqlcmd -S h -U sa -P ", "Str0ng!Pass", ""),
        ("openssl-command-password", "openssl rsa -in k -passin pass:", "lSwUTWyqJYbwaLU7", " -out p"),
        ("go-mysql-password", "\"deploy:", "UaQC5lxHZcjCK6GYd", "@tcp(h:3306)/d\""),
        ("oracle-jdbc-password", "jdbc:oracle:thin:ci-bot/", "j872ocvLWKvW1lxXn", "@//db-1/x"),
    ] {
        let text = format!("{before}{secret}{after}");
        assert_eq!(found(&text), [(name, secret.to_owned())], "{text}");
        assert_grows(by_name(name), &text);
    }
}

#[test]
fn values_before_their_names_are_found() {
    let value = "q7Zt2vKx9LmR4pWc8sYb";
    for (before, after) in [
        ("{\"value\":\"", "\",\"name\":\"CF_API_TOKEN\"}"),
        ("{\"value\": \"", "\",\n \"enabled\": true, \"key\": \"oidcClientSecret\"}"),
        ("<add value=\"", "\" key=\"PagerdutyToken\"/>"),
    ] {
        let text = format!("{before}{value}{after}");
        assert_eq!(found(&text), [("generic-named-value", value.to_owned())], "{text}");
        assert_grows(by_name("generic-named-value"), &text);
    }
}
