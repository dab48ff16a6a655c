"""Channels are named as people do, and taken as they say."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_unet.errors import ChannelMismatchError, InputError
from napari_unet.images.channels import (
    channel_titles,
    names_or_colours,
    parse_channels,
    take_channels,
)

NAMES = ("DAPI", "GFP, green", "gfp", "GFP")


@pytest.mark.parametrize(
    ("text", "channels"),
    [
        ("1", (0,)),
        ("4,2", (3, 1)),
        ("dapi", (0,)),
        ("GFP", (3,)),
        ("gfp", (2,)),
        ("GFP, green", (1,)),
        ("1, GFP", (0, 3)),
        (" 2 ", (1,)),
    ],
)
def test_numbers_from_1_and_names(text, channels):
    assert parse_channels(text, 4, NAMES) == channels


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("0", "a number from 1 to 4 or a name"),
        ("5", "1 DAPI, 2 GFP, green, 3 gfp, 4 GFP"),
        ("Cy5", "no channel 'Cy5'"),
        ("", "no channel ''"),
        ("1,,2", "no channel ''"),
        ("2,2", "name one twice"),
        ("-1", "no channel '-1'"),
        ("Gfp", "called 'Gfp' .3, 4.; give a number"),
    ],
)
def test_others_are_refused_with_what_there_is(text, words):
    with pytest.raises(InputError, match=words):
        parse_channels(text, 4, NAMES)


def test_a_grey_image_has_one_channel():
    assert parse_channels("1", 1) == (0,)
    with pytest.raises(InputError, match="has 1 channel; give 1"):
        parse_channels("2", 1)


@given(st.permutations("TCZYX"), st.data())
def test_what_is_taken_is_what_was_named(order, data):
    axes = "".join(order)
    image = np.arange(3 * 2 * 2 * 2 * 2).reshape([3 if a == "C" else 2 for a in axes])
    few = st.lists(st.integers(0, 2), min_size=1, unique=True)
    channels = tuple(data.draw(few))
    taken, left = take_channels(image, axes, channels)
    place = axes.index("C")
    if len(channels) == 1:
        assert left == axes.replace("C", "")
        np.testing.assert_array_equal(taken, image.take(channels[0], place))
    else:
        assert left == axes
        np.testing.assert_array_equal(taken, image.take(channels, place))


def test_all_are_taken_where_nobody_chose():
    image = np.zeros((2, 4, 4))
    assert take_channels(image, "CYX", None)[0] is image
    assert take_channels(image, "ZYX", (0,)) == (image, "ZYX")


def test_colours_have_names_of_their_own():
    assert names_or_colours((), "YXC", 3) == ("red", "green", "blue")
    assert names_or_colours((), "CYX", 3) == ()
    assert names_or_colours(("a", "b", "c"), "YXC", 3) == ("a", "b", "c")
    assert channel_titles(3, ("a", "")) == ("1 a", "2", "3")


@pytest.mark.parametrize(
    ("axes", "index"),
    [("CYX", "image[0]"), ("ZCYX", "image[:, 0]"), ("YXC", "image[:, :, 0]")],
)
def test_in_python_the_way_out_is_an_index(axes, index):
    error = ChannelMismatchError("A wants 1, B has 2", 1, 2, axes, "choose another")
    assert index in str(error)


@pytest.mark.parametrize(
    ("choice", "channels"),
    [
        (2, (1,)),
        ([3, 1], (2, 0)),
        (("b", 1), (1, 0)),
        (np.array([1, 2]), (0, 1)),
        (np.int64(3), (2,)),
        (["c, d"], (2,)),
    ],
)
def test_scripts_give_numbers_and_lists(choice, channels) -> None:
    assert parse_channels(choice, 3, ("a", "b", "c, d")) == channels


@pytest.mark.parametrize("choice", [[], ["x"], [0], [1, 1], True, 1.5, [None]])
def test_lists_of_others_are_refused(choice) -> None:
    with pytest.raises(InputError, match=r"There is no channel|name one twice"):
        parse_channels(choice, 3, ("a", "b", "c"))
