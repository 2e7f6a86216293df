//! A release in a directory: the binary under test for one platform, text files for the others, and the manifest that
//! the release's own tool writes for them.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use serde_json::Value;

use crate::manifest::{self, TARGETS, file_name};

pub(crate) struct Release {
    target: String,
    folder: PathBuf,
    manifest: PathBuf,
}

impl Release {
    /// Creates the release in a new directory, and pins it.
    pub(crate) fn new(target: &str, folder: &Path, manifest: &Path) -> Self {
        fs::create_dir_all(folder).unwrap();
        for one in TARGETS {
            let file = folder.join(file_name(one));
            if one == target {
                symlink(env!("CARGO_BIN_EXE_clearml-gate"), file).unwrap();
            } else {
                fs::write(file, format!("the binary for {one}")).unwrap();
            }
        }
        fs::write(manifest, pinned(target, folder)).unwrap();
        Self { target: target.to_owned(), folder: folder.to_owned(), manifest: manifest.to_owned() }
    }

    /// Replaces the pinned file with a script that leaves a trace if it runs.
    pub(crate) fn tamper(&self, trace: &Path) {
        let file = self.folder.join(file_name(&self.target));
        fs::remove_file(&file).unwrap();
        fs::write(file, format!("#!/bin/sh\necho ran >\"{}\"\n", trace.display())).unwrap();
    }

    /// Removes one platform from the manifest.
    pub(crate) fn withdraw(&self) {
        let mut manifest: Value = serde_json::from_str(&fs::read_to_string(&self.manifest).unwrap()).unwrap();
        let name = file_name(&self.target);
        manifest["artifacts"].as_object_mut().unwrap().remove(&name).unwrap();
        manifest["releases"][0]["artifacts"].as_array_mut().unwrap().retain(|artifact| *artifact != *name);
        fs::write(&self.manifest, manifest.to_string()).unwrap();
    }

    /// The manifest of a repository without a release.
    pub(crate) fn retract(&self) {
        manifest::run(&["--unreleased", "--out", self.manifest.to_str().unwrap()]).unwrap();
    }
}

/// The manifest that pins the files of the directory. Hashing is slow, so all tests of a target share it.
fn pinned(target: &str, folder: &Path) -> String {
    static MANIFESTS: Mutex<BTreeMap<String, String>> = Mutex::new(BTreeMap::new());
    let write = || {
        let file = folder.with_file_name("pinned.json");
        let commit = "a94a8fe5ccb19ba61c4c0873d391e987982fbbd3";
        let tag = concat!("v", env!("CARGO_PKG_VERSION"));
        let [folder, out] = [folder, &file].map(|path| path.to_str().unwrap());
        manifest::run(&["--folder", folder, "--tag", tag, "--commit", commit, "--out", out]).unwrap();
        fs::read_to_string(file).unwrap()
    };
    MANIFESTS.lock().unwrap().entry(target.to_owned()).or_insert_with(write).clone()
}
