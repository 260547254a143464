//! From the text of a schema to its compiled form.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::node::{ArrayRules, Check, Contains, Known, Node, NodeId, NumberRule, ObjectRules, StringRules, Types};
use super::property::{Property, entry};
use super::reference;
use crate::json::{self, DIVISOR_DIGITS};
use crate::schema::fault::{Fault, cut, push_token};
use crate::schema::format::Format;
use crate::schema::regex::Regex;
use crate::schema::value::{Type, Value};
use crate::schema::{SCHEMA_INSTRUCTIONS, SCHEMA_NODES, Sets, check_text};
use crate::schema::{facts, vocabulary};

/// A compiled schema.
#[derive(Debug)]
pub(in crate::schema) struct Compiled {
    pub(in crate::schema) text: Box<[u8]>,
    pub(super) nodes: Vec<Node>,
    pub(super) root: NodeId,
}

/// See [`Schema::compile`](crate::schema::Schema::compile).
pub(in crate::schema) fn compile(text: &[u8], sets: &Sets) -> Result<Compiled, Fault> {
    check_text(text)?;
    let root = Value::root(text).unwrap_or(Value::at(text, json::Span::default()));
    let mut compiler = Compiler {
        sets,
        nodes: Vec::new(),
        places: BTreeMap::new(),
        references: Vec::new(),
        instructions: 0,
        pointer: String::new(),
    };
    let id = compiler.schema(root).map_err(|fault| *fault)?;
    reference::resolve(text, &mut compiler.nodes, &compiler.places, &compiler.references)?;
    Ok(Compiled { text: text.into(), nodes: compiler.nodes, root: id })
}

/// A `$ref` that is yet to be resolved.
pub(super) struct Reference {
    pub(super) node: NodeId,
    pub(super) target: String,
    /// Where it stands.
    pub(super) pointer: String,
}

struct Compiler<'a> {
    sets: &'a Sets,
    nodes: Vec<Node>,
    /// Node of the schema that starts at each offset.
    places: BTreeMap<usize, NodeId>,
    references: Vec<Reference>,
    /// Of all patterns together.
    instructions: usize,
    /// Where the compiler is.
    pointer: String,
}

/// The members of one schema object.
struct Keywords<'a> {
    members: Vec<(Cow<'a, str>, Value<'a>)>,
}

impl<'a> Keywords<'a> {
    // Called for each keyword there is: inlined, it would be several kilobytes.
    #[inline(never)]
    fn get(&self, keyword: &str) -> Option<Value<'a>> {
        self.members.iter().find(|(name, _)| name == keyword).map(|(_, value)| *value)
    }
}

impl<'a> Compiler<'a> {
    #[cold]
    #[inline(never)]
    fn fault(&self, keyword: &str, message: String, suggestion: &str) -> Box<Fault> {
        let pointer = self.pointer.clone();
        Box::new(Fault { pointer, keyword: keyword.to_owned(), message, suggestion: Some(suggestion.to_owned()) })
    }

    /// Runs `inner` one token deeper.
    fn within<T>(
        &mut self,
        token: &str,
        inner: impl FnOnce(&mut Self) -> Result<T, Box<Fault>>,
    ) -> Result<T, Box<Fault>> {
        let length = self.pointer.len();
        push_token(&mut self.pointer, token);
        let result = inner(self)?;
        self.pointer.truncate(length);
        Ok(result)
    }

    fn schema(&mut self, value: Value<'a>) -> Result<NodeId, Box<Fault>> {
        if self.nodes.len() >= SCHEMA_NODES {
            return Err(self.fault(
                "",
                format!("more than {SCHEMA_NODES} schemas in one"),
                "split the rule in several",
            ));
        }
        let id = NodeId(u32::try_from(self.nodes.len()).unwrap_or(u32::MAX));
        self.nodes.push(Node::Boolean(false));
        self.places.insert(value.span.start, id);
        let node = match (value.kind(), value.boolean()) {
            (_, Some(boolean)) => Node::Boolean(boolean),
            (Type::Object, _) => Node::Checks(self.checks(value, id)?),
            _ => {
                return Err(self.fault(
                    "",
                    "a schema is an object or a boolean".into(),
                    "write `{…}`, `true` or `false`",
                ));
            }
        };
        if let Some(slot) = self.nodes.get_mut(id.0 as usize) {
            *slot = node;
        }
        Ok(id)
    }

