//! Medians of several runs, on both sides.

use clearml_sandbox::Sandbox;

use crate::support::{BASE, Gate, HEAD, PROJECT, SERIES, TAG, TASK, TITLE, run};

/// A sandbox with runs of the baseline's commit and of the candidate's, oldest first. The first run has
/// the tag.
fn sandbox(baseline: &[f64], candidate: &[f64]) -> Sandbox {
    let sandbox = Sandbox::start();
    for (n, value) in baseline.iter().enumerate() {
        let seed = run(BASE, *value);
        sandbox.add(if n == 0 { seed.tag(TAG) } else { seed });
    }
    for value in candidate {
        sandbox.add(run(HEAD, *value));
    }
    sandbox
}

fn gate(sandbox: &Sandbox, runs: &str) -> Gate {
    Gate::of(sandbox).set("CLEARML_RUNS", runs)
}

#[test]
fn the_medians_of_the_newest_runs_are_compared() {
    // One lucky run of the candidate and one unlucky run of the baseline do not matter.
    let lucky = sandbox(&[0.8, 0.2, 0.81], &[0.7, 0.99, 0.71]);
    gate(&lucky, "3").run().expect(1, "FAILED, degraded").says("0.8 (median of 3 runs, 0.2 to 0.81)");
    let even = sandbox(&[0.8, 0.9], &[0.8, 0.9]);
    gate(&even, "2").run().expect(0, "PASSED, unchanged").says("(median of 2 runs, 0.8 to 0.9)");
    let newest = sandbox(&[0.8, 0.8], &[0.1, 0.9, 0.9]);
    gate(&newest, "2").run().expect(0, "PASSED, improved").says("0.9 (median of 2 runs, 0.9 to 0.9)");
}

#[test]
fn one_run_is_the_same_as_the_default() {
    let sandbox = sandbox(&[0.8], &[0.7, 0.9]);
    let ran = gate(&sandbox, "1").run().expect(0, "PASSED, improved");
    assert!(!ran.out.contains("median"), "{}", ran.out);
    assert_eq!(sandbox.requests().len(), 8, "four to the verdict, three for the tag, one for the curves");
}

#[test]
fn the_tag_moves_to_the_newest_run_and_two_more_requests_are_made() {
    let sandbox = sandbox(&[0.8, 0.8], &[0.9, 0.95]);
    gate(&sandbox, "2").run().expect(0, "PASSED, improved");
    let tagged = sandbox.tagged(TAG);
    assert_eq!(tagged, [sandbox.state()["tasks"].as_array().unwrap()[3]["id"].as_str().unwrap()]);
    assert_eq!(sandbox.requests().len(), 10, "the other runs of the baseline, and which of them are dirty");
}

#[test]
fn fewer_runs_than_asked_for_are_no_verdict_on_either_side() {
    let few = sandbox(&[0.8, 0.8, 0.8], &[0.9, 0.9]);
    few.add(run(HEAD, 0.9).diff("x"));
    few.add(run(HEAD, 0.9).status("failed"));
    few.add(run(HEAD, 0.9).system_tag("archived"));
    let ran = gate(&few, "3").run().expect(3, "NO VERDICT: this code has 2 clean runs, but CLEARML_RUNS requires 3");
    ran.says("Run the training once more");
    let few = sandbox(&[0.8], &[0.9, 0.9, 0.9]);
    let ran = gate(&few, "3").run().expect(3, "NO VERDICT: the baseline's commit has 1 clean run");
    ran.says("Run the training 2 more times");
    assert_eq!(few.tagged(TAG).len(), 1);
}

#[test]
fn a_metric_that_one_of_the_runs_lacks_is_no_verdict() {
    let sandbox = sandbox(&[0.8, 0.8], &[0.9]);
    sandbox.add(clearml_sandbox::TaskSeed::new(PROJECT, TASK).commit(HEAD).scalar(TITLE, "loss", &[(0, 1.0)]));
    let name = format!("NO VERDICT: the candidate did not report {TITLE} / {SERIES}");
    gate(&sandbox, "2").run().expect(3, &name);
}

#[test]
fn lower_is_better_for_a_median_as_well() {
    let sandbox = sandbox(&[0.3, 0.31, 0.9], &[0.2, 0.25, 0.9]);
    let min = gate(&sandbox, "3").set("CLEARML_SCALAR_MIN_MAX", "MIN");
    min.run().expect(0, "PASSED, improved").says("0.25 (median of 3 runs, 0.2 to 0.9)");
}

#[test]
fn an_invalid_count_is_rejected() {
    let sandbox = sandbox(&[0.8], &[0.9]);
    for bad in ["0", "-1", "1.5", "101", "three"] {
        gate(&sandbox, bad).run().expect(2, "").complains("CLEARML_RUNS: ").complains("whole number from 1 to 100");
    }
}
