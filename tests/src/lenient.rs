//! Reads requests as the most forgiving real MCP server would, and then some: whatever any of the servers in
//! `facts/mcp.md` section 5.1 would run, this runs. It exists to prove that a trick works where no filter stands.

use crate::wire::Head;

/// JSON with every duplicate key kept.
#[derive(Debug, Clone, PartialEq)]
enum Value {
    Text(String),
    List(Vec<Value>),
    Object(Vec<(String, Value)>),
    Other,
}

/// The tools that some server would run for this request.
pub fn tools(head: &Head, body: &[u8]) -> Vec<String> {
    let mut tools = Vec::new();
    for body in decodings(head, body) {
        for text in texts(head, &body) {
            for value in values(&text) {
                calls(&value, &mut tools);
            }
        }
    }
    tools.sort();
    tools.dedup();
    tools
}

/// The body as it is and, if the fields say that it is compressed, what comes out of it.
fn decodings(head: &Head, body: &[u8]) -> Vec<Vec<u8>> {
    let encoding = head.get("content-encoding").unwrap_or_default().to_ascii_lowercase();
    let start = match encoding.as_str() {
        "gzip" => 10,
        "deflate" => 2,
        _ => return vec![body.to_vec()],
    };
    vec![body.to_vec(), stored(body.get(start..).unwrap_or_default())]
}

/// Inflates stored blocks (RFC 1951 section 3.2.4), which is all that the tests send.
fn stored(mut bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    while let [last, low, high, _, _, rest @ ..] = bytes {
        let length = usize::from(u16::from_le_bytes([*low, *high])).min(rest.len());
        out.extend_from_slice(&rest[..length]);
        bytes = if *last == 1 { &[] } else { &rest[length..] };
    }
    out
}

/// The text of a body in each charset that a server could take it to be in.
fn texts(head: &Head, body: &[u8]) -> Vec<String> {
    let wide = |size: usize, big: bool| -> String {
        let units = body.chunks_exact(size).map(|unit| {
            let fold = |value: u32, byte: &u8| value << 8 | u32::from(*byte);
            if big { unit.iter().fold(0, fold) } else { unit.iter().rev().fold(0, fold) }
        });
        if size == 4 {
            return units.map(|it| char::from_u32(it).unwrap_or('\u{fffd}')).collect();
        }
        let units: Vec<u16> = units.map(|it| u16::try_from(it).unwrap_or(0xfffd)).collect();
        String::from_utf16_lossy(&units)
    };
    let mut texts = vec![String::from_utf8_lossy(body).into_owned()];
    if body.contains(&0) {
        texts.extend([wide(2, false), wide(2, true), wide(4, false), wide(4, true)]);
    }
    if head.fields.iter().any(|(_, value)| value.to_ascii_lowercase().windows(5).any(|it| it == b"utf-7")) {
        texts.push(utf7(&String::from_utf8_lossy(body)));
    }
    texts.into_iter().map(|text| text.trim_start_matches('\u{feff}').to_owned()).collect()
}

/// UTF-7 (RFC 2152): `+` starts base64 of UTF-16, `-` ends it.
fn utf7(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((plain, coded)) = rest.split_once('+') {
        out.push_str(plain);
        let end = coded.find(|it: char| !(it.is_ascii_alphanumeric() || it == '+' || it == '/')).unwrap_or(coded.len());
        let (mut bits, mut held) = (0u32, 0u32);
        let mut units = Vec::new();
        for digit in coded[..end].bytes() {
            let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
            let value = alphabet.iter().position(|it| *it == digit).unwrap_or(0);
            held = (held << 6 | u32::try_from(value).unwrap_or(0)) & 0x3f_ffff;
            bits += 6;
            if bits >= 16 {
                bits -= 16;
                units.push(u16::try_from(held >> bits & 0xffff).unwrap_or(0));
            }
        }
        out.push_str(&String::from_utf16_lossy(&units));
        rest = coded[end..].strip_prefix('-').unwrap_or(&coded[end..]);
    }
    out + rest
}

