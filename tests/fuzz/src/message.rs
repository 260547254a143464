//! Messages as trees, so that a failing one can be made smaller without cutting its secrets.

use crate::random::Random;

/// A JSON value.
#[derive(Clone, Debug)]
pub enum Node {
    /// `{…}`: keys in order. No key comes twice.
    Object(Vec<(Text, Node)>),
    /// `[…]`
    Array(Vec<Node>),
    /// A string.
    Text(Text),
    /// A number or a keyword, as written.
    Bare(&'static str),
}

/// A string, in pieces.
#[derive(Clone, Debug)]
pub struct Text {
    /// Its pieces.
    pub pieces: Vec<Piece>,
    /// How its characters are escaped.
    pub style: Style,
}

/// A piece of a string.
#[derive(Clone, Debug)]
pub enum Piece {
    /// Text without secrets.
    Plain(String),
    /// A planted secret, by number, and what stands before and after it.
    Secret(usize, &'static str, &'static str),
    /// JSON text, and whether it is written with white space.
    Json(Box<Node>, bool),
}

/// How the characters of a string are escaped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Only what must be.
    Least,
    /// `/` too, as PHP does.
    Slashes,
    /// `<`, `>`, `&`, `=`, `+` and `'` as `\u003c` and so on, as Go, Gson and .NET do.
    Html,
    /// All but ASCII, as Python does.
    Ascii,
    /// About every fourth character as `\uXXXX`, with this seed, but for those that are part of an escape themselves.
    Wild(u64),
    /// About every fourth character, whatever it is: an inner escape such as `\n` may be written `\\\u006e`.
    Hostile(u64),
}

const STYLES: [Style; 4] = [Style::Least, Style::Slashes, Style::Html, Style::Ascii];

const BEFORE: &[&str] = &["", " ", "\n", "= ", ": ", "'", "\"", "(", ",", "\t", "é ", "\r\n", "> ", "; ", "\\ "];
const AFTER: &[&str] = &["", " ", "\n", "'", "\"", ")", ",", "\t", " é", "\r\n", " <", "; ", " \\"];
const PLAIN: &[&str] = &[
    "the quick brown fox",
    "",
    "x",
    "200 OK",
    "C:\\temp\\new",
    "line\nline\r\n\tindented",
    "\"quoted\"",
    "\\",
    "\\\\",
    "\\n",
    "\\u0041",
    "/",
    "a/b",
    "<b>&amp;</b>",
    "naïve café",
    "日本語",
    "😀👩‍💻",
    "{",
    "}",
    "[1,2",
    "\"",
    "\u{7f}",
    "0f9b1d2c-0000-4000-8000-00805f9b34fb",
    "3b18e512dba79e4c8300dd08aeb37f8e728b8dad",
    "password",
    "token:",
    "AKIA",
    "-----BEGIN ",
    "eyJ",
    "ghp_",
    "[redacted:aws-access-key-id:7f3a]",
];
const KEYS: &[&str] = &["a", "name", "text", "data", "value", "note", "k\"ey", "pa/th", "uri", "é", "list", "n\\n"];

/// Makes up values.
pub struct Maker<'r> {
    /// Where its choices come from.
    pub random: &'r mut Random,
    /// How many secrets there are to plant.
    pub secrets: usize,
    /// Whether characters of escapes may be escaped themselves.
    pub hostile: bool,
}

