use std::borrow::Cow;

/// What a rate limit service finds a counter by: names and values, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Descriptor {
    /// Names and values. Services match them in this order.
    pub entries: Vec<(String, String)>,
}

/// The descriptor of one counter of a quota, as `tidegate render limitador` writes the limits for it.
///
/// The entries are `quota` with the quota's id; every dimension of its `by`, in that order, by its word in the policy
/// document; and, for a window of the calendar, `period` with the window's own name: `2026-11-23T14` for an hour,
/// `2026-11-23`, `2026-W48`, `2026-11`. The engines know no calendars: a new name is a new counter. A value is None
/// where the caller has none; see [`encode_value`].
pub fn descriptor<'a>(
    quota: &str,
    dimensions: impl IntoIterator<Item = (&'a str, Option<&'a str>)>,
    period: Option<&str>,
) -> Descriptor {
    let mut entries = vec![("quota".to_owned(), quota.to_owned())];
    entries.extend(
        dimensions.into_iter().map(|(name, value)| (name.to_owned(), encode_value(value.unwrap_or("")).into_owned())),
    );
    entries.extend(period.map(|it| ("period".to_owned(), it.to_owned())));
    Descriptor { entries }
}

/// A caller's value as an entry carries it: `~` stands for none, so a value that begins with `~` gets another before it,
/// and nobody is counted as the nameless by calling themselves `~`. An empty value is none.
pub fn encode_value(value: &str) -> Cow<'_, str> {
    match value.as_bytes().first() {
        None => Cow::Borrowed("~"),
        Some(b'~') => Cow::Owned(["~", value].concat()),
        Some(_) => Cow::Borrowed(value),
    }
}
