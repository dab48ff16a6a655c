from __future__ import annotations

import os
import re
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from napari_unet.errors import InputError
from napari_unet.project import identity
from napari_unet.project.identity import ImageIdentity, content_hash, iter_content_hash
from napari_unet.project.layout import default_folder

ARRAYS = hnp.arrays(
    st.sampled_from(["u1", "<u2", "<f4"]), hnp.array_shapes(max_dims=4, max_side=5)
)


@settings(max_examples=40)
@given(array=ARRAYS)
def test_the_hash_is_of_values_and_not_of_their_layout(
    array: npt.NDArray[np.generic],
) -> None:
    expected = content_hash(array)
    assert content_hash(np.asfortranarray(array)) == expected
    assert content_hash(array.astype(array.dtype.newbyteorder(">"))) == expected


@settings(max_examples=40)
@given(array=ARRAYS, limit=st.integers(1, 40))
def test_the_hash_does_not_depend_on_the_pieces(
    array: npt.NDArray[np.generic], limit: int
) -> None:
    expected = content_hash(array)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(identity, "_CHUNK_BYTES", limit)
        assert content_hash(array) == expected


def test_the_hash_tells_dtype_shape_and_every_pixel_apart() -> None:
    array = np.zeros((4, 6), np.uint8)
    other = array.copy()
    other[3, 5] = 1
    variants = [array, array.astype(np.int8), array.reshape(6, 4), other]
    assert len({content_hash(variant) for variant in variants}) == 4


def test_large_images_are_hashed_in_steps() -> None:
    image = np.zeros((40, 1024, 1024), np.uint8)
    assert len(list(iter_content_hash(image))) == 3


@settings(max_examples=50)
@given(name=st.text(max_size=80))
def test_any_name_gives_a_safe_key(name: str) -> None:
    image = np.zeros((2, 2), np.uint8)
    found = ImageIdentity.of(name, image, "YX")
    assert re.fullmatch(r"[a-z0-9][a-z0-9-]{0,99}", found.key)
    assert found.name.isprintable()
    assert found.name.encode()


def test_labels_have_no_channels() -> None:
    image = ImageIdentity.of("a", np.zeros((2, 3, 4), np.uint8), "yxc")
    assert image.labels_shape == (2, 3)
    assert image.axes == "YXC"


@pytest.mark.parametrize(
    ("array", "axes", "words"),
    [
        (np.zeros((0, 3)), "YX", "no pixels"),
        (np.zeros((3, 3), "M8[s]"), "YX", "an image of numbers"),
        (np.zeros((3, 3)), "ZYX", "3 axes"),
    ],
)
def test_what_is_no_image_is_refused(
    array: npt.NDArray[np.generic], axes: str, words: str
) -> None:
    with pytest.raises(InputError, match=words):
        ImageIdentity.of("a", array, axes)


def test_a_project_lies_beside_its_image() -> None:
    path = Path("data", "cells.ome.tif")
    assert default_folder(path, "ignored") == Path("data", "cells.ome.unet")


@pytest.mark.parametrize("name", ["../../etc", "a/b", "C:\\x", "", "ü" * 300])
def test_images_without_a_file_have_a_folder_of_the_user(name: str) -> None:
    folder = default_folder(None, name)
    assert folder.suffix == ".unet"
    assert folder.parent == default_folder(None, "x").parent
    assert len(folder.name.encode()) < 255


@given(
    stem=st.text(
        st.characters(exclude_categories=["Cc", "Cs"], exclude_characters="/."),
        min_size=1,
    )
)
@example("細" * 83 + "ab")
@example("a" * 251)
@example("a" * 250)
def test_the_name_of_a_project_is_never_longer_than_a_name_can_be(stem):
    path = Path("data", f"{stem}.tif")
    folder = default_folder(path, "ignored")
    assert folder == default_folder(path, "ignored")
    assert folder.parent == path.parent
    assert len(os.fsencode(folder.name)) <= 255
    if len(os.fsencode(stem)) <= 250:
        assert folder.name == f"{stem}.unet"
    else:
        assert folder != default_folder(path.with_name(f"{stem}b.tif"), "ignored")
