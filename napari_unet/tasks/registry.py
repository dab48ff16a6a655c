"""All tasks, registered; the first one is the usual one."""

from napari_unet.tasks.instances import INSTANCES

# isort: split
from napari_unet.tasks.classes import CLASSES
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
