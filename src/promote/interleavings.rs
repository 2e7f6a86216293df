//! A model checker for concurrent gates: no order of their steps loses the tag, and the next check converges.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::plan::{Plan, plan, split_by_change};
use crate::model::compare::Direction;
use crate::model::run::{Run, TaskId};
use crate::model::testing::{MINUTE, metrics, untouched};

/// A running gate. Its steps are: read, add, read again, remove. Each step sees the world as it is then.
#[derive(Clone)]
struct Gate {
    candidate: usize,
    step: usize,
    plan: Option<Plan>,
    lose: Vec<TaskId>,
}

impl Gate {
    const STEPS: usize = 4;

    const fn new(candidate: usize) -> Self {
        Self { candidate, step: 0, plan: None, lose: Vec::new() }
    }

    fn step(&mut self, world: &mut World) {
        let candidate = &world.tasks[self.candidate];
        match (self.step, &self.plan) {
            (0, _) => {
                let tagged = world.tagged_runs();
                let tagged: Vec<&Run> = tagged.iter().collect();
                self.plan = plan(candidate, &tagged, &metrics(Direction::Max), world.clock).ok();
            }
            (1, Some(plan)) if plan.changes_anything() => world.tag(self.candidate),
            (2, Some(plan)) => self.lose = world.losing(plan, &candidate.id),
            (3, _) => self.lose.drain(..).for_each(|id| world.untag(&id)),
            _ => {}
        }
        self.step = if self.plan.is_none() { Self::STEPS } else { self.step + 1 };
    }
}

/// Tasks and their tags. Little time passes, as in a real race: a microsecond per change.
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

    fn tagged_runs(&self) -> Vec<Run> {
        self.tagged.iter().map(|&n| self.tasks[n].clone()).collect()
    }

    /// A gate removes nothing if its candidate lost the tag.
    fn losing(&self, plan: &Plan, candidate: &TaskId) -> Vec<TaskId> {
        let tagged = self.tagged_runs();
        let has_tag = tagged.iter().any(|run| run.id == *candidate);
        if has_tag { split_by_change(plan, candidate, &tagged).0 } else { Vec::new() }
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

    /// Lets so much time pass that every gate has ended.
    fn rest(&mut self) {
        self.clock += 10 * MINUTE;
    }
}

/// Tries every order of the gates' steps. Killed gates are included, because every prefix is checked. Returns the number
/// of prefixes.
fn try_all_orders(world: &World, gates: &[Gate]) -> usize {
    assert!(
        !world.tagged.is_empty(),
        "the tag was lost by gates for {:?}",
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
fn two_gates_never_lose_the_tag_in_any_order() {
    for scores in [[1, 2, 3], [3, 2, 1], [2, 3, 1], [1, 3, 2], [2, 2, 2]] {
        for holders in [&[0][..], &[1], &[0, 1], &[0, 2], &[1, 2], &[0, 1, 2]] {
            for (a, b) in [(0, 0), (0, 1), (0, 2), (1, 2), (1, 1), (2, 2)] {
                assert!(try_all_orders(&World::new(&scores, holders), &[Gate::new(a), Gate::new(b)]) > 1);
            }
        }
    }
}

#[test]
fn three_gates_never_lose_the_tag_in_any_order() {
    for (scores, holders) in [([1, 2, 3], &[0][..]), ([3, 2, 1], &[0]), ([2, 1, 3], &[0, 1])] {
        for candidates in [[0, 1, 2], [1, 2, 2], [0, 1, 1]] {
            let tried = try_all_orders(&World::new(&scores, holders), &candidates.map(Gate::new));
            assert!(tried > 1000, "{tried}");
        }
    }
}

/// The world after gates for these candidates took steps in this order. After every step some task has the tag.
fn raced(mut world: World, candidates: Vec<usize>, order: Vec<usize>) -> World {
    let mut gates: Vec<Gate> = candidates.into_iter().map(Gate::new).collect();
    for n in order {
        gates[n].step(&mut world);
        assert!(!world.tagged.is_empty(), "the tag was lost");
    }
    world
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(5000))]
    #[test]
    fn four_gates_never_lose_the_tag(
        scores in prop::collection::vec(0..5i32, 4),
        candidates in prop::collection::vec(0usize..4, 4),
        holders in prop::sample::subsequence(vec![0usize, 1, 2, 3], 1..=3),
        order in prop::collection::vec(0usize..4, 0..24),
    ) {
        raced(World::new(&scores, &holders), candidates, order);
    }

    /// Whatever gates left behind: after a while, the best run takes the tag from all others.
    #[test]
    fn the_next_check_of_the_best_run_converges(
        scores in prop::collection::vec(0..5i32, 4),
        candidates in prop::collection::vec(0usize..4, 3),
        holders in prop::sample::subsequence(vec![0usize, 1, 2, 3], 1..=3),
        order in prop::collection::vec(0usize..3, 0..16),
    ) {
        let mut world = raced(World::new(&scores, &holders), candidates, order);
        world.rest();
        let tagged = world.tagged_runs();
        let best = tagged.iter().max_by(|a, b| a.compare(b, &metrics(Direction::Max))).unwrap();
        let best = best.id.as_str().parse().unwrap();
        let mut gate = Gate::new(best);
        (0..Gate::STEPS).for_each(|_| gate.step(&mut world));
        prop_assert_eq!(world.tagged.into_iter().collect::<Vec<_>>(), [best]);
    }

    /// A check that is repeated after it was killed at any step leaves the tag on its candidate alone, at once.
    #[test]
    fn a_repeated_check_converges(
        scores in prop::collection::vec(0..5i32, 3),
        candidate in 0usize..3,
        holder in 0usize..3,
        killed in 0usize..4,
    ) {
        let mut world = World::new(&scores, &[holder]);
        for steps in [killed, Gate::STEPS] {
            let mut gate = Gate::new(candidate);
            (0..steps).for_each(|_| gate.step(&mut world));
        }
        prop_assert_eq!(world.tagged.into_iter().collect::<Vec<_>>(), [candidate]);
    }
}
