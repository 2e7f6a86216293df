//! Who gets the tag and who loses it, by the rules of the module above. Pure.

use std::time::Duration;

use super::NotMovedReason;
use crate::model::metric::Metrics;
use crate::model::run::{Run, TaskId};
use crate::net::limits::Limits;

/// For this long after its tags changed, a task may be part of another gate's unfinished move.
const RECENT: Duration = Duration::from_mins(3);
/// After this long without a change of tags, no gate can be in the middle of a move.
const SETTLED: Duration = Duration::from_mins(6);
/// The rules depend on this: a gate's last change arrives in less time than either of them.
const _: () = {
    let gate = Limits::REAL.moving.as_secs() + Limits::REAL.request.as_secs();
    assert!(RECENT.as_secs() > gate && SETTLED.as_secs() - RECENT.as_secs() > gate);
};

/// What to change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Plan {
    /// Whether the candidate gets the tag.
    pub(crate) add: bool,
    /// The runs that lose it, unless they change before that.
    pub(crate) supersede: Vec<Superseded>,
    /// The other tagged runs, which keep it.
    pub(crate) keep: Vec<TaskId>,
    /// Whether to watch first that no other gate is running, because the server does not report changes.
    pub(crate) watch: bool,
}

impl Plan {
    /// Whether there is anything to write. If so, the candidate is given the tag even if it has it: the date of that change
    /// shows other gates that this one is running.
    pub(super) const fn changes_anything(&self) -> bool {
        self.add || !self.supersede.is_empty()
    }
}

/// A task that should lose the tag, as it was when that was decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Superseded {
    pub(crate) id: TaskId,
    /// When it last changed; `None` on servers that do not report it.
    pub(crate) last_change: Option<u64>,
}

/// Decides who loses the tag to the candidate. `now` is the server's clock in microseconds, 0 when unknown.
///
/// # Errors
/// Why the candidate must not get the tag now.
pub(crate) fn plan(candidate: &Run, tagged: &[&Run], metrics: &Metrics, now: u64) -> Result<Plan, NotMovedReason> {
    let untouched_for = |run: &Run, span: Duration| run.touched.is_none_or(|touched| age(touched, now) > span);
    let others: Vec<&Run> = tagged.iter().copied().filter(|run| run.id != candidate.id).collect();
    let add = others.len() == tagged.len();
    let is_settled = tagged.iter().all(|run| untouched_for(run, SETTLED));
    if add && !is_settled && !untouched_for(candidate, RECENT) {
        return Err(NotMovedReason::RecentlyMoved);
    }
    let loses = |run: &&Run| match (add, is_settled) {
        (true, _) => true,
        (false, true) => candidate.compare(run, metrics).is_gt(),
        (false, false) => !untouched_for(candidate, RECENT) && untouched_for(run, RECENT),
    };
    let (lose, keep): (Vec<&Run>, Vec<&Run>) = others.into_iter().partition(loses);
    let watch = !add && lose.iter().any(|run| run.last_change.is_none());
    let superseded = |run: &Run| Superseded { id: run.id.clone(), last_change: run.last_change };
    Ok(Plan { add, supersede: lose.into_iter().map(superseded).collect(), keep: ids(&keep), watch })
}

/// Without a clock, any known change may be recent.
fn age(touched: u64, now: u64) -> Duration {
    if now == 0 { Duration::ZERO } else { Duration::from_micros(now.saturating_sub(touched)) }
}

/// Splits the runs that have the tag now, except the candidate, into those that lose it and those that keep it because
/// they changed, or got the tag, after the plan was made.
pub(super) fn split_by_change(plan: &Plan, candidate: &TaskId, tagged: &[Run]) -> (Vec<TaskId>, Vec<TaskId>) {
    let is_unchanged =
        |run: &&Run| plan.supersede.iter().any(|old| old.id == run.id && old.last_change == run.last_change);
    let others = tagged.iter().filter(|run| run.id != *candidate);
    let (lose, keep): (Vec<&Run>, Vec<&Run>) = others.partition(is_unchanged);
    (ids(&lose), ids(&keep))
}

