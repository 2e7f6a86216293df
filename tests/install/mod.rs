//! `install.sh`, `dist-manifest.json` and the tool that writes it, against a local release over HTTP.
//!
//! `CLEARML_GATE_TEST_SHELLS` names the shells to run everything under, separated by commas or lines, with arguments:
//! `dash,bash,bash --posix,busybox ash,yash,mksh,ksh`. Without it that is `sh`. A shell named there and not found fails
//! the tests, and so does a tool that a scenario is about; without the variable such a scenario says that it was not
//! tried. Otherwise the tests need what install.sh needs: awk and the like, curl or wget, and a hashing tool.

mod format;

#[cfg(unix)]
mod cache;
#[cfg(unix)]
mod download;
#[cfg(unix)]
#[expect(clippy::panic, reason = "a machine that lacks what was asked for fails the tests, and says what")]
mod machine;
#[cfg(unix)]
mod outputs;
#[cfg(unix)]
mod pins;
#[cfg(unix)]
mod platform;
#[cfg_attr(not(unix), expect(dead_code, reason = "install.sh is tried on Unix alone"))]
mod release;
#[cfg(unix)]
mod server;
