//! `redaction`: which secrets are looked for, and what becomes of them.

use super::diagnostic::suggestion;
use super::document::{Fields, Kind, Report, Value};
use super::{Mode, TargetPattern, keys, rule, server};
use crate::order;
use crate::pattern::Pattern as NamePattern;
use crate::secret;
use crate::secret::custom::{Mistake, PATTERNS, Pattern};
use crate::secret::detector::{Detector, Group, detectors};
use crate::secret::{KEY_NAME, Key, Scanner};

/// The name under which placeholders in requests are found.
pub const PLACEHOLDER: &str = "placeholder";

/// Results up to this size are held, and what is found in one place is taken out of all of it.
pub const SWEEP_BYTES: usize = 256 * 1024;

/// Which way a message goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// To the server.
    Request,
    /// To the client.
    Response,
}

/// What becomes of a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strategy {
    /// It passes, and is not counted.
    Allow,
    /// `[redacted:aws-access-key-id:7f3a]` stands in its place.
    Replace,
    /// Its last four characters stay, behind asterisks.
    Mask,
    /// A keyed hash stands in its place.
    Hash,
    /// Its message is refused.
    Block,
}

/// What becomes of hidden text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HiddenText {
    /// It is not looked for.
    Allow,
    /// It is counted.
    Count,
    /// It is taken out.
    Strip,
    /// The definition that holds it is left out of its list.
    Refuse,
}

const STRATEGIES: [(&str, Strategy); 5] = [
    ("allow", Strategy::Allow),
    ("replace", Strategy::Replace),
    ("mask", Strategy::Mask),
    ("hash", Strategy::Hash),
    ("block", Strategy::Block),
];

impl Strategy {
    /// The word of the policy document.
    pub fn as_str(self) -> &'static str {
        STRATEGIES.iter().find(|(_, strategy)| *strategy == self).map_or("block", |(word, _)| word)
    }
}

impl HiddenText {
    /// The word of the policy document.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Count => "count",
            Self::Strip => "strip",
            Self::Refuse => "refuse",
        }
    }
}

/// What becomes of a secret where a tool's `outputSchema` leaves no room for a placeholder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Constrained {
    /// Characters of the same kinds stand in its place; its member goes if those do not fit either.
    Fit,
    /// Its member goes, unless it is required.
    Drop,
}

/// Where secrets of some kinds may pass: every condition must hold.
#[derive(Debug, Clone)]
pub struct Allowance {
    /// The tools; `None` is everything, also what is no call.
    pub tools: Option<Vec<TargetPattern>>,
    /// Patterns over JSON pointers; `None` is everywhere.
    pub paths: Option<Vec<NamePattern>>,
    /// Numbers of detectors, sorted; `None` is all.
    pub detectors: Option<Vec<usize>>,
}

/// Compiled `redaction`.
#[derive(Debug)]
pub struct Redaction {
    /// Finds what is looked for.
    pub scanner: Scanner,
    /// Shadow counts and audits what would be redacted, and changes nothing.
    pub mode: Mode,
    /// The largest result that is held, to be swept, in bytes.
    pub sweep_bytes: usize,
    /// The names of `keys`, as the document writes them.
    pub keys: Vec<String>,
    /// Where secrets pass all the same.
    pub allow: Vec<Allowance>,
    /// Whether each detector is looked for, by number; keys, patterns and placeholders included.
    is_on: Vec<bool>,
    /// What becomes of secrets where an `outputSchema` leaves no room for a placeholder.
    pub constrained: Constrained,
    /// What becomes of each detector's secrets.
    requests: Vec<Strategy>,
    responses: Vec<Strategy>,
    hidden_in_definitions: HiddenText,
    hidden_in_results: HiddenText,
}

impl Redaction {
    /// Whether anything is looked for.
    pub fn looks_for_secrets(&self) -> bool {
        // The last is that of our own placeholders, which are no secrets.
        self.is_on.iter().rev().skip(1).any(|is_on| *is_on)
    }

