//! Guest memory. The guest is not trusted: every access is checked, and none can fail otherwise than by a status.

use wasmtime::{AsContext, AsContextMut, Caller, Memory};

use super::Status;
use super::state::State;

pub(crate) type Guest<'a> = Caller<'a, State>;
/// What a host call returns to the guest; `Err` when the guest's allocator trapped.
pub(crate) type Answer = wasmtime::Result<Status>;

fn memory(guest: &mut Guest<'_>) -> Option<Memory> {
    if let Some(memory) = guest.data().memory {
        return Some(memory);
    }
    guest.get_export("memory")?.into_memory()
}

/// Copies bytes out; `None` when any of them lies outside of the memory.
pub(crate) fn read(guest: &mut Guest<'_>, ptr: u32, len: u32) -> Option<Vec<u8>> {
    let memory = memory(guest)?;
    let start = ptr as usize;
    Some(memory.data(guest.as_context()).get(start..start.checked_add(len as usize)?)?.to_vec())
}

/// Copies bytes in; false when they would not fit.
pub(crate) fn write(guest: &mut Guest<'_>, ptr: u32, bytes: &[u8]) -> bool {
    let Some(memory) = memory(guest) else { return false };
    memory.write(guest.as_context_mut(), ptr as usize, bytes).is_ok()
}

/// [`write`] with the status that a host call gives.
pub(crate) fn put(guest: &mut Guest<'_>, ptr: u32, bytes: &[u8]) -> Status {
    if write(guest, ptr, bytes) { Status::Ok } else { Status::InvalidMemoryAccess }
}

/// Hands bytes to the guest: asks it for memory, and stores address and length. Nothing is allocated for no bytes, and
/// the address is then null.
pub(crate) fn hand_over(guest: &mut Guest<'_>, bytes: &[u8], ptr_out: u32, len_out: u32) -> Answer {
    let len = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    let mut ptr = 0;
    if len > 0 {
        let Some(allocate) = guest.data().allocate.clone() else { return Ok(Status::InvalidMemoryAccess) };
        ptr = allocate.call(guest.as_context_mut(), len)?;
        if ptr == 0 || !write(guest, ptr, bytes) {
            return Ok(Status::InvalidMemoryAccess);
        }
    }
    let stored = write(guest, ptr_out, &ptr.to_le_bytes()) && write(guest, len_out, &len.to_le_bytes());
    Ok(if stored { Status::Ok } else { Status::InvalidMemoryAccess })
}
