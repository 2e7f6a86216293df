//! The network as it really is: certificates made on the spot, proxies, and what must not get out, through the real binary.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "clippy allows this in #[test] functions; their helpers are tests as well")]

mod addresses;
mod certificates;
mod leaks;
mod proxies;
#[cfg(target_os = "linux")]
mod room;
mod server;
#[expect(dead_code, unused_imports, clippy::indexing_slicing, reason = "these tests need only a part of it")]
#[path = "../support/mod.rs"]
mod support;
