//! Sanitized text from outside, and dates, durations and numbers for people. Pure.

pub(crate) mod duration;
pub(crate) mod number;
pub(crate) mod sanitize;
pub(crate) mod similar;
pub(crate) mod timestamp;
