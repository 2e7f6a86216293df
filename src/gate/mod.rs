//! The gate: reads the runs, judges the candidate, moves the tag and returns the outcome. The only module that knows the
//! order of these steps.
//!
//! | file | what it does |
//! |---|---|
//! | `lookup` | reads the runs of the code under review |
//! | `other_commits` | finds other commits whose runs count too |
//! | `wait` | how long to wait for runs and for the server, and how often to look |
//! | `score` | the scores of a run, or the medians of several |
//! | `own_values` | whether the candidate's values are its own |
//! | `baseline` | the baseline, and what is wrong with it |
//! | `policy` | whether the tag may move |
//! | `outcome` | the result of all that, as a value |

mod baseline;
mod lookup;
mod other_commits;
pub(crate) mod outcome;
mod own_values;
mod policy;
mod score;
mod wait;

use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::path::Path;

use crate::ci::CiContext;
use crate::clearml::links;
use crate::clearml::{Client, Error, ProjectId, Scope};
use crate::environment::Environment;
use crate::exit::Exit;
use crate::gate::outcome::{
    Finding, Judged, MetricOutcome, NoVerdict, Outcome, Report, RunSummary, Side, Spreads, Warning,
};
use crate::model::compare::{Verdict, judge};
use crate::model::metric::{Metric, Metrics};
use crate::model::name::Name;
use crate::model::run::{Reading, Run, TaskId};
use crate::model::select::{CommitRuns, TaggedRuns};
use crate::net::limits::Limits;
use crate::net::tls::Trust;
use crate::promote::{self, Move, Promotion};
use crate::settings::Settings;
use crate::text::similar::nearest;
use lookup::Snapshot;
use policy::{Phase, Policy};
use score::{Measured, Scores};
use wait::Wait;
pub(crate) use wait::{Awaited, Progress, Waiting};

/// How many metrics get curves; more would bury the verdict.
const MOST_CURVES: usize = 6;

/// What a gate can use besides its settings.
#[derive(Debug, Clone, Copy)]
pub(crate) struct GateContext<'a> {
    /// For git and GitHub.
    pub(crate) environment: &'a Environment,
    /// Where git runs.
    pub(crate) directory: &'a Path,
    /// What the CI reports, if this is a CI.
    pub(crate) ci: Option<&'a CiContext>,
    pub(crate) limits: Limits,
}

/// Judges the commit and moves the tag. Whatever goes wrong becomes part of the report.
pub(crate) fn gate<'a>(settings: &'a Settings, context: GateContext<'a>, progress: &mut dyn Progress) -> Report<'a> {
    let mut warnings = connection_warnings(settings);
    let mut wait = Wait::new(settings.wait, progress);
    let session = Session::open(settings, context, &mut wait);
    let judged = session.and_then(|session| session.judge(&mut warnings, &mut wait));
    let outcome = judged.map_or_else(|why| Outcome::NoVerdict(*why), Outcome::Judged);
    if !settings.enforce && outcome.exit() != Exit::Passed {
        warnings.push(Warning::NotEnforced(outcome.exit()));
    }
    Report { settings, outcome, warnings }
}

fn connection_warnings(settings: &Settings) -> Vec<Warning> {
    let api = settings.server.api.as_str();
    let unverified = api.starts_with("https://") && matches!(settings.server.trust, Trust::Anyone);
    let unencrypted = settings.server.api.is_remote_plain_http();
    let warnings = [(unverified, Warning::CertificateNotVerified), (unencrypted, Warning::NotEncrypted)];
    warnings.into_iter().filter(|(applies, _)| *applies).map(|(_, warning)| warning).collect()
}

/// What a step of the gate returns: its result, or why there is no verdict.
type GateResult<'a, T> = Result<T, Box<NoVerdict<'a>>>;

impl From<Error> for Box<NoVerdict<'_>> {
    fn from(error: Error) -> Self {
        Self::new(NoVerdict::Failed(error))
    }
}

/// One check: a project on a server, with what was read from it so far.
struct Session<'a> {
    client: Client<'a>,
    project: ProjectId,
    settings: &'a Settings,
    context: GateContext<'a>,
    /// Metrics that were read from the events, by run, title and series, so that none is requested twice.
    event_readings: RefCell<HashMap<(TaskId, Name, Name), Reading>>,
    /// The newest runs of the task name, once they were needed.
    newest: OnceCell<Vec<Run>>,
}

