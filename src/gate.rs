//! The gate: asks ClearML, lets the pure parts decide, moves the tag, and reports. The only place that knows the order.

use std::collections::HashSet;
use std::time::Instant;

use crate::clearml::{Client, Error, ProjectId};
use crate::judge::{Score, Verdict, judge};
use crate::links;
use crate::promote::{self, KeptBecause, Move, Promotion};
use crate::report::{Judged, NoVerdict, Outcome, Report, ScoreFault, Seen, Side, Warning, score};
use crate::run::{Reading, Run, TaskId};
use crate::select::{self, AtCommit, Baseline};
use crate::settings::{NoBaseline, Promote, Settings};
use crate::similar::nearest;
use crate::trust::Trust;

/// Ids in one question about uncommitted changes; the server returns no more than this in one page.
const DIRTY_CHECK: usize = 500;
/// How many tasks that carry the tag are looked up in the events when their metric is not in `last_metrics`.
const MOST_EVENT_LOOKUPS: usize = 10;

/// Judges the commit and moves the tag. Whatever goes wrong becomes part of the report.
pub(crate) fn gate(settings: &Settings) -> Report<'_> {
    let mut warnings = about_the_connection(settings);
    let outcome = match Client::login(&settings.server) {
        Ok(client) => Session { client, settings, judged_at: Instant::now() }.outcome(&mut warnings),
        Err(error) => Err(Stop::Failed(error)),
    };
    let outcome = match outcome {
        Ok(judged) => Outcome::Judged(judged),
        Err(Stop::NoVerdict(why)) => Outcome::NoVerdict(why),
        Err(Stop::Failed(error)) => Outcome::NoVerdict(NoVerdict::Failed(error)),
    };
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
enum Stop {
    NoVerdict(NoVerdict),
    Failed(Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl From<NoVerdict> for Stop {
    fn from(why: NoVerdict) -> Self {
        Self::NoVerdict(why)
    }
}

struct Session<'a> {
    client: Client<'a>,
    settings: &'a Settings,
    judged_at: Instant,
}

impl Session<'_> {
    fn outcome(mut self, warnings: &mut Vec<Warning>) -> Result<Judged, Stop> {
        let project = self.project()?;
        self.judged_at = Instant::now();
        let Settings { commit, tag, metric, .. } = self.settings;
        let mut runs = self.client.of_commit_or_tagged(self.settings.scope(&project), commit, tag)?;
        self.look_up_missing_metrics(&mut runs)?;
        let at_commit = AtCommit::of(&runs, commit);
        self.one_commit(&at_commit)?;
        let baseline = select::baseline(&runs, tag.as_str(), metric.criteria.direction);
        let dirty = self.dirty(&at_commit, baseline)?;
        let Some(candidate) = at_commit.candidate(&dirty) else {
            return Err(self.why_none(&project, &at_commit, &dirty)?.into());
        };
        let candidate_score = self.score(&project, Side::Candidate, candidate, self.reading(candidate)?)?;
        let baseline = self.baseline(&project, baseline, warnings, &runs, &dirty)?;
        let verdict = judge(&metric.criteria, baseline.map(|(_, score)| score), candidate_score);
        Ok(Judged {
            promotion: self.promote(&project, &verdict, candidate, &runs),
            verdict,
            candidate: self.seen(&project, candidate),
            baseline: baseline.map(|(run, _)| self.seen(&project, run)),
        })
    }

    fn project(&self) -> Result<ProjectId, Stop> {
        let name = &self.settings.project;
        match self.client.project(name)? {
            Some(project) => Ok(project),
            None => Err(NoVerdict::NoProject { similar: nearest(name.as_str(), self.client.project_names()?) }.into()),
        }
    }

    fn one_commit(&self, at_commit: &AtCommit<'_>) -> Result<(), Stop> {
        let commits = at_commit.commits();
        if commits.len() > 1 && !self.settings.commit.is_full() {
            return Err(NoVerdict::AmbiguousCommit { commits: commits.into_iter().collect() }.into());
        }
        Ok(())
    }

