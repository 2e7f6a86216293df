//! Manifests against cargo-dist's own schema (`dist manifest-schema` of cargo-dist 0.34.0), and the tool that writes them.

use std::fs;
use std::path::Path;

use serde_json::Value;
use tempfile::TempDir;

use crate::install::release::{COMMIT, Release, TAG, VERSION, pinning, try_the_tool, write_into, written_by_the_tool};
use crate::manifest::{TARGETS, file_name};

fn in_the_repository(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
}

fn parse(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn faults(manifest: &Value) -> Vec<String> {
    let schema = parse(&in_the_repository("tests/fixtures/dist-manifest-schema.json"));
    let validator = jsonschema::validator_for(&schema).unwrap();
    validator.iter_errors(manifest).map(|fault| format!("{}: {fault}", fault.instance_path())).collect()
}

#[track_caller]
fn is_valid(manifest: &Value) {
    assert_eq!(faults(manifest), Vec::<String>::new());
}

/// This project's repository, as the manifest writes it.
fn home(manifest: &Value) -> String {
    let github = &manifest["releases"][0]["hosting"]["github"];
    ["artifact_base_url", "owner", "repo"].map(|name| github[name].as_str().unwrap()).join("/")
}

fn unreleased() -> String {
    written_by_the_tool(&["--unreleased".to_owned()])
}

#[test]
fn the_manifest_in_the_repository_is_valid_and_names_this_repository() {
    let manifest = parse(&in_the_repository("dist-manifest.json"));
    is_valid(&manifest);
    assert_eq!(home(&manifest), env!("CARGO_PKG_REPOSITORY"));
}

#[test]
fn the_manifest_in_the_repository_pins_a_whole_release_or_none() {
    let text = in_the_repository("dist-manifest.json");
    let manifest = parse(&text);
    if manifest["announcement_tag"].is_null() {
        assert_eq!(text, unreleased(), "cargo run --example manifest -- --unreleased --out dist-manifest.json");
    } else {
        assert_eq!(manifest["artifacts"].as_object().unwrap().len(), TARGETS.len());
    }
}

#[test]
fn before_the_first_release_nothing_is_pinned() {
    let manifest = parse(&unreleased());
    is_valid(&manifest);
    assert!(manifest["announcement_title"].as_str().unwrap().contains("No release yet"));
    assert_eq!(manifest["artifacts"], serde_json::json!({}));
    assert_eq!(manifest["releases"][0]["artifacts"], serde_json::json!([]));
}

#[test]
fn a_release_is_pinned_whole() {
    let release = Release::new();
    let manifest = &release.manifest;
    is_valid(manifest);
    assert_eq!(home(manifest), env!("CARGO_PKG_REPOSITORY"));
    assert_eq!(manifest["announcement_tag"], TAG);
    assert_eq!(manifest["source_commit"], COMMIT);
    assert_eq!(manifest["releases"][0]["app_version"], VERSION);
    assert_eq!(manifest["releases"][0]["artifacts"].as_array().unwrap().len(), TARGETS.len());
    for target in TARGETS {
        assert_eq!(manifest["artifacts"][file_name(target)]["target_triples"], serde_json::json!([target]));
    }
}

#[test]
fn the_hash_is_the_sha256_of_the_file() {
    let files = TARGETS.iter().map(|target| (file_name(target), b"abc".to_vec())).collect();
    let of_abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert_eq!(Release::holding(files).sha256("x86_64-apple-darwin"), of_abc);
}

#[test]
fn the_same_binaries_give_the_same_bytes() {
    let folder = TempDir::new().unwrap();
    write_into(folder.path(), &Release::new().files);
    assert_eq!(written_by_the_tool(&pinning(folder.path())), written_by_the_tool(&pinning(folder.path())));
}

#[test]
fn the_schema_finds_mistakes() {
    let mut manifest = Release::new().manifest;
    manifest["artifacts"][file_name("x86_64-apple-darwin")]["kind"] = "executable".into();
    manifest["releases"][0]["hosting"]["github"]["owner"] = Value::Null;
    assert_eq!(faults(&manifest).len(), 2);
}

/// The tool's error for a release after this change to its directory.
fn refusal(change: impl Fn(&Path)) -> String {
    let folder = TempDir::new().unwrap();
    write_into(folder.path(), &Release::new().files);
    change(folder.path());
    try_the_tool(&pinning(folder.path())).unwrap_err()
}

#[test]
fn a_release_without_exactly_the_six_binaries_is_rejected() {
    let name = file_name("x86_64-pc-windows-msvc");
    let missing = refusal(|folder| fs::remove_file(folder.join(&name)).unwrap());
    assert!(missing.contains(&format!("Missing: {name}. Unknown: none.")), "{missing}");
    let unknown = refusal(|folder| fs::write(folder.join("notes.txt"), "").unwrap());
    assert!(unknown.contains("Missing: none. Unknown: notes.txt."), "{unknown}");
    let empty = refusal(|folder| fs::write(folder.join(&name), "").unwrap());
    assert!(empty.contains("is empty"), "{empty}");
}

#[test]
fn an_invalid_tag_or_commit_is_rejected() {
    let folder = TempDir::new().unwrap();
    write_into(folder.path(), &Release::new().files);
    for (place, value) in [(3, "9.8.7"), (3, "v1"), (3, "v1.2.3 "), (3, "vv1.2.3"), (5, "HEAD"), (5, "a94a8fe")] {
        let mut args = pinning(folder.path());
        value.clone_into(&mut args[place]);
        assert!(try_the_tool(&args).unwrap_err().contains(value), "{args:?}");
    }
}

#[test]
fn an_incomplete_command_line_is_rejected() {
    for args in [&["--tag", TAG][..], &["--unreleased", "--tag", TAG], &[]] {
        let args: Vec<String> = args.iter().map(|&arg| arg.to_owned()).collect();
        assert!(try_the_tool(&args).unwrap_err().contains("--unreleased"), "{args:?}");
    }
}
