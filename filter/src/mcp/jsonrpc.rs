//! The strict JSON-RPC 2.0 envelope of MCP: one pass over the bytes, spans out, nothing allocated.
//!
//! ```
//! use tidegate_filter::{json::Limits, mcp::jsonrpc};
//! let body = br#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"get_invoice","arguments":{}}}"#;
//! let envelope = jsonrpc::read(body, Limits::default()).unwrap();
//! assert_eq!(envelope.id.unwrap().of(body), b"7");
//! ```
//!
//! The same [`Envelope`] is filled piece by piece while a response streams; its spans count from the message's start.

use super::era::META_VERSION;
use super::keys::{ENVELOPE_KEYS, META_KEYS, OURS, PARAMS_KEYS, RESULT_KEYS};
use super::method::List;
use super::violation::{Invalid, Violation};
use crate::json::{self, Kind, Scalar, Span, Text, Visitor};

/// What kind of JSON value stands somewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// An object.
    Object,
    /// An array.
    Array,
    /// A string.
    String,
    /// A number, `true` or `false`.
    Plain,
    /// `null`.
    Null,
}

/// One value of interest: where it lies and what it is. While a message streams, the span is empty until the value ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Value {
    /// Where it lies.
    pub span: Span,
    /// What it is.
    pub shape: Shape,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Member {
    Id,
    Jsonrpc,
    Method,
    Params,
    Result,
    Error,
    #[default]
    Other,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Field {
    Name,
    Uri,
    TaskId,
    Arguments,
    Meta,
    List(usize),
    CacheScope,
    TtlMs,
    ResultType,
    IsError,
    #[default]
    Other,
}

/// What a JSON-RPC message consists of, as far as governing it needs.
#[derive(Clone, Debug, Default)]
pub struct Envelope {
    /// The raw id, quotes included. Absent in notifications.
    pub id: Option<Span>,
    /// The method's string token, quotes included.
    pub method: Option<Span>,
    /// `params`.
    pub params: Option<Value>,
    /// `result`; set as soon as it begins.
    pub result: Option<Value>,
    /// `error`; set as soon as it begins.
    pub error: Option<Value>,
    /// `params.name`, a string token.
    pub name: Option<Span>,
    /// `params.uri`, a string token.
    pub uri: Option<Span>,
    /// `params.taskId`, a string token.
    pub task_id: Option<Span>,
    /// `params.arguments`.
    pub arguments: Option<Value>,
    /// `_meta` of `params` or `result`.
    pub meta: Option<Span>,
    /// `params._meta["io.modelcontextprotocol/protocolVersion"]`.
    pub meta_version: Option<Value>,
    /// Whether `_meta` holds a key in our own name space, `tidegate/…`.
    pub meta_ours: bool,
    /// List members of `result`, in the order of [`List::ALL`]; set as soon as they begin.
    pub lists: [Option<Value>; 4],
    /// The entries of those lists, in order.
    pub entries: [Vec<Entry>; 4],
    /// `result.cacheScope`.
    pub cache_scope: Option<Span>,
    /// `result.ttlMs`.
    pub ttl_ms: Option<Span>,
    /// Whether `result.resultType` is `input_required`.
    pub input_required: bool,
    /// Whether `result.isError` is true.
    pub is_error: bool,
    version: bool,
    null_id: bool,
    root: Option<Kind>,
    member: Member,
    field: Field,
    version_key: bool,
    entry_key: bool,
    violation: Option<Violation>,
}

/// One entry of a list: found while the message is read, so that a list is gone through once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Where it lies.
    pub span: Span,
    /// The string token by which it is called or read ([`List::identifier`]).
    pub name: Option<Span>,
    /// It is no object, its name is no string, or a second key could be taken for the name's.
    pub is_doubtful: bool,
}

impl Envelope {
    /// An envelope that nothing has been read into yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The first violation seen so far; more may show at the end of the message.
    pub fn violation(&self) -> Option<Violation> {
        self.violation
    }

