//! A client: reads a whole stream as the standard says, to compare what was sent with what is received.

/// An event as a client dispatches it. Without data it is not dispatched, yet its id and retry take effect.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Event {
    pub(super) name: Vec<u8>,
    pub(super) data: Option<Vec<u8>>,
    /// The last id and retry that a client has when the event ends.
    pub(super) id: Vec<u8>,
    pub(super) retry: Vec<u8>,
}

/// All complete events of `text`, which has no byte order mark that is to be skipped.
pub(super) fn events(text: &[u8]) -> Vec<Event> {
    let mut events = Vec::new();
    let mut event = Event { name: Vec::new(), data: None, id: Vec::new(), retry: Vec::new() };
    for line in lines(text) {
        if line.is_empty() {
            events.push(event.clone());
            event.name.clear();
            event.data = None;
            continue;
        }
        let colon = line.iter().position(|&byte| byte == b':').unwrap_or(line.len());
        let (name, value) = (&line[..colon], line.get(colon + 1..).unwrap_or_default());
        let value = value.strip_prefix(b" ").unwrap_or(value).to_vec();
        match name {
            b"data" => match &mut event.data {
                Some(data) => {
                    data.push(b'\n');
                    data.extend(value);
                }
                none => *none = Some(value),
            },
            b"event" => event.name = value,
            b"id" => event.id = value,
            b"retry" => event.retry = value,
            _ => {}
        }
    }
    events
}

/// The lines of `text` without their endings; what follows the last ending is none.
pub(super) fn lines(mut text: &[u8]) -> Vec<&[u8]> {
    let mut lines = Vec::new();
    while let Some(end) = text.iter().position(|byte| matches!(byte, b'\r' | b'\n')) {
        lines.push(&text[..end]);
        let ending = if text[end..].starts_with(b"\r\n") { 2 } else { 1 };
        text = &text[end + ending..];
    }
    lines
}
