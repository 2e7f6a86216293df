"""Uses the real SDK for the end-to-end job: makes runs to judge, and finds out which run has which tag.

    seed.py runs REPOSITORY   makes a git repository and one run for each commit; prints NAME=COMMIT lines
    seed.py tag COMMIT TAG    adds a tag to the run of a commit
    seed.py tagged TAG        prints the commits of the runs with a tag, one per line
"""

import shutil
import subprocess
import sys
from pathlib import Path

from clearml import Task

PROJECT = "e2e/model"
# Name and best accuracy of each run. Each has its own commit; DIRTY also has uncommitted changes.
RUNS = [("BASELINE", 0.80), ("BETTER", 0.85), ("WORSE", 0.70), ("WITHIN", 0.84), ("DIRTY", 0.95)]
ATTEMPTS = 3


def git(repository: Path, *args: str) -> str:
    who = ["-c", "user.name=end to end", "-c", "user.email=e2e@example.org", "-c", "commit.gpgsign=false"]
    return subprocess.run(
        ["git", "-C", str(repository), *who, *args], check=True, capture_output=True, text=True
    ).stdout.strip()


def runs(repository: Path) -> None:
    repository.mkdir(parents=True)
    git(repository, "init", "--quiet", "--initial-branch", "main")
    git(repository, "remote", "add", "origin", "https://git.example.org/e2e/model.git")
    shutil.copy(Path(__file__).with_name("train.py"), repository)
    for name, accuracy in RUNS:
        (repository / "parameters.txt").write_text(f"{name} {accuracy}\n")
        git(repository, "add", "--all")
        git(repository, "commit", "--quiet", "--message", name)
        commit = git(repository, "rev-parse", "HEAD")
        if name == "DIRTY":
            (repository / "parameters.txt").write_text("changed and not committed\n")
        train(repository, accuracy, commit)
        git(repository, "checkout", "--quiet", "--", ".")
        print(f"{name}={commit}", flush=True)


def train(repository: Path, accuracy: float, commit: str) -> None:
    """Runs the training until its task records the commit, because the SDK sometimes fails to detect it."""
    for _ in range(ATTEMPTS):
        out = subprocess.run(
            [sys.executable, "train.py", str(accuracy)],
            cwd=repository,
            check=True,
            stdout=subprocess.PIPE,
            text=True,
            timeout=180,
        ).stdout
        task = Task.get_task(task_id=out.rsplit("task", 1)[1].strip())
        if task.data.script.version_num == commit and str(task.status) == "completed":
            return
        print(f"{task.id} is {task.status} at {task.data.script.version_num!r}: trying again", file=sys.stderr)
    sys.exit(f"no run recorded its commit {commit} after {ATTEMPTS} attempts")


def all_runs(**filters) -> list[Task]:
    return Task.get_tasks(project_name=PROJECT, task_name="^train$", **filters)


def tag(commit: str, name: str) -> None:
    [task] = [task for task in all_runs() if task.data.script.version_num == commit]
    task.add_tags([name])


def tagged(name: str) -> None:
    for task in all_runs(tags=[name]):
        print(task.data.script.version_num)


def main() -> None:
    match sys.argv[1:]:
        case ["runs", repository]:
            runs(Path(repository))
        case ["tag", commit, name]:
            tag(commit, name)
        case ["tagged", name]:
            tagged(name)
        case _:
            sys.exit(__doc__)


main()