impl<'a> Session<'a> {
    /// Logs in and finds the project, again and again while the server cannot be reached and there is time.
    fn open(settings: &'a Settings, context: GateContext<'a>, wait: &mut Wait<'_>) -> GateResult<'a, Self> {
        loop {
            match Self::connect(settings, context) {
                Err(why) if wait.for_server(&why, false) => {}
                session => return session,
            }
        }
    }

    fn connect(settings: &'a Settings, context: GateContext<'a>) -> GateResult<'a, Self> {
        let client = Client::login(&settings.server, context.limits)?;
        let name = &settings.project;
        let Some(project) = client.project(name)? else {
            return Err(NoVerdict::ProjectNotFound { similar: nearest(name.as_str(), client.project_names()?) }.into());
        };
        let (event_readings, newest) = Default::default();
        Ok(Self { client, project, settings, context, event_readings, newest })
    }

    /// Looks, again and again while that can change the result and there is time.
    fn judge(mut self, warnings: &mut Vec<Warning>, wait: &mut Wait<'_>) -> GateResult<'a, Judged<'a>> {
        let known = warnings.len();
        loop {
            match self.look(warnings, wait) {
                Ok(Some(judged)) => return Ok(judged),
                Ok(None) => {}
                Err(why) if wait.for_server(&why, true) => {}
                Err(why) => return Err(why),
            }
            warnings.truncate(known);
            self.forget_reads();
        }
    }

    /// Looks once; `None` if another look can have another result, after a pause.
    fn look(&self, warnings: &mut Vec<Warning>, wait: &mut Wait<'_>) -> GateResult<'a, Option<Judged<'a>>> {
        let snapshot = self.find_runs()?;
        let commit_runs = snapshot.commit_runs();
        if self.waited_for_more(&commit_runs, wait)? {
            return Ok(None);
        }
        let tagged = TaggedRuns::new(&snapshot.runs, &self.settings.tag);
        let Some(candidate) = commit_runs.candidate() else { return Err(self.no_candidate(snapshot)?.into()) };
        let compared = self.compare(&snapshot, &tagged, candidate, warnings);
        let can_change = match &compared {
            Ok((verdict, ..)) => !verdict.passed(),
            Err(why) => why.is_about_candidate(),
        };
        if can_change && wait.for_runs(&commit_runs.reruns(self.settings.runs)) {
            return Ok(None);
        }
        let (verdict, mut findings, baseline) = compared?;
        let promotion = self.promote(verdict, candidate, &tagged, &snapshot);
        match baseline {
            Some(run) => warnings.extend(self.baseline_warnings(run, candidate)),
            None => warnings.extend(self.misspelled_tag(&snapshot.runs)),
        }
        self.add_curves(&mut findings, candidate, baseline);
        warnings.extend(findings.iter().filter(|finding| finding.is_best_at_start()).map(Warning::best_at_start));
        Ok(Some(Judged {
            verdict,
            findings,
            promotion,
            candidate: self.summary(candidate),
            baseline: baseline.map(|run| self.summary(run)),
            ineligible: commit_runs.near_misses(),
            via: snapshot.judged_via.clone(),
        }))
    }

    /// Whether there were too few clean runs, and more of them can exist now, after a pause.
    fn waited_for_more(&self, commit_runs: &CommitRuns<'_>, wait: &mut Wait<'_>) -> Result<bool, Error> {
        if commit_runs.is_empty() {
            // A task name without any run is probably mistyped.
            return Ok(!self.settings.wait.is_zero() && !self.newest()?.is_empty() && wait.for_any_run());
        }
        Ok(commit_runs.clean().len() < self.settings.runs && wait.for_runs(&commit_runs.pending()))
    }

