//! The network as it really is: certificates made on the spot, proxies, and what must not get out, through the real binary.

mod addresses;
mod certificates;
mod leaks;
mod proxies;
#[cfg(target_os = "linux")]
mod room;
mod server;