    /// Checks what only the whole message shows.
    ///
    /// # Errors
    /// The first [`Violation`].
    pub fn complete(&self) -> Result<(), Violation> {
        if let Some(violation) = self.violation {
            return Err(violation);
        }
        match self.root {
            Some(Kind::Object) => {}
            Some(Kind::Array) => return Err(Violation::Batch),
            None => return Err(Violation::NotAnObject),
        }
        if !self.version {
            return Err(Violation::Version);
        }
        match (self.method, self.result, self.error) {
            (None, None, None) => Err(Violation::Empty),
            (Some(_), None, None) | (None, Some(_), None) => Ok(()),
            // An error may lack an id, or have a null one, when the request could not be read (JSON-RPC 2.0 section 5).
            (None, None, Some(_)) => Ok(()),
            _ => Err(Violation::Ambiguous),
        }?;
        let answers_nothing = self.id.is_none() && self.result.is_some() || self.null_id && self.error.is_none();
        if answers_nothing { Err(Violation::Id) } else { Ok(()) }
    }

    /// The list of kind `list` in the result, if there is one.
    pub fn list(&self, list: List) -> Option<Value> {
        List::ALL.iter().zip(self.lists).find(|(kind, _)| **kind == list).and_then(|(_, value)| value)
    }

    fn refuse(&mut self, violation: Violation) {
        self.violation.get_or_insert(violation);
    }

    fn key_of_envelope(&mut self, key: &Text<'_>) {
        self.member = match key.as_bytes() {
            Some(b"id") => Member::Id,
            Some(b"jsonrpc") => Member::Jsonrpc,
            Some(b"method") => Member::Method,
            Some(b"params") => Member::Params,
            Some(b"result") => Member::Result,
            Some(b"error") => Member::Error,
            other => {
                let folded = other.is_some_and(|key| ENVELOPE_KEYS.iter().any(|known| json::folds_to(key, known)));
                self.refuse(if folded { Violation::FoldedKey } else { Violation::UnknownMember });
                Member::Other
            }
        };
        self.field = Field::Other;
    }

    fn key_of_params(&mut self, key: &Text<'_>) {
        self.field = match key.as_bytes() {
            Some(b"name") => Field::Name,
            Some(b"uri") => Field::Uri,
            Some(b"taskId") => Field::TaskId,
            Some(b"arguments") => Field::Arguments,
            Some(b"_meta") => Field::Meta,
            Some(other) => {
                if PARAMS_KEYS.iter().any(|known| json::folds_to(other, known)) {
                    self.refuse(Violation::FoldedKey);
                }
                Field::Other
            }
            None => Field::Other,
        };
    }

    fn key_of_result(&mut self, key: &Text<'_>) {
        self.field = match key.as_bytes() {
            Some(b"tools") => Field::List(0),
            Some(b"resources") => Field::List(1),
            Some(b"resourceTemplates") => Field::List(2),
            Some(b"prompts") => Field::List(3),
            Some(b"_meta") => Field::Meta,
            Some(b"cacheScope") => Field::CacheScope,
            Some(b"ttlMs") => Field::TtlMs,
            Some(b"resultType") => Field::ResultType,
            Some(b"isError") => Field::IsError,
            Some(other) => {
                if RESULT_KEYS.iter().any(|known| json::folds_to(other, known)) {
                    self.refuse(Violation::FoldedKey);
                }
                Field::Other
            }
            None => Field::Other,
        };
    }

    fn key_of_meta(&mut self, key: &Text<'_>) {
        let Some(key) = key.as_bytes() else { return };
        self.version_key = key == META_VERSION.as_bytes();
        let head = key.get(..OURS.len()).unwrap_or_default();
        self.meta_ours |= head.eq_ignore_ascii_case(OURS.as_bytes());
        if META_KEYS.iter().any(|known| json::folds_to(key, known)) {
            self.refuse(Violation::FoldedKey);
        }
    }

    /// The list inside whose entries the reader is.
    fn list_index(&self) -> Option<usize> {
        match (self.member, self.field) {
            (Member::Result, Field::List(index)) => Some(index),
            _ => None,
        }
    }

    fn begin_entry(&mut self, index: usize, span: Span, is_doubtful: bool) {
        if let Some(entries) = self.entries.get_mut(index) {
            entries.push(Entry { span, name: None, is_doubtful });
        }
    }

