//! The gate: asks ClearML, lets the pure parts decide, moves the tag, and reports. The only place that knows the order.

mod waiting;

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::time::Instant;

use crate::clearml::{Client, Error, ProjectId};
use crate::exit::Exit;
use crate::judge::{Score, Verdict, judge};
use crate::links;
use crate::metric::{Metric, Metrics};
use crate::promote::{self, KeptBecause, Move, Promotion};
use crate::report::{Finding, Judged, NoVerdict, Outcome, Report, Said, Seen, Side, Warning};
use crate::run::{Reading, Run, ScoreFault, TaskId};
use crate::select::{self, AtCommit, Baseline};
use crate::settings::{NoBaseline, Promote, Settings};
use crate::similar::nearest;
use crate::trust::Trust;
use waiting::Wait;
pub(crate) use waiting::{Progress, span};

/// Ids in one question about uncommitted changes; the server returns no more than this in one page.
const DIRTY_CHECK: usize = 500;
/// How many metrics are looked up in the events when they are not in `last_metrics`; the rest stays missing.
const MOST_EVENT_LOOKUPS: usize = 50;
/// How many metrics get a picture; more would bury the verdict.
const MOST_PICTURES: usize = 6;

/// Judges the commit and moves the tag. Whatever goes wrong becomes part of the report.
pub(crate) fn gate<'a>(settings: &'a Settings, progress: &mut dyn Progress) -> Report<'a> {
    let mut warnings = about_the_connection(settings);
    let outcome = match Client::login(&settings.server) {
        Ok(client) => Session::new(client, settings).outcome(&mut warnings, progress),
        Err(error) => Err(error.into()),
    };
    let outcome = match outcome {
        Ok(judged) => Outcome::Judged(judged),
        Err(Stop::NoVerdict(why)) => Outcome::NoVerdict(*why),
        Err(Stop::Failed(error)) => Outcome::NoVerdict(NoVerdict::Failed(*error)),
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
enum Stop<'a> {
    NoVerdict(Box<NoVerdict<'a>>),
    Failed(Box<Error>),
}

impl From<Error> for Stop<'_> {
    fn from(error: Error) -> Self {
        Self::Failed(Box::new(error))
    }
}

impl<'a> From<NoVerdict<'a>> for Stop<'a> {
    fn from(why: NoVerdict<'a>) -> Self {
        Self::NoVerdict(Box::new(why))
    }
}

/// The runs that matter, and which of them have uncommitted changes.
struct View {
    runs: Vec<Run>,
    dirty: HashSet<TaskId>,
}

/// One metric's scores of a run, in the order of the settings.
type Scores = Vec<Result<Score, ScoreFault>>;

struct Session<'a> {
    client: Client<'a>,
    settings: &'a Settings,
    judged_at: Instant,
    /// What the events said, so that nothing is asked twice.
    from_events: RefCell<HashMap<(TaskId, usize), Reading>>,
}

impl<'a> Session<'a> {
    fn new(client: Client<'a>, settings: &'a Settings) -> Self {
        Self { client, settings, judged_at: Instant::now(), from_events: RefCell::default() }
    }

    fn outcome(mut self, warnings: &mut Vec<Warning>, progress: &mut dyn Progress) -> Result<Judged<'a>, Stop<'a>> {
        let project = self.project()?;
        let Settings { commit, tag, metrics, .. } = self.settings;
        let View { runs, dirty } = self.when_ready(&project, progress)?;
        let at_commit = AtCommit::of(&runs, commit);
        let baseline = select::baseline(&runs, tag.as_str(), metrics);
        let Some(candidate) = at_commit.candidate(&dirty) else {
            return Err(self.why_none(&project, &at_commit, &dirty)?.into());
        };
        let scores = self.scores(&project, Side::Candidate, candidate)?;
        let baseline = self.baseline(&project, baseline, warnings, &runs, &dirty)?;
        let mut findings = findings(metrics, &scores, baseline.as_ref().map(|(_, scores)| scores));
        let verdict = verdict(&findings, self.settings.accept);
        let promotion = self.promote(&project, verdict, candidate, &runs);
        let baseline = baseline.map(|(run, _)| run);
        self.draw(&mut findings, candidate, baseline);
        Ok(Judged {
            verdict,
            findings,
            promotion,
            candidate: self.seen(&project, candidate),
            baseline: baseline.map(|run| self.seen(&project, run)),
            rejected: at_commit.near_misses(&dirty),
        })
    }