fn ids(runs: &[&Run]) -> Vec<TaskId> {
    runs.iter().map(|run| run.id.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::compare::Direction;
    use crate::model::run::Status;
    use crate::model::testing::{MINUTE, metrics, run, untouched};

    /// A run whose tags last changed at this minute.
    fn at(id: &str, value: f64, minute: u64) -> Run {
        let change = Some(minute * MINUTE);
        Run { last_change: change, touched: change, ..run(id, Status::Completed, Some(value)) }
    }

    fn losing(plan: &Plan) -> Vec<&str> {
        plan.supersede.iter().map(|old| old.id.as_str()).collect()
    }

    /// The plan at this minute.
    fn planned(candidate: &Run, tagged: &[&Run], minutes: u64) -> Result<Plan, NotMovedReason> {
        plan(candidate, tagged, &metrics(Direction::Max), minutes * MINUTE)
    }

    #[test]
    fn a_new_candidate_takes_the_tag_from_all_tagged_runs() {
        let (a, b, c) = (at("a", 1.0, 50), at("b", 0.5, 99), untouched("c", 0.9));
        let plan = planned(&c, &[&a, &b], 100).unwrap();
        assert!(plan.add);
        assert_eq!(losing(&plan), ["a", "b"]);
    }

    #[test]
    fn nothing_changes_when_only_the_candidate_has_the_tag() {
        let a = at("a", 1.0, 5);
        let nothing = Plan { add: false, supersede: Vec::new(), keep: Vec::new(), watch: false };
        assert_eq!(planned(&a, &[&a], 10), Ok(nothing));
    }

    #[test]
    fn a_repeated_check_finishes_its_interrupted_move_at_once() {
        for old in [at("old", 0.8, 90), untouched("old", 0.8)] {
            let new = at("new", 0.9, 99);
            assert_eq!(losing(&planned(&new, &[&old, &new], 100).unwrap()), ["old"]);
            assert_eq!(losing(&planned(&old, &[&old, &new], 100).unwrap()), [""; 0]);
        }
    }

    #[test]
    fn two_recently_tagged_runs_stay_until_settled_and_then_the_best_wins() {
        let (best, other) = (at("best", 0.9, 98), at("other", 0.8, 99));
        for minutes in [99, 101] {
            assert_eq!(losing(&planned(&best, &[&best, &other], minutes).unwrap()), [""; 0], "{minutes}");
            assert_eq!(losing(&planned(&other, &[&best, &other], minutes).unwrap()), [""; 0], "{minutes}");
        }
        assert_eq!(losing(&planned(&best, &[&best, &other], 106).unwrap()), ["other"]);
        let other_again = planned(&other, &[&best, &other], 106).unwrap();
        assert_eq!((losing(&other_again), &other_again.keep), (vec![], &vec![TaskId("best".to_owned())]));
    }

    #[test]
    fn a_candidate_that_may_just_have_lost_the_tag_does_not_get_it_back_yet() {
        let quiet = untouched("quiet", 0.8);
        for (touched, winner, expected) in [
            (99, at("winner", 0.9, 98), Err(NotMovedReason::RecentlyMoved)),
            (99, at("winner", 0.9, 95), Err(NotMovedReason::RecentlyMoved)),
            (99, at("winner", 0.9, 93), Ok(())),
            (96, at("winner", 0.9, 95), Ok(())),
            // A change by hand to the candidate alone does not delay the move.
            (99, quiet, Ok(())),
        ] {
            let again = at("again", 0.95, touched);
            assert_eq!(planned(&again, &[&winner], 100).map(drop), expected, "{touched} {:?}", winner.touched);
        }
        assert!(planned(&at("alone", 0.9, 99), &[], 100).is_ok());
    }

    #[test]
    fn without_a_clock_every_known_change_may_be_recent() {
        let (best, other) = (at("best", 0.9, 1), at("other", 0.8, 2));
        assert_eq!(losing(&planned(&best, &[&best, &other], 0).unwrap()), [""; 0]);
    }

    #[test]
    fn watches_first_when_the_server_does_not_report_changes() {
        let old = |id, value| Run { last_change: None, ..untouched(id, value) };
        let (best, other) = (old("best", 0.9), old("other", 0.8));
        let plan = planned(&best, &[&best, &other], 100).unwrap();
        assert_eq!((losing(&plan), plan.watch), (vec!["other"], true));
        assert!(!planned(&old("new", 1.0), &[&best, &other], 100).unwrap().watch);
    }

    #[test]
    fn runs_that_changed_or_got_the_tag_since_keep_it() {
        let (a, b, c) = (at("a", 1.0, 5), at("b", 0.5, 9), untouched("c", 0.9));
        let plan = planned(&c, &[&a, &b], 100).unwrap();
        let now = [at("a", 1.0, 5), at("b", 0.5, 11), at("c", 0.9, 12), at("d", 0.7, 12)];
        let (lose, keep) = split_by_change(&plan, &c.id, &now);
        assert_eq!(lose, [TaskId("a".to_owned())]);
        assert_eq!(keep, [TaskId("b".to_owned()), TaskId("d".to_owned())]);
    }
}
