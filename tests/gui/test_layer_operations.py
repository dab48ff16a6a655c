"""Whatever people do with layers: labels lie on their image, and strokes are kept.

Every operation of napari after every other, on a viewer without a window. What a
session does in the background happens at once.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import pairwise, product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from napari.layers import _layer_actions

from napari_unet.annotation.provenance import is_verified
from napari_unet.annotation.values import ValueAnnotation
from napari_unet.gui.image_layers import source_of
from napari_unet.gui.target import Role
from napari_unet.weights.folder import save_model
from tests.gui.desk import Desk, lie_together, move
from tests.session.brightness import values_model

PLACES = {
    "scale": 0.25,
    "translate": 10.0,
    "rotate": 30.0,
    "shear": 0.2,
    "affine": 0.1,
    "units": "micrometer",
    "axis_labels": "abcd",
}
MOST_LAYERS = 9


@pytest.fixture
def folder(qapp: Any, unfiled: Path, bright: Path) -> Path:
    return bright


def move_a_little(how: str, desk: Any) -> None:
    value: Any = PLACES[how]
    if isinstance(value, float):
        # Not where it lies already.
        desk.count += 1
        value += 0.05 * desk.count
    move(desk.layers.images.chosen, how, value)


def use_the_menu(how: str, desk: Any) -> None:
    desk.viewer.layers.selection.active = desk.layers.images.chosen
    getattr(_layer_actions, how)(desk.viewer.layers)


def show_again(desk: Desk) -> None:
    layer = desk.layers.images.chosen
    desk.viewer.add_image(source_of(layer), metadata=dict(layer.metadata))


def delete_the_labels_and_bring_them_back(desk: Desk) -> None:
    layer = desk.labels
    desk.viewer.layers.remove(layer)
    desk.viewer.layers.append(layer)


def delete_the_image(desk: Any) -> None:
    desk.viewer.layers.remove(desk.layers.images.chosen)
    if desk.layers.images.chosen is None:
        desk.tidy()


def rearrange(desk: Desk) -> None:
    layers = desk.viewer.layers
    layers[0].name = "Verified"
    layers.move(0, len(layers))


def make_new_labels(desk: Desk) -> None:
    desk.viewer.layers.selection.active = desk.layers.images.chosen
    desk.viewer._new_labels()


def select(number: int, desk: Desk) -> None:
    desk.viewer.layers.selection.active = desk.viewer.layers[number]


def paint(desk: Any) -> None:
    if desk.labels is None:
        desk.begin()
    image = desk.image
    desk.count += 1
    label = 1 + desk.count % 400
    at = (desk.count % 32, (7 * desk.count) % 40)
    if isinstance(image.annotation, ValueAnnotation):
        label = image.annotation.mark_for(0, float(label))
    desk.labels.data_setitem(tuple(np.array([x]) for x in at), label)
    image.canvas.settle()
    desk.painted = {k: v for k, v in desk.painted.items() if k != (image, at)}
    desk.painted[image, at] = label


OPERATIONS: dict[str, Callable[[Any], object]] = {
    **{how: partial(move_a_little, how) for how in PLACES},
    **{
        how: partial(use_the_menu, how)
        for how in ("_duplicate_layer", "_convert_to_labels")
    },
    "show the same array again": show_again,
    "add": lambda desk: desk.add(),
    "begin": lambda desk: desk.begin(),
    "predict": lambda desk: desk.predict(),
    "show verified": lambda desk: desk.layers.show_verified(True),
    "hide verified": lambda desk: desk.layers.show_verified(False),
    "select the first": partial(select, 0),
    "select the last": partial(select, -1),
    "delete and bring back": delete_the_labels_and_bring_them_back,
    "delete": delete_the_image,
    "rearrange": rearrange,
    "new labels": make_new_labels,
    "paint": paint,
}
NEEDS_LABELS = {"delete and bring back"}
# Values differ from objects in their layers, not in what napari does to them.
OTHERS = ["_duplicate_layer", "_convert_to_labels", "add", "predict", "hide verified"]
NAMES = {
    "instances": list(OPERATIONS),
    "regression": [*PLACES, *OTHERS, "delete", "paint"],
}


class Work(Desk):
    """A desk on which it is remembered what was painted."""

    def __init__(self, model: Path) -> None:
        super().__init__(model)
        self.count = 0
        self.painted: dict[tuple[Any, tuple[int, ...]], int] = {}
        self.bare = False
        self.add()
        self.begin()
        self.predict()
        paint(self)

    def do(self, name: str) -> None:
        """Do it, with labels on the image unless what came just before took them."""
        while len(self.viewer.layers) > MOST_LAYERS:
            self.viewer.layers.pop(0)
        if self.layers.images.chosen is None or (self.bare and self.labels is None):
            self.tidy()
        self.bare = self.labels is None
        if name not in NEEDS_LABELS or not self.bare:
            OPERATIONS[name](self)
        self.check()

    def tidy(self) -> None:
        """Leave an image, and labels on it."""
        if self.layers.images.chosen is None:
            self.viewer.layers.selection.active = self.add()
        if self.labels is None:
            self.begin()
        self.check()

    def check(self) -> None:
        layers, every = self.layers, self.viewer.layers
        assert bool(layers.images.choices) == (layers.images.chosen is not None)
        assert layers.images.chosen is None or layers.images.chosen in every
        assert (self.session.state.image is not None) == (
            layers.images.chosen is not None
        )
        for image, shown in layers.results:
            assert shown.layer in every
            assert np.may_share_memory(shown.layer.data, image.annotation.labels)
            for layer in every:
                if shown.role_of(layer) not in (None, Role.IMAGE):
                    assert shown.below in every
                    assert lie_together(shown.below, layer, image.axes)
        for (image, at), label in self.painted.items():
            if image in list(self.session.images):
                assert image.annotation.labels[at] == label
                assert is_verified(image.annotation.provenance)[at]


@pytest.fixture(scope="module")
def values(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "values"
    save_model(values_model("light", "heat"), folder)
    return folder


def each_after_each(names: Sequence[str]) -> Iterator[str]:
    """Yield a sequence in which every name follows every name, itself too, once.

    A de Bruijn sequence of order two: its Lyndon words in alphabetical order.
    """
    for number, first in enumerate(names):
        yield first
        for second in names[number + 1 :]:
            yield first
            yield second
    yield names[0]


def test_each_operation_follows_each() -> None:
    names = list(each_after_each("abcd"))
    assert sorted(pairwise(names)) == sorted(product("abcd", repeat=2))


@pytest.mark.parametrize("task", ["instances", "regression"])
def test_labels_and_images_do_not_lose_each_other(
    folder: Path, values: Path, task: str
) -> None:
    desk = Work(folder if task == "instances" else values)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for name in each_after_each(NAMES[task]):
                desk.do(name)
        assert len(desk.painted) > len(PLACES)
    finally:
        desk.close()
