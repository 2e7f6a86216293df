//! Which run is the candidate, which is the baseline, and what the report says if there is none.

use clearml_sandbox::{At, Effect, Sandbox, TaskSeed};
use serde_json::json;

use crate::support::{BASE, Gate, HEAD, NOBODY, OTHER, PROJECT, SERIES, TAG, TASK, TITLE, as_answered, best, run};

#[test]
fn the_newest_clean_completed_run_of_the_commit_is_judged() {
    let sandbox = Sandbox::start();
    sandbox.add(best(0.8));
    sandbox.add(run(HEAD, 0.5));
    let newest = sandbox.add(run(HEAD, 0.9));
    sandbox.add(run(HEAD, 0.99).diff("+ a change"));
    sandbox.add(run(HEAD, 0.99).status("failed"));
    sandbox.add(run(HEAD, 0.99).status("in_progress"));
    sandbox.add(run(HEAD, 0.99).system_tag("archived"));
    sandbox.add(run(OTHER, 0.99));
    Gate::of(&sandbox).run().expect(0, "PASSED, improved").says("candidate 0.9 ");
    assert_eq!(sandbox.tagged(TAG), [newest]);
}

#[test]
fn a_published_run_counts_and_a_run_without_a_diff_is_clean() {
    for status in ["published", "publishing"] {
        let sandbox = Sandbox::start();
        sandbox.add(best(0.8));
        let newest = sandbox.add(run(HEAD, 0.9).status(status).no_diff());
        Gate::of(&sandbox).run().expect(0, "PASSED, improved").says("candidate 0.9 ");
        assert_eq!(sandbox.tagged(TAG), [newest], "{status}");
    }
}

#[test]
fn only_the_exact_project_and_name_count() {
    let sandbox = Sandbox::start();
    sandbox.add(run(HEAD, 0.9));
    for (project, name) in [("vision/detector/sub", TASK), (PROJECT, "train_2"), (PROJECT, "Train"), ("vision", TASK)] {
        let seed = |commit| TaskSeed::new(project, name).commit(commit).scalar(TITLE, SERIES, &[(0, 0.99)]);
        sandbox.add(seed(HEAD));
        sandbox.add(seed(BASE).tag(TAG));
    }
    Gate::of(&sandbox).run().expect(0, "PASSED, first");
}

#[test]
fn a_tag_that_is_nearly_the_same_is_pointed_out() {
    for (spelling, shown) in [
        ("best performance", "\"best performance\"; upper and lower case must match"),
        ("Best  Performance", "\"Best Performance\" with other spaces; the spaces must match"),
        ("Best Performance ", "\"Best Performance \" with other spaces; the spaces must match"),
        ("Best\u{a0}Performance", "\"Best\\u{a0}Performance\" with other spaces; the spaces must match"),
        ("BestPerformance", "\"BestPerformance\"; every letter must match"),
        ("Best Performence", "\"Best Performence\"; every letter must match"),
    ] {
        let sandbox = Sandbox::start();
        let (head, other) = (sandbox.add(run(HEAD, 0.9)), sandbox.add(run(BASE, 0.8).tag("prod").tag(spelling)));
        let said = format!("warning: no run has the tag \"{TAG}\", but one has {shown}");
        let gate = Gate::of(&sandbox).set("CLEARML_NO_BASELINE", "fail");
        gate.run().expect(3, "NO VERDICT: no run with this name has the tag").says(&said);
        gate.unset("CLEARML_NO_BASELINE").run().expect(0, "PASSED, first").says(&said);
        assert_eq!((sandbox.tagged(TAG), sandbox.tags(&other)), (vec![head], vec!["prod".into(), spelling.into()]));
    }
}

