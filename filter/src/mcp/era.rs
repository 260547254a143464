//! The two wire eras of MCP and how a request shows which one it belongs to.

use std::fmt;

/// The first revision of the modern era.
pub const FIRST_MODERN: &str = "2026-07-28";

/// The `_meta` key by which a modern request states its revision.
pub const META_VERSION: &str = "io.modelcontextprotocol/protocolVersion";

/// The `_meta` key by which a modern request declares what its client can be asked for.
pub const META_CLIENT_CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";

/// Which wire protocol a message speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Era {
    /// Revisions 2024-11-05 to 2025-11-25: handshake, sessions, GET streams.
    Legacy,
    /// Revision 2026-07-28 and later: stateless, routing headers mirrored from the body.
    Modern,
}

impl Era {
    /// The word that audit events use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Legacy => "legacy",
            Self::Modern => "modern",
        }
    }
}

impl fmt::Display for Era {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Whether `version` has the form of an MCP revision, `YYYY-MM-DD`.
pub fn is_revision(version: &str) -> bool {
    version.len() == 10
        && version.bytes().enumerate().all(|(i, b)| if i == 4 || i == 7 { b == b'-' } else { b.is_ascii_digit() })
}

/// Whether a well-formed revision belongs to the modern era. Dates in this form order as text.
pub fn is_modern(version: &str) -> bool {
    is_revision(version) && version >= FIRST_MODERN
}

/// Whether a version is a well-formed revision of the legacy era. What is no revision at all is none of it: such a
/// request is judged by the stricter rules of the modern era.
pub fn is_legacy(version: &str) -> bool {
    is_revision(version) && version < FIRST_MODERN
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn revisions_sort_into_eras() {
        for (version, form, modern) in [
            ("2024-11-05", true, false),
            ("2025-11-25", true, false),
            ("2026-07-28", true, true),
            ("2027-01-01", true, true),
            ("zzzz-zz-zz", false, false),
            ("2026-07-28 ", false, false),
            ("", false, false),
        ] {
            assert_eq!((is_revision(version), is_modern(version)), (form, modern), "{version}");
        }
    }
}
