//! Properties (Envoy's attributes) that a test gives a stream, serialised for the guest as Envoy does.

use super::headers::encode_pairs;

/// The value of a property, or a tree of them.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Text or bytes, handed over as they are.
    Bytes(Vec<u8>),
    /// A signed integer (`source/port`, `response/code`): 8 bytes, little endian.
    Int(i64),
    /// An unsigned integer (`connection_id`): 8 bytes, little endian.
    Uint(u64),
    /// A number in dynamic metadata, such as a JWT's `exp`: an IEEE 754 double, little endian.
    Double(f64),
    /// One byte.
    Bool(bool),
    /// JSON null: cannot be serialised.
    Null,
    /// Serialised as pairs.
    Map(Vec<(String, Value)>),
    /// Serialised as pairs with empty values.
    List(Vec<Value>),
}

impl Value {
    /// The bytes that the guest gets; `None` for what Envoy cannot serialise.
    pub fn serialize(&self) -> Option<Vec<u8>> {
        Some(match self {
            Self::Bytes(bytes) => bytes.clone(),
            Self::Int(n) => n.to_le_bytes().to_vec(),
            Self::Uint(n) => n.to_le_bytes().to_vec(),
            Self::Double(n) => n.to_le_bytes().to_vec(),
            Self::Bool(b) => vec![u8::from(*b)],
            Self::Null => return None,
            Self::Map(entries) => {
                let values: Option<Vec<Vec<u8>>> = entries.iter().map(|(_, value)| value.serialize()).collect();
                let values = values?;
                encode_pairs(entries.iter().map(|(name, _)| name.as_bytes()).zip(values.iter().map(Vec::as_slice)))
            }
            Self::List(items) => {
                let items: Option<Vec<Vec<u8>>> = items.iter().map(Self::serialize).collect();
                encode_pairs(items?.iter().map(|item| (item.as_slice(), &b""[..])))
            }
        })
    }

    /// What lies at one more path segment: a key of a map or an index of a list.
    pub fn child(&self, segment: &str) -> Option<&Self> {
        match self {
            Self::Map(entries) => entries.iter().find(|(name, _)| name == segment).map(|(_, value)| value),
            Self::List(items) => items.get(segment.parse::<usize>().ok()?),
            _ => None,
        }
    }

    fn child_or_insert(&mut self, segment: &str) -> Option<&mut Self> {
        if !matches!(self, Self::Map(_)) {
            *self = Self::Map(Vec::new());
        }
        let Self::Map(entries) = self else { return None };
        let at = entries.iter().position(|(name, _)| name == segment).unwrap_or_else(|| {
            entries.push((segment.to_owned(), Self::Null));
            entries.len() - 1
        });
        entries.get_mut(at).map(|(_, value)| value)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Bytes(text.as_bytes().to_vec())
    }
}
impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Bytes(text.into_bytes())
    }
}
impl From<Vec<u8>> for Value {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Bytes(bytes)
    }
}
impl From<bool> for Value {
    fn from(b: bool) -> Self {
        Self::Bool(b)
    }
}
impl From<i64> for Value {
    fn from(n: i64) -> Self {
        Self::Int(n)
    }
}
impl From<u64> for Value {
    fn from(n: u64) -> Self {
        Self::Uint(n)
    }
}

/// JSON as it is found in dynamic metadata (`google.protobuf.Struct`): every number is a double.
impl From<serde_json::Value> for Value {
    fn from(json: serde_json::Value) -> Self {
        match json {
            serde_json::Value::Null => Self::Null,
            serde_json::Value::Bool(b) => Self::Bool(b),
            serde_json::Value::Number(n) => Self::Double(n.as_f64().unwrap_or(f64::NAN)),
            serde_json::Value::String(text) => text.into(),
            serde_json::Value::Array(items) => Self::List(items.into_iter().map(Self::from).collect()),
            serde_json::Value::Object(entries) => {
                Self::Map(entries.into_iter().map(|(name, value)| (name, Self::from(value))).collect())
            }
        }
    }
}

/// The tree of properties of a stream. Paths are written with `/`, as in `metadata/filter_metadata/…`.
///
/// Properties that follow from the traffic (`request/…`, `response/…`, `plugin_name`) need not be set.
#[derive(Clone, Debug)]
pub struct Properties {
    root: Value,
}

impl Default for Properties {
    fn default() -> Self {
        Self { root: Value::Map(Vec::new()) }
    }
}

impl Properties {
    /// No properties.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the value at a path, and makes the maps on the way to it.
    pub fn set(&mut self, path: &str, value: impl Into<Value>) -> &mut Self {
        let mut node = Some(&mut self.root);
        for segment in path.split('/').filter(|segment| !segment.is_empty()) {
            node = node.and_then(|node| node.child_or_insert(segment));
        }
        if let Some(node) = node {
            *node = value.into();
        }
        self
    }

    /// Like [`Properties::set`], to chain when building.
    #[must_use]
    pub fn with(mut self, path: &str, value: impl Into<Value>) -> Self {
        self.set(path, value);
        self
    }

    /// The claims of a verified JWT, where Envoy's `jwt_authn` puts them with `payload_in_metadata: payload`.
    #[must_use]
    pub fn jwt(self, claims: serde_json::Value) -> Self {
        self.with("metadata/filter_metadata/envoy.filters.http.jwt_authn/payload", claims)
    }

    /// The URI SAN of the peer's certificate (a SPIFFE id), and `connection/mtls`.
    #[must_use]
    pub fn peer_uri_san(self, uri: &str) -> Self {
        self.with("connection/uri_san_peer_certificate", uri).with("connection/mtls", true)
    }

    /// The value at a path given by segments.
    pub(crate) fn get<'a>(&self, mut segments: impl Iterator<Item = &'a str>) -> Option<&Value> {
        segments.try_fold(&self.root, |node, segment| node.child(segment))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn claims_serialise_as_envoy_does() {
        let p = Properties::new().jwt(json!({"sub": "ann", "exp": 1.5, "admin": true, "groups": ["a", "bc"]}));
        let get = |path: &str| {
            let full = format!("metadata/filter_metadata/envoy.filters.http.jwt_authn/payload/{path}");
            p.get(full.split('/')).and_then(Value::serialize)
        };
        assert_eq!(get("sub"), Some(b"ann".to_vec()));
        assert_eq!(get("exp"), Some(1.5f64.to_le_bytes().to_vec()));
        assert_eq!(get("admin"), Some(vec![1]));
        assert_eq!(get("groups/1"), Some(b"bc".to_vec()));
        assert_eq!(get("groups"), Some(b"\x02\0\0\0\x01\0\0\0\0\0\0\0\x02\0\0\0\0\0\0\0a\0\0bc\0\0".to_vec()));
        assert_eq!(get("nobody"), None);
    }
}
