"""Which axis is which: from everything that is known, in any form readers give it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_unet.errors import InputError
from napari_unet.geometry.axes import (
    ImageHeader,
    axes_in_words,
    axes_of_names,
    fit_axes,
    readings,
    resolve_axes,
)

SIZES = {"T": 5, "C": 3, "Z": 7, "Y": 40, "X": 41}
"""All different, so that an axis is known by its extent."""


@st.composite
def stated(draw: st.DrawFn) -> ImageHeader:
    """Axes in any order, Y before X, some of them with one plane only."""
    more = draw(st.permutations(sorted(draw(st.sets(st.sampled_from("TCZ"))))))
    axes = [*more, "Y", "X"]
    if "C" in axes and draw(st.booleans()):
        axes = [*(axis for axis in axes if axis != "C"), "C"]
    single = draw(st.sets(st.sampled_from("TCZ")))
    shape = tuple(1 if axis in single else SIZES[axis] for axis in axes)
    return ImageHeader("".join(axes), shape)


@given(stated(), st.sampled_from([np.uint8, np.uint16, np.float32]))
def test_a_whole_array_has_the_axes_of_its_file(file, dtype):
    known = resolve_axes(file.shape, dtype, file=file)
    assert (known.letters, known.origin) == (file.axes, "file")


@given(stated(), st.data())
def test_what_readers_leave_out_or_turn_round_keeps_its_name(file, data):
    """No time point becomes a section, no channel a slice, whatever is left of them."""
    array = dict(zip(file.axes, file.shape, strict=True))
    if data.draw(st.booleans(), "single planes are left out"):
        array = {a: n for a, n in array.items() if n > 1}
    if data.draw(st.booleans(), "channels are layers of their own"):
        array.pop("C", None)
    if data.draw(st.booleans(), "one part along an axis"):
        array.pop(data.draw(st.sampled_from("TZ")), None)
    elif data.draw(st.booleans(), "all axes, in the order of OME"):
        array = {a: array.get(a, 1) for a in "TCZYX"}
    known = resolve_axes(tuple(array.values()), np.uint16, file=file)
    assert known.origin == "file"
    for axis, (true, size) in zip(known.letters, array.items(), strict=True):
        assert axis == true or size == 1


@given(st.permutations("TCZ"), st.integers(0, 3))
def test_colours_that_a_viewer_puts_last_are_channels(order, number):
    axes = "".join([*order[:number], *("C" if "C" not in order[:number] else ""), "YX"])
    last = axes.replace("C", "") + "C"
    file = ImageHeader(axes, tuple(SIZES[a] for a in axes))
    shape = tuple(SIZES[a] for a in last)
    assert resolve_axes(shape, np.uint8, file=file, colour=True).letters == last


def test_what_may_be_two_things_is_not_decided_by_the_file():
    assert fit_axes(ImageHeader("TZYX", (4, 4, 9, 9)), (4, 9, 9)) is None
    # Channels are what viewers split, so these are time points.
    assert fit_axes(ImageHeader("TCYX", (2, 2, 9, 9)), (2, 9, 9)) == "TYX"


@given(stated(), st.tuples(*[st.integers(9, 12)] * 3))
def test_a_file_of_another_shape_says_nothing(file, shape):
    known = resolve_axes(shape, np.float32, file=file)
    assert known == resolve_axes(shape, np.float32)
    assert known.origin == "guess"


def test_the_person_decides_before_the_layer_and_the_layer_before_the_file():
    shape, file = (4, 9, 8), ImageHeader("TYX", (4, 9, 8))
    said = {"person": "cyx", "layer": "ZYX", "file": file}
    for origin, letters in (("person", "CYX"), ("layer", "ZYX"), ("file", "TYX")):
        known = resolve_axes(shape, np.uint8, **said)
        assert (known.letters, known.origin) == (letters, origin)
        del said[origin]
    assert resolve_axes(shape, np.uint8).origin == "guess"


def test_only_what_the_person_says_is_refused_where_it_does_not_fit():
    with pytest.raises(InputError, match="name 2 axes, but the image has 3"):
        resolve_axes((4, 9, 8), np.uint8, person="YX")
    assert resolve_axes((4, 9, 8), np.uint8, layer="YX").origin == "guess"


@pytest.mark.parametrize(
    ("names", "axes"),
    [
        (("t", "y", "x"), "TYX"),
        (("Time", "-2", "-1"), "TYX"),
        (("channel", "row", "column"), "CYX"),
        (("frame", "z", "y", "x"), "TZYX"),
        (("-3", "-2", "-1"), None),
        (("q", "-2", "-1"), None),
        (("z", "a", "b"), None),
        (("z", "z", "y", "x"), None),
        ((), None),
    ],
)
def test_names_of_axes(names, axes):
    assert axes_of_names(names, len(names)) == axes


def test_every_likely_reading_fits_and_has_words_of_its_own():
    for ndim in range(2, 6):
        several = readings((9,) * ndim)
        assert len({axes_in_words(axes) for axes in several}) >= len(several) - 1
        for axes in several:
            assert resolve_axes((9,) * ndim, float, person=axes).letters == axes