    /// The name of a detector, by number.
    pub fn name(&self, detector: usize) -> &str {
        if detector == self.placeholder() { PLACEHOLDER } else { self.scanner.name(detector) }
    }

    /// Whether a detector, by number, is looked for.
    pub fn is_on(&self, detector: usize) -> bool {
        self.is_on.get(detector).copied().unwrap_or(false)
    }

    /// The numbers that a name stands for: a detector, a group, `key-name`, a pattern, or our own placeholders.
    pub fn numbers(&self, name: &str) -> impl Iterator<Item = usize> {
        let own = (detectors().count()..=self.placeholder()).filter(move |number| self.name(*number) == name);
        named(name).into_iter().chain(own)
    }

    /// The number of the detector of our own placeholders.
    pub fn placeholder(&self) -> usize {
        self.scanner.numbers()
    }

    /// What becomes of hidden text, in definitions of tools, prompts and resources or elsewhere.
    pub fn hidden_text(&self, in_definition: bool) -> HiddenText {
        if in_definition { self.hidden_in_definitions } else { self.hidden_in_results }
    }

    /// What becomes of a secret of this detector, by number.
    pub fn strategy(&self, direction: Direction, detector: usize) -> Strategy {
        let table = match direction {
            Direction::Request => &self.requests,
            Direction::Response => &self.responses,
        };
        table.get(detector).copied().unwrap_or(Strategy::Block)
    }

    /// Whether the policy lets a secret of this detector pass where it was found.
    pub fn is_allowed(&self, server: &str, tool: Option<&str>, pointer: &str, detector: usize) -> bool {
        self.allow.iter().any(|allowance| {
            let fits = |pattern: &TargetPattern| {
                pattern.server.as_ref().is_none_or(|on| on.matches(server))
                    && tool.is_some_and(|tool| pattern.name.matches(tool))
            };
            allowance.detectors.as_ref().is_none_or(|detectors| detectors.binary_search(&detector).is_ok())
                && allowance.tools.as_ref().is_none_or(|tools| tools.iter().any(fits))
                && allowance.paths.as_ref().is_none_or(|paths| paths.iter().any(|path| path.matches(pointer)))
        })
    }
}

/// Detectors that a name stands for: one of them, or a group.
fn named(name: &str) -> Vec<usize> {
    detectors()
        .enumerate()
        .filter(|(_, detector)| detector.name == name || detector.group.as_str() == name)
        .map(|(number, _)| number)
        .collect()
}

