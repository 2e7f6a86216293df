//! Writes `dist-manifest.json`, in cargo-dist's format, from a directory with the binaries of a release.
//!
//! `cargo run --example manifest -- --folder DIR --tag v0.1.0 --commit SHA --out dist-manifest.json` pins a release. It
//! fails unless the directory contains exactly the binaries of [`TARGETS`], named by [`file_name`].
//! `cargo run --example manifest -- --unreleased --out dist-manifest.json` records that there is no release yet.
//!
//! The binaries are "extra artifacts", because "executable-zip" means an archive in that format. They are raw
//! executables, so the pin is the hash of the file that runs. The same input gives the same bytes.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail, ensure};
use argh::FromArgs;
use serde::Serialize;
use sha2::{Digest as _, Sha256};

/// The targets of a release.
pub(crate) const TARGETS: [&str; 6] = [
    "aarch64-apple-darwin",
    "aarch64-pc-windows-msvc",
    "aarch64-unknown-linux-musl",
    "x86_64-apple-darwin",
    "x86_64-pc-windows-msvc",
    "x86_64-unknown-linux-musl",
];

const APP: &str = env!("CARGO_PKG_NAME");
const VERSION: &str = env!("CARGO_PKG_VERSION");
const REPOSITORY: &str = env!("CARGO_PKG_REPOSITORY");

/// writes dist-manifest.json from a directory of binaries
#[derive(FromArgs)]
struct Args {
    /// directory with the six binaries and nothing else
    #[argh(option)]
    folder: Option<PathBuf>,
    /// tag of the release: v and the version
    #[argh(option)]
    tag: Option<String>,
    /// full id of the commit that the binaries were built from
    #[argh(option)]
    commit: Option<String>,
    /// record that there is no release yet, instead of the three above
    #[argh(switch)]
    unreleased: bool,
    /// file to write (default: standard output)
    #[argh(option)]
    out: Option<PathBuf>,
}

/// The part of cargo-dist's format that an installer needs, and the built commit.
#[derive(Serialize)]
struct Manifest {
    announcement_tag: Option<String>,
    announcement_title: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    source_commit: Option<String>,
    releases: [Release; 1],
    artifacts: BTreeMap<String, Artifact>,
}

#[derive(Serialize)]
struct Release {
    app_name: &'static str,
    app_version: String,
    artifacts: Vec<String>,
    hosting: Hosting,
}

#[derive(Serialize)]
struct Hosting {
    github: GitHub,
}

#[derive(Serialize)]
struct GitHub {
    artifact_base_url: String,
    artifact_download_path: String,
    owner: String,
    repo: String,
}