/// A loss with the wrong direction: if higher is better, the best value of every run is its first.
#[test]
fn a_best_value_at_the_start_of_both_runs_raises_the_question_of_the_direction() {
    let falling: Vec<(i64, f64)> = (0..5).map(|n| (n, 1.0 - 0.1 * f64::from(i32::try_from(n).unwrap()))).collect();
    let rising: Vec<(i64, f64)> = falling.iter().map(|(n, value)| (*n, 1.0 - value)).collect();
    let flat: Vec<(i64, f64)> = falling.iter().map(|(n, _)| (*n, 0.5)).collect();
    let note = |other: &str| {
        format!(
            "note: the best value of loss / eval is at the start of both runs; did you mean {other} as its direction?"
        )
    };
    for (candidate, baseline, direction, other) in [
        (&falling, &falling, "MAX", Some("MIN")),
        (&rising, &rising, "MIN", Some("MAX")),
        (&falling, &falling, "MIN", None),
        (&rising, &rising, "MAX", None),
        (&falling, &rising, "MAX", None),
        (&rising, &falling, "MAX", None),
        (&flat, &flat, "MAX", None),
        (&falling[..2].to_vec(), &falling, "MAX", None),
    ] {
        let sandbox = Sandbox::start();
        let seed = |commit: &str, points: &[(i64, f64)]| run(commit, 0.5).scalar("loss", "eval", points);
        sandbox.add(seed(BASE, baseline).tag(TAG));
        sandbox.add(seed(HEAD, candidate));
        let gate = Gate::of(&sandbox).set("CLEARML_SCALAR_TITLE", "loss").set("CLEARML_SCALAR_SERIES", "eval");
        let gate = gate
            .set("CLEARML_SCALAR_MIN_MAX", direction)
            .set("CLEARML_PROMOTE", "never")
            .set("CLEARML_SCALAR_ZERO", "valid");
        let ran = gate.run();
        match other {
            Some(other) => drop(ran.expect(0, "PASSED").says(&note(other))),
            None => assert!(!ran.out.contains("note:"), "{}", ran.out),
        }
        let last = gate.set("CLEARML_SCALAR_VALUE", "last").run();
        assert!(!last.out.contains("note:"), "{}", last.out);
    }
}

#[test]
fn other_tags_are_not_pointed_out_and_their_request_may_fail() {
    for (tag, status) in [("Best Performance 2", 200), ("production", 200), ("Best Performence", 500)] {
        let sandbox = Sandbox::start();
        sandbox.add(run(HEAD, 0.9));
        sandbox.add(run(BASE, 0.8).tag(tag));
        // After the project: the runs, the uncommitted changes, the move of the tag, and the tags of other runs.
        if status != 200 {
            sandbox.fault(At::NthOf("tasks.get_all_ex", 4), Effect::status(status));
        }
        let ran = Gate::of(&sandbox).run().expect(0, "PASSED, first");
        assert!(!ran.out.contains("warning"), "{}", ran.out);
        let lists = sandbox.requests().iter().filter(|request| request.endpoint == "tasks.get_all_ex").count();
        assert_eq!(lists, 4, "the tags are requested once");
    }
}

/// Servers ignore unknown filters.
#[test]
fn of_all_projects_the_one_of_the_name_counts() {
    let sandbox = Sandbox::start();
    sandbox.add(best(0.8));
    sandbox.add(run(HEAD, 0.9));
    let id = sandbox.project(PROJECT);
    let other = sandbox.project("vision/other");
    let answer = |projects: &[(&str, &str)]| {
        let projects: Vec<_> = projects.iter().map(|(id, name)| json!({"id": id, "name": name})).collect();
        let body = json!({"meta": {"result_code": 200}, "data": {"projects": projects}}).to_string();
        Effect::json(body)
    };
    sandbox
        .fault(At::Endpoint("projects.get_all_ex"), answer(&[(&other, "vision/other"), ("", PROJECT), (&id, PROJECT)]));
    Gate::of(&sandbox).run().expect(0, "PASSED, improved");
    sandbox.clear_faults();
    sandbox.fault(At::Endpoint("projects.get_all_ex"), answer(&[(&id, "Vision/Detector"), ("", PROJECT)]));
    Gate::of(&sandbox).run().expect(3, "NO VERDICT: there is no project");
}

