//! Shared data, queues and metrics.

use wasmtime::Linker;

use super::{Returned, answer, arguments};
use crate::host::Status;
use crate::host::memory::{Guest, hand_over, put};
use crate::host::shared::Metric;
use crate::host::state::State;

/// The low bits of a metric's id say what it is.
const KIND: u32 = 3;
const HISTOGRAM: u32 = 2;

pub(super) fn add_to(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    data(linker)?;
    queues(linker)?;
    metrics(linker)
}

fn data(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    linker.func_wrap(
        "env",
        "proxy_get_shared_data",
        |mut guest: Guest<'_>, key: u32, key_len: u32, ptr_out: u32, len_out: u32, cas_out: u32| -> Returned {
            arguments!(guest, key = (key, key_len));
            let Some((value, cas)) = guest.data().shared.data(&key).cloned() else {
                return Ok(Status::NotFound.into());
            };
            match hand_over(&mut guest, &value, ptr_out, len_out)? {
                Status::Ok => Ok(put(&mut guest, cas_out, &cas.to_le_bytes()).into()),
                refused => Ok(refused.into()),
            }
        },
    )?;
    linker.func_wrap(
        "env",
        "proxy_set_shared_data",
        |mut guest: Guest<'_>, key: u32, key_len: u32, value: u32, value_len: u32, cas: u32| -> Returned {
            arguments!(guest, key = (key, key_len), value = (value, value_len));
            Ok(guest.data_mut().shared.set_data(key, value, cas).into())
        },
    )?;
    Ok(())
}

fn queues(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    linker.func_wrap(
        "env",
        "proxy_register_shared_queue",
        |mut guest: Guest<'_>, name: u32, name_len: u32, out: u32| -> Returned {
            arguments!(guest, name = (name, name_len));
            let token = guest.data_mut().shared.register_queue(name);
            Ok(put(&mut guest, out, &token.to_le_bytes()).into())
        },
    )?;
    linker.func_wrap(
        "env",
        "proxy_resolve_shared_queue",
        |mut guest: Guest<'_>, vm: u32, vm_len: u32, name: u32, name_len: u32, out: u32| -> Returned {
            arguments!(guest, vm = (vm, vm_len), name = (name, name_len));
            let state = guest.data();
            let own = vm.is_empty() || vm == state.options.vm_id.as_bytes();
            let Some(token) = state.shared.resolve_queue(&name).filter(|_| own) else {
                return Ok(Status::NotFound.into());
            };
            Ok(put(&mut guest, out, &token.to_le_bytes()).into())
        },
    )?;
    linker.func_wrap(
        "env",
        "proxy_enqueue_shared_queue",
        |mut guest: Guest<'_>, token: u32, ptr: u32, len: u32| -> Returned {
            arguments!(guest, bytes = (ptr, len));
            let Some(queue) = guest.data_mut().shared.queue(token) else { return Ok(Status::NotFound.into()) };
            queue.push_back(bytes);
            Ok(Status::Ok.into())
        },
    )?;
    linker.func_wrap(
        "env",
        "proxy_dequeue_shared_queue",
        |mut guest: Guest<'_>, token: u32, ptr_out: u32, len_out: u32| -> Returned {
            let Some(queue) = guest.data_mut().shared.queue(token) else { return Ok(Status::NotFound.into()) };
            let Some(bytes) = queue.pop_front() else { return Ok(Status::Empty.into()) };
            answer(hand_over(&mut guest, &bytes, ptr_out, len_out))
        },
    )?;
    Ok(())
}

fn metrics(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    linker.func_wrap(
        "env",
        "proxy_define_metric",
        |mut guest: Guest<'_>, kind: u32, name: u32, name_len: u32, out: u32| -> Returned {
            arguments!(guest, name = (name, name_len));
            let state = guest.data_mut();
            let Some(next) = state.next_metric.get_mut(kind as usize) else {
                return Ok(Status::BadArgument.into());
            };
            let id = *next;
            *next += KIND + 1;
            let name = String::from_utf8_lossy(&name).into_owned();
            state.shared.metric(kind, &name);
            state.metric_ids.insert(id, name);
            Ok(put(&mut guest, out, &id.to_le_bytes()).into())
        },
    )?;
    linker.func_wrap("env", "proxy_increment_metric", |mut guest: Guest<'_>, id: u32, by: i64| -> u32 {
        match metric(guest.data_mut(), id) {
            _ if id & KIND >= HISTOGRAM => Status::BadArgument,
            Some(Metric::Counter(_)) if by <= 0 => Status::BadArgument,
            Some(Metric::Counter(value) | Metric::Gauge(value)) => {
                *value = value.wrapping_add_signed(by);
                Status::Ok
            }
            _ => Status::NotFound,
        }
        .into()
    })?;
    linker.func_wrap("env", "proxy_record_metric", |mut guest: Guest<'_>, id: u32, value: u64| -> u32 {
        match metric(guest.data_mut(), id) {
            Some(Metric::Counter(counter)) => *counter = counter.wrapping_add(value),
            Some(Metric::Gauge(gauge)) => *gauge = value,
            Some(Metric::Histogram(samples)) => samples.push(value),
            None => return Status::NotFound.into(),
        }
        Status::Ok.into()
    })?;
    linker.func_wrap("env", "proxy_get_metric", |mut guest: Guest<'_>, id: u32, out: u32| -> u32 {
        let value = match metric(guest.data_mut(), id) {
            _ if id & KIND >= HISTOGRAM => return Status::BadArgument.into(),
            Some(Metric::Counter(value) | Metric::Gauge(value)) => *value,
            _ => return Status::NotFound.into(),
        };
        put(&mut guest, out, &value.to_le_bytes()).into()
    })?;
    Ok(())
}

fn metric(state: &mut State, id: u32) -> Option<&mut Metric> {
    let name = state.metric_ids.get(&id)?;
    state.shared.metrics.get_mut(name)
}
