//! Who gets the tag and who loses it: the rules of the module above. Pure.

use std::time::Duration;

use super::NotMovedReason;
use crate::model::metric::Metrics;
use crate::model::run::{Run, TaskId};
use crate::net::limits::Limits;

/// So long after its tags were changed a task may be in the middle of another gate's move.
const RECENT: Duration = Duration::from_mins(3);
/// After this long without a change of tags no gate can be in the middle of a move.
const SETTLED: Duration = Duration::from_mins(6);
/// What the rules rest on: a gate's last change is on its way for less time than either of these.
const _: () = {
    let gate = Limits::REAL.moving.as_secs() + Limits::REAL.request.as_secs();
    assert!(RECENT.as_secs() > gate && SETTLED.as_secs() - RECENT.as_secs() > gate);
};

/// What is to be changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Plan {
    /// Whether the candidate has to get the tag.
    pub(crate) add: bool,
    /// Who loses it, if nobody touched them since.
    pub(crate) supersede: Vec<Superseded>,
    /// Who else carried it, and keeps it.
    pub(crate) spare: Vec<TaskId>,
    /// Whether to watch first that nobody else is at work, where the server does not tell.
    pub(crate) watch: bool,
}

impl Plan {
    /// Whether there is anything to write. If so the candidate is given the tag even if it carries it: the date of that
    /// tells other gates that somebody is at work.
    pub(super) const fn changes_anything(&self) -> bool {
        self.add || !self.supersede.is_empty()
    }
}

/// A task that is to lose the tag, as it was when that was decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Superseded {
    /// The task.
    pub(crate) id: TaskId,
    /// When it was changed last; `None` on servers that do not tell.
    pub(crate) last_change: Option<u64>,
}

/// Decides who loses the tag to the candidate, or why it is not to have it now. `now` is the server's clock in microseconds,
/// 0 when unknown.
pub(crate) fn plan(candidate: &Run, tagged: &[&Run], metrics: &Metrics, now: u64) -> Result<Plan, NotMovedReason> {
    // Without a clock every change that is known of may be a recent one.
    let age = |touched: u64| if now == 0 { Duration::ZERO } else { Duration::from_micros(now.saturating_sub(touched)) };
    let untouched_for = |run: &Run, span: Duration| run.touched.is_none_or(|touched| age(touched) > span);
    let others: Vec<&Run> = tagged.iter().copied().filter(|run| run.id != candidate.id).collect();
    let add = others.len() == tagged.len();
    let all_quiet = tagged.iter().all(|run| untouched_for(run, SETTLED));
    if add && !all_quiet && !untouched_for(candidate, RECENT) {
        return Err(NotMovedReason::RecentlyMoved);
    }
    let loses = |run: &&Run| match (add, all_quiet) {
        (true, _) => true,
        (false, true) => candidate.compare(run, metrics).is_gt(),
        (false, false) => !untouched_for(candidate, RECENT) && untouched_for(run, RECENT),
    };
    let (lose, spare): (Vec<&Run>, Vec<&Run>) = others.into_iter().partition(loses);
    let watch = !add && lose.iter().any(|run| run.last_change.is_none());
    let supersede = lose.into_iter().map(superseded).collect();
    Ok(Plan { add, supersede, spare: spare.into_iter().map(|run| run.id.clone()).collect(), watch })
}

fn superseded(run: &Run) -> Superseded {
    Superseded { id: run.id.clone(), last_change: run.last_change }
}

