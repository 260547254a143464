//! The ways of writing one message that some client or other accepts, and those that look as if one might.

/// What reaches the client of a message that was written in one of these ways.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// The message, with its lists filtered.
    Shown,
    /// A refusal with this reason to whoever waits; nothing where nobody does.
    Withheld(&'static str),
    /// No message: no client would act on these bytes.
    Nothing,
}

use Fate::{Nothing, Shown, Withheld};

const UNREADABLE: Fate = Withheld("unreadable_response");
const ENCODED: Fate = Withheld("encoding_refused");

/// A way of sending a message.
pub(super) struct Framing {
    pub(super) name: &'static str,
    pub(super) status: u16,
    /// Whole lines, each with its `\r\n`.
    pub(super) fields: String,
    pub(super) frame: fn(&str) -> Vec<u8>,
    pub(super) fate: Fate,
    /// Whether some client would act on it if it came unfiltered.
    pub(super) accepted: bool,
}

impl Framing {
    /// The response, byte by byte.
    pub(super) fn response(&self, message: &str) -> Vec<u8> {
        let body = (self.frame)(message);
        let head = format!("HTTP/1.1 {} X\r\n{}content-length: {}\r\n\r\n", self.status, self.fields, body.len());
        [head.as_bytes(), &body].concat()
    }

    fn status(self, status: u16) -> Self {
        Self { status, ..self }
    }

    fn and(mut self, fields: &str) -> Self {
        self.fields.push_str(fields);
        self
    }

    /// No known client would act on it.
    fn ignored(self) -> Self {
        Self { accepted: false, ..self }
    }
}

fn framing(name: &'static str, media: &str, fate: Fate, frame: fn(&str) -> Vec<u8>) -> Framing {
    let fields = format!("content-type: {media}\r\n");
    Framing { name, status: 200, fields, frame, fate, accepted: fate != Nothing }
}

fn sse(name: &'static str, fate: Fate, frame: fn(&str) -> Vec<u8>) -> Framing {
    framing(name, "text/event-stream", fate, frame)
}

fn json(name: &'static str, fate: Fate, frame: fn(&str) -> Vec<u8>) -> Framing {
    framing(name, "application/json", fate, frame)
}

fn event(message: &str) -> Vec<u8> {
    format!("data: {message}\n\n").into_bytes()
}

fn plain(message: &str) -> Vec<u8> {
    message.as_bytes().to_vec()
}

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

/// Gzip (RFC 1952) with one stored block.
fn gzip(bytes: &[u8]) -> Vec<u8> {
    let crc = bytes.iter().fold(!0u32, |crc, byte| {
        let step = |crc: u32, _| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 };
        (0..8).fold(crc ^ u32::from(*byte), step)
    });
    let length = u16::try_from(bytes.len()).unwrap();
    let head = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 1];
    let sizes = [length.to_le_bytes(), (!length).to_le_bytes()].concat();
    [&head[..], &sizes, bytes, &(!crc).to_le_bytes(), &u32::from(length).to_le_bytes()].concat()
}

/// Brotli (RFC 7932) with one uncompressed meta-block.
fn brotli(bytes: &[u8]) -> Vec<u8> {
    let size = u32::try_from(bytes.len() - 1).unwrap();
    let head = (size << 4 | 1 << 20).to_le_bytes();
    [&head[..3], bytes, &[3]].concat()
}

