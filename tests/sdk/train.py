"""What a training script does with the SDK: one task, some scalars, done. Run by story.py from a git checkout."""

import os
import sys
import time

from clearml import Task

NO_COMMIT = 75
PROJECT, NAME, LAST_VALUE = sys.argv[1], sys.argv[2], float(sys.argv[3])


def wait_for_script(task):
    """Without a commit a gate cannot use the task, and that can happen: see CONFIGURATION in story.py."""
    for _ in range(40):
        task.reload()
        if task.data.script and task.data.script.version_num:
            return
        time.sleep(0.25)
    print("the SDK has not stored a commit after 10 s", file=sys.stderr, flush=True)
    # A normal exit would wait for the thread that hangs.
    os._exit(NO_COMMIT)


task = Task.init(
    project_name=PROJECT,
    task_name=NAME,
    reuse_last_task_id=False,
    auto_connect_frameworks=False,
    auto_resource_monitoring=False,
    auto_connect_streams=False,
)
wait_for_script(task)
for iteration in range(1, 6):
    task.get_logger().report_scalar("Performance Metrics", "mAP", LAST_VALUE * iteration / 5, iteration)
task.flush(wait_for_uploads=True)
task.mark_completed()
task.close()
print(task.id)
