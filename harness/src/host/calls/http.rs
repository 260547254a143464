//! Header maps, local replies, the fate of a stream, and calls to other clusters.

use wasmtime::Linker;

use super::{Returned, answer, arguments, pairs, push};
use crate::host::memory::{Guest, hand_over, put};
use crate::host::state::{Action, Callout, State};
use crate::host::{Direction, Headers, Status};

const LAST_MAP: u32 = 7;

pub(super) fn add_to(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    maps(linker)?;
    edits(linker)?;
    streams(linker)?;
    callouts(linker)
}

fn maps(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    linker.func_wrap(
        "env",
        "proxy_get_header_map_value",
        |mut guest: Guest<'_>, map: u32, key: u32, key_len: u32, ptr_out: u32, len_out: u32| -> Returned {
            if map > LAST_MAP {
                return Ok(Status::BadArgument.into());
            }
            arguments!(guest, key = (key, key_len));
            let key = String::from_utf8_lossy(&key).into_owned();
            let state = guest.data_mut();
            let Some(headers) = state.map(map) else {
                let access_log = state.acting_stream().is_some_and(|(_, stream)| stream.access_log);
                return Ok(if access_log { Status::NotFound } else { Status::BadArgument }.into());
            };
            let Some(value) = headers.get(&key).map(<[u8]>::to_vec) else { return Ok(Status::NotFound.into()) };
            answer(hand_over(&mut guest, &value, ptr_out, len_out))
        },
    )?;
    linker.func_wrap(
        "env",
        "proxy_get_header_map_pairs",
        |mut guest: Guest<'_>, map: u32, ptr_out: u32, len_out: u32| -> Returned {
            if map > LAST_MAP {
                return Ok(Status::BadArgument.into());
            }
            let headers = guest.data_mut().map(map).filter(|headers| !headers.is_empty());
            let bytes = headers.map(Headers::to_pairs).unwrap_or_default();
            answer(hand_over(&mut guest, &bytes, ptr_out, len_out))
        },
    )?;
    linker.func_wrap("env", "proxy_get_header_map_size", |mut guest: Guest<'_>, map: u32, out: u32| -> u32 {
        if map > LAST_MAP {
            return Status::BadArgument.into();
        }
        let Some(size) = guest.data_mut().map_mut(map).map(|headers| headers.byte_size()) else {
            return Status::BadArgument.into();
        };
        put(&mut guest, out, &u32::try_from(size).unwrap_or(u32::MAX).to_le_bytes()).into()
    })?;
    Ok(())
}

fn edit(guest: &mut Guest<'_>, map: u32, change: impl FnOnce(&mut Headers)) -> u32 {
    match guest.data_mut().map_mut(map) {
        Some(headers) => {
            change(headers);
            Status::Ok.into()
        }
        None => Status::BadArgument.into(),
    }
}

fn edits(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    linker.func_wrap(
        "env",
        "proxy_set_header_map_pairs",
        |mut guest: Guest<'_>, map: u32, ptr: u32, len: u32| -> Returned {
            if map > LAST_MAP {
                return Ok(Status::BadArgument.into());
            }
            let Some(new) = pairs(&mut guest, ptr, len) else { return Ok(Status::InvalidMemoryAccess.into()) };
            Ok(edit(&mut guest, map, |headers| *headers = new))
        },
    )?;
    linker.func_wrap(
        "env",
        "proxy_add_header_map_value",
        |mut guest: Guest<'_>, map: u32, key: u32, key_len: u32, value: u32, value_len: u32| -> Returned {
            if map > LAST_MAP {
                return Ok(Status::BadArgument.into());
            }
            arguments!(guest, key = (key, key_len), value = (value, value_len));
            Ok(edit(&mut guest, map, |headers| headers.add(&String::from_utf8_lossy(&key), &value)))
        },
    )?;
    linker.func_wrap(
        "env",
        "proxy_replace_header_map_value",
        |mut guest: Guest<'_>, map: u32, key: u32, key_len: u32, value: u32, value_len: u32| -> Returned {
            if map > LAST_MAP {
                return Ok(Status::BadArgument.into());
            }
            arguments!(guest, key = (key, key_len), value = (value, value_len));
            Ok(edit(&mut guest, map, |headers| headers.replace(&String::from_utf8_lossy(&key), &value)))
        },
    )?;
    linker.func_wrap(
        "env",
        "proxy_remove_header_map_value",
        |mut guest: Guest<'_>, map: u32, key: u32, key_len: u32| -> Returned {
            if map > LAST_MAP {
                return Ok(Status::BadArgument.into());
            }
            arguments!(guest, key = (key, key_len));
            Ok(edit(&mut guest, map, |headers| headers.remove(&String::from_utf8_lossy(&key))))
        },
    )?;
    Ok(())
}

