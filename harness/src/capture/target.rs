use super::Field;

/// What a request asks of whom, byte for byte as it was sent: the filter refuses paths that a tidier reading would hide.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// `http` or `https`.
    pub scheme: String,
    /// Host, and port if there was one.
    pub authority: String,
    /// Path and query; never empty.
    pub path: String,
}

impl Target {
    /// The target of an absolute URL, or of a path whose authority stands in a header. What pseudo-headers and `host` say
    /// goes before what the URL says, for they were sent.
    pub(super) fn new(url: &str, headers: &[Field]) -> Result<Self, String> {
        let own = |name: &str| headers.iter().find(|it| it.name.eq_ignore_ascii_case(name)).map(|it| it.value.clone());
        let url = url.split('#').next().unwrap_or_default();
        let (scheme, authority, path) = match url.split_once("://") {
            Some((scheme, rest)) => {
                let end = rest.find(['/', '?']).unwrap_or(rest.len());
                let (authority, path) = rest.split_at(end);
                (scheme.to_ascii_lowercase(), authority.rsplit('@').next().unwrap_or_default(), path)
            }
            None if url.starts_with('/') => ("http".to_owned(), "", url),
            None => return Err(format!("`{url}` is not a URL")),
        };
        if !["http", "https"].contains(&scheme.as_str()) {
            return Err(format!("`{url}` has the scheme `{scheme}`, not http or https"));
        }
        let authority = own(":authority").or_else(|| own("host")).unwrap_or_else(|| authority.to_owned());
        if authority.is_empty() {
            return Err(format!("`{url}` names no host, and no `host` header does"));
        }
        let path = own(":path").unwrap_or_else(|| match path.as_bytes().first() {
            None => "/".to_owned(),
            Some(b'?') => format!("/{path}"),
            Some(_) => path.to_owned(),
        });
        Ok(Self { scheme: own(":scheme").unwrap_or(scheme), authority, path })
    }

    /// The target of an absolute URL.
    ///
    /// # Errors
    /// It is none, of HTTP: why, as a sentence without a full stop.
    pub fn parse(url: &str) -> Result<Self, String> {
        Self::new(url, &[])
    }

    /// The absolute URL.
    pub fn url(&self) -> String {
        format!("{}://{}{}", self.scheme, self.authority, self.path)
    }
}
