//! Moving the tag: what to change (pure), and changing it.
//!
//! The tag is added to the candidate, who carries it is asked again, and only then it is taken from others. ClearML has no
//! compare-and-swap, so gates at work at once must not undo one another. They cannot, because of who may take the tag
//! from whom:
//!
//! 1. **A new candidate** supersedes those that carried the tag when it was judged, unless anything about them changed by
//!    the second look. So whoever loses the tag got it before the one who takes it, and of all that carry it the one that
//!    got it last cannot lose it. What came in between belongs to another gate and is left alone.
//! 2. **A candidate that may have lost the tag a moment ago** does not get it back yet: a removal that was decided on before
//!    may still be under way and would hit it. That is so when its tags were changed within [`RECENT`], and those of one
//!    that carries the tag within [`SETTLED`]. With that, the order of rule 1 has no gap between look and removal.
//! 3. **A candidate that carries the tag already** (a move was interrupted, or gates raced) supersedes those whose tags
//!    nobody has changed lately, if its own have been: an unfinished move is finished at once. When nobody has touched any of
//!    them for [`SETTLED`], no gate can be at work, and the best takes the tag from the others. Otherwise nothing is
//!    concluded, and the next run finds out.
//!
//! Behind the numbers stands that a gate changes nothing later than [`Limits::moving`] after it judged; [`SETTLED`] exceeds
//! [`RECENT`] by more than a gate lives, so that no two at once can draw opposite conclusions from rule 3.
//!
//! Servers before API 2.27 do not tell when tags were changed. There rule 2 cannot be kept, and for rule 3 the gate watches
//! for as long as another one could be at work ([`Limits::no_longer_at_work`]) whether anything moves.
//!
//! The rules are held by trying all orders of two and of three gates on a model below, and over HTTP in `tests/proof`.

use std::cell::Cell;
use std::thread;
use std::time::{Duration, Instant};

