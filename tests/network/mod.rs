//! The real binary on a real network: certificates made on the spot, proxies, and what must not leave the machine.

mod addresses;
mod certificates;
mod leaks;
#[cfg(target_os = "linux")]
mod namespace;
mod proxies;
mod server;