/// Reads the name of a detector or a group. `own` are the names that the policy adds, `words` what else may stand here.
fn read_named(
    value: &Value<'_>,
    text: &str,
    own: &[String],
    words: &[&'static str],
    report: &mut Report<'_>,
) -> Vec<usize> {
    let mut numbers = named(text);
    if let Some(at) = own.iter().position(|name| name == text) {
        numbers.push(detectors().count() + at);
    }
    if numbers.is_empty() {
        let groups = || Group::ALL.iter().map(|group| group.as_str());
        let names = detectors().map(|detector| detector.name).chain(own.iter().map(String::as_str));
        let all: Vec<&str> = words.iter().copied().chain(groups()).chain(names).collect();
        let help = suggestion(text, all.iter().copied()).map_or_else(
            || {
                let groups: Vec<&str> = groups().collect();
                format!("name a group ({}) or a detector: `tidegate check --detectors` lists them", groups.join(", "))
            },
            |near| format!("did you mean `{near}`?"),
        );
        report.error("unknown_detector", value, format!("no detector and no group is named `{text}`"), &help);
    }
    numbers
}

/// Reads `redaction`.
pub(super) fn read(value: &Value<'_>, servers: &[String], report: &mut Report<'_>) -> Option<Redaction> {
    let fields = Fields::open(value, &keys::REDACTION, report)?;
    let list =
        |key: &str, report: &mut Report<'_>| fields.get(key).and_then(|value| value.list(report)).unwrap_or_default();
    let keys = list("keys", report);
    let key_names: Vec<Key> = keys.iter().filter_map(|value| read_key(value, report)).collect();
    let keys: Vec<String> = keys
        .iter()
        .filter_map(|value| match &value.kind {
            Kind::Text(text) => Some(text.clone().into_owned()),
            _ => None,
        })
        .collect();
    let patterns = read_patterns(list("patterns", report), report);
    let own: Vec<String> = std::iter::once(KEY_NAME)
        .chain(patterns.iter().map(Pattern::name))
        .chain([PLACEHOLDER])
        .map(str::to_owned)
        .collect();
    let names_on = fields.get("detectors").map_or_else(default_detectors, |value| read_detectors(value, report));
    let mut is_on: Vec<bool> = detectors().map(|detector| names_on.contains(&detector.name)).collect();
    is_on.push(!key_names.is_empty());
    is_on.resize(detectors().count() + own.len(), true);
    let count = is_on.len();
    let mode = fields.get("mode").and_then(|value| server::read_mode(value, report)).unwrap_or(Mode::Enforce);
    let mut one =
        |key: &str, otherwise| fields.get(key).and_then(|value| value.choice(&STRATEGIES, report)).unwrap_or(otherwise);
    let mut requests = vec![one("requests", Strategy::Block); count];
    let mut responses = vec![one("responses", Strategy::Replace); count];
    // What stands for a secret is none, and the server that gets it would keep it for the secret.
    for (table, strategy) in [(&mut requests, Strategy::Block), (&mut responses, Strategy::Allow)] {
        if let Some(last) = table.last_mut() {
            *last = strategy;
        }
    }
    if let Some(value) = fields.get("strategies") {
        read_strategies(value, &own, [&mut requests, &mut responses], report);
    }
    let words = [("fit", Constrained::Fit), ("drop", Constrained::Drop)];
    let constrained = fields.get("constrained").and_then(|value| value.choice(&words, report));
    let sweep_bytes = fields.get("sweep_bytes").and_then(|value| value.whole(1024..=16 << 20, report));
    let allow = fields.get("allow").and_then(|value| value.list(report)).unwrap_or_default();
    let allow = allow.iter().filter_map(|value| read_allowance(value, servers, &own, report)).collect();
    let hidden = fields.get("hidden_text").and_then(|value| Fields::open(value, &keys::HIDDEN_TEXT, report));
    let words = [
        ("strip", HiddenText::Strip),
        ("refuse", HiddenText::Refuse),
        ("count", HiddenText::Count),
        ("allow", HiddenText::Allow),
    ];
    let definitions = hidden.as_ref().and_then(|fields| fields.get("definitions")?.choice(&words, report));
    let words = [("count", HiddenText::Count), ("strip", HiddenText::Strip), ("allow", HiddenText::Allow)];
    let results = hidden.as_ref().and_then(|fields| fields.get("results")?.choice(&words, report));
    let patterns = patterns.into_iter().map(|pattern| Box::new(pattern) as Box<dyn secret::Pattern>).collect();
    let scanner = Scanner::new(|detector: &Detector| names_on.contains(&detector.name), &key_names, patterns);
    Some(Redaction {
        scanner,
        mode,
        sweep_bytes: sweep_bytes.and_then(|bytes| usize::try_from(bytes).ok()).unwrap_or(SWEEP_BYTES),
        keys,
        allow,
        is_on,
        constrained: constrained.unwrap_or(Constrained::Fit),
        requests,
        responses,
        hidden_in_definitions: definitions.unwrap_or(HiddenText::Strip),
        hidden_in_results: results.unwrap_or(HiddenText::Count),
    })
}

fn default_detectors() -> Vec<&'static str> {
    detectors().filter(|detector| detector.group.is_default()).map(|detector| detector.name).collect()
}

