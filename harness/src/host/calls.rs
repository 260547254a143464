//! The ABI's imports (`env.proxy_*`), each with the statuses that Envoy 1.40 was measured to return.

mod http;
mod shared;

use wasmtime::Linker;

use super::Status;
use super::ending::too_large_inside_call;
use super::headers::Headers;
use super::memory::{Answer, Guest, hand_over, put, read};
use super::shared::LogLevel;
use super::state::{Action, State};

/// Reads the given (pointer, length) arguments, or leaves the host call with `InvalidMemoryAccess`.
macro_rules! arguments {
    ($guest:ident, $($name:ident = ($ptr:expr, $len:expr)),+) => {
        $(let Some($name) = $crate::host::memory::read(&mut $guest, $ptr, $len) else {
            return Ok($crate::host::Status::InvalidMemoryAccess.into());
        };)+
    };
}
use arguments;

/// Adds every import of the ABI to the linker.
pub(crate) fn add_to(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    general(linker)?;
    buffers(linker)?;
    http::add_to(linker)?;
    shared::add_to(linker)
}

type Returned = wasmtime::Result<u32>;

fn answer(answer: Answer) -> Returned {
    answer.map(u32::from)
}

fn general(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    linker.func_wrap("env", "proxy_log", |mut guest: Guest<'_>, level: u32, ptr: u32, len: u32| -> Returned {
        let Some(level) = LogLevel::from_abi(level) else { return Ok(Status::BadArgument.into()) };
        arguments!(guest, text = (ptr, len));
        guest.data_mut().log(level, &text);
        Ok(Status::Ok.into())
    })?;
    linker.func_wrap("env", "proxy_get_log_level", |mut guest: Guest<'_>, out: u32| -> u32 {
        let level = guest.data().options.log_level as u32;
        put(&mut guest, out, &level.to_le_bytes()).into()
    })?;
    linker.func_wrap("env", "proxy_get_current_time_nanoseconds", |mut guest: Guest<'_>, out: u32| -> u32 {
        let now = guest.data().options.clock.now();
        put(&mut guest, out, &now.to_le_bytes()).into()
    })?;
    linker.func_wrap("env", "proxy_set_tick_period_milliseconds", |mut guest: Guest<'_>, period: u32| -> u32 {
        guest.data_mut().tick_period = period;
        Status::Ok.into()
    })?;
    linker.func_wrap("env", "proxy_set_effective_context", |mut guest: Guest<'_>, context: u32| -> u32 {
        let state = guest.data_mut();
        if !state.context_exists(context) {
            return Status::BadArgument.into();
        }
        state.effective = context;
        Status::Ok.into()
    })?;
    linker.func_wrap("env", "proxy_done", || -> u32 { Status::NotFound.into() })?;
    linker.func_wrap(
        "env",
        "proxy_get_status",
        |mut guest: Guest<'_>, code: u32, ptr_out: u32, len_out: u32| -> Returned {
            match put(&mut guest, code, &0u32.to_le_bytes()) {
                Status::Ok => answer(hand_over(&mut guest, b"", ptr_out, len_out)),
                refused => Ok(refused.into()),
            }
        },
    )?;
    linker.func_wrap(
        "env",
        "proxy_get_property",
        |mut guest: Guest<'_>, path: u32, path_len: u32, ptr_out: u32, len_out: u32| -> Returned {
            arguments!(guest, path = (path, path_len));
            match guest.data_mut().property(&path) {
                Some(Ok(value)) => answer(hand_over(&mut guest, &value, ptr_out, len_out)),
                Some(Err(())) => Ok(Status::SerializationFailure.into()),
                None => Ok(Status::NotFound.into()),
            }
        },
    )?;
    linker.func_wrap(
        "env",
        "proxy_set_property",
        |mut guest: Guest<'_>, path: u32, path_len: u32, value: u32, value_len: u32| -> Returned {
            arguments!(guest, path = (path, path_len), value = (value, value_len));
            let Some((_, stream)) = guest.data_mut().acting_stream() else { return Ok(Status::NotFound.into()) };
            stream.written.insert(String::from_utf8_lossy(&path).into_owned(), value);
            Ok(Status::Ok.into())
        },
    )?;
    linker.func_wrap(
        "env",
        "proxy_call_foreign_function",
        |mut guest: Guest<'_>, name: u32, name_len: u32, args: u32, args_len: u32, ptr: u32, len: u32| -> Returned {
            arguments!(guest, name = (name, name_len), _args = (args, args_len));
            if name != b"clear_route_cache" {
                return Ok(Status::NotFound.into());
            }
            for out in [ptr, len] {
                if out != 0 && put(&mut guest, out, &0u32.to_le_bytes()) != Status::Ok {
                    return Ok(Status::InvalidMemoryAccess.into());
                }
            }
            Ok(Status::Ok.into())
        },
    )?;
    Ok(())
}

