"""Small projects with saves, journals and a model, and what they hold all along."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import tifffile

from napari_unet.annotation.annotation import Annotation
from napari_unet.annotation.edits import AcceptView
from napari_unet.annotation.provenance import AnnotationSnapshot
from napari_unet.annotation.schema import INSTANCES, LabelSchema
from napari_unet.annotation.values import ValueAnnotation
from napari_unet.geometry.box import Box
from napari_unet.models.folder import weights_checksum
from napari_unet.models.record import ModelRecord, uuid_of
from napari_unet.project.identity import ImageIdentity
from napari_unet.project.journal import Syncer
from napari_unet.project.manifest import ModelEntry
from napari_unet.project.project import Project
from napari_unet.tasks import task_of

SHAPE = (24, 30)
CLASSES = LabelSchema("classes", ("background", "axon", "myelin"))
VALUES = LabelSchema("regression", ("DAPI", "MAP2"))


@dataclass
class Work:
    """One image that somebody works on.

    Attributes
    ----------
    states : list of AnnotationSnapshot
        After every change; the first is empty.
    saved : list of int
        Which of them were saved.
    """

    project: Project
    image: ImageIdentity
    annotation: Annotation
    journal: Any
    states: list[AnnotationSnapshot] = field(default_factory=list)
    saved: list[int] = field(default_factory=list)

    @property
    def key(self) -> str:
        return self.image.key

    @property
    def anywhere(self) -> ImageIdentity:
        """The image by its pixels and name, wherever a copy of the project lies."""
        return replace(self.image, path=None)

    @property
    def final(self) -> AnnotationSnapshot:
        return self.states[-1]

    def paint(self, y: int, x: int, label: int) -> None:
        self.annotation.labels[y : y + 6, x : x + 6] = label
        self.annotation.notice_change(Box.whole(SHAPE))

    def save(self) -> None:
        self.project.claim()
        snapshot, number = self.annotation.snapshot(), self.journal.sequence
        entry = self.project.save(self.image, snapshot, self.key, number)
        self.journal.saved(number, entry.oldest.sequence)
        self.saved.append(number)

    def _note(self, change: Any) -> None:
        self.journal.append(change)
        self.states.append(self.annotation.snapshot())


def begin(
    project: Project,
    folder: Path,
    name: str = "cells.tif",
    schema: LabelSchema = INSTANCES,
    seed: int = 0,
) -> Work:
    """Begin to work on an image whose file is in a folder."""
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, 999, SHAPE, dtype=np.uint16)
    path = folder / name
    tifffile.imwrite(path, pixels)
    image = replace(ImageIdentity.of(name, pixels, "YX", schema), path=path)
    annotation = task_of(schema).labels.empty(schema.names, SHAPE)
    journal = project.begin_journal(image, image.key, 0)
    work = Work(project, image, annotation, journal)
    work.states.append(annotation.snapshot())
    annotation.listener = work._note
    return work


def open_project(folder: Path) -> tuple[Project, Syncer]:
    syncer = Syncer()
    return Project(folder, syncer), syncer


def work_on(work: Work) -> None:
    """Paint and save, save and paint: three saves are kept of four."""
    label = work.annotation.new_id
    if isinstance(work.annotation, ValueAnnotation):
        values = iter(range(1, 9))

        def label() -> int:
            return work.annotation.mark_for(0, next(values) / 4)

    work.paint(1, 1, label())
    work.save()
    work.paint(1, 9, label())
    work.save()
    work.paint(9, 1, label())
    work.paint(9, 4, label())
    work.save()
    work.annotation.do(AcceptView(Box((0, 18), (24, 30))))
    work.save()
    work.paint(17, 1, label())
    work.paint(17, 9, label())


def add_model(project: Project, number: int = 1) -> Path:
    """Keep a version of a model, in files that look like one."""
    place = project.folder / "models" / f"{number}-round-1"
    place.mkdir(parents=True)
    (place / "model.json").write_text('{"name": "round 1"}')
    (place / "weights.safetensors").write_bytes(bytes(range(200)))
    entry = ModelEntry(
        number=number,
        folder=place.name,
        checksum=weights_checksum(place / "weights.safetensors"),
        record=ModelRecord(uuid=uuid_of(number), created="2030-01-01T12:00:00Z"),
    )

    def change(manifest: Any) -> Any:
        models = (*manifest.models, entry)
        return manifest.model_copy(update={"models": models, "active_model": number})

    project.store.update(change)
    return place


def make_project(folder: Path, schema: LabelSchema = INSTANCES) -> Work:
    """Make a project of one image with four saves, ten changes and a model."""
    project, syncer = open_project(folder)
    work = begin(project, folder.parent, schema=schema)
    if isinstance(work.annotation, ValueAnnotation):
        shown = np.random.default_rng(1).normal(size=(2, *SHAPE)).astype(np.float32)
        whole = Box.whole(SHAPE)
        work.annotation.do(work.annotation.merging(shown, whole).merge()(whole))
    work_on(work)
    add_model(project)
    project.close()
    syncer.close()
    return work


def contents(folder: Path) -> dict[str, bytes]:
    """Return all files below a folder with what they hold."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def lay_out(files: dict[str, bytes], folder: Path) -> Path:
    """Write such files somewhere else; return the project among them."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder / "cells.unet"


def same(one: AnnotationSnapshot, other: AnnotationSnapshot) -> bool:
    """Whether labels and provenance are equal."""
    floats = one.labels.dtype.kind == "f"
    return np.array_equal(
        one.labels, other.labels, equal_nan=floats
    ) and np.array_equal(one.provenance, other.provenance)