/// Names of the detectors that are on: `"default"`, `"all"`, `"none"`, or a list of those words, groups and detectors,
/// each with `!` before it to switch it off again.
fn read_detectors(value: &Value<'_>, report: &mut Report<'_>) -> Vec<&'static str> {
    let list = match &value.kind {
        Kind::List(_) => value.list(report).unwrap_or_default(),
        _ => std::slice::from_ref(value),
    };
    let mut on: Vec<&'static str> = Vec::new();
    for value in list {
        let Some(text) = value.text(report) else { continue };
        let (off, name) = text.strip_prefix('!').map_or((false, text), |name| (true, name));
        let names: Vec<&'static str> = match name {
            "default" => default_detectors(),
            "all" => detectors().map(|detector| detector.name).collect(),
            "none" => Vec::new(),
            _ => {
                let numbers = read_named(value, name, &[], &["default", "all", "none"], report);
                detectors()
                    .enumerate()
                    .filter(|(number, _)| numbers.contains(number))
                    .map(|(_, detector)| detector.name)
                    .collect()
            }
        };
        on.retain(|on| !off || !names.contains(on));
        if !off {
            on.extend(names);
        }
    }
    on
}

/// Reads `strategies` into the tables of requests and responses.
fn read_strategies(value: &Value<'_>, own: &[String], tables: [&mut Vec<Strategy>; 2], report: &mut Report<'_>) {
    let Kind::Object(members) = &value.kind else {
        value.wrong_type("an object from names of detectors or groups to strategies", report);
        return;
    };
    let [requests, responses] = tables;
    // Groups first, so that a detector's own entry counts whatever the order is.
    let is_group = |key: &str| Group::ALL.iter().any(|group| group.as_str() == key);
    for wants_group in [true, false] {
        for member in members.iter().filter(|member| is_group(&member.key) == wants_group) {
            let numbers = read_named(&member.value, &member.key, own, &[], report);
            let set = |table: &mut Vec<Strategy>, strategy: Option<Strategy>| {
                for number in &numbers {
                    if let (Some(entry), Some(strategy)) = (table.get_mut(*number), strategy) {
                        *entry = strategy;
                    }
                }
            };
            if matches!(member.value.kind, Kind::Object(_)) {
                let Some(fields) = Fields::open(&member.value, &keys::REDACTION_STRATEGY, report) else { continue };
                let request = fields.get("requests").and_then(|value| value.choice(&STRATEGIES, report));
                let response = fields.get("responses").and_then(|value| value.choice(&STRATEGIES, report));
                set(requests, request);
                set(responses, response);
            } else {
                let strategy = member.value.choice(&STRATEGIES, report);
                set(requests, strategy);
                set(responses, strategy);
            }
        }
    }
}

fn read_allowance(value: &Value<'_>, servers: &[String], own: &[String], report: &mut Report<'_>) -> Option<Allowance> {
    let fields = Fields::open(value, &keys::REDACTION_ALLOW, report)?;
    if ["tools", "paths", "detectors"].iter().all(|key| fields.get(key).is_none()) {
        let help = "name `tools`, `paths` or `detectors`; to look for nothing at all, say \"detectors\": \"none\"";
        report.error("empty", value, "an allowance without a condition", help);
        return None;
    }
    let tools = fields.get("tools").and_then(|value| value.list(report));
    let tools = tools.map(|list| list.iter().filter_map(|value| rule::read_tool(value, servers, report)).collect());
    let paths = fields.get("paths").and_then(|value| value.list(report));
    let paths = paths.map(|list| list.iter().filter_map(|value| read_path(value, report)).collect());
    let detectors = fields.get("detectors").and_then(|value| value.list(report)).map(|list| {
        let mut numbers = Vec::new();
        for value in list {
            let Some(text) = value.text(report) else { continue };
            numbers.extend(read_named(value, text, own, &[], report));
        }
        order::sort(&mut numbers);
        numbers
    });
    Some(Allowance { tools, paths, detectors })
}