/// A buffer as the guest may read it.
enum Buffer {
    /// No such buffer in this callback.
    Absent,
    Bytes(Vec<u8>),
}

fn buffer(state: &mut State, kind: u32) -> Buffer {
    match kind {
        0 | 1 => {
            let direction = if kind == 0 { super::Direction::Request } else { super::Direction::Response };
            let body = state.acting_stream().and_then(|(_, stream)| stream.flow(direction).body().map(|b| b.clone()));
            Buffer::Bytes(body.unwrap_or_default())
        }
        4 => state.callout_reply.as_ref().map_or(Buffer::Absent, |reply| Buffer::Bytes(reply.body.clone())),
        6 => Buffer::Bytes(state.options.vm_configuration.clone()),
        7 if state.configuring && state.acting_context() == state.root => {
            Buffer::Bytes(state.options.configuration.clone())
        }
        7 => Buffer::Absent,
        _ => Buffer::Bytes(Vec::new()),
    }
}

const LAST_BUFFER: u32 = 8;

fn buffers(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    linker.func_wrap(
        "env",
        "proxy_get_buffer_bytes",
        |mut guest: Guest<'_>, kind: u32, start: u32, max: u32, ptr_out: u32, len_out: u32| -> Returned {
            if kind > LAST_BUFFER {
                return Ok(Status::BadArgument.into());
            }
            let Buffer::Bytes(bytes) = buffer(guest.data_mut(), kind) else { return Ok(Status::NotFound.into()) };
            let start = (start as usize).min(bytes.len());
            let end = start.saturating_add(max as usize).min(bytes.len());
            answer(hand_over(&mut guest, bytes.get(start..end).unwrap_or_default(), ptr_out, len_out))
        },
    )?;
    linker.func_wrap(
        "env",
        "proxy_get_buffer_status",
        |mut guest: Guest<'_>, kind: u32, len_out: u32, flags_out: u32| -> u32 {
            if kind > LAST_BUFFER {
                return Status::BadArgument.into();
            }
            let Buffer::Bytes(bytes) = buffer(guest.data_mut(), kind) else { return Status::NotFound.into() };
            let len = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
            match put(&mut guest, len_out, &len.to_le_bytes()) {
                Status::Ok => put(&mut guest, flags_out, &0u32.to_le_bytes()).into(),
                refused => refused.into(),
            }
        },
    )?;
    linker.func_wrap(
        "env",
        "proxy_set_buffer_bytes",
        |mut guest: Guest<'_>, kind: u32, start: u32, size: u32, ptr: u32, len: u32| -> Returned {
            if kind > LAST_BUFFER {
                return Ok(Status::BadArgument.into());
            }
            if matches!(buffer(guest.data_mut(), kind), Buffer::Absent) {
                return Ok(Status::NotFound.into());
            }
            arguments!(guest, bytes = (ptr, len));
            let (status, over_limit) = set_body(guest.data_mut(), kind, start as usize, size as usize, bytes);
            if let Some((key, direction)) = over_limit {
                too_large_inside_call(&mut guest, key, direction)?;
            }
            Ok(status.into())
        },
    )?;
    Ok(())
}

/// A stream that ends because of the host call, and the direction of the message that was too large.
type OverLimit = Option<(u64, super::Direction)>;

/// Envoy knows two edits: drain from the front and put bytes before what is left, or append.
fn set_body(state: &mut State, kind: u32, start: usize, size: usize, mut bytes: Vec<u8>) -> (Status, OverLimit) {
    const REFUSED: (Status, OverLimit) = (Status::BadArgument, None);
    let limit = state.options.buffer_limit;
    let direction = match kind {
        0 => super::Direction::Request,
        1 => super::Direction::Response,
        _ => return REFUSED,
    };
    let Some((key, stream)) = state.acting_stream() else { return REFUSED };
    let response_started = stream.response_started;
    let flow = stream.flow(direction);
    let buffering = flow.buffering;
    let Some(body) = flow.body() else { return REFUSED };
    if start == 0 {
        bytes.extend_from_slice(body.get(size..).unwrap_or_default());
        *body = bytes;
    } else if start >= body.len() {
        body.append(&mut bytes);
    } else {
        return REFUSED;
    }
    if !buffering || !flow.overflows(limit) {
        return (Status::Ok, None);
    }
    if response_started {
        return (Status::Ok, Some((key, direction)));
    }
    state.actions.push(Action::TooLarge { stream: key, direction });
    (Status::Ok, None)
}

/// Pairs that a guest passes: header maps to set, the headers of a local reply or of a callout.
fn pairs(guest: &mut Guest<'_>, ptr: u32, len: u32) -> Option<Headers> {
    read(guest, ptr, len).map(|bytes| Headers::from_pairs(&bytes))
}

fn push(guest: &mut Guest<'_>, action: Action) {
    guest.data_mut().actions.push(action);
}
