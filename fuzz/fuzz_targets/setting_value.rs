//! Every other setting.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| clearml_gate::fuzz::setting_value(data));
