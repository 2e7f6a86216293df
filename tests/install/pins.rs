//! The manifest as install.sh reads it. Equivalent JSON gives the same result, and a bad manifest never runs anything.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::install::machine::{TARGET, request, with_every_awk};
use crate::install::release::{TAG, written_by_the_tool};
use crate::manifest::{TARGETS, file_name};

/// Installs with a manifest that is written differently.
fn is_read(rewrite: impl Fn(&Value) -> String) {
    with_every_awk(|machine, release, server| {
        machine.put_manifest_text(&rewrite(&release.manifest));
        machine.run().installed(&machine.cached()).quietly();
        assert_eq!(server.requests(), [request(TARGET)]);
    });
}

/// Asserts that a bad manifest installs nothing, and the reason.
fn is_bad(why: &str, rewrite: impl Fn(&Value) -> String) {
    with_every_awk(|machine, release, server| {
        machine.put_manifest_text(&rewrite(&release.manifest));
        machine.run().fails(4, &["dist-manifest.json", why]);
        machine.is_untouched();
        assert_eq!(server.requests(), Vec::<String>::new());
    });
}

/// The same for a manifest with one changed value.
fn is_bad_with(why: &str, pointer: &str, value: &Value) {
    is_bad(why, |manifest| {
        let mut manifest = manifest.clone();
        *manifest.pointer_mut(pointer).unwrap() = value.clone();
        manifest.to_string()
    });
}

fn pretty(manifest: &Value) -> String {
    serde_json::to_string_pretty(manifest).unwrap()
}

#[test]
fn a_compact_manifest_is_read() {
    is_read(ToString::to_string);
}

#[test]
fn a_manifest_with_crlf_is_read() {
    is_read(|manifest| pretty(manifest).replace('\n', "\r\n"));
}

#[test]
fn a_manifest_with_tabs_a_byte_order_mark_and_escaped_slashes_is_read() {
    is_read(|manifest| format!("\u{feff}{}", pretty(manifest).replace("  ", "\t").replace('/', "\\/")));
}

#[test]
fn other_content_of_a_manifest_does_not_matter() {
    is_read(|manifest| {
        let mut manifest = manifest.clone();
        manifest["announcement_github_body"] = "\"sha256\": \"{[\\\" \u{e9}\n, }".into();
        manifest["system_info"] = json!({"cargo_version_line": null, "odd": [1.5e-3, -2, true, [], {}]});
        manifest["releases"].as_array_mut().unwrap().insert(0, json!({"app_name": "other", "app_version": "1.0.0"}));
        manifest.to_string()
    });
}

#[test]
fn an_archive_for_the_platform_is_not_taken_for_the_binary() {
    is_read(|manifest| {
        let mut manifest = manifest.clone();
        let archive =
            json!({"name": "all.tar.gz", "kind": "executable-zip", "target_triples": [TARGET], "checksums": {}});
        manifest["artifacts"]["all.tar.gz"] = archive;
        manifest["releases"][0]["artifacts"].as_array_mut().unwrap().push("all.tar.gz".into());
        manifest.to_string()
    });
}

#[test]
fn a_missing_manifest_is_a_bad_one() {
    with_every_awk(|machine, _, _| {
        fs::remove_file(machine.path("the action/dist-manifest.json")).unwrap();
        machine.run().fails(4, &["dist-manifest.json", "install.sh"]);
    });
}

#[test]
fn a_manifest_cut_anywhere_is_a_bad_one() {
    for part in [0, 1, 5, 9] {
        is_bad("not a manifest of clearml-gate", |manifest| {
            let text = pretty(manifest);
            text[..text.len() * part / 10].to_owned()
        });
    }
}

#[test]
fn text_that_is_not_json_is_a_bad_manifest() {
    for text in ["<html>Sign in</html>", "{]", "{\"a\" 1}", "[1,]", "{\"a\":1,}", "nul", "\"open", "[01x]"] {
        is_bad("is not a manifest", |_| text.to_owned());
    }
    is_bad("there is text after its end", |manifest| format!("{manifest} {{}}"));
    is_bad("no release of clearml-gate", |_| "{}".to_owned());
}

#[test]
fn a_manifest_of_something_else_is_a_bad_one() {
    is_bad_with("no release of clearml-gate", "/releases/0/app_name", &json!("other"));
}

