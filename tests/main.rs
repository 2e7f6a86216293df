//! All integration tests, in one program: five of them would be linked five times.
//!
//! | module | what it tests |
//! |---|---|
//! | `gate` | the binary against the sandbox over HTTP, by capability |
//! | `action` | `action.yml`, the workflows and the recipes |
//! | `install` | `install.sh`, `dist-manifest.json` and the tool that writes it |
//! | `network` | certificates, proxies, addresses, leaks of secrets |
//! | `proof` | searches for a lost tag and for a wrong verdict: faults, kills, races |
//! | `support` | what they share |

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "clippy allows these in #[test] functions; their helpers are tests as well"
)]

mod action;
mod gate;
mod install;
#[expect(dead_code, reason = "a test has no use for the tool's own main")]
#[path = "../examples/manifest.rs"]
mod manifest;
#[cfg(unix)]
mod network;
mod proof;
mod support;
