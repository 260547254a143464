//! What can be asked of a server, as few as two policies can tell apart: each literal name, each pattern alone, and
//! patterns together, for a rule for one may be overruled by a rule for the other.

use std::collections::{BTreeMap, BTreeSet};

use tidegate_filter::pattern::Pattern;
use tidegate_filter::policy::{Noun, Policy};

/// Combinations of patterns that are tried for one kind of thing, at most.
const MOST_COMBINATIONS: usize = 200_000;

/// Methods of the specification whose refusal is not that of a tool, a resource or a prompt.
const METHODS: [&str; 13] = [
    "completion/complete",
    "elicitation/create",
    "logging/setLevel",
    "resources/subscribe",
    "resources/unsubscribe",
    "roots/list",
    "sampling/createMessage",
    "subscriptions/listen",
    "tasks/cancel",
    "tasks/get",
    "tasks/list",
    "tasks/result",
    "tasks/update",
];
/// Methods that are judged with what they are for.
const CARRIERS: [&str; 3] = ["tools/call", "resources/read", "prompts/get"];

/// Names that are known to be used, such as those of a capture.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names(pub BTreeMap<&'static str, BTreeSet<String>>);

impl Names {
    /// Adds a name, a URI or a method.
    pub fn add(&mut self, noun: Noun, name: &str) {
        self.0.entry(noun.key()).or_default().insert(name.to_owned());
    }

    fn of(&self, noun: Noun) -> impl Iterator<Item = &String> {
        self.0.get(noun.key()).into_iter().flatten()
    }
}

/// One thing that can be asked for, standing for all that match the same patterns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    /// What kind of thing; `None` is the server itself: handshake and lists.
    pub(super) noun: Option<Noun>,
    /// A name that stands for all.
    pub(super) witness: String,
    /// The patterns that these names match, or the name.
    pub(super) label: String,
    /// The narrowest patterns that they match, all of them; what matches fewer of these is more of the same kind.
    pub(super) parts: Vec<String>,
    /// Known names among them.
    pub(super) examples: Vec<String>,
}

/// The targets that matter to either policy, and whether every combination of patterns is among them.
pub(super) fn enumerate(policies: [&Policy; 2], names: &Names) -> (Vec<Target>, bool) {
    let connect = Target {
        noun: None,
        witness: String::new(),
        label: "the server itself".to_owned(),
        parts: Vec::new(),
        examples: Vec::new(),
    };
    let mut targets = vec![connect];
    let mut complete = true;
    for noun in Noun::ALL {
        complete &= add(&mut targets, noun, &patterns(policies, noun), names);
    }
    (targets, complete)
}

/// Every pattern over names of one kind, in the order of its text.
fn patterns(policies: [&Policy; 2], noun: Noun) -> Vec<Pattern> {
    let targets = policies.into_iter().flat_map(|policy| {
        let rules = policy.rules.iter().flat_map(|rule| &rule.targets).filter(move |target| target.noun == noun);
        let reads = policy.read_only.reads.iter().filter(move |_| noun == Noun::Tool);
        rules.chain(reads)
    });
    let by_text: BTreeMap<String, Pattern> = targets.map(|it| (it.name.to_string(), it.name.clone())).collect();
    by_text.into_values().collect()
}

fn add(targets: &mut Vec<Target>, noun: Noun, patterns: &[Pattern], names: &Names) -> bool {
    let (mut prefixes, mut suffixes, mut middles) = (vec![""], vec![""], vec![vec![]]);
    let mut exact: Vec<&str> = Vec::new();
    for pattern in patterns {
        match pattern {
            Pattern::Exact(text) => exact.push(text),
            Pattern::Prefix(text) => prefixes.push(text),
            Pattern::Suffix(text) => suffixes.push(text),
            Pattern::Middle(text) => middles.push(vec![&**text]),
            Pattern::Any => {}
        }
    }
    let singles = middles.len();
    for first in 1..singles {
        for second in first + 1..singles {
            let both = middles.get(first).into_iter().chain(middles.get(second)).flatten().copied().collect();
            middles.push(both);
        }
    }
    let count = |middles: usize| prefixes.len().saturating_mul(suffixes.len()).saturating_mul(middles);
    let complete = count(middles.len()) <= MOST_COMBINATIONS;
    if !complete {
        middles.truncate(singles);
    }
    let filler = filler(patterns);
    let mut seen: BTreeMap<Vec<usize>, usize> = BTreeMap::new();
    let mut file = |targets: &mut Vec<Target>, witness: String, own: Option<&str>| {
        let mut signature: Vec<usize> =
            patterns.iter().enumerate().filter(|(_, it)| it.matches(&witness)).map(|(at, _)| at).collect();
        // Methods of the specification are each judged in a way of its own.
        if noun == Noun::Method
            && let Some(at) = METHODS.iter().position(|it| *it == witness)
        {
            signature.push(patterns.len() + at);
        }
        if seen.contains_key(&signature) {
            return;
        }
        let parts = own.map_or_else(|| narrowest(patterns, &signature), |name| vec![name.to_owned()]);
        let label = if parts.is_empty() { format!("any other {}", noun.as_str()) } else { parts.join(" and ") };
        seen.insert(signature, targets.len());
        targets.push(Target { noun: Some(noun), witness, label, parts, examples: Vec::new() });
    };
    let is_carrier = |name: &str| noun == Noun::Method && CARRIERS.contains(&name);
    for name in exact.into_iter().chain(METHODS.into_iter().filter(|_| noun == Noun::Method)) {
        if !is_carrier(name) {
            file(targets, name.to_owned(), Some(name));
        }
    }
    let mut combined = 0;
    'all: for middle in &middles {
        for prefix in &prefixes {
            for suffix in &suffixes {
                combined += 1;
                if combined > MOST_COMBINATIONS {
                    break 'all;
                }
                let mut witness = format!("{prefix}{filler}");
                for text in middle {
                    witness.push_str(text);
                    witness.push_str(&filler);
                }
                witness.push_str(suffix);
                file(targets, witness, None);
            }
        }
    }
    for name in names.of(noun) {
        let signature: Vec<usize> =
            patterns.iter().enumerate().filter(|(_, it)| it.matches(name)).map(|(at, _)| at).collect();
        if let Some(target) = seen.get(&signature).and_then(|at| targets.get_mut(*at))
            && target.label != *name
        {
            target.examples.push(name.clone());
        }
    }
    complete
}

/// Text that makes no pattern match by itself.
fn filler(patterns: &[Pattern]) -> String {
    let taken: String = patterns.iter().map(ToString::to_string).collect();
    let free = |letter: &char| !taken.contains(*letter);
    ('a'..='z')
        .rev()
        .chain('0'..='9')
        .chain('A'..='Z')
        .chain('\u{e0}'..='\u{17f}')
        .find(free)
        .unwrap_or('~')
        .to_string()
}

/// The narrowest patterns that say which names are meant; none if only `*` matches them, or nothing.
fn narrowest(patterns: &[Pattern], signature: &[usize]) -> Vec<String> {
    let matching: Vec<&Pattern> =
        signature.iter().filter_map(|at| patterns.get(*at)).filter(|it| **it != Pattern::Any).collect();
    let is_narrowest =
        |it: &Pattern| !matching.iter().any(|other| *other != it && it.covers(other) && !other.covers(it));
    matching.iter().filter(|it| is_narrowest(it)).map(ToString::to_string).collect()
}
