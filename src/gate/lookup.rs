//! What ClearML knows of the code under review: its runs, their readings, which of them have uncommitted changes; and,
//! when nothing ran the very commit, the runs of the same code under another one.

use std::collections::HashSet;
use std::time::Instant;

use super::wait::{Progress, Wait};
use super::{GateContext, GateError, Session};
use crate::ci::{CiContext, Trigger};
use crate::clearml::{Error, ProjectId};
use crate::gate::outcome::{JudgedVia, NoVerdict, Unclear};
use crate::git::{self, Identity};
use crate::github::{self, GitHub};
use crate::model::commit::Commit;
use crate::model::metric::Metric;
use crate::model::run::{Reading, Run, TaskId};
use crate::model::select::{self, AtCommit, Baseline};
use crate::settings::{Promote, Settings};
use crate::text::similar::nearest;

/// Ids in one question about uncommitted changes; the server returns no more than this in one page.
const DIRTY_CHECK: usize = 500;
/// So many commits fit into one question; more of the same code than that adds nothing.
const MOST_COMMITS: usize = 100;
/// So many runs, the newest, are looked through for the same code: one page.
const MOST_COMPARED: usize = 500;
/// How many metrics are looked up in the events when they are not in `last_metrics`; the rest stays missing.
const MOST_EVENT_LOOKUPS: usize = 50;

/// The runs that matter, and which of them have uncommitted changes.
pub(super) struct View {
    pub(super) runs: Vec<Run>,
    pub(super) dirty: HashSet<TaskId>,
    /// The commits whose runs are judged: the one under review, or those that stand for it.
    pub(super) commits: Vec<Commit>,
    /// Which of the two, and why.
    pub(super) judged_via: JudgedVia,
    /// Why it is not known whether others hold the same code.
    pub(super) unclear: Option<Unclear>,
    /// Why GitHub could not be asked which pull request was merged.
    pub(super) unasked: Option<String>,
}

/// The commits of other runs that hold the same code.
enum Same {
    At(Vec<Commit>),
    Nowhere,
    Unclear(Unclear),
}

/// Whether a commit that holds the same code, if it is abbreviated, begins none that is not known to: the runs of that
/// one would be taken for its own.
fn begins_no_other<'a>(same: &Commit, mut known: impl Iterator<Item = (&'a str, Identity)>) -> bool {
    known.all(|(recorded, identity)| identity == Identity::Same || !same.matches(recorded))
}

fn only_the_newest() -> String {
    format!(
        "Only the newest {MOST_COMPARED} runs of this name were looked through for the same code under another commit"
    )
}

impl View {
    /// The runs of the code under review.
    pub(super) fn at_commit(&self) -> AtCommit<'_> {
        AtCommit::new(&self.runs, &self.commits)
    }
}

