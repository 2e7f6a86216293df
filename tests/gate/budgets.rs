//! The requests and bytes of a run, which are always the same. benches/budgets.sh checks the binary's size and
//! instructions. A commit that raises a number here says why.

use clearml_sandbox::Sandbox;

use crate::support::{Gate, HEAD, pair, run};

/// The last request, which is for the curves.
const PICTURE: &str = "events.multi_task_scalar_metrics_iter_histogram";

/// Requests and bytes in both directions, with headers, without the request for the curves.
fn cost(sandbox: &Sandbox) -> (usize, usize) {
    let requests = sandbox.requests();
    let needed = requests.iter().filter(|request| request.endpoint != PICTURE);
    needed.fold((0, 0), |(count, bytes), request| (count + 1, bytes + request.request_bytes + request.response_bytes))
}

#[track_caller]
fn within((requests, bytes): (usize, usize), most_requests: usize, most_bytes: usize) {
    assert!(requests <= most_requests, "{requests} requests; the budget is {most_requests}");
    assert!(bytes <= most_bytes, "{bytes} bytes; the budget is {most_bytes}");
}

#[test]
fn a_verdict_costs_four_requests_and_few_bytes() {
    let (sandbox, ..) = pair(0.8, 0.9);
    Gate::of(&sandbox).set("CLEARML_PROMOTE", "never").run().expect(0, "PASSED, improved");
    within(cost(&sandbox), 4, 8_100);
}

#[test]
fn a_promotion_costs_seven_requests_and_few_bytes() {
    let (sandbox, ..) = pair(0.8, 0.9);
    Gate::of(&sandbox).run().expect(0, "PASSED, improved");
    within(cost(&sandbox), 7, 13_400);
}

#[test]
fn no_diff_is_ever_transferred() {
    let (sandbox, ..) = pair(0.8, 0.9);
    for _ in 0..50 {
        sandbox.add(run(HEAD, 0.95).diff(&"+x\n".repeat(160_000)));
    }
    Gate::of(&sandbox).run().expect(0, "PASSED, improved");
    // One more request: which of the runs that are not clean are dirty.
    within(cost(&sandbox), 8, 51_500);
}

#[test]
fn the_curves_cost_one_more_request_for_runs_of_any_length() {
    let points: Vec<(i64, f64)> = (0..20_000).map(|n| (n, 0.5)).collect();
    let (sandbox, ..) = pair(0.8, 0.9);
    let long = |commit: &str| run(commit, 0.7).scalar("long", "curve", &points);
    sandbox.add(long("d00d000000000000000000000000000000000000"));
    let gate = Gate::of(&sandbox).set("COMMIT_ID", "d00d000000000000000000000000000000000000");
    let gate = gate.set("CLEARML_SCALAR_TITLE", "long").set("CLEARML_SCALAR_SERIES", "curve");
    gate.set("CLEARML_BEST_TAGNAME", "none yet").run().expect(0, "PASSED");
    let requests = sandbox.requests();
    let picture: Vec<usize> =
        requests.iter().filter(|request| request.endpoint == PICTURE).map(|request| request.response_bytes).collect();
    assert!(matches!(picture[..], [bytes] if bytes <= 8_000), "{picture:?}");
}
