"""A file of which a part is missing is known, though readers show what is left."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile

from napari_unet.errors import InputError
from napari_unet.io.read import is_damaged


@pytest.fixture
def stack(tmp_path):
    path = tmp_path / "stack.tif"
    noise = np.random.default_rng(0).integers(0, 999, (6, 64, 64)).astype(np.uint16)
    tifffile.imwrite(path, noise, imagej=False, compression="zlib")
    return path


def test_a_stack_that_was_copied_in_part_is_damaged(stack):
    assert not is_damaged(stack)
    whole = stack.read_bytes()
    stack.write_bytes(whole[: len(whole) // 3])
    assert is_damaged(stack)


def test_what_is_no_tiff_is_none_of_its_business(tmp_path):
    other = tmp_path / "notes.txt"
    other.write_text("no image")
    assert not is_damaged(other)
    assert not is_damaged(tmp_path / "nothing.tif")


def test_the_list_refuses_it_in_words(stack):
    from napari_unet.gui.reading import NapariReader

    assert NapariReader().read(stack).pixels.shape == (6, 64, 64)
    whole = stack.read_bytes()
    stack.write_bytes(whole[: len(whole) // 3])
    with pytest.raises(InputError, match="incomplete or damaged"):
        NapariReader().read(stack)
