//! A fake release: six shell scripts in place of binaries, pinned by the real tool.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value;
use tempfile::TempDir;

use crate::manifest::{self, TARGETS, file_name};

pub(crate) const TAG: &str = "v9.8.7";
pub(crate) const VERSION: &str = "9.8.7";
pub(crate) const COMMIT: &str = "a94a8fe5ccb19ba61c4c0873d391e987982fbbd3";

/// The path of the release's files on the host.
pub(crate) const DOWNLOADS: &str = "/clearml-gate/clearml-gate/releases/download/v9.8.7";

/// What the fake binaries do: write a line to the file that `RAN` names, and print a version.
pub(crate) const WELL_BEHAVED: &str = "echo \"$0 $*\" >>\"$RAN\"\necho 'clearml-gate 9.8.7'\nexit 0\n";

pub(crate) struct Release {
    /// By name.
    pub files: BTreeMap<String, Vec<u8>>,
    pub manifest: Value,
}

impl Release {
    pub(crate) fn new() -> Self {
        Self::doing(WELL_BEHAVED)
    }

    /// With binaries that run this script. They differ by platform, so that a mix-up shows.
    pub(crate) fn doing(script: &str) -> Self {
        let of = |target: &str| format!("#!/bin/sh\n# for {target}\n{script}#{}\n", "x".repeat(64 * 1024)).into_bytes();
        Self::holding(TARGETS.iter().map(|target| (file_name(target), of(target))).collect())
    }

    pub(crate) fn holding(files: BTreeMap<String, Vec<u8>>) -> Self {
        let folder = TempDir::new().unwrap();
        write_into(folder.path(), &files);
        let manifest = written_by_the_tool(&pinning(folder.path()));
        Self { files, manifest: serde_json::from_str(&manifest).unwrap() }
    }

    /// The same, downloaded from another host.
    pub(crate) fn at(mut self, base: &str) -> Self {
        self.manifest["releases"][0]["hosting"]["github"]["artifact_base_url"] = base.into();
        self
    }

    pub(crate) fn file(&self, target: &str) -> &[u8] {
        &self.files[&file_name(target)]
    }

    pub(crate) fn sha256(&self, target: &str) -> String {
        self.manifest["artifacts"][file_name(target)]["checksums"]["sha256"].as_str().unwrap().to_owned()
    }
}

pub(crate) fn write_into(folder: &Path, files: &BTreeMap<String, Vec<u8>>) {
    for (name, bytes) in files {
        fs::write(folder.join(name), bytes).unwrap();
    }
}

/// The tool's arguments for a release in a folder.
pub(crate) fn pinning(folder: &Path) -> Vec<String> {
    ["--folder", folder.to_str().unwrap(), "--tag", TAG, "--commit", COMMIT].map(str::to_owned).to_vec()
}

pub(crate) fn written_by_the_tool(args: &[String]) -> String {
    try_the_tool(args).unwrap()
}

pub(crate) fn try_the_tool(args: &[String]) -> Result<String, String> {
    let folder = TempDir::new().unwrap();
    let out = folder.path().join("dist-manifest.json");
    let mut args: Vec<&str> = args.iter().map(String::as_str).collect();
    args.extend(["--out", out.to_str().unwrap()]);
    manifest::run(&args).map_err(|error| format!("{error:#}"))?;
    Ok(fs::read_to_string(out).unwrap())
}
