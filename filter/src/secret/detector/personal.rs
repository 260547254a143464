//! Personal data.

use super::{Detector, Form, Group, NationalId, Personal};

const G: Group = Group::Personal;

const fn personal(name: &'static str, literals: &'static [&'static str], kind: Personal) -> Detector {
    Detector::new(name, G, literals, Form::Personal(kind))
}

const fn named(name: &'static str, literals: &'static [&'static str], id: NationalId) -> Detector {
    Detector::new(name, G, literals, Form::Personal(Personal::Named(id))).folding()
}

pub(super) const DETECTORS: &[Detector] = &[
    personal("card-number", CARD, Personal::Card),
    personal("iban", IBAN, Personal::Iban),
    personal("email-address", AT, Personal::Email).folding(),
    personal("phone-number", &["+1", "+2", "+3", "+4", "+5", "+6", "+7", "+8", "+9"], Personal::Phone),
    personal("us-social-security-number", SSN, Personal::Ssn),
    named("us-social-security-number-named", &["ssn", "social security", "social_security"], NationalId::UsSsn),
    named(
        "uk-national-insurance-number",
        &["national insurance", "nino", "national_insurance", "ni number"],
        NationalId::UkNino,
    ),
    named(
        "de-tax-id",
        &[
            "steuer-id",
            "steuerid",
            "steuer_id",
            "steueridentifikationsnummer",
            "idnr",
            "tax_id",
            "tax id",
            "taxid",
            "tin",
        ],
        NationalId::DeTaxId,
    ),
    named("br-cpf", &["cpf"], NationalId::BrCpf),
    named("nl-bsn", &["bsn", "burgerservicenummer"], NationalId::NlBsn),
    named("pl-pesel", &["pesel"], NationalId::PlPesel),
    named("es-dni", &["dni", "nie", "nif"], NationalId::EsDni),
    named(
        "it-codice-fiscale",
        &["codice fiscale", "codice_fiscale", "codicefiscale", "fiscal code", "fiscal_code"],
        NationalId::ItFiscalCode,
    ),
    named("fr-nir", &["nir", "curit\u{e9} sociale", "securite sociale", "num_secu"], NationalId::FrNir),
    named("ca-sin", &["sin", "social insurance", "social_insurance"], NationalId::CaSin),
    named("in-aadhaar", &["aadhaar", "aadhar"], NationalId::InAadhaar),
    named("au-tfn", &["tfn", "tax file number", "tax_file_number"], NationalId::AuTfn),
    named("uk-nhs-number", &["nhs"], NationalId::UkNhs),
    named("se-personnummer", &["personnummer", "personal_number"], NationalId::SePersonnummer),
];

/// How numbers of the card networks begin.
const CARD: &[&str] = &[
    "34", "37", "36", "38", "35", "30", "40", "41", "42", "43", "44", "45", "46", "47", "48", "49", "51", "52", "53",
    "54", "55", "22", "23", "24", "25", "26", "27", "60", "62", "64", "65",
];

/// The countries of the IBAN registry.
const IBAN: &[&str] = &[
    "AD", "AE", "AL", "AT", "AZ", "BA", "BE", "BG", "BH", "BR", "BY", "CH", "CR", "CY", "CZ", "DE", "DK", "DO", "EE",
    "EG", "ES", "FI", "FO", "FR", "GB", "GE", "GI", "GL", "GR", "GT", "HR", "HU", "IE", "IL", "IQ", "IS", "IT", "JO",
    "KW", "KZ", "LB", "LC", "LI", "LT", "LU", "LV", "LY", "MC", "MD", "ME", "MK", "MR", "MT", "MU", "NL", "NO", "PK",
    "PL", "PS", "PT", "QA", "RO", "RS", "SA", "SC", "SD", "SE", "SI", "SK", "SM", "ST", "SV", "TL", "TN", "TR", "UA",
    "VA", "VG", "XK",
];

/// An `@` and how a domain name may begin.
const AT: &[&str] = &[
    "@a", "@b", "@c", "@d", "@e", "@f", "@g", "@h", "@i", "@j", "@k", "@l", "@m", "@n", "@o", "@p", "@q", "@r", "@s",
    "@t", "@u", "@v", "@w", "@x", "@y", "@z", "@0", "@1", "@2", "@3", "@4", "@5", "@6", "@7", "@8", "@9",
];

/// The group number between its dashes.
const SSN: &[&str] = &[
    "-01-", "-02-", "-03-", "-04-", "-05-", "-06-", "-07-", "-08-", "-09-", "-10-", "-11-", "-12-", "-13-", "-14-",
    "-15-", "-16-", "-17-", "-18-", "-19-", "-20-", "-21-", "-22-", "-23-", "-24-", "-25-", "-26-", "-27-", "-28-",
    "-29-", "-30-", "-31-", "-32-", "-33-", "-34-", "-35-", "-36-", "-37-", "-38-", "-39-", "-40-", "-41-", "-42-",
    "-43-", "-44-", "-45-", "-46-", "-47-", "-48-", "-49-", "-50-", "-51-", "-52-", "-53-", "-54-", "-55-", "-56-",
    "-57-", "-58-", "-59-", "-60-", "-61-", "-62-", "-63-", "-64-", "-65-", "-66-", "-67-", "-68-", "-69-", "-70-",
    "-71-", "-72-", "-73-", "-74-", "-75-", "-76-", "-77-", "-78-", "-79-", "-80-", "-81-", "-82-", "-83-", "-84-",
    "-85-", "-86-", "-87-", "-88-", "-89-", "-90-", "-91-", "-92-", "-93-", "-94-", "-95-", "-96-", "-97-", "-98-",
    "-99-",
];
