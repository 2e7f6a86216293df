//! Why to keep the best: a thousand pull requests that are a little worse on average, measured with noise.
//!
//! Each pull request's true quality is a little better or worse than the main branch. Its run measures that with noise,
//! and the gate decides whether it is merged. It runs in-process, which is faster and gives the same result.

use std::fmt::Write as _;
use std::path::Path;

use clearml_gate::Limits;
use clearml_sandbox::{Sandbox, TaskSeed};
use expect_test::expect_file;

use crate::support::{PROJECT, Random, SERIES, TAG, TASK, TITLE, judge_with, settings};

const PULL_REQUESTS: usize = 1000;
const START: f64 = 0.8;
/// In percent: the average change of the true quality by one pull request, the largest deviation from that average, and
/// the largest error of a run's value.
const BIAS: f64 = -0.2;
const CHANGE: f64 = 0.3;
const NOISE: f64 = 1.0;
const THRESHOLD: f64 = 1.0;

/// The result of a simulation.
struct Outcome {
    merged: usize,
    lowest: f64,
    end: f64,
    /// The true quality of the last merged pull request.
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

fn simulate(keep_best: bool) -> Outcome {
    let sandbox = Sandbox::start();
    sandbox.add(task(0, START).tag(TAG).tag("prod"));
    let (mut random, mut quality) = (Random::new(20_260_101), START);
    let mut outcome = Outcome { merged: 0, lowest: START, end: START, quality };
    for n in 1..=PULL_REQUESTS {
        let proposed = quality * (1.0 + (BIAS + CHANGE * random.signed()) / 100.0);
        let measured = proposed * (1.0 + NOISE / 100.0 * random.signed());
        let before = outcome.end;
        sandbox.add(task(n, measured));
        if passes(&sandbox, n, keep_best) {
            outcome.merged += 1;
            quality = proposed;
            assert!(measured >= before * (1.0 - THRESHOLD / 100.0) - 1e-12, "{n}");
        }
        let carriers = sandbox.tagged(TAG);
        assert_eq!(carriers.len(), 1, "{n}");
        outcome.end = value_of(&sandbox, &carriers[0]);
        outcome.lowest = outcome.lowest.min(outcome.end);
        assert!(
            !keep_best || outcome.end >= before,
            "pull request {n}: the baseline fell from {before} to {}",
            outcome.end
        );
    }
    assert_eq!(sandbox.tagged("prod").len(), 1);
    Outcome { quality, ..outcome }
}

fn value_of(sandbox: &Sandbox, id: &str) -> f64 {
    let task = sandbox.task(id);
    let metrics = task["last_metrics"].as_object().unwrap().values().next().unwrap();
    metrics.as_object().unwrap().values().next().unwrap()["value"].as_f64().unwrap()
}

#[test]
fn with_keep_best_the_baseline_never_falls_and_without_it_drifts() {
    let (with, without) = std::thread::scope(|scope| {
        let with = scope.spawn(|| simulate(true));
        let without = simulate(false);
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
    for (name, outcome) in [("`true`", with), ("`false`", without)] {
        let Outcome { merged, lowest, end, quality } = outcome;
        let _ = writeln!(table, "| {name} | {merged} | {lowest:.4} | {end:.4} | {quality:.4} |");
    }
    expect_file![Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/drift.md")].assert_eq(&table);
}
