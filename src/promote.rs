//! Moving the tag: what to change (pure), and changing it.
//!
//! The tag is added to the candidate, who carries it is asked again, and only then it is taken from others, so that at
//! every instant at least one task has it. ClearML has no compare-and-swap, so several gates at work at once must not
//! undo one another. They cannot, because every gate takes the tag only from tasks that got it *before* its own
//! candidate did, which puts all removals into one order and leaves the last task in it alone:
//!
//! - A candidate that did not carry the tag when it was judged supersedes those that did then, unless they were touched
//!   since. Tasks that appeared in between belong to another gate and are left to the next run.
//! - A candidate that carries it already (an earlier run was interrupted) supersedes those that were changed before it.
//!   Once nobody has touched any of them for [`SETTLED`], no gate can be at work any more, and the best takes the tag
//!   from the others.
//! - A gate that has not come to the removal within [`LIFETIME`] of judging leaves it to the next run.
//!
//! Servers before API 2.27 are not asked when a task was changed; there the score alone decides in the second case.
//!
//! What is left is the time between the last look and the removal, one round trip: if two further gates, one of them
//! for the very task that is about to lose the tag, begin and end within it, the tag is lost. For two gates there is no
//! such order of events; the tests below try them all.

use std::time::{Duration, Instant};

use crate::clearml::{Client, Error, Scope};
use crate::metric::Metrics;
use crate::run::{Run, TaskId};
use crate::settings::Tag;

/// After this long without a change no gate can be in the middle of a move.
const SETTLED: Duration = Duration::from_mins(12);
/// Up to this age a change may be another gate's; between the two nothing is concluded.
const YOUNG: Duration = Duration::from_mins(10);
/// The longest time from judging to the removal.
const LIFETIME: Duration = Duration::from_mins(1);
/// The first pause before a write that failed is tried again.
const FIRST_PAUSE: Duration = Duration::from_millis(500);

/// What is to be changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Plan {
    /// Whether the candidate has to get the tag.
    pub(crate) add: bool,
    /// Who loses it, if nobody touched them since.
    pub(crate) supersede: Vec<Superseded>,
}

/// A task that is to lose the tag, as it was when that was decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Superseded {
    /// The task.
    pub(crate) id: TaskId,
    /// When it was changed last; `None` on servers that do not tell.
    pub(crate) last_change: Option<u64>,
}

/// What became of the tag.
#[derive(Debug, Clone)]
pub(crate) enum Promotion {
    /// The candidate is the only one that carries it, and did so before; nothing was written.
    Holds,
    /// The candidate carries it now.
    Moved {
        /// The tasks it was taken from.
        from: Vec<TaskId>,
        /// Tasks that carry it as well and were left alone, since another gate may be at work on them.
        left: Vec<TaskId>,
    },
    /// It stays where it is, on purpose.
    Kept(KeptBecause),
    /// It should have moved, and could not.
    Failed {
        /// What went wrong.
        error: Error,
        /// Whether the candidate may carry it nevertheless.
        added: bool,
    },
}

/// Why a tag was not to be moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeptBecause {
    /// The check did not pass.
    NotPassed,
    /// The settings say that the tag never moves.
    Never,
    /// The settings say that the tag moves at the merge, and this is none.
    UntilMerged,
    /// The same, and this CI does not tell whether this is the main branch.
    PerhapsNotMain,
    /// The candidate is worse than the best, and the settings say to keep that.
    KeepBest,
}

/// Decides who loses the tag to the candidate. `now` is the server's clock in microseconds, 0 when unknown.
pub(crate) fn plan(candidate: &Run, tagged: &[&Run], metrics: &Metrics, now: u64) -> Plan {
    let others = || tagged.iter().filter(|run| run.id != candidate.id);
    let holds = tagged.iter().any(|run| run.id == candidate.id);
    if !holds {
        return Plan { add: true, supersede: others().map(|run| superseded(run)).collect() };
    }
    let newest_change = tagged.iter().filter_map(|run| run.last_change).max();
    let age = newest_change.map(|change| Duration::from_micros(now.saturating_sub(change)));
    let loses = |run: &Run| match age {
        Some(age) if age <= YOUNG || now == 0 => run.last_change < candidate.last_change,
        Some(age) if age <= SETTLED => false,
        _ => metrics.compare(candidate, run).is_gt(),
    };
    Plan { add: false, supersede: others().filter(|run| loses(run)).map(|run| superseded(run)).collect() }
}

fn superseded(run: &Run) -> Superseded {
    Superseded { id: run.id.clone(), last_change: run.last_change }
}

/// Splits those who carry the tag now, the candidate aside, into who loses it and who is left alone.
pub(crate) fn settle(plan: &Plan, candidate: &TaskId, carriers: &[Run]) -> (Vec<TaskId>, Vec<TaskId>) {
    let untouched =
        |run: &&Run| plan.supersede.iter().any(|old| old.id == run.id && old.last_change == run.last_change);
    let (lose, left): (Vec<&Run>, Vec<&Run>) = carriers.iter().filter(|run| run.id != *candidate).partition(untouched);
    let ids = |runs: Vec<&Run>| runs.into_iter().map(|run| run.id.clone()).collect();
    (ids(lose), ids(left))
}