#[test]
fn names_with_every_kind_of_character_are_literal() {
    for (project, task) in
        [("a.b (c)+[d]", "train|.*"), ("проект ü 模型", "модель"), ("$x^y|z", "-dash"), ("a\\b", "q\"'`")]
    {
        let sandbox = Sandbox::start();
        let seed = |name: &str| TaskSeed::new(project, name).commit(HEAD).scalar("t.$/ü", "s|[", &[(0, 0.9)]);
        sandbox.add(seed(task));
        sandbox.add(seed("axb").tag(TAG));
        sandbox.project("axb (c)+[d]");
        Gate::of(&sandbox)
            .set("CLEARML_PROJECT", project)
            .set("CLEARML_TASK_NAME", task)
            .set("CLEARML_SCALAR_TITLE", "t.$/ü")
            .set("CLEARML_SCALAR_SERIES", "s|[")
            .run()
            .expect(0, "PASSED, first");
    }
}

#[test]
fn tags_with_every_kind_of_character_are_literal() {
    for tag in ["best (of) [all]+", "-minus", ".*", "größte", HEAD] {
        let sandbox = Sandbox::start();
        let base = sandbox.add(run(BASE, 0.8).tag(tag).tag("keep"));
        let head = sandbox.add(run(HEAD, 0.9));
        Gate::of(&sandbox).set("CLEARML_BEST_TAGNAME", tag).run().expect(0, "PASSED, improved");
        assert_eq!(
            (sandbox.tags(&base), sandbox.tags(&head)),
            (vec!["keep".to_owned()], vec![tag.to_owned()]),
            "{tag}"
        );
    }
}

#[test]
fn hidden_projects_are_found() {
    let sandbox = Sandbox::start();
    sandbox.hidden_project("vision/.pipelines/detector");
    sandbox.add(TaskSeed::new("vision/.pipelines/detector", TASK).commit(HEAD).scalar(TITLE, SERIES, &[(0, 0.9)]));
    Gate::of(&sandbox).set("CLEARML_PROJECT", "vision/.pipelines/detector").run().expect(0, "PASSED, first");
}

#[test]
fn of_several_tagged_the_best_is_the_baseline_and_a_move_leaves_one() {
    let sandbox = Sandbox::start();
    sandbox.add(best(0.8));
    sandbox.add(run(OTHER, 0.95).tag(TAG));
    sandbox.add(TaskSeed::new(PROJECT, TASK).commit(OTHER).tag(TAG));
    sandbox.add(run(HEAD, 0.9));
    Gate::of(&sandbox).run().expect(1, "FAILED, degraded").says("baseline 0.95 ").says("3 runs have the tag");
    let better = sandbox.add(run(HEAD, 0.96));
    Gate::of(&sandbox).run().expect(0, "PASSED, improved");
    assert_eq!(sandbox.tagged(TAG), [better]);
}

#[test]
fn without_a_baseline_the_settings_decide() {
    let sandbox = Sandbox::start();
    let head = sandbox.add(run(HEAD, 0.9).tag("BEST performance"));
    let fail = Gate::of(&sandbox).set("CLEARML_NO_BASELINE", "fail").run();
    fail.expect(3, "NO VERDICT: no run with this name has the tag")
        .says("CLEARML_NO_BASELINE")
        .says("\"BEST performance\"");
    Gate::of(&sandbox).run().expect(0, "PASSED, first");
    assert!(sandbox.tags(&head).contains(&TAG.to_owned()));
}

#[test]
fn a_baseline_that_is_not_sound_is_used_with_a_warning() {
    let sandbox = Sandbox::start();
    sandbox.add(best(0.8).diff("+ a change").system_tag("archived"));
    sandbox.add(run(HEAD, 0.9));
    let ran = Gate::of(&sandbox).run().expect(0, "PASSED, improved");
    ran.says("warning: the baseline was run with uncommitted changes")
        .says("warning: the baseline did not complete, or is archived");
}

