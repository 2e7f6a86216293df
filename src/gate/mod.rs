//! The gate: asks ClearML, lets the pure parts decide, moves the tag, and reports. The only place that knows the order.
//!
//! | file | what it does |
//! |---|---|
//! | `lookup` | finds the runs of the code under review |
//! | `waiting` | waits while one of them is under way |
//! | `score` | their scores, or the medians of several |
//! | `baseline` | what is wrong with the baseline |
//! | `policy` | whether the tag may move |

mod baseline;
mod lookup;
pub(crate) mod outcome;
mod policy;
mod score;
mod wait;

use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::path::Path;
use std::time::Instant;

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
use crate::model::run::{Reading, Run, ScoreFault, TaskId};
use crate::model::select;
use crate::net::limits::Limits;
use crate::net::trust::Trust;
use crate::promote::{self, Move, Promotion};
use crate::settings::Settings;
use crate::text::similar::nearest;
use lookup::View;
use policy::{Moment, Rules};
use score::{Sample, Scores};
pub(crate) use wait::Progress;

/// How many metrics get a picture; more would bury the verdict.
const MOST_PICTURES: usize = 6;

/// Where a gate is at work: what it can ask besides ClearML.
#[derive(Debug, Clone, Copy)]
pub(crate) struct GateContext<'a> {
    /// The variables of the process, for git and for GitHub.
    pub(crate) environment: &'a Environment,
    /// Where git is asked.
    pub(crate) directory: &'a Path,
    /// What the CI told.
    pub(crate) ci: Option<&'a CiContext>,
    /// How long ClearML is waited for.
    pub(crate) limits: Limits,
}

/// Judges the commit and moves the tag. Whatever goes wrong becomes part of the report.
pub(crate) fn gate<'a>(settings: &'a Settings, context: GateContext<'a>, progress: &mut dyn Progress) -> Report<'a> {
    let mut warnings = about_the_connection(settings);
    let outcome = match Client::login(&settings.server, context.limits) {
        Ok(client) => Session::new(client, settings, context).outcome(&mut warnings, progress),
        Err(error) => Err(error.into()),
    };
    let outcome = match outcome {
        Ok(judged) => Outcome::Judged(judged),
        Err(GateError::NoVerdict(why)) => Outcome::NoVerdict(*why),
        Err(GateError::Failed(error)) => Outcome::NoVerdict(NoVerdict::Failed(*error)),
    };
    if !settings.enforce && outcome.exit() != Exit::Passed {
        warnings.push(Warning::NotEnforced(outcome.exit()));
    }
    Report { settings, outcome, warnings }
}

fn about_the_connection(settings: &Settings) -> Vec<Warning> {
    let api = settings.server.api.as_str();
    let unverified = api.starts_with("https://") && matches!(settings.server.trust, Trust::Anyone);
    let open = settings.server.api.is_plain_http_elsewhere();
    let warnings = [(unverified, Warning::CertificateNotVerified), (open, Warning::NotEncrypted)];
    warnings.into_iter().filter(|(applies, _)| *applies).map(|(_, warning)| warning).collect()
}

/// What ends the way to a verdict early.
enum GateError<'a> {
    NoVerdict(Box<NoVerdict<'a>>),
    Failed(Box<Error>),
}

impl From<Error> for GateError<'_> {
    fn from(error: Error) -> Self {
        Self::Failed(Box::new(error))
    }
}

impl<'a> From<NoVerdict<'a>> for GateError<'a> {
    fn from(why: NoVerdict<'a>) -> Self {
        Self::NoVerdict(Box::new(why))
    }
}

struct Session<'a> {
    client: Client<'a>,
    settings: &'a Settings,
    context: GateContext<'a>,
    judged_at: Instant,
    /// What the events said, so that nothing is asked twice.
    from_events: RefCell<HashMap<(TaskId, usize), Reading>>,
    /// The newest runs of the name, once they were needed.
    newest: OnceCell<Vec<Run>>,
}

impl<'a> Session<'a> {
    fn new(client: Client<'a>, settings: &'a Settings, context: GateContext<'a>) -> Self {
        let (from_events, newest) = (RefCell::default(), OnceCell::new());
        Self { client, settings, context, judged_at: Instant::now(), from_events, newest }
    }

    fn outcome(
        mut self,
        warnings: &mut Vec<Warning>,
        progress: &mut dyn Progress,
    ) -> Result<Judged<'a>, GateError<'a>> {
        let project = self.project()?;
        let Settings { tag, metrics, .. } = self.settings;
        let view = self.when_ready(&project, progress)?;
        let View { runs, dirty, .. } = &view;
        let at_commit = view.at_commit();
        let baseline = select::baseline(runs, tag.as_str(), metrics);
        let Some(candidate) = at_commit.candidate(dirty) else { return Err(self.why_none(&project, view)?.into()) };
        let scores = self.scores_of(&project, Side::Candidate, &at_commit.clean(dirty))?;
        let baseline = self.baseline(&project, baseline, candidate, runs, dirty, warnings)?;
        let mut findings = findings(metrics, &scores, baseline.as_ref().map(|(_, scores)| scores));
        let verdict = verdict(&findings, self.settings.accept);
        let promotion = self.promote(&project, verdict, candidate, runs);
        let baseline = baseline.map(|(run, _)| run);
        warnings.extend(baseline.map(|run| self.about_the_baseline(run, candidate, dirty)).unwrap_or_default());
        self.draw(&mut findings, candidate, baseline);
        Ok(Judged {
            verdict,
            findings,
            promotion,
            candidate: self.summary(&project, candidate),
            baseline: baseline.map(|run| self.summary(&project, run)),
            ineligible: at_commit.near_misses(dirty),
            judged_via: view.judged_via.clone(),
        })
    }