/// Splits those who carry the tag now, the candidate aside, into who loses it and who is left alone.
pub(super) fn settle(plan: &Plan, candidate: &TaskId, carriers: &[Run]) -> (Vec<TaskId>, Vec<TaskId>) {
    let untouched =
        |run: &&Run| plan.supersede.iter().any(|old| old.id == run.id && old.last_change == run.last_change);
    let (lose, left): (Vec<&Run>, Vec<&Run>) = carriers.iter().filter(|run| run.id != *candidate).partition(untouched);
    let ids = |runs: Vec<&Run>| runs.into_iter().map(|run| run.id.clone()).collect();
    (ids(lose), ids(left))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::compare::Direction;
    use crate::model::run::Status;
    use crate::model::testing::{MINUTE, metrics, run, untouched};

    /// A task whose tags were changed last at this minute.
    fn at(id: &str, value: f64, minute: u64) -> Run {
        let change = Some(minute * MINUTE);
        Run { last_change: change, touched: change, ..run(id, Status::Completed, Some(value)) }
    }

    fn losers(plan: &Plan) -> Vec<&str> {
        plan.supersede.iter().map(|old| old.id.as_str()).collect()
    }

    /// The plan by the clock of the tests.
    fn planned(candidate: &Run, tagged: &[&Run], minutes: u64) -> Result<Plan, NotMovedReason> {
        plan(candidate, tagged, &metrics(Direction::Max), minutes * MINUTE)
    }

    #[test]
    fn a_new_candidate_supersedes_all_that_it_was_judged_against() {
        let (a, b, c) = (at("a", 1.0, 50), at("b", 0.5, 99), untouched("c", 0.9));
        let plan = planned(&c, &[&a, &b], 100).unwrap();
        assert!(plan.add);
        assert_eq!(losers(&plan), ["a", "b"]);
    }

    #[test]
    fn the_only_holder_changes_nothing() {
        let a = at("a", 1.0, 5);
        let nothing = Plan { add: false, supersede: Vec::new(), spare: Vec::new(), watch: false };
        assert_eq!(planned(&a, &[&a], 10), Ok(nothing));
    }

    #[test]
    fn an_interrupted_move_is_finished_at_once_by_the_run_that_began_it() {
        for old in [at("old", 0.8, 90), untouched("old", 0.8)] {
            let new = at("new", 0.9, 99);
            assert_eq!(losers(&planned(&new, &[&old, &new], 100).unwrap()), ["old"]);
            assert_eq!(losers(&planned(&old, &[&old, &new], 100).unwrap()), [""; 0]);
        }
    }

    #[test]
    fn of_two_that_were_touched_just_now_nothing_is_concluded_until_all_is_quiet_and_the_best_wins() {
        let (best, other) = (at("best", 0.9, 98), at("other", 0.8, 99));
        for minutes in [99, 101] {
            assert_eq!(losers(&planned(&best, &[&best, &other], minutes).unwrap()), [""; 0], "{minutes}");
            assert_eq!(losers(&planned(&other, &[&best, &other], minutes).unwrap()), [""; 0], "{minutes}");
        }
        assert_eq!(losers(&planned(&best, &[&best, &other], 106).unwrap()), ["other"]);
        let other_again = planned(&other, &[&best, &other], 106).unwrap();
        assert_eq!((losers(&other_again), &other_again.spare), (vec![], &vec![TaskId("best".to_owned())]));
    }

    #[test]
    fn who_may_have_lost_the_tag_a_moment_ago_does_not_get_it_back_yet() {
        let quiet = untouched("quiet", 0.8);
        for (touched, winner, expected) in [
            (99, at("winner", 0.9, 98), Err(NotMovedReason::RecentlyMoved)),
            (99, at("winner", 0.9, 95), Err(NotMovedReason::RecentlyMoved)),
            (99, at("winner", 0.9, 93), Ok(())),
            (96, at("winner", 0.9, 95), Ok(())),
            // Whoever tags a run by hand before it is gated is not held up by that.
            (99, quiet, Ok(())),
        ] {
            let again = at("again", 0.95, touched);
            assert_eq!(planned(&again, &[&winner], 100).map(drop), expected, "{touched} {:?}", winner.touched);
        }
        assert!(planned(&at("alone", 0.9, 99), &[], 100).is_ok());
    }

    #[test]
    fn a_server_without_a_clock_has_every_known_change_taken_for_a_recent_one() {
        let (best, other) = (at("best", 0.9, 1), at("other", 0.8, 2));
        assert_eq!(losers(&planned(&best, &[&best, &other], 0).unwrap()), [""; 0]);
    }

    #[test]
    fn a_server_that_does_not_tell_changes_is_watched_before_anything_is_taken() {
        let old = |id, value| Run { last_change: None, ..untouched(id, value) };
        let (best, other) = (old("best", 0.9), old("other", 0.8));
        let plan = planned(&best, &[&best, &other], 100).unwrap();
        assert_eq!((losers(&plan), plan.watch), (vec!["other"], true));
        assert!(!planned(&old("new", 1.0), &[&best, &other], 100).unwrap().watch);
    }

    #[test]
    fn who_was_touched_since_or_came_since_is_left_alone() {
        let (a, b, c) = (at("a", 1.0, 5), at("b", 0.5, 9), untouched("c", 0.9));
        let plan = planned(&c, &[&a, &b], 100).unwrap();
        let now = [at("a", 1.0, 5), at("b", 0.5, 11), at("c", 0.9, 12), at("d", 0.7, 12)];
        let (lose, left) = settle(&plan, &c.id, &now);
        assert_eq!(lose, [TaskId("a".to_owned())]);
        assert_eq!(left, [TaskId("b".to_owned()), TaskId("d".to_owned())]);
    }
}
