//! Where in a JSON-RPC message a string stands, and whether redaction may touch it.
//!
//! What peers compare, echo or look up is never touched: methods, ids, names of tools, cursors, session ids, progress
//! tokens, `requestState`, media types, and the bytes of images and audio (MCP specification, all revisions). Where the
//! protocol ends and a server's or caller's own data begins, nothing is exempt, whatever its key is called.

use crate::json::decode;

/// Longest key, in bytes between its quotes, that is told from others.
const KEY_KEPT: usize = 128;
/// Containers that are told apart; what lies deeper is data.
const DEEPEST: usize = 128;

/// What a container is in the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Zone {
    /// A whole message, and each entry of `inputRequests` and `inputResponses`.
    Message,
    Params,
    Result,
    Error,
    /// `_meta`
    Meta,
    /// A map from ids to messages.
    Messages,
    /// Content blocks, one or many.
    Content,
    /// `{role, content}`, one or many.
    Turns,
    /// Tools, resources, templates or prompts, in a list.
    Definitions,
    /// A JSON Schema.
    Schema,
    /// `properties` and the like of a JSON Schema: its keys are names, not keywords.
    SchemaNames,
    /// A task as such.
    Task,
    /// A client's or server's own data: everything is looked at.
    Data,
    /// Nothing below is touched.
    Exempt,
}

/// What becomes of the value of a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    /// Strings are looked at; a container is of this zone.
    Zone(Zone),
    /// A string is not touched; a container is data.
    Keep,
}

impl Zone {
    /// What the value of `key` in an object of this zone is.
    fn member(self, key: &[u8]) -> Next {
        use Next::{Keep, Zone as In};
        match self {
            Self::Data => In(Self::Data),
            Self::Exempt => In(Self::Exempt),
            Self::Message => match key {
                b"jsonrpc" | b"id" | b"method" => Keep,
                b"params" => In(Self::Params),
                b"result" => In(Self::Result),
                b"error" => In(Self::Error),
                // An entry of `inputResponses` is a result without its envelope.
                b"role" | b"model" | b"stopReason" | b"action" => Keep,
                b"content" => In(Self::Content),
                b"_meta" => In(Self::Meta),
                _ => In(Self::Data),
            },
            Self::Params | Self::Result => match key {
                b"cursor" | b"nextCursor" | b"requestState" | b"protocolVersion" | b"taskId" | b"progressToken"
                | b"requestId" | b"sessionId" | b"resultType" | b"level" | b"cacheScope" | b"elicitationId"
                | b"role" | b"stopReason" | b"action" | b"mode" | b"status" => Keep,
                b"name" | b"uri" if self == Self::Params => Keep,
                b"_meta" => In(Self::Meta),
                b"content" | b"contents" => In(Self::Content),
                b"messages" => In(Self::Turns),
                b"tools" | b"resources" | b"resourceTemplates" | b"prompts" => In(Self::Definitions),
                b"inputRequests" | b"inputResponses" => In(Self::Messages),
                b"requestedSchema" => In(Self::Schema),
                b"task" | b"tasks" => In(Self::Task),
                _ => In(Self::Data),
            },
            Self::Error => In(Self::Data),
            Self::Meta => match key {
                b"progressToken" | b"traceparent" | b"tracestate" => Keep,
                b"io.modelcontextprotocol/related-task" => In(Self::Exempt),
                b"io.modelcontextprotocol/protocolVersion" => Keep,
                _ => In(Self::Data),
            },
            Self::Messages => In(Self::Message),
            Self::Content => match key {
                b"type" | b"mimeType" | b"data" | b"role" | b"name" | b"id" | b"toolUseId" => Keep,
                b"resource" | b"content" => In(Self::Content),
                b"_meta" => In(Self::Meta),
                _ => In(Self::Data),
            },
            Self::Turns => match key {
                b"role" => Keep,
                b"content" => In(Self::Content),
                b"_meta" => In(Self::Meta),
                _ => In(Self::Data),
            },
            Self::Definitions => match key {
                b"name" | b"uri" | b"uriTemplate" | b"mimeType" => Keep,
                b"inputSchema" | b"outputSchema" => In(Self::Schema),
                b"arguments" => In(Self::Definitions),
                b"_meta" => In(Self::Meta),
                _ => In(Self::Data),
            },
            Self::Schema => match key {
                // Validators compare or compile these; the rest are words for people, and values.
                b"$schema" | b"$id" | b"$ref" | b"$anchor" | b"$dynamicRef" | b"$dynamicAnchor" | b"type"
                | b"format" | b"pattern" | b"const" | b"enum" | b"required" => In(Self::Exempt),
                b"properties" | b"patternProperties" | b"$defs" | b"definitions" | b"dependentSchemas" => {
                    In(Self::SchemaNames)
                }
                b"default" | b"examples" => In(Self::Data),
                _ => In(Self::Schema),
            },
            Self::SchemaNames => In(Self::Schema),
            Self::Task => match key {
                b"taskId" | b"status" | b"createdAt" | b"lastUpdatedAt" => Keep,
                b"_meta" => In(Self::Meta),
                _ => In(Self::Data),
            },
        }
    }

