//! Values that are secret by their name.

use super::super::{Seen, assigned_value};
use super::{Found, Leveled, Text, assert_grows, by_name, found, scan_with};

/// A password that is in no dictionary.
const P: &str = "hunter2Summer!";

/// A value that a machine made up.
const M: &str = "q7Zt2vKx9LmR4pWc8sYb";

#[test]
fn passwords_are_found_in_every_notation() {
    for (before, after) in [
        ("password=", ""),
        ("password=", "\nnext=1"),
        ("DB_PASSWORD=", "\n"),
        ("export DB_PASSWORD=\"", "\"\n"),
        ("password: ", "\n"),
        ("password : ", "\n"),
        ("\"password\": \"", "\","),
        ("\"password\":\"", "\"}"),
        ("'password' => '", "',"),
        ("$password = '", "';"),
        ("let password = \"", "\";"),
        ("const dbPassword = '", "'"),
        ("password := \"", "\""),
        ("password ?= ", "\n"),
        ("spring.datasource.password=", "\n"),
        ("db.password: \"", "\""),
        ("admin-password = \"", "\""),
        ("<password>", "</password>"),
        ("<db:password>", "</db:password>"),
        ("<property name=\"password\" value=\"", "\"/>"),
        ("<add key='dbPassword' value='", "'/>"),
        ("config[\"password\"] = \"", "\""),
        ("config['db_password']='", "'"),
        ("setProperty(\"password\", \"", "\")"),
        ("--password ", " --host x"),
        ("--password=", " --host x"),
        ("?user=a&password=", "&b=c"),
        ("Server=x;Password=", ";Database=y"),
        ("Server=x;Pwd=", ";"),
        ("jdbc:mysql://h/db?user=u&password=", ""),
        ("{\"name\":\"DB_PASSWORD\",\"value\":\"", "\"}"),
        ("{\"key\": \"db_password\", \"type\": \"secret\", \"value\": \"", "\"}"),
        ("- name: DB_PASSWORD\n  value: ", "\n"),
        ("- name: \"DB_PASSWORD\"\n  value: \"", "\"\n"),
        ("machine h login u password ", "\n"),
        ("password: str = \"", "\""),
        ("password: &'static str = \"", "\";"),
        ("val password: String = \"", "\""),
        ("password = b\"", "\""),
        ("user_passwd: ", "\n"),
        ("smtp_pass=", "\n"),
        ("passphrase=\"", "\""),
        ("CREATE USER u WITH PASSWORD '", "'"),
        ("the password is ", " now"),
        ("<key>password</key>\n<string>", "</string>"),
        ("password=\"\"\"", "\"\"\""),
        ("rootPassword: '", "'"),
        ("PASSWORD_OLD=", "\n"),
        ("\"masterUserPassword\" : \n  \"", "\""),
        ("password%3D", "&"),
    ] {
        let text = format!("{before}{P}{after}");
        let hits = found(&text);
        assert!(hits.iter().any(|(_, value)| value == P), "{text}: {hits:?}");
        assert_grows(by_name("password"), &text);
    }
}

#[test]
fn passwords_that_people_choose() {
    for value in [
        "Tr0ub4dor&3",
        "P@ssw0rd2024",
        "hunter2Summer!",
        "s3cr3tP@ss",
        "Winter2025!",
        "qwerty123",
        "letmein99",
        "Admin@123",
        "abc12345",
        "p4ss/w0rd+x",
        "My$uperS3cret",
        "xKqPzWvB",
        "correct-horse-battery-staple",
        "7h3-qu1ck",
        "aB3$dE6&gH9",
        "%40dmin2024x",
        "zq8vj2mw",
        "Pa55word",
        "DontTell#1",
        "12345678",
        "kx92JD83hs",
        "N0t4W0rd",
        "summer_2024_rain!",
        "Str0ng;Pa",
        "Sup3r$ecret",
    ] {
        let text = format!("\"password\": \"{value}\"");
        assert_eq!(found(&text), [("password", value.to_owned())], "{text}");
        if !value.contains(';') {
            let text = format!("DB_PASSWORD={value}\n");
            let hits = found(&text);
            assert!(value.contains('-') || hits == [("password", value.to_owned())], "{text} {hits:?}");
        }
    }
}

