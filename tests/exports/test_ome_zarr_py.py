"""OME-Zarr, read by the library that its standard's authors make: ome-zarr-py."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from napari_unet.exports import Result
from tests.exports.conftest import awkward, result_of, write

ome_zarr_io = pytest.importorskip("ome_zarr.io")
ome_zarr_reader = pytest.importorskip("ome_zarr.reader")

BOTH = [("ome-zarr", "0.5"), ("ome-zarr-0.4", "0.4")]


def nodes_in(path: Path, version: str) -> list[Any]:
    """Return what the library finds in a folder: images, labels, groups of them."""
    location = ome_zarr_io.parse_url(path, mode="r")
    assert location is not None
    assert location.fmt.version == version
    return list(ome_zarr_reader.Reader(location)())


def kinds(node: Any) -> list[str]:
    return [type(spec).__name__ for spec in node.specs]


@pytest.mark.parametrize(("name", "version"), BOTH)
def test_labels_beside_their_image(tmp_path: Path, name: str, version: str) -> None:
    labels = np.stack([np.kron(awkward(), np.ones((60, 50), np.int32))] * 2)
    size = {"Z": 2.0, "Y": 0.5, "X": 0.25}
    path = write(result_of(labels, "ZYX", pixel_size=size), name, tmp_path)
    image, group, found = nodes_in(path, version)
    assert [kinds(n) for n in (image, group, found)] == [
        ["Multiscales"],
        ["Labels"],
        ["Label", "Multiscales"],
    ]
    np.testing.assert_array_equal(image.data[0].compute(), 1000 + 3 * labels)
    np.testing.assert_array_equal(found.data[0].compute(), labels)
    np.testing.assert_array_equal(found.data[1].compute(), labels[:, ::2, ::2])
    for node in (image, found):
        axes = node.metadata["axes"]
        assert [axis["name"] for axis in axes] == ["z", "y", "x"]
        assert {axis["unit"] for axis in axes} == {"micrometer"}
        scales = [
            each[0]["scale"] for each in node.metadata["coordinateTransformations"]
        ]
        assert scales == [[2.0, 0.5, 0.25], [2.0, 1.0, 0.5]]


@pytest.mark.parametrize(("name", "version"), BOTH)
def test_labels_alone(tmp_path: Path, name: str, version: str) -> None:
    path = write(Result("cells", awkward(), "YX"), name, tmp_path)
    (found,) = nodes_in(path, version)
    assert kinds(found) == ["Label", "Multiscales"]
    np.testing.assert_array_equal(found.data[0].compute(), awkward())
