"""What is measured of objects, beside what scikit-image measures of them."""

from __future__ import annotations

import csv
import io
import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from skimage.measure import regionprops, regionprops_table

from napari_unet.annotation.annotation import Annotation
from napari_unet.errors import StorageError
from napari_unet.geometry.tiling import cut_into_bands
from napari_unet.measurements import iter_measure_objects, measure_objects
from napari_unet.measurements.csv_file import as_csv, write_csv

SAME = {
    "id": "label",
    "area": "area",
    "diameter": "equivalent_diameter_area",
    "length": "axis_major_length",
    "width": "axis_minor_length",
    "y": "centroid-0",
    "x": "centroid-1",
    "mean": "intensity_mean",
    "min": "intensity_min",
    "max": "intensity_max",
}
PROPERTIES = {each.partition("-")[0] for each in SAME.values()}
label_maps = arrays(
    np.int32,
    array_shapes(min_dims=2, max_dims=2, max_side=14),
    elements=st.sampled_from([0, 0, 1, 2, 7, 2**31 - 1]),
)


def values(labels, axes="YX", **options):
    return {
        c.header: c.values for c in measure_objects(labels, axes, **options).columns
    }


@settings(max_examples=150, deadline=None)
@given(label_maps, st.integers(0, 2**32 - 1))
def test_planes_are_measured_as_by_scikit_image(labels, seed):
    grey = np.random.default_rng(seed).normal(size=labels.shape)
    found = measure_objects(labels, "YX", image=grey)
    # scikit-image makes a list up to the largest label.
    small = np.unique(np.append(labels, 0), return_inverse=True)[1][:-1]
    small = small.reshape(labels.shape)
    true = regionprops_table(small, grey, properties=tuple(sorted(PROPERTIES)))
    assert found["id"].tolist() == [each for each in np.unique(labels) if each]
    for name, theirs in SAME.items():
        if name != "id" and len(found):
            assert found[name] == pytest.approx(true[theirs], abs=1e-6), name


@settings(max_examples=50, deadline=None)
@given(label_maps)
def test_boxes_hold_objects_and_nothing_less(labels):
    found = measure_objects(labels, "YX")
    for row, object_id in enumerate(found["id"]):
        box = found.box(row)
        (own,) = regionprops((labels == object_id).astype(np.uint8))
        assert (*box.start, *box.stop) == own.bbox


@settings(max_examples=50, deadline=None)
@given(label_maps, st.data())
def test_an_object_is_verified_as_the_annotation_says(labels, data):
    provenance = data.draw(arrays(np.uint8, labels.shape, elements=st.integers(0, 3)))
    found = measure_objects(labels, "YX", verified=provenance >= 2)
    counts = Annotation(labels, provenance).counts()
    assert len(found) == counts.objects
    assert np.count_nonzero(found["verified"]) == counts.verified_objects


def test_bands_do_not_show(monkeypatch):
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 9, (40, 50)).astype(np.int32)
    options = {"image": rng.random((40, 50)), "verified": labels > 4}
    whole = values(labels, **options)
    monkeypatch.setattr("napari_unet.geometry.tiling._BAND_PIXELS", 120)
    cut = values(labels, **options)
    for name, each in whole.items():
        assert cut[name] == pytest.approx(each, nan_ok=True), name


def test_a_disk_is_round_and_a_bar_is_not():
    y, x = np.mgrid[:60, :60]
    labels = ((y - 20) ** 2 + (x - 20) ** 2 <= 15**2).astype(np.int32)
    labels[50:54, 5:55] = 2
    disk, bar = measure_objects(labels, "YX")["roundness"]
    assert disk == pytest.approx(1, abs=0.02)
    assert bar < 0.1


def test_a_single_pixel_has_no_shape_and_is_no_error():
    labels = np.zeros((5, 5), np.int32)
    labels[2, 3] = 4
    found = measure_objects(labels, "YX")
    assert (found["area"], found["length"], found["width"]) == (1, 0, 0)
    assert np.isnan(found["roundness"]).all()
    assert found.columns[-3].text(0) == ""
    assert found.summary() == "1 object, 0 verified, median area 1 px"


