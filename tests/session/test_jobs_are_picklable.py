"""Every kind of job goes through pickle and does its work in another process.

A session plays a story that starts each of them, once with jobs in this process and
once with jobs in another one: what they return, and what a person sees, is the same.
"""

from __future__ import annotations

import importlib
import multiprocessing
import os
import pickle
import pkgutil
import re
import shutil
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import fields, is_dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import pytest
import tifffile
import torch
from pydantic import BaseModel

import napari_unet
from napari_unet.annotation.annotation import Annotation
from napari_unet.annotation.drawn_edits import Delete
from napari_unet.annotation.edits import AcceptView
from napari_unet.annotation.large import NothingSaved
from napari_unet.core.jobs import Job, drain
from napari_unet.exports import export as export_labels
from napari_unet.geometry.box import Box
from napari_unet.geometry.line import Line
from napari_unet.gui.folders import ListFiles, StackFiles
from napari_unet.gui.image_layers import MakeGrey
from napari_unet.gui.label_files import OpenLabels
from napari_unet.gui.large_files import OpenLarge, ReadCoarsely
from napari_unet.gui.workbench import ImportModule
from napari_unet.images.coarse import CoarsePlanes
from napari_unet.io.source import Source, open_source
from napari_unet.project.chunks import ChunkFolder
from napari_unet.project.identity import ImageIdentity
from napari_unet.project.project import Project
from napari_unet.session.export_job import ExportResults
from napari_unet.session.export_large import LargeWork, LentLabels
from napari_unet.session.following import FollowObjects
from napari_unet.session.images.read_chunks import ReadChunks, ReadMarks
from napari_unet.session.measuring import Watcher
from napari_unet.session.models.request import ModelRequest
from napari_unet.session.paths import FindPaths
from napari_unet.session.runner import NO_HANDLERS, Handlers
from napari_unet.session.worklist.predict_file import Known
from tests.exchange.packages import described, files_of, traced, write_zip
from tests.generated import Generated
from tests.runners import SteppedJob
from tests.session.brightness import brightness_model, disks
from tests.session.conftest import Stage
from tests.session.test_projects import open_file, wait

STARTED_BY_THE_DOCK = {ImportModule, MakeGrey}