    /// Completes the readings of those who carry the tag, since which of them is best depends on all.
    fn look_up_missing_metrics(&self, runs: &mut [Run]) -> Result<(), Error> {
        let tag = self.settings.tag.as_str();
        let missing = runs.iter_mut().filter(|run| run.carries(tag) && run.reading == Reading::Missing);
        for run in missing.take(MOST_EVENT_LOOKUPS) {
            run.reading = self.reading(run)?;
        }
        Ok(())
    }

    fn reading(&self, run: &Run) -> Result<Reading, Error> {
        match run.reading {
            Reading::Missing => self.client.reading_from_events(&run.id, &self.settings.metric),
            known => Ok(known),
        }
    }

    /// Asks which of the runs that matter have uncommitted changes, newest first, until one has none.
    fn dirty(&self, at_commit: &AtCommit<'_>, baseline: Baseline<'_>) -> Result<HashSet<TaskId>, Error> {
        let mut ids: Vec<&TaskId> = at_commit.finished().into_iter().map(|run| &run.id).collect();
        if let Baseline::Found(run, _) = baseline {
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

    fn score(&self, project: &ProjectId, side: Side, run: &Run, reading: Reading) -> Result<Score, Stop> {
        // The names only help; that they cannot be had must not hide what is wrong.
        let known = || self.client.metric_names(&run.id).unwrap_or_default();
        score(reading, known).map_err(|fault| self.no_score(project, side, run, fault))
    }

    fn no_score(&self, project: &ProjectId, side: Side, run: &Run, fault: ScoreFault) -> Stop {
        NoVerdict::NoScore { side, run: self.seen(project, run), fault }.into()
    }

    fn baseline<'r>(
        &self,
        project: &ProjectId,
        baseline: Baseline<'r>,
        warnings: &mut Vec<Warning>,
        runs: &[Run],
        dirty: &HashSet<TaskId>,
    ) -> Result<Option<(&'r Run, Score)>, Stop> {
        match baseline {
            Baseline::Found(run, score) => {
                warnings.extend(self.about_the_baseline(run, runs, dirty));
                Ok(Some((run, score)))
            }
            Baseline::Unusable(run) => {
                let score = self.score(project, Side::Baseline, run, run.reading)?;
                Ok(Some((run, score)))
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

    fn promote(&self, project: &ProjectId, verdict: &Verdict, candidate: &Run, runs: &[Run]) -> Promotion {
        if let Some(because) = kept(self.settings, verdict) {
            return Promotion::Kept(because);
        }
        let Settings { tag, metric, .. } = self.settings;
        let tagged: Vec<&Run> = runs.iter().filter(|run| run.carries(tag.as_str())).collect();
        let plan = promote::plan(candidate, &tagged, metric.criteria.direction, self.client.server_time);
        let scope = self.settings.scope(project);
        let (client, judged) = (&self.client, self.judged_at);
        Move { client, scope, tag, candidate: &candidate.id, plan: &plan, judged }.apply()
    }

    /// Why no run of the commit can be the candidate: what came near, found with a question or two more.
    fn why_none(
        &self,
        project: &ProjectId,
        at_commit: &AtCommit<'_>,
        dirty: &HashSet<TaskId>,
    ) -> Result<NoVerdict, Error> {
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
        Seen::new(run, web.map(|web| links::task(web, self.client.api_version, project.as_str(), run.id.as_str())))
    }
}

/// Whether the settings or the verdict say that the tag stays.
const fn kept(settings: &Settings, verdict: &Verdict) -> Option<KeptBecause> {
    match (verdict, settings.promote) {
        (Verdict::Degraded(_), _) => Some(KeptBecause::NotPassed),
        (_, Promote::Never) => Some(KeptBecause::Never),
        (Verdict::Tolerated(_), Promote::OnPass) if settings.keep_best => Some(KeptBecause::KeepBest),
        (_, Promote::OnPass) => None,
    }
}
