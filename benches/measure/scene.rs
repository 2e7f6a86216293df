//! What both tools judge: a project in the sandbox with a baseline, a better candidate, and more.

use std::net::SocketAddr;

use clearml_sandbox::{Request, Sandbox, TaskSeed};
use serde_json::Value;

use crate::Result;
use crate::tool::Server;

pub(crate) const PROJECT: &str = "vision/detector";
pub(crate) const TASK: &str = "train";
pub(crate) const TITLE: &str = "validation";
pub(crate) const SERIES: &str = "accuracy";
pub(crate) const TAG: &str = "Best Performance";
/// The commit under review.
pub(crate) const HEAD: &str = "2222222222222222222222222222222222222222";
/// The commit of the baseline.
pub(crate) const BASE: &str = "1111111111111111111111111111111111111111";

/// The request that only illustrates: the curves of both runs.
pub(crate) const PICTURE: &str = "events.multi_task_scalar_metrics_iter_histogram";

/// A sandbox with a baseline and a candidate.
pub(crate) struct Scene {
    pub(crate) sandbox: Sandbox,
    candidate: String,
    /// The tasks that a run may change, as they were before.
    before: Vec<Value>,
}

impl Scene {
    /// With a better candidate, so that the tag moves.
    pub(crate) fn new() -> Self {
        Self::with(|seed| seed)
    }

    /// The same, with additions to both runs.
    pub(crate) fn with(more: impl Fn(TaskSeed) -> TaskSeed) -> Self {
        Self::of(more(run(BASE, 0.80)), more(run(HEAD, 0.85)))
    }

    /// The same, with additions to the candidate.
    pub(crate) fn with_candidate(more: impl Fn(TaskSeed) -> TaskSeed) -> Self {
        Self::of(run(BASE, 0.80), more(run(HEAD, 0.85)))
    }

    fn of(baseline: TaskSeed, candidate: TaskSeed) -> Self {
        // Lenient, because the SDK sends requests that the gate must not, such as for tasks without naming fields.
        let sandbox = Sandbox::builder().lenient().start().unwrap_or_else(|_| Sandbox::start());
        let (baseline, candidate) = (sandbox.add(baseline.tag(TAG)), sandbox.add(candidate));
        let before = vec![sandbox.task(&baseline), sandbox.task(&candidate)];
        Self { sandbox, candidate, before }
    }

    /// Adds a task with the tag.
    pub(crate) fn add_tagged(&mut self, seed: TaskSeed) {
        let id = self.sandbox.add(seed.tag(TAG));
        self.before.push(self.sandbox.task(&id));
    }

    /// Restores the tag, with its dates, and clears the log. With newer dates the gate would see that the tag has just
    /// moved, and leave it.
    pub(crate) fn reset(&self) {
        for before in &self.before {
            self.sandbox.edit(before["id"].as_str().unwrap_or_default(), |task| *task = before.clone());
        }
        self.sandbox.clear_log();
    }

    /// The URL of the sandbox.
    pub(crate) fn server(&self) -> Server<'_> {
        Server::of(&self.sandbox, self.sandbox.url())
    }

    /// The address that it listens on.
    pub(crate) fn address(&self) -> SocketAddr {
        self.sandbox.address()
    }

    /// Fails unless only the candidate has the tag, or, for a run that must not move it, does not have it. Otherwise a
    /// broken run would look fast.
    pub(crate) fn expect_moved(&self, expected: bool) -> Result<()> {
        let moved = self.sandbox.tagged(TAG) == [self.candidate.as_str()];
        if moved == expected { Ok(()) } else { Err("the tag is not where it belongs".into()) }
    }

    /// The requests since the last reset.
    pub(crate) fn traffic(&self) -> Traffic {
        Traffic::of(&self.sandbox.requests())
    }

    /// The same, without one endpoint.
    pub(crate) fn traffic_without(&self, endpoint: &str) -> Traffic {
        let requests = self.sandbox.requests();
        Traffic::of(requests.iter().filter(|request| request.endpoint != endpoint))
    }
}

/// Requests and bytes, including heads, as the server received them.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Traffic {
    pub(crate) requests: usize,
    pub(crate) sent: usize,
    pub(crate) received: usize,
}

impl Traffic {
    fn of<'a>(requests: impl IntoIterator<Item = &'a Request>) -> Self {
        requests.into_iter().fold(Self::default(), |sum, request| Self {
            requests: sum.requests + 1,
            sent: sum.sent + request.request_bytes,
            received: sum.received + request.response_bytes,
        })
    }

    pub(crate) fn bytes(self) -> u64 {
        u64::try_from(self.sent + self.received).unwrap_or(u64::MAX)
    }
}

/// A clean, completed run of a hundred iterations whose last value is the best.
pub(crate) fn run(commit: &str, best: f64) -> TaskSeed {
    let accuracy: Vec<(i64, f64)> = (1..=100_u8).map(|n| (i64::from(n), best * f64::from(n) / 100.0)).collect();
    let loss: Vec<(i64, f64)> = (1..=100_u8).map(|n| (i64::from(n), 1.0 / f64::from(n))).collect();
    TaskSeed::new(PROJECT, TASK).commit(commit).scalar(TITLE, SERIES, &accuracy).scalar("train", "loss", &loss)
}

/// An older, worse, clean run with one point.
pub(crate) fn older_run(commit: &str) -> TaskSeed {
    const EARLIER: i64 = 1_700_000_000_000_000;
    let seed = TaskSeed::new(PROJECT, TASK).commit(commit).scalar(TITLE, SERIES, &[(1, 0.7)]);
    seed.created(EARLIER).started(EARLIER)
}