    /// The runs that can matter here.
    fn scope<'s>(&'s self, project: &'s ProjectId) -> Scope<'s> {
        Scope { project, task_name: &self.settings.task_name, metrics: &self.settings.metrics }
    }

    fn project(&self) -> Result<ProjectId, GateError<'a>> {
        let name = &self.settings.project;
        match self.client.project(name)? {
            Some(project) => Ok(project),
            None => {
                Err(NoVerdict::ProjectNotFound { similar: nearest(name.as_str(), self.client.project_names()?) }.into())
            }
        }
    }

    fn promote(&self, project: &ProjectId, verdict: Verdict, candidate: &Run, runs: &[Run]) -> Promotion {
        let Settings { tag, metrics, promote, keep_best, accept, .. } = self.settings;
        let rules = Rules { promote: *promote, keep_best: *keep_best, accept: *accept };
        let moment = Moment::from_trigger(self.context.ci.map(|context| &context.trigger));
        let tagged: Vec<&Run> = runs.iter().filter(|run| run.has_tag(tag.as_str())).collect();
        if matches!(tagged[..], [only] if only.id == candidate.id) {
            return Promotion::AlreadyTagged { also_tagged: Vec::new() };
        }
        if let Some(because) = policy::kept(rules, moment, verdict) {
            return Promotion::NotMoved(because);
        }
        let plan = match promote::plan(candidate, &tagged, metrics, self.client.now()) {
            Ok(plan) => plan,
            Err(because) => return Promotion::NotMoved(because),
        };
        let scope = self.scope(project);
        let (client, judged, limits) = (&self.client, self.judged_at, self.context.limits);
        Move { client, scope, tag, candidate: &candidate.id, plan: &plan, judged, limits }.apply()
    }

    /// Adds the curves. They only illustrate, so a failure leaves the report without, and nobody waits long.
    fn draw(&self, findings: &mut [Finding<'_>], candidate: &Run, baseline: Option<&Run>) {
        let baseline = baseline.filter(|run| run.id != candidate.id);
        let metrics: Vec<&Metric> = findings.iter().take(MOST_PICTURES).map(|finding| finding.metric).collect();
        let Ok(curves) = self.client.curves(&metrics, &candidate.id, baseline.map(|run| &run.id)) else { return };
        for (finding, curves) in findings.iter_mut().zip(curves) {
            finding.curves = curves;
        }
    }

    fn summary(&self, project: &ProjectId, run: &Run) -> RunSummary {
        let web = self.settings.server.web.as_ref();
        let link = web.map(|web| links::task(web, self.client.api_version, project.as_str(), run.id.as_str()));
        RunSummary::new(run, link, self.client.now())
    }
}

fn findings<'a>(metrics: &'a Metrics, candidate: &Scores, baseline: Option<&Scores>) -> Vec<Finding<'a>> {
    let said = |n: usize, metric: &Metric, candidate: &Result<Sample, ScoreFault>| {
        let baseline = baseline.and_then(|scores| scores.get(n));
        match (candidate, baseline) {
            (Err(fault), _) => MetricOutcome::Unknown(Side::Candidate, *fault),
            (Ok(_), Some(Err(fault))) => MetricOutcome::Unknown(Side::Baseline, *fault),
            (Ok(candidate), baseline) => {
                let baseline = baseline.and_then(|sample| sample.as_ref().ok());
                MetricOutcome::Judged(judge(&metric.criteria, baseline.map(|sample| sample.score), candidate.score))
            }
        }
    };
    let spread = |sample: &Result<Sample, ScoreFault>| sample.as_ref().ok().and_then(|sample| sample.spread);
    let spreads = |n: usize, candidate: &Result<Sample, ScoreFault>| Spreads {
        candidate: spread(candidate),
        baseline: baseline.and_then(|scores| scores.get(n)).and_then(spread),
    };
    let scored = metrics.iter().zip(candidate).enumerate();
    scored
        .map(|(n, (metric, score))| Finding {
            metric,
            outcome: said(n, metric, score),
            spreads: spreads(n, score),
            curves: None,
        })
        .collect()
}

fn verdict(findings: &[Finding<'_>], accept: bool) -> Verdict {
    let counting = findings.iter().filter(|finding| finding.metric.is_required());
    Verdict::from_judgements(&counting.filter_map(Finding::judgement).copied().collect::<Vec<_>>(), accept)
}