#[test]
fn machine_made_values_are_found_under_their_names() {
    for (name, detector) in [
        ("api_key", "generic-api-key"),
        ("apiKey", "generic-api-key"),
        ("X-Api-Key", "generic-api-key"),
        ("MY_SERVICE_API_KEY", "generic-api-key"),
        ("secret", "generic-secret"),
        ("clientSecret", "generic-secret"),
        ("SECRET_KEY_BASE", "generic-secret"),
        ("jwt_secret", "generic-secret"),
        ("token", "generic-token"),
        ("accessToken", "generic-token"),
        ("auth_token", "generic-token"),
        ("GITHUB_TOKEN", "generic-token"),
        ("refresh_token", "generic-token"),
        ("encryption_key", "generic-api-key"),
        ("credential", "generic-secret"),
        ("authtoken", "generic-token"),
        ("TOKEN_BILLING", "generic-token"),
        ("sessionToken", "generic-token"),
        ("webhookSecret", "generic-secret"),
    ] {
        for text in [
            format!("{name}={M}"),
            format!("{name}: {M}\n"),
            format!("\"{name}\": \"{M}\""),
            format!("{name} = '{M}';"),
            format!("curl https://x.test/?a=1&{name}={M}&b=2"),
            format!("{{\"name\":\"{name}\",\"value\":\"{M}\"}}"),
            format!("--{name} {M} x"),
        ] {
            let hits = found(&text);
            assert_eq!(hits.len(), 1, "{text}: {hits:?}");
            assert_eq!(hits[0].1, M, "{text}");
            assert_eq!(hits[0].0, detector, "{text}");
            assert_grows(by_name(detector), &text);
        }
    }
}

#[test]
fn machine_made_values_of_many_shapes() {
    for value in [
        "q7Zt2vKx9LmR4pWc8sYb",
        "5f4dcc3b5aa765d61d8327deb882cf99",
        "d41d8cd98f00b204e9800998ecf8427e12345678",
        "f81d4fae-7dec-11d0-a765-00a0c91e6bf6",
        "aGVsbG8gd29ybGQgdGhpcyBpcyBzZWNyZXQx",
        "7gB/2kLp+Zx9Qw==",
        "A8f_kd93-Lq0zXv7",
        "1//9dKx2lQ8vN3",
        "abc123def456ghi789",
        "Zx9%2BqL%3D8vN3kd",
        "dj38dk20sl49fk59",
        "MTIzNDU2Nzg5MGFiY2RlZg==",
    ] {
        let text = format!("client_secret: \"{value}\"");
        assert_eq!(found(&text).first().map(|hit| hit.1.as_str()), Some(value), "{text}");
    }
}

#[test]
fn quotes_of_deeper_levels_are_content() {
    // {"text":"{\"password\":\"ab\\\"cD3!\"}"} flattened.
    let text = "{\"text\":\"{\"password\":\"ab\"cD3!x\"}\"}";
    let mut levels = vec![0; text.len()];
    let quotes: Vec<_> = text.match_indices('"').map(|(at, _)| at).collect();
    for (number, at) in quotes.iter().enumerate() {
        levels[*at] = match number {
            0..=2 => 0,
            6 => 2,
            3..=7 => 1,
            _ => 0,
        };
    }
    let hits = scan_with(text.as_bytes(), &Leveled(levels), |detector| detector.group.is_default());
    assert_eq!(hits.len(), 1);
    assert_eq!(&text[hits[0].start..hits[0].end], "ab\"cD3!x");
}

#[test]
fn a_value_never_reaches_beyond_its_string() {
    for text in [
        "{\"text\":\"password='abcD3!\",\"x\":\"y'\"}",
        "{\"a\":\"password=abcD3!x\",\"b\":1}",
        "{\"a\":\"the password: \",\"b\":\"ab1234567\"}",
        "{\"a\":\"<password>ab3De!x\",\"b\":\"</password>\"}",
    ] {
        for (_, value) in found(text) {
            assert!(!value.contains('"'), "{text}: {value}");
        }
    }
}

#[test]
fn an_operators_key_takes_any_value() {
    let value = |text: &str, name: &str| {
        let at = text.find(name).unwrap();
        let all = Text { bytes: text.as_bytes(), is_complete: true, levels: &() };
        match assigned_value(&all, (at, at + name.len()), &Seen::default()) {
            Found::Secret { start, end } => Some(text[start..end].to_owned()),
            Found::Open { start, end, .. } => Some(text[start..end].to_owned()),
            _ => None,
        }
    };
    for (text, expected) in [
        ("{\"pin\":\"x\"}", "x"),
        ("{\"pin\": 493021}", "493021"),
        ("{\"pin\":true}", "true"),
        ("pin=a b", "a"),
        ("pin: \"two words\"", "two words"),
        ("{\"pin\":-1.5e3,\"a\":1}", "-1.5e3"),
        ("{\"pin\":\"password\"}", "password"),
        ("card_pin=12", "12"),
        ("{\"pin\":null}", "null"),
    ] {
        assert_eq!(value(text, "pin").as_deref(), Some(expected), "{text}");
    }
    for text in [
        "{\"pin\":\"\"}",
        "{\"pin\":{}}",
        "{\"pin\":[1]}",
        "pins=3",
        "spin=3",
        "{\"pin\":\"[redacted:pin:00ff]\"}",
        "pin and more",
    ] {
        assert_eq!(value(text, "pin"), None, "{text}");
    }
    let long = format!("{{\"pin\":\"{}\"}}", "a".repeat(40_000));
    let all = Text { bytes: long.as_bytes(), is_complete: true, levels: &() };
    let Found::Open { start, end, resume } = assigned_value(&all, (2, 5), &Seen::default()) else { panic!() };
    assert_eq!(start, 8);
    assert_eq!(super::resume(resume, &all, end), super::Resumed::Ends(40_008));
}