@pytest.mark.parametrize(("axes", "shape"), [("YX", (6, 7)), ("TZYX", (2, 3, 6, 7))])
def test_nothing_is_an_empty_table(axes, shape):
    found = measure_objects(np.zeros(shape, np.int32), axes, image=np.ones(shape))
    assert len(found) == 0
    assert {len(each.values) for each in found.columns} == {0}
    assert found.summary().startswith("0 objects")
    assert as_csv(found.columns, np.arange(0)).count("\n") == 1


def test_where_the_size_of_pixels_is_known_lengths_are_micrometres():
    labels = np.zeros((20, 30), np.int32)
    labels[5:9, 5:25] = 1
    pixels = values(labels)
    sized = values(labels, spacing={"Y": 0.5, "X": 0.5})
    assert sized["area_px"] == pixels["area_px"] == 80
    assert sized["area_um2"] == 20
    for name in ("diameter", "length", "width"):
        assert sized[f"{name}_um"] == pytest.approx(pixels[f"{name}_px"] / 2)
    assert sized["roundness"] == pytest.approx(pixels["roundness"])
    assert "length_px" not in sized
    found = measure_objects(labels, "YX", spacing={"Y": 0.5, "X": 0.1})
    assert found.summary() == "1 object, 0 verified, median area 4 µm²"
    # Half known is not known.
    assert values(labels, spacing={"X": 0.5}).keys() == pixels.keys()


def test_pixels_need_not_be_square():
    labels = np.zeros((20, 40), np.int32)
    labels[5:9, 5:25] = 1
    found = values(labels, spacing={"Y": 1.0, "X": 0.2})
    (true,) = regionprops(labels, spacing=(1.0, 0.2))
    assert found["length_um"] == pytest.approx(true.axis_major_length)
    assert found["width_um"] == pytest.approx(true.axis_minor_length)


def test_volumes_have_voxels_and_sections():
    labels = np.zeros((5, 20, 20), np.int32)
    labels[1:4, 3:8, 3:9] = 6
    grey = np.random.default_rng(0).random(labels.shape)
    found = values(labels, "ZYX", image=grey)
    assert found["volume_voxels"] == 90
    assert found["sections"] == 3
    assert (found["z_px"], found["y_px"], found["x_px"]) == (2, 5, 5.5)
    assert found["mean"] == pytest.approx(grey[labels == 6].mean())
    flat = {"area_px", "length_px", "width_px", "roundness", "diameter_px"}
    assert not flat & found.keys()
    sized = values(labels, "ZYX", spacing={"Z": 2.0, "Y": 0.5, "X": 0.5})
    assert sized["volume_um3"] == pytest.approx(45)
    assert sized["diameter_um"] == pytest.approx((6 * 45 / np.pi) ** (1 / 3))


def test_a_lone_section_is_a_plane():
    labels = np.zeros((20, 30, 1), np.int32)
    labels[5:9, 5:25] = 1
    found = values(labels, "YXZ")
    assert found["area_px"] == 80
    assert found["z_px"] == 0


def test_a_time_lapse_has_a_row_for_each_frame_and_keeps_ids():
    labels = np.zeros((3, 20, 20), np.int32)
    labels[0, 2:6, 2:6] = labels[2, 2:8, 2:6] = 5
    labels[1:, 10:14, 10:14] = 2
    found = measure_objects(labels, "TYX")
    rows = list(zip(found["frame"], found["id"], found["area"], strict=True))
    assert rows == [(0, 5, 16), (1, 2, 16), (2, 2, 16), (2, 5, 24)]
    assert found.box(3).start == (2, 2, 2)
    assert found.box(3).stop == (3, 8, 6)
    assert len(set(found.keys().tolist())) == 4
    assert found.summary().startswith("2 objects in 3 frames")


