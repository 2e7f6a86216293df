//! Answers of the ClearML API.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| clearml_gate::fuzz::api_answer(data));
