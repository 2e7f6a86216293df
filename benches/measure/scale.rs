//! How requests, bytes, memory and time grow with the content of ClearML.

use std::fmt::Write as _;

use crate::Result;
use crate::scene::{HEAD, PROJECT, Scene, TASK, older_run};
use crate::stats::{Summary, grouped, short};
use crate::table::{self, row};
use crate::tool::{Place, Server, Tool, instructions, peak_memory, timed};

const METHOD: &str = "The gate judges and moves the tag over plain HTTP on loopback. Instructions are those of the gate in user space. \
The wall time includes the sandbox's own search through its tasks, which says nothing about a database.";
/// How many tasks are added to the sandbox at once.
const BATCH: usize = 10_000;

/// A dimension and its measured sizes.
struct Axis {
    name: &'static str,
    sizes: &'static [usize],
    grown: fn(usize) -> Scene,
}

const AXES: [Axis; 5] = [
    Axis { name: "tasks in the project", sizes: &[100, 1_000, 10_000, 100_000, 1_000_000], grown: tasks },
    Axis { name: "runs at the commit", sizes: &[1, 10, 100, 1_000, 10_000], grown: runs },
    Axis { name: "tasks with the tag", sizes: &[1, 10, 100, 1_000], grown: tagged },
    Axis { name: "metrics a task", sizes: &[2, 10, 100, 2_000], grown: metrics },
    Axis { name: "MiB in one answer", sizes: &[1, 8, 31], grown: heavy },
];

pub(crate) fn measure(place: &Place) -> Result<()> {
    for Axis { name, sizes, grown } in AXES {
        let mut rows = Vec::new();
        for &size in sizes {
            rows.push(row_of(place, &grown(size), size)?);
        }
        let head =
            ["", "requests", "bytes sent", "bytes received", "peak memory, KiB", "million instructions", "wall, ms"];
        table::print(&format!("Scale: {name}"), METHOD, &head, &rows);
    }
    Ok(())
}

fn row_of(place: &Place, scene: &Scene, size: usize) -> Result<Vec<String>> {
    let server: Server<'_> = scene.server();
    let fresh = || {
        scene.reset();
        place.command(Tool::Gate, &server)
    };
    let mut walls = Vec::new();
    for _ in 0..place.runs_or(3) {
        walls.push(timed(&mut fresh(), 0)?.as_secs_f64() * 1e3);
        scene.expect_moved(true)?;
    }
    let traffic = scene.traffic();
    let memory = peak_memory(&fresh(), 0)?;
    let instructions = instructions(&fresh(), 0)?;
    let bytes = |bytes: usize| grouped(u64::try_from(bytes).unwrap_or(u64::MAX));
    Ok(row![
        bytes(size),
        traffic.requests,
        bytes(traffic.sent),
        bytes(traffic.received),
        grouped(memory),
        short(f64::from(u32::try_from(instructions / 1000)?) / 1e3),
        Summary::of(walls),
    ])
}

/// Other tasks of the same name, each with its own commit, and minimal to save memory.
fn tasks(size: usize) -> Scene {
    let scene = Scene::new();
    let project = scene.sandbox.project(PROJECT);
    let mut left = size.saturating_sub(2);
    let mut n = 0_usize;
    while left > 0 {
        let mut batch = String::from("{\"tasks\": [");
        for _ in 0..left.min(BATCH) {
            n += 1;
            let comma = if batch.ends_with('[') { "" } else { "," };
            let _ = write!(
                batch,
                "{comma}{{\"id\": \"{n:032x}\", \"name\": \"{TASK}\", \"project\": \"{project}\", \"status\": \"completed\", \
                 \"tags\": [], \"script\": {{\"version_num\": \"{n:040x}\", \"diff\": \"\"}}, \
                 \"created\": \"2026-01-01T00:00:00.000000+00:00\"}}"
            );
        }
        left -= left.min(BATCH);
        batch.push_str("]}");
        scene.sandbox.load(&batch);
    }
    scene
}

fn runs(size: usize) -> Scene {
    let scene = Scene::new();
    for _ in 1..size {
        scene.sandbox.add(older_run(HEAD));
    }
    scene
}

fn tagged(size: usize) -> Scene {
    let mut scene = Scene::new();
    (1..size).for_each(|n| scene.add_tagged(older_run(&format!("{n:040x}"))));
    scene
}

/// Metrics of the candidate and of the baseline, including the compared one.
fn metrics(size: usize) -> Scene {
    let name = |n: usize| format!("metric {n}");
    Scene::with(|seed| (2..size).fold(seed, |seed, n| seed.scalar(&name(n / 10), &name(n), &[(1, 0.5), (2, 0.6)])))
}

/// A candidate with tags of a megabyte each, which are part of the response. The gate reads at most 32 MiB.
fn heavy(size: usize) -> Scene {
    let filling = "x".repeat(1 << 20);
    Scene::with_candidate(|seed| (0..size).fold(seed, |seed, n| seed.tag(&format!("{n}{filling}"))))
}
