//! What Tidegate costs: exchanges through the decision core of this program and through the `.wasm`, timed in turns.

pub mod messages;
pub mod native;
pub mod rounds;
