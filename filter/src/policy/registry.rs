use super::document::{Fields, Report, Value, nearest_or_all};
use super::{keys, server};

/// An environment or a domain that servers join.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registry {
    /// The name that servers, quotas and audit events use.
    pub name: String,
    /// The registry that it is a part of.
    pub parent: Option<String>,
}

/// Whether a registry is `ancestor`, or below it.
pub fn is_within(registries: &[Registry], name: &str, ancestor: &str) -> bool {
    lineage(registries, name).any(|it| it == ancestor)
}

/// The registry and its ancestors; of those that go round in a circle no more than there are registries.
fn lineage<'r>(registries: &'r [Registry], name: &'r str) -> impl Iterator<Item = &'r str> {
    let parent = |name: &&str| registries.iter().find(|it| it.name == *name)?.parent.as_deref();
    std::iter::successors(Some(name), parent).take(registries.len() + 1)
}

/// Reads `registries`; `declared` are all names, those of registries with faults included.
pub(super) fn read(value: &Value<'_>, declared: &[String], report: &mut Report<'_>) -> Vec<Registry> {
    let mut registries: Vec<Registry> = Vec::new();
    let mut parents = Vec::new();
    for value in value.list(report).unwrap_or_default() {
        let Some(fields) = Fields::open(value, &keys::REGISTRY, report) else { continue };
        let name = fields.required("name", report).and_then(|value| server::read_name(value, "registry", report));
        let parent = fields.get("parent").and_then(|value| read_known(value, declared, report));
        let Some(name) = name else { continue };
        if registries.iter().any(|other| other.name == name) {
            let message = format!("a second registry named `{name}`");
            let help = "give each registry a name of its own";
            report.error("duplicate_name", value.member("name").unwrap_or(value), message, help);
            continue;
        }
        registries.push(Registry { name, parent });
        parents.push(fields.get("parent").unwrap_or(value));
    }
    for (at, (registry, value)) in registries.iter().zip(parents).enumerate() {
        let round: Vec<&str> = lineage(&registries, &registry.name).collect();
        let Some(turn) = round.iter().skip(1).position(|name| *name == registry.name) else { continue };
        let round = round.get(..=turn + 1).unwrap_or_default();
        // Once for all that stand in the circle.
        if registries.iter().take(at).any(|earlier| round.contains(&earlier.name.as_str())) {
            continue;
        }
        let message = format!("`{}` is its own ancestor: {}", registry.name, round.join(" -> "));
        report.error("circular_parent", value, message, "take `parent` out of one of them: the outermost has none");
    }
    registries
}

/// Reads the name of a registry that is declared.
pub(super) fn read_known(value: &Value<'_>, declared: &[String], report: &mut Report<'_>) -> Option<String> {
    let text = value.text(report)?;
    if declared.iter().any(|name| name == text) {
        return Some(text.to_owned());
    }
    let names: Vec<&str> = declared.iter().map(String::as_str).collect();
    let help = if names.is_empty() {
        format!("declare it in the policy: \"registries\": [{{ \"name\": \"{text}\" }}]")
    } else {
        nearest_or_all(text, &names)
    };
    report.error("unknown_registry", value, format!("no registry of this policy is named `{text}`"), &help);
    None
}
