//! What several keywords of an object say about one key, gathered.

use std::borrow::Cow;

use super::node::NodeId;

/// What the keywords of an object say about one key.
pub(super) struct Property<'a> {
    pub(super) name: Cow<'a, str>,
    pub(super) property: Option<NodeId>,
    pub(super) required: bool,
    pub(super) brings: Vec<Cow<'a, str>>,
    pub(super) dependent: Option<NodeId>,
}

/// What is said about the key so far; `named` is kept sorted.
pub(super) fn entry<'n, 'a>(named: &'n mut Vec<Property<'a>>, name: Cow<'a, str>) -> Option<&'n mut Property<'a>> {
    let at = match named.binary_search_by(|known| known.name.cmp(&name)) {
        Ok(at) => at,
        Err(at) => {
            named.insert(at, Property { name, property: None, required: false, brings: Vec::new(), dependent: None });
            at
        }
    };
    named.get_mut(at)
}