#[test]
fn runs_that_almost_qualify_are_counted() {
    let sandbox = Sandbox::start();
    sandbox.add(best(0.8));
    for seed in [run(HEAD, 0.9).diff("x"), run(HEAD, 0.9).diff("y"), run(HEAD, 0.9).status("failed")] {
        sandbox.add(seed);
    }
    for status in ["in_progress", "queued", "stopped", "created"] {
        sandbox.add(run(HEAD, 0.9).status(status));
    }
    let before = sandbox.state();
    let ran = Gate::of(&sandbox).run().expect(3, "NO VERDICT: no run of this commit is both completed and");
    let ran = ran.says("2 runs of this commit have uncommitted changes").says("1 run of this commit failed");
    let ran = ran.says("1 run of this commit is still running").says("1 run of this commit is waiting in a queue");
    ran.says("1 run of this commit was stopped").says("1 run of this commit was never started");
    assert_eq!(sandbox.state(), before);
}

#[test]
fn a_commit_without_a_run_is_reported_with_the_newest_clean_run() {
    let sandbox = Sandbox::start();
    sandbox.add(best(0.8));
    sandbox.add(run(OTHER, 0.9));
    sandbox.add(run("1234567000000000000000000000000000000000", 0.9).diff("dirty"));
    let ran = Gate::of(&sandbox).run().expect(3, NOBODY);
    ran.says("The newest clean run is of c0ffee0000c0").says("run the training on exactly this commit");
}

#[test]
fn unknown_names_are_answered_with_the_nearest() {
    let sandbox = Sandbox::start();
    sandbox.add(best(0.8));
    let ran = Gate::of(&sandbox).set("CLEARML_PROJECT", "vision/detectr").run();
    ran.expect(3, "NO VERDICT: there is no project named \"vision/detectr\"")
        .says("Similar names: \"vision/detector\", ");
    let ran = Gate::of(&sandbox).set("CLEARML_TASK_NAME", "Trainn").run();
    ran.expect(3, "NO VERDICT: this project has no task named \"Trainn\"").says("Did you mean \"train\"");
    let ran = Gate::of(&sandbox).set("CLEARML_PROJECT", "xy").run();
    ran.expect(3, "NO VERDICT: there is no project named \"xy\"").says("another workspace");
}

#[test]
fn an_unknown_metric_gets_a_list_of_metrics() {
    let sandbox = Sandbox::start();
    sandbox.add(best(0.8));
    let head = sandbox.add(run(HEAD, 0.9).scalar("loss", "train", &[(0, 1.0)]));
    let ran = Gate::of(&sandbox).set("CLEARML_SCALAR_SERIES", "acuracy").run();
    let ran = ran.expect(3, "NO VERDICT: the candidate did not report validation / acuracy");
    ran.says("validation / accuracy").says("loss / train").says(&head);
    assert_eq!(sandbox.tags(&head), [""; 0]);
}

#[test]
fn a_candidate_without_the_metric_is_no_verdict_even_when_it_would_be_the_first() {
    let sandbox = Sandbox::start();
    let head = sandbox.add(TaskSeed::new(PROJECT, TASK).commit(HEAD));
    Gate::of(&sandbox).run().expect(3, "NO VERDICT: the candidate did not report").says("It reported no scalars");
    assert_eq!(sandbox.tags(&head), [""; 0]);
}

#[test]
fn a_baseline_without_the_metric_is_no_verdict() {
    let sandbox = Sandbox::start();
    let base = sandbox.add(TaskSeed::new(PROJECT, TASK).commit(BASE).tag(TAG));
    sandbox.add(run(HEAD, 0.9));
    Gate::of(&sandbox).run().expect(3, "NO VERDICT: the baseline did not report").says("Move the tag");
    assert_eq!(sandbox.tagged(TAG), [base]);
}

