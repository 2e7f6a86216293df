//! What is compared and how: commits, runs, metrics, and the decisions over them. Pure.

pub(crate) mod commit;
pub(crate) mod compare;
pub(crate) mod metric;
pub(crate) mod name;
pub(crate) mod run;
pub(crate) mod select;
#[cfg(test)]
pub(crate) mod testing;
