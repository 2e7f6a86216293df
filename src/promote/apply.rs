//! Carries a plan out: gives the tag, looks again, and takes it from the others.

use std::cell::Cell;
use std::thread;
use std::time::{Duration, Instant};

use super::Promotion;
use super::plan::{Plan, settle};
use crate::clearml::{Client, Error, Scope};
use crate::model::name::Tag;
use crate::model::run::{Run, TaskId};
use crate::net::limits::Limits;

/// A move of the tag that was decided on.
pub(crate) struct Move<'a> {
    pub(crate) client: &'a Client<'a>,
    pub(crate) scope: Scope<'a>,
    pub(crate) tag: &'a Tag,
    pub(crate) candidate: &'a TaskId,
    pub(crate) plan: &'a Plan,
    /// When the runs were read that the plan rests on.
    pub(crate) read_at: Instant,
    pub(crate) limits: Limits,
}

impl Move<'_> {
    /// Moves the tag to the candidate according to the plan.
    pub(crate) fn apply(&self) -> Promotion {
        if !self.plan.changes_anything() {
            return Promotion::AlreadyTagged { also_tagged: self.plan.spare.clone() };
        }
        // An attempt whose answer was lost may have been obeyed, whatever a later one is told.
        let added = Cell::new(false);
        let add = || {
            let told = self.client.add_tag(self.candidate, self.tag);
            told.inspect_err(|error| added.set(added.get() || error.may_have_been_obeyed()))
        };
        if let Err(error) = persist(self.client, self.limits.first_pause, add) {
            return Promotion::Failed { error, candidate_may_have_tag: added.get() };
        }
        let looked_from = if self.plan.watch { self.watched() } else { self.read_at };
        match persist(self.client, self.limits.first_pause, || self.take_from_others(looked_from)) {
            Ok(promotion) => promotion,
            Err(error) => Promotion::Failed { error, candidate_may_have_tag: true },
        }
    }

    /// Waits until whatever another gate had begun when the runs were read has arrived.
    fn watched(&self) -> Instant {
        thread::sleep(self.limits.until_others_finish());
        Instant::now()
    }

    /// One look and, if somebody is to lose the tag, one removal.
    fn take_from_others(&self, since: Instant) -> Result<Promotion, Error> {
        let carriers = self.client.tagged(self.scope, self.tag)?;
        if carriers.iter().all(|run| run.id != *self.candidate) {
            return self.without_the_tag(&carriers);
        }
        let (lose, mut also_tagged) = settle(self.plan, self.candidate, &carriers);
        if since.elapsed() > self.limits.moving || (self.plan.watch && self.has_moved(&carriers)) {
            also_tagged.extend(lose);
            return Ok(Promotion::Moved { from: Vec::new(), also_tagged });
        }
        if !lose.is_empty() {
            self.client.remove_tag(&lose, self.tag)?;
        }
        let gone = |id: &TaskId| !also_tagged.contains(id);
        Ok(Promotion::Moved {
            from: self.plan.supersede.iter().map(|old| old.id.clone()).filter(gone).collect(),
            also_tagged,
        })
    }

    /// The candidate does not carry what it was given: another gate moved it on, or the server did not keep it.
    fn without_the_tag(&self, carriers: &[Run]) -> Result<Promotion, Error> {
        if carriers.iter().any(|run| self.is_new(run)) {
            return Ok(Promotion::Superseded { by: carriers.iter().map(|run| run.id.clone()).collect() });
        }
        Err(self.client.not_tagged())
    }

    /// Whether the task did not carry the tag when the runs were read.
    fn is_new(&self, run: &Run) -> bool {
        run.id != *self.candidate
            && self.plan.supersede.iter().all(|old| old.id != run.id)
            && !self.plan.spare.contains(&run.id)
    }

    /// Whether others carry the tag than did when the runs were read.
    fn has_moved(&self, carriers: &[Run]) -> bool {
        let before = 1 + self.plan.supersede.len() + self.plan.spare.len();
        carriers.len() != before || carriers.iter().any(|run| self.is_new(run))
    }
}

/// Tries again while there is patience and the fault may pass.
fn persist<T>(client: &Client<'_>, first_pause: Duration, attempt: impl Fn() -> Result<T, Error>) -> Result<T, Error> {
    let mut pause = first_pause;
    loop {
        match attempt() {
            Err(error) if error.is_unreachable() && client.pause(pause) => pause *= 2,
            ended => return ended,
        }
    }
}