/// Every JSON value in a text, one after the other; garbage between them is skipped.
fn values(text: &str) -> Vec<Value> {
    let mut reader = Reader { characters: text.chars().collect(), at: 0 };
    let mut values = Vec::new();
    while reader.at < reader.characters.len() {
        let before = reader.at;
        if let Some(value) = reader.value(0) {
            values.push(value);
        }
        reader.at = reader.at.max(before + 1);
    }
    values
}

struct Reader {
    characters: Vec<char>,
    at: usize,
}

impl Reader {
    fn skip(&mut self) -> Option<char> {
        while self.characters.get(self.at).is_some_and(|it| it.is_whitespace() || it.is_control()) {
            self.at += 1;
        }
        self.characters.get(self.at).copied()
    }

    fn value(&mut self, depth: usize) -> Option<Value> {
        if depth > 1000 {
            return None;
        }
        match self.skip()? {
            '{' => {
                self.at += 1;
                let mut members = Vec::new();
                loop {
                    match self.skip()? {
                        '}' => break,
                        ',' => self.at += 1,
                        '"' => {
                            let key = self.text();
                            if self.skip()? == ':' {
                                self.at += 1;
                            }
                            members.push((key, self.value(depth + 1)?));
                        }
                        _ => return None,
                    }
                }
                self.at += 1;
                Some(Value::Object(members))
            }
            '[' => {
                self.at += 1;
                let mut elements = Vec::new();
                loop {
                    match self.skip()? {
                        ']' => break,
                        ',' => self.at += 1,
                        _ => elements.push(self.value(depth + 1)?),
                    }
                }
                self.at += 1;
                Some(Value::List(elements))
            }
            '"' => Some(Value::Text(self.text())),
            _ => {
                let start = self.at;
                while self.characters.get(self.at).is_some_and(|it| it.is_alphanumeric() || "+-.".contains(*it)) {
                    self.at += 1;
                }
                (self.at > start).then_some(Value::Other)
            }
        }
    }

    /// A string; `at` stands on its opening quote. Lone surrogates become U+FFFD.
    fn text(&mut self) -> String {
        let mut units: Vec<u16> = Vec::new();
        self.at += 1;
        while let Some(character) = self.characters.get(self.at).copied() {
            self.at += 1;
            match character {
                '"' => break,
                '\\' => {
                    let escaped = self.characters.get(self.at).copied().unwrap_or_default();
                    self.at += 1;
                    if escaped == 'u' {
                        let end = (self.at + 4).min(self.characters.len());
                        let digits: String = self.characters[self.at.min(end)..end].iter().collect();
                        self.at = end;
                        units.push(u16::from_str_radix(&digits, 16).unwrap_or(0xfffd));
                    } else {
                        units.push(u16::try_from(u32::from(escaped)).unwrap_or(0xfffd));
                    }
                }
                other => units.extend_from_slice(other.encode_utf16(&mut [0; 2])),
            }
        }
        String::from_utf16_lossy(&units)
    }
}

/// Whether a reader that folds letter case, or cuts at a NUL, takes `key` for `wanted`.
fn is_key(key: &str, wanted: &str) -> bool {
    let fold = |it: char| match it {
        '\u{17f}' => 's',
        '\u{212a}' => 'k',
        other => other.to_ascii_lowercase(),
    };
    key.split('\0').next().unwrap_or_default().chars().map(fold).eq(wanted.chars())
}

fn calls(value: &Value, tools: &mut Vec<String>) {
    match value {
        Value::List(elements) => elements.iter().for_each(|element| calls(element, tools)),
        Value::Object(members) => {
            let of = |wanted: &'static str| members.iter().filter(move |(key, _)| is_key(key, wanted)).map(|it| &it.1);
            if !of("method").any(|method| *method == Value::Text("tools/call".to_owned())) {
                return;
            }
            for params in of("params") {
                let Value::Object(params) = params else { continue };
                for (key, value) in params {
                    if let (true, Value::Text(name)) = (is_key(key, "name"), value) {
                        tools.push(name.clone());
                    }
                }
            }
        }
        Value::Text(_) | Value::Other => {}
    }
}
