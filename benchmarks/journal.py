"""What a stroke costs that is written down, and how soon it is on the disk."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.report import Report, Row
from benchmarks.scene import draw_nuclei
from benchmarks.subject import Subject
from benchmarks.timing import load
from napari_unet.annotation.annotation import Annotation
from napari_unet.geometry.box import Box
from napari_unet.project.identity import ImageIdentity
from napari_unet.project.journal import Journal, Syncer
from napari_unet.project.project import Project

STROKES = 400
_BRUSH = 10
_DABS = 20
_PATIENCE_SECONDS = 10.0


def measure(subject: Subject) -> Report:
    """Paint the same strokes with and without a journal, in turn."""
    size = min(subject.image.shape)
    with tempfile.TemporaryDirectory(prefix="journal-") as folder:
        return _measure(size, Path(folder) / "bench.unet")


def _measure(size: int, folder: Path) -> Report:
    rng = np.random.default_rng(0)
    plain, written = (_annotation(size) for _ in range(2))
    syncer = Syncer()
    project = Project(folder, syncer)
    image = ImageIdentity.of("bench", np.zeros((size, size), np.uint8), "YX")
    journal = project.begin_journal(image, image.key, 0)
    written.listener = journal.append
    without, with_journal, until_disk = [], [], []
    for number in range(STROKES):
        path = _path(rng, size)
        without.append(_stroke(plain, path, 10**6 + number))
        with_journal.append(_stroke(written, path, 10**6 + number))
        if number % 20 == 0:
            until_disk.append(_wait(journal))
    status = journal.status
    project.close()
    syncer.close()
    nbytes = sum(path.stat().st_size for path in folder.glob("journal/*"))
    own = np.subtract(with_journal, without)
    rows = [
        _row("stroke noticed, without a journal", without),
        _row("stroke noticed and written down", with_journal),
        _row("the journal's part", own.tolist()),
        _row("from the stroke to the disk (fsync)", until_disk),
    ]
    note = f"{nbytes / STROKES / 1000:.1f} kB a stroke; {status.unwritten} unwritten."
    title = f"Journal: {STROKES} strokes of a {_BRUSH} px brush on {size} x {size}"
    return Report(title, rows, (f"{note} {load()}",))


def _annotation(size: int) -> Annotation:
    labels = draw_nuclei(size).labels.astype(np.int32)
    return Annotation(labels, (labels >= 0).astype(np.uint8))


def _path(rng: np.random.Generator, size: int) -> np.ndarray:
    """Return the places of a brush along a wandering line."""
    start = rng.uniform(0, size, 2)
    steps = rng.normal(0, _BRUSH / 2, (_DABS, 2)) + rng.normal(0, _BRUSH / 2, 2)
    return np.clip(start + np.cumsum(steps, axis=0), 0, size - 1).astype(int)


def _stroke(annotation: Annotation, path: np.ndarray, label: int) -> float:
    """Paint a stroke; return the seconds that it takes to take note of it."""
    low = np.maximum(path.min(axis=0) - _BRUSH, 0)
    high = path.max(axis=0) + _BRUSH
    for y, x in path:
        annotation.labels[max(0, y - 5) : y + 5, max(0, x - 5) : x + 5] = label
    began = time.perf_counter()
    annotation.notice_change(Box(tuple(low), tuple(high)))
    return time.perf_counter() - began


def _wait(journal: Journal) -> float:
    """Return the seconds until nothing is left that a power cut would take."""
    began = time.perf_counter()
    while journal.status.unsynced:
        if time.perf_counter() - began > _PATIENCE_SECONDS:
            break
        time.sleep(0.002)
    return time.perf_counter() - began


def _row(what: str, seconds: list[float]) -> Row:
    return {
        "what": what,
        "median ms": 1000 * float(np.median(seconds)),
        "99 % ms": 1000 * float(np.percentile(seconds, 99)),
        "longest ms": 1000 * max(seconds),
    }