    fn last_entry(&mut self) -> Option<&mut Entry> {
        let index = self.list_index()?;
        self.entries.get_mut(index)?.last_mut()
    }

    fn key_of_entry(&mut self, key: &Text<'_>) {
        let Some(identifier) = self.list_index().and_then(|index| List::ALL.get(index)).map(|list| list.identifier())
        else {
            return;
        };
        self.entry_key = key.is(identifier);
        if key.as_bytes().is_none_or(|key| json::folds_to(key, identifier))
            && let Some(entry) = self.last_entry()
        {
            entry.is_doubtful = true;
        }
    }

    /// The value of an entry's own key: its name if it is a string.
    fn entry_value(&mut self, name: Option<Span>) {
        if std::mem::take(&mut self.entry_key)
            && let Some(entry) = self.last_entry()
        {
            entry.name = name;
            entry.is_doubtful |= name.is_none();
        }
    }

    /// A value at a depth of interest begins (`end` unknown) or stands complete.
    fn value(&mut self, depth: usize, value: Value) {
        match depth {
            1 => self.member_value(value),
            2 => self.field_value(value),
            3 if self.field == Field::Meta && self.version_key => {
                self.meta_version = Some(value);
                self.version_key = false;
            }
            _ => {}
        }
    }

    fn member_value(&mut self, value: Value) {
        match self.member {
            Member::Method if value.shape == Shape::String => self.method = Some(value.span),
            Member::Method => self.refuse(Violation::Method),
            Member::Params => self.params = Some(value),
            Member::Result => self.result = Some(value),
            Member::Error => self.error = Some(value),
            Member::Id | Member::Jsonrpc | Member::Other => {}
        }
        let object = matches!(self.member, Member::Params | Member::Result | Member::Error);
        if object && value.shape != Shape::Object {
            self.refuse(Violation::NotAnObjectMember);
        }
    }

    fn field_value(&mut self, value: Value) {
        let is_string = value.shape == Shape::String;
        match (self.member, self.field) {
            (Member::Params, Field::Name | Field::Uri | Field::TaskId) if !is_string => self.refuse(Violation::Target),
            (Member::Params, Field::Name) => self.name = Some(value.span),
            (Member::Params, Field::Uri) => self.uri = Some(value.span),
            (Member::Params, Field::TaskId) => self.task_id = Some(value.span),
            (Member::Params, Field::Arguments) => self.arguments = Some(value),
            (Member::Params | Member::Result, Field::Meta) => {
                self.meta = Some(value.span);
                if value.shape != Shape::Object {
                    self.refuse(Violation::NotAnObjectMember);
                }
            }
            (Member::Result, Field::List(index)) => {
                if let Some(list) = self.lists.get_mut(index) {
                    *list = Some(value);
                }
            }
            (Member::Result, Field::CacheScope) => self.cache_scope = Some(value.span),
            (Member::Result, Field::TtlMs) => self.ttl_ms = Some(value.span),
            _ => {}
        }
    }

    fn id_value(&mut self, scalar: &Scalar<'_>, span: Span) {
        let acceptable = match scalar {
            Scalar::String(_) => true,
            Scalar::Number(digits) => is_id_number(digits),
            // Only an error that answers nothing may carry it; `complete` sees the member as absent.
            Scalar::Null => {
                self.null_id = true;
                return;
            }
            Scalar::True | Scalar::False => false,
        };
        if acceptable {
            self.id = Some(span);
        } else {
            self.refuse(Violation::Id);
        }
    }
}

/// Integers of at most 2^53-1 in magnitude, written plainly: what every JSON reader agrees on.
fn is_id_number(digits: &[u8]) -> bool {
    let magnitude = digits.strip_prefix(b"-").unwrap_or(digits);
    magnitude.iter().all(u8::is_ascii_digit)
        && digits != b"-0"
        && std::str::from_utf8(magnitude).ok().and_then(|text| text.parse::<u64>().ok()).is_some_and(|n| n < 1 << 53)
}

impl Visitor for Envelope {
    fn key(&mut self, depth: usize, key: &Text<'_>, _: Span) {
        match (depth, self.member, self.field) {
            (1, ..) => self.key_of_envelope(key),
            (2, Member::Params, _) => self.key_of_params(key),
            (2, Member::Result, _) => self.key_of_result(key),
            (3, Member::Params | Member::Result, Field::Meta) => self.key_of_meta(key),
            (4, Member::Result, Field::List(_)) => self.key_of_entry(key),
            _ => {}
        }
    }

