//! Event files of GitHub, Gitea and Forgejo.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| clearml_gate::fuzz::event_file(data));