impl Maker<'_> {
    /// Any value, at most so deep.
    pub fn node(&mut self, depth: usize) -> Node {
        match self.random.below(if depth == 0 { 5 } else { 9 }) {
            0 => Node::Bare(self.random.one(&["0", "-1.5e3", "true", "false", "null", "12345678901234567890"])),
            1..=4 => Node::Text(self.text(depth)),
            5 | 6 => Node::Array((0..self.random.below(4)).map(|_| self.node(depth - 1)).collect()),
            _ => {
                let first = self.random.below(KEYS.len());
                let count = self.random.below(4);
                let keys = KEYS.iter().cycle().skip(first).take(count);
                Node::Object(keys.map(|key| (Text::plain(key, self.style()), self.node(depth - 1))).collect())
            }
        }
    }

    /// Any string, with JSON in it at most so deep.
    pub fn text(&mut self, depth: usize) -> Text {
        // JSON text stands alone: it is no JSON with anything around it.
        if depth > 0 && self.random.once_in(3) {
            let pieces = vec![Piece::Json(Box::new(self.node(depth - 1)), self.random.once_in(2))];
            return Text { pieces, style: self.style() };
        }
        let mut pieces = Vec::new();
        for _ in 0..=self.random.below(3) {
            pieces.push(if self.secrets > 0 && self.random.once_in(2) {
                let secret = self.random.below(self.secrets);
                Piece::Secret(secret, self.random.one(BEFORE), self.random.one(AFTER))
            } else if self.random.once_in(40) {
                Piece::Plain(self.random.one(PLAIN).repeat(400))
            } else {
                Piece::Plain(self.random.one(PLAIN).to_owned())
            });
        }
        Text { pieces, style: self.style() }
    }

    fn style(&mut self) -> Style {
        match self.random.below(STYLES.len() + 1) {
            number if number < STYLES.len() => STYLES[number],
            _ if self.hostile => Style::Hostile(self.random.any()),
            _ => Style::Wild(self.random.any()),
        }
    }

    /// A JSON-RPC message with data in it.
    pub fn message(&mut self) -> Node {
        let plain = |text: &str| Node::Text(Text::plain(text, Style::Least));
        let object = |members: Vec<(&str, Node)>| {
            Node::Object(members.into_iter().map(|(key, node)| (Text::plain(key, Style::Least), node)).collect())
        };
        let mut members = vec![("jsonrpc", plain("2.0"))];
        match self.random.below(4) {
            0 => {
                members.push(("method", plain("notifications/message")));
                members.push(("params", object(vec![("level", plain("info")), ("data", self.node(4))])));
            }
            1 => {
                members.push(("id", Node::Bare("7")));
                let error =
                    vec![("code", Node::Bare("-32603")), ("message", Node::Text(self.text(1))), ("data", self.node(4))];
                members.push(("error", object(error)));
            }
            2 => {
                members.extend([("id", Node::Bare("8")), ("method", plain("tools/call"))]);
                members.push((
                    "params",
                    object(vec![("name", plain("write_file")), ("arguments", object(vec![("body", self.node(4))]))]),
                ));
            }
            _ => {
                members.push(("id", plain("9")));
                let block = |text: Text| object(vec![("type", plain("text")), ("text", Node::Text(text))]);
                let content = (0..=self.random.below(3)).map(|_| block(self.text(4))).collect();
                let result = vec![
                    ("content", Node::Array(content)),
                    ("structuredContent", object(vec![("result", self.node(4))])),
                ];
                members.push(("result", object(result)));
            }
        }
        object(members)
    }
}

impl Text {
    fn plain(text: &str, style: Style) -> Self {
        Self { pieces: vec![Piece::Plain(text.to_owned())], style }
    }

    /// What the string says.
    pub fn decoded(&self, secrets: &[String]) -> String {
        let mut out = String::new();
        for (number, piece) in self.pieces.iter().enumerate() {
            match piece {
                Piece::Plain(text) => out.push_str(text),
                Piece::Secret(secret, before, after) => {
                    // A word before it would be part of it.
                    let before = if before.is_empty() && number > 0 { " " } else { before };
                    let after = if after.is_empty() && number + 1 < self.pieces.len() { " " } else { after };
                    out.extend([before, &secrets[*secret], after]);
                }
                Piece::Json(node, is_wide) => out.push_str(&node.written(secrets, *is_wide)),
            }
        }
        out
    }

    fn written(&self, secrets: &[String]) -> String {
        let (seed, everywhere) = match self.style {
            Style::Wild(seed) => (Some(seed), false),
            Style::Hostile(seed) => (Some(seed), true),
            _ => (None, false),
        };
        let mut random = Random::new(seed.unwrap_or(0));
        let mut out = String::from("\"");
        // Characters that still belong to an escape inside the string, at whatever depth.
        let mut escape = 0;
        for character in self.decoded(secrets).chars() {
            let is_free = escape == 0 && character != '\\';
            escape = match character {
                '\\' => 1,
                'u' if escape == 1 => 4,
                _ => escape.max(1) - 1,
            };
            let is_wild = seed.is_some() && (is_free || everywhere) && random.once_in(4);
            match character {
                '"' | '\\' if !is_wild => out.extend(['\\', character]),
                '/' if self.style == Style::Slashes => out.push_str("\\/"),
                '\n' if !is_wild => out.push_str("\\n"),
                '\r' if !is_wild => out.push_str("\\r"),
                '\t' if !is_wild => out.push_str("\\t"),
                _ if is_wild
                    || character < ' '
                    || self.style == Style::Ascii && !character.is_ascii()
                    || self.style == Style::Html && "<>&=+'".contains(character) =>
                {
                    let mut units = [0; 2];
                    for unit in character.encode_utf16(&mut units) {
                        out.push_str(&if random.once_in(2) {
                            format!("\\u{unit:04x}")
                        } else {
                            format!("\\u{unit:04X}")
                        });
                    }
                }
                _ => out.push(character),
            }
        }
        out.push('"');
        out
    }
}

