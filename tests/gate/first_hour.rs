//! The errors that new users see in their first hour. The test causes each, and `docs/first-hour.md` shows the output.

use std::path::Path;

use clearml_sandbox::Sandbox;
use expect_test::expect_file;

use crate::support::{Gate, HEAD, Ran, best, pair, run};

const INTRODUCTION: &str = "\
# The first hour

The most common errors on the first day: what is printed, what it means, and what to do. A test produces each error and
writes this file (`tests/gate/first_hour.rs`), so the output is real.
";

/// One error: the output, what it means and what to do.
struct Stumble {
    title: &'static str,
    ran: Ran,
    code: i32,
    meaning: &'static str,
}

impl Stumble {
    fn text(&self, sandbox: &Sandbox) -> String {
        let Self { title, ran, code, meaning } = self;
        assert_eq!(ran.code, *code, "{title}: {ran:#?}");
        let said = [&ran.out, &ran.err].map(|text| text.trim_end()).concat();
        let said = said.replace(&sandbox.url(), "https://api.example.org");
        format!("\n## {title}\n\n```text\n{said}\n```\n\nExit code {code}. {meaning}\n")
    }
}

#[test]
fn the_errors_of_the_first_hour_are_shown_as_they_are_printed() {
    let (sandbox, ..) = pair(0.8, 0.9);
    let gate = || Gate::of(&sandbox);
    let text = |stumble: &Stumble| stumble.text(&sandbox);
    let nothing_ran = Sandbox::start();
    nothing_ran.add(best(0.8));
    let dirty = Sandbox::start();
    dirty.add(best(0.8));
    dirty.add(run(HEAD, 0.9).diff("diff --git a/train.py b/train.py\n"));
    let running = Sandbox::start();
    running.add(best(0.8));
    running.add(run(HEAD, 0.9).status("in_progress"));
    let sections = [
        text(&Stumble {
            title: "Nothing is set (in a checkout)",
            ran: Gate::bare().set("COMMIT_ID", HEAD).run(),
            code: 2,
            meaning: "All missing settings are reported at once. On GitHub, a secret is empty if its name is misspelled, or if it\n\
                belongs to an environment that the job does not name.",
        }),
        text(&Stumble {
            title: "A pull request from a fork",
            ran: gate().set("CI", "true").set("CLEARML_API_ACCESS_KEY", "").set("CLEARML_API_SECRET_KEY", "").run(),
            code: 2,
            meaning: "A workflow that starts from a fork's pull request gets no secrets. Use a second workflow for forks:\n\
                [recipes/github/forks.yml](recipes/github/forks.yml).",
        }),
        text(&Stumble {
            title: "The wrong key",
            ran: gate().set("CLEARML_API_SECRET_KEY", "not-the-secret").run(),
            code: 4,
            meaning: "ClearML does not say which of the two is wrong. Create new credentials in the web app, under\n\
                Settings > Workspace, and save both keys as secrets.",
        }),
        text(&Stumble {
            title: "The wrong project",
            ran: gate().set("CLEARML_PROJECT", "detector").run(),
            code: 3,
            meaning: "The name must be exact, and that of a sub-project includes its parents: `vision/detector`.",
        }),
        text(&Stumble {
            title: "The wrong task name",
            ran: gate().set("CLEARML_TASK_NAME", "Train").run(),
            code: 3,
            meaning: "The name must be exactly the one that the training passes to `Task.init`.",
        }),
        text(&Stumble {
            title: "The wrong metric",
            ran: gate().set("CLEARML_SCALAR_SERIES", "acc").run(),
            code: 3,
            meaning: "In the web app, the title is above a plot and the series is in its legend.",
        }),
        Stumble {
            title: "No run of this commit yet",
            ran: Gate::of(&nothing_ran).run(),
            code: 3,
            meaning: "The gate never starts a training. Run the training on the head of the pull request, and check again when it\n\
                has completed.",
        }
        .text(&nothing_ran),
        Stumble {
            title: "The run is not finished",
            ran: Gate::of(&running).run(),
            code: 3,
            meaning: "`CLEARML_WAIT: 30m` waits up to 30 minutes for it. Raise the timeout of the job if it is\n\
                shorter.",
        }
        .text(&running),
        Stumble {
            title: "The run had uncommitted changes",
            ran: Gate::of(&dirty).run(),
            code: 3,
            meaning: "ClearML cannot tell which code such a run used. Commit everything, push, and run the training again.",
        }
        .text(&dirty),
        text(&Stumble {
            title: "Not a commit",
            ran: gate().set("COMMIT_ID", "main").run(),
            code: 2,
            meaning: "`COMMIT_ID` is a commit, not a branch. In a supported CI, leave it unset.",
        }),
    ];
    let document = [INTRODUCTION.to_owned(), sections.concat()].concat();
    expect_file![Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/first-hour.md")].assert_eq(&document);
}