#[test]
fn a_contradictory_manifest_is_bad() {
    is_bad("duplicate key", |manifest| {
        let hash = "0".repeat(64);
        pretty(manifest).replace("\"sha256\":", &format!("\"sha256\": \"{hash}\", \"sha256\":"))
    });
    is_bad("two releases", |manifest| {
        let mut manifest = manifest.clone();
        let again = manifest["releases"][0].clone();
        manifest["releases"].as_array_mut().unwrap().push(again);
        manifest.to_string()
    });
    let other = format!("/artifacts/{}/target_triples", file_name("aarch64-unknown-linux-musl"));
    is_bad_with("two binaries", &other, &json!([TARGET]));
}

#[test]
fn invalid_values_make_a_bad_manifest() {
    let hash = format!("/artifacts/{}/checksums/sha256", file_name(TARGET));
    let name = format!("/artifacts/{}/name", file_name(TARGET));
    let github = "/releases/0/hosting/github";
    for (why, pointer, value) in [
        ("sha256", hash.as_str(), json!("abc")),
        ("sha256", &hash, json!("0".repeat(63) + "g")),
        ("sha256", &hash, json!("")),
        ("sha256", &hash, Value::Null),
        ("name", &name, json!("../../bin/sh")),
        ("name", &name, json!("a b")),
        ("name", &name, json!("-o")),
        ("app_version", "/releases/0/app_version", json!("../../../home")),
        ("app_version", "/releases/0/app_version", json!("1.0.0 * ?")),
        ("announcement_tag", "/announcement_tag", Value::Null),
        ("announcement_tag", "/announcement_tag", json!("v1\nbin=/bin/sh")),
        ("artifact_base_url", &format!("{github}/artifact_base_url"), json!("file:///etc")),
        ("artifact_base_url", &format!("{github}/artifact_base_url"), json!("https://a b")),
        ("artifact_download_path", &format!("{github}/artifact_download_path"), json!("no/slash")),
        ("owner", &format!("{github}/owner"), json!("$(id)")),
        ("without a description", "/releases/0/artifacts", json!(["nothing"])),
    ] {
        is_bad_with(why, pointer, &value);
    }
}

#[test]
fn a_manifest_without_this_platform_says_what_it_has_and_how_to_build() {
    with_every_awk(|machine, release, server| {
        let mut manifest = release.manifest.clone();
        manifest["releases"][0]["artifacts"].as_array_mut().unwrap().retain(|id| *id != file_name(TARGET));
        manifest["artifacts"].as_object_mut().unwrap().remove(&file_name(TARGET));
        machine.put_manifest(&manifest);
        let ran = machine.run().fails(3, &[TARGET, TAG, &format!("--tag {TAG} --locked"), "cargo install --git"]);
        for other in TARGETS.iter().filter(|&&target| target != TARGET) {
            assert!(ran.err.contains(other), "{other} in\n{}", ran.err);
        }
        machine.is_untouched();
        assert_eq!(server.requests(), Vec::<String>::new());
    });
}

#[test]
fn a_binary_outside_the_release_is_not_taken() {
    with_every_awk(|machine, release, _| {
        let mut manifest = release.manifest.clone();
        manifest["releases"][0]["artifacts"] = json!([]);
        machine.put_manifest(&manifest);
        machine.run().fails(3, &[TARGET]);
        machine.is_untouched();
    });
}

fn says_how_to_build(manifest: &str) {
    with_every_awk(|machine, _, server| {
        machine.put_manifest_text(manifest);
        let command = format!("cargo install --git {} --locked", env!("CARGO_PKG_REPOSITORY"));
        machine.run().fails(3, &["no release yet: build from source", &command, "cargo build --release --locked"]);
        machine.is_untouched();
        assert_eq!(server.requests(), Vec::<String>::new());
    });
}

#[test]
fn before_the_first_release_it_says_how_to_build() {
    says_how_to_build(&written_by_the_tool(&["--unreleased".to_owned()]));
}

#[test]
fn install_sh_understands_the_manifest_in_the_repository() {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("dist-manifest.json")).unwrap();
    if serde_json::from_str::<Value>(&text).unwrap()["announcement_tag"].is_null() {
        return says_how_to_build(&text);
    }
    // The empty mirror keeps the test off the network. A missing file there shows that the pin was understood.
    with_every_awk(|machine, _, _| {
        machine.put_manifest_text(&text);
        let machine = machine.set_path("CLEARML_GATE_MIRROR", "home");
        machine.run().fails(5, &["is not in the mirror"]);
    });
}