/// Events: their line endings, fields, names and what is around them.
pub(super) fn events() -> Vec<Framing> {
    let mut rows = lines();
    rows.extend(names());
    rows.extend([
        sse("a byte order mark", Shown, |m| format!("\u{feff}data: {m}\n\n").into()),
        sse("a byte order mark before other lines", Shown, |m| format!("\u{feff}: x\nid: 1\ndata: {m}\n\n").into()),
        sse("two byte order marks", Shown, |m| format!("\u{feff}\u{feff}data: {m}\n\n").into()).ignored(),
        sse("a byte order mark later", Nothing, |m| format!(": x\n\n\u{feff}data: {m}\n\n").into()),
        sse("a byte order mark behind a dropped event", Shown, |m| {
            format!("event: x\ndata: 1\n\n\u{feff}data: {m}\n\n").into()
        })
        .ignored(),
        sse("no blank line at the end", Nothing, |m| format!("data: {m}\n").into()),
        sse("no line ending at the end", Nothing, |m| format!("data: {m}").into()),
        sse("no event at all", Nothing, plain),
        sse("UTF-16 unannounced", Nothing, |m| utf16(&format!("data: {m}\n\n"))),
        sse("two messages on one line", UNREADABLE, |m| format!("data: {m} {m}\n\n").into()).ignored(),
        sse("two messages in one event", UNREADABLE, |m| format!("data: {m}\ndata: {m}\n\n").into()).ignored(),
        sse("an array", UNREADABLE, |m| format!("data: [{m}]\n\n").into()),
        sse("status 201", Shown, event).status(201),
        sse("status 206", Shown, event).status(206),
        sse("status 400", Shown, event).status(400),
    ]);
    for media in [
        "text/event-stream; charset=utf-8",
        "text/event-stream;charset=\"UTF-8\"; x=y",
        "Text/Event-Stream",
        "text/event-stream ; q=1",
    ] {
        rows.push(framing("media type", media, Shown, event));
    }
    for media in ["text/event-stream; charset=latin1", "text/event-streamfoo", "text/event-stream, text/event-stream"] {
        rows.push(framing("media type", media, UNREADABLE, event));
    }
    rows.push(framing("under status 400", "text/event-stream; charset=latin1", UNREADABLE, event).status(400));
    rows.push(framing("UTF-16", "text/event-stream; charset=utf-16le", UNREADABLE, |m| {
        utf16(&format!("data: {m}\n\n"))
    }));
    rows.push(sse("two media types", UNREADABLE, event).and("content-type: text/event-stream\r\n"));
    rows.push(sse("identity", Shown, event).and("content-encoding: identity\r\n"));
    rows.push(sse("gzip", ENCODED, |m| gzip(&event(m))).and("content-encoding: gzip\r\n"));
    rows.push(sse("br", ENCODED, |m| brotli(&event(m))).and("content-encoding: br\r\n"));
    rows.push(sse("gzip that is none", ENCODED, event).and("content-encoding: GZip\r\n").ignored());
    rows
}

fn lines() -> Vec<Framing> {
    vec![
        sse("LF", Shown, event),
        sse("CRLF", Shown, |m| format!("data: {m}\r\n\r\n").into()),
        sse("CR", Shown, |m| format!("data: {m}\r\r").into()),
        sse("LF CR", Shown, |m| format!("event: message\n\rdata: {m}\n\r\n\r").into()),
        sse("all endings", Shown, |m| format!("id: 1\revent: message\r\nretry: 5\ndata: {m}\r\n\r").into()),
        sse("lines between tokens", Shown, |m| {
            format!("data: {}\n\n", m.replace(',', ",\ndata: ").replace('[', "\ndata:[")).into()
        }),
        sse("CR lines between tokens", Shown, |m| format!("data: {}\r\r", m.replace(',', "\rdata:,")).into()),
        sse("other lines between tokens", Shown, |m| {
            format!("data: {}\n\n", m.replace(',', "\n: x\nid: 1\nretry: 5\nx: y\n:\ndata: ,")).into()
        }),
        sse("a comment between tokens", Shown, |m| {
            format!("data: {}\r\n\r\n", m.replace(',', ",\r\n: data: {\r\ndata: ")).into()
        }),
        sse("empty data first", Shown, |m| format!("data\ndata:\ndata: {m}\n\n").into()),
        sse("empty data last", Shown, |m| format!("data: {m}\ndata:\ndata\n\n").into()),
        sse("no space", Shown, |m| format!("data:{m}\n\n").into()),
        sse("two spaces", Shown, |m| format!("data:  {m}\n\n").into()),
        sse("a tab", Shown, |m| format!("data:\t{m}\t\n\n").into()),
        sse("blank lines first", Shown, |m| format!("\n\r\n\r\n\ndata: {m}\n\n").into()),
        sse("comments first", Shown, |m| format!(":\n: x\n\n:data: y\ndata: {m}\n\n").into()),
        sse("an id with NUL", Shown, |m| format!("id: a\0b\ndata: {m}\n\n").into()),
        sse("a line break inside of a token", UNREADABLE, |m| {
            format!("data: {}\n\n", m.replace("jsonrpc", "json\ndata: rpc")).into()
        })
        .ignored(),
        sse("U+2028 for a line ending", Nothing, |m| format!(": x\u{2028}data: {m}\n\n").into()),
        sse("U+0085 for a line ending", Nothing, |m| format!(": x\u{85}data: {m}\n\n").into()),
        sse("VT, FF and RS for line endings", Nothing, |m| format!(": x\u{b}\u{c}\u{1e}data: {m}\n\n").into()),
        sse("U+2028 in data", UNREADABLE, |m| format!("data: \u{2028}{m}\n\n").into()).ignored(),
    ]
}

