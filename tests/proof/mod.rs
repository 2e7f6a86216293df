//! The two promises, held by search: whatever the network and ClearML do, wherever a gate is killed and however gates race,
//! the verdict is right or there is none, and the tag is never lost.
//!
//! Each test prints how much it tried. `CLEARML_GATE_PROOF=all` tries every pair of faults and a larger sample of races; by
//! default a sample that is drawn anew by `CLEARML_GATE_SEED`, the same one when it is not given.

mod fault;
mod faults;
mod killed;
mod races;
mod scenario;
mod trials;
