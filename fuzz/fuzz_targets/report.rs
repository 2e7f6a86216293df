//! All renderers, with every text and number of a report.

#![no_main]

libfuzzer_sys::fuzz_target!(
    |data: &[u8]| clearml_gate::fuzz::report(data, |xml| roxmltree::Document::parse(xml).is_ok())
);