/// A move of the tag that was decided on.
pub(crate) struct Move<'a> {
    pub(crate) client: &'a Client<'a>,
    pub(crate) scope: Scope<'a>,
    pub(crate) tag: &'a Tag,
    pub(crate) candidate: &'a TaskId,
    pub(crate) plan: &'a Plan,
    /// When the runs were read that the plan rests on.
    pub(crate) judged: Instant,
}

impl Move<'_> {
    /// Moves the tag to the candidate according to the plan.
    pub(crate) fn apply(&self) -> Promotion {
        if !self.plan.add && self.plan.supersede.is_empty() {
            return Promotion::Holds;
        }
        if self.plan.add
            && let Err(error) = persist(self.client, || self.client.add_tag(self.candidate, self.tag))
        {
            // A lost answer leaves open whether the tag arrived; either way nobody lost it.
            let added = error.is_unreachable();
            return Promotion::Failed { error, added };
        }
        match persist(self.client, || self.take_from_others()) {
            Ok((from, left)) => Promotion::Moved { from, left },
            Err(error) => Promotion::Failed { error, added: true },
        }
    }

    /// One look and, if somebody is to lose the tag, one removal. Returns who lost it and who still has it.
    fn take_from_others(&self) -> Result<(Vec<TaskId>, Vec<TaskId>), Error> {
        let carriers = self.client.tagged(self.scope, self.tag)?;
        if carriers.iter().all(|run| run.id != *self.candidate) {
            return Err(self.client.not_tagged());
        }
        let (lose, mut left) = settle(self.plan, self.candidate, &carriers);
        if self.judged.elapsed() > LIFETIME {
            left.extend(lose);
            return Ok((Vec::new(), left));
        }
        if !lose.is_empty() {
            self.client.remove_tag(&lose, self.tag)?;
        }
        let gone = |id: &TaskId| !left.contains(id);
        Ok((self.plan.supersede.iter().map(|old| old.id.clone()).filter(gone).collect(), left))
    }
}