    fn checks(&mut self, value: Value<'a>, id: NodeId) -> Result<Vec<Check>, Box<Fault>> {
        let keywords =
            Keywords { members: value.members().map(|(key, value)| (json::decode(key.raw()), value)).collect() };
        for (name, value) in &keywords.members {
            self.within(name, |it| it.known(name, *value))?;
        }
        let mut checks = Vec::new();
        if let Some(value) = keywords.get("type") {
            checks.push(Check::Type(self.within("type", |it| it.types(value))?));
        }
        if let Some(value) = keywords.get("const") {
            self.within("const", |it| it.numbers("const", value))?;
            checks.push(Check::Const(value.span));
        }
        if let Some(value) = keywords.get("enum") {
            checks.push(Check::Enum(self.within("enum", |it| {
                it.numbers("enum", value)?;
                it.list("enum", value).map(|values| values.iter().map(|value| value.span).collect())
            })?));
        }
        if let Some(value) = keywords.get(vocabulary::EQUALS) {
            checks.push(Check::Equals(
                self.within(vocabulary::EQUALS, |it| it.own(vocabulary::EQUALS, value, facts::text_fact))?,
            ));
        }
        if let Some(value) = keywords.get(vocabulary::IN) {
            checks.push(Check::In(
                self.within(vocabulary::IN, |it| it.own(vocabulary::IN, value, |path| facts::source(path, it.sets)))?,
            ));
        }
        checks.extend(self.object(&keywords)?.map(|rules| Check::Object(Box::new(rules))));
        checks.extend(self.array(&keywords)?.map(|rules| Check::Array(Box::new(rules))));
        checks.extend(self.number(&keywords)?.map(Check::Number));
        checks.extend(self.string(&keywords)?.map(Check::String));
        if let Some(value) = keywords.get("$ref") {
            let target = self.within("$ref", |it| {
                let target = it.text("$ref", value)?.into_owned();
                let pointer = it.pointer.clone();
                it.references.push(Reference { node: id, target, pointer });
                Ok(())
            });
            target?;
            checks.push(Check::Ref(id));
        }
        for (keyword, check) in [
            ("allOf", Check::AllOf as fn(_) -> _),
            ("anyOf", Check::AnyOf as fn(_) -> _),
            ("oneOf", Check::OneOf as fn(_) -> _),
        ] {
            if let Some(value) = keywords.get(keyword) {
                checks.push(check(self.within(keyword, |it| it.schemas(keyword, value))?));
            }
        }
        if let Some(node) = self.sub(&keywords, "not")? {
            checks.push(Check::Not(node));
        }
        let (condition, then, otherwise) =
            (self.sub(&keywords, "if")?, self.sub(&keywords, "then")?, self.sub(&keywords, "else")?);
        if let Some(condition) = condition
            && (then.is_some() || otherwise.is_some())
        {
            checks.push(Check::If { condition, then, otherwise });
        }
        self.named(&keywords, "$defs")?;
        Ok(checks)
    }

    /// Refuses a keyword that is not understood.
    fn known(&self, keyword: &str, value: Value<'_>) -> Result<(), Box<Fault>> {
        if keyword == "$schema" {
            let dialect = value.string().unwrap_or_default();
            if dialect.strip_suffix('#').unwrap_or(&dialect) != vocabulary::DIALECT {
                let message = "`$schema` names a dialect other than JSON Schema 2020-12".to_owned();
                return Err(self.fault(keyword, message, &format!("write \"{}\" or remove it", vocabulary::DIALECT)));
            }
        }
        if vocabulary::KEYWORDS.contains(&keyword) || vocabulary::ANNOTATIONS.contains(&keyword) {
            return Ok(());
        }
        let suggestion = vocabulary::instead(keyword)
            .unwrap_or_else(|| "remove it; what is ignored by the validator would look as if it held".to_owned());
        Err(self.fault(keyword, format!("the keyword `{}` is not supported", cut(keyword, 60)), &suggestion))
    }

