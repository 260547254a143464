//! The part of WASI preview 1 that Envoy gives a guest: output to the log, clocks, randomness and the environment.

use wasmtime::Linker;

use super::Status;
use super::memory::{Guest, put, read, write};
use super::shared::LogLevel;
use super::state::State;

const MODULE: &str = "wasi_snapshot_preview1";
const SUCCESS: u32 = 0;
const BAD_DESCRIPTOR: u32 = 8;
const FAULT: u32 = 21;
const INVALID: u32 = 28;
const NOT_IMPLEMENTED: u32 = 52;
const NOT_SUPPORTED: u32 = 58;
/// Envoy refuses to produce more random bytes at once.
const MAX_RANDOM: u32 = 64 * 1024;

fn store(guest: &mut Guest<'_>, ptr: u32, bytes: &[u8]) -> u32 {
    if put(guest, ptr, bytes) == Status::Ok { SUCCESS } else { FAULT }
}

/// Adds the imports to the linker.
pub(crate) fn add_to(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    linker.func_wrap(MODULE, "fd_write", |mut guest: Guest<'_>, fd: u32, iovs: u32, count: u32, out: u32| -> u32 {
        let level = match fd {
            1 => LogLevel::Info,
            2 => LogLevel::Error,
            _ => return BAD_DESCRIPTOR,
        };
        let mut text = Vec::new();
        for i in 0..count {
            let Some(iov) = i.checked_mul(8).and_then(|at| iovs.checked_add(at)) else { return FAULT };
            let word = |guest: &mut Guest<'_>, at| Some(u32::from_le_bytes(read(guest, at, 4)?.try_into().ok()?));
            let (Some(ptr), Some(len)) = (word(&mut guest, iov), word(&mut guest, iov.saturating_add(4))) else {
                return FAULT;
            };
            let Some(bytes) = read(&mut guest, ptr, len) else { return FAULT };
            text.extend(bytes);
        }
        let written = u32::try_from(text.len()).unwrap_or(u32::MAX);
        if written > 0 {
            guest.data_mut().log(level, text.strip_suffix(b"\n").unwrap_or(&text));
        }
        store(&mut guest, out, &written.to_le_bytes())
    })?;
    linker.func_wrap(MODULE, "fd_read", |_: u32, _: u32, _: u32, _: u32| -> u32 { NOT_IMPLEMENTED })?;
    linker.func_wrap(MODULE, "fd_seek", |_: u32, _: i64, _: u32, _: u32| -> u32 { SUCCESS })?;
    linker.func_wrap(MODULE, "fd_close", |_: u32| -> u32 { SUCCESS })?;
    linker.func_wrap(MODULE, "fd_fdstat_get", |mut guest: Guest<'_>, fd: u32, out: u32| -> u32 {
        if fd != 1 && fd != 2 {
            return BAD_DESCRIPTOR;
        }
        let mut stat = [0u8; 24];
        if let Some(rights) = stat.get_mut(8) {
            *rights = 64;
        }
        store(&mut guest, out, &stat)
    })?;
    linker.func_wrap(
        MODULE,
        "clock_time_get",
        |mut guest: Guest<'_>, clock: u32, _precision: u64, out: u32| -> u32 {
            if clock > 1 {
                return NOT_SUPPORTED;
            }
            let now = guest.data().options.clock.now();
            store(&mut guest, out, &now.to_le_bytes())
        },
    )?;
    linker.func_wrap(MODULE, "random_get", |mut guest: Guest<'_>, ptr: u32, len: u32| -> u32 {
        if len > MAX_RANDOM {
            return INVALID;
        }
        let bytes = guest.data_mut().random_bytes(len as usize);
        store(&mut guest, ptr, &bytes)
    })?;
    linker.func_wrap(MODULE, "sched_yield", || -> u32 { SUCCESS })?;
    linker.func_wrap(MODULE, "proc_exit", |_code: u32| {})?;
    environment(linker)
}

fn environment(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    fn entries(guest: &Guest<'_>) -> Vec<Vec<u8>> {
        guest.data().options.environment.iter().map(|(name, value)| format!("{name}={value}\0").into_bytes()).collect()
    }
    fn pair(guest: &mut Guest<'_>, first: u32, second: u32, values: (usize, usize)) -> u32 {
        let word = |n: usize| u32::try_from(n).unwrap_or(u32::MAX).to_le_bytes();
        if write(guest, first, &word(values.0)) && write(guest, second, &word(values.1)) { SUCCESS } else { FAULT }
    }
    linker.func_wrap(MODULE, "environ_sizes_get", |mut guest: Guest<'_>, count: u32, size: u32| -> u32 {
        let entries = entries(&guest);
        pair(&mut guest, count, size, (entries.len(), entries.iter().map(Vec::len).sum()))
    })?;
    linker.func_wrap(MODULE, "environ_get", |mut guest: Guest<'_>, mut pointers: u32, mut buffer: u32| -> u32 {
        for entry in entries(&guest) {
            if !write(&mut guest, pointers, &buffer.to_le_bytes()) || !write(&mut guest, buffer, &entry) {
                return FAULT;
            }
            pointers = pointers.wrapping_add(4);
            buffer = buffer.wrapping_add(u32::try_from(entry.len()).unwrap_or(u32::MAX));
        }
        SUCCESS
    })?;
    linker.func_wrap(MODULE, "args_get", |_: u32, _: u32| -> u32 { SUCCESS })?;
    linker.func_wrap(MODULE, "args_sizes_get", |mut guest: Guest<'_>, count: u32, size: u32| -> u32 {
        pair(&mut guest, count, size, (0, 0))
    })?;
    Ok(())
}
