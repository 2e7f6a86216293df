//! Gates that run at the same time, with their requests in every order. Some of the gates are killed.
//!
//! The requests before a gate reads the runs do not depend on other gates, and those after the removal change nothing. What
//! matters is the order of the five requests in between: read the runs, check for uncommitted changes, add the tag, read
//! again, remove the tag.

use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use clearml_gate::Limits;
use clearml_sandbox::{Door, Sandbox, TaskSeed};

use crate::proof::scenario::{BASE, HEAD, OTHER};
use crate::proof::trials::{EVERYTHING, Extent, in_parallel, sample, seeded};
use crate::support::{Ended, PROJECT, Random, SERIES, TAG, TASK, TITLE, judge};

/// The log-in and the search for the project.
const ASKED_BEFORE: usize = 2;
/// From reading the runs to the removal.
const STEPS: usize = 5;
/// How many orders of two gates are tried in each race, how many in which one gate dies, and how many races of three.
const ORDERS: [usize; 3] = [40, EVERYTHING, EVERYTHING];
const DEATHS: [usize; 3] = [60, 300, EVERYTHING];
const RACES_OF_THREE: [usize; 3] = [300, 900, 30_000];

const THIRD: &str = "d00d000000000000000000000000000000000000";

/// What a gate does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Move {
    /// One more request and its answer.
    Step(usize),
    /// One more request; the gate dies before the answer.
    Die(usize),
}

/// The commits that race, their values, and the value of the baseline, which has the tag.
#[derive(Debug, Clone, Copy)]
struct Race {
    commits: &'static [&'static str],
    values: &'static [f64],
    baseline: f64,
    api_version: &'static str,
}

const TWO: [Race; 4] = [
    Race { commits: &[HEAD, OTHER], values: &[0.9, 0.95], baseline: 0.8, api_version: "2.34" },
    Race { commits: &[HEAD, OTHER], values: &[0.8, 0.8], baseline: 0.8, api_version: "2.34" },
    // The baseline's own commit is gated as well.
    Race { commits: &[HEAD, BASE], values: &[0.9, 0.8], baseline: 0.8, api_version: "2.34" },
    Race { commits: &[HEAD, OTHER], values: &[0.9, 0.95], baseline: 0.8, api_version: "2.27" },
];
const THREE: [Race; 3] = [
    Race { commits: &[HEAD, OTHER, THIRD], values: &[0.9, 0.95, 0.85], baseline: 0.8, api_version: "2.34" },
    // Equal runs take the tag from each other. One of them is the baseline itself.
    Race { commits: &[HEAD, OTHER, BASE], values: &[0.8, 0.8, 0.8], baseline: 0.8, api_version: "2.34" },
    Race { commits: &[HEAD, OTHER, THIRD], values: &[0.8, 0.8, 0.8], baseline: 0.8, api_version: "2.34" },
];

#[test]
fn two_gates_never_lose_the_tag_in_any_order_and_the_next_run_leaves_it_on_the_best() {
    let (orders, deaths) = (orders_of_two(), orders_of_two_with_a_death());
    assert_eq!((orders.len(), deaths.len()), (252, 922));
    let (mut random, extent) = (seeded(), Extent::asked());
    let mut trials = Vec::new();
    for race in TWO {
        let orders = sample(&mut random, &orders, extent.pick(ORDERS));
        let deaths = sample(&mut random, &deaths, extent.pick(DEATHS));
        trials.extend(orders.into_iter().chain(deaths).map(|order| (race, order)));
    }
    println!("{} races of two gates", trials.len());
    in_parallel(&trials, |(race, order)| race.run(order));
}

#[test]
fn a_gate_that_pauses_before_the_removal_does_not_lose_what_two_others_did() {
    let whole = |gate: usize| vec![Move::Step(gate); STEPS];
    let mut trials = Vec::new();
    for race in THREE {
        for [held, first, second] in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
            for steps in 1..STEPS {
                let (before, after) = (vec![Move::Step(held); steps], vec![Move::Step(held); STEPS - steps]);
                trials.push((race, [before, whole(first), whole(second), after].concat()));
            }
        }
    }
    in_parallel(&trials, |(race, order)| race.run(order));
}

#[test]
fn three_gates_never_lose_the_tag_in_a_sample_of_orders() {
    let (mut random, samples) = (seeded(), Extent::asked().pick(RACES_OF_THREE));
    let trials: Vec<_> = (0..samples).map(|n| (THREE[n % THREE.len()], random_order(&mut random, 3))).collect();
    let is_death = |step: &&Move| matches!(step, Move::Die(_));
    let deaths = trials.iter().flat_map(|(_, order)| order).filter(is_death).count();
    println!("{samples} races of three gates, in which {deaths} gates die");
    assert!(deaths > samples / 10);
    in_parallel(&trials, |(race, order)| race.run(order));
}

/// Every way to interleave the steps of two gates.
fn orders_of_two() -> Vec<Vec<Move>> {
    fn extend(order: &mut Vec<Move>, left: [usize; 2], all: &mut Vec<Vec<Move>>) {
        if left == [0, 0] {
            all.push(order.clone());
        }
        for gate in [0, 1] {
            if left[gate] > 0 {
                let mut left = left;
                left[gate] -= 1;
                order.push(Move::Step(gate));
                extend(order, left, all);
                order.pop();
            }
        }
    }
    let mut all = Vec::new();
    extend(&mut Vec::new(), [STEPS, STEPS], &mut all);
    all
}

