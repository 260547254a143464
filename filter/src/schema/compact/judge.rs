//! Judging an instance.

use std::borrow::Cow;

use super::compile::Compiled;
use super::equal::equal;
use super::node::{Check, Node, NodeId, NumberRule, StringRules, Types};
use super::{object, wanted};
use crate::json::Span;
use crate::schema::facts::{self, Source};
use crate::schema::value::{Type, Value};
use crate::schema::verdict::{Facts, Miss, MissKind, Verdict};
use crate::schema::vocabulary;
use crate::schema::work::{Undecidable, Work};
use crate::schema::{JUDGEMENT_DEPTH, JUDGEMENT_STEPS};

/// Why a judgement ended early.
pub(super) enum Halt {
    Miss(Miss),
    Undecidable(Undecidable),
}

impl From<Undecidable> for Halt {
    fn from(why: Undecidable) -> Self {
        Self::Undecidable(why)
    }
}

pub(super) type Judged = Result<(), Halt>;

/// One step of the way from the root of the instance.
#[derive(Clone, Debug)]
pub(super) enum Step<'i> {
    Key(Cow<'i, str>),
    Index(usize),
}

pub(super) struct Judge<'s, 'i> {
    pub(super) schema: &'s Compiled,
    pub(super) facts: &'s dyn Facts,
    pub(super) work: Work,
    path: Vec<Step<'i>>,
    depth: usize,
    /// Above 0 where nobody reads what is missed.
    quiet: usize,
}

/// See [`Schema::judge`](crate::schema::Schema::judge).
pub(in crate::schema) fn judge(schema: &Compiled, instance: &[u8], facts: &dyn Facts) -> Verdict {
    let Some(root) = Value::root(instance) else { return Verdict::Undecidable(Undecidable::Unreadable) };
    let work = Work::new(JUDGEMENT_STEPS);
    let mut judge = Judge { schema, facts, work, path: Vec::new(), depth: 0, quiet: 0 };
    match judge.apply(schema.root, root) {
        Ok(()) => Verdict::Valid,
        Err(Halt::Miss(miss)) => Verdict::Invalid(miss),
        Err(Halt::Undecidable(why)) => Verdict::Undecidable(why),
    }
}

impl<'s, 'i> Judge<'s, 'i> {
    /// A miss at the current place; `wanted` is asked only if somebody will read it.
    pub(super) fn miss(&self, keyword: &'static str, wanted: &dyn Fn() -> String) -> Halt {
        self.miss_of(MissKind::Unmet, keyword, wanted)
    }

    pub(super) fn miss_of(&self, kind: MissKind, keyword: &'static str, wanted: &dyn Fn() -> String) -> Halt {
        let (pointer, wanted) = match self.quiet {
            0 => (wanted::pointer(&self.path), wanted()),
            _ => Default::default(),
        };
        Halt::Miss(Miss { kind, pointer, keyword, wanted })
    }

    /// Applies a schema one step deeper in the instance.
    pub(super) fn within(&mut self, step: Step<'i>, node: NodeId, value: Value<'i>) -> Judged {
        self.path.push(step);
        let judged = self.apply(node, value);
        self.path.pop();
        judged
    }

    /// Reports a miss one step deeper in the instance.
    pub(super) fn miss_within(
        &mut self,
        step: Step<'i>,
        kind: MissKind,
        keyword: &'static str,
        wanted: &dyn Fn() -> String,
    ) -> Halt {
        self.path.push(step);
        let miss = self.miss_of(kind, keyword, wanted);
        self.path.pop();
        miss
    }

    /// Whether a schema accepts the value, where a miss is an answer and not the end. What could not be told ends the
    /// judgement all the same: `not` must not turn it into a yes.
    pub(super) fn accepts(&mut self, node: NodeId, value: Value<'i>) -> Result<bool, Halt> {
        self.quiet += 1;
        let judged = self.apply(node, value);
        self.quiet -= 1;
        match judged {
            Ok(()) => Ok(true),
            Err(Halt::Miss(Miss { kind: MissKind::Unmet, .. })) => Ok(false),
            // Told again, for somebody to read.
            Err(Halt::Miss(_)) if self.quiet == 0 => match self.apply(node, value) {
                Ok(()) => Ok(true),
                Err(halt) => Err(halt),
            },
            Err(halt) => Err(halt),
        }
    }

