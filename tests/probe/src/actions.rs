//! What a stream does in its callbacks, as told by `x-probe`.

use crate::{abi, questions};

const CONTINUE: u32 = 0;
const PAUSE: u32 = 1;

/// One exchange's part of the script.
#[derive(Clone, Default)]
pub struct Case {
    name: String,
    directives: Vec<(String, String)>,
    /// Bodies taken out of the host, request and response.
    kept: [Vec<u8>; 2],
    /// The end of the body was handled.
    finished: [bool; 2],
}

impl Case {
    pub fn new(name: String, directives: &str) -> Self {
        let directives = directives
            .split(';')
            .filter_map(|directive| directive.split_once(':'))
            .map(|(callback, action)| (callback.to_owned(), action.to_owned()))
            .collect();
        Self { name, directives, ..Self::default() }
    }

    /// Runs every action of a callback; the last one's verdict counts. `body`: 0 request, 1 response.
    pub fn run(&mut self, callback: &str, body: u32, size: u32, end: bool) -> u32 {
        if self.name.is_empty() {
            return CONTINUE;
        }
        abi::log(&format!("{} {callback} {size} {end}", self.name));
        let mut verdict = CONTINUE;
        for (_, action) in self.directives.clone().iter().filter(|(name, _)| name == callback) {
            verdict = self.act(action, callback, body, size, end);
        }
        if callback == "delete" || callback == "done" {
            return CONTINUE;
        }
        abi::log(&format!("{} {callback} -> {verdict}", self.name));
        verdict
    }

    fn act(&mut self, action: &str, callback: &str, body: u32, size: u32, end: bool) -> u32 {
        let (action, argument) = action.split_once('=').unwrap_or((action, ""));
        let side = body as usize;
        let map = body * 2;
        let name = self.name.clone();
        let note = |what: &str, status: u32| abi::log(&format!("{name} {callback} {what} -> {status}"));
        match action {
            "calls" => questions::ask(&self.name, callback),
            "edits" => questions::edit(&self.name, callback),
            "pause" => return PAUSE,
            "return" => return argument.parse().unwrap_or(0),
            "hold" if !end => return PAUSE,
            "trap" => abi::trap(),
            "trap_end" if end => abi::trap(),
            "show" => {
                let (status, bytes) = abi::get_buffer(body, 0, u32::MAX);
                note(&format!("body {}", abi::show(&bytes)), status);
            }
            "headers" => {
                let (status, bytes) = abi::get_pairs(map);
                note(&format!("headers {}", abi::show_pairs(&bytes)), status);
            }
            "no_length" => note("remove content-length", abi::remove_header(map, "content-length")),
            "length" => note("content-length", abi::replace_header(map, "content-length", argument.as_bytes())),
            "reply" => note("reply", abi::reply(403, b"probe says no", &[("x-reply", "1"), ("X-Reply", "2")])),
            "reply_empty" => note("reply", abi::reply(418, b"", &[])),
            "reply_end" if end => note("reply", abi::reply(403, b"probe says no", &[("content-type", "text/x")])),
            "reply_end" => return PAUSE,
            "close" => note("close", unsafe { abi::proxy_close_stream(body) }),
            "continue" => {
                note("continue", unsafe { abi::proxy_continue_stream(body) });
                return PAUSE;
            }
            // Takes every chunk out of the host and holds the stream; all of it goes back at the end.
            "drain" => {
                let (status, bytes) = abi::get_buffer(body, 0, u32::MAX);
                if callback.ends_with('b') {
                    self.kept[side].extend(&bytes);
                    let emptied = abi::set_buffer(body, 0, bytes.len() as u32, b"");
                    note(&format!("take {} ({status}), empty", bytes.len()), emptied);
                }
                if !end {
                    return PAUSE;
                }
                let whole = std::mem::take(&mut self.kept[side]);
                note(&format!("give {}", abi::show(&whole)), abi::set_buffer(body, 0, 0, &whole));
            }
            // The same, but the emptied chunks go on.
            "swallow" => {
                let (_, bytes) = abi::get_buffer(body, 0, u32::MAX);
                self.kept[side].extend(&bytes);
                note("empty", abi::set_buffer(body, 0, bytes.len() as u32, b""));
                if end && !std::mem::replace(&mut self.finished[side], true) {
                    let whole = std::mem::take(&mut self.kept[side]);
                    note("give", abi::set_buffer(body, 0, 0, &whole));
                }
            }
            "replace" if end => note("replace", abi::set_buffer(body, 0, size, argument.as_bytes())),
            "replace" => return PAUSE,
            "each" => note("replace", abi::set_buffer(body, 0, size, argument.as_bytes())),
            "grow" => {
                let bytes = vec![b'x'; argument.parse().unwrap_or(0)];
                note("grow", abi::set_buffer(body, u32::MAX, 0, &bytes));
            }
            "make_trailers" if end => note("trailer", abi::add_header(map + 1, "x-made", b"yes")),
            _ => {}
        }
        CONTINUE
    }
}
