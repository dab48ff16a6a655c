"""ImageJ's regions become label maps, pixel by pixel as ImageJ fills them."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest
import roifile
import tifffile
from skimage.draw import polygon

from napari_unet.errors import InputError
from napari_unet.exports import Result, find_format, iter_write
from napari_unet.io.archive import read_zip
from napari_unet.io.dataset import read_samples
from napari_unet.io.labels import read_label_file
from napari_unet.io.rois import fill, read_regions, read_rois, window_of

SQUARE = np.array([[2, 1], [6, 1], [6, 4], [2, 4]])  # X, Y
Kind, Sub = roifile.ROI_TYPE, roifile.ROI_SUBTYPE


def region(points: np.ndarray = SQUARE, **changes: object) -> bytes:
    roi = roifile.ImagejRoi.frompoints(points)
    for name, value in changes.items():
        setattr(roi, name, value)
    return roi.tobytes()


def box(kind: roifile.ROI_TYPE, top: int, left: int, bottom: int, right: int) -> bytes:
    roi = roifile.ImagejRoi(roitype=kind)
    roi.top, roi.left, roi.bottom, roi.right = top, left, bottom, right
    return roi.tobytes()


def composite(*numbers: float) -> bytes:
    roi = roifile.ImagejRoi(roitype=Kind.RECT, shape_roi_size=len(numbers))
    roi.multi_coordinates = np.array(numbers, np.float32)
    return roi.tobytes()


def save(path: Path, *regions: bytes) -> Path:
    if path.suffix == ".roi":
        path.write_bytes(regions[0])
        return path
    with zipfile.ZipFile(path, "w") as archive:
        for number, content in enumerate(regions):
            archive.writestr(f"{number}.roi", content)
    return path


@pytest.mark.parametrize("kind", [Kind.POLYGON, Kind.FREEHAND, Kind.TRACED])
def test_a_polygon_covers_the_pixels_between_its_corners(
    tmp_path: Path, kind: roifile.ROI_TYPE
) -> None:
    labels = read_rois(save(tmp_path / "a.roi", region(roitype=kind)), (8, 9))
    expected = np.zeros((8, 9), np.int32)
    expected[1:4, 2:6] = 1
    np.testing.assert_array_equal(labels, expected)
    assert labels.dtype == np.int32


def test_corners_between_pixels(tmp_path: Path) -> None:
    path = save(tmp_path / "a.roi", region(SQUARE + 0.25))
    labels = read_rois(path, (8, 9))
    assert labels[1:4, 2:6].all()
    assert labels.sum() == 12
    labels = read_rois(save(path, region(SQUARE + 0.75)), (8, 9))
    assert labels[2:5, 3:7].all()
    assert labels.sum() == 12


def test_ids_count_in_the_order_of_the_file_and_the_last_is_on_top(
    tmp_path: Path,
) -> None:
    shift = [0, 1]
    path = save(tmp_path / "a.zip", region(), region(SQUARE + shift))
    labels = read_rois(path, (8, 9))
    assert (labels[1, 2:6] == 1).all()
    assert (labels[2:5, 2:6] == 2).all()
    assert np.count_nonzero(labels) == 16


def test_rectangles_and_ovals(tmp_path: Path) -> None:
    path = save(tmp_path / "a.roi", box(Kind.RECT, 1, 2, 4, 6))
    assert read_rois(path, (8, 9))[1:4, 2:6].sum() == 12
    path = save(tmp_path / "b.roi", box(Kind.OVAL, 10, 20, 50, 80))
    labels = read_rois(path, (100, 100))
    y, x = np.mgrid[:100, :100] + 0.5
    inside = ((y - 30) / 20) ** 2 + ((x - 50) / 30) ** 2 <= 1
    assert np.count_nonzero((labels > 0) != inside) < 12


def test_a_composite_with_a_hole(tmp_path: Path) -> None:
    outer = (0, 0, 0, 1, 8, 0, 1, 8, 8, 1, 0, 8, 4)
    inner = (0, 2, 2, 1, 2, 4, 1, 4, 4, 1, 4, 2, 4)
    path = save(tmp_path / "a.roi", composite(*outer, *inner))
    labels = read_rois(path, (9, 9))
    assert labels[:8, :8].sum() == 60
    assert not labels[2:4, 2:4].any()


def test_outside_of_the_image_is_cut_off(tmp_path: Path) -> None:
    path = save(tmp_path / "a.roi", region(SQUARE - [4, 2]))
    labels = read_rois(path, (8, 9))
    assert labels[:2, :2].all()
    assert labels.sum() == 4


def test_filling_is_that_of_scikit_image() -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        corners = rng.uniform(-10, 50, (rng.integers(3, 12), 2))
        expected = np.zeros((40, 45), bool)
        expected[polygon(*(corners - 0.5).T, expected.shape)] = True
        found = np.zeros_like(expected)
        window = window_of([corners], found.shape)
        found[window] = fill([corners], window)
        np.testing.assert_array_equal(found, expected)


LINE = region(roitype=Kind.POLYLINE)
BAD = {
    "line": (LINE, "is a segmented line, which is no object"),
    "points": (region(roitype=Kind.POINT), "is points, which is no object"),
    "angle": (region(roitype=Kind.ANGLE), "is an angle"),
    "straight": (box(Kind.LINE, 1, 1, 3, 3), "is a straight line"),
    "text": (region(subtype=Sub.TEXT), "of the kind text"),
    "arrow": (region(subtype=Sub.ARROW), "of the kind arrow"),
    "none": (region(roitype=Kind.NOROI), "of an unknown kind"),
    "spline": (region(options=roifile.ROI_OPTIONS.SPLINE_FIT), "is a spline"),
    "curves": (composite(0, 1, 1, 2, 1, 2, 3, 4, 4), "a composite with curves"),
    "outside": (region(SQUARE + 100), "has no pixel in the image"),
    "flat": (region(SQUARE * [1, 0] + [0, 3]), "has no pixel in the image"),
    "rounded": (
        roifile.ImagejRoi(
            roitype=Kind.RECT, bottom=5, right=5, rounded_rect_arc_size=3
        ).tobytes(),
        "of an unknown kind",
    ),
}


@pytest.mark.parametrize("name", BAD)
@pytest.mark.parametrize("suffix", [".roi", ".zip"])
def test_what_is_no_object_is_named(tmp_path: Path, name: str, suffix: str) -> None:
    content, phrase = BAD[name]
    path = save(tmp_path / f"a{suffix}", content)
    with pytest.raises(InputError, match=phrase) as caught:
        read_rois(path, (8, 9))
    assert str(path) in str(caught.value)


def test_a_region_that_nothing_is_left_of(tmp_path: Path) -> None:
    path = save(tmp_path / "a.zip", region(), region())
    with pytest.raises(InputError, match=r"'0.roi'.*is covered by later ones"):
        read_rois(path, (8, 9))


def test_channels_have_no_regions(tmp_path: Path) -> None:
    path = save(tmp_path / "a.roi", region())
    with pytest.raises(InputError, match=r"drawn on planes"):
        read_rois(path, (3, 8, 9), "CYX")


@pytest.mark.parametrize(
    ("members", "phrase"),
    [({"a.txt": b"x"}, "found 'a.txt'")],
)
def test_a_zip_of_something_else(tmp_path: Path, members, phrase: str) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    with pytest.raises(InputError, match=phrase):
        read_rois(tmp_path / "a.zip", (8, 9))


def test_an_archive_of_nothing_has_no_objects(tmp_path: Path) -> None:
    labels = read_rois(save(tmp_path / "a.zip"), (8, 9))
    assert labels.shape == (8, 9)
    assert not labels.any()


@pytest.mark.parametrize("axes", ["YX", "ZYX", "TYX", "TZYX", "YXZ"])
@pytest.mark.parametrize("image_axes", ["", "C"])
def test_what_was_exported_comes_back(
    tmp_path: Path, axes: str, image_axes: str
) -> None:
    sizes = {"T": 3, "Z": 4, "Y": 12, "X": 14}
    labels = np.zeros([sizes[axis] for axis in axes], np.int32)
    stack = labels.reshape(-1, 12, 14) if axes.endswith("YX") else labels.T
    for number, plane in enumerate(stack):
        plane[2:5, 3:6] = 7  # one object on all planes
        plane[6:9, 1:4] = 20 + number
    image = np.zeros((2, *labels.shape)) if image_axes else None
    result = Result("a", labels, axes, image=image, image_axes=image_axes + axes)
    path = tmp_path / "a.zip"
    assert list(iter_write(result, find_format("imagej-roi"), path))
    np.testing.assert_array_equal(read_rois(path, labels.shape, axes), labels)


def test_a_region_lies_where_it_says(tmp_path: Path) -> None:
    path = save(
        tmp_path / "a.zip", region(position=3), region(z_position=2), region(position=1)
    )
    labels = read_rois(path, (3, 8, 9), "ZYX")
    assert labels.max(axis=(1, 2)).tolist() == [3, 2, 1]
    # Sections are often taken for frames.
    np.testing.assert_array_equal(read_rois(path, (3, 8, 9), "TYX"), labels)
    path = save(
        tmp_path / "b.zip", region(position=5), region(t_position=1, z_position=2)
    )
    labels = read_rois(path, (2, 3, 8, 9), "TZYX")
    assert labels.max(axis=(2, 3)).tolist() == [[0, 2, 0], [0, 1, 0]]


@pytest.mark.parametrize(("channels", "section"), [(1, 2), (2, 1), (3, 0), (None, -1)])
def test_the_name_says_the_plane_where_nothing_else_does(
    tmp_path: Path, channels: int | None, section: int
) -> None:
    """It is the third of all planes, channels first."""
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("0003-0002-0004-1.roi", region())
        archive.writestr("0009-0002-0004.roi", region(position=1 + (section == 0)))
    if channels is None:
        with pytest.raises(InputError, match="on no section of its own"):
            read_regions(path, (3, 8, 9), "ZYX")
        return
    labels = read_regions(path, (3, 8, 9), "ZYX", channels).array
    assert labels[section].max() == 1
    assert labels[1 if section == 0 else 0].max() == 2


@pytest.mark.parametrize(
    ("said", "planes"),
    [
        ([{}, {}], 1),
        ([{"position": 4}, {"position": 4}], 1),
        ([{"position": 4}, {"z_position": 4}, {}], 1),
        ([{"position": 4}, {"position": 5}], 2),
        ([{"t_position": n, "z_position": 1} for n in (1, 2, 3)], 3),
    ],
)
def test_regions_of_many_planes_on_one_are_told(
    tmp_path: Path, said: list[dict[str, int]], planes: int
) -> None:
    shifts = np.array([[0, 0], [3, 0], [6, 0]])
    narrow = SQUARE // [2, 1] + shifts[: len(said), None]
    squares = [
        region(points, **each) for points, each in zip(narrow, said, strict=True)
    ]
    path = save(tmp_path / "a.zip", *squares)
    found = read_label_file(path, (8, 9))
    assert bool(found.notes) == (planes > 1)
    assert all(f"regions of {planes} planes" in note for note in found.notes)


@pytest.mark.parametrize(
    ("said", "phrase"),
    [
        ({}, "on no section of its own, and the image has 3"),
        ({"position": 4}, "on the section 4, and the image has 3"),
        ({"position": -1}, "on the section -1, and the image has 3"),
    ],
)
def test_a_region_on_no_plane(
    tmp_path: Path, said: dict[str, int], phrase: str
) -> None:
    path = save(tmp_path / "a.roi", region(**said))
    with pytest.raises(InputError, match=phrase):
        read_rois(path, (3, 8, 9), "ZYX")


def test_more_regions_than_a_small_archive_lists(tmp_path: Path) -> None:
    # Members of nothing: to read so many regions takes seconds.
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(66_000):
            archive.writestr(zipfile.ZipInfo(f"{number}.roi"), b"")
    found = read_zip(path, members=70_000, member_bytes=99, total_bytes=99)
    assert len(found) == 66_000
    with pytest.raises(InputError, match="more than 65,999 members"):
        read_zip(path, members=65_999, member_bytes=99, total_bytes=99)
    with pytest.raises(InputError, match="damaged"):
        read_rois(path, (8, 9))
    content = path.read_bytes()
    place = content.rfind(b"PK\x06\x06")
    path.write_bytes(content[:place] + b"PK\x06\x00" + content[place + 4 :])
    with pytest.raises(InputError, match="damaged"):
        read_zip(path, members=70_000, member_bytes=99, total_bytes=99)


def test_regions_beside_images(tmp_path: Path) -> None:
    for name in ("images", "labels"):
        (tmp_path / name).mkdir()
    for name in ("a", "b"):
        tifffile.imwrite(tmp_path / "images" / f"{name}.tif", np.ones((8, 9), np.uint8))
    save(tmp_path / "labels" / "a.zip", region())
    tifffile.imwrite(tmp_path / "labels" / "b.tif", np.ones((8, 9), np.uint8))
    found = read_samples(tmp_path / "images", tmp_path / "labels")
    assert [sample.labels.sum() for sample in found.samples.values()] == [12, 72]


def test_many_corners_take_no_time(tmp_path: Path) -> None:
    # One comparison per pixel and corner would be 10^11.
    angle = np.linspace(0, 2 * np.pi, 40_000, endpoint=False)
    circle = 1000 + 900 * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    path = save(tmp_path / "a.roi", region(circle))
    area = read_rois(path, (2000, 2000)).sum()
    assert area == pytest.approx(np.pi * 900**2, rel=1e-3)


def test_regions_that_would_not_end(tmp_path: Path) -> None:
    ends = np.tile([[0, 0], [1, 2999]], (20_000, 1)).astype(float)
    path = save(tmp_path / "a.roi", region(ends))
    with pytest.raises(InputError, match="would not end"):
        read_rois(path, (3000, 10))


def test_nothing_is_printed(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    content = bytearray(region(name="cell"))
    place = content.find("cell".encode("utf-16-be"))
    path = save(tmp_path / "a.roi", bytes(content[: place + 3]))
    with pytest.raises(InputError, match="incomplete or damaged"):
        read_rois(path, (8, 9))
    assert capfd.readouterr() == ("", "")