@pytest.mark.parametrize("axes", ["".join(a) for a in itertools.permutations("CYX")])
def test_channels_are_measured_wherever_their_axis_is(axes):
    rng = np.random.default_rng(0)
    grey = rng.integers(0, 60000, (3, 20, 30)).astype(np.uint16)
    labels = np.zeros((20, 30), np.int32)
    labels[3:9, 4:20] = 1
    order = ["CYX".index(axis) for axis in axes]
    turned = labels if axes.replace("C", "") == "YX" else labels.T
    names = ("1 DAPI", "2", "3 µ tubulin")
    found = values(turned, axes, image=grey.transpose(order), channels=names)
    for name, channel in (("1_DAPI", 0), ("2", 1), ("3_u_tubulin", 2)):
        own = grey[channel][labels > 0]
        got = [found[f"{what}_{name}"] for what in ("mean", "min", "max")]
        assert got == [pytest.approx(own.mean()), own.min(), own.max()]
    assert found["y_px"] == 5.5


def test_a_pixel_that_is_no_number_leaves_only_its_object_unknown():
    labels = np.repeat(np.array([[1, 2]], np.int32), 4, axis=0)
    grey = np.ones(labels.shape)
    grey[0, 0] = np.nan
    assert np.isnan(measure_objects(labels, "YX", image=grey)["mean"]).tolist() == [
        True,
        False,
    ]


def test_confidence_is_what_the_model_says_of_the_object_and_around_it():
    labels = np.zeros((30, 90), np.int32)
    for number in range(3):
        labels[8:22, 30 * number + 8 : 30 * number + 22] = number + 1
    says = np.where(labels > 0, 1.0, 0.0).astype(np.float32)
    says[labels == 2] = 0.6  # a ghost
    says[:, 60:] = 1.0  # an outline that the model does not see
    found = measure_objects(labels, "YX", foreground=lambda _t, _z: says)
    sure, ghost, outline = found["confidence"]
    assert sure == 1
    assert 0 < ghost < 0.6
    assert 0 < outline < 0.7
    nobody = measure_objects(labels, "YX")
    assert np.isnan(nobody["confidence"]).all()


def test_it_may_be_cancelled_after_every_band():
    labels = np.ones((2048, 2048), np.int32)
    steps = iter_measure_objects(labels, "YX")
    bands = len(cut_into_bands_of(labels))
    assert sum(1 for _ in steps) > bands > 8


def cut_into_bands_of(labels):
    from napari_unet.geometry.box import Box

    return cut_into_bands(Box.whole((1, *labels.shape)))


def test_the_file_has_units_in_its_header_and_points_in_its_numbers(tmp_path):
    labels = np.zeros((20, 30), np.int32)
    labels[5:9, 5:25] = 3
    labels[12, 4] = 12
    found = measure_objects(
        labels, "YX", image=labels + 0.25, spacing={"Y": 0.5, "X": 0.5}
    )
    path = tmp_path / "objects.csv"
    write_csv(path, found.columns, np.array([1, 0]))
    text = path.read_bytes().decode("utf-8")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert text.splitlines()[0] == (
        "id,verified,confidence,area_px,area_um2,diameter_um,length_um,width_um,"
        "roundness,mean,min,max,x_px,y_px"
    )
    assert [row["id"] for row in rows] == ["12", "3"]
    assert rows[0]["roundness"] == rows[0]["confidence"] == ""
    assert float(rows[1]["area_um2"]) == 20
    assert rows[1]["mean"] == "3.25"
    assert {row["verified"] for row in rows} == {"0"}


def test_a_file_that_cannot_be_written_is_told_in_words(tmp_path):
    with pytest.raises(StorageError, match="its folder is not there"):
        write_csv(tmp_path / "gone" / "objects.csv", (), np.arange(0))


@pytest.mark.parametrize(
    ("grey", "texts"),
    [
        ([7, 250], ["7", "250"]),
        ([7.25, 250.123], ["7.2", "250.1"]),
        ([0.5, 65535], ["0", "65535"]),
        ([0.012345, 0.9], ["0.0123", "0.9000"]),
        ([1e-6, 2e-5], ["1e-06", "2e-05"]),
        ([1e12, 0], ["1e+12", "0"]),
        ([np.nan, 1], ["", "1"]),
    ],
)
def test_people_read_as_many_digits_as_count(grey, texts):
    found = measure_objects(
        np.array([[1, 2]], np.int32), "YX", image=np.array([grey], float)
    )
    (mean,) = (each for each in found.columns if each.name == "mean")
    assert [mean.text(0), mean.text(1)] == texts
