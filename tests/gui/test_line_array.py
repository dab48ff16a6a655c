"""napari reads lines as it reads any array."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from napari_unet.annotation.annotation import Annotation
from napari_unet.annotation.provenance import Provenance
from napari_unet.gui.line_array import LineArray
from napari_unet.gui.placement import NO_CHANNEL_AXIS, ChannelAxis

KEYS = [
    np.s_[1],
    np.s_[1, 4:20, 3],
    np.s_[..., 7],
    np.s_[2, ::2, ::-1],
    np.s_[:, 5:5],
    np.s_[0, np.array([4, 5]), 6],
    (np.int64(2), slice(None), slice(None)),
    (1, -3, 5),
]


def annotation(shape: tuple[int, ...] = (3, 24, 30)) -> Annotation:
    labels = np.zeros(shape, np.int32)
    labels[..., 4:15, 3:20] = 5
    return Annotation(labels, np.full(shape, Provenance.PREDICTED, np.uint8))


@pytest.mark.parametrize("key", KEYS, ids=str)
def test_what_is_read_is_what_numpy_would_give(key: Any):
    lines = LineArray(annotation(), NO_CHANNEL_AXIS)
    whole = np.asarray(lines)
    assert whole.any()
    assert np.array_equal(lines[key], whole[key])
    assert np.shape(lines[key]) == np.shape(whole[key])


def test_all_channels_have_the_same_lines():
    lines = LineArray(annotation(), ChannelAxis(1, 2))
    assert lines.shape == np.asarray(lines).shape == (3, 2, 24, 30)
    assert np.array_equal(lines[1, 0], lines[1, 1])
    assert np.array_equal(lines[1, 0, 3:9], np.asarray(lines)[1, 0, 3:9])
    assert lines[1, 0].any()