    /// Whether strings that stand in an array of this zone, or are the keyword's own value, are kept.
    fn keeps_strings(self) -> bool {
        self == Self::Exempt
    }
}

#[derive(Clone, Debug)]
struct Frame {
    is_object: bool,
    zone: Zone,
    /// Where the key of the current member begins in `keys`.
    key_at: usize,
    /// Number of the current element of an array.
    index: u32,
}

/// The place of a reader in a message.
#[derive(Clone, Debug)]
pub(super) struct Place {
    frames: Vec<Frame>,
    /// The keys on the way, one after the other, as they were written.
    keys: Vec<u8>,
    /// In an object, before a colon.
    at_key: bool,
    next: Next,
    /// Containers below [`DEEPEST`].
    below: usize,
}

impl Place {
    /// Before the first byte of a message.
    pub(super) fn message() -> Self {
        Self { frames: Vec::new(), keys: Vec::new(), at_key: false, next: Next::Zone(Zone::Message), below: 0 }
    }

    /// Takes a byte outside strings.
    pub(super) fn structural(&mut self, byte: u8) {
        match byte {
            b'{' | b'[' => self.open(byte == b'{'),
            b'}' | b']' => self.close(),
            b',' => match self.frames.last_mut() {
                Some(frame) if frame.is_object => self.at_key = self.below == 0,
                Some(frame) => {
                    frame.index = frame.index.saturating_add(1);
                    self.next = Next::Zone(frame.zone);
                }
                None => {}
            },
            b':' => self.at_key = false,
            _ => {}
        }
    }

    /// A container begins. The `content` of an answer is a list of blocks, or else a form that a person filled in
    /// (elicitation), whose fields may be called anything.
    fn open(&mut self, is_object: bool) {
        if self.frames.len() >= DEEPEST {
            self.below = self.below.saturating_add(1);
            return;
        }
        let answers = |frame: &Frame| matches!(frame.zone, Zone::Result | Zone::Params | Zone::Message);
        let zone = match self.next {
            Next::Zone(Zone::Content) if is_object && self.frames.last().is_some_and(answers) => Zone::Data,
            Next::Zone(zone) => zone,
            Next::Keep => Zone::Data,
        };
        self.frames.push(Frame { is_object, zone, key_at: self.keys.len(), index: 0 });
        self.at_key = is_object;
        self.next = Next::Zone(zone);
    }

    fn close(&mut self) {
        if self.below > 0 {
            self.below -= 1;
            return;
        }
        if let Some(frame) = self.frames.pop() {
            self.keys.truncate(frame.key_at);
        }
        self.at_key = false;
    }

    /// Whether the string that begins here is a key.
    pub(super) fn is_key(&self) -> bool {
        self.at_key
    }

    /// Whether the string value that begins here is never touched.
    pub(super) fn keeps(&self) -> bool {
        match self.next {
            Next::Keep => true,
            Next::Zone(zone) => zone.keeps_strings(),
        }
    }

    /// A key begins.
    pub(super) fn begin_key(&mut self) {
        if let Some(frame) = self.frames.last() {
            self.keys.truncate(frame.key_at);
        }
    }

    /// Takes bytes of a key, as they are written between its quotes.
    pub(super) fn key_bytes(&mut self, bytes: &[u8]) {
        let begun = self.frames.last().map_or(0, |frame| self.keys.len().saturating_sub(frame.key_at));
        let room = (KEY_KEPT + 1).saturating_sub(begun);
        self.keys.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
    }

    /// The key is complete.
    pub(super) fn end_key(&mut self) {
        let Some(frame) = self.frames.last() else { return };
        let key = self.keys.get(frame.key_at..).unwrap_or_default();
        self.next =
            if matches!(frame.zone, Zone::Data | Zone::Exempt | Zone::Error | Zone::SchemaNames | Zone::Messages)
                || !key.contains(&b'\\')
            {
                frame.zone.member(key)
            } else {
                frame.zone.member(decode(key).as_bytes())
            };
    }

    /// The place as a JSON pointer (RFC 6901), and of the value that is read, not of the key.
    pub(super) fn pointer(&self) -> String {
        let mut pointer = String::new();
        let mut frames = self.frames.iter().peekable();
        while let Some(frame) = frames.next() {
            pointer.push('/');
            if frame.is_object {
                let end = frames.peek().map_or(self.keys.len(), |next| next.key_at);
                let key = decode(self.keys.get(frame.key_at..end).unwrap_or_default());
                pointer.push_str(&key.replace('~', "~0").replace('/', "~1"));
            } else {
                pointer.push_str(&frame.index.to_string());
            }
        }
        pointer
    }
}

/// Whether a JSON pointer leads into what tells a model about tools, prompts and resources.
pub(super) fn is_definition(pointer: &str) -> bool {
    let Some(inside) = pointer.strip_prefix("/result/") else { return false };
    ["tools", "prompts", "resources", "resourceTemplates", "instructions"]
        .iter()
        .any(|list| inside.strip_prefix(list).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
}