/// Tries again while there is patience and the fault may pass.
fn persist<T>(client: &Client<'_>, attempt: impl Fn() -> Result<T, Error>) -> Result<T, Error> {
    let mut pause = FIRST_PAUSE;
    loop {
        match attempt() {
            Err(error) if error.is_unreachable() && client.pause(pause) => pause *= 2,
            ended => return ended,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::Direction;
    use crate::metric::tests::metrics;
    use crate::run::Status;
    use crate::select::tests::run;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    const MINUTE: u64 = 60_000_000;

    fn at(id: &str, value: f64, last_change: u64) -> Run {
        Run { last_change: Some(last_change), ..run(id, Status::Completed, Some(value)) }
    }

    fn losers(plan: &Plan) -> Vec<&str> {
        plan.supersede.iter().map(|old| old.id.as_str()).collect()
    }

    #[test]
    fn a_new_candidate_supersedes_all_that_it_was_judged_against() {
        let (a, b, c) = (at("a", 1.0, 5), at("b", 0.5, 9), at("c", 0.9, 1));
        let plan = plan(&c, &[&a, &b], &metrics(Direction::Max), 10);
        assert!(plan.add);
        assert_eq!(losers(&plan), ["a", "b"]);
    }

    #[test]
    fn the_only_holder_changes_nothing() {
        let a = at("a", 1.0, 5);
        assert_eq!(plan(&a, &[&a], &metrics(Direction::Max), 10), Plan { add: false, supersede: Vec::new() });
    }

    #[test]
    fn an_interrupted_move_is_finished_by_the_run_that_began_it() {
        let (old, new) = (at("old", 0.8, MINUTE), at("new", 0.9, 2 * MINUTE));
        assert_eq!(losers(&plan(&new, &[&old, &new], &metrics(Direction::Max), 3 * MINUTE)), ["old"]);
        assert_eq!(losers(&plan(&old, &[&old, &new], &metrics(Direction::Max), 3 * MINUTE)), [""; 0]);
    }

    #[test]
    fn once_all_is_quiet_the_best_wins() {
        let (best, other) = (at("best", 0.9, MINUTE), at("other", 0.8, 2 * MINUTE));
        let later = |minutes| 2 * MINUTE + minutes * MINUTE;
        assert_eq!(losers(&plan(&best, &[&best, &other], &metrics(Direction::Max), later(9))), [""; 0]);
        assert_eq!(losers(&plan(&best, &[&best, &other], &metrics(Direction::Max), later(11))), [""; 0]);
        assert_eq!(losers(&plan(&best, &[&best, &other], &metrics(Direction::Max), later(13))), ["other"]);
        assert_eq!(losers(&plan(&other, &[&best, &other], &metrics(Direction::Max), later(13))), [""; 0]);
    }

    #[test]
    fn who_was_touched_since_or_came_since_is_left_alone() {
        let (a, b, c) = (at("a", 1.0, 5), at("b", 0.5, 9), at("c", 0.9, 1));
        let plan = plan(&c, &[&a, &b], &metrics(Direction::Max), 10);
        let now = [at("a", 1.0, 5), at("b", 0.5, 11), at("c", 0.9, 12), at("d", 0.7, 12)];
        let (lose, left) = settle(&plan, &c.id, &now);
        assert_eq!(lose, [TaskId("a".to_owned())]);
        assert_eq!(left, [TaskId("b".to_owned()), TaskId("d".to_owned())]);
    }

    /// One gate at work: it reads, adds, looks again, removes; each step sees the world as it is then.
    #[derive(Clone)]
    struct Gate {
        candidate: usize,
        step: usize,
        plan: Option<Plan>,
        lose: Vec<TaskId>,
    }

    impl Gate {
        const STEPS: usize = 4;

        const fn of(candidate: usize) -> Self {
            Self { candidate, step: 0, plan: None, lose: Vec::new() }
        }
    }

    #[derive(Clone)]
    struct World {
        clock: u64,
        tasks: Vec<Run>,
        tagged: BTreeSet<usize>,
    }

    impl World {
        fn new(scores: &[i32], holders: &[usize]) -> Self {
            let task = |(n, &score): (usize, &i32)| at(&n.to_string(), f64::from(score), n as u64);
            Self {
                clock: 10,
                tasks: scores.iter().enumerate().map(task).collect(),
                tagged: holders.iter().copied().collect(),
            }
        }

        fn carriers(&self) -> Vec<Run> {
            self.tagged.iter().map(|&n| self.tasks[n].clone()).collect()
        }

        fn touch(&mut self, n: usize) {
            self.clock += 1;
            self.tasks[n].last_change = Some(self.clock);
        }

        fn step(&mut self, gate: &mut Gate) {
            let candidate = &self.tasks[gate.candidate];
            match (gate.step, &gate.plan) {
                (0, _) => {
                    let carriers = self.carriers();
                    gate.plan = Some(plan(
                        candidate,
                        &carriers.iter().collect::<Vec<_>>(),
                        &metrics(Direction::Max),
                        self.clock,
                    ));
                }
                (1, Some(plan)) if plan.add => {
                    self.touch(gate.candidate);
                    self.tagged.insert(gate.candidate);
                }
                (2, Some(plan)) => gate.lose = settle(plan, &candidate.id, &self.carriers()).0,
                (3, _) => {
                    for id in gate.lose.clone() {
                        let n = self.tasks.iter().position(|task| task.id == id).unwrap();
                        self.touch(n);
                        self.tagged.remove(&n);
                    }
                }
                _ => {}
            }
            gate.step += 1;
        }
    }

    /// Every order in which the steps of the gates can follow one another, killed ones included: each prefix counts.
    fn try_all_orders(world: &World, gates: &[Gate]) {
        assert!(!world.tagged.is_empty());
        for n in 0..gates.len() {
            if gates[n].step < Gate::STEPS {
                let (mut world, mut gates) = (world.clone(), gates.to_vec());
                world.step(&mut gates[n]);
                try_all_orders(&world, &gates);
            }
        }
    }

    #[test]
    fn two_gates_at_work_never_lose_the_tag_in_any_order() {
        for scores in [[1, 2, 3], [3, 2, 1], [2, 3, 1], [1, 3, 2], [2, 2, 2]] {
            for holders in [&[0][..], &[1], &[0, 1], &[0, 2], &[1, 2], &[0, 1, 2]] {
                for (a, b) in [(0, 1), (0, 2), (1, 2), (1, 1), (2, 2)] {
                    try_all_orders(&World::new(&scores, holders), &[Gate::of(a), Gate::of(b)]);
                }
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]
        /// With the look and the removal as one step: see the top of this file for what lies between them.
        #[test]
        fn three_gates_at_work_never_lose_the_tag(
            scores in prop::collection::vec(0..5i32, 4),
            candidates in prop::collection::vec(0usize..4, 3),
            holders in prop::sample::subsequence(vec![0usize, 1, 2, 3], 1..=3),
            order in prop::collection::vec(0usize..3, 0..16),
        ) {
            let mut world = World::new(&scores, &holders);
            let mut gates: Vec<Gate> = candidates.into_iter().map(Gate::of).collect();
            for n in order {
                world.step(&mut gates[n]);
                if gates[n].step == 3 {
                    world.step(&mut gates[n]);
                }
                prop_assert!(!world.tagged.is_empty());
            }
        }

        /// A run that is repeated after it was killed anywhere leaves the tag on its candidate alone.
        #[test]
        fn a_repeated_run_converges(
            scores in prop::collection::vec(0..5i32, 3),
            candidate in 0usize..3,
            holder in 0usize..3,
            killed in 0usize..4,
        ) {
            let mut world = World::new(&scores, &[holder]);
            for steps in [killed, Gate::STEPS] {
                let mut gate = Gate::of(candidate);
                (0..steps).for_each(|_| world.step(&mut gate));
            }
            prop_assert_eq!(world.tagged.into_iter().collect::<Vec<_>>(), [candidate]);
        }
    }
}
