//! Results of tools, made up: answers of an API in the shape of GitHub's, logs, programs, configuration and prose.

use std::fmt::Write as _;

use crate::random::Random;
use crate::secrets;
use crate::words::{PARTS, WORDS};

/// Texts of about `bytes` bytes in all, one after the other; with a secret after about every so many bytes.
pub fn text(seed: u64, bytes: usize, secret_every: usize) -> String {
    let mut writer = Writer { random: Random::new(seed), out: String::with_capacity(bytes + 8192) };
    let mut planted = 0;
    while writer.out.len() < bytes {
        // The shares of the calls that were measured first.
        match writer.random.below(100) {
            0..33 => writer.api(),
            33..58 => writer.log(),
            58..85 => writer.program(),
            85..92 => writer.configuration(),
            _ => writer.prose(),
        }
        while writer.out.len() / secret_every.max(1) > planted {
            planted += 1;
            let line = secrets::line(&mut writer.random);
            writer.put(&line);
            writer.put("\n");
        }
    }
    writer.out
}

/// Lines with secrets and nothing else, each twice: about `bytes` bytes.
pub fn secrets(seed: u64, bytes: usize) -> String {
    let mut random = Random::new(seed);
    let mut out = String::with_capacity(bytes + 8192);
    while out.len() < bytes {
        let line = secrets::line(&mut random);
        out.extend([&line, "\n", &line, "\n"]);
    }
    out
}

struct Writer {
    random: Random,
    out: String,
}

const HEX: &str = "0123456789abcdef";
const HOSTS: &[&str] =
    &["api.github.com", "github.com", "example.com", "docs.rs", "internal.acme.dev", "cdn.jsdelivr.net"];
const LEVELS: &[&str] = &["INFO", "INFO", "INFO", "DEBUG", "WARN", "ERROR"];

impl Writer {
    fn put(&mut self, text: &str) {
        self.out.push_str(text);
    }

