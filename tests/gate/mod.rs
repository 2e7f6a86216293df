//! The gate as its users meet it: the real binary against the sandbox over HTTP, by capability.

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
mod generated;
mod hostile;
mod integrity;
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
mod waiting;