use crate::clearml::{Client, Error, Scope};
use crate::limits::Limits;
use crate::metric::Metrics;
use crate::name::Tag;
use crate::run::{Run, TaskId};

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
    const fn changes_anything(&self) -> bool {
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

/// What became of the tag.
#[derive(Debug, Clone)]
pub(crate) enum Promotion {
    /// The candidate carried it before; nothing was written.
    Holds {
        /// Tasks that carry it as well and were left alone, since another gate may be at work on them.
        left: Vec<TaskId>,
    },
    /// The candidate carries it now.
    Moved {
        /// The tasks it was taken from.
        from: Vec<TaskId>,
        /// Tasks that carry it as well and were left alone, since another gate may be at work on them.
        left: Vec<TaskId>,
    },
    /// The candidate got it, and another gate, at work at the same time, moved it on.
    Superseded {
        /// The tasks that carry it now.
        by: Vec<TaskId>,
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
    /// The candidate lost it a moment ago, and the gate that took it may still be at work.
    JustTaken,
}

/// Decides who loses the tag to the candidate, or why it is not to have it now. `now` is the server's clock in microseconds,
/// 0 when unknown.
pub(crate) fn plan(candidate: &Run, tagged: &[&Run], metrics: &Metrics, now: u64) -> Result<Plan, KeptBecause> {
    // Without a clock every change that is known of may be a recent one.
    let age = |touched: u64| if now == 0 { Duration::ZERO } else { Duration::from_micros(now.saturating_sub(touched)) };
    let untouched_for = |run: &Run, span: Duration| run.touched.is_none_or(|touched| age(touched) > span);
    let others: Vec<&Run> = tagged.iter().copied().filter(|run| run.id != candidate.id).collect();
    let add = others.len() == tagged.len();
    let all_quiet = tagged.iter().all(|run| untouched_for(run, SETTLED));
    if add && !all_quiet && !untouched_for(candidate, RECENT) {
        return Err(KeptBecause::JustTaken);
    }
    let loses = |run: &&Run| match (add, all_quiet) {
        (true, _) => true,
        (false, true) => metrics.compare(candidate, run).is_gt(),
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
    pub(crate) limits: Limits,
}

impl Move<'_> {
    /// Moves the tag to the candidate according to the plan.
    pub(crate) fn apply(&self) -> Promotion {
        if !self.plan.changes_anything() {
            return Promotion::Holds { left: self.plan.spare.clone() };
        }
        // An attempt whose answer was lost may have been obeyed, whatever a later one is told.
        let added = Cell::new(false);
        let add = || {
            let told = self.client.add_tag(self.candidate, self.tag);
            told.inspect_err(|error| added.set(added.get() || error.may_have_been_obeyed()))
        };
        if let Err(error) = persist(self.client, self.limits.first_pause, add) {
            return Promotion::Failed { error, added: added.get() };
        }
        let looked_from = if self.plan.watch { self.watched() } else { self.judged };
        match persist(self.client, self.limits.first_pause, || self.take_from_others(looked_from)) {
            Ok(promotion) => promotion,
            Err(error) => Promotion::Failed { error, added: true },
        }
    }

    /// Waits until whatever another gate had begun when the runs were read has arrived.
    fn watched(&self) -> Instant {
        thread::sleep(self.limits.no_longer_at_work());
        Instant::now()
    }

    /// One look and, if somebody is to lose the tag, one removal.
    fn take_from_others(&self, since: Instant) -> Result<Promotion, Error> {
        let carriers = self.client.tagged(self.scope, self.tag)?;
        if carriers.iter().all(|run| run.id != *self.candidate) {
            return self.without_the_tag(&carriers);
        }
        let (lose, mut left) = settle(self.plan, self.candidate, &carriers);
        if since.elapsed() > self.limits.moving || (self.plan.watch && self.has_moved(&carriers)) {
            left.extend(lose);
            return Ok(Promotion::Moved { from: Vec::new(), left });
        }
        if !lose.is_empty() {
            self.client.remove_tag(&lose, self.tag)?;
        }
        let gone = |id: &TaskId| !left.contains(id);
        Ok(Promotion::Moved { from: self.plan.supersede.iter().map(|old| old.id.clone()).filter(gone).collect(), left })
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

    /// A task whose tags were changed last at this minute.
    fn at(id: &str, value: f64, minute: u64) -> Run {
        let change = Some(minute * MINUTE);
        Run { last_change: change, touched: change, ..run(id, Status::Completed, Some(value)) }
    }

    /// A task that nothing but its own run has changed.
    fn untouched(id: &str, value: f64) -> Run {
        Run { last_change: Some(1), ..run(id, Status::Completed, Some(value)) }
    }

    fn losers(plan: &Plan) -> Vec<&str> {
        plan.supersede.iter().map(|old| old.id.as_str()).collect()
    }

    /// The plan by the clock of the tests.
    fn planned(candidate: &Run, tagged: &[&Run], minutes: u64) -> Result<Plan, KeptBecause> {
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
            (99, at("winner", 0.9, 98), Err(KeptBecause::JustTaken)),
            (99, at("winner", 0.9, 95), Err(KeptBecause::JustTaken)),
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

        fn step(&mut self, world: &mut World) {
            let candidate = &world.tasks[self.candidate];
            match (self.step, &self.plan) {
                (0, _) => {
                    let carriers = world.carriers();
                    let carriers: Vec<&Run> = carriers.iter().collect();
                    self.plan = plan(candidate, &carriers, &metrics(Direction::Max), world.clock).ok();
                }
                (1, Some(plan)) if plan.changes_anything() => world.tag(self.candidate),
                (2, Some(plan)) => self.lose = world.losers(plan, &candidate.id),
                (3, _) => self.lose.drain(..).for_each(|id| world.untag(&id)),
                _ => {}
            }
            self.step = if self.plan.is_none() { Self::STEPS } else { self.step + 1 };
        }
    }

    /// Tasks and their tags. Little time passes, as in a real race: a microsecond a change.
    #[derive(Clone)]
    struct World {
        clock: u64,
        tasks: Vec<Run>,
        tagged: BTreeSet<usize>,
    }

    impl World {
        fn new(scores: &[i32], holders: &[usize]) -> Self {
            let task = |(n, &score): (usize, &i32)| untouched(&n.to_string(), f64::from(score));
            let tasks = scores.iter().enumerate().map(task).collect();
            Self { clock: 100 * MINUTE, tasks, tagged: holders.iter().copied().collect() }
        }

        fn carriers(&self) -> Vec<Run> {
            self.tagged.iter().map(|&n| self.tasks[n].clone()).collect()
        }

        /// A gate looks before it takes, and does not when its candidate lost the tag.
        fn losers(&self, plan: &Plan, candidate: &TaskId) -> Vec<TaskId> {
            let carriers = self.carriers();
            let holds = carriers.iter().any(|run| run.id == *candidate);
            if holds { settle(plan, candidate, &carriers).0 } else { Vec::new() }
        }

        fn touch(&mut self, n: usize) {
            self.clock += 1;
            self.tasks[n].last_change = Some(self.clock);
            self.tasks[n].touched = Some(self.clock);
        }

        fn tag(&mut self, n: usize) {
            self.touch(n);
            self.tagged.insert(n);
        }

        fn untag(&mut self, id: &TaskId) {
            let n = self.tasks.iter().position(|task| task.id == *id).unwrap();
            self.touch(n);
            self.tagged.remove(&n);
        }

        /// Nothing happens for so long that every gate is done.
        fn rest(&mut self) {
            self.clock += 10 * MINUTE;
        }
    }

    /// Every order in which the steps of the gates can follow one another, killed ones included: each prefix counts.
    /// Returns how many there are.
    fn try_all_orders(world: &World, gates: &[Gate]) -> usize {
        assert!(
            !world.tagged.is_empty(),
            "lost by the gates for {:?}",
            gates.iter().map(|g| g.candidate).collect::<Vec<_>>()
        );
        let mut tried = 1;
        for n in 0..gates.len() {
            if gates[n].step < Gate::STEPS {
                let (mut world, mut gates) = (world.clone(), gates.to_vec());
                gates[n].step(&mut world);
                tried += try_all_orders(&world, &gates);
            }
        }
        tried
    }

    #[test]
    fn two_gates_at_work_never_lose_the_tag_in_any_order() {
        for scores in [[1, 2, 3], [3, 2, 1], [2, 3, 1], [1, 3, 2], [2, 2, 2]] {
            for holders in [&[0][..], &[1], &[0, 1], &[0, 2], &[1, 2], &[0, 1, 2]] {
                for (a, b) in [(0, 0), (0, 1), (0, 2), (1, 2), (1, 1), (2, 2)] {
                    assert!(try_all_orders(&World::new(&scores, holders), &[Gate::of(a), Gate::of(b)]) > 1);
                }
            }
        }
    }

    #[test]
    fn three_gates_at_work_never_lose_the_tag_in_any_order() {
        for (scores, holders) in [([1, 2, 3], &[0][..]), ([3, 2, 1], &[0]), ([2, 1, 3], &[0, 1])] {
            for candidates in [[0, 1, 2], [1, 2, 2], [0, 1, 1]] {
                let tried = try_all_orders(&World::new(&scores, holders), &candidates.map(Gate::of));
                assert!(tried > 1000, "{tried}");
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(5000))]
        #[test]
        fn four_gates_at_work_never_lose_the_tag(
            scores in prop::collection::vec(0..5i32, 4),
            candidates in prop::collection::vec(0usize..4, 4),
            holders in prop::sample::subsequence(vec![0usize, 1, 2, 3], 1..=3),
            order in prop::collection::vec(0usize..4, 0..24),
        ) {
            let mut world = World::new(&scores, &holders);
            let mut gates: Vec<Gate> = candidates.into_iter().map(Gate::of).collect();
            for n in order {
                gates[n].step(&mut world);
                prop_assert!(!world.tagged.is_empty());
            }
        }

        /// Whatever gates left behind, the best takes the tag alone once all is quiet.
        #[test]
        fn the_next_run_of_the_best_converges(
            scores in prop::collection::vec(0..5i32, 4),
            candidates in prop::collection::vec(0usize..4, 3),
            holders in prop::sample::subsequence(vec![0usize, 1, 2, 3], 1..=3),
            order in prop::collection::vec(0usize..3, 0..16),
        ) {
            let mut world = World::new(&scores, &holders);
            let mut gates: Vec<Gate> = candidates.into_iter().map(Gate::of).collect();
            for n in order {
                gates[n].step(&mut world);
            }
            world.rest();
            let carriers = world.carriers();
            let best = carriers.iter().max_by(|a, b| metrics(Direction::Max).compare(a, b)).unwrap();
            let best = best.id.as_str().parse().unwrap();
            let mut gate = Gate::of(best);
            (0..Gate::STEPS).for_each(|_| gate.step(&mut world));
            prop_assert_eq!(world.tagged.into_iter().collect::<Vec<_>>(), [best]);
        }

        /// A run that is repeated after it was killed anywhere leaves the tag on its candidate alone, at once.
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
                (0..steps).for_each(|_| gate.step(&mut world));
            }
            prop_assert_eq!(world.tagged.into_iter().collect::<Vec<_>>(), [candidate]);
        }
    }
}
