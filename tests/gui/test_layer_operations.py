"""Whatever people do with layers: labels lie on their image, and strokes are kept.

Random sequences of what napari offers, on a viewer without a window. What a session
does in the background happens at once.
"""

from __future__ import annotations

import tempfile
import warnings
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from napari.layers import Image, Labels, _layer_actions

from napari_unet.core.provenance import is_verified
from napari_unet.core.values import ValueAnnotation
from napari_unet.engine.weights import save_model
from napari_unet.gui.geometry import source_of
from napari_unet.gui.target import Role
from tests.gui.desk import KINDS, Desk, lie_together, move
from tests.session.brightness import values_model

PLACES = {
    "scale": st.sampled_from([0.25, 2.0, -1.0]),
    "translate": st.sampled_from([-3.0, 10.0]),
    "rotate": st.sampled_from([30.0, 90.0]),
    "shear": st.sampled_from([0.2, -0.5]),
    "affine": st.sampled_from([0.1, -0.3]),
    "units": st.sampled_from(["micrometer", "pixel"]),
    "axis_labels": st.sampled_from(["abcd", "wvut"]),
}


@pytest.fixture
def folder(qapp: Any, unfiled: Path, bright: Path) -> Path:
    return bright


class LayerOperations(RuleBasedStateMachine):
    """People rearrange layers, paint, predict and accept, in any order."""

    model: Path

    def __init__(self) -> None:
        super().__init__()
        # Every example begins without work on the disk.
        self._folder = tempfile.TemporaryDirectory()
        self._where = patch(
            "napari_unet.project.folder._unfiled_folder",
            lambda: Path(self._folder.name),
        )
        self._where.start()
        self.desk = Desk(self.model)
        self.painted: list[tuple[Any, tuple[int, ...], int]] = []

    def teardown(self) -> None:
        self.desk.close()
        self._where.stop()
        self._folder.cleanup()

    @property
    def all(self) -> Any:
        return self.desk.viewer.layers

    def pick(self, data: Any, kind: type = object) -> Any:
        return data.draw(st.sampled_from([x for x in self.all if isinstance(x, kind)]))

    def has(self, kind: type = object, most: int = 12) -> bool:
        return sum(isinstance(x, kind) for x in self.all) > 0 and len(self.all) < most

    @initialize(axes=st.sampled_from(sorted(KINDS)), verified=st.booleans())
    def begin(self, axes: str, verified: bool) -> None:
        self.desk.add(axes)
        self.desk.begin()
        self.desk.predict()
        self.desk.layers.show_verified(verified)

    @rule(axes=st.sampled_from(sorted(KINDS)))
    @precondition(lambda self: len(self.all) < 8)
    def add_image(self, axes: str) -> None:
        self.desk.add(axes)

    @rule(data=st.data())
    @precondition(lambda self: self.has(Image))
    def show_the_same_array_again(self, data: Any) -> None:
        layer = self.pick(data, Image)
        self.desk.viewer.add_image(
            source_of(layer), name="again", metadata=dict(layer.metadata)
        )

    @rule(data=st.data())
    @precondition(lambda self: self.has())
    def select(self, data: Any) -> None:
        chosen = data.draw(st.lists(st.sampled_from(list(self.all)), max_size=2))
        self.all.selection = set(chosen)

    @rule(
        how=st.sampled_from(
            ["_duplicate_layer", "_convert_to_labels", "_convert_to_image", "_project"]
        )
    )
    @precondition(lambda self: self.has())
    def use_the_menu_of_layers(self, how: str) -> None:
        layer = self.all.selection.active
        if isinstance(layer, Image | Labels) and (
            how != "_project" or (isinstance(layer, Image) and layer.ndim > 2)
        ):
            getattr(_layer_actions, how)(self.all)

    @rule()
    @precondition(lambda self: self.has())
    def split(self) -> None:
        layer = self.all.selection.active
        if isinstance(layer, Image) and layer.ndim > 2:
            _layer_actions._split_stack(self.all)

    @rule(data=st.data())
    @precondition(lambda self: self.has())
    def make_new_labels(self, data: Any) -> None:
        self.all.selection.active = self.pick(data)
        self.desk.viewer._new_labels()

    @rule(data=st.data())
    @precondition(lambda self: self.has(most=99))
    def delete(self, data: Any) -> None:
        self.all.remove(self.pick(data))
        if self.desk.layers.chosen is None:
            self.begin("YX", False)

    @rule(data=st.data())
    @precondition(lambda self: self.has(Labels))
    def delete_and_bring_back(self, data: Any) -> None:
        layer = self.pick(data, Labels)
        self.all.remove(layer)
        self.all.append(layer)

    @rule(data=st.data())
    @precondition(lambda self: self.has())
    def rearrange(self, data: Any) -> None:
        layer = self.pick(data)
        layer.name = data.draw(st.sampled_from(["x", "y", "Verified"]))
        layer.visible = data.draw(st.booleans())
        self.all.move(self.all.index(layer), data.draw(st.integers(0, len(self.all))))

    @rule(data=st.data(), how=st.sampled_from(sorted(PLACES)))
    @precondition(lambda self: self.has())
    def move(self, data: Any, how: str) -> None:
        move(self.pick(data), how, data.draw(PLACES[how]))

    @rule(data=st.data())
    @precondition(lambda self: self.has(Image))
    def show_other_pixels(self, data: Any) -> None:
        layer = self.pick(data, Image)
        layer.data = self.desk.pixels("YX")

    @rule()
    def predict(self) -> None:
        self.desk.predict()

    @rule()
    def begin_empty(self) -> None:
        self.desk.session.start_empty()

    @rule(visible=st.booleans())
    def show_verified(self, visible: bool) -> None:
        self.desk.layers.show_verified(visible)

    @rule(data=st.data())
    @precondition(lambda self: self.desk.labels is not None)
    def paint(self, data: Any) -> None:
        layer, image = self.desk.labels, self.desk.image
        assert layer.editable
        at = tuple(
            data.draw(st.integers(0, n - 1)) for n in image.annotation.labels.shape
        )
        label = data.draw(st.integers(1, 500))
        if isinstance(image.annotation, ValueAnnotation):
            label = image.annotation.mark_for(0, float(label))
        layer.data_setitem(tuple(np.array([x]) for x in self._in_layer(at)), label)
        image.canvas.settle()
        same = [each for each in self.painted if each[:2] != (image, at)]
        self.painted = [*same, (image, at, label)]

    def _in_layer(self, at: tuple[int, ...]) -> tuple[int, ...]:
        position = self.desk.image.axes.find("C")
        return (*at[:position], 1, *at[position:]) if position > 0 else at

    @rule()
    @precondition(lambda self: self.desk.layers._selected_stranger() is not None)
    def paint_in_another_layer(self) -> None:
        layer = self.desk.layers._selected_stranger()
        other = int(layer.data[(0,) * layer.ndim]) + 1
        layer.data_setitem(tuple(np.array([0]) for _ in range(layer.ndim)), other)
        problem = self.desk.session.state.problems["correct"].text
        assert f"'{layer.name}' is not kept" in problem

    @invariant()
    def an_image_is_chosen_where_there_is_one(self) -> None:
        layers, state = self.desk.layers, self.desk.session.state
        assert bool(layers.choices) == (layers.chosen is not None)
        assert layers.chosen is None or layers.chosen in self.all
        assert (state.image is not None) == (layers.chosen is not None)
        if layers.chosen is not None and not state.problems:
            assert self.desk.image.source is source_of(layers.chosen)

    @invariant()
    def results_lie_on_their_image(self) -> None:
        for image, shown in self.desk.layers._results:
            for layer in self.all:
                if shown.role_of(layer) not in (None, Role.IMAGE):
                    assert shown.below in self.all
                    assert lie_together(shown.below, layer, image.axes)

    @invariant()
    def what_was_painted_is_there(self) -> None:
        for image, at, label in self.painted:
            if image in list(self.desk.session.images):
                assert image.annotation.labels[at] == label
                assert is_verified(image.annotation.provenance)[at]

    @invariant()
    def what_is_shown_is_the_annotation(self) -> None:
        for image, shown in self.desk.layers._results:
            assert shown.layer in self.all
            assert np.may_share_memory(shown.layer.data, image.annotation.labels)


@pytest.fixture(scope="module")
def values(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "values"
    save_model(values_model("light", "heat"), folder)
    return folder


@pytest.mark.parametrize("task", ["instances", "regression"])
def test_labels_and_images_do_not_lose_each_other(
    folder: Path, values: Path, task: str
) -> None:
    LayerOperations.model = folder if task == "instances" else values
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        run_state_machine_as_test(
            LayerOperations,
            settings=settings(
                max_examples=25,
                stateful_step_count=20,
                phases=(Phase.generate, Phase.shrink),
                deadline=None,
                suppress_health_check=list(HealthCheck),
            ),
        )
