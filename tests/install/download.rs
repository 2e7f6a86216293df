//! Downloads: from the release or a mirror, with each tool, and what happens if they fail.

use std::fs;

use crate::install::machine::{Machine, TARGET, has, request, under_every_shell, with_a_release};
use crate::install::release::{Release, TAG, WELL_BEHAVED, write_into};
use crate::install::server::{Answer, Server};
use crate::manifest::file_name;

const DOWNLOADERS: [&str; 2] = ["curl", "wget"];

/// Runs a scenario with each downloader alone.
fn with_each_downloader(scenario: impl Fn(Machine)) {
    for (only, other) in [("curl", "wget"), ("wget", "curl")] {
        if has(only) {
            under_every_shell(|machine| {
                eprintln!("--- with {only}");
                scenario(machine.without(&[other]));
            });
        }
    }
}

/// A machine whose release is on a server that gives these answers.
fn answered(machine: &Machine, answer: impl Fn(usize, Vec<u8>) -> Answer + Send + Sync + 'static) -> (Release, Server) {
    let release = Release::new();
    let whole = release.file(TARGET).to_vec();
    let server = Server::start(move |number, _| answer(number, whole.clone()));
    let release = release.at(&server.url());
    machine.put_manifest(&release.manifest);
    (release, server)
}

#[test]
fn either_downloader_works() {
    with_each_downloader(|machine| {
        let (_, server) = answered(&machine, |_, whole| Answer::File(whole));
        machine.run().installed(&machine.cached()).quietly();
        assert_eq!(server.requests(), [request(TARGET)]);
    });
}

#[test]
fn a_missing_downloader_is_an_environment_error() {
    with_a_release(|machine, _, server| {
        let machine = machine.without(&DOWNLOADERS);
        machine.run().fails(2, &["neither curl nor wget", "CLEARML_GATE_MIRROR"]);
        machine.is_untouched();
        assert_eq!(server.requests(), Vec::<String>::new());
    });
}

#[test]
fn any_hashing_tool_works() {
    let hashers = ["sha256sum", "openssl", "shasum"];
    for only in hashers {
        if has(only) {
            with_a_release(|machine, _, server| {
                eprintln!("--- with {only}");
                let machine = machine.without(&hashers).with(only);
                machine.run().installed(&machine.cached()).quietly();
                machine.run().installed(&machine.cached()).quietly();
                assert_eq!(server.requests().len(), 1);
                machine.put_cached(b"poison");
                machine.run().installed(&machine.cached());
            });
        }
    }
}

#[test]
fn a_missing_hashing_tool_is_an_environment_error() {
    with_a_release(|machine, _, server| {
        let machine = machine.without(&["sha256sum", "openssl", "shasum"]);
        machine.run().fails(2, &["sha256sum, openssl and shasum"]);
        machine.is_untouched();
        assert_eq!(server.requests(), Vec::<String>::new());
    });
}

/// The tools that Alpine has.
#[test]
fn busybox_is_enough() {
    if !has("busybox") {
        return;
    }
    with_a_release(|machine, _, server| {
        let tools = ["awk", "chmod", "mkdir", "mv", "printf", "rm", "uname", "wget", "sha256sum"];
        let machine = tools.iter().fold(machine.without(&["curl", "openssl", "shasum"]), |machine, tool| {
            machine.without(&[tool]).with_busybox_as(tool)
        });
        machine.run().installed(&machine.cached()).quietly();
        machine.run().installed(&machine.cached()).quietly();
        assert_eq!(server.requests().len(), 1);
        machine.put_manifest(&Release::new().at(&format!("{}/gone", server.url())).manifest);
        fs::remove_file(machine.cached()).unwrap();
        machine.run().fails(5, &["404", "wget"]);
        machine.paused(&[]);
    });
}

#[test]
fn bytes_that_differ_from_the_pin_are_deleted_and_never_run() {
    with_each_downloader(|machine| {
        let (release, server) = answered(&machine, |_, _| Answer::File(b"#!/bin/sh\necho evil >>\"$RAN\"\n".to_vec()));
        let got = "e3f9d17ce4d467ebb2f0e87fc0fedca0991a582e51b80090ec781ed39cadaafa";
        machine.run().fails(6, &[&format!("expected  {}", release.sha256(TARGET)), got, &server.url()]);
        machine.is_untouched();
        assert_eq!(server.requests().len(), 1);
    });
}

#[test]
fn a_missing_file_is_not_requested_again() {
    with_each_downloader(|machine| {
        let (_, server) = answered(&machine, |_, _| Answer::Status(404));
        machine.run().fails(5, &["404", &server.url(), &file_name(TARGET), TAG, "CLEARML_GATE_MIRROR"]);
        machine.is_untouched();
        assert_eq!(server.requests().len(), 1);
        machine.paused(&[]);
    });
}

#[test]
fn a_server_that_is_briefly_down_is_retried() {
    for passing in [429, 503] {
        with_each_downloader(|machine| {
            let (_, server) =
                answered(
                    &machine,
                    move |number, whole| {
                        if number < 3 { Answer::Status(passing) } else { Answer::File(whole) }
                    },
                );
            let ran = machine.run().installed(&machine.cached());
            assert!(ran.err.contains(&passing.to_string()), "{}", ran.err);
            assert_eq!(server.requests().len(), 3);
            machine.paused(&["1", "2"]);
        });
    }
}

