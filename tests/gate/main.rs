//! The gate as its users meet it: the real binary against the sandbox over HTTP, by capability.

mod comparison;
mod connection;
mod docs;
mod original;
mod promotion;
mod real_server;
mod reports;
mod selection;
mod settings;
mod support;
