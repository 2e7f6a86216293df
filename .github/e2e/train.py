"""A training run as users write it: `train.py ACCURACY`, in the repository of its commit."""

import sys

from clearml import Task

accuracy = float(sys.argv[1])
task = Task.init(
    project_name="e2e/model",
    task_name="train",
    reuse_last_task_id=False,
    auto_connect_frameworks=False,
    auto_connect_streams=False,
    auto_resource_monitoring=False,
)
for iteration in range(5):
    task.get_logger().report_scalar("validation", "accuracy", accuracy * (iteration + 1) / 5, iteration)
task.close()
print("task", task.id)