fn names() -> Vec<Framing> {
    vec![
        sse("an empty name", Shown, |m| format!("event:\ndata: {m}\n\n").into()),
        sse("a name without colon", Shown, |m| format!("event\ndata: {m}\n\n").into()),
        sse("a name without space", Shown, |m| format!("event:message\ndata: {m}\n\n").into()),
        sse("the name behind the data", Shown, |m| format!("data: {m}\nevent: message\n\n").into()),
        sse("the name amid the data", Shown, |m| {
            format!("data: {}\n\n", m.replacen(',', ",\nevent: message\ndata: ", 1)).into()
        }),
        sse("another name first", Shown, |m| format!("event: foo\nevent: message\ndata: {m}\n\n").into()),
        sse("another name, then an empty one", Shown, |m| format!("event: foo\ndata: {m}\nevent:\n\n").into()),
        sse("a name that is none", Shown, |m| format!("Event: foo\n event: foo\ndata: {m}\n\n").into()),
        sse("another name last", Nothing, |m| format!("event: message\ndata: {m}\nevent: foo\n\n").into()),
        sse("another name", Nothing, |m| format!("event: foo\ndata: {m}\n\n").into()),
        sse("upper case", Nothing, |m| format!("event: Message\ndata: {m}\n\n").into()),
        sse("a space more", Nothing, |m| format!("event:  message\ndata: {m}\n\n").into()),
        sse("endpoint", Nothing, |m| format!("event: endpoint\ndata: {m}\n\n").into()),
        sse("error", Nothing, |m| format!("event: error\ndata: {m}\n\n").into()),
        sse("Data", Nothing, |m| format!("Data: {m}\n\n").into()),
        sse("a space before data", Nothing, |m| format!(" data: {m}\n\n").into()),
        sse("a space behind data", Nothing, |m| format!("data : {m}\n\n").into()),
        sse("datas", Nothing, |m| format!("datas: {m}\n\n").into()),
    ]
}

/// JSON bodies: media types, encodings and what is around them.
pub(super) fn bodies() -> Vec<Framing> {
    let mut rows = vec![
        json("plain", Shown, plain),
        json("white space around", Shown, |m| format!(" \r\n\t{m}\n\n").into()),
        json("a byte order mark", UNREADABLE, |m| format!("\u{feff}{m}").into()),
        json("an array", UNREADABLE, |m| format!("[{m}]").into()),
        json("an array of two", UNREADABLE, |m| format!("[{{\"jsonrpc\":\"2.0\",\"method\":\"x\"}},{m}]").into()),
        json("two messages", UNREADABLE, |m| format!("{m}\n{m}").into()).ignored(),
        json("an event", UNREADABLE, event).ignored(),
        json("UTF-16 unannounced", UNREADABLE, utf16),
        json("UTF-16 with a mark", UNREADABLE, |m| utf16(&format!("\u{feff}{m}"))),
        json("status 201", Shown, plain).status(201),
        json("status 206", Shown, plain).status(206),
        json("status 400", Shown, plain).status(400),
        json("status 500", Shown, plain).status(500),
        json("an array under status 400", UNREADABLE, |m| format!("[{m}]").into()).status(400),
        json("two media types under status 400", UNREADABLE, plain)
            .status(400)
            .and("content-type: application/json\r\n"),
        framing("UTF-16 under status 400", "application/json; charset=utf-16le", UNREADABLE, utf16).status(400),
        framing("UTF-16 under status 300", "application/json; charset=utf-16le", UNREADABLE, utf16).status(300),
        framing("other JSON under status 400", "application/jsonfoo", UNREADABLE, plain).status(400),
        framing("bytes under status 400", "application/octet-stream", UNREADABLE, plain).status(400).ignored(),
        json("two media types", UNREADABLE, plain).and("content-type: application/json\r\n"),
        json("identity", Shown, plain).and("content-encoding: Identity\r\n"),
        json("gzip", ENCODED, |m| gzip(m.as_bytes())).and("content-encoding: gzip\r\n"),
        json("br", ENCODED, |m| brotli(m.as_bytes())).and("content-encoding: br\r\n"),
        json("two encodings", ENCODED, plain).and("content-encoding: identity\r\ncontent-encoding: gzip\r\n"),
        framing("UTF-16", "application/json; charset=utf-16le", UNREADABLE, utf16),
    ];
    for media in ["application/json; charset=utf-8", "application/json;x=y; Charset=\"UTF-8\"", "APPLICATION/JSON"] {
        rows.push(framing("media type", media, Shown, plain));
    }
    for media in ["application/jsonfoo", "application/json-rpc", "application/problem+json", "text/json"] {
        rows.push(framing("media type", media, UNREADABLE, plain));
    }
    for media in ["application/json, text/event-stream", "application/json; charset=utf-8; charset=utf-16le"] {
        rows.push(framing("media type", media, UNREADABLE, plain));
    }
    rows
}

