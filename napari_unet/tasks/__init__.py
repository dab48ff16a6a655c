"""What a network can be asked for: objects, classes, values; one file each.

Without torch, but for `objectives`, which is imported when a task is asked for its
objective.
"""

from napari_unet.tasks.classes import CLASSES
from napari_unet.tasks.instances import INSTANCES
from napari_unet.tasks.regression import REGRESSION
from napari_unet.tasks.task import (
    Task,
    TaskName,
    all_tasks,
    find_task,
    register,
    task_of,
)

__all__ = [
    "CLASSES",
    "INSTANCES",
    "REGRESSION",
    "Task",
    "TaskName",
    "all_tasks",
    "find_task",
    "register",
    "task_of",
]
