//! The same promises under libFuzzer, which looks for bytes that reach new code. It runs on a stable compiler, without
//! sanitizers (there is no unsafe code for them to watch):
//!
//! ```text
//! RUSTFLAGS="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
//!     -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
//!     -Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1" \
//! cargo run --release --target x86_64-unknown-linux-gnu -p tidegate-fuzz --features libfuzzer --bin libfuzzer -- \
//!     -max_len=2048 -max_total_time=600 target/fuzz-corpus
//! ```
//!
//! `--target` keeps the flags away from build scripts. An input's first byte tells the length of the chunks.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use tidegate_fuzz::{Subject, check_bytes, pieces};

static SUBJECT: LazyLock<Subject> = LazyLock::new(|| Subject::new("{}").expect("the default policy"));

fuzz_target!(|input: &[u8]| {
    if let Some((length, message)) = input.split_first() {
        let pieces = pieces(message, &[usize::from(*length % 32) + 1]);
        if let Err(failure) = check_bytes(&*SUBJECT, message, &pieces) {
            panic!("{failure}");
        }
    }
});