    pub(super) fn apply(&mut self, node: NodeId, value: Value<'i>) -> Judged {
        if self.depth >= JUDGEMENT_DEPTH {
            return Err(Undecidable::Depth.into());
        }
        self.depth += 1;
        let judged = self.node(node, value);
        self.depth -= 1;
        judged
    }

    fn node(&mut self, node: NodeId, value: Value<'i>) -> Judged {
        self.work.spend(1)?;
        let schema = self.schema;
        match schema.nodes.get(node.0 as usize) {
            Some(Node::Boolean(true)) => Ok(()),
            Some(Node::Checks(checks)) => checks.iter().try_for_each(|check| self.check(check, value)),
            Some(Node::Boolean(false)) | None => Err(self.miss("false", &|| "must not be sent".to_owned())),
        }
    }

    fn check(&mut self, check: &'s Check, value: Value<'i>) -> Judged {
        self.work.spend(1)?;
        match check {
            Check::Type(types) => self.types(*types, value),
            Check::Const(constant) => {
                let constant = Value::at(&self.schema.text, *constant);
                match equal(value, constant, &mut self.work)? {
                    true => Ok(()),
                    false => Err(self.miss("const", &|| wanted::one_of(&[constant]))),
                }
            }
            Check::Enum(constants) => {
                let constants = constants.iter().map(|it| Value::at(&self.schema.text, *it));
                for constant in constants.clone() {
                    if equal(value, constant, &mut self.work)? {
                        return Ok(());
                    }
                }
                Err(self.miss("enum", &|| wanted::one_of(&constants.clone().collect::<Vec<_>>())))
            }
            Check::Equals(path) => self.equals(path, value),
            Check::In(source) => self.is_in(source, value),
            Check::Object(rules) if value.kind() == Type::Object => object::object(self, rules, value),
            Check::Array(rules) if value.kind() == Type::Array => object::array(self, rules, value),
            Check::Number(rules) if value.kind() == Type::Number => self.number(rules, value),
            Check::String(rules) if value.kind() == Type::String => self.string(rules, value),
            Check::Object(_) | Check::Array(_) | Check::Number(_) | Check::String(_) => Ok(()),
            Check::Ref(node) => self.apply(*node, value),
            Check::AllOf(nodes) => nodes.iter().try_for_each(|node| self.apply(*node, value)),
            Check::AnyOf(nodes) => self.any_of(nodes, value),
            Check::OneOf(nodes) => self.one_of(nodes, value),
            Check::Not(node) => match self.accepts(*node, value)? {
                false => Ok(()),
                true => Err(self.miss("not", &|| "must not be of the form that is excluded here".to_owned())),
            },
            Check::If { condition, then, otherwise } => {
                let branch = if self.accepts(*condition, value)? { then } else { otherwise };
                branch.map_or(Ok(()), |node| self.apply(node, value))
            }
        }
    }

    fn types(&mut self, types: Types, value: Value<'i>) -> Judged {
        let kind = value.kind();
        let integer = kind == Type::Number && types.has_integer() && !types.has(kind);
        if types.has(kind) || (integer && value.number()?.is_integer()) {
            return Ok(());
        }
        Err(self.miss("type", &|| wanted::types(types, kind)))
    }

    fn equals(&mut self, path: &str, value: Value<'i>) -> Judged {
        let keyword = vocabulary::EQUALS;
        let Some(fact) = self.facts.text(path) else {
            return Err(self.miss_of(MissKind::UnknownFact, keyword, &|| facts::unknown_fact(path)));
        };
        self.work.read(value.span.len())?;
        match value.string() {
            Some(text) if text == fact => Ok(()),
            _ => Err(self.miss(keyword, &|| facts::equal_to_fact(path, fact))),
        }
    }

