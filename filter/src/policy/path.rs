/// What is wrong with the path of a request, if two peers could read it differently; `path` is without query.
///
/// The proxy routes by the path as it came, while servers decode, merge and cut paths in ways of their own. Whatever
/// has more than one reading is therefore no path that a server can be matched by.
pub fn path_fault(path: &str) -> Option<&'static str> {
    if !path.starts_with('/') {
        return Some("something other than `/` at its beginning");
    }
    let bytes = path.as_bytes();
    for (at, byte) in bytes.iter().enumerate() {
        let next = |ahead: usize| bytes.get(at + ahead).copied();
        let fault = match byte {
            b'/' if next(1) == Some(b'/') => "`//`",
            b'\\' => "a backslash",
            b';' => "`;`",
            0..=b' ' | 0x7f => "a space or control character",
            0x80.. => "a character that is not ASCII",
            b'%' => match encoded_fault(next(1), next(2)) {
                Some(fault) => fault,
                None => continue,
            },
            _ => continue,
        };
        return Some(fault);
    }
    path.split('/').any(|segment| segment == "." || segment == "..").then_some("a `.` or `..` segment")
}

fn encoded_fault(high: Option<u8>, low: Option<u8>) -> Option<&'static str> {
    let digit =
        |byte: Option<u8>| byte.and_then(|byte| char::from(byte).to_digit(16)).and_then(|n| u8::try_from(n).ok());
    let (Some(high), Some(low)) = (digit(high), digit(low)) else {
        return Some("`%` without two hexadecimal digits");
    };
    match high << 4 | low {
        b'/' => Some("an encoded slash"),
        b'\\' => Some("an encoded backslash"),
        b'%' => Some("an encoded percent sign"),
        b';' => Some("an encoded `;`"),
        0..b' ' | 0x7f => Some("an encoded control character"),
        b'.' => Some("an encoded dot"),
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'~' => {
            Some("a percent-encoded character that needs no encoding")
        }
        _ => None,
    }
}

/// Whether `path` is `prefix` or lies below it: `/mcp` has `/mcp/x` below it, and not `/mcpx`.
pub(crate) fn is_below(path: &str, prefix: &str) -> bool {
    path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/') || prefix == "/")
}

/// Whether a request's authority is the wanted one: in any case, and with the same port if a port is wanted.
pub(crate) fn same_authority(authority: &str, wanted: &str) -> bool {
    let (host, port) = split_port(authority);
    let (wanted_host, wanted_port) = split_port(wanted);
    // `example.com.` is the same host, written as a fully qualified name (RFC 3986 section 3.2.2).
    host.strip_suffix('.').unwrap_or(host).eq_ignore_ascii_case(wanted_host.strip_suffix('.').unwrap_or(wanted_host))
        && (wanted_port.is_none() || port == wanted_port)
}

/// Splits a port off; the colons inside an IPv6 literal's brackets belong to the host.
fn split_port(authority: &str) -> (&str, Option<&str>) {
    match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (authority, None),
    }
}