    /// What there is to judge, looked at again while a clean run of the commit is queued or at work and there is time.
    fn when_ready(&mut self, project: &ProjectId, progress: &mut dyn Progress) -> Result<View, Stop<'a>> {
        let mut wait = Wait::new(self.settings.wait, progress);
        loop {
            self.judged_at = Instant::now();
            let view = self.look(project)?;
            let at_commit = AtCommit::of(&view.runs, &self.settings.commit);
            if self.settings.wait.is_zero() || at_commit.candidate(&view.dirty).is_some() {
                return Ok(view);
            }
            let pending = at_commit.pending(&view.dirty);
            if pending.is_empty() || !wait.goes_on(&pending) {
                return Ok(view);
            }
        }
    }

    fn look(&self, project: &ProjectId) -> Result<View, Stop<'a>> {
        let Settings { commit, tag, metrics, .. } = self.settings;
        let mut runs = self.client.of_commit_or_tagged(self.settings.scope(project), commit, tag)?;
        self.complete_the_tagged(&mut runs)?;
        let at_commit = AtCommit::of(&runs, commit);
        self.one_commit(&at_commit)?;
        let dirty = self.dirty(&at_commit, select::baseline(&runs, tag.as_str(), metrics))?;
        Ok(View { runs, dirty })
    }

    fn project(&self) -> Result<ProjectId, Stop<'a>> {
        let name = &self.settings.project;
        match self.client.project(name)? {
            Some(project) => Ok(project),
            None => Err(NoVerdict::NoProject { similar: nearest(name.as_str(), self.client.project_names()?) }.into()),
        }
    }

    fn one_commit(&self, at_commit: &AtCommit<'_>) -> Result<(), Stop<'a>> {
        let commits = at_commit.commits();
        if commits.len() > 1 && !self.settings.commit.is_full() {
            return Err(NoVerdict::AmbiguousCommit { commits: commits.into_iter().collect() }.into());
        }
        Ok(())
    }

    /// Completes the readings of those who carry the tag, since which of them is best depends on all.
    fn complete_the_tagged(&self, runs: &mut [Run]) -> Result<(), Error> {
        for run in runs.iter_mut().filter(|run| run.carries(self.settings.tag.as_str())) {
            run.readings = self.readings(run, Metric::counts)?;
        }
        Ok(())
    }

    /// A run's readings; of the wanted metrics those that are missing come from the events.
    fn readings(&self, run: &Run, wanted: impl Fn(&Metric) -> bool) -> Result<Vec<Reading>, Error> {
        let metrics = self.settings.metrics.iter().enumerate().zip(&run.readings);
        metrics
            .map(|((n, metric), reading)| match reading {
                Reading::Missing if wanted(metric) => self.reading_from_events(run, n, metric),
                known => Ok(*known),
            })
            .collect()
    }

    fn reading_from_events(&self, run: &Run, n: usize, metric: &Metric) -> Result<Reading, Error> {
        let mut known = self.from_events.borrow_mut();
        let (key, full) = ((run.id.clone(), n), known.len() >= MOST_EVENT_LOOKUPS);
        match known.get(&key) {
            Some(reading) => Ok(*reading),
            None if full => Ok(Reading::Missing),
            None => {
                let reading = self.client.reading_from_events(&run.id, metric)?;
                known.insert(key, reading);
                Ok(reading)
            }
        }
    }

    /// Asks which of the runs that matter have uncommitted changes, newest first, until one has none.
    fn dirty(&self, at_commit: &AtCommit<'_>, baseline: Baseline<'_>) -> Result<HashSet<TaskId>, Error> {
        let mut ids: Vec<&TaskId> = at_commit.finished().into_iter().map(|run| &run.id).collect();
        if !self.settings.wait.is_zero() {
            ids.extend(at_commit.pending(&HashSet::new()).into_iter().map(|run| &run.id));
        }
        if let Baseline::Found(run) = baseline {
            ids.retain(|id| **id != run.id);
            ids.insert(0, &run.id);
        }
        let (mut dirty, mut checked): (HashSet<TaskId>, HashSet<&TaskId>) = Default::default();
        for chunk in ids.chunks(DIRTY_CHECK) {
            dirty.extend(self.client.dirty(chunk)?);
            checked.extend(chunk);
            if at_commit.candidate(&dirty).is_some_and(|candidate| checked.contains(&candidate.id)) {
                break;
            }
        }
        Ok(dirty)
    }

    /// The scores of a run; the metrics that count must all be there.
    fn scores(&self, project: &ProjectId, side: Side, run: &Run) -> Result<Scores, Stop<'a>> {
        let scores: Scores = self.readings(run, |_| true)?.into_iter().map(Reading::score).collect();
        let fault = |(metric, score): (&'a Metric, &Result<Score, ScoreFault>)| {
            score.err().filter(|_| metric.counts()).map(|fault| (metric, fault))
        };
        let faults: Vec<_> = self.settings.metrics.iter().zip(&scores).filter_map(fault).collect();
        if faults.is_empty() {
            return Ok(scores);
        }
        // The names only help; that they cannot be had must not hide what is wrong.
        let missing = faults.iter().any(|(_, fault)| *fault == ScoreFault::Missing);
        let known = if missing { self.client.metric_names(&run.id).unwrap_or_default() } else { Vec::new() };
        Err(NoVerdict::NoScore { side, run: self.seen(project, run), faults, known }.into())
    }

    fn baseline<'r>(
        &self,
        project: &ProjectId,
        baseline: Baseline<'r>,
        warnings: &mut Vec<Warning>,
        runs: &[Run],
        dirty: &HashSet<TaskId>,
    ) -> Result<Option<(&'r Run, Scores)>, Stop<'a>> {
        match baseline {
            Baseline::Found(run) | Baseline::Unusable(run) => {
                let scores = self.scores(project, Side::Baseline, run)?;
                warnings.extend(self.about_the_baseline(run, runs, dirty));
                Ok(Some((run, scores)))
            }
            Baseline::None => {
                warnings.extend(self.another_spelling(runs).map(Warning::TagSpelledDifferently));
                match self.settings.no_baseline {
                    NoBaseline::Pass => Ok(None),
                    NoBaseline::Fail => Err(NoVerdict::NoBaseline.into()),
                }
            }
        }
    }

    fn about_the_baseline(&self, baseline: &Run, runs: &[Run], dirty: &HashSet<TaskId>) -> Vec<Warning> {
        let tagged = runs.iter().filter(|run| run.carries(self.settings.tag.as_str())).count();
        let warnings = [
            (tagged > 1, Warning::SeveralTagged(tagged)),
            (dirty.contains(&baseline.id), Warning::BaselineDirty),
            (!select::is_finished(baseline), Warning::BaselineUnfinished),
        ];
        warnings.into_iter().filter(|(applies, _)| *applies).map(|(_, warning)| warning).collect()
    }

    fn another_spelling(&self, runs: &[Run]) -> Option<String> {
        let wanted = self.settings.tag.as_str();
        runs.iter().flat_map(|run| &run.tags).find(|tag| tag.eq_ignore_ascii_case(wanted)).cloned()
    }

    fn promote(&self, project: &ProjectId, verdict: Verdict, candidate: &Run, runs: &[Run]) -> Promotion {
        if let Some(because) = kept(self.settings, verdict) {
            return Promotion::Kept(because);
        }
        let Settings { tag, metrics, .. } = self.settings;
        let tagged: Vec<&Run> = runs.iter().filter(|run| run.carries(tag.as_str())).collect();
        let plan = promote::plan(candidate, &tagged, metrics, self.client.now());
        let scope = self.settings.scope(project);
        let (client, judged) = (&self.client, self.judged_at);
        Move { client, scope, tag, candidate: &candidate.id, plan: &plan, judged }.apply()
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

    /// Why no run of the commit can be the candidate: what came near, found with a question or two more.
    fn why_none(
        &self,
        project: &ProjectId,
        at_commit: &AtCommit<'_>,
        dirty: &HashSet<TaskId>,
    ) -> Result<NoVerdict<'a>, Error> {
        if !at_commit.is_empty() {
            return Ok(NoVerdict::NoneQualifies { near: at_commit.near_misses(dirty) });
        }
        let newest = self.client.newest(self.settings.scope(project))?;
        if newest.is_empty() {
            let similar = nearest(self.settings.task_name.as_str(), self.client.task_names(project)?);
            return Ok(NoVerdict::NoTaskOfThatName { similar });
        }
        let finished: Vec<&Run> = newest.iter().filter(|run| select::is_finished(run)).collect();
        let ids: Vec<&TaskId> = finished.iter().map(|run| &run.id).collect();
        let dirty = if ids.is_empty() { HashSet::new() } else { self.client.dirty(&ids)? };
        let newest_clean = finished.into_iter().find(|run| run.commit.is_some() && !dirty.contains(&run.id));
        Ok(NoVerdict::NothingRanTheCommit { newest_clean: newest_clean.map(|run| self.seen(project, run)) })
    }

    fn seen(&self, project: &ProjectId, run: &Run) -> Seen {
        let web = self.settings.server.web.as_ref();
        let link = web.map(|web| links::task(web, self.client.api_version, project.as_str(), run.id.as_str()));
        Seen::new(run, link, self.client.now())
    }
}

