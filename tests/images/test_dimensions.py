"""What xarray and bioio say of their images is read, whoever they are."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import xarray as xr
from bioio import BioImage, PhysicalPixelSizes

import napari_unet as nu
from napari_unet.errors import InputError
from napari_unet.images.dimensions import refuse_unknown_dimensions
from napari_unet.images.source import as_image
from napari_unet.weights.model import Model
from tests.tiny import make_disks, make_model

DISKS = make_disks()


@pytest.fixture(scope="module")
def tiny() -> Model:
    return make_model()


@pytest.mark.parametrize(
    ("dims", "axes"),
    [
        (("y", "x"), "YX"),
        (("Y", "X"), "YX"),
        (("time", "Y", "X"), "TYX"),
        (("z", "row", "col"), "ZYX"),
        (("Y", "X", "channel"), "YXC"),
    ],
)
def test_dimensions_of_xarray_are_axes(dims: tuple[str, ...], axes: str) -> None:
    image = xr.DataArray(np.zeros((5,) * len(dims)), dims=dims)
    found = as_image(image)
    assert (type(found.array), found.axes) == (np.ndarray, axes)
    refuse_unknown_dimensions(image)


def test_what_is_stated_decides_the_prediction(tiny: Model) -> None:
    """Time, which nothing but the name tells from depth; an array comes back."""
    frames = np.stack([DISKS.image, DISKS.image[::-1]])
    named = xr.DataArray(frames, dims=("T", "Y", "X"))
    found = nu.predict(named, tiny)
    assert type(found) is np.ndarray
    np.testing.assert_array_equal(found, nu.predict(frames, tiny, axes="TYX"))
    lazy = named.chunk({"T": 1})
    np.testing.assert_array_equal(nu.predict(lazy, tiny), found)


def test_a_channel_is_taken_by_its_name_or_number(tiny: Model) -> None:
    image = np.stack([np.zeros_like(DISKS.image), DISKS.image])
    wanted = nu.predict(DISKS.image, tiny)
    named = xr.DataArray(
        image, dims=("C", "y", "x"), coords={"C": ["membranes", "nuclei"]}
    )
    for channel in ("nuclei", "Nuclei", "2", 2):
        found = nu.predict(named, tiny, channel=channel)
        np.testing.assert_array_equal(found, wanted)
    last = np.moveaxis(image, 0, -1)
    found = nu.predict(last, tiny, axes="YXC", channel=2)
    np.testing.assert_array_equal(found, wanted)
    with pytest.raises(InputError, match="2 nuclei"):
        nu.predict(named, tiny, channel="cells")
    with pytest.raises(InputError, match="a number from 1 to 2"):
        nu.predict(image, tiny, axes="CYX", channel=3)
    counted = named.assign_coords(C=[3, 4])
    assert as_image(counted).channels == ()
    for wavelengths in ([488, 561], [488.0, 561.0]):
        light = named.assign_coords(C=wavelengths)
        np.testing.assert_array_equal(nu.predict(light, tiny, channel=561), wanted)


def test_unknown_dimensions_are_refused_in_a_sentence(tiny: Model) -> None:
    image = xr.DataArray(np.stack([DISKS.image] * 2), dims=("well", "y", "x"))
    with pytest.raises(InputError, match="found well, y, x; rename them"):
        nu.predict(image, tiny)
    with pytest.raises(InputError, match="found well, y, x; rename them"):
        nu.Sample(image, np.stack([DISKS.labels] * 2))
    assert nu.predict(image, tiny, axes="ZYX").shape == image.shape
    assert nu.Sample(image, np.stack([DISKS.labels] * 2), axes="TYX").axes == "TYX"


def test_dimensions_without_names_are_those_of_any_array(tiny: Model) -> None:
    image = xr.DataArray(DISKS.image)
    assert image.dims == ("dim_0", "dim_1")
    found = nu.predict(image, tiny)
    np.testing.assert_array_equal(found, nu.predict(DISKS.image, tiny))


def test_images_of_bioio_are_read_with_all_they_state(tiny: Model) -> None:
    image = np.stack([np.zeros_like(DISKS.image), DISKS.image])[None, :, None]
    opened = BioImage(
        image,
        dim_order="TCZYX",
        channel_names=["membranes", "nuclei"],
        physical_pixel_sizes=PhysicalPixelSizes(2.0, 0.5, 0.25),
    )
    found = as_image(opened)
    assert (found.axes, found.array.shape) == ("TCZYX", image.shape)
    assert found.channels == ("membranes", "nuclei")
    assert found.pixel_size == {"Z": 2.0, "Y": 0.5, "X": 0.25}
    labels = nu.predict(opened, tiny, channel="nuclei")
    assert labels.shape == (1, 1, *DISKS.labels.shape)
    np.testing.assert_array_equal(labels[0, 0], nu.predict(DISKS.image, tiny))
    part: Any = opened.xarray_data.isel(T=0, Z=0)
    np.testing.assert_array_equal(
        nu.predict(part, tiny, channel="nuclei"), labels[0, 0]
    )
    assert nu.Sample(opened, labels).axes == "TCZYX"


def test_red_green_and_blue_of_bioio_are_channels() -> None:
    picture = np.arange(2 * 4 * 5 * 3, dtype=np.uint8).reshape(2, 1, 1, 4, 5, 3)
    found = as_image(BioImage(picture, dim_order="TCZYXS"))
    assert found.axes == "TZYXC"
    np.testing.assert_array_equal(found.array, picture[:, 0])
    both = BioImage(np.zeros((1, 2, 1, 4, 5, 3)), dim_order="TCZYXS")
    with pytest.raises(InputError, match="found T, C, Z, Y, X, S"):
        refuse_unknown_dimensions(both)


@pytest.mark.parametrize("name", ["S", "sample", "Samples"])
def test_samples_are_channels_where_they_are_colours(name: str) -> None:
    image = xr.DataArray(np.zeros((8, 8, 3), np.uint8), dims=("y", "x", name))
    refuse_unknown_dimensions(image)
    assert as_image(image).axes == "YXC"
    # Twenty are no colours, and beside channels they are something else.
    for other in (
        xr.DataArray(np.zeros((8, 8, 20)), dims=("y", "x", name)),
        xr.DataArray(np.zeros((2, 8, 8, 3)), dims=("channel", "y", "x", name)),
    ):
        with pytest.raises(InputError, match="Expected dimensions that are called"):
            refuse_unknown_dimensions(other)


def test_what_is_no_number_is_refused_in_fitting_words() -> None:
    for dtype, words in ((complex, "magnitude"), (object, "numbers in it")):
        with pytest.raises(InputError, match=f"by taking the {words}"):
            as_image(np.ones((4, 4), dtype))
