//! What each rule says of a thing that is asked for, alone, and what all of them come to.

use crate::decide::access::{Caller, Class, Matches, Verdict, is_meant, longest};
use crate::json::{decode, locate};
use crate::mcp::uri::Template;
use crate::policy::{Effect, Field, Noun, Policy, Rule, TargetPattern, Who};
use crate::schema::{self, MissKind};

/// What is asked of the rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Question<'a> {
    /// Whether something may be used with these arguments: JSON that strict reading has accepted. Without, whether it may
    /// be used with some, as for an entry in a list.
    Use {
        /// What kind of thing.
        noun: Noun,
        /// Its name or URI.
        name: &'a str,
        /// The arguments.
        arguments: Option<&'a [u8]>,
    },
    /// Whether some resource of a template may be read.
    Template(&'a str),
}

impl<'a> Question<'a> {
    /// The kind of thing.
    pub const fn noun(&self) -> Noun {
        match self {
            Self::Use { noun, .. } => *noun,
            Self::Template(_) => Noun::Resource,
        }
    }

    /// Its name, URI, or template.
    pub const fn name(&self) -> &'a str {
        match self {
            Self::Use { name, .. } | Self::Template(name) => name,
        }
    }

    fn arguments(&self) -> Option<&'a [u8]> {
        match self {
            Self::Use { arguments, .. } => *arguments,
            Self::Template(_) => None,
        }
    }
}

/// What the rules come to, rule by rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleSteps<'p> {
    /// Whether the tool reads or writes.
    pub class: Class,
    /// The pattern of `read_only.reads` that makes it a read.
    pub read_by: Option<&'p TargetPattern>,
    /// A write under read-only mode, which an allow must open.
    pub needs_write: bool,
    /// The rules in document order.
    pub rules: Vec<RuleStep<'p>>,
    /// What all of them come to.
    pub verdict: Verdict<'p>,
}

/// One rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleStep<'p> {
    /// The rule.
    pub rule: &'p Rule,
    /// The pattern by which it is about what is asked for.
    pub pattern: Option<&'p TargetPattern>,
    /// The conditions that are not met, in the order in which they are told. Those on caller, time and arguments are
    /// asked only of a rule that is about what is asked for.
    pub failed: Vec<Failed>,
    /// What the rule does if it is the only one.
    pub alone: Alone,
}

/// What a rule does if it is the only one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Alone {
    /// Nothing.
    Nothing,
    /// It denies.
    Denies,
    /// It allows.
    Allows,
    /// It would allow other arguments.
    LacksArguments,
    /// It would allow if it opened writes.
    OpensNoWrites,
    /// It would allow at another time.
    OutsideTime,
}

/// A condition of a rule that is not met.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failed {
    /// Neither its patterns nor its `servers` are about this server: what it is about.
    Server(Vec<String>),
    /// It is about other things, or about another kind of thing: its patterns for this kind.
    Name(Vec<String>),
    /// The name is longer than any rule matches, in bytes.
    TooLong(usize),
    /// A field of `who`.
    Who {
        /// The field.
        field: Field,
        /// The caller's values.
        has: Vec<String>,
        /// What the rule asks for: any of them.
        wants: Vec<String>,
    },
    /// It applies from this moment, in seconds since the Unix epoch.
    NotBefore(i64),
    /// It applied until this moment, in seconds since the Unix epoch.
    Expired(i64),
    /// It opens no writes, and the policy is read-only.
    Write,
    /// The arguments.
    Arguments {
        /// What they lack, as a sentence without a full stop: `/amount must be at most 500`.
        said: String,
        /// JSON pointer (RFC 6901) of the value, where there is one.
        pointer: Option<String>,
        /// The keyword of the condition.
        keyword: &'static str,
        /// The value there, as it was sent, cut if it is long.
        found: Option<String>,
        /// They were evaluated; otherwise a deny holds all the same.
        is_certain: bool,
    },
    /// A deny of some arguments does not close an entry of a list.
    SomeArguments,
}

/// Characters of a value that are shown.
const SHOWN: usize = 60;

