"""Getting ready to train: in small steps, each of which can be the last."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from napari_unet.core.events import Preparing
from napari_unet.core.jobs import drain, told_as
from napari_unet.instances import distances
from napari_unet.instances.distances import instance_targets, iter_instance_targets
from napari_unet.learning import data, sampling, validation
from napari_unet.learning.config import FitConfig
from napari_unet.learning.data import TrainingData, iter_prepare
from napari_unet.learning.validation import iter_hold_out
from napari_unet.tasks.objectives import objective_of
from napari_unet.tasks.sample import Sample
from tests.tiny import make_disks, make_model

# Whatever takes long for a large plane.
COSTLY = (
    (data, "resize"),
    (data, "typical_diameter"),
    (validation, "count_units"),
    (validation, "_block_of_pixels"),
    (validation, "_blocks_with_objects"),
    (validation.ndi, "binary_dilation"),
    (validation.ndi, "label"),
    (sampling, "_centres"),
)


class Spy:
    """Notes what is called, and how many pixels of objects are drawn."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.called: list[str] = []
        self.pixels = 0
        for module, name in COSTLY:
            monkeypatch.setattr(module, name, self._noting(getattr(module, name), name))
        self._draw = distances._draw_object
        monkeypatch.setattr(distances, "_draw_object", self._drawing)

    def _noting(self, function: Any, name: str) -> Any:
        def noted(*args: Any, **kwargs: Any) -> Any:
            self.called.append(name)
            return function(*args, **kwargs)

        return noted

    def _drawing(self, maps: Any, labels: Any, region: Any, index: int) -> None:
        self.pixels += int(np.prod([s.stop - s.start for s in region]))
        self._draw(maps, labels, region, index)

    def since(self) -> tuple[list[str], int]:
        """Return what was done since this was asked last."""
        done = self.called, self.pixels
        self.called, self.pixels = [], 0
        return done


def preparing(samples: list[Any]) -> Any:
    model = make_model()
    sized = replace(
        model, spec=model.spec.model_copy(update={"diameters": (28.0, 60.0)})
    )
    objective = objective_of(sized.spec)
    return iter_prepare(sized, objective, samples, FitConfig(), samples[:1])


def test_nothing_takes_long_between_two_steps(monkeypatch) -> None:
    monkeypatch.setattr(distances, "_PIXELS_AT_ONCE", 4000)
    spy = Spy(monkeypatch)
    seen = []
    for event in preparing([make_disks(192), make_disks(192)]):
        assert isinstance(event, Preparing)
        seen.append(event)
        called, pixels = spy.since()
        assert len(called) <= len(set(called)) <= 2
        assert pixels < 8000
    assert [e.done for e in seen] == sorted(e.done for e in seen)
    assert max(e.done for e in seen) == 2


def test_it_can_be_stopped_at_any_step(monkeypatch) -> None:
    total = sum(1 for _ in preparing([make_disks(), make_disks()]))
    assert total > 20
    spy = Spy(monkeypatch)
    for stop in range(0, total, 7):  # each stop costs all before it
        steps = preparing([make_disks(), make_disks()])
        for _ in range(stop):
            next(steps)
        spy.since()
        steps.close()
        assert spy.since() == ([], 0)


def test_the_fullest_windows_measure() -> None:
    large = make_disks(192)
    few = replace(large, verified=np.zeros(large.labels.shape, bool))
    few.verified[:40, :40] = True
    prepared: TrainingData
    prepared, _ = drain(preparing([few, large]))
    sums = [float(window.batch.weight.sum()) for window in prepared.windows]
    assert sums == sorted(sums, reverse=True)
    assert sums[-1] > 0


def test_drawing_in_steps_is_drawing() -> None:
    labels = make_disks(192).labels
    steps = iter_instance_targets(labels)
    np.testing.assert_array_equal(drain(steps), instance_targets(labels))


def test_objects_stay_whole_where_blocks_are_held_out() -> None:
    labels = make_disks(192).labels * 1000
    verified = np.ones(labels.shape, bool)
    steps = iter_hold_out([labels], [verified], gap=2, seed=0)
    (part,) = drain(steps)
    for number in np.unique(labels[part.held])[1:]:
        assert part.held[labels == number].all()


def test_what_is_told_of_steps() -> None:
    closed = []

    def count():
        try:
            yield 1
            yield 2
        finally:
            closed.append(True)
        return "end"

    steps = told_as("step", count())
    assert list(steps) == ["step", "step"]
    assert drain(told_as("step", count())) == "end"
    steps = told_as("step", count())
    next(steps)
    closed.clear()
    steps.close()
    assert closed == [True]


def test_few_held_out_objects_do_not_choose() -> None:
    model = make_model()
    disks = make_disks(96, pitch=24)  # 16 of them, of which about three are held out
    few = Sample(disks.image, disks.labels)
    many = make_disks(240, pitch=24)
    objective = objective_of(model.spec)
    for sample, enough in ((few, False), (Sample(many.image, many.labels), True)):
        found, notices = drain(
            iter_prepare(model, objective, [sample], FitConfig(), [])
        )
        trained = found.planes[0].known.numpy()[0] > 0
        judged = sum(int(window.judged.sum()) for window in found.windows)
        assert found.held_out
        assert not trained.all()  # what is held out for later trains now neither
        assert (judged == trained.size) is not enough
        assert not notices
