"""Statistics of one pass are those of the whole image, however it is cut."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from napari_unet.core.jobs import drain
from napari_unet.errors import InputError
from napari_unet.geometry.box import Box
from napari_unet.images import grey_values, statistics
from napari_unet.images.blocks import block_shape, iter_blocks
from napari_unet.images.grey_values import collect
from napari_unet.images.normalize import (
    AsItIs,
    Moments,
    Normalization,
    PercentileNormalization,
    StatedPercentiles,
)
from napari_unet.images.source import ArrayImage, CanonicalImage
from napari_unet.images.statistics import Statistics, iter_statistics

NORMALIZATIONS: list[Normalization] = [
    PercentileNormalization(),
    PercentileNormalization(low=0, high=100),
    StatedPercentiles(low=3, high=99.8),
    Moments(),
    AsItIs(),
]
DTYPES = [bool, np.uint8, np.int8, np.uint16, np.int16, np.int32, np.uint64]
DTYPES += [np.float16, np.float32, np.float64]


class InPieces:
    """An image that says how its pixels lie together, and what was read."""

    def __init__(self, array: np.ndarray, axes: str, piece: tuple[int, ...]) -> None:
        self._array = array
        self.axes = axes
        self.piece = piece
        self.pixel_size: dict[str, float] = {}
        self.shape, self.dtype, self.levels = array.shape, array.dtype, (array.shape,)
        self.asked: list[Box] = []

    def read(self, region: Box, level: int = 0) -> np.ndarray:
        assert level == 0
        self.asked.append(region)
        return self._array[region.slices]


@st.composite
def cut_images(draw: st.DrawFn) -> InPieces:
    axes = draw(st.sampled_from(["YX", "CYX", "YXC", "TZYX", "CTXZY", "TCZYX"]))
    shape = tuple(draw(st.integers(1, 9)) for _ in axes)
    array = draw(hnp.arrays(draw(st.sampled_from(DTYPES)), shape))
    piece = tuple(draw(st.integers(1, 5)) for _ in axes)
    return InPieces(array, axes, piece)


@given(cut_images(), st.sampled_from(NORMALIZATIONS), st.integers(1, 200))
@settings(max_examples=50, deadline=None)
def test_one_pass_says_what_the_whole_says(
    source: InPieces, normalization: Normalization, most: int
) -> None:
    image = CanonicalImage(source, source.axes)
    channels = [image.channel(number) for number in range(image.shape[1])]
    source.asked.clear()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(statistics, "BLOCK", most)
        try:
            expected = tuple(map(normalization.limits, channels))
        except InputError:
            with pytest.raises(InputError, match="no finite pixel"):
                drain(iter_statistics(image, normalization))
            return
        done: list[float] = []
        found = drain(iter_statistics(image, normalization), done.append)
    np.testing.assert_array_equal(found.limits, expected)
    stored = Statistics.model_validate_json(found.model_dump_json())
    np.testing.assert_array_equal(stored.limits, found.limits)
    assert stored.normalization == normalization
    if normalization.measures:
        assert done == sorted(done)
        assert done[-1] == pytest.approx(1)
        assert sum(np.prod(box.shape) for box in source.asked) == np.prod(source.shape)
        assert max(np.prod(box.shape) for box in source.asked) <= max(
            most, image.shape[1] if source.axes.endswith("C") else 1
        )
    else:
        assert not source.asked


@given(
    hnp.arrays(
        st.sampled_from([np.uint8, np.uint16, np.int16, np.int8]),
        st.integers(1, 60),
    ),
    st.floats(0, 100),
    st.floats(0, 100),
)
def test_a_histogram_has_the_percentiles_of_numpy(
    values: np.ndarray, low: float, high: float
) -> None:
    found = collect(values)
    assert found is not None
    wide = values.astype(np.int32)
    np.testing.assert_array_equal(
        found.percentiles(low, high), np.percentile(wide, [low, high])
    )
    assert found.extremes() == (wide.min(), wide.max())
    mean, deviation = found.moments()
    np.testing.assert_allclose([mean, deviation], [wide.mean(), wide.std()], atol=1e-9)


@given(st.integers(0, 9), st.integers(2, 40), st.sampled_from([(1, 1), (3, 5), (8, 2)]))
@settings(max_examples=40, deadline=None)
def test_the_sample_of_a_large_image_depends_on_its_shape_alone(
    seed: int, kept: int, piece: tuple[int, int]
) -> None:
    array = np.random.default_rng(seed).normal(size=(23, 31)).astype(np.float32)
    array[array > 1.5] = np.nan
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(grey_values, "_SAMPLE", kept)
        patch.setattr(grey_values, "_AT_ONCE", 7)
        patch.setattr(statistics, "BLOCK", 60)
        whole = [each.limits(array) for each in NORMALIZATIONS]
        image = CanonicalImage(InPieces(array, "YX", piece), "YX")
        cut = [drain(iter_statistics(image, each)).limits for each in NORMALIZATIONS]
        flat = array.ravel()[:: array.size // kept]
        expected = np.percentile(flat[np.isfinite(flat)], [1, 99.9])
    assert [one for (one,) in cut] == whole
    low, high = expected
    if low < high:
        np.testing.assert_allclose(whole[0], expected, rtol=1e-6)


def test_the_bound_of_a_sample_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    # 400 times fewer values than in earnest, so deviations are 20 times larger.
    monkeypatch.setattr(grey_values, "_SAMPLE", 10_000)
    for seed in range(5):
        array = np.random.default_rng(seed).normal(size=(600, 700))
        low, high = PercentileNormalization().limits(array)
        assert abs((array < low).mean() * 100 - 1) < 20 * 0.02
        assert abs((array < high).mean() * 100 - 99.9) < 20 * 0.006


def test_a_sample_without_a_finite_pixel_takes_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(grey_values, "_SAMPLE", 10)
    array = np.full((20, 20), np.nan)
    array[7, 3], array[9, 5] = 4, 8
    assert PercentileNormalization(low=0, high=100).limits(array) == (4, 8)


def test_channels_that_lie_apart_are_measured_one_after_another() -> None:
    array = np.random.default_rng(0).random((4, 50, 60)).astype(np.float32)
    for piece, reads in (((1, 8, 8), 4), ((4, 8, 8), 1)):
        source = InPieces(array, "CYX", piece)
        found = drain(iter_statistics(CanonicalImage(source, "CYX"), Moments()))
        assert len(source.asked) == reads
        assert found.limits == tuple(map(Moments().limits, array))


def test_an_image_in_memory_is_cut_too() -> None:
    array = np.arange(10_000, dtype=np.uint16).reshape(100, 100)
    image = CanonicalImage(ArrayImage(array=array, axes="YX"), "YX")
    found = drain(iter_statistics(image, PercentileNormalization()))
    assert found.limits == (PercentileNormalization().limits(array),)


@given(
    st.lists(st.integers(1, 9), min_size=1, max_size=4), st.integers(1, 99), st.data()
)
@settings(max_examples=40, deadline=None)
def test_blocks_cover_an_image_once_in_whole_pieces(
    extents: list[int], most: int, data: st.DataObject
) -> None:
    shape = tuple(extents)
    piece = tuple(data.draw(st.integers(1, 2 * n)) for n in shape)
    seen = np.zeros(shape, int)
    for box in iter_blocks(shape, piece, most):
        assert 0 < np.prod(box.shape) <= most
        seen[box.slices] += 1
    assert (seen == 1).all()
    inside = [min(a, b) for a, b in zip(piece, shape, strict=True)]
    if np.prod(inside) <= most:
        block = block_shape(shape, piece, most)
        ends = zip(block, inside, shape, strict=True)
        assert all(a % b == 0 or a == n for a, b, n in ends)