impl Node {
    /// The value as JSON text.
    pub fn written(&self, secrets: &[String], is_wide: bool) -> String {
        let (comma, colon) = if is_wide { (",\n  ", " : ") } else { (",", ":") };
        match self {
            Self::Object(members) => {
                let written: Vec<String> = members
                    .iter()
                    .map(|(key, node)| format!("{}{colon}{}", key.written(secrets), node.written(secrets, is_wide)))
                    .collect();
                format!("{{{}}}", written.join(comma))
            }
            Self::Array(nodes) => {
                let written: Vec<String> = nodes.iter().map(|node| node.written(secrets, is_wide)).collect();
                format!("[{}]", written.join(comma))
            }
            Self::Text(text) => text.written(secrets),
            Self::Bare(text) => (*text).to_owned(),
        }
    }

    /// Values that are a little smaller.
    pub fn smaller(&self) -> Vec<Self> {
        match self {
            Self::Bare(_) => Vec::new(),
            Self::Array(nodes) => {
                let mut out = without_one(nodes).map(Self::Array).collect::<Vec<_>>();
                out.extend(with_one(nodes, Self::smaller).map(Self::Array));
                out
            }
            Self::Object(members) => {
                let mut out = without_one(members).map(Self::Object).collect::<Vec<_>>();
                let smaller =
                    |(key, node): &(Text, Self)| node.smaller().into_iter().map(|node| (key.clone(), node)).collect();
                out.extend(with_one(members, smaller).map(Self::Object));
                out
            }
            Self::Text(text) => text.smaller().into_iter().map(Self::Text).collect(),
        }
    }
}

impl Text {
    fn smaller(&self) -> Vec<Self> {
        let style = self.style;
        let mut out: Vec<Self> = without_one(&self.pieces).map(|pieces| Self { pieces, style }).collect();
        if style != Style::Least {
            out.push(Self { style: Style::Least, ..self.clone() });
        }
        out.extend(with_one(&self.pieces, Piece::smaller).map(|pieces| Self { pieces, style }));
        out
    }
}

impl Piece {
    fn smaller(&self) -> Vec<Self> {
        match self {
            Self::Plain(text) if text.is_empty() => Vec::new(),
            Self::Plain(text) => {
                let half: String = text.chars().take(text.chars().count() / 2).collect();
                vec![Self::Plain(half), Self::Plain(text.chars().skip(1).collect())]
            }
            Self::Secret(_, " ", " ") => Vec::new(),
            Self::Secret(secret, ..) => vec![Self::Secret(*secret, " ", " ")],
            Self::Json(node, is_wide) => {
                let mut out: Vec<Self> =
                    node.smaller().into_iter().map(|node| Self::Json(Box::new(node), *is_wide)).collect();
                if *is_wide {
                    out.push(Self::Json(node.clone(), false));
                }
                out
            }
        }
    }
}

fn without_one<T: Clone>(all: &[T]) -> impl Iterator<Item = Vec<T>> + '_ {
    (0..all.len()).map(|out| all.iter().enumerate().filter(|(at, _)| *at != out).map(|(_, it)| it.clone()).collect())
}

fn with_one<'a, T: Clone>(all: &'a [T], change: impl Fn(&T) -> Vec<T> + 'a) -> impl Iterator<Item = Vec<T>> + 'a {
    (0..all.len()).flat_map(move |at| {
        change(&all[at]).into_iter().map(move |changed| {
            let mut all = all.to_vec();
            all[at] = changed;
            all
        })
    })
}
