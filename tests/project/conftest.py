from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from napari_unet.annotation.provenance import AnnotationSnapshot
from napari_unet.project.identity import ImageIdentity
from napari_unet.project.store import ProjectStore
from tests.project.desk import Desk


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "cells.unet"


@pytest.fixture
def store(folder: Path) -> ProjectStore:
    return ProjectStore(folder)


@pytest.fixture
def image() -> ImageIdentity:
    pixels = np.arange(48, dtype=np.uint16).reshape(6, 8)
    return ImageIdentity.of("cells.tif", pixels, "YX")


@pytest.fixture
def snapshot() -> Callable[[int], AnnotationSnapshot]:
    """Annotations that are recognised by one number in both maps."""

    def make(value: int) -> AnnotationSnapshot:
        labels = np.zeros((6, 8), np.int32)
        labels[:, 0] = value
        provenance = np.full((6, 8), value % 4, np.uint8)
        return AnnotationSnapshot(labels, provenance, value + 1, revision=value)

    return make


@pytest.fixture
def desk(folder: Path) -> Iterator[Desk]:
    (folder / "journal").mkdir(parents=True)
    made = Desk(folder / "journal")
    yield made
    made.journal.close()
    made.syncer.close()