#[derive(Serialize)]
struct Artifact {
    name: String,
    kind: &'static str,
    target_triples: [&'static str; 1],
    checksums: Checksums,
}

#[derive(Serialize)]
struct Checksums {
    sha256: String,
}

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match run(&args.iter().map(String::as_str).collect::<Vec<_>>()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("manifest: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// The whole tool, except the process. The tests call this.
pub(crate) fn run(args: &[&str]) -> Result<()> {
    match Args::from_args(&["manifest"], args) {
        Ok(args) => {
            let out = args.out.clone();
            put(out.as_deref(), &to_text(&manifest(args)?)?)
        }
        Err(help) if help.status.is_ok() => put(None, &help.output),
        Err(usage) => bail!(usage.output),
    }
}

fn put(out: Option<&Path>, text: &str) -> Result<()> {
    match out {
        Some(path) => fs::write(path, text).with_context(|| format!("cannot write {}", path.display())),
        None => std::io::stdout().write_all(text.as_bytes()).context("cannot write to standard output"),
    }
}

fn manifest(args: Args) -> Result<Manifest> {
    match args {
        Args { unreleased: true, folder: None, tag: None, commit: None, .. } => unreleased(),
        Args { unreleased: false, folder: Some(folder), tag: Some(tag), commit: Some(commit), .. } => {
            released(&folder, &tag, &commit)
        }
        _ => bail!("use either --folder, --tag and --commit, or only --unreleased"),
    }
}

fn unreleased() -> Result<Manifest> {
    Ok(Manifest {
        announcement_tag: None,
        announcement_title: "No release yet: build from source".to_owned(),
        source_commit: None,
        releases: [release(VERSION, Vec::new(), github("")?)],
        artifacts: BTreeMap::new(),
    })
}

fn released(folder: &Path, tag: &str, commit: &str) -> Result<Manifest> {
    let version = version(tag)?;
    check_commit(commit)?;
    check_folder(folder)?;
    let artifacts: BTreeMap<String, Artifact> =
        TARGETS.iter().map(|target| artifact(folder, target)).collect::<Result<_, _>>()?;
    Ok(Manifest {
        announcement_tag: Some(tag.to_owned()),
        announcement_title: tag.to_owned(),
        source_commit: Some(commit.to_owned()),
        releases: [release(version, artifacts.keys().cloned().collect(), github(&format!("/download/{tag}"))?)],
        artifacts,
    })
}

fn release(version: &str, artifacts: Vec<String>, github: GitHub) -> Release {
    Release { app_name: APP, app_version: version.to_owned(), artifacts, hosting: Hosting { github } }
}

/// The repository is defined in Cargo.toml; `below` is a path below its releases.
fn github(below: &str) -> Result<GitHub> {
    let parts: Vec<&str> = REPOSITORY.split('/').collect();
    let [scheme, "", host, owner, repo] = parts[..] else {
        bail!("the repository {REPOSITORY} is not https://HOST/OWNER/REPO");
    };
    Ok(GitHub {
        artifact_base_url: format!("{scheme}//{host}"),
        artifact_download_path: format!("/{owner}/{repo}/releases{below}"),
        owner: owner.to_owned(),
        repo: repo.to_owned(),
    })
}

fn artifact(folder: &Path, target: &'static str) -> Result<(String, Artifact)> {
    let name = file_name(target);
    let path = folder.join(&name);
    let bytes = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
    ensure!(!bytes.is_empty(), "{} is empty", path.display());
    let checksums = Checksums { sha256: hex(&Sha256::digest(bytes)) };
    Ok((name.clone(), Artifact { name, kind: "extra-artifact", target_triples: [target], checksums }))
}

/// `clearml-gate-<target>`, and `.exe` for Windows.
pub(crate) fn file_name(target: &str) -> String {
    let suffix = if target.contains("windows") { ".exe" } else { "" };
    format!("{APP}-{target}{suffix}")
}

/// With a missing binary some users could not install the release; an extra one hints at a mistake.
fn check_folder(folder: &Path) -> Result<()> {
    let expected: BTreeSet<String> = TARGETS.iter().map(|target| file_name(target)).collect();
    let found = names_in(folder).with_context(|| format!("cannot list {}", folder.display()))?;
    let missing: Vec<&str> = expected.difference(&found).map(String::as_str).collect();
    let unknown: Vec<&str> = found.difference(&expected).map(String::as_str).collect();
    ensure!(
        missing.is_empty() && unknown.is_empty(),
        "{} does not contain exactly the binaries of a release. Missing: {}. Unknown: {}.",
        folder.display(),
        list(&missing),
        list(&unknown)
    );
    Ok(())
}

fn list(names: &[&str]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

fn names_in(folder: &Path) -> std::io::Result<BTreeSet<String>> {
    fs::read_dir(folder)?.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect()
}

fn version(tag: &str) -> Result<&str> {
    let plain = |char: char| char.is_ascii_alphanumeric() || ".-".contains(char);
    tag.strip_prefix('v')
        .filter(|version| version.split('.').count() >= 3 && version.starts_with(|char: char| char.is_ascii_digit()))
        .filter(|version| version.chars().all(plain))
        .with_context(|| format!("the tag {tag} is not like v1.2.3"))
}

fn check_commit(commit: &str) -> Result<()> {
    let hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    ensure!(
        matches!(commit.len(), 40 | 64) && commit.bytes().all(hex),
        "the commit {commit} is not a full commit id in lower case (git rev-parse HEAD)"
    );
    Ok(())
}

fn to_text(manifest: &Manifest) -> Result<String> {
    let mut text = serde_json::to_string_pretty(manifest)?;
    text.push('\n');
    Ok(text)
}

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .filter_map(|digit| char::from_digit(digit.into(), 16))
        .collect()
}