    fn word(&mut self) -> &'static str {
        self.random.pick(WORDS)
    }

    fn part(&mut self) -> &'static str {
        self.random.pick(PARTS)
    }

    fn hex(&mut self, count: usize) -> String {
        self.random.of(HEX, count)
    }

    fn number(&mut self, digits: usize) -> String {
        let most = self.random.between(1, digits);
        self.random.of("123456789", 1) + &self.random.of("0123456789", most - 1)
    }

    fn time(&mut self) -> String {
        let it = &mut self.random;
        let (month, day, hour) = (it.between(1, 12), it.between(1, 28), it.below(24));
        let (minute, second) = (it.below(60), it.below(60));
        format!("202{}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z", it.between(3, 6))
    }

    fn uuid(&mut self) -> String {
        let parts = [8, 4, 4, 4, 12].map(|count| self.hex(count));
        parts.join("-")
    }

    fn sentence(&mut self) -> String {
        let count = self.random.between(4, 18);
        let words: Vec<&str> = (0..count).map(|_| self.word()).collect();
        let mut text = words.join(" ");
        if let Some(first) = text.get_mut(..1) {
            first.make_ascii_uppercase();
        }
        if self.random.below(6) == 0 {
            text.push_str(", e.g. `");
            text.push_str(&self.name());
            text.push_str("()`");
        }
        text + self.random.pick(&[". ", ". ", ". ", "! ", "? ", ": ", ".\n"])
    }

    /// An identifier, in any of the usual styles.
    fn name(&mut self) -> String {
        let count = self.random.between(1, 3);
        let parts: Vec<&str> = (0..count).map(|_| self.part()).collect();
        let capital =
            |part: &str| part.get(..1).unwrap_or_default().to_ascii_uppercase() + part.get(1..).unwrap_or_default();
        match self.random.below(5) {
            0 => parts.iter().map(|part| capital(part)).collect(),
            1 => {
                let joined: String = parts.iter().map(|part| capital(part)).collect();
                joined.get(..1).unwrap_or_default().to_ascii_lowercase() + joined.get(1..).unwrap_or_default()
            }
            2 => parts.join("_").to_ascii_uppercase(),
            _ => parts.join("_"),
        }
    }

    fn url(&mut self) -> String {
        let (host, owner, repository) = (self.random.pick(HOSTS), self.word(), self.word());
        let tail = match self.random.below(5) {
            0 => format!("/pull/{}", self.number(5)),
            1 => format!("/commit/{}", self.hex(40)),
            2 => "{/sha}".to_owned(),
            3 => format!("/blob/main/src/{}.rs#L{}", self.part(), self.number(3)),
            _ => String::new(),
        };
        format!("https://{host}/repos/{owner}/{repository}{tail}")
    }

    fn api(&mut self) {
        self.put("[");
        for nth in 0..self.random.between(1, 4) {
            if nth > 0 {
                self.put(",");
            }
            let (login, id, node) = (self.word(), self.number(9), self.random.of("ABCDEFGHabcdefgh0123456789", 20));
            let (url, html, sha, title) = (self.url(), self.url(), self.hex(40), self.sentence());
            let (created, updated, body) = (self.time(), self.time(), self.sentence());
            let _ = write!(
                self.out,
                "{{\"url\":\"{url}\",\"html_url\":\"{html}\",\"id\":{id},\"node_id\":\"PR_kwDO{node}\",\"number\":{},\
                 \"state\":\"open\",\"locked\":false,\"title\":\"{title}\",\"user\":{{\"login\":\"{login}\",\"id\":{},\
                 \"avatar_url\":\"https://avatars.githubusercontent.com/u/{}?v=4\",\"gravatar_id\":\"\",\
                 \"followers_url\":\"https://api.github.com/users/{login}/followers\",\
                 \"following_url\":\"https://api.github.com/users/{login}/following{{/other_user}}\",\
                 \"type\":\"User\",\"site_admin\":false}},\"labels\":[{{\"name\":\"{}\",\"color\":\"{}\",\
                 \"default\":true}}],\"assignee\":null,\"comments\":{},\"created_at\":\"{created}\",\
                 \"updated_at\":\"{updated}\",\"closed_at\":null,\"author_association\":\"CONTRIBUTOR\",\
                 \"draft\":false,\"sha\":\"{sha}\",\"merge_commit_sha\":null,\"body\":\"{body}\"}}",
                id.len() * 7,
                id,
                id,
                self.random.pick(WORDS),
                self.random.of(HEX, 6),
                self.random.below(40),
            );
        }
        self.put("]\n");
    }

    fn log(&mut self) {
        for _ in 0..self.random.between(5, 30) {
            let (time, level, target) = (self.time(), self.random.pick(LEVELS), self.name());
            let line = match self.random.below(7) {
                0 => format!("{time} {level} {target}: {}", self.sentence().trim_end()),
                1 => format!(
                    "10.{}.{}.{} - - [{time}] \"GET /{}/{}?page={} HTTP/1.1\" 200 {} \"-\" \"Mozilla/5.0 (X11; Linux x86_64)\"",
                    self.random.below(256),
                    self.random.below(256),
                    self.random.below(256),
                    self.word(),
                    self.word(),
                    self.random.below(90),
                    self.number(6)
                ),
                2 => format!(
                    "{time} [{level}] [{target}] request_id={} duration={}ms status={}",
                    self.uuid(),
                    self.number(4),
                    self.number(3)
                ),
                3 => format!(
                    "{{\"ts\":\"{time}\",\"level\":\"{level}\",\"msg\":\"{}\",\"trace_id\":\"{}\"}}",
                    self.sentence().trim_end(),
                    self.hex(32)
                ),
                4 => format!(
                    "Pulling image sha256:{} from {}/{}:v{}.{}",
                    self.hex(64),
                    self.random.pick(HOSTS),
                    self.word(),
                    self.number(1),
                    self.number(2)
                ),
                5 => format!("    at {}.{}({}.java:{})", self.word(), self.name(), self.name(), self.number(3)),
                _ => format!(
                    "{time} {level} pod/{}-{}-{} {}",
                    self.word(),
                    self.hex(10),
                    self.random.of("bcdfghjklmnpqrstvwxz2456789", 5),
                    self.sentence().trim_end()
                ),
            };
            self.put(&line);
            self.put("\n");
        }
    }

    fn program(&mut self) {
        let style = self.random.below(4);
        for _ in 0..self.random.between(3, 10) {
            let (function, argument, kind) = (self.name(), self.name(), self.name());
            let comment = self.sentence_line();
            match style {
                0 => {
                    let _ = writeln!(self.out, "/// {comment}");
                    let _ =
                        writeln!(self.out, "pub fn {function}(&self, {argument}: &{kind}) -> Result<{kind}, Error> {{");
                }
                1 => {
                    let _ = writeln!(self.out, "def {function}(self, {argument}: {kind} = None) -> {kind}:");
                    let _ = writeln!(self.out, "    \"\"\"{comment}\"\"\"");
                }
                2 => {
                    let _ =
                        writeln!(self.out, "export async function {function}({argument}: {kind}): Promise<{kind}> {{");
                }
                _ => {
                    let _ = writeln!(
                        self.out,
                        "func (s *{kind}) {function}(ctx context.Context, {argument} string) error {{"
                    );
                }
            }
            for _ in 0..self.random.between(2, 12) {
                let (a, b, c) = (self.name(), self.name(), self.name());
                let line = match self.random.below(9) {
                    0 => format!("let {a} = self.{b}.{c}({argument})?;"),
                    1 => format!("if {a}.{b}() != {} {{", self.number(3)),
                    2 => "}".to_owned(),
                    3 => format!("return {a}({b}, \"{}\")", self.word()),
                    4 => format!("// {}", self.sentence_line()),
                    5 => format!("for {a} in {b}.iter().filter(|it| it.{c}) {{"),
                    6 => format!("const {a} = await {b}.{c}(`${{{argument}}}/{}`);", self.word()),
                    7 => format!("assert_eq!({a}[{}], 0x{});", self.number(2), self.hex(4)),
                    _ => format!("{a}.{b} = {c} + {};", self.number(2)),
                };
                let _ = writeln!(self.out, "        {line}");
            }
            self.put("}\n\n");
        }
    }

    fn sentence_line(&mut self) -> String {
        self.sentence().trim_end().to_owned()
    }

    fn configuration(&mut self) {
        let kind = self.random.below(3);
        for _ in 0..self.random.between(5, 25) {
            let (name, word) = (self.name(), self.word());
            let line = match kind {
                0 => match self.random.below(4) {
                    0 => format!("{name}:\n  - name: {word}\n    value: \"{}\"", self.number(5)),
                    1 => format!("  {word}: {}", self.word()),
                    2 => format!("    image: registry.k8s.io/{word}:v{}", self.number(2)),
                    _ => format!("      {name}: {}", self.uuid()),
                },
                1 => match self.random.below(3) {
                    0 => format!("{}={}", name.to_ascii_uppercase(), self.url()),
                    1 => format!("{}={}", name.to_ascii_uppercase(), self.number(5)),
                    _ => format!("# {}", self.sentence_line()),
                },
                _ => format!("{name} = \"${{var.{word}_{}}}\"", self.part()),
            };
            self.put(&line);
            self.put("\n");
        }
    }

    fn prose(&mut self) {
        for _ in 0..self.random.between(4, 20) {
            let sentence = self.sentence();
            self.put(&sentence);
        }
        self.put("\n\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_is_a_text_and_secrets_are_as_dense_as_asked() {
        let clean = text(1, 100_000, usize::MAX);
        assert_eq!(clean, text(1, 100_000, usize::MAX));
        assert_ne!(clean, text(2, 100_000, usize::MAX));
        assert!((100_000..120_000).contains(&clean.len()));
        assert!(!clean.contains("AKIA"));
        let dirty = text(1, 100_000, 1000);
        assert!(dirty.contains("AKIA"));
    }
}
