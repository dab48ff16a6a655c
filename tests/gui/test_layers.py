"""Labels and their image belong together; commands and words know which is meant."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from napari.layers import _layer_actions

from napari_unet.annotation.edits import AcceptView
from napari_unet.annotation.labels import as_labels
from napari_unet.annotation.provenance import Provenance, is_verified
from napari_unet.geometry.box import Box
from napari_unet.weights.folder import save_model
from tests.gui.desk import KINDS, Desk, lie_together, move
from tests.session.brightness import classes_model, values_model


def paint(desk: Desk, at: tuple[int, ...], label: int, layer: Any = None) -> None:
    """Paint a pixel, as a stroke in a layer; in the labels unless it is given."""
    layer = desk.labels if layer is None else layer
    layer.data_setitem(tuple(np.array([each]) for each in at), label)
    for image in desk.session.images:
        image.canvas.flush()


WAYS = {
    "scale": 0.25,
    "translate": 10.0,
    "rotate": 30.0,
    "shear": 0.3,
    "affine": 0.2,
    "units": "micrometer",
    "axis_labels": "abcd",
}


@pytest.mark.parametrize("axes", KINDS)
@pytest.mark.filterwarnings("ignore:Non-orthogonal")
def test_where_one_layer_goes_all_go(desk: Desk, axes: str) -> None:
    image = desk.add(axes)
    desk.begin()
    desk.layers.show_verified(True)
    labels, verified = desk.labels, desk.viewer.layers["Verified"]
    for layer in (image, labels, verified):
        for how, value in WAYS.items():
            move(layer, how, value)
            assert lie_together(image, labels, axes), (layer, how)
            assert lie_together(image, verified, axes), (layer, how)
            assert labels.axis_labels == image.axis_labels[-labels.ndim :]
            assert labels.units == image.units[-labels.ndim :]


def test_labels_lie_on_the_layer_that_is_chosen(desk: Desk) -> None:
    first = desk.add(name="first")
    desk.predict()
    second = desk.viewer.add_image(first.data, name="second", translate=(0, 50))
    assert lie_together(second, desk.labels, "YX")
    desk.viewer.layers.selection.active = first
    assert lie_together(first, desk.labels, "YX")
    desk.viewer.layers.remove(first)
    assert desk.layers.images.chosen is second
    assert desk.image.sources[0] is second.data
    assert lie_together(second, desk.labels, "YX")
    paint(desk, (3, 3), 77)
    assert desk.image.annotation.provenance[3, 3] == Provenance.CORRECTED


def test_labels_over_time_and_channels_keep_to_the_slider_of_time(desk: Desk) -> None:
    image = desk.add("TCYX")
    desk.begin()
    assert desk.labels.data.shape == image.data.shape
    assert desk.viewer.dims.ndim == 4
    paint(desk, (1, 0, 5, 6), 9)
    annotation = desk.image.annotation
    assert annotation.labels[1, 5, 6] == 9
    assert not annotation.labels[0].any()
    assert desk.labels.data[1, 1, 5, 6] == 9, "seen over every channel"
    desk.labels.undo()
    desk.image.canvas.flush()
    assert not annotation.labels.any()
    desk.viewer.layers.remove(desk.labels)
    desk.begin()
    desk.labels.redo()
    desk.image.canvas.flush()
    assert annotation.labels[1, 5, 6] == 9


@pytest.mark.parametrize("names", [("light", "heat"), ("light", "heat", "salt")])
@pytest.mark.parametrize("axes", ["YX", "ZYX", "TCYX", "CYX"])
def test_values_of_several_variables_take_no_slider_of_the_image(
    desk: Desk, tmp_path: Path, axes: str, names: tuple[str, ...]
) -> None:
    save_model(values_model(*names), tmp_path / "model")
    desk.session.models.choose(tmp_path / "model")
    image = desk.add(axes, name="cells")
    desk.begin()
    annotation = desk.image.annotation
    shape = annotation.labels.shape
    predicted = np.stack([np.full(shape, n, np.float32) for n in range(len(names))])
    annotation.do(
        annotation.merging(predicted, Box.whole(shape)).merge()(Box.whole(shape))
    )
    desk.layers.results.current.values.redraw()
    pictures = [desk.viewer.layers[f"cells prediction {name}"] for name in names]
    assert desk.viewer.dims.ndim == image.ndim
    assert [each.visible for each in pictures] == [True] + [False] * (len(names) - 1)
    desk.layers.results.current.values.look_at(1)
    assert [each.visible for each in pictures].index(True) == 1
    for number, picture in enumerate(pictures):
        assert lie_together(image, picture, axes)
        assert (picture.data == number).all()


def test_a_prediction_leaves_the_tools_as_the_person_set_them(desk: Desk) -> None:
    image = desk.add(name="first")
    desk.predict()
    fitting = desk.labels.brush_size
    wanted = {
        "brush_size": fitting + 7,
        "opacity": 0.3,
        "contour": 2,
        "mode": "erase",
        "selected_label": 1,
        "blending": "additive",
        "n_edit_dimensions": 2,
    }
    for name, value in wanted.items():
        setattr(desk.labels, name, value)
    desk.predict()
    assert {name: getattr(desk.labels, name) for name in wanted} == wanted
    desk.labels.visible = False
    wanted.update(visible=False, mode="pan_zoom")  # as napari does where all is hidden
    before = desk.labels
    desk.session.images.reopen(desk.session.images.current)
    assert desk.layers.images.chosen is image
    assert desk.labels is not before
    assert {name: getattr(desk.labels, name) for name in wanted} == wanted


def test_a_brush_that_nobody_chose_fits_the_objects(desk: Desk) -> None:
    desk.add()
    desk.begin()
    usual = desk.labels.brush_size
    desk.predict()
    assert desk.labels.brush_size != usual


def test_labels_of_another_image_do_not_take_the_choice_away(desk: Desk) -> None:
    first, second = desk.add(name="first"), desk.add(name="second")
    desk.layers.choose(first)
    other = desk.image
    desk.layers.choose(second)
    desk.session.images.note_change(other)  # its prediction arrives now
    assert "first labels" in desk.viewer.layers
    assert desk.layers.images.chosen is second
    assert desk.viewer.layers.selection.active is second
    desk.viewer.layers.selection.active = desk.viewer.layers["first labels"]
    assert desk.layers.images.chosen is first
    assert desk.session.state.image.name == "first"
    assert desk.session.state.target.labels == "first labels"


def test_accept_hits_what_is_selected_and_in_sight(desk: Desk) -> None:
    desk.add(name="first")
    desk.predict()
    desk.add(name="second")
    desk.predict()
    first, second = tuple(desk.session.images)
    desk.viewer.layers.selection.active = desk.viewer.layers["first labels"]
    desk.session.correcting.do(AcceptView(Box.whole((32, 40))))
    assert is_verified(first.annotation.provenance).any()
    assert not is_verified(second.annotation.provenance).any()
    desk.viewer.layers["second labels"].visible = False
    desk.viewer.layers.selection.active = desk.viewer.layers["second labels"]
    desk.session.correcting.do(AcceptView(Box.whole((32, 40))))
    assert not is_verified(second.annotation.provenance).any()
    assert "'second labels' is hidden" in desk.session.state.problems["correct"].text
    desk.viewer.layers["second"].visible = False
    desk.session.predict()
    assert not desk.session.state.predicting
    assert "'second' is chosen, but hidden" in desk.session.state.why_not_predict
    desk.viewer.layers["second"].visible = True
    assert not desk.session.state.why_not_predict


@pytest.mark.parametrize("made_by", ["duplicate", "new labels"])
def test_the_first_stroke_elsewhere_is_told_and_can_be_used(
    desk: Desk, made_by: str
) -> None:
    desk.add(name="cells")
    desk.predict()
    desk.viewer.layers.selection.active = (
        desk.labels if made_by == "duplicate" else desk.layers.images.chosen
    )
    if made_by == "duplicate":
        _layer_actions._duplicate_layer(desk.viewer.layers)
    else:
        desk.viewer._new_labels()
    other = desk.viewer.layers.selection.active
    assert desk.session.state.target.stranger == other.name
    assert "correct" not in desk.session.state.problems
    paint(desk, (0, 0), 200, other)
    problem = desk.session.state.problems["correct"].text
    assert f"'{other.name}' is not kept" in problem
    assert "'cells labels'" in problem
    before = np.array(desk.image.annotation.labels)
    desk.layers.use_selected_labels(right=True)
    desk.image.canvas.flush()
    assert np.array_equal(desk.image.annotation.labels, np.asarray(other.data))
    assert desk.image.annotation.provenance[0, 0] == Provenance.CORRECTED
    assert "correct" not in desk.session.state.problems
    assert desk.viewer.layers.selection.active is desk.labels
    desk.labels.undo()
    desk.image.canvas.flush()
    assert np.array_equal(desk.image.annotation.labels, before)


@pytest.mark.parametrize(
    ("corner", "words"),
    [
        ([[0, 1, 0], [0, 0, 0], [9, 0, 9]], ""),
        ([[0, 255, 0], [0, 0, 0], [255, 0, 255]], "split into 3 objects"),
        ([[0, 2**40, 0], [0, 0, 0], [9, 0, 9]], "got smaller numbers"),
        ([[-5, 2, 0], [0, 0, 0], [9, 0, 9]], "negative ids"),
    ],
)
def test_labels_are_used_by_the_rule_for_labels_from_elsewhere(
    desk: Desk, corner: Any, words: str
) -> None:
    desk.add()
    desk.predict()
    labels = np.zeros((32, 40), np.int64)
    labels[:3, :3] = corner
    desk.viewer.add_labels(labels, name="theirs")
    desk.layers.use_selected_labels(right=True)
    desk.image.canvas.flush()
    assert np.array_equal(desk.image.annotation.labels, as_labels(labels).array)
    assert words in desk.session.state.message
    assert ("theirs: " in desk.session.state.message) == bool(words)


@pytest.mark.parametrize("right", [False, True])
def test_labels_of_another_shape_are_refused(desk: Desk, right: bool) -> None:
    desk.add()
    desk.predict()
    before = np.array(desk.image.annotation.labels)
    desk.viewer.add_labels(np.ones((5, 6), int))
    with pytest.raises(ValueError, match="has 5 x 6 pixels"):
        desk.layers.use_selected_labels(right=right)
    assert np.array_equal(desk.image.annotation.labels, before)


@pytest.mark.parametrize("right", [False, True])
def test_labels_of_other_classes_are_refused(
    desk: Desk, tmp_path: Path, right: bool
) -> None:
    save_model(classes_model(), tmp_path / "classes")
    desk.session.models.choose(tmp_path / "classes")
    desk.add()
    desk.predict()
    desk.viewer.add_labels(np.full((32, 40), 9) + np.eye(32, 40, dtype=int))
    with pytest.raises(ValueError, match="only the classes 0 to"):
        desk.layers.use_selected_labels(right=right)


def test_work_comes_back_with_a_layer_that_comes_back(desk: Desk) -> None:
    desk.add(name="cells")
    desk.predict()
    paint(desk, (0, 0), 400)
    layer, image = desk.labels, desk.image
    desk.viewer.layers.remove(layer)
    assert desk.labels is None
    desk.viewer.layers.append(layer)
    assert desk.labels is layer
    paint(desk, (0, 1), 401)
    assert image.annotation.provenance[0, 1] == Provenance.CORRECTED
    desk.viewer.layers.remove(layer)
    desk.begin()
    assert desk.labels is not layer
    assert desk.labels.data[0, 0] == 400
    assert desk.labels.data[0, 1] == 401


def test_an_image_that_comes_back_has_one_layer_of_labels(desk: Desk) -> None:
    image = desk.add(name="cells")
    desk.predict()
    paint(desk, (0, 0), 400)
    desk.viewer.layers.remove(image)
    assert [each.name for each in desk.viewer.layers] == ["cells labels"]
    desk.viewer.layers.append(image)
    assert [each.name for each in desk.viewer.layers] == ["cells", "cells labels"]
    assert desk.labels.data[0, 0] == 400


def test_other_pixels_in_a_layer_that_is_not_chosen_are_another_image(
    desk: Desk,
) -> None:
    first = desk.add(name="first")
    desk.predict()
    desk.add(name="second")
    first.data = desk.pixels("YX")
    assert [each.name for each in desk.session.images] == ["second"]
    desk.layers.choose(first)
    assert desk.session.state.image.open
    assert not desk.session.state.image.has_labels
