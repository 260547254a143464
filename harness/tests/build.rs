//! The build step, as the test programs of this workspace use it.
#![allow(clippy::unwrap_used, reason = "helpers of tests state what must hold")]

use std::sync::Mutex;

use tidegate::build::{self, BuildError, Built, Wasm};
use tidegate::report::progress::{Lines, Progress};

/// Remembers the stages that were reported.
#[derive(Default)]
struct Recorder(Mutex<Vec<String>>);

impl Progress for Recorder {
    fn stage(&self, text: &str) {
        self.0.lock().unwrap().push(text.to_owned());
    }
    fn detail(&self, _text: &str) {}
    fn finish(&self) {}
}

#[test]
fn whoever_asks_at_the_same_time_gets_the_one_module() {
    let built: Vec<Built> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..3).map(|_| scope.spawn(|| build::build(&Wasm::filter(), &Lines).unwrap())).collect();
        threads.into_iter().map(|it| it.join().unwrap()).collect()
    });
    assert!(built.iter().filter(|it| it.rebuilt).count() <= 1, "{built:?}");
    assert!(built.iter().all(|it| it.path == built[0].path && it.way == built[0].way));
    let module = std::fs::read(&built[0].path).unwrap();
    assert_eq!(module.get(..4), Some(&b"\0asm"[..]));
    assert_eq!(u64::try_from(module.len()).unwrap(), built[0].bytes);

    let recorder = Recorder::default();
    let again = build::build(&Wasm::filter(), &recorder).unwrap();
    assert!(!again.rebuilt);
    let stages = recorder.0.into_inner().unwrap();
    assert!(stages.iter().all(|it| !it.starts_with("building")), "{stages:?}");
}

#[test]
fn a_package_that_is_not_there_is_named() {
    let error = build::build(&Wasm::package("no-such-guest"), &Lines).unwrap_err();
    assert!(matches!(&error, BuildError::NoPackage(name) if name == "no-such-guest"), "{error}");
}