fn findings<'a>(metrics: &'a Metrics, candidate: &Scores, baseline: Option<&Scores>) -> Vec<Finding<'a>> {
    let said = |n: usize, metric: &Metric, candidate: &Result<Score, ScoreFault>| {
        let baseline = baseline.and_then(|scores| scores.get(n));
        match (candidate, baseline) {
            (Err(fault), _) => Said::Unknown(Side::Candidate, *fault),
            (Ok(_), Some(Err(fault))) => Said::Unknown(Side::Baseline, *fault),
            (Ok(candidate), baseline) => {
                let baseline = baseline.and_then(|score| score.as_ref().ok()).copied();
                Said::Judged(judge(&metric.criteria, baseline, *candidate))
            }
        }
    };
    let scored = metrics.iter().zip(candidate).enumerate();
    scored.map(|(n, (metric, score))| Finding { metric, said: said(n, metric, score), curves: None }).collect()
}

fn verdict(findings: &[Finding<'_>], accept: bool) -> Verdict {
    let counting = findings.iter().filter(|finding| finding.metric.counts());
    Verdict::of(&counting.filter_map(Finding::judgement).copied().collect::<Vec<_>>(), accept)
}

/// Whether the settings or the verdict say that the tag stays.
fn kept(settings: &Settings, verdict: Verdict) -> Option<KeptBecause> {
    match (verdict, settings.promote) {
        (Verdict::Degraded, _) => Some(KeptBecause::NotPassed),
        (_, Promote::Never) => Some(KeptBecause::Never),
        (Verdict::Tolerated, Promote::OnPass) if settings.keep_best && !settings.accept => Some(KeptBecause::KeepBest),
        (_, Promote::OnPass) => None,
    }
}
