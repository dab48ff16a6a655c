from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from skimage.transform import rescale

from napari_unet.instances.distances import InstanceMap, instance_targets

LABELS = hnp.arrays(
    np.int32,
    hnp.array_shapes(min_dims=2, max_dims=2, max_side=24),
    elements=st.integers(0, 4),
)


def disk(radius: int, size: int) -> np.ndarray:
    y, x = np.mgrid[:size, :size] - size // 2
    return (y**2 + x**2 <= radius**2).astype(np.int32)


@given(LABELS)
def test_maps_lie_in_their_range_and_vanish_outside(labels: np.ndarray) -> None:
    maps = instance_targets(labels)
    assert maps.shape == (3, *labels.shape)
    assert maps.min() >= 0
    assert maps.max() <= 1
    np.testing.assert_array_equal(maps[InstanceMap.FOREGROUND], labels > 0)
    assert not maps[:, labels == 0].any()
    assert (maps[InstanceMap.BORDER][labels > 0] > 0).all()


@given(LABELS)
def test_every_object_has_its_peak(labels: np.ndarray) -> None:
    maps = instance_targets(labels)
    for i in np.unique(labels[labels > 0]):
        assert maps[InstanceMap.BORDER][labels == i].max() == 1
        assert maps[InstanceMap.CENTRE][labels == i].max() == 1


@given(LABELS, st.permutations(range(1, 5)))
def test_ids_do_not_matter(labels: np.ndarray, order: list[int]) -> None:
    renamed = np.array([0, *(1000 * i for i in order)])[labels]
    np.testing.assert_array_equal(instance_targets(labels), instance_targets(renamed))


def test_the_border_lies_between_touching_objects() -> None:
    labels = np.ones((20, 20), np.int32)
    labels[:, 10:] = 2
    border = instance_targets(labels)[InstanceMap.BORDER]
    # The image's own edge is no border: the objects may go on beyond it.
    assert border[10, 0] == border[10, 19] == 1
    assert border[10, 9] < 0.2


def test_the_maps_do_not_depend_on_the_size_of_an_object() -> None:
    small, large = disk(10, 32), disk(40, 128)
    shrunk = rescale(instance_targets(large), (1, 0.25, 0.25), order=1)
    inside = disk(8, 32) > 0
    difference = np.abs(shrunk - instance_targets(small))[:, inside]
    assert difference.max() < 0.15


def test_huge_ids_cost_no_memory() -> None:
    labels = np.zeros((8, 8), np.int64)
    labels[2:5, 2:5] = 2**40
    assert instance_targets(labels)[InstanceMap.FOREGROUND].sum() == 9
