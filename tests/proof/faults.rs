//! Faults in requests: one fault in a run, and two.

use std::sync::{Arc, Mutex};
use std::time::Instant;

use clearml_gate::Limits;
use clearml_sandbox::Sandbox;

use crate::proof::fault::{FAULTS, Fault};
use crate::proof::scenario::{HEAD, SCENARIOS, Scenario, Stage};
use crate::proof::trials::{EVERYTHING, Extent, in_parallel, sample, seeded};
use crate::support::{Ended, FASTER, TAG, judge};

/// At how many requests each fault is tried in each scenario, and how many pairs of faults are tried.
const SINGLES: [usize; 3] = [2, EVERYTHING, EVERYTHING];
const PAIRS: [usize; 3] = [400, 1_500, EVERYTHING];

/// A run with the faults it meets, by the number of the request.
type Trial = (Scenario, Vec<(usize, Fault)>);

/// The requests that a fault can hit. One more than usual: a request that is repeated moves those after it.
fn requests(scenario: Scenario) -> Vec<usize> {
    (1..=scenario.requests + 1).collect()
}

fn pairs() -> Vec<Trial> {
    let with_two_faults = |scenario| {
        let single = move || requests(scenario).into_iter().flat_map(|n| FAULTS.map(move |fault| (n, fault)));
        single().flat_map(move |first| {
            single().filter(move |second| first.0 < second.0).map(move |second| (scenario, vec![first, second]))
        })
    };
    SCENARIOS.into_iter().flat_map(with_two_faults).collect()
}

#[test]
fn one_fault_never_gives_a_wrong_verdict_or_loses_the_tag() {
    let (mut random, size) = (seeded(), Extent::asked().pick(SINGLES));
    let mut trials: Vec<Trial> = Vec::new();
    for scenario in SCENARIOS {
        for fault in FAULTS {
            let hit = sample(&mut random, &requests(scenario), size);
            trials.extend(hit.into_iter().map(|n| (scenario, vec![(n, fault)])));
        }
    }
    assert!(trials.len() >= 2 * SCENARIOS.len() * FAULTS.len());
    try_all(&trials);
}

#[test]
fn two_faults_never_give_a_wrong_verdict_or_lose_the_tag() {
    let all = pairs();
    assert!(all.len() > 100_000);
    let trials = sample(&mut seeded(), &all, Extent::asked().pick(PAIRS));
    println!("{} of {} pairs", trials.len(), all.len());
    try_all(&trials);
}

fn try_all(trials: &[Trial]) {
    let (elsewhere, started) = (Sandbox::start(), Instant::now());
    in_parallel(trials, |(scenario, faults)| try_one(*scenario, faults, &elsewhere));
    assert!(elsewhere.requests().is_empty(), "a redirect was followed");
    println!("{} runs in {} s", trials.len(), started.elapsed().as_secs());
}

fn try_one(scenario: Scenario, faults: &[(usize, Fault)], elsewhere: &Sandbox) {
    // On a busy processor a gate may run out of time and leave the removal to the next run. That is correct, but hides what
    // this test looks for.
    let limits = Limits { moving: Limits::REAL.moving, ..Limits::REAL.divided_by(FASTER) };
    let names: Vec<_> = faults.iter().map(|(n, fault)| format!("{} at request {n}", fault.name)).collect();
    let context = format!("{}, {}", scenario.name, names.join(", "));
    let stage = scenario.stage();
    for (n, fault) in faults {
        fault.set(&stage.sandbox, *n, &elsewhere.url(), &limits);
    }
    let untagged = watch_the_tag(&stage);
    let started = Instant::now();
    let ended = judge(&stage.sandbox.url(), HEAD, limits);
    let elapsed = started.elapsed();
    // Generous, because other runs need the processor too: this finds a run that does not end.
    assert!(elapsed < limits.total * 4, "{context}: {elapsed:?}");
    assert_eq!(*untagged.lock().unwrap(), 0, "{context}: there was a moment without the tag");
    assert!(!stage.had_tag || !stage.sandbox.tagged(TAG).is_empty(), "{context}: the tag is lost");
    stage.assert_nothing_else_changed(&context);
    assert_right(scenario, faults, &stage, &ended, &context);
}

/// Counts the requests before which no run has the tag although one had it at the start.
fn watch_the_tag(stage: &Stage) -> Arc<Mutex<usize>> {
    let (count, had_tag) = (Arc::new(Mutex::new(0)), stage.had_tag);
    let counted = Arc::clone(&count);
    stage.sandbox.on_request(move |_, workspace| {
        if had_tag && workspace.tagged(TAG).is_empty() {
            *counted.lock().unwrap() += 1;
        }
    });
    count
}

fn assert_right(scenario: Scenario, faults: &[(usize, Fault)], stage: &Stage, ended: &Ended, context: &str) {
    let Ended { code, report, err } = ended;
    let says = |pointer: &str| report.pointer(pointer).and_then(|value| value.as_str()).unwrap_or_default();
    let context = format!("{context}: exit code {code}\n{report:#}\n{err}");
    let verdict = says("/verdict");
    assert!([scenario.verdict, "no_verdict"].contains(&verdict), "{context}");
    // On a busy processor any request can time out, which is exit code 5.
    let allowed = |fault: &(usize, Fault)| fault.1.codes.contains(code);
    assert!(
        *code == scenario.code || *code == 5 || faults.iter().any(allowed) || *code == 4 && verdict != "no_verdict",
        "{context}"
    );
    assert_eq!(*code == 1, verdict == "degraded", "{context}");
    let (carriers, became) = (stage.sandbox.tagged(TAG), says("/promotion/state"));
    if !scenario.passes() || verdict == "no_verdict" {
        assert!(*code != 0, "{context}");
        assert!(stage.sandbox.requests().iter().all(|request| !request.endpoint.contains("update")), "{context}");
    } else if *code == 0 {
        assert!(carriers == [stage.candidate.clone()], "{context}\n{carriers:?}");
    } else {
        assert_eq!((*code, became), (4, "failed"), "{context}");
        let may_carry = report["promotion"]["candidate_may_have_tag"] == true;
        let had_it = scenario.verdict == "unchanged";
        assert!(may_carry || had_it || !carriers.contains(&stage.candidate), "the report denies the tag\n{context}");
    }
}
