//! Text from outside made harmless, and dates, durations and numbers as people write them. Pure.

pub(crate) mod duration;
pub(crate) mod number;
pub(crate) mod plain;
pub(crate) mod similar;
pub(crate) mod timestamp;
