//! A thousand pull requests that cost a little more often than they gain, measured with noise: what keeping the best is
//! for.
//!
//! Each pull request's true quality is a little better or worse than what was merged before it, its run measures that
//! with noise, and the gate decides what is merged. In-process, since a thousand processes would tell no more.

use std::fmt::Write as _;
use std::path::Path;

use clearml_gate::Limits;
use clearml_sandbox::{Sandbox, TaskSeed};
use expect_test::expect_file;

use crate::support::{PROJECT, Random, SERIES, TAG, TASK, TITLE, judge_with, settings};

const PULL_REQUESTS: usize = 1000;
const START: f64 = 0.8;
/// By how much one pull request changes the true quality on average, and how far from that at most; how far a run's value
/// lies from the true quality at most; all in percent.
const BIAS: f64 = -0.2;
const CHANGE: f64 = 0.3;
const NOISE: f64 = 1.0;
const THRESHOLD: f64 = 1.0;

/// What became of a story.
struct Told {
    merged: usize,
    lowest: f64,
    end: f64,
    /// The true quality of what was merged last.
    quality: f64,
}

fn task(n: usize, value: f64) -> TaskSeed {
    TaskSeed::new(PROJECT, TASK).commit(&format!("{n:040x}")).scalar(TITLE, SERIES, &[(0, value)])
}

fn passes(sandbox: &Sandbox, n: usize, keep_best: bool) -> bool {
    let mut settings = settings(&sandbox.url(), &format!("{n:040x}"));
    settings.push(("CLEARML_SCALAR_THRESHOLD", THRESHOLD.to_string()));
    settings.push(("CLEARML_KEEP_BEST", keep_best.to_string()));
    let ended = judge_with(settings, Limits::REAL);
    assert!(ended.code <= 1, "{}", ended.err);
    ended.code == 0
}

fn tell(keep_best: bool) -> Told {
    let sandbox = Sandbox::start();
    sandbox.add(task(0, START).tag(TAG).tag("prod"));
    let (mut random, mut quality) = (Random::new(20_260_101), START);
    let mut told = Told { merged: 0, lowest: START, end: START, quality };
    for n in 1..=PULL_REQUESTS {
        let proposed = quality * (1.0 + (BIAS + CHANGE * random.signed()) / 100.0);
        let measured = proposed * (1.0 + NOISE / 100.0 * random.signed());
        let before = told.end;
        sandbox.add(task(n, measured));
        if passes(&sandbox, n, keep_best) {
            told.merged += 1;
            quality = proposed;
            assert!(measured >= before * (1.0 - THRESHOLD / 100.0) - 1e-12, "{n}");
        }
        let carriers = sandbox.tagged(TAG);
        assert_eq!(carriers.len(), 1, "{n}");
        told.end = value_of(&sandbox, &carriers[0]);
        told.lowest = told.lowest.min(told.end);
        assert!(!keep_best || told.end >= before, "pull request {n}: the baseline fell from {before} to {}", told.end);
    }
    assert_eq!(sandbox.tagged("prod").len(), 1);
    Told { quality, ..told }
}

fn value_of(sandbox: &Sandbox, id: &str) -> f64 {
    let task = sandbox.task(id);
    let metrics = task["last_metrics"].as_object().unwrap().values().next().unwrap();
    metrics.as_object().unwrap().values().next().unwrap()["value"].as_f64().unwrap()
}

#[test]
fn with_keep_best_the_baseline_never_falls_and_without_it_drifts() {
    let (with, without) = std::thread::scope(|scope| {
        let with = scope.spawn(|| tell(true));
        let without = tell(false);
        (with.join().unwrap(), without)
    });
    assert!(with.lowest >= START && with.end >= START);
    assert!(without.end < START && without.quality < with.quality);
    let mut table = String::from(
        "# Drift\n\n\
         How small losses add up, and what `CLEARML_KEEP_BEST` changes. The simulation has a thousand pull requests. Each\n\
         changes the true quality by -0.5% to +0.1%, and its run measures that with noise of up to 1%. The threshold is\n\
         1%, and everything that passes is merged. The baseline starts at 0.8, and higher is better. A test runs this and\n\
         writes this file (`tests/gate/simulation.rs`).\n\n\
         | `CLEARML_KEEP_BEST` | merged | lowest baseline | final baseline | final true quality |\n\
         |---|--:|--:|--:|--:|\n",
    );
    for (name, told) in [("`true`", with), ("`false`", without)] {
        let Told { merged, lowest, end, quality } = told;
        let _ = writeln!(table, "| {name} | {merged} | {lowest:.4} | {end:.4} | {quality:.4} |");
    }
    expect_file![Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/drift.md")].assert_eq(&table);
}