/// What the rules say, one by one and together.
pub fn rules<'p>(policy: &'p Policy, caller: &Caller<'_>, question: Question<'_>) -> RuleSteps<'p> {
    let (noun, name) = (question.noun(), question.name());
    let too_long = matches!(question, Question::Use { .. }) && name.len() > longest(noun);
    let reads = |read: &&TargetPattern| {
        let on_server = read.server.as_ref().is_none_or(|on| on.matches(&caller.server.name));
        noun == Noun::Tool && !too_long && on_server && read.name.matches(name)
    };
    let read_by = policy.read_only.reads.iter().find(reads);
    let class = if noun != Noun::Tool || read_by.is_some() { Class::Read } else { Class::Write };
    let needs_write = policy.read_only.enabled && class == Class::Write;
    let matches = || Matches { needs_write, arguments: question.arguments(), ..Matches::default() };
    let mut all = matches();
    let mut steps = Vec::with_capacity(policy.rules.len());
    let template = Template::new(name);
    for (number, rule) in (0..).zip(&policy.rules) {
        let fits = |target: &&TargetPattern| {
            target.noun == noun
                && !too_long
                && match (question, rule.effect) {
                    (Question::Use { .. }, _) => target.name.matches(name),
                    (Question::Template(_), Effect::Allow) => template.can_match(&target.name),
                    (Question::Template(_), Effect::Deny) => template.must_match(&target.name),
                }
        };
        let pattern = rule.targets.iter().filter(fits).find(|target| rule.reaches(target, caller.server));
        let Some(pattern) = pattern else {
            let failed = vec![if too_long { Failed::TooLong(name.len()) } else { elsewhere(rule, noun, fits) }];
            steps.push(RuleStep { rule, pattern: None, failed, alone: Alone::Nothing });
            continue;
        };
        all.consider(number, rule, caller);
        let mut one = matches();
        one.consider(number, rule, caller);
        let alone = match &one.all {
            it if it.deny.is_some() => Alone::Denies,
            it if it.allow.is_some() => Alone::Allows,
            it if it.lacking.is_some() => Alone::LacksArguments,
            it if it.not_writing.is_some() => Alone::OpensNoWrites,
            it if it.untimely.is_some() => Alone::OutsideTime,
            _ => Alone::Nothing,
        };
        let failed = conditions(rule, caller, needs_write, &question);
        steps.push(RuleStep { rule, pattern: Some(pattern), failed, alone });
    }
    RuleSteps { class, read_by, needs_write, rules: steps, verdict: all.verdict(policy, noun, class) }
}

/// Why none of the rule's patterns is about what is asked for.
fn elsewhere(rule: &Rule, noun: Noun, fits: impl Fn(&&TargetPattern) -> bool) -> Failed {
    let patterns = |targets: Vec<&TargetPattern>| targets.into_iter().map(shown).collect();
    let named: Vec<&TargetPattern> = rule.targets.iter().filter(fits).collect();
    match (&rule.servers, named.is_empty()) {
        (_, true) => Failed::Name(patterns(rule.targets.iter().filter(|it| it.noun == noun).collect())),
        (Some(servers), false) => Failed::Server(servers.clone()),
        (None, false) => Failed::Server(patterns(named)),
    }
}

fn shown(target: &TargetPattern) -> String {
    target.server.as_ref().map_or_else(|| target.name.to_string(), |server| format!("{server}/{}", target.name))
}

fn conditions(rule: &Rule, caller: &Caller<'_>, needs_write: bool, question: &Question<'_>) -> Vec<Failed> {
    let mut failed = Vec::new();
    for (field, wants) in rule.who.iter().flat_map(|who| &who.0) {
        let alone = Who(vec![(*field, wants.clone())]);
        if !is_meant(Some(&alone), caller.principal) {
            let has = caller.principal.values(*field).iter().filter(|it| !it.is_empty()).cloned().collect();
            failed.push(Failed::Who { field: *field, has, wants: wants.clone() });
        }
    }
    if !rule.in_time(caller.now) {
        failed.push(match (rule.not_before, rule.expires) {
            (Some(start), _) if start > caller.now => Failed::NotBefore(start),
            (_, end) => Failed::Expired(end.unwrap_or(caller.now)),
        });
    }
    if rule.effect == Effect::Allow && needs_write && !rule.write {
        failed.push(Failed::Write);
    }
    let Some(condition) = &rule.arguments else { return failed };
    match question.arguments() {
        None if rule.effect == Effect::Deny => failed.push(Failed::SomeArguments),
        None => {}
        Some(arguments) => match condition.schema().judge(arguments, caller.principal) {
            schema::Verdict::Valid => {}
            schema::Verdict::Invalid(miss) => {
                let is_certain = miss.kind == MissKind::Unmet && !matches!(miss.keyword, "type" | "required");
                failed.push(Failed::Arguments {
                    said: miss.to_string(),
                    found: found(arguments, &miss.pointer),
                    pointer: Some(miss.pointer),
                    keyword: miss.keyword,
                    is_certain,
                });
            }
            schema::Verdict::Undecidable(why) => failed.push(Failed::Arguments {
                said: format!("the arguments cannot be judged: {why}"),
                pointer: None,
                keyword: "",
                found: None,
                is_certain: false,
            }),
        },
    }
    failed
}

/// The scalar at a place of the arguments.
fn found(arguments: &[u8], pointer: &str) -> Option<String> {
    let value = locate(arguments, pointer)?.of(arguments);
    let text = match value.first()? {
        b'{' | b'[' => return None,
        b'"' => format!("\"{}\"", decode(value)),
        _ => String::from_utf8_lossy(value).into_owned(),
    };
    Some(text.chars().take(SHOWN).collect())
}
