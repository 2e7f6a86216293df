//! Answers of GitHub's API.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| clearml_gate::fuzz::github_answer(data));