def kinds() -> set[type[Any]]:
    """Return every kind of job in the package."""
    for module in pkgutil.walk_packages(napari_unet.__path__, "napari_unet."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    found = [
        (name, getattr(sys.modules[kind.__module__], name, None))
        for kind in Job.__subclasses__()
        for name in [kind.__name__]
        if kind.__module__.startswith("napari_unet.")
    ]
    assert all(kind is not None for _, kind in found), "a job lies inside of something"
    return {kind for _, kind in found}


def run_pickled(job: bytes) -> bytes:
    """Run a job; return the events and how it ended. Called in another process."""
    events: list[Any] = []
    ended: Any = None
    torch.manual_seed(0)
    try:
        ended = drain(pickle.loads(job).run(), events.append)
    except Exception as error:  # noqa: BLE001 - told to who sent the job
        ended = error
    return pickle.dumps((events, ended))


class TellingRunner:
    """Runs jobs at once, and remembers what they were and how they ended."""

    def __init__(self, root: Path, pool: ProcessPoolExecutor | None) -> None:
        self._root = root
        self._pool = pool
        self.told: list[tuple[type[Any], Any]] = []

    def start(
        self, job: Job[Any, Any], handlers: Handlers[Any, Any] = NO_HANDLERS
    ) -> SteppedJob:
        running = SteppedJob(Generated(self._steps(job)), handlers)
        while running.step():
            pass
        return running

    def _steps(self, job: Job[Any, Any]) -> Any:
        sent = pickle.dumps(job)
        if self._pool is None:
            events: list[Any] = []
            torch.manual_seed(0)
            try:
                ended = drain(job.run(), events.append)
            except Exception as error:  # noqa: BLE001
                ended = error
        else:
            events, ended = pickle.loads(self._pool.submit(run_pickled, sent).result())
        self.told.append((type(job), form(ended, self._root)))
        yield from events
        if isinstance(ended, Exception):
            raise ended
        return ended


def words(value: object, root: Path) -> str:
    """Return what a person reads, without times of day and where it all lies."""
    text = str(value).replace(str(root), "").replace(f"/{root.name}/", "/")
    return re.sub(r"\d\d(:\d\d)+", "now", text)


def form(value: Any, root: Path) -> Any:  # noqa: C901
    """Return what is comparable of a value: no times, places, or new uuids."""
    if isinstance(value, Project):
        return value.name
    if isinstance(value, Annotation):
        value = value.snapshot()
    if isinstance(value, torch.nn.Module):
        return [form(each, root) for each in value.state_dict().values()]
    if isinstance(value, torch.Tensor):
        value = value.numpy()
    if isinstance(value, np.ndarray):
        return value.dtype.str, value.shape, value.tobytes()
    if isinstance(value, partial):
        value = (value.func.__name__, *value.args)
    if isinstance(value, UUID | datetime):
        return type(value)
    if isinstance(value, Exception):
        return type(value), words(value, root)
    if isinstance(value, Path | str):
        return words(value, root)
    if isinstance(value, Source | CoarsePlanes):
        return type(value), value.shape
    if isinstance(value, BaseModel):
        value = dict(value)
    if is_dataclass(value) and not isinstance(value, type):
        names = [f.name for f in fields(value) if hasattr(value, f.name)]
        value = {name: getattr(value, name) for name in names}
    if isinstance(value, dict):
        return {str(key): form(each, root) for key, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [form(each, root) for each in value]
    return value


def play(root: Path, model: Path, runner: TellingRunner) -> list[str]:
    """Let a person do everything that starts a job; return what they were told."""
    paths = [root / "plate" / f"{name}.tif" for name in "ab"]
    paths[0].parent.mkdir(parents=True)
    for number, path in enumerate(paths):
        tifffile.imwrite(path, disks(pitch=32 + 8 * number))
        os.utime(path, (1e9, 1e9))
    stage = Stage.make(runner, view=lambda: Box((20, 30), (60, 80)))
    session, said = stage.session, []
    session.start()

    def then(seconds: float = 0) -> None:
        wait(stage, seconds) if seconds else stage.run()
        problems = [each.text for each in stage.state.problems.values()]
        said.append(words([stage.state.message, *problems], root))

    session.models.choose(model)
    then()
    open_file(stage, paths[0])
    session.live.switch(True)
    then()
    session.live.switch(False)
    session.predict()
    then()
    session.seeing.toggle()
    then()
    session.settings.set_thresholds(0.4, 0.1)
    then()
    session.seeing.toggle()
    on_a_disk = Line(((16.0, 16.0),), (0, 1))
    session.correcting.do(Delete(on_a_disk))
    session.growing.add(on_a_disk)
    then()
    stage.paint(np.s_[60:64, 60:80], 77)
    then(20)
    watcher = Watcher()
    session.measuring.watch(watcher, True)
    then()
    session.measuring.export(root / "objects.csv")
    then()
    session.measuring.watch(watcher, False)
    session.exporting.start()
    then()
    session.correcting.start_over()
    then()
    session.correcting.bring_back(stage.state.image.snapshots[0][0])
    then(20)
    session.save_to(root / "elsewhere.unet")
    then(20)
    home = paths[1].with_suffix(".unet")
    home.write_text("a file where a folder should be")
    open_file(stage, paths[1])
    assert session.images.current, stage.state.problems
    session.correcting.start_empty()
    stage.paint(np.s_[60:64, 60:80], 7)
    then(3)
    home.unlink()
    stage.paint(np.s_[70:74, 60:80], 8)
    then(20)
    session.projects.create(root / "study.unet")
    then(20)
    session.projects.leave()
    session.projects.open(root / "study.unet")
    then()
    open_file(stage, paths[1])
    then()
    session.exporting.start(everything=True)
    then()
    more = root / "more"
    more.mkdir()
    for name in "cd":
        tifffile.imwrite(more / f"{name}.tif", disks(pitch=32 + ord(name) % 8))
        os.utime(more / f"{name}.tif", (1e9, 1e9))
    session.worklist.listing.add([more])
    then(3)
    session.worklist.going.step(1)
    session.thumbnails.get(more / "c.tif", 1e9)
    session.worklist.batch.start()
    then(5)
    image, known = session.images.current, np.zeros((128, 160), np.int32)
    session.predicting.begin(
        image, session.models.active, Known(known), refreshing=False
    )
    then()
    session.models.save(root / "mine")
    then()
    session.models.exporting.start(root / "mine.onnx", "onnx")
    then()
    shutil.rmtree(root / "mine")
    session.models.choose(root / "mine")
    then()
    package = files_of(described(), traced(lambda x: 3 * x))
    session.models.bring_in(write_zip(root / "theirs.zip", package))
    then()
    session.models.make(ModelRequest("classes", ("ground", "cell")))
    then(20)
    session.models.choose("nuclei")
    then(20)
    versions = {
        each.number for each in session.models.timeline.versions if not each.model
    }
    session.activate_version(min(versions))
    then(20)
    session.models.choose(model)
    then(20)
    session.predict()
    then()
    session.models.timeline.publish(brightness_model(0.25), note="dim", activate=False)
    session.comparing.start(session.models.timeline.versions[-1].number)
    then()
    said.append(words(session.state.comparing, root))
    session.comparing.end()
    session.projects.create(root / "second.unet")
    then(20)
    said.append(words(session.close(), root))
    return said


def train(model: Path, runner: TellingRunner) -> None:
    """Let a person train; how many steps that takes depends on the time."""
    stage = Stage.make(runner)
    stage.session.models.choose(model)
    stage.open(disks((96, 1024), dim=(3, 7, 14)))
    stage.session.predict()
    stage.run()
    stage.session.correcting.do(AcceptView(Box((0, 0), (96, 128))))
    stage.session.finetune(0.02)
    stage.run()
    assert "finetune" not in stage.state.problems
    assert not stage.state.training


@pytest.fixture
def pool():
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        yield pool


def test_each_kind_of_job_does_the_same_in_another_process(
    tmp_path, bright, pool, monkeypatch
):
    # One model in memory, so that earlier ones have to be loaded.
    monkeypatch.setattr("napari_unet.session.models.timeline.MOST_LOADED", 1)
    roots = [tmp_path / "here", tmp_path / "there"]
    here, there = (
        TellingRunner(r, p) for r, p in zip(roots, (None, pool), strict=True)
    )
    told = []
    for root, runner in zip(roots, (here, there), strict=True):
        monkeypatch.setenv("XDG_DATA_HOME", str(root / "data"))
        told.append(play(root, bright, runner))
    assert told[0] == told[1]
    kinds_here = [kind.__name__ for kind, _ in here.told]
    assert kinds_here == [kind.__name__ for kind, _ in there.told]
    for (kind, one), (_, other) in zip(here.told, there.told, strict=True):
        assert one == other, kind.__name__
    for runner in (here, there):
        train(bright, runner)
    grey = MakeGrey(np.arange(48, dtype=np.uint8).reshape(4, 4, 3), "YXC")
    first = next((roots[0] / "more").iterdir())
    tifffile.imwrite(tmp_path / "other.tif", disks((9, 9)))
    stack = StackFiles((first, tmp_path / "other.tif"))
    (tmp_path / "empty").mkdir()
    files = ListFiles(tmp_path / "empty")
    exported = export_labels(np.eye(9, dtype=np.int32), tmp_path / "labels.ome.zarr")
    labels = np.zeros((2, 9, 9), np.int32)
    labels[0, 1:4, 1:4], labels[1, 2:5, 1:4] = 5, 6
    seen = np.zeros(labels.shape, np.uint8)
    followed = FollowObjects(labels, seen, {}, "TYX", {})
    paths = FindPaths(labels, 0, {6: 5})
    saved = ChunkFolder(roots[0], (9, 9), {})
    chunks = ReadChunks(saved, ((0, 0),))
    marks = ReadMarks(saved, ((0, 0),), 8)
    slide = open_source(first)
    coarse = ReadCoarsely(slide, 0, (), 2)
    lent = LentLabels("YX", (9, 9), {(0, 0): labels[0, :9, :9]}, NothingSaved())
    image = ImageIdentity("a", (9, 9), "uint8", "YX", "0" * 32)
    large = LargeWork(tmp_path / "p", "key", image, lent)
    export = ExportResults((large,), (), None, ("fiji",), tmp_path / "out")
    jobs: list[Job[Any, Any]] = [
        grey,
        ImportModule("json"),
        files,
        stack,
        OpenLabels((exported,)),
        followed,
        paths,
        chunks,
        marks,
        OpenLarge(slide),
        coarse,
        export,
    ]
    for job in jobs:
        here.start(job)
        there.start(job)
    assert here.told[-len(jobs) :] == there.told[-len(jobs) :]
    assert {kind for kind, _ in there.told} == kinds()
