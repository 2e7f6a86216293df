//! The cache: one download if it is cold, none if it is warm, and broken entries are replaced.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::Child;
use std::time::{Duration, Instant};

use crate::install::machine::{Machine, Ran, TARGET, make_executable, request, under_every_shell, with_a_release};
use crate::install::release::Release;
use crate::install::server::{Answer, Server};

#[test]
fn a_cold_cache_needs_one_download() {
    with_a_release(|machine, release, server| {
        machine.run().installed(&machine.cached()).quietly();
        assert_eq!(server.requests(), [request(TARGET)]);
        assert_eq!(fs::read(machine.cached()).unwrap(), release.file(TARGET));
        assert_eq!(machine.in_the_cache(), BTreeSet::from([machine.cached()]));
    });
}

#[test]
fn a_warm_cache_needs_no_request() {
    with_a_release(|machine, _, server| {
        machine.run().installed(&machine.cached());
        let machine = machine.without(&["curl", "wget"]);
        machine.run().installed(&machine.cached()).quietly();
        assert_eq!(server.requests().len(), 1);
    });
}

#[test]
fn a_poisoned_entry_is_replaced_and_never_run() {
    with_a_release(|machine, release, server| {
        machine.put_cached(b"#!/bin/sh\necho poison >>\"$RAN\"\necho clearml-gate 9.8.7\n");
        let ran = machine.run().installed(&machine.cached());
        assert!(ran.err.contains(&release.sha256(TARGET)), "{}", ran.err);
        assert!(!machine.ran().contains(&"poison".to_owned()));
        assert_eq!(fs::read(machine.cached()).unwrap(), release.file(TARGET));
        assert_eq!(server.requests().len(), 1);
    });
}

#[test]
fn a_poisoned_entry_is_not_run_even_if_the_download_fails() {
    with_a_release(|machine, _, _| {
        machine.put_cached(b"#!/bin/sh\necho poison >>\"$RAN\"\necho clearml-gate 9.8.7\n");
        let machine = machine.set("CLEARML_GATE_MIRROR", "http://127.0.0.1:9/");
        machine.run().fails(5, &["instead of"]);
        assert_eq!(machine.ran(), Vec::<String>::new());
    });
}

#[test]
fn a_half_written_entry_is_replaced() {
    with_a_release(|machine, release, server| {
        let whole = release.file(TARGET);
        machine.put_cached(&whole[..whole.len() / 2]);
        machine.run().installed(&machine.cached());
        machine.put_cached(b"");
        machine.run().installed(&machine.cached());
        assert_eq!(fs::read(machine.cached()).unwrap(), whole);
        assert_eq!(server.requests().len(), 2);
    });
}

#[test]
fn an_entry_that_lost_its_mode_is_repaired_without_a_download() {
    with_a_release(|machine, _, server| {
        machine.run().installed(&machine.cached());
        fs::set_permissions(machine.cached(), fs::Permissions::from_mode(0o644)).unwrap();
        machine.run().installed(&machine.cached());
        assert_eq!(server.requests().len(), 1);
        assert_eq!(fs::metadata(machine.cached()).unwrap().permissions().mode() & 0o777, 0o755);
    });
}

#[test]
fn a_link_in_place_of_an_entry_is_replaced() {
    with_a_release(|machine, release, _| {
        let elsewhere = machine.path("elsewhere");
        fs::write(&elsewhere, release.file(TARGET)).unwrap();
        make_executable(&elsewhere);
        fs::create_dir_all(machine.cached().parent().unwrap()).unwrap();
        symlink(&elsewhere, machine.cached()).unwrap();
        machine.run().installed(&machine.cached());
        assert!(!machine.cached().is_symlink());
        assert_eq!(fs::read(elsewhere).unwrap(), release.file(TARGET));
    });
}

#[test]
fn the_first_writable_cache_is_used() {
    with_a_release(|machine, _, _| {
        let machine = machine.set_path("XDG_CACHE_HOME", "xdg cache").set_path("RUNNER_TEMP", "runner temp");
        machine.run().installed(&machine.cached_below("tool cache"));
        let machine = machine.set("RUNNER_TOOL_CACHE", "");
        machine.run().installed(&machine.cached_below("xdg cache"));
        let machine = machine.set("XDG_CACHE_HOME", "not/absolute");
        machine.run().installed(&machine.cached_below("home/.cache"));
        let machine = machine.unset("HOME");
        machine.run().installed(&machine.cached_below("runner temp"));
    });
}

/// Puts a file in place of a directory, which stops root too.
fn block(machine: &Machine, name: &str) {
    fs::write(machine.path(name), "in the way").unwrap();
}

