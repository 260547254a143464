use super::super::path_fault;

#[test]
fn plain_paths_pass() {
    for path in ["/", "/mcp", "/mcp/", "/mcp/github", "/a.b/c..d/...", "/a%20b", "/%C3%A9", "/a:b@c!$&'()*+,=~-_"] {
        assert_eq!(path_fault(path), None, "{path}");
    }
}

#[test]
fn paths_with_two_readings_have_a_fault() {
    for (path, fault) in [
        ("", "something other than `/`"),
        ("mcp", "something other than `/`"),
        ("*", "something other than `/`"),
        ("//mcp", "`//`"),
        ("/mcp//x", "`//`"),
        ("/mcp;x", "`;`"),
        ("/mcp%3bx", "an encoded `;`"),
        ("/mcp%2fx", "an encoded slash"),
        ("/mcp%2Fx", "an encoded slash"),
        ("/mcp%5cx", "an encoded backslash"),
        ("/mcp\\x", "a backslash"),
        ("/mcp%00", "an encoded control"),
        ("/mcp%0d", "an encoded control"),
        ("/mcp%7F", "an encoded control"),
        ("/mcp%252e", "an encoded percent"),
        ("/./mcp", "a `.` or `..`"),
        ("/mcp/..", "a `.` or `..`"),
        ("/mcp/../x", "a `.` or `..`"),
        ("/mcp/%2e%2e/x", "an encoded dot"),
        ("/mcp/.%2E/x", "an encoded dot"),
        ("/%6dcp", "a percent-encoded character"),
        ("/mcp%7e", "a percent-encoded character"),
        ("/mcp%2D%5F", "a percent-encoded character"),
        ("/mcp%", "`%` without"),
        ("/mcp%2", "`%` without"),
        ("/mcp%zz", "`%` without"),
        ("/mcp%+1", "`%` without"),
        ("/mcp x", "a space"),
        ("/mcp\u{1}", "a space or control"),
        ("/mcp\u{7f}", "a space or control"),
        ("/é", "a character that is not ASCII"),
    ] {
        let found = path_fault(path).unwrap_or_else(|| panic!("{path} must have a fault"));
        assert!(found.starts_with(fault), "{path}: {found}");
    }
}
