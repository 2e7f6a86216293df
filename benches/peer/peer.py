"""What a team would write with the ClearML SDK instead of using the gate: find, compare, move the tag.

It reads the gate's environment variables. Exit code 0: the model is not worse than the best one. 1: it is worse. 3: there
is no clean run of the commit.
"""

import os
import re
import sys

from clearml import Task


def runs(task_filter, tags=None):
    """The ids of the finished tasks of the project and name, newest first."""
    return Task.query_tasks(
        project_name=os.environ["CLEARML_PROJECT"],
        task_name=f"^{re.escape(os.environ['CLEARML_TASK_NAME'])}$",
        tags=tags,
        task_filter={"status": ["completed", "published"], "order_by": ["-started"], **task_filter},
    )


def candidate(commit):
    """The newest run of the commit without uncommitted changes."""
    tasks = (Task.get_task(task_id=id) for id in runs({"_all_": {"fields": ["script.version_num"], "pattern": f"^{commit}$"}}))
    return next((task for task in tasks if not task.data.script.diff), None)


def value(task):
    """The best value of the scalar."""
    scalars = task.get_last_scalar_metrics()
    return scalars[os.environ["CLEARML_SCALAR_TITLE"]][os.environ["CLEARML_SCALAR_SERIES"]]["max"]


def main():
    tag = os.environ.get("CLEARML_BEST_TAGNAME", "Best Performance")
    new = candidate(os.environ["COMMIT_ID"])
    if new is None:
        print("no clean run of this commit")
        return 3
    tagged = [Task.get_task(task_id=id) for id in runs({}, tags=[tag])]
    best = max(map(value, tagged), default=None)
    if best is not None and value(new) < best:
        print(f"worse: {value(new)} after {best}")
        return 1
    if os.environ.get("CLEARML_PROMOTE") != "never":
        new.add_tags([tag])
        for old in tagged:
            if old.id != new.id:
                old.set_tags([other for other in old.get_tags() if other != tag])
    print(f"passed: {value(new)} after {best}")
    return 0


sys.exit(main())