    fn sub(&mut self, keywords: &Keywords<'a>, keyword: &str) -> Result<Option<NodeId>, Box<Fault>> {
        keywords.get(keyword).map(|value| self.within(keyword, |it| it.schema(value))).transpose()
    }

    /// The schemas in a keyword such as `properties`, by name.
    fn named(&mut self, keywords: &Keywords<'a>, keyword: &str) -> Result<Vec<(Cow<'a, str>, NodeId)>, Box<Fault>> {
        let Some(value) = keywords.get(keyword) else { return Ok(Vec::new()) };
        self.within(keyword, |it| {
            it.is(keyword, value, Type::Object, "an object of schemas")?;
            let schema = |(key, value): (Value<'a>, Value<'a>)| {
                let name = json::decode(key.raw());
                let node = it.within(&name, |it| it.schema(value))?;
                Ok((name, node))
            };
            value.members().map(schema).collect()
        })
    }

    fn schemas(&mut self, keyword: &str, value: Value<'a>) -> Result<Vec<NodeId>, Box<Fault>> {
        let values = self.list(keyword, value)?;
        let mut nodes = Vec::with_capacity(values.len());
        for (index, value) in values.into_iter().enumerate() {
            nodes.push(self.within(&index.to_string(), |it| it.schema(value))?);
        }
        Ok(nodes)
    }

    fn is(&self, keyword: &str, value: Value<'_>, kind: Type, what: &str) -> Result<(), Box<Fault>> {
        if value.kind() == kind {
            return Ok(());
        }
        Err(self.fault(keyword, format!("`{keyword}` must be {what}"), "see JSON Schema 2020-12"))
    }

