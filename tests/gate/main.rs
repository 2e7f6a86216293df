//! The gate as its users meet it: the real binary against the sandbox over HTTP, by capability.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "clippy allows these in #[test] functions; their helpers are tests as well"
)]

mod baseline;
mod budgets;
mod ci;
mod comment;
mod comparison;
mod connection;
mod delivery;
mod docs;
mod documents;
mod first_hour;
mod hostile;
mod merge;
mod metrics;
mod noise;
mod original;
mod promotion;
mod real_server;
mod reports;
mod same_code;
mod schema;
mod selection;
mod settings;
mod simulation;
#[expect(dead_code, unused_imports, reason = "these tests need only a part of it")]
#[path = "../support/mod.rs"]
mod support;
mod waiting;
