//! What git says.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| clearml_gate::fuzz::git_output(data));
