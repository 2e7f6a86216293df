//! The SDK's configuration file.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| clearml_gate::fuzz::clearml_conf(data));