/// Reads a name of `keys`.
fn read_key(value: &Value<'_>, report: &mut Report<'_>) -> Option<Key> {
    let text = value.text(report)?;
    match Key::new(text) {
        Ok(key) => Some(key),
        Err(error) => {
            let help = "write the name of a member, as in \"password\" or \"api_key\"";
            report.error("invalid_value", value, error, help);
            None
        }
    }
}

/// Reads `patterns`.
fn read_patterns(list: &[Value<'_>], report: &mut Report<'_>) -> Vec<Pattern> {
    if let Some(first) = list.get(PATTERNS) {
        let help = "make one of several that are alike: `corp_(live|test)_[a-z0-9]{32}`";
        report.error("too_many", first, format!("more than {PATTERNS} patterns"), help);
    }
    let mut patterns: Vec<Pattern> = Vec::new();
    // Those beyond the most are not compiled: each costs time and memory.
    for value in list.iter().take(PATTERNS) {
        let Some(pattern) = read_pattern(value, report) else { continue };
        if patterns.iter().any(|earlier| earlier.name() == pattern.name()) {
            let name = value.member("name").unwrap_or(value);
            let help = "give each a name of its own, or make one pattern of both: `(?:corp|acme)_[a-z0-9]{32}`";
            report.error("duplicate_name", name, format!("a second pattern named `{}`", pattern.name()), help);
            continue;
        }
        patterns.push(pattern);
    }
    patterns
}

/// Reads an entry of `patterns`.
fn read_pattern(value: &Value<'_>, report: &mut Report<'_>) -> Option<Pattern> {
    let fields = Fields::open(value, &keys::REDACTION_PATTERN, report)?;
    let name = fields.required("name", report)?;
    let source = fields.required("pattern", report)?;
    let texts = |key: &str, report: &mut Report<'_>| -> Vec<String> {
        let list = fields.get(key).and_then(|value| value.list(report)).unwrap_or_default();
        list.iter().filter_map(|value| value.text(report).map(str::to_owned)).collect()
    };
    let (examples, passes) = (texts("examples", report), texts("passes", report));
    let (name_text, source_text) = (name.text(report)?, source.text(report)?);
    let taken = detectors().any(|detector| detector.name == name_text || detector.group.as_str() == name_text);
    if taken || name_text == KEY_NAME || name_text == PLACEHOLDER {
        report.error(
            "duplicate_name",
            name,
            format!("`{name_text}` is a built-in detector or group"),
            "choose another name",
        );
        return None;
    }
    let pattern = Pattern::compile(name_text, source_text).and_then(|pattern| {
        pattern.check(examples.iter().map(String::as_str), passes.iter().map(String::as_str))?;
        Ok(pattern)
    });
    match pattern {
        Ok(pattern) => Some(pattern),
        Err(fault) => {
            let at = match fault.mistake {
                Mistake::Name => name,
                Mistake::Example => fields.get("examples").unwrap_or(source),
                Mistake::Pass => fields.get("passes").unwrap_or(source),
                _ => source,
            };
            let place = fault.at.map(|at| format!(" (near its byte {at})")).unwrap_or_default();
            report.error("bad_pattern", at, format!("{}{place}", fault.what), fault.instead);
            None
        }
    }
}

fn read_path(value: &Value<'_>, report: &mut Report<'_>) -> Option<NamePattern> {
    let text = value.text(report)?;
    match NamePattern::parse(text) {
        Ok(pattern) if text.starts_with(['/', '*']) => Some(pattern),
        Ok(_) => {
            let help = "write a JSON pointer into the message, as in \"/result/structuredContent/*\" or \"*/sha\"";
            report.error("bad_pattern", value, format!("`{text}` can match no place in a message"), help);
            None
        }
        Err(fault) => {
            let help = "use a JSON pointer, or `prefix*`, `*suffix`, `*middle*`";
            report.error("bad_pattern", value, format!("`{text}` is not a pattern: {fault}"), help);
            None
        }
    }
}
