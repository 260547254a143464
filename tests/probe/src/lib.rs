//! A guest that asks its host awkward questions and logs one line for each answer.
//!
//! What a stream does is told by the request header `x-probe`: directives `callback:action`, separated by `;`. The
//! callbacks are `qh`, `qb`, `qt` (request headers, body, trailers), `sh`, `sb`, `st` (response), `log`. Every line starts
//! with the value of `x-case`, so that the lines of one exchange can be told apart. The actions are in `actions.rs`; the
//! awkward questions, action `calls`, in `questions.rs`.
#![cfg(target_arch = "wasm32")]

mod abi;
mod actions;
mod questions;

use std::cell::RefCell;
use std::collections::HashMap;

use actions::Case;

thread_local! {
    static CASES: RefCell<HashMap<u32, Case>> = RefCell::default();
}

fn with_case<T>(context: u32, f: impl FnOnce(&mut Case) -> T) -> T {
    // A host can end the stream inside a call of its own: the copy is what the callbacks made there find.
    let mut case = CASES.with_borrow(|cases| cases.get(&context).cloned()).unwrap_or_default();
    let result = f(&mut case);
    CASES.with_borrow_mut(|cases| {
        if let Some(kept) = cases.get_mut(&context) {
            *kept = case;
        }
    });
    result
}

#[unsafe(no_mangle)]
extern "C" fn proxy_abi_version_0_2_1() {}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_memory_allocate(size: usize) -> *mut u8 {
    let mut memory = Vec::with_capacity(size);
    let pointer = memory.as_mut_ptr();
    std::mem::forget(memory);
    pointer
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_context_create(_context: u32, _parent: u32) {}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_vm_start(_context: u32, size: u32) -> u32 {
    abi::log(&format!("root vm_start {size}"));
    1
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_configure(_context: u32, size: u32) -> u32 {
    let (_, configuration) = abi::get_buffer(7, 0, u32::MAX);
    abi::log(&format!("root configure {size} {}", abi::show(&configuration)));
    match configuration.as_slice() {
        b"refuse" => return 0,
        b"trap" => abi::trap(),
        _ => questions::ask("root", "configure"),
    }
    1
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_request_headers(context: u32, count: u32, end: u32) -> u32 {
    let text = |name| String::from_utf8_lossy(&abi::get_header(0, name).1).into_owned();
    let case = Case::new(text("x-case"), &text("x-probe"));
    CASES.with_borrow_mut(|cases| cases.insert(context, case));
    with_case(context, |case| case.run("qh", 0, count, end == 1))
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_request_body(context: u32, size: u32, end: u32) -> u32 {
    with_case(context, |case| case.run("qb", 0, size, end == 1))
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_request_trailers(context: u32, count: u32) -> u32 {
    with_case(context, |case| case.run("qt", 0, count, true))
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_response_headers(context: u32, count: u32, end: u32) -> u32 {
    with_case(context, |case| case.run("sh", 1, count, end == 1))
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_response_body(context: u32, size: u32, end: u32) -> u32 {
    with_case(context, |case| case.run("sb", 1, size, end == 1))
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_response_trailers(context: u32, count: u32) -> u32 {
    with_case(context, |case| case.run("st", 1, count, true))
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_log(context: u32) {
    with_case(context, |case| case.run("log", 1, 0, true));
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_done(context: u32) -> u32 {
    with_case(context, |case| case.run("done", 1, 0, true));
    1
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_delete(context: u32) {
    with_case(context, |case| case.run("delete", 1, 0, true));
    CASES.with_borrow_mut(|cases| cases.remove(&context));
}
