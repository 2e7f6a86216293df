//! From cold start to verdict: a fresh directory, no caches, each tool installed as users install it, from loopback.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::Result;
use crate::files;
use crate::scene::Scene;
use crate::stats::Summary;
use crate::table::{self, row};
use crate::tool::{Place, timed};

const METHOD: &str = "A fresh directory each time. Both tools download from the same kind of HTTP server on loopback, judge, and move \
the tag. The gate: `install.sh` with a mirror, then the gate. The peer: `pip install --no-cache-dir` of the pinned SDK from \
wheels, then the script. Creating the virtual environment is counted separately. Alternating; seconds as median (lowest \
to highest), ratios pair by pair.";

pub(crate) fn measure(place: &Place) -> Result<()> {
    let scene = Scene::new();
    let mirror = format!("http://{}", files::serve(place.work.join("release"))?);
    let index = format!("http://{}/", files::serve(place.work.join("wheels"))?);
    let (mut gate, mut venv, mut install, mut run) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..place.runs_or(5) {
        gate.push(the_gate(place, &scene, &mirror)?.as_secs_f64());
        let peer = the_peer(place, &scene, &index)?;
        venv.push(peer.venv.as_secs_f64());
        install.push(peer.install.as_secs_f64());
        run.push(peer.run.as_secs_f64());
    }
    let sum = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a + b).collect::<Vec<_>>();
    let peer = sum(&install, &run);
    let whole = sum(&venv, &peer);
    let seconds = |values: &[f64]| Summary::of(values.iter().copied());
    let ratio = |values: &[f64]| Summary::of_ratios(values, &gate);
    table::print(
        "Cold start to verdict",
        METHOD,
        &["what", "seconds", "times the gate"],
        &[
            row!["gate: install.sh, then the verdict and the tag", seconds(&gate), 1],
            row!["peer: pip install, then the same", seconds(&peer), ratio(&peer)],
            row!["peer with a virtual environment of its own", seconds(&whole), ratio(&whole)],
            row!["of it: creating the environment", seconds(&venv), ""],
            row!["of it: pip install", seconds(&install), ""],
            row!["of it: the script", seconds(&run), ""],
        ],
    );
    Ok(())
}

fn the_gate(place: &Place, scene: &Scene, mirror: &str) -> Result<Duration> {
    scene.reset();
    let fresh = tempfile::tempdir_in(&place.work)?;
    let install = place.work.join("action/install.sh");
    let script = "gate=$(sh \"$1\") && exec \"$gate\"";
    let args = ["-c", script, "sh"].map(PathBuf::from).into_iter().chain([install]).collect::<Vec<_>>();
    let mut command = place.with_settings(Path::new("/bin/sh"), &args, &scene.server());
    command.env("RUNNER_TOOL_CACHE", fresh.path()).env("CLEARML_GATE_MIRROR", mirror);
    let elapsed = timed(&mut command, 0)?;
    scene.expect_moved(true)?;
    Ok(elapsed)
}

struct Peer {
    venv: Duration,
    install: Duration,
    run: Duration,
}

fn the_peer(place: &Place, scene: &Scene, index: &str) -> Result<Peer> {
    scene.reset();
    let fresh = tempfile::tempdir_in(&place.work)?;
    let server = scene.server();
    let folder = fresh.path().join("venv");
    let of = |program: &Path, args: &[&Path]| {
        let args: Vec<PathBuf> = args.iter().map(|arg| arg.to_path_buf()).collect();
        place.with_settings(program, &args, &server)
    };
    let system = place.work.join("venv/bin/python");
    let python = folder.join("bin/python");
    let venv = timed(&mut of(&system, &["-m".as_ref(), "venv".as_ref(), &folder]), 0)?;
    let requirements = place.root.join("tests/sdk/requirements.txt");
    let pip = "-m pip install --quiet --no-cache-dir --disable-pip-version-check --no-index --find-links";
    let mut args: Vec<&Path> = pip.split(' ').map(Path::new).collect();
    args.extend([Path::new(index), "-r".as_ref(), &requirements]);
    let install = timed(&mut of(&python, &args), 0)?;
    let run = timed(&mut of(&python, &[&place.root.join("benches/peer/peer.py")]), 0)?;
    scene.expect_moved(true)?;
    Ok(Peer { venv, install, run })
}
