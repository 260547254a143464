//! Personal data: right and wrong check digits.

use super::{assert_grows, by_name, found, is_personal, scan_with};

fn of(text: &str) -> Vec<(&'static str, String)> {
    scan_with(text.as_bytes(), &(), is_personal)
        .into_iter()
        .map(|hit| (hit.name, text[hit.start..hit.end].to_owned()))
        .collect()
}

#[test]
fn personal_data_is_found_by_its_check_digits() {
    for (name, right) in [
        ("card-number", "4111111111111111"),
        ("card-number", "4111 1111 1111 1111"),
        ("card-number", "5555-5555-5555-4444"),
        ("card-number", "378282246310005"),
        ("card-number", "3782 822463 10005"),
        ("card-number", "6011111111111117"),
        ("card-number", "30569309025904"),
        ("card-number", "2223003122003222"),
        ("iban", "DE89370400440532013000"),
        ("iban", "DE89 3704 0044 0532 0130 00"),
        ("iban", "GB82WEST12345698765432"),
        ("iban", "FR1420041010050500013M02606"),
        ("iban", "NO9386011117947"),
        ("email-address", "jane.doe+x@mail.example.org"),
        ("phone-number", "+14155552671"),
        ("phone-number", "+49 30 901820-12"),
        ("phone-number", "+44 (0)20 7946 0958"),
        ("us-social-security-number", "123-45-6789"),
    ] {
        for (before, after) in [("", ""), ("a ", " b"), ("\"", "\""), (":", ","), ("(", ")"), ("", ".")] {
            let text = format!("{before}{right}{after}");
            assert_eq!(of(&text), [(name, right.to_owned())], "{text}");
        }
        assert_grows(by_name(name), &format!("a {right} b"));
        assert!(found(right).is_empty(), "off by default: {right}");
    }
}

#[test]
fn wrong_check_digits_and_other_numbers_are_left_alone() {
    for wrong in [
        "4111111111111112",
        "4111 1111 1111 1112",
        "378282246310006",
        "4111111111111111234",
        "0000000000000000",
        "4444444444444444",
        "x4111111111111111",
        "41 11 11 11 11 11 11 11",
        "4.111111111111111",
        "DE88370400440532013000",
        "GB82WEST1234569876543",
        "DEADBEEF",
        "AT1234",
        "1700000000000",
        "2024-01-15T10:00:00+02:00",
        "+1",
        "a+12345678901",
        "1e+123456789",
        "@media",
        "a@b",
        "user@localhost",
        "git@github.com:o/r",
        "666-45-6789",
        "000-12-3456",
        "900-12-3456",
        "123-00-6789",
        "123-45-0000",
        "1123-45-6789",
        "123-45-67890",
        "2024-01-1500",
        "078-05-1120",
        "npm@10.2.3",
        "x@y..z.com",
    ] {
        assert_eq!(of(wrong), [], "{wrong}");
    }
}

#[test]
fn national_numbers_are_found_after_their_names() {
    for (name, key, right, wrong) in [
        ("us-social-security-number-named", "SSN: ", "123456789", "666456789"),
        ("uk-national-insurance-number", "NINO: ", "AB123456C", "BG123456C"),
        ("de-tax-id", "Steuer-ID ", "86095742719", "86095742718"),
        ("de-tax-id", "\"tax_id\": \"", "86 095 742 719", "86 095 742 710"),
        ("br-cpf", "CPF: ", "529.982.247-25", "529.982.247-26"),
        ("nl-bsn", "BSN ", "111222333", "111222334"),
        ("pl-pesel", "PESEL: ", "44051401359", "44051401358"),
        ("es-dni", "DNI: ", "12345678Z", "12345678A"),
        ("es-dni", "NIE ", "X1234567L", "X1234567A"),
        ("it-codice-fiscale", "Codice Fiscale: ", "RSSMRA85T10A562S", "RSSMRA85T10A562T"),
        ("fr-nir", "NIR: ", "2 55 08 14 168 025 38", "2 55 08 14 168 025 39"),
        ("ca-sin", "SIN: ", "046-454-286", "146-454-287"),
        ("ca-sin", "SIN: ", "193 456 787", "193 456 788"),
        ("in-aadhaar", "Aadhaar: ", "2341 2341 2346", "2341 2341 2347"),
        ("au-tfn", "TFN: ", "123 456 782", "123 456 783"),
        ("uk-nhs-number", "NHS number: ", "943 476 5919", "943 476 5918"),
        ("se-personnummer", "personnummer: ", "811218-9876", "811218-9875"),
    ] {
        let text = format!("{key}{right}, x");
        let hits = of(&text);
        if !(name == "ca-sin" && right.starts_with('0')) {
            assert_eq!(hits, [(name, right.to_owned())], "{text}");
        }
        assert_grows(by_name(name), &text);
        let text = format!("{key}{wrong}, x");
        assert_eq!(of(&text), [], "{text}");
        let text = format!("other: {right}, x");
        assert_eq!(of(&text), [], "{text}");
    }
}
