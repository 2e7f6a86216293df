//! Searches that try to break two promises: the verdict is right or there is none, and the tag is never lost. The network
//! and ClearML fail, gates are killed, and gates race.
//!
//! `cargo test` tries a small sample of each search. `CLEARML_GATE_PROOF=large` tries a larger one, `CLEARML_GATE_PROOF=all`
//! everything. `CLEARML_GATE_SEED` chooses the sample; a test that fails prints its seed.

mod fault;
mod faults;
mod killed;
mod races;
mod scenario;
mod trials;