    /// The elements of an array that must not be empty.
    fn list(&self, keyword: &str, value: Value<'a>) -> Result<Vec<Value<'a>>, Box<Fault>> {
        self.is(keyword, value, Type::Array, "an array")?;
        let values: Vec<_> = value.elements().collect();
        if values.is_empty() {
            return Err(self.fault(keyword, format!("`{keyword}` is empty"), "list something, or remove it"));
        }
        Ok(values)
    }

    fn text(&self, keyword: &str, value: Value<'a>) -> Result<Cow<'a, str>, Box<Fault>> {
        value.string().ok_or_else(|| self.fault(keyword, format!("`{keyword}` must be a string"), "put it in quotes"))
    }

    /// The texts of an array, each once.
    fn texts(&self, keyword: &str, value: Value<'a>) -> Result<Vec<Cow<'a, str>>, Box<Fault>> {
        self.is(keyword, value, Type::Array, "an array of keys")?;
        let mut texts: Vec<Cow<'a, str>> = Vec::new();
        for element in value.elements() {
            let text = self.text(keyword, element)?;
            if texts.contains(&text) {
                return Err(self.fault(keyword, format!("`{keyword}` lists `{}` twice", cut(&text, 60)), "remove one"));
            }
            texts.push(text);
        }
        Ok(texts)
    }

    fn count(&mut self, keywords: &Keywords<'a>, keyword: &str) -> Result<Option<u64>, Box<Fault>> {
        let Some(value) = keywords.get(keyword) else { return Ok(None) };
        self.within(keyword, |it| {
            let count =
                if value.kind() == Type::Number { value.number().ok().and_then(|it| it.to_count()) } else { None };
            let wanted = || format!("`{keyword}` must be a whole number from 0");
            count.map(Some).ok_or_else(|| it.fault(keyword, wanted(), "write such a number"))
        })
    }

    /// Refuses a constant that cannot be compared.
    fn numbers(&self, keyword: &str, value: Value<'_>) -> Result<(), Box<Fault>> {
        // Bounded by SCHEMA_DEPTH, which json::check has checked.
        match value.kind() {
            Type::Number if value.number().is_err() => Err(self.fault(
                keyword,
                format!("`{keyword}` has a number with too large an exponent"),
                "write a smaller one",
            )),
            Type::Array => value.elements().try_for_each(|it| self.numbers(keyword, it)),
            Type::Object => value.members().try_for_each(|(_, it)| self.numbers(keyword, it)),
            _ => Ok(()),
        }
    }

    fn types(&self, value: Value<'a>) -> Result<Types, Box<Fault>> {
        let names = match value.kind() {
            Type::String => vec![value],
            _ => self.list("type", value)?,
        };
        let mut types = Types::default();
        for name in names {
            let name = self.text("type", name)?;
            match types.add(&name) {
                Some(true) => {}
                Some(false) => return Err(self.fault("type", format!("`type` lists \"{name}\" twice"), "remove one")),
                None => {
                    let message = format!("`type` names \"{}\", which is no type", cut(&name, 60));
                    return Err(self.fault("type", message, &format!("the types are {}", Types::NAMES.join(", "))));
                }
            }
        }
        Ok(types)
    }

    /// Reads the value of one of our own keywords.
    fn own<T>(
        &self,
        keyword: &str,
        value: Value<'a>,
        read: impl FnOnce(&str) -> Result<T, facts::Wrong>,
    ) -> Result<T, Box<Fault>> {
        let path = self.text(keyword, value)?;
        read(&path).map_err(|wrong| self.fault(keyword, wrong.message, &wrong.suggestion))
    }

    fn regex(&mut self, keyword: &str, pattern: &str) -> Result<Regex, Box<Fault>> {
        let refused = |it: &Self, what: &str, instead: &str| {
            Err(it.fault(keyword, format!("`{keyword}`: the pattern has {what}"), instead))
        };
        let regex = match Regex::new(pattern) {
            Ok(regex) => regex,
            Err(refusal) => return refused(self, &refusal.what, refusal.instead),
        };
        self.instructions += regex.len();
        if self.instructions > SCHEMA_INSTRUCTIONS {
            let what = format!("no room: all patterns of the schema compile to more than {SCHEMA_INSTRUCTIONS} steps");
            return refused(self, &what, "bound lengths with `maxLength` instead of a large `{m,n}`");
        }
        Ok(regex)
    }

    fn object(&mut self, keywords: &Keywords<'a>) -> Result<Option<ObjectRules>, Box<Fault>> {
        let mut named: Vec<Property<'a>> = Vec::new();
        for (name, node) in self.named(keywords, "properties")? {
            if let Some(it) = entry(&mut named, name) {
                it.property = Some(node);
            }
        }
        if let Some(value) = keywords.get("required") {
            for name in self.within("required", |it| it.texts("required", value))? {
                if let Some(it) = entry(&mut named, name) {
                    it.required = true;
                }
            }
        }
        if let Some(value) = keywords.get("dependentRequired") {
            let lists: Result<Vec<_>, Box<Fault>> = self.within("dependentRequired", |it| {
                it.is("dependentRequired", value, Type::Object, "an object of arrays of keys")?;
                let list = |(key, value): (Value<'a>, Value<'a>)| {
                    let name = json::decode(key.raw());
                    let brings = it.within(&name, |it| it.texts("dependentRequired", value))?;
                    Ok((name, brings))
                };
                Ok(value.members().map(list).collect())
            })?;
            for (name, brings) in lists? {
                for brought in &brings {
                    entry(&mut named, brought.clone());
                }
                if let Some(it) = entry(&mut named, name) {
                    it.brings = brings;
                }
            }
        }
        for (name, node) in self.named(keywords, "dependentSchemas")? {
            if let Some(it) = entry(&mut named, name) {
                it.dependent = Some(node);
            }
        }
        let mut patterns = Vec::new();
        for (pattern, node) in self.named(keywords, "patternProperties")? {
            let regex = self
                .within("patternProperties", |it| it.within(&pattern, |it| it.regex("patternProperties", &pattern)))?;
            patterns.push((regex, node));
        }
        let additional = self.sub(keywords, "additionalProperties")?;
        let names = self.sub(keywords, "propertyNames")?;
        let least = self.count(keywords, "minProperties")?;
        let most = self.count(keywords, "maxProperties")?;
        let idle = named.is_empty() && patterns.is_empty() && additional.is_none() && names.is_none();
        if idle && least.is_none() && most.is_none() {
            return Ok(None);
        }
        let mut folded: Vec<(String, usize)> = Vec::with_capacity(named.len());
        for (place, it) in named.iter().enumerate() {
            let key = vocabulary::folded(&it.name);
            let at = folded.partition_point(|(known, _)| *known < key);
            folded.insert(at, (key, place));
        }
        let brings = |it: &Property<'a>| -> Vec<usize> {
            it.brings.iter().filter_map(|name| named.binary_search_by(|known| known.name.cmp(name)).ok()).collect()
        };
        let known = named.iter().map(|it| Known {
            name: (*it.name).into(),
            property: it.property,
            required: it.required,
            brings: brings(it),
            dependent: it.dependent,
        });
        let known = known.collect();
        Ok(Some(ObjectRules { known, folded, patterns, additional, names, least: least.unwrap_or_default(), most }))
    }

    fn array(&mut self, keywords: &Keywords<'a>) -> Result<Option<ArrayRules>, Box<Fault>> {
        let mut rules = ArrayRules::default();
        if let Some(value) = keywords.get("prefixItems") {
            rules.prefix = self.within("prefixItems", |it| it.schemas("prefixItems", value))?;
        }
        if let Some(value) = keywords.get("items")
            && value.kind() == Type::Array
        {
            let message = "`items` is an array, as in older drafts".to_owned();
            return self.within("items", |it| Err(it.fault("items", message, "use `prefixItems`")));
        }
        rules.items = self.sub(keywords, "items")?;
        let (least, most) = (self.count(keywords, "minContains")?, self.count(keywords, "maxContains")?);
        rules.contains = self.sub(keywords, "contains")?.map(|node| Contains { node, least: least.unwrap_or(1), most });
        rules.least = self.count(keywords, "minItems")?.unwrap_or_default();
        rules.most = self.count(keywords, "maxItems")?;
        if let Some(value) = keywords.get("uniqueItems") {
            rules.unique = self.within("uniqueItems", |it| {
                value.boolean().ok_or_else(|| {
                    it.fault("uniqueItems", "`uniqueItems` must be a boolean".into(), "write `true` or `false`")
                })
            })?;
        }
        let idle = rules.prefix.is_empty() && rules.items.is_none() && rules.contains.is_none() && !rules.unique;
        Ok((!idle || rules.least > 0 || rules.most.is_some()).then_some(rules))
    }

    fn number(&mut self, keywords: &Keywords<'a>) -> Result<Option<Vec<(NumberRule, json::Span)>>, Box<Fault>> {
        let mut rules = Vec::new();
        for rule in NumberRule::ALL {
            let keyword = rule.keyword();
            let Some(value) = keywords.get(keyword) else { continue };
            self.within(keyword, |it| {
                it.is(keyword, value, Type::Number, "a number")?;
                it.numbers(keyword, value)?;
                let divides = value.number().is_ok_and(|it| !it.is_negative() && it.divisor().is_some());
                if rule == NumberRule::MultipleOf && !divides {
                    let message = format!("`multipleOf` must be above 0 and have at most {DIVISOR_DIGITS} digits");
                    return Err(it.fault(keyword, message, "write such a number"));
                }
                Ok(())
            })?;
            rules.push((rule, value.span));
        }
        Ok((!rules.is_empty()).then_some(rules))
    }

    fn string(&mut self, keywords: &Keywords<'a>) -> Result<Option<StringRules>, Box<Fault>> {
        let mut rules = StringRules {
            least: self.count(keywords, "minLength")?.unwrap_or_default(),
            most: self.count(keywords, "maxLength")?,
            ..StringRules::default()
        };
        if let Some(value) = keywords.get("pattern") {
            let regex = self.within("pattern", |it| {
                let pattern = it.text("pattern", value)?;
                it.regex("pattern", &pattern)
            })?;
            rules.pattern = Some((regex, value.span));
        }
        if let Some(value) = keywords.get("format") {
            rules.format = self.within("format", |it| {
                let name = it.text("format", value)?;
                let message = || format!("`format` names \"{}\", which is not asserted", cut(&name, 60));
                let suggestion = || format!("the formats are {}; or use `pattern`", Format::NAMES);
                Format::by_name(&name).map(Some).ok_or_else(|| it.fault("format", message(), &suggestion()))
            })?;
        }
        let idle = rules.least == 0 && rules.most.is_none() && rules.pattern.is_none() && rules.format.is_none();
        Ok((!idle).then_some(rules))
    }
}
