//! Carries out a plan: adds the tag, reads the tagged runs again, and removes the tag from the others.

use std::cell::Cell;
use std::thread;
use std::time::Instant;

use super::Promotion;
use super::plan::{Plan, split_by_change};
use crate::clearml::{self, Client, Error, Scope};
use crate::model::name::Tag;
use crate::model::run::{Run, TaskId};
use crate::net::limits::Limits;

/// A planned move of the tag.
pub(crate) struct Move<'a> {
    pub(crate) client: &'a Client<'a>,
    pub(crate) scope: Scope<'a>,
    pub(crate) tag: &'a Tag,
    pub(crate) candidate: &'a TaskId,
    pub(crate) plan: &'a Plan,
    /// When the runs that the plan is based on were read.
    pub(crate) read_at: Instant,
    pub(crate) limits: Limits,
}

impl Move<'_> {
    pub(crate) fn apply(&self) -> Promotion {
        if !self.plan.changes_anything() {
            return Promotion::AlreadyTagged { also_tagged: self.plan.keep.clone() };
        }
        // An attempt whose response was lost may have been applied, whatever the response to a later one says.
        let added = Cell::new(false);
        let add = || {
            let response = self.client.add_tag(self.candidate, self.tag);
            response.inspect_err(|error| added.set(added.get() || error.may_have_been_applied()))
        };
        if let Err(error) = self.retried(add) {
            return Promotion::Failed { error, candidate_may_have_tag: added.get() };
        }
        let read_at = if self.plan.watch { self.watch() } else { self.read_at };
        self.retried(|| self.remove_from_others(read_at))
            .unwrap_or_else(|error| Promotion::Failed { error, candidate_may_have_tag: true })
    }

    /// Tries again while the server is unreachable and time is left.
    fn retried<T>(&self, attempt: impl Fn() -> clearml::Result<T>) -> clearml::Result<T> {
        let mut pause = self.limits.first_pause;
        loop {
            match attempt() {
                Err(error) if error.is_unreachable() && self.client.pause(pause) => pause *= 2,
                result => return result,
            }
        }
    }

    /// Waits until every change that another gate had begun when the runs were read has arrived.
    fn watch(&self) -> Instant {
        thread::sleep(self.limits.until_others_finish());
        Instant::now()
    }

    /// Reads the tagged runs again and removes the tag from those that should lose it, in one request.
    fn remove_from_others(&self, read_at: Instant) -> Result<Promotion, Error> {
        let tagged = self.client.tagged(self.scope, self.tag)?;
        if tagged.iter().all(|run| run.id != *self.candidate) {
            return self.candidate_lost_the_tag(&tagged);
        }
        let (lose, mut also_tagged) = split_by_change(self.plan, self.candidate, &tagged);
        if read_at.elapsed() > self.limits.moving || (self.plan.watch && self.has_moved(&tagged)) {
            also_tagged.extend(lose);
            return Ok(Promotion::Moved { from: Vec::new(), also_tagged });
        }
        if !lose.is_empty() {
            self.client.remove_tag(&lose, self.tag)?;
        }
        let superseded = self.plan.supersede.iter().map(|old| old.id.clone());
        Ok(Promotion::Moved { from: superseded.filter(|id| !also_tagged.contains(id)).collect(), also_tagged })
    }

    /// The tag was added to the candidate, which does not have it: another gate moved it on, or the server did not keep it.
    fn candidate_lost_the_tag(&self, tagged: &[Run]) -> Result<Promotion, Error> {
        if tagged.iter().any(|run| self.is_new(run)) {
            return Ok(Promotion::Superseded { by: tagged.iter().map(|run| run.id.clone()).collect() });
        }
        Err(self.client.tag_not_kept())
    }

    /// Whether the run got the tag after the runs were read.
    fn is_new(&self, run: &Run) -> bool {
        run.id != *self.candidate
            && self.plan.supersede.iter().all(|old| old.id != run.id)
            && !self.plan.keep.contains(&run.id)
    }

    /// Whether other runs have the tag than when the runs were read.
    fn has_moved(&self, tagged: &[Run]) -> bool {
        let before = 1 + self.plan.supersede.len() + self.plan.keep.len();
        tagged.len() != before || tagged.iter().any(|run| self.is_new(run))
    }
}