    fn open(&mut self, depth: usize, kind: Kind, at: usize) {
        if depth == 0 {
            self.root = Some(kind);
            if matches!(kind, Kind::Array) {
                self.refuse(Violation::Batch);
            }
            return;
        }
        if depth == 1 && matches!(self.member, Member::Id | Member::Jsonrpc) {
            self.refuse(if self.member == Member::Id { Violation::Id } else { Violation::Version });
        }
        match (depth, self.list_index()) {
            (3, Some(index)) => self.begin_entry(index, Span { start: at, end: at }, !matches!(kind, Kind::Object)),
            (4, Some(_)) => self.entry_value(None),
            _ => {}
        }
        if depth <= 3 {
            let shape = if matches!(kind, Kind::Object) { Shape::Object } else { Shape::Array };
            if (depth, self.member, self.field) == (2, Member::Params, Field::Arguments) && shape == Shape::Array {
                self.refuse(Violation::Arguments);
            }
            self.value(depth, Value { span: Span { start: at, end: at }, shape });
            if depth == 1 {
                self.field = Field::Other;
            }
        }
    }

    fn close(&mut self, depth: usize, _: Kind, span: Span) {
        fn settle(value: &mut Option<Value>, span: Span) {
            if let Some(value) = value
                && value.span.start == span.start
            {
                value.span = span;
            }
        }
        match depth {
            1 => {
                settle(&mut self.params, span);
                settle(&mut self.result, span);
                settle(&mut self.error, span);
            }
            2 => {
                settle(&mut self.arguments, span);
                for list in &mut self.lists {
                    settle(list, span);
                }
                if self.field == Field::Meta
                    && let Some(meta) = &mut self.meta
                {
                    *meta = span;
                }
            }
            3 => {
                if let Some(entry) = self.last_entry() {
                    entry.span = span;
                }
            }
            _ => {}
        }
        if depth == 2 {
            self.field = Field::Other;
        }
    }

    fn scalar(&mut self, depth: usize, scalar: Scalar<'_>, span: Span) {
        match (depth, self.list_index()) {
            (0 | 5.., _) => return,
            (3, Some(index)) => self.begin_entry(index, span, true),
            (4, Some(_)) => return self.entry_value(matches!(scalar, Scalar::String(_)).then_some(span)),
            (4, None) => return,
            _ => {}
        }
        let shape = match scalar {
            Scalar::String(_) => Shape::String,
            Scalar::Null => Shape::Null,
            _ => Shape::Plain,
        };
        match (depth, self.member, self.field) {
            (1, Member::Id, _) => self.id_value(&scalar, span),
            (1, Member::Jsonrpc, _) => match scalar {
                Scalar::String(text) if text.is("2.0") => self.version = true,
                _ => self.refuse(Violation::Version),
            },
            (2, Member::Params, Field::Arguments) if shape != Shape::Null => self.refuse(Violation::Arguments),
            (2, Member::Result, Field::ResultType) => {
                self.input_required = matches!(&scalar, Scalar::String(text) if text.is("input_required"));
            }
            (2, Member::Result, Field::IsError) => self.is_error = matches!(scalar, Scalar::True),
            _ => {}
        }
        self.value(depth, Value { span, shape });
    }

    fn wants_text(&self, depth: usize) -> bool {
        depth <= 2
    }
}

/// Reads one whole message strictly (DESIGN: RFC 8259 without its ambiguities, JSON-RPC 2.0, MCP).
///
/// # Errors
/// [`Invalid`]: not strict JSON, or no acceptable message.
pub fn read(bytes: &[u8], limits: json::Limits) -> Result<Envelope, Invalid> {
    let mut envelope = Envelope::new();
    json::check(bytes, limits, &mut envelope).map_err(Invalid::Json)?;
    match envelope.complete() {
        Ok(()) => Ok(envelope),
        Err(violation) => Err(Invalid::Envelope(violation, envelope.id)),
    }
}