#[test]
fn a_value_that_is_no_number_is_no_verdict() {
    for bad in [json!(null), json!(true), json!("0.9"), json!([])] {
        let sandbox = Sandbox::start();
        sandbox.add(best(0.8));
        let head = sandbox.add(run(HEAD, 0.9));
        sandbox.edit(&head, |task| {
            for of_title in task["last_metrics"].as_object_mut().unwrap().values_mut() {
                for entry in of_title.as_object_mut().unwrap().values_mut() {
                    entry["max_value"] = bad.clone();
                }
            }
        });
        Gate::of(&sandbox)
            .run()
            .expect(3, "NO VERDICT: the candidate reported no finite number for validation / accuracy");
    }
}

#[test]
fn bare_nan_in_an_answer_is_no_verdict() {
    let sandbox = Sandbox::start();
    let head = sandbox.add(run(HEAD, 0.9));
    let task = as_answered(sandbox.task(&head)).to_string();
    let nan = task.replace(r#""max_value":0.9"#, r#""max_value":NaN"#);
    assert_ne!(nan, task);
    let body = format!(r#"{{"meta":{{"result_code":200}},"data":{{"tasks":[{nan}]}}}}"#);
    sandbox.fault(At::Request(3), Effect::json(body));
    let ran = Gate::of(&sandbox).run();
    ran.expect(3, "NO VERDICT: the candidate reported no finite number for validation / accuracy").says(&head);
    assert_eq!(sandbox.tags(&head), [""; 0]);
}

#[test]
fn a_metric_beyond_the_first_two_thousand_is_read_from_the_events() {
    let sandbox = Sandbox::start();
    let curve: Vec<(i64, f64)> = (0..3000).map(|n| (n, if n == 1500 { 0.9 } else { 0.1 })).collect();
    sandbox.add(best(0.8));
    sandbox.add(TaskSeed::new(PROJECT, TASK).commit(HEAD).events_only(TITLE, SERIES, &curve));
    Gate::of(&sandbox).set("CLEARML_PROMOTE", "never").run().expect(0, "PASSED, improved").says("candidate 0.9 ");
    let last = Gate::of(&sandbox).set("CLEARML_SCALAR_VALUE", "last").run();
    last.expect(1, "FAILED, degraded").says("candidate 0.1 ");
}

/// The server returns up to 200,000 points in one response.
#[test]
fn a_metric_of_many_points_is_read_to_its_end() {
    let sandbox = Sandbox::start();
    let curve: Vec<(i64, f64)> = (0..200_002).map(|n| (n, if n == 200_000 { 0.9 } else { 0.1 })).collect();
    sandbox.add(best(0.8));
    sandbox.add(TaskSeed::new(PROJECT, TASK).commit(HEAD).events_only(TITLE, SERIES, &curve));
    Gate::of(&sandbox).run().expect(0, "PASSED, improved").says("candidate 0.9 ");
}

#[test]
fn a_thousand_runs_of_the_commit_are_read_page_by_page() {
    let sandbox = Sandbox::start();
    let base = sandbox.add(best(0.8));
    let clean = sandbox.add(run(HEAD, 0.9));
    for _ in 0..1100 {
        sandbox.add(run(HEAD, 0.99).diff("dirty"));
    }
    Gate::of(&sandbox).run().expect(0, "PASSED, improved").says("candidate 0.9 ");
    assert_eq!((sandbox.tagged(TAG), sandbox.tags(&base).len()), (vec![clean], 2));
}

#[test]
fn no_diff_is_ever_downloaded() {
    let sandbox = Sandbox::start();
    sandbox.add(best(0.8));
    for _ in 0..50 {
        sandbox.add(run(HEAD, 0.9).diff(&"x".repeat(100_000)));
    }
    Gate::of(&sandbox).run().expect(3, "NO VERDICT");
    let bytes: usize = sandbox.requests().iter().map(|request| request.response_bytes).sum();
    // There are two lists: the runs of the commit, and the newest runs, to find the same code.
    assert!(bytes < 90_000, "{bytes}");
}