#[test]
fn a_cache_that_is_not_writable_is_skipped() {
    with_a_release(|machine, _, server| {
        block(&machine, "tool cache");
        machine.run().installed(&machine.cached_below("home/.cache")).quietly();
        machine.run().installed(&machine.cached_below("home/.cache")).quietly();
        assert_eq!(server.requests().len(), 1);
    });
}

#[test]
fn a_directory_in_place_of_the_binary_is_skipped() {
    with_a_release(|machine, _, _| {
        fs::create_dir_all(machine.cached().join("of somebody")).unwrap();
        machine.run().installed(&machine.cached_below("home/.cache"));
        assert!(machine.cached().join("of somebody").is_dir());
    });
}

#[test]
fn a_read_only_cache_with_the_binary_is_enough() {
    with_a_release(|machine, _, server| {
        machine.run().installed(&machine.cached());
        fs::set_permissions(machine.cached().parent().unwrap(), fs::Permissions::from_mode(0o555)).unwrap();
        // Root ignores the mode of the directory, so these tools are removed too.
        let machine = machine.without(&["mkdir", "mv", "chmod"]);
        machine.run().installed(&machine.cached()).quietly();
        assert_eq!(server.requests().len(), 1);
        fs::set_permissions(machine.cached().parent().unwrap(), fs::Permissions::from_mode(0o755)).unwrap();
    });
}

#[test]
fn without_a_cache_the_error_names_the_places() {
    with_a_release(|machine, _, server| {
        block(&machine, "tool cache");
        let machine = machine.unset("HOME");
        let place = machine.path("tool cache");
        machine.run().fails(7, &[place.to_str().unwrap(), "RUNNER_TEMP", "XDG_CACHE_HOME"]);
        assert_eq!(server.requests(), Vec::<String>::new());
    });
}

#[test]
fn a_cache_whose_name_would_forge_outputs_is_skipped() {
    with_a_release(|machine, _, _| {
        let forged = format!("{}\nverdict=improved", machine.path("tool cache").display());
        let machine = machine.set("RUNNER_TOOL_CACHE", &forged);
        machine.run().installed(&machine.cached_below("home/.cache"));
    });
}

#[test]
fn six_installers_at_once_get_the_same_whole_binary() {
    with_a_release(|machine, release, _| {
        let children: Vec<Child> = (0..6).map(|_| machine.start()).collect();
        for child in children {
            Ran::of(&child.wait_with_output().unwrap()).installed(&machine.cached()).quietly();
        }
        assert_eq!(fs::read(machine.cached()).unwrap(), release.file(TARGET));
        assert_eq!(machine.in_the_cache(), BTreeSet::from([machine.cached()]));
    });
}

/// Sends half of the file for the first two downloads and keeps the connection open. Serves the later ones.
fn stalling_at_first(release: &Release) -> Server {
    let whole = release.file(TARGET).to_vec();
    Server::start(
        move |number, _| {
            if number == 1 { Answer::Stalled(whole.clone()) } else { Answer::File(whole.clone()) }
        },
    )
}

/// Waits until a file next to the binary's place has content.
fn until_half_is_there(machine: &Machine) {
    let deadline = Instant::now() + Duration::from_secs(20);
    let arrived = |folder: &Path| {
        let files = fs::read_dir(folder).into_iter().flatten();
        files.flatten().any(|file| file.metadata().is_ok_and(|data| data.is_file() && data.len() > 0))
    };
    while !machine.in_the_cache().iter().any(|entry| arrived(entry)) {
        assert!(Instant::now() < deadline, "no download began: {:?}", machine.in_the_cache());
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Signals the installer and its downloader, as a runner does when it cancels a job.
fn signal(machine: &Machine, child: &Child, name: &str) {
    let line = format!("kill -{name} -{}", child.id());
    assert!(machine.shell().args(["-c", &line]).status().unwrap().success());
}

fn with_a_stalled_download(scenario: impl Fn(&Machine, Child)) {
    under_every_shell(|machine| {
        let release = Release::new();
        let server = stalling_at_first(&release);
        machine.put_manifest(&release.at(&server.url()).manifest);
        let child = machine.start();
        until_half_is_there(&machine);
        scenario(&machine, child);
        machine.run().installed(&machine.cached()).quietly();
    });
}

#[test]
fn an_unfinished_download_is_not_in_the_binarys_place() {
    with_a_stalled_download(|machine, child| {
        assert!(!machine.cached().exists());
        signal(machine, &child, "KILL");
        child.wait_with_output().unwrap();
        assert!(!machine.cached().exists());
        assert_eq!(machine.ran(), Vec::<String>::new());
    });
}

#[test]
fn a_canceled_download_leaves_nothing_behind() {
    with_a_stalled_download(|machine, child| {
        signal(machine, &child, "TERM");
        Ran::of(&child.wait_with_output().unwrap()).fails(143, &[]);
        machine.is_untouched();
    });
}