impl<'a> Session<'a> {
    /// What there is to judge, looked at again while a clean run of the commit is queued or at work and there is time.
    pub(super) fn when_ready(
        &mut self,
        project: &ProjectId,
        progress: &mut dyn Progress,
    ) -> Result<View, GateError<'a>> {
        let mut wait = Wait::new(self.settings.wait, progress);
        loop {
            self.judged_at = Instant::now();
            let view = self.view(project)?;
            let at_commit = view.at_commit();
            if self.settings.wait.is_zero() || at_commit.candidate(&view.dirty).is_some() {
                return Ok(view);
            }
            let pending = at_commit.pending(&view.dirty);
            if pending.is_empty() || !wait.goes_on(&pending) {
                return Ok(view);
            }
            self.client.renew();
        }
    }

    /// The runs of the commit; where there are none, those of the same code; where there are none either, those of the
    /// pull request that was merged by it.
    fn view(&self, project: &ProjectId) -> Result<View, GateError<'a>> {
        let view = self.look(project, vec![self.settings.commit.clone()], JudgedVia::Own)?;
        if !view.at_commit().is_empty() {
            return Ok(view);
        }
        let unclear = match self.same_code(project)? {
            Same::At(commits) => {
                return self.look(project, commits, JudgedVia::SameCode(self.settings.code_paths.clone()));
            }
            Same::Nowhere => None,
            Same::Unclear(unclear) => Some(unclear),
        };
        match self.merged() {
            Ok(Some((number, head))) => {
                let merged = self.look(project, vec![head], JudgedVia::PullRequest(number))?;
                Ok(View { unclear, ..merged })
            }
            Ok(None) => Ok(View { unclear, ..view }),
            Err(why) => Ok(View { unclear, unasked: Some(why.to_string()), ..view }),
        }
    }

    fn look(&self, project: &ProjectId, commits: Vec<Commit>, judged_via: JudgedVia) -> Result<View, GateError<'a>> {
        let Settings { tag, metrics, .. } = self.settings;
        let mut runs = self.client.of_commits_or_tagged(self.scope(project), &commits, tag)?;
        for run in runs.iter_mut().filter(|run| run.has_tag(tag.as_str())) {
            // Which of the tagged runs is the best depends on all of them.
            run.readings = self.readings(run, Metric::is_required)?;
        }
        let at_commit = AtCommit::new(&runs, &commits);
        self.one_commit(&at_commit)?;
        // Without a run there is no verdict here, and nobody asks what is wrong with the baseline.
        let dirty = if at_commit.is_empty() {
            HashSet::new()
        } else {
            self.dirty(&at_commit, select::baseline(&runs, tag.as_str(), metrics))?
        };
        Ok(View { runs, dirty, commits, judged_via, unclear: None, unasked: None })
    }

    fn one_commit(&self, at_commit: &AtCommit<'_>) -> Result<(), GateError<'a>> {
        let commits = at_commit.commits();
        let is_it = commits.iter().any(|recorded| self.settings.commit.matches(recorded));
        if is_it && commits.len() > 1 && !self.settings.commit.is_full() {
            return Err(NoVerdict::AmbiguousCommit { commits: commits.into_iter().collect() }.into());
        }
        Ok(())
    }

    /// The commits of other runs that hold the same code, as far as the checkout can tell.
    fn same_code(&self, project: &ProjectId) -> Result<Same, Error> {
        let newest = self.newest(project)?;
        let mut others: Vec<&str> = newest.iter().filter_map(|run| run.commit.as_deref()).collect();
        others.sort_unstable();
        others.dedup();
        let Settings { commit, code_paths, .. } = self.settings;
        let GateContext { directory, environment, .. } = self.context;
        let identities = match git::compare(directory, environment, commit, &others, code_paths) {
            Ok(identities) => identities,
            Err(why) => return Ok(Same::Unclear(Unclear::GitError(why))),
        };
        let known = || others.iter().copied().zip(identities.iter().copied());
        let same = known().filter(|(_, identity)| *identity == Identity::Same);
        let same = same.filter_map(|(recorded, _)| Commit::parse(recorded).ok());
        let same: Vec<_> = same.filter(|same| begins_no_other(same, known())).take(MOST_COMMITS).collect();
        Ok(match (same, Identity::about_missing(&identities)) {
            (same, _) if !same.is_empty() => Same::At(same),
            (_, Some(missing)) => Same::Unclear(Unclear::SomeMissing(missing)),
            _ if newest.len() >= MOST_COMPARED => Same::Unclear(Unclear::SomeMissing(only_the_newest())),
            _ => Same::Nowhere,
        })
    }

    /// The newest runs of the name, asked for once.
    fn newest(&self, project: &ProjectId) -> Result<&[Run], Error> {
        if self.newest.get().is_none() {
            let _ = self.newest.set(self.client.newest(self.scope(project))?);
        }
        Ok(self.newest.get().map_or(&[], Vec::as_slice))
    }

    /// The pull request that came to the main branch by the commit that was pushed there, with its head.
    fn merged(&self) -> Result<Option<(u64, Commit)>, github::Error> {
        let Some(CiContext { trigger, forge: Some(forge), .. }) = self.context.ci else { return Ok(None) };
        let Trigger::Pushed { branch, to_default: Some(true), .. } = trigger else { return Ok(None) };
        if self.settings.promote != Promote::OnMerge {
            return Ok(None);
        }
        let github = GitHub::new(forge, self.context.environment)?;
        let pulls = github.pulls_with(&forge.repository, &self.settings.commit, branch)?;
        Ok(pulls.into_iter().find(|pull| pull.merged).map(|pull| (pull.number, pull.head)))
    }

    /// A run's readings; of the wanted metrics those that are missing come from the events.
    pub(super) fn readings(&self, run: &Run, wanted: impl Fn(&Metric) -> bool) -> Result<Vec<Reading>, Error> {
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

    /// Asks which of the runs that matter have uncommitted changes, newest first, until enough have none.
    pub(super) fn dirty(&self, at_commit: &AtCommit<'_>, baseline: Baseline<'_>) -> Result<HashSet<TaskId>, Error> {
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
            let clean = at_commit.clean(&dirty).into_iter().filter(|run| checked.contains(&run.id));
            if clean.count() >= self.settings.runs {
                break;
            }
        }
        Ok(dirty)
    }

    /// Why no run can be the candidate: what came near, found with a question or two more.
    pub(super) fn why_none(&self, project: &ProjectId, view: View) -> Result<NoVerdict<'a>, Error> {
        let at_commit = view.at_commit();
        if !at_commit.is_empty() {
            let ran = at_commit.commits().into_iter().collect();
            let near = at_commit.near_misses(&view.dirty);
            return Ok(NoVerdict::NoEligibleRun { near, judged_via: view.judged_via.clone(), ran });
        }
        let newest = self.newest(project)?;
        if newest.is_empty() {
            let similar = nearest(self.settings.task_name.as_str(), self.client.task_names(project)?);
            return Ok(NoVerdict::TaskNotFound { similar });
        }
        let finished: Vec<&Run> = newest.iter().filter(|run| select::is_finished(run)).collect();
        let ids: Vec<&TaskId> = finished.iter().map(|run| &run.id).collect();
        let dirty = if ids.is_empty() { HashSet::new() } else { self.client.dirty(&ids)? };
        let newest_clean = finished.into_iter().find(|run| run.commit.is_some() && !dirty.contains(&run.id));
        let newest_clean = newest_clean.map(|run| self.summary(project, run));
        Ok(NoVerdict::NoRunOfCommit { newest_clean, unclear: view.unclear, unasked: view.unasked })
    }
}
