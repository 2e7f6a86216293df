//! Which binary a machine gets: the runner decides first, then the system's own information, then uname.

use std::fs;

use crate::install::machine::{Machine, request, with_a_release};
use crate::install::release::VERSION;

/// A machine without a runner, where uname prints this.
fn saying(machine: Machine, system: &str, processor: &str) -> Machine {
    machine.fake("uname", &format!("case $1 in -s) echo '{system}' ;; -m) echo '{processor}' ;; esac"));
    machine.unset("RUNNER_OS").unset("RUNNER_ARCH")
}

#[track_caller]
fn gets(machine: &Machine, target: &str) {
    let program = if target.contains("windows") { "clearml-gate.exe" } else { "clearml-gate" };
    let folder = machine.path("tool cache").join("clearml-gate").join(VERSION).join(target);
    machine.run().installed(&folder.join(program));
}

#[test]
fn the_runner_decides_first() {
    for (os, arch, target) in [
        ("Linux", "X64", "x86_64-unknown-linux-musl"),
        ("Linux", "ARM64", "aarch64-unknown-linux-musl"),
        ("macOS", "X64", "x86_64-apple-darwin"),
        ("macOS", "ARM64", "aarch64-apple-darwin"),
        ("Windows", "X64", "x86_64-pc-windows-msvc"),
        ("Windows", "ARM64", "aarch64-pc-windows-msvc"),
    ] {
        with_a_release(|machine, _, server| {
            let machine = saying(machine, "SunOS", "sun4v").set("RUNNER_OS", os).set("RUNNER_ARCH", arch);
            machine.fake("sysctl", "echo 1");
            let machine = machine.set("OS", "Windows_NT").set("PROCESSOR_ARCHITECTURE", "x86");
            gets(&machine, target);
            assert_eq!(server.requests(), [request(target)]);
        });
    }
}

#[test]
fn without_a_runner_the_system_is_asked() {
    for (system, processor, target) in [
        ("Linux", "x86_64", "x86_64-unknown-linux-musl"),
        ("Linux", "aarch64", "aarch64-unknown-linux-musl"),
        ("Darwin", "x86_64", "x86_64-apple-darwin"),
        ("Darwin", "arm64", "aarch64-apple-darwin"),
        ("MINGW64_NT-10.0-26100", "x86_64", "x86_64-pc-windows-msvc"),
        ("MSYS_NT-10.0-26100-ARM64", "x86_64", "aarch64-pc-windows-msvc"),
    ] {
        with_a_release(|machine, _, _| gets(&saying(machine, system, processor), target));
    }
}

#[test]
fn an_unknown_platform_of_the_runner_falls_back_to_the_system() {
    with_a_release(|machine, _, _| {
        let machine = saying(machine, "Linux", "aarch64").set("RUNNER_OS", "Linux").set("RUNNER_ARCH", "ARM");
        gets(&machine, "aarch64-unknown-linux-musl");
    });
}

#[test]
fn a_shell_under_rosetta_gets_the_native_binary() {
    with_a_release(|machine, _, _| {
        let machine = saying(machine, "Darwin", "x86_64");
        machine.fake("sysctl", "[ \"$*\" = '-n hw.optional.arm64' ] && echo 1");
        gets(&machine, "aarch64-apple-darwin");
    });
}

#[test]
fn an_emulated_shell_on_windows_gets_the_native_binary() {
    with_a_release(|machine, _, _| {
        let machine = saying(machine, "MINGW64_NT-10.0-26100", "x86_64").set("OS", "Windows_NT");
        let machine = machine.set("PROCESSOR_ARCHITECTURE", "AMD64");
        gets(&machine, "x86_64-pc-windows-msvc");
        gets(&machine.set("PROCESSOR_ARCHITEW6432", "ARM64"), "aarch64-pc-windows-msvc");
    });
}

#[test]
fn an_unsupported_platform_is_named() {
    with_a_release(|machine, _, server| {
        let machine = saying(machine, "FreeBSD", "riscv64");
        machine.run().fails(3, &["riscv64-FreeBSD", "x86_64-unknown-linux-musl", "cargo install --git"]);
        machine.is_untouched();
        assert_eq!(server.requests(), Vec::<String>::new());
    });
}

/// Acts like `cygpath` of Git for Windows, with this machine's root as drive C.
const CYGPATH: &str = r#"case $1 in
-u) printf '%s\n' "$DRIVE_C$(printf '%s' "${2#C:}" | PATH=/usr/bin:/bin tr '\\' /)" ;;
-w) printf 'C:%s\n' "$(printf '%s' "${2#"$DRIVE_C"}" | PATH=/usr/bin:/bin tr / '\\')" ;;
esac"#;

#[test]
fn on_windows_the_shell_gets_its_own_form_of_the_path_and_the_job_the_native_one() {
    with_a_release(|machine, _, _| {
        let machine =
            machine.set("RUNNER_OS", "Windows").set_path("DRIVE_C", "drive").set("RUNNER_TOOL_CACHE", r"C:\tool cache");
        let machine = machine.set_path("GITHUB_OUTPUT", "output").set_path("GITHUB_PATH", "path");
        machine.fake("cygpath", CYGPATH);
        let below = format!("clearml-gate/{VERSION}/x86_64-pc-windows-msvc");
        let file = machine.path("drive").join("tool cache").join(&below).join("clearml-gate.exe");
        machine.run().installed(&file);
        let native = format!(r"C:\tool cache\{}", below.replace('/', r"\"));
        assert_eq!(machine.lines("path"), [native.as_str()]);
        assert_eq!(machine.lines("output")[0], format!(r"bin={native}\clearml-gate.exe"));
        assert!(fs::metadata(file).unwrap().is_file());
    });
}
