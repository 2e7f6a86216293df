//! `install.sh`, `dist-manifest.json` and the tool that writes it, against a local release over HTTP.
//!
//! `CLEARML_GATE_TEST_SHELLS` names the shells to test, separated by commas or lines, with arguments:
//! `dash,bash,bash --posix,busybox ash,yash,mksh,ksh`. The default is `sh`. If the variable is set, the tests fail if a
//! shell is missing, or a tool that a scenario needs. If it is not set, such a scenario prints that it was not tried.
//! The tests always need what install.sh needs: awk and the like, curl or wget, and a hashing tool.

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
