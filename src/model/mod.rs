//! Commits, runs, metrics, and the decisions about them: which runs are compared, and the comparison. Pure.

pub(crate) mod commit;
pub(crate) mod compare;
pub(crate) mod metric;
pub(crate) mod name;
pub(crate) mod run;
pub(crate) mod select;
#[cfg(test)]
pub(crate) mod testing;