/// A way of writing a list with one tool that is allowed and one that is not.
pub(super) struct Content {
    pub(super) name: &'static str,
    pub(super) text: String,
    /// What becomes of it where the client waits for it.
    pub(super) awaited: Fate,
    /// What becomes of it on a stream that answers to anything.
    pub(super) unasked: Fate,
    /// Whether some client would show the forbidden tool if it came unfiltered.
    pub(super) accepted: bool,
}

/// Lists that are written in ways that some client accepts.
pub(super) fn contents() -> Vec<Content> {
    let row =
        |name, fate, text: &str| Content { name, text: text.to_owned(), awaited: fate, unasked: fate, accepted: true };
    let result =
        |name, fate, result: &str| row(name, fate, &format!(r#"{{"jsonrpc":"2.0","id":1,"result":{result}}}"#));
    let ok = r#"{"tools":[{"name":"get_ok"}]}"#;
    let bad = r#"{"tools":[{"name":"get_ok"},{"name":"delete_x"}]}"#;
    let unasked = |content: Content, unasked| Content { unasked, ..content };
    let ignored = |content: Content| Content { accepted: false, ..content };
    vec![
        result("plain", Shown, bad),
        row("an order of its own", Shown, &format!(r#"{{"result":{bad},"id":1,"jsonrpc":"2.0"}}"#)),
        row(
            "escapes in keys",
            Shown,
            r#"{"\u006asonrpc":"\u0032.0","i\u0064":1,"\u0072esult":{"t\u006fols":[{"n\u0061me":"get_ok"},{"\u006e\u0061\u006d\u0065":"delete_x"}]}}"#,
        ),
        result(
            "escapes in names",
            Shown,
            r#"{"tools":[{"name":"g\u0065t_ok"},{"name":"\u0064\u0065lete_x"},{"name":"delete\u005Fx"}]}"#,
        ),
        unasked(
            row("an id that is text", UNREADABLE, &format!(r#"{{"jsonrpc":"2.0","id":"1","result":{bad}}}"#)),
            Shown,
        ),
        row("an id with a fraction", UNREADABLE, &format!(r#"{{"jsonrpc":"2.0","id":1.0,"result":{bad}}}"#)),
        row("an id with an exponent", UNREADABLE, &format!(r#"{{"jsonrpc":"2.0","id":1e0,"result":{bad}}}"#)),
        row("no id", UNREADABLE, &format!(r#"{{"jsonrpc":"2.0","result":{bad}}}"#)),
        row("an id that is null", UNREADABLE, &format!(r#"{{"jsonrpc":"2.0","id":null,"result":{bad}}}"#)),
        unasked(row("another id", UNREADABLE, &format!(r#"{{"jsonrpc":"2.0","id":2,"result":{bad}}}"#)), Shown),
        row("two ids", UNREADABLE, &format!(r#"{{"jsonrpc":"2.0","id":2,"id":1,"result":{bad}}}"#)),
        row("two results", UNREADABLE, &format!(r#"{{"jsonrpc":"2.0","id":1,"result":{ok},"result":{bad}}}"#)),
        row(
            "two results, one in escapes",
            UNREADABLE,
            &format!(r#"{{"jsonrpc":"2.0","id":1,"result":{ok},"resul\u0074":{bad}}}"#),
        ),
        row("Result", UNREADABLE, &format!(r#"{{"jsonrpc":"2.0","id":1,"result":{ok},"Result":{bad}}}"#)),
        row("no version", UNREADABLE, &format!(r#"{{"id":1,"result":{bad}}}"#)),
        row("another version", UNREADABLE, &format!(r#"{{"jsonrpc":"1.0","id":1,"result":{bad}}}"#)),
        result("two lists", UNREADABLE, r#"{"tools":[{"name":"get_ok"}],"tools":[{"name":"delete_x"}]}"#),
        result(
            "two lists, one in escapes",
            UNREADABLE,
            r#"{"tools":[{"name":"get_ok"}],"tool\u0073":[{"name":"delete_x"}]}"#,
        ),
        result("two names", UNREADABLE, r#"{"tools":[{"name":"get_ok"},{"name":"get_x","name":"delete_x"}]}"#),
        result("Name", Shown, r#"{"tools":[{"name":"get_ok"},{"name":"get_x","Name":"delete_x"}]}"#),
        result("a name in an array", Shown, r#"{"tools":[{"name":"get_ok"},[{"name":"delete_x"}]]}"#),
        ignored(result("a name that is no text", Shown, r#"{"tools":[{"name":"get_ok"},{"name":["delete_x"]}]}"#)),
        row(
            "an error beside the result",
            UNREADABLE,
            &format!(r#"{{"jsonrpc":"2.0","id":1,"result":{bad},"error":{{"code":1,"message":"x"}}}}"#),
        ),
        row("an error that is null", UNREADABLE, &format!(r#"{{"jsonrpc":"2.0","id":1,"result":{bad},"error":null}}"#)),
        row(
            "a method beside the result",
            UNREADABLE,
            &format!(r#"{{"jsonrpc":"2.0","id":1,"method":"ping","result":{bad}}}"#),
        ),
        row(
            "a member more",
            UNREADABLE,
            &format!(r#"{{"jsonrpc":"2.0","id":1,"result":{ok},"tools":[{{"name":"delete_x"}}]}}"#),
        ),
        ignored(row("NaN", UNREADABLE, r#"{"jsonrpc":"2.0","id":1,"result":{"x":NaN,"tools":[{"name":"delete_x"}]}}"#)),
        ignored(row(
            "a comma more",
            UNREADABLE,
            r#"{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"delete_x"},]}}"#,
        )),
        ignored(row(
            "a comment",
            UNREADABLE,
            r#"{"jsonrpc":"2.0","id":1,"result":{/**/"tools":[{"name":"delete_x"}]}}"#,
        )),
        ignored(row("single quotes", UNREADABLE, "{'jsonrpc':'2.0','id':1,'result':{'tools':[{'name':'delete_x'}]}}")),
        ignored(result(
            "a lone surrogate",
            UNREADABLE,
            r#"{"tools":[{"name":"get_ok"},{"name":"delete_x","title":"\ud800"}]}"#,
        )),
        // Decoders that fold case take these for the list: Go's encoding/json, System.Text.Json with web defaults.
        result("Tools beside tools", UNREADABLE, r#"{"tools":[{"name":"get_ok"}],"Tools":[{"name":"delete_x"}]}"#),
        result("TOOLS before tools", UNREADABLE, r#"{"TOOLS":[{"name":"delete_x"}],"tools":[{"name":"get_ok"}]}"#),
        result("Tools alone", UNREADABLE, r#"{"Tools":[{"name":"get_ok"},{"name":"delete_x"}]}"#),
        result("a long s", UNREADABLE, r#"{"tools":[{"name":"get_ok"}],"tool\u017f":[{"name":"delete_x"}]}"#),
        ignored(result("a list that is an object", UNREADABLE, r#"{"tools":{"0":{"title":"delete_x"}}}"#)),
        result("NUL in a name", UNREADABLE, r#"{"tools":[{"name":"get_ok"},{"name":"delete_x\u0000"}]}"#),
    ]
}
