"""The real SDK creates a baseline, a better run, a worse run and a dirty run, and the gate judges them.

    story.py SERVE GATE WORK

SERVE is the sandbox's server, GATE the gate's binary, WORK an empty directory.
"""

import os
import pathlib
import re
import shlex
import subprocess
import sys

SERVE, GATE, WORK = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3])
TRAIN = pathlib.Path(__file__).with_name("train.py")
ATTEMPTS, NO_COMMIT = 3, 75
PROJECT, NAME, BEST = "sdk story/models", "train (real SDK)", "Best Performance"


# In its own thread, the SDK's git detection sometimes hangs, and the task never gets its commit.
CONFIGURATION = """
sdk {
    development {
        vcs_repo_detect_async: false
        report_use_subprocess: false
        worker { report_period_sec: 1 }
    }
}
"""


def clean_environment(**own):
    """Leaves out the caller's ClearML, CI and git settings, and keeps the caller's home unchanged."""
    prefixes = ("CLEARML_", "TRAINS_", "GITHUB_", "RUNNER_", "GIT_", "CI_", "COMMIT_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(prefixes) and name != "CI"}
    kept.update(
        HOME=str(WORK / "home"),
        CLEARML_CONFIG_FILE=str(WORK / "clearml.conf"),
        GIT_CONFIG_NOSYSTEM="1",
        NO_PROXY="127.0.0.1",
        no_proxy="127.0.0.1",
    )
    kept.update(own)
    return kept


def run(*command, env, cwd=None):
    done = subprocess.run(command, env=env, cwd=cwd, capture_output=True, text=True, timeout=300)
    if done.returncode != 0:
        sys.exit(f"{shlex.join(map(str, command))} failed ({done.returncode})\n{done.stdout}\n{done.stderr}")
    return done.stdout


class Repository:
    """The git checkout with the training script."""

    def __init__(self, env):
        self.env = env
        self.path = WORK / "repository"
        self.path.mkdir()
        self.git("init", "--quiet", "--initial-branch=main")
        self.git("config", "user.name", "story")
        self.git("config", "user.email", "story@example.invalid")
        self.git("remote", "add", "origin", "https://git.example.invalid/acme/model.git")

    def git(self, *arguments):
        return run("git", *arguments, env=self.env, cwd=self.path).strip()

    def commit(self, note):
        (self.path / "train.py").write_text(TRAIN.read_text() + f"# {note}\n")
        self.git("add", "train.py")
        self.git("commit", "--quiet", "--message", note)
        return self.git("rev-parse", "HEAD")

    def train(self, last_value):
        """Runs the training and returns the task's id, the last thing the script prints.

        If the SDK does not store the commit, the training runs again, as a user would do. The task of the failed run
        has no commit and never completes, so it is not a candidate.
        """
        command = [sys.executable, "train.py", PROJECT, NAME, str(last_value)]
        for attempt in range(1, ATTEMPTS + 1):
            done = subprocess.run(
                command, env=self.env, cwd=self.path, capture_output=True, text=True, timeout=300, check=False
            )
            if done.returncode == 0:
                return done.stdout.strip().splitlines()[-1]
            print(f"training attempt {attempt} of {ATTEMPTS}: exit {done.returncode}\n{done.stderr}", file=sys.stderr)
            if done.returncode != NO_COMMIT:
                break
        sys.exit("the training script failed")


def expect(what, actual, wanted):
    if actual != wanted:
        sys.exit(f"{what}: expected {wanted!r}, got {actual!r}")
    print(f"ok: {what}: {actual!r}")


def gate(env, commit, code, word=None):
    own = {
        "CLEARML_PROJECT": PROJECT,
        "CLEARML_TASK_NAME": NAME,
        "CLEARML_SCALAR_TITLE": "Performance Metrics",
        "CLEARML_SCALAR_SERIES": "mAP",
        "CLEARML_BEST_TAGNAME": BEST,
        "COMMIT_ID": commit,
    }
    done = subprocess.run([GATE], env={**env, **own}, cwd=WORK, capture_output=True, text=True, timeout=120)
    if done.returncode != code or (word and word not in done.stdout):
        sys.exit(f"gate: expected exit {code} and {word!r}, got {done.returncode}\n{done.stdout}\n{done.stderr}")
    print(f"ok: gate: exit {code}" + (f", {word!r}" if word else ""))


def story(env):
    os.environ.clear()
    os.environ.update(env)
    # The import reads the settings, so it comes after they are set.
    from clearml import Task

    def tags(task_id):
        return sorted(Task.get_task(task_id=task_id).get_tags())

    repository = Repository(env)
    first = repository.commit("first")
    baseline = repository.train(0.80)
    task = Task.get_task(task_id=baseline)
    expect("SDK: status", str(task.get_status()), "completed")
    expect("SDK: commit", task.data.script.version_num, first)
    expect("SDK: no diff", task.data.script.diff, "")
    scalar = task.get_last_scalar_metrics()["Performance Metrics"]["mAP"]
    expect("SDK: last, min, max", [scalar["last"], scalar["min"], scalar["max"]], [0.8, 0.16, 0.8])
    points = task.get_reported_scalars()["Performance Metrics"]["mAP"]
    expect("SDK: iterations", points["x"], [1, 2, 3, 4, 5])
    task.set_tags(["prod"])
    task.add_tags([BEST, "team-a"])
    expect("SDK: baseline's tags", tags(baseline), sorted([BEST, "prod", "team-a"]))

    worse = repository.commit("worse")
    worse_task = repository.train(0.70)
    gate(env, worse, 1, "degraded")
    expect("SDK: tags after a worse run", tags(baseline), sorted([BEST, "prod", "team-a"]))
    expect("SDK: the worse run's tags", tags(worse_task), [])

    better = repository.commit("better")
    better_task = repository.train(0.90)
    gate(env, better, 0, "improved")
    expect("SDK: the old best's tags", tags(baseline), ["prod", "team-a"])
    expect("SDK: the new best's tags", tags(better_task), [BEST])
    found = Task.get_tasks(project_name=PROJECT, task_name=f"^{re.escape(NAME)}$", tags=[BEST])
    expect("SDK: tasks with the tag", [task.id for task in found], [better_task])

    dirty = repository.commit("dirty")
    with (repository.path / "train.py").open("a") as script:
        script.write("# not committed\n")
    dirty_task = repository.train(0.95)
    expect("SDK: a diff", "not committed" in Task.get_task(task_id=dirty_task).data.script.diff, True)
    gate(env, dirty, 3, "uncommitted changes")
    expect("SDK: the dirty run's tags", tags(dirty_task), [])
    expect("SDK: the best's tags", tags(better_task), [BEST])


def main():
    (WORK / "home").mkdir()
    (WORK / "clearml.conf").write_text(CONFIGURATION)
    server = subprocess.Popen([SERVE, "--port", "0"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        pairs = dict(pair.split("=", 1) for pair in server.stdout.readline().split())
        # Nothing uses these hosts, but the SDK requires all of them.
        host = pairs["CLEARML_API_HOST"]
        story(clean_environment(CLEARML_WEB_HOST=host, CLEARML_FILES_HOST=str(WORK / "files"), **pairs))
    finally:
        server.stdin.close()
        code = server.wait(timeout=30)
    expect("sandbox: exit code", code, 0)
    print("the SDK, the sandbox and the gate agree")


main()