/// The same orders, in which one gate dies after one of its steps.
fn orders_of_two_with_a_death() -> Vec<Vec<Move>> {
    let mut all = Vec::new();
    for order in orders_of_two() {
        for dying in [0, 1] {
            for step in 0..STEPS {
                let mut order = order.clone();
                cut(&mut order, dying, step);
                all.push(order);
            }
        }
    }
    all.sort_by_key(|order| format!("{order:?}"));
    all.dedup();
    all
}

/// Lets a gate die between one of its requests and the answer.
fn cut(order: &mut Vec<Move>, dying: usize, step: usize) {
    let mut seen = 0;
    order.retain_mut(|next| {
        if *next != Move::Step(dying) {
            return true;
        }
        seen += 1;
        if seen == step + 1 {
            *next = Move::Die(dying);
        }
        seen <= step + 1
    });
}

fn random_order(random: &mut Random, gates: usize) -> Vec<Move> {
    let mut left = vec![STEPS; gates];
    let mut order = Vec::new();
    while left.iter().any(|steps| *steps > 0) {
        let gate = random.below(gates);
        if left[gate] > 0 {
            left[gate] -= 1;
            order.push(Move::Step(gate));
        }
    }
    for gate in 0..gates {
        if random.below(4) == 0 {
            cut(&mut order, gate, random.below(STEPS));
        }
    }
    order
}

impl Race {
    fn sandbox(&self) -> Sandbox {
        let sandbox = Sandbox::builder().api_version(self.api_version).start().unwrap();
        let seed =
            |commit: &str, value: f64| TaskSeed::new(PROJECT, TASK).commit(commit).scalar(TITLE, SERIES, &[(0, value)]);
        sandbox.add(seed(BASE, self.baseline).tag(TAG).tag("prod"));
        for (commit, value) in self.commits.iter().zip(self.values) {
            if *commit != BASE {
                sandbox.add(seed(commit, *value));
            }
        }
        sandbox
    }

    fn run(&self, order: &[Move]) {
        let context = format!("{self:?} {order:?}");
        let sandbox = self.sandbox();
        let lost = Arc::new(Mutex::new(false));
        let seen = Arc::clone(&lost);
        sandbox.on_request(move |_, workspace| *seen.lock().unwrap() |= workspace.tagged(TAG).is_empty());
        let doors: Vec<Door> = self.commits.iter().map(|_| sandbox.door()).collect();
        let ended = thread::scope(|scope| {
            let start = |(door, commit)| scope.spawn(move || enter(door, commit));
            let gates: Vec<_> = doors.iter().zip(self.commits.iter().copied()).map(start).collect();
            follow(&doors, order);
            gates.into_iter().map(|gate| gate.join().unwrap()).collect::<Vec<Ended>>()
        });
        assert!(!*lost.lock().unwrap() && !sandbox.tagged(TAG).is_empty(), "the tag was lost: {context}");
        for (n, Ended { code, report, .. }) in ended.iter().enumerate() {
            let died = order.contains(&Move::Die(n));
            assert!(died || *code <= 1, "{context}\n{report:#}");
        }
        self.converges(&sandbox, &context);
        assert_eq!(sandbox.tagged("prod").len(), 1, "{context}");
    }

    /// Gates the best of the tagged runs some minutes later: then this run alone has the tag.
    fn converges(&self, sandbox: &Sandbox, context: &str) {
        sandbox.advance_clock(Duration::from_mins(10));
        let left = sandbox.tagged(TAG);
        let value = |id: &str| {
            let commit = sandbox.task(id)["script"]["version_num"].as_str().unwrap().to_owned();
            let n = self.commits.iter().position(|own| *own == commit);
            (n.map_or(self.baseline, |n| self.values[n]), commit)
        };
        let most = left.iter().map(|id| value(id).0).fold(f64::MIN, f64::max);
        // Of equal runs the newest is the best.
        let best = left.iter().rev().find(|id| value(id).0 >= most).unwrap();
        let Ended { code, report, .. } = judge(&sandbox.url(), &value(best).1, patient());
        assert_eq!((code, sandbox.tagged(TAG)), (0, vec![best.clone()]), "{context}\n{report:#}");
    }
}

/// Runs a gate whose requests go through a door. The door learns when the gate ends, even by a panic.
fn enter(door: &Door, commit: &str) -> Ended {
    struct Closing<'d>(&'d Door);
    impl Drop for Closing<'_> {
        fn drop(&mut self) {
            self.0.client_ended();
        }
    }
    let _closing = Closing(door);
    judge(&door.url(), commit, patient())
}

/// Gates wait for their turn for a long time. That must not look like a server that hangs.
fn patient() -> Limits {
    Limits { first_pause: Duration::from_millis(1), longest_pause: Duration::from_millis(1), ..Limits::REAL }
}

/// Lets the gates take their steps in this order. After the last step the rest finish, one gate after the other.
fn follow(doors: &[Door], order: &[Move]) {
    for door in doors {
        for _ in 0..ASKED_BEFORE {
            assert!(door.is_wanted());
            door.admit();
        }
    }
    for step in order {
        match step {
            // A gate that does not promote takes fewer steps.
            Move::Step(gate) if doors[*gate].is_wanted() => doors[*gate].admit(),
            Move::Die(gate) if doors[*gate].is_wanted() => doors[*gate].admit_and_kill(),
            _ => {}
        }
    }
    for door in doors {
        while door.is_wanted() {
            door.admit();
        }
    }
}