    fn is_in(&mut self, source: &'s Source, value: Value<'i>) -> Judged {
        let keyword = vocabulary::IN;
        self.work.read(value.span.len())?;
        let text = value.string();
        match source {
            Source::Set(name, members) => {
                let found = |text: &Cow<'_, str>| members.binary_search_by(|it| (**it).cmp(text)).is_ok();
                if text.as_ref().is_some_and(found) {
                    return Ok(());
                }
                Err(self.miss(keyword, &|| facts::in_set(&format!("sets.{name}"), members.iter().map(|it| &**it))))
            }
            Source::Fact(path) => {
                let Some(list) = self.facts.list(path) else {
                    return Err(self.miss_of(MissKind::UnknownFact, keyword, &|| facts::unknown_fact(path)));
                };
                self.work.spend(list.len())?;
                if text.is_some_and(|text| list.iter().any(|it| *it == text)) {
                    return Ok(());
                }
                Err(self.miss(keyword, &|| facts::in_set(path, list.iter().map(String::as_str))))
            }
        }
    }

    fn number(&mut self, rules: &'s [(NumberRule, Span)], value: Value<'i>) -> Judged {
        let number = value.number()?;
        for (rule, bound) in rules {
            let written = Value::at(&self.schema.text, *bound);
            self.work.read(value.span.len() + bound.len())?;
            let bound = written.number()?;
            let met = match rule {
                NumberRule::Minimum => number >= bound,
                NumberRule::ExclusiveMinimum => number > bound,
                NumberRule::Maximum => number <= bound,
                NumberRule::ExclusiveMaximum => number < bound,
                NumberRule::MultipleOf => number.is_multiple_of(&bound),
            };
            if !met {
                return Err(self.miss(rule.keyword(), &|| wanted::number(*rule, written)));
            }
        }
        Ok(())
    }

    fn string(&mut self, rules: &'s StringRules, value: Value<'i>) -> Judged {
        self.work.read(value.span.len())?;
        let Some(text) = value.string() else { return Ok(()) };
        if rules.least > 0 || rules.most.is_some() {
            let length = u64::try_from(text.chars().count()).unwrap_or(u64::MAX);
            if length < rules.least {
                return Err(self.miss("minLength", &|| wanted::count("have", "at least", rules.least, "character")));
            }
            if let Some(most) = rules.most.filter(|most| length > *most) {
                return Err(self.miss("maxLength", &|| wanted::count("have", "at most", most, "character")));
            }
        }
        if let Some(format) = rules.format.filter(|format| !format.accepts(&text)) {
            return Err(self.miss("format", &|| format!("must be {}", format.described())));
        }
        if let Some((regex, written)) = &rules.pattern
            && !regex.matches(&text, &mut self.work)?
        {
            let written = Value::at(&self.schema.text, *written);
            return Err(self.miss("pattern", &|| wanted::pattern(written)));
        }
        Ok(())
    }

    fn any_of(&mut self, nodes: &'s [NodeId], value: Value<'i>) -> Judged {
        let mut misses = Vec::new();
        for node in nodes {
            match self.apply(*node, value) {
                Ok(()) => return Ok(()),
                Err(Halt::Miss(miss)) => misses.push(miss),
                halt => return halt,
            }
        }
        Err(self.none_of("anyOf", misses))
    }

    fn one_of(&mut self, nodes: &'s [NodeId], value: Value<'i>) -> Judged {
        let mut misses = Vec::new();
        let mut accepted = 0_usize;
        for node in nodes {
            match self.apply(*node, value) {
                Ok(()) => accepted += 1,
                Err(Halt::Miss(miss)) => misses.push(miss),
                halt => return halt,
            }
            if accepted > 1 {
                let several =
                    || format!("must be of exactly one of {} alternative forms, and is of several", nodes.len());
                return Err(self.miss("oneOf", &several));
            }
        }
        if accepted == 1 && misses.iter().all(|miss| miss.kind == MissKind::Unmet) {
            return Ok(());
        }
        Err(self.none_of("oneOf", misses))
    }

    /// The miss of a value that none of the alternatives accepts. What could not be told comes first.
    fn none_of(&self, keyword: &'static str, mut misses: Vec<Miss>) -> Halt {
        if let Some(at) = misses.iter().position(|miss| miss.kind != MissKind::Unmet) {
            return Halt::Miss(misses.swap_remove(at));
        }
        self.miss(keyword, &|| wanted::alternatives(&misses))
    }
}