    /// Compares the candidate with the baseline, if there is one.
    fn compare<'r>(
        &self,
        snapshot: &Snapshot,
        tagged: &TaggedRuns<'r>,
        candidate: &Run,
        warnings: &mut Vec<Warning>,
    ) -> GateResult<'a, (Verdict, Vec<Finding<'a>>, Option<&'r Run>)> {
        let scores = self.scores_of(Side::Candidate, &snapshot.commit_runs().clean())?;
        let baseline = self.baseline(&snapshot.runs, tagged, (candidate, &scores), warnings)?;
        let (baseline, baseline_scores) = baseline.unzip();
        let findings = findings(&self.settings.metrics, scores, baseline_scores);
        Ok((verdict(&findings, self.settings.accept), findings, baseline))
    }

    /// Forgets what was read, and allows the full time for requests again.
    fn forget_reads(&mut self) {
        self.newest.take();
        self.event_readings.take();
        self.client.renew();
    }

    fn scope(&self) -> Scope<'_> {
        Scope { project: &self.project, task_name: &self.settings.task_name, metrics: &self.settings.metrics }
    }

    fn promote(&self, verdict: Verdict, candidate: &Run, tagged: &TaggedRuns<'_>, snapshot: &Snapshot) -> Promotion {
        if matches!(tagged.as_slice(), [only] if only.id == candidate.id) {
            return Promotion::AlreadyTagged { also_tagged: Vec::new() };
        }
        let Settings { tag, metrics, promote, keep_best, accept, .. } = self.settings;
        let policy = Policy { promote: *promote, keep_best: *keep_best, accept: *accept };
        let phase = Phase::from_trigger(self.context.ci.map(|context| &context.trigger));
        let allowed = policy.check(phase, verdict);
        match allowed.and_then(|()| promote::plan(candidate, tagged.as_slice(), metrics, self.client.now())) {
            Err(reason) => Promotion::NotMoved(reason),
            Ok(plan) => Move {
                client: &self.client,
                scope: self.scope(),
                tag,
                candidate: &candidate.id,
                plan: &plan,
                read_at: snapshot.read_at,
                limits: self.context.limits,
            }
            .apply(),
        }
    }

    /// Adds the curves. They only illustrate: a failure leaves them out.
    fn add_curves(&self, findings: &mut [Finding<'_>], candidate: &Run, baseline: Option<&Run>) {
        let baseline = baseline.filter(|run| run.id != candidate.id).map(|run| &run.id);
        let shown = findings.iter_mut().take(MOST_CURVES);
        let metrics: Vec<&Metric> = shown.map(|finding| finding.metric).collect();
        let Ok(histograms) = self.client.histograms(&metrics, &candidate.id, baseline) else { return };
        for finding in findings.iter_mut().take(MOST_CURVES) {
            finding.curves = histograms.curves(finding.metric, &candidate.id, baseline);
        }
    }

    fn summary(&self, run: &Run) -> RunSummary {
        let web = self.settings.server.web.as_ref();
        let link = web.map(|web| links::task(web, self.client.api_version, self.project.as_str(), run.id.as_str()));
        RunSummary::new(run, link, self.client.now())
    }
}

fn findings(metrics: &Metrics, candidate: Scores, baseline: Option<Scores>) -> Vec<Finding<'_>> {
    let baseline = match baseline {
        Some(scores) => scores.map(Some),
        None => metrics.each().map(|_| None),
    };
    let scored = metrics.each().zip(candidate.zip(baseline)).into_iter();
    scored.map(|(metric, (candidate, baseline))| finding(metric, candidate, baseline)).collect()
}

fn finding(metric: &Metric, candidate: Measured, baseline: Option<Measured>) -> Finding<'_> {
    let outcome = match (candidate, baseline.transpose()) {
        (Err(fault), _) => MetricOutcome::Unknown(Side::Candidate, fault),
        (Ok(_), Err(fault)) => MetricOutcome::Unknown(Side::Baseline, fault),
        (Ok(candidate), Ok(baseline)) => MetricOutcome::Judged(judge(
            &metric.criteria,
            baseline.map(|measurement| measurement.score),
            candidate.score,
        )),
    };
    let spread = |measured: Measured| measured.ok().and_then(|measurement| measurement.spread);
    let spreads = Spreads { candidate: spread(candidate), baseline: baseline.and_then(spread) };
    Finding { metric, outcome, spreads, curves: None }
}

fn verdict(findings: &[Finding<'_>], accept: bool) -> Verdict {
    let required = findings.iter().filter(|finding| finding.metric.is_required());
    Verdict::from_judgements(&required.filter_map(Finding::judgement).copied().collect::<Vec<_>>(), accept)
}
