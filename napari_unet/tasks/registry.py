"""The registry of tasks: what a network can be asked for.

A new task is one file with its facets, and is registered once. The dock, the command
line, model folders and projects then know it. Nobody else asks which task it is. What
labels mean takes a while to import, so tasks are imported when the first is asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Protocol

from pydantic_core import PydanticCustomError

from napari_unet.annotation.schema import LabelSchema
from napari_unet.errors import InputError

if TYPE_CHECKING:
    from napari_unet.tasks.task import Task


class HasTask(Protocol):
    """What knows the name of its task: a schema, a model's description, a state."""

    @property
    def task(self) -> str:
        """Its name."""


_BUILT_IN = ("instances", "classes", "regression")
"""A file each, in the order in which they are listed."""

_TASKS: dict[str, Task] = {}


def register(task: Task) -> Task:
    """Make a task known by its name, and return it."""
    if task.name in task_names():
        raise ValueError(f"there is a task {task.name!r} already")
    _TASKS[task.name] = task
    return task


def task_names() -> tuple[str, ...]:
    """Return the names of all tasks, which need not be imported for that."""
    return tuple(dict.fromkeys((*_BUILT_IN, *_TASKS)))


def all_tasks() -> tuple[Task, ...]:
    """Return the tasks; the usual one comes first."""
    return tuple(find_task(name) for name in task_names())


def find_task(name: str) -> Task:
    """Return the task of that name; an InputError names those that there are."""
    if name not in _TASKS:
        if name not in _BUILT_IN:
            known = ", ".join(task_names())
            raise InputError(f"Task {name!r} is not available; choose one of: {known}.")
        # Two threads may ask at once, and get the same one.
        module = import_module(f"napari_unet.tasks.{name}")
        _TASKS[name] = getattr(module, name.upper())
    return _TASKS[name]


def task_of(described: HasTask) -> Task:
    """Return the task of what is described."""
    return find_task(described.task)


def goes_with(schema: LabelSchema, other: LabelSchema) -> bool:
    """Return whether work on the one can go on as work on the other."""
    if schema.task != other.task:
        return False
    return task_of(schema).labels.goes_with(schema.names, other.names)


def check_name(name: str) -> str:
    """Return the name of a task; pydantic tells what is wrong with any other."""
    if name not in task_names():
        known = [repr(each) for each in task_names()]
        expected = f"{', '.join(known[:-1])} or {known[-1]}"
        raise PydanticCustomError(
            "literal_error", "Input should be {expected}", {"expected": expected}
        )
    return name
