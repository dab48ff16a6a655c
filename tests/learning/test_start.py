"""What a training starts with, from Python: new models, heads, colours, channels."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

import napari_unet as nu
from napari_unet.errors import InputError
from napari_unet.learning.events import FitResult
from tests.tiny import make_disks, make_model

DISKS = make_disks(48)
CLASSES = nu.Sample(DISKS.image, (DISKS.labels > 0).astype(np.uint8))
SMALL = ("architecture.base_channels=4", "architecture.depth=2")
COLOURS = ("#000000", "#ff8800")


def test_a_new_model_is_what_the_samples_need() -> None:
    model = nu.new_model(
        [CLASSES], "classes", names=("ground", "disk"), colours=COLOURS, settings=SMALL
    )
    assert [(c.name, c.color) for c in model.spec.classes] == [
        ("ground", "#000000"),
        ("disk", "#ff8800"),
    ]
    both = nu.Sample(np.stack([DISKS.image] * 2), DISKS.labels, axes="CYX")
    assert nu.new_model(both, settings=SMALL).spec.in_channels == 2
    with pytest.raises(InputError, match="found none"):
        nu.new_model([])
    with pytest.raises(InputError, match="choose one of: unet"):
        nu.new_model([DISKS], architecture="vnet")


@pytest.fixture
def learned(monkeypatch: pytest.MonkeyPatch) -> list[nu.Sample]:
    """Let trainings end at once; return the samples that the last one got."""
    seen: list[nu.Sample] = []

    def iter_fit(
        model: nu.Model, samples: list[nu.Sample], *_: object, **__: object
    ) -> Iterator[None]:
        seen[:] = samples
        return FitResult(model, 0, 0.5, 0.5, True, 0.0)
        yield

    monkeypatch.setattr("napari_unet.learning.fit.iter_fit", iter_fit)
    return seen


def test_another_task_gets_a_new_head_and_colours_none(
    learned: list[nu.Sample],
) -> None:
    start = make_model()
    model = nu.fit(start, [CLASSES], task="classes", names=("a", "b"), colours=COLOURS)
    assert model.spec.names == ("a", "b")
    assert [c.color for c in model.spec.classes] == list(COLOURS)
    other = nu.fit(model, [CLASSES], colours=("#ffffff", "#00FF00"))
    assert other.net is model.net
    assert [c.color for c in other.spec.classes] == ["#ffffff", "#00FF00"]
    assert other.spec.names == ("a", "b")


@pytest.mark.parametrize(
    ("task", "colours", "words"),
    [
        ("classes", ("#000000",), "1 colours are given for 2 classes"),
        ("classes", ("black", "#ff8800"), "such as #ff8800 .*, found 'black'"),
        ("instances", COLOURS, "2 colours are given for 0 classes"),
    ],
)
def test_colours_that_do_not_fit_are_refused(
    task: str, colours: tuple[str, ...], words: str
) -> None:
    with pytest.raises(InputError, match=words):
        nu.new_model([CLASSES], task, colours=colours, settings=SMALL)


def test_a_channel_of_the_samples_is_learned_from(learned: list[nu.Sample]) -> None:
    image = np.stack([DISKS.image, np.zeros_like(DISKS.image)], axis=-1)
    both = nu.Sample(image, DISKS.labels, axes="YXC")
    model = make_model()
    assert nu.fit(model, [both], channel=1) is model
    (sample,) = learned
    assert sample.axes == "YX"
    np.testing.assert_array_equal(sample.image, DISKS.image)
    with pytest.raises(InputError, match="sample 1: There is no channel '3'"):
        nu.fit(model, [both], channel=3)


def test_replay_comes_from_the_samples_of_a_built_in_model() -> None:
    reminders = nu.replay_samples("nuclei")
    assert reminders
    assert all(isinstance(each, nu.Sample) for each in reminders)


def test_ids_are_no_classes_to_be_reminded_of() -> None:
    model = nu.new_model([CLASSES], "classes", settings=SMALL)
    objects = nu.Sample(DISKS.image, DISKS.labels)
    with pytest.raises(InputError, match="`replay`: The labels hold class 2"):
        nu.fit(model, [CLASSES], nu.FitConfig(steps=1), replay=[objects])
    nu.fit(model, [CLASSES], nu.FitConfig(steps=1, device="cpu"), replay=[CLASSES])
