"""Small images, a program that works on them and dies, and what must be left of it."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np

from napari_unet.annotation.annotation import Annotation
from napari_unet.annotation.values import ValueAnnotation
from napari_unet.geometry.box import Box
from napari_unet.project.journal_reader import list_segments
from napari_unet.session.images.image import OpenImage
from napari_unet.session.session import Session
from napari_unet.weights.model import Model
from tests.runners import InlineRunner, ManualRunner
from tests.session.brightness import (
    brightness_model,
    classes_model,
    disks,
    values_model,
)
from tests.session.conftest import Clock

TASKS: tuple[str, ...] = ("instances", "classes", "regression")
PICTURES = {"plane": "YX", "stack": "TYX"}


def picture(name: str) -> np.ndarray:
    """Return a plane of six disks, or a stack of two smaller planes."""
    if name == "plane":
        return disks((24, 32), pitch=12, radius=4, dim=(2,))
    return np.stack([disks((16, 20), 10, 3, dim=(n,)) for n in (1, 2)])


def model_for(task: str, number: int = 0) -> Model:
    """Return one of two models that say different things."""
    if task == "instances":
        return brightness_model((0.5, 0.25)[number])
    if task == "classes":
        return classes_model(dim=(0.2, 0.5)[number])
    model = values_model("light", "heat")
    if number:
        model.net.head.weight.data[:] *= 1.5
    return model


@dataclass
class Life:
    """One life of the program, from its start to its end or its death."""

    home: Path
    task: str
    manual: bool = False
    places: dict[str, Path] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.clock = Clock()
        self.runner = ManualRunner() if self.manual else InlineRunner()
        self.session = Session(self.runner, clock=self.clock)
        self.session.models.timeline.publish(model_for(self.task))
        self.run()

    def open(self, name: str) -> OpenImage:
        """Open an image where its work lies, and make it current."""
        projects = self.session.projects
        place = self.places.get(name)
        projects.chosen = projects.at(place) if place else None
        self.session.images.open(
            picture(name), name, PICTURES[name], self.home / f"{name}.tif"
        )
        self.run()
        projects.chosen = None
        image = self.session.images.current
        assert image is not None, self.session.state.problems
        self.places[name] = image.project.folder
        return image

    def run(self) -> None:
        """Run everything to its end."""
        for _ in range(1000):
            if isinstance(self.runner, ManualRunner):
                self.runner.run()
            self.session.tick()
            if not self.session.state.predicting and not self.jobs:
                return
        raise AssertionError("it does not come to an end")

    @property
    def jobs(self) -> tuple[Any, ...]:
        return getattr(self.runner, "jobs", ())

    def wait(self, seconds: float) -> None:
        """Let time pass, and what is due happen."""
        self.clock.now += seconds
        self.session.tick()

    def remember_places(self) -> None:
        for image in self.session.images:
            self.places[image.name] = image.project.folder

    def close(self) -> list[str]:
        """End as a window does that is closed."""
        self.session.halt()
        for job in self.jobs:
            job.cancel()
        if isinstance(self.runner, ManualRunner):
            self.runner.run()
        self.remember_places()
        return self.session.close()

    def die(self) -> None:
        """End as a killed program does: nothing more is written, nothing is closed."""
        self.remember_places()
        projects = self.session.projects
        syncer = projects._syncer
        with syncer._working:
            syncer._items, syncer._stopping = (), True
        syncer._wake.set()
        for project in projects._all.values():
            for journal in project._journals:
                with journal._guard:
                    if journal._segment is not None:
                        journal._segment.close()
                        journal._segment = None
            forget_owner(project.folder)
        for image in self.session.images:
            image.annotation.listener = None


def forget_owner(folder: Path) -> None:
    """Let the lock of a project name a process that is gone."""
    lock = folder / "lock.json"
    if lock.exists():
        content = json.loads(lock.read_bytes())
        lock.write_text(json.dumps({**content, "started": 0.0}))


def tear(folder: Path) -> None:
    """Leave half a line at the end of the newest segment, as a power cut does."""
    segments = list_segments(folder / "journal")
    if segments:
        path = max(segments, key=lambda each: each.path.stat().st_mtime_ns).path
        last = path.read_bytes().splitlines(keepends=True)[-1]
        with path.open("ab") as file:
            file.write(last[: len(last) // 2])


def bytes_of(folder: Path) -> dict[str, str]:
    """Return a hash of every file below a folder."""
    return {
        str(path.relative_to(folder)): blake2b(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def facts(annotation: Annotation) -> dict[str, Any]:
    """Return all that must come back, in plain numbers.

    Marks get new numbers when they come back, so of regressed values the history is
    told without them.
    """
    snapshot = annotation.snapshot()
    history = annotation.history
    whole = not isinstance(annotation, ValueAnnotation)
    return {
        "labels": snapshot.labels.tolist() if whole else _words(snapshot.labels),
        "provenance": snapshot.provenance.tolist(),
        "live": _words(annotation.labels) if whole else b"",
        "open": annotation.open_objects,
        "done": [_entry(each, whole) for each in history.done],
        "undone": [_entry(each, whole) for each in history.undone],
    }


def _words(array: np.ndarray) -> bytes:
    return np.ascontiguousarray(array).tobytes()


def _entry(entry: Any, whole: bool) -> list[Any]:
    return [
        entry.number,
        entry.kind,
        entry.open_before,
        entry.open_after,
        [_part(part, whole) for part in (*entry.parts, *entry.settled)],
    ]


def _part(part: Any, whole: bool) -> list[Any]:
    labels = [part.before.tolist(), part.after.tolist()] if whole else []
    rest = (part.was, part.now, part.runs)
    return [*labels, *(runs.tolist() for runs in rest), part.box]


def differences(
    one: dict[str, Any], other: dict[str, Any], strokes: set[int] | None = None
) -> list[str]:
    """Return what differs between the facts of two annotations.

    Parameters
    ----------
    strokes : set of int, optional
        Which of the strokes the journal knows, if it is not all of them.
    """
    pairs = ((n, _told(one, n, strokes), _told(other, n, strokes)) for n in one)
    return [name for name, before, after in pairs if before != after]


def _told(known: dict[str, Any], name: str, strokes: set[int] | None) -> Any:
    if strokes is None or name not in ("done", "undone"):
        return known[name]
    return [entry for entry in known[name] if entry[0] in strokes]


def box_in(shape: tuple[int, ...], corners: tuple[int, ...]) -> Box:
    """Return a box in the plane, of corners from 0 to 10, and a plane."""
    height, width = shape[-2:]
    top, bottom = sorted(round(c * (height - 1) / 10) for c in corners[:2])
    left, right = sorted(round(c * (width - 1) / 10) for c in corners[2:4])
    leading = shape[:-2]
    return Box(
        (*(corners[4] for _ in leading), top, left),
        (*(corners[4] + 1 for _ in leading), bottom + 1, right + 1),
    )


def scratch() -> str | None:
    """Return a folder in memory for what is written a thousand times, if there is."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
