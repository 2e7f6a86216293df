//! Other commits whose runs count when the commit under review has too few: those with the same code, and the head of the
//! pull request that it merged.

use std::collections::BTreeSet;

use super::{GateContext, Session};
use crate::ci::{CiContext, Trigger};
use crate::clearml::{self, PAGE_SIZE};
use crate::gate::outcome::SameCodeUnknown;
use crate::git::{Git, Identity};
use crate::github::{self, GitHub, Pull};
use crate::model::commit::Commit;
use crate::model::run::Run;
use crate::settings::Promote;

/// As many commits as fit into one request; more of the same code add nothing.
const MOST_COMMITS: usize = 100;

impl Session<'_> {
    /// The other commits of the newest runs that contain the same code as this one, as far as the checkout can show.
    pub(super) fn same_code(&self, commit: &Commit) -> Result<Result<Vec<Commit>, SameCodeUnknown>, clearml::Error> {
        let newest = self.newest()?;
        let code_paths = &self.settings.code_paths;
        let GateContext { directory, environment, .. } = self.context;
        let others: BTreeSet<&Commit> = newest.iter().filter_map(Run::commit_id).collect();
        let others: Vec<&Commit> = others.into_iter().collect();
        let identities = match Git::new(directory, environment).compare(commit, &others, code_paths) {
            Ok(identities) => identities,
            Err(error) => return Ok(Err(SameCodeUnknown::GitError(error))),
        };
        let missing = identities.iter().filter(|identity| **identity == Identity::Missing).count();
        let compared: Vec<(&Commit, Identity)> = others.into_iter().zip(identities).collect();
        let same = compared.iter().filter(|(other, _)| is_same_code(other, &compared)).map(|(other, _)| *other);
        let same = same.filter(|other| !commit.matches(other));
        let same: Vec<Commit> = same.take(MOST_COMMITS).cloned().collect();
        Ok(if !same.is_empty() {
            Ok(same)
        } else if missing > 0 {
            Err(SameCodeUnknown::CommitsMissing { missing, all: compared.len() })
        } else if newest.len() >= PAGE_SIZE {
            Err(SameCodeUnknown::OnlyNewestCompared(PAGE_SIZE))
        } else {
            Ok(same)
        })
    }

    /// The pull request that was merged by the commit that was pushed to the main branch.
    pub(super) fn merged_pull_request(&self) -> Result<Option<Pull>, github::Error> {
        let Some(CiContext { trigger, forge: Some(forge), .. }) = self.context.ci else { return Ok(None) };
        let Trigger::Pushed { branch, to_default: Some(true), .. } = trigger else { return Ok(None) };
        if self.settings.promote != Promote::OnMerge {
            return Ok(None);
        }
        let github = GitHub::new(forge, self.context.environment)?;
        let pulls = github.pulls_with(&forge.repository, &self.settings.commit, branch)?;
        Ok(pulls.into_iter().find(|pull| pull.merged))
    }
}

/// Whether every commit that this id can stand for has the same code. An abbreviated id would select the runs of all
/// commits that start with it.
fn is_same_code(id: &Commit, compared: &[(&Commit, Identity)]) -> bool {
    compared.iter().filter(|(other, _)| id.matches(other)).all(|(_, identity)| *identity == Identity::Same)
}