#[test]
fn a_server_that_stays_down_is_tried_three_times() {
    with_each_downloader(|machine| {
        let (_, server) = answered(&machine, |_, _| Answer::Status(503));
        machine.run().fails(5, &["503", &server.url()]);
        machine.is_untouched();
        assert_eq!(server.requests().len(), 3);
        machine.paused(&["1", "2"]);
    });
}

#[test]
fn a_connection_that_is_cut_is_tried_three_times() {
    with_each_downloader(|machine| {
        let (_, server) = answered(&machine, |_, whole| Answer::Cut(whole));
        machine.run().fails(5, &[&server.url()]);
        machine.is_untouched();
        assert_eq!(server.requests().len(), 3);
    });
}

#[test]
fn a_host_that_does_not_answer_is_a_failed_download() {
    with_each_downloader(|machine| {
        machine.put_manifest(&Release::new().at("http://127.0.0.1:9").manifest);
        machine.run().fails(5, &["http://127.0.0.1:9", "HTTPS_PROXY"]);
        machine.is_untouched();
    });
}

#[test]
fn redirects_are_followed() {
    with_each_downloader(|machine| {
        let (_, server) = answered(&machine, |number, whole| {
            if number == 1 { Answer::Redirect("/storage/0123?signed".to_owned()) } else { Answer::File(whole) }
        });
        machine.run().installed(&machine.cached());
        assert_eq!(server.requests().len(), 2);
    });
}

#[test]
fn a_full_disk_is_not_reported_as_a_failed_download() {
    for (downloader, code) in [("curl", 23), ("wget", 3)] {
        with_a_release(|machine, _, _| {
            let machine = machine.without(&DOWNLOADERS);
            machine.fake(downloader, &format!("echo 'No space left on device' >&2\nexit {code}"));
            machine.run().fails(7, &["No space left on device", "disk"]);
            machine.is_untouched();
        });
    }
}

#[test]
fn a_mirror_may_be_a_url() {
    for slash in ["", "/"] {
        with_a_release(|machine, release, server| {
            let files = release.files.clone();
            let mirror = Server::start(move |_, path| Answer::File(files[path.rsplit('/').next().unwrap()].clone()));
            let machine = machine.set("CLEARML_GATE_MIRROR", &format!("{}/tools/gate{slash}", mirror.url()));
            machine.run().installed(&machine.cached());
            assert_eq!(mirror.requests(), [format!("/tools/gate/{}", file_name(TARGET))]);
            assert_eq!(server.requests(), Vec::<String>::new());
        });
    }
}

#[test]
fn a_mirror_may_be_a_folder() {
    with_a_release(|machine, release, server| {
        let folder = machine.path("a mirror");
        fs::create_dir(&folder).unwrap();
        write_into(&folder, &release.files);
        let machine = machine.set_path("CLEARML_GATE_MIRROR", "a mirror").without(&DOWNLOADERS).with("cp");
        machine.run().installed(&machine.cached()).quietly();
        assert_eq!(server.requests(), Vec::<String>::new());
    });
}

#[test]
fn a_mirror_need_not_be_trusted() {
    with_a_release(|machine, _, _| {
        let folder = machine.path("a mirror");
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join(file_name(TARGET)), format!("#!/bin/sh\n{WELL_BEHAVED}")).unwrap();
        let machine = machine.set_path("CLEARML_GATE_MIRROR", "a mirror").with("cp");
        machine.run().fails(6, &[folder.to_str().unwrap()]);
        machine.is_untouched();
    });
}

#[test]
fn a_mirror_that_lacks_the_file_is_named() {
    with_a_release(|machine, _, server| {
        let machine = machine.set_path("CLEARML_GATE_MIRROR", "no mirror");
        let place = machine.path("no mirror").join(file_name(TARGET));
        machine.run().fails(5, &[place.to_str().unwrap(), "CLEARML_GATE_MIRROR"]);
        machine.is_untouched();
        assert_eq!(server.requests(), Vec::<String>::new());
    });
}

#[test]
fn a_mirror_with_an_unsupported_scheme_is_rejected() {
    with_a_release(|machine, _, _| {
        let machine = machine.set("CLEARML_GATE_MIRROR", "ftp://mirror.example.org");
        machine.run().fails(2, &["CLEARML_GATE_MIRROR", "ftp://mirror.example.org"]);
        machine.is_untouched();
    });
}

#[test]
fn an_empty_mirror_setting_is_ignored() {
    with_a_release(|machine, _, server| {
        let machine = machine.set("CLEARML_GATE_MIRROR", "");
        machine.run().installed(&machine.cached());
        assert_eq!(server.requests().len(), 1);
    });
}

#[test]
fn credentials_in_a_mirrors_url_are_used_and_not_printed() {
    with_each_downloader(|machine| {
        let (_, server) = answered(&machine, |_, _| Answer::Status(404));
        let mirror = format!("http://reader:s3cr3t@{}/gate", server.address());
        let machine = machine.set("CLEARML_GATE_MIRROR", &mirror);
        let ran = machine.run().fails(5, &[&format!("{}/gate/{}", server.url(), file_name(TARGET))]);
        assert!(!ran.err.contains("s3cr3t"), "{}", ran.err);
    });
}