fn streams(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    linker.func_wrap(
        "env",
        "proxy_send_local_response",
        |mut guest: Guest<'_>,
         status: u32,
         details: u32,
         details_len: u32,
         body: u32,
         body_len: u32,
         headers: u32,
         headers_len: u32,
         _grpc_status: u32|
         -> Returned {
            arguments!(guest, details = (details, details_len), body = (body, body_len));
            let Some(headers) = pairs(&mut guest, headers, headers_len) else {
                return Ok(Status::InvalidMemoryAccess.into());
            };
            let details = String::from_utf8_lossy(&details).split_whitespace().collect::<Vec<_>>().join("_");
            let status = u16::try_from(status).unwrap_or(u16::MAX);
            if let Some((stream, _)) = guest.data_mut().acting_stream() {
                push(&mut guest, Action::LocalReply { stream, status, headers, body, details });
            }
            guest.data_mut().stop_iteration = true;
            Ok(Status::Ok.into())
        },
    )?;
    linker.func_wrap("env", "proxy_continue_stream", |mut guest: Guest<'_>, kind: u32| -> u32 {
        let direction = match kind {
            0 => Direction::Request,
            1 => Direction::Response,
            2 => return Status::Ok.into(),
            3 => return Status::Unimplemented.into(),
            _ => return Status::BadArgument.into(),
        };
        if let Some((key, stream)) = guest.data_mut().acting_stream() {
            stream.request.headers_alive = false;
            stream.request.trailers_alive = false;
            stream.request.current_alive = false;
            push(&mut guest, Action::Continue { stream: key, direction });
        }
        Status::Ok.into()
    })?;
    linker.func_wrap("env", "proxy_close_stream", |mut guest: Guest<'_>, kind: u32| -> u32 {
        match kind {
            0 | 1 => {
                if let Some((stream, _)) = guest.data_mut().acting_stream() {
                    push(&mut guest, Action::Close { stream });
                }
                Status::Ok.into()
            }
            2 | 3 => Status::Ok.into(),
            _ => Status::BadArgument.into(),
        }
    })?;
    Ok(())
}

fn callouts(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    linker.func_wrap(
        "env",
        "proxy_http_call",
        |mut guest: Guest<'_>,
         cluster: u32,
         cluster_len: u32,
         headers: u32,
         headers_len: u32,
         body: u32,
         body_len: u32,
         trailers: u32,
         trailers_len: u32,
         timeout: u32,
         token_out: u32|
         -> Returned {
            arguments!(guest, cluster = (cluster, cluster_len), body = (body, body_len));
            let (Some(headers), Some(trailers)) =
                (pairs(&mut guest, headers, headers_len), pairs(&mut guest, trailers, trailers_len))
            else {
                return Ok(Status::InvalidMemoryAccess.into());
            };
            if put(&mut guest, token_out, &0u32.to_le_bytes()) != Status::Ok {
                return Ok(Status::InvalidMemoryAccess.into());
            }
            let state = guest.data_mut();
            let cluster = String::from_utf8_lossy(&cluster).into_owned();
            let addressed = [":method", ":path", ":authority"].iter().all(|name| headers.get(name).is_some());
            if timeout > i32::MAX.cast_unsigned() || !state.options.clusters.contains(&cluster) || !addressed {
                return Ok(Status::BadArgument.into());
            }
            let token = state.next_callout;
            state.next_callout += 1;
            state.callouts.push(Callout { token, cluster, headers, body, trailers, timeout });
            Ok(put(&mut guest, token_out, &token.to_le_bytes()).into())
        },
    )?;
    // gRPC is not emulated: Envoy gives the same answer for a service that it cannot reach.
    linker.func_wrap(
        "env",
        "proxy_grpc_call",
        |_: u32, _: u32, _: u32, _: u32, _: u32, _: u32, _: u32, _: u32, _: u32, _: u32, _: u32, _: u32| -> u32 {
            Status::InternalFailure.into()
        },
    )?;
    linker.func_wrap(
        "env",
        "proxy_grpc_stream",
        |_: u32, _: u32, _: u32, _: u32, _: u32, _: u32, _: u32, _: u32, _: u32| -> u32 {
            Status::InternalFailure.into()
        },
    )?;
    linker.func_wrap("env", "proxy_grpc_send", |_: u32, _: u32, _: u32, _: u32| -> u32 { Status::NotFound.into() })?;
    linker.func_wrap("env", "proxy_grpc_cancel", |_: u32| -> u32 { Status::NotFound.into() })?;
    linker.func_wrap("env", "proxy_grpc_close", |_: u32| -> u32 { Status::NotFound.into() })?;
    Ok(())
}
