"""Label maps are read as the numbers they are, whatever they are shown in."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import roifile
import tifffile
from PIL import Image

from napari_unet.annotation.labels import OBJECT_IDS, Labels
from napari_unet.errors import InputError
from napari_unet.io.dataset import read_samples
from napari_unet.io.labels import labels_of, read_ids, read_label_file, read_mask

IDS = np.zeros((12, 14), np.uint8)
IDS[1:4, 1:5], IDS[1:4, 5:9], IDS[6:9, 2:6] = 1, 2, 3
COLOURS = np.array([[0, 0, 0], [200, 30, 30], [200, 30, 30], [9, 200, 9]], np.uint8)
STACK = np.stack([IDS, IDS * np.uint8(2), (IDS > 0).astype(np.uint8)])


def read_labels(path: Path) -> Labels:
    return labels_of(read_label_file(path), OBJECT_IDS)


def palette() -> Image.Image:
    picture = Image.fromarray(IDS, "P")
    picture.putpalette(COLOURS.ravel().tolist())
    return picture


def palette_tiff(path: Path) -> None:
    colormap = np.zeros((3, 256), np.uint16)
    colormap[:, : len(COLOURS)] = COLOURS.T * np.uint16(256)
    tifffile.imwrite(path, IDS, photometric="palette", colormap=colormap)


WRITERS: dict[str, tuple[str, Callable[[Path], object]]] = {
    "palette_png": ("a.png", lambda p: palette().save(p)),
    "palette_gif": ("a.gif", lambda p: palette().save(p)),
    "palette_bmp": ("a.bmp", lambda p: palette().save(p)),
    "palette_see_through": ("a.png", lambda p: palette().save(p, transparency=0)),
    "palette_tiff": ("a.tif", palette_tiff),
    "palette_tiff_of_pillow": ("a.tif", lambda p: palette().save(p)),
    "grey_png": ("a.png", lambda p: Image.fromarray(IDS).save(p)),
    "grey_png_16": ("a.png", lambda p: Image.fromarray(IDS.astype("u2")).save(p)),
    "grey_with_alpha": ("a.png", lambda p: Image.fromarray(IDS).convert("LA").save(p)),
    "grey_as_rgb": ("a.png", lambda p: Image.fromarray(IDS).convert("RGB").save(p)),
    "grey_as_rgba": ("a.png", lambda p: Image.fromarray(IDS).convert("RGBA").save(p)),
    "white_is_0": ("a.tif", lambda p: tifffile.imwrite(p, IDS, photometric=0)),
    "float64": ("a.tif", lambda p: tifffile.imwrite(p, IDS.astype(float))),
    "int64": ("a.tif", lambda p: tifffile.imwrite(p, IDS.astype(np.int64))),
    "uint64_big": ("a.tif", lambda p: tifffile.imwrite(p, IDS.astype(">u8"))),
    "one_channel": (
        "a.ome.tif",
        lambda p: tifffile.imwrite(p, IDS[None], metadata={"axes": "CYX"}),
    ),
}


@pytest.mark.parametrize("how", WRITERS)
def test_ids_are_the_numbers_in_the_file(tmp_path: Path, how: str) -> None:
    name, write = WRITERS[how]
    write(tmp_path / name)
    found = read_labels(tmp_path / name)
    assert found.array.dtype == np.int32
    assert found.array.tolist() == IDS.tolist()
    assert all("transparency" in note for note in found.notes)
    assert read_ids(tmp_path / name).tolist() == IDS.tolist()


@pytest.mark.parametrize(
    "write",
    [
        lambda p: tifffile.imwrite(p, STACK, photometric="minisblack"),
        lambda p: tifffile.imwrite(p, STACK, photometric="rgb"),
        lambda p: tifffile.imwrite(p, STACK, imagej=True, metadata={"axes": "ZYX"}),
        lambda p: tifffile.imwrite(p, STACK, imagej=True, metadata={"axes": "CYX"}),
    ],
    ids=["grey", "planes of colours", "slices", "channels"],
)
def test_three_slices_are_no_colours(
    tmp_path: Path, write: Callable[[Path], None]
) -> None:
    write(tmp_path / "a.tif")
    assert read_labels(tmp_path / "a.tif").array.tolist() == STACK.tolist()


@pytest.mark.parametrize("axes", ["ZYX", "TYX"])
def test_stacks_shown_with_white_for_0_hold_their_numbers(
    tmp_path: Path, axes: str
) -> None:
    write = {"photometric": "miniswhite", "metadata": {"axes": axes}}
    tifffile.imwrite(tmp_path / "a.tif", STACK, **write)
    file = read_label_file(tmp_path / "a.tif")
    assert (file.array.tolist(), file.axes) == (STACK.tolist(), axes)


def test_channels_do_not_fit_an_image_of_one_plane(tmp_path: Path) -> None:
    write = {"imagej": True, "metadata": {"axes": "CYX"}}
    tifffile.imwrite(tmp_path / "a.tif", STACK, **write)
    assert "as planes" in read_labels(tmp_path / "a.tif").notes[0]
    with pytest.raises(InputError, match="channels"):
        read_label_file(tmp_path / "a.tif", IDS.shape)


@pytest.mark.parametrize("name", ["a.tif", "a.png", "a.bmp", "a.jpg"])
def test_colours_are_refused_with_a_way_out(tmp_path: Path, name: str) -> None:
    Image.fromarray(COLOURS[IDS]).save(tmp_path / name)
    with pytest.raises(InputError, match=r"found colours .* grey TIFF .*palette"):
        read_labels(tmp_path / name)


def test_a_jpeg_is_refused_for_it_changes_ids(tmp_path: Path) -> None:
    Image.fromarray(IDS * 50).save(tmp_path / "a.jpg")
    with pytest.raises(InputError, match="JPEG"):
        read_labels(tmp_path / "a.jpg")


def test_the_file_is_named_in_what_is_refused(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", IDS / np.float32(2))
    for read in (read_labels, read_ids, read_mask):
        with pytest.raises(InputError, match=r"a\.tif: .*fractions"):
            read(tmp_path / "a.tif")


def save_samples(root: Path, labels: dict[str, np.ndarray]) -> tuple[Path, Path]:
    folders = root / "images", root / "labels"
    for folder in folders:
        folder.mkdir()
    for name, array in labels.items():
        tifffile.imwrite(folders[0] / f"{name}.tif", np.ones(array.shape, np.uint8))
        tifffile.imwrite(folders[1] / f"{name}.tif", array, photometric="minisblack")
    return folders


def test_masks_of_a_folder_are_split_and_told_in_one_sentence(tmp_path: Path) -> None:
    mask = (IDS > 0).astype(np.uint8) * 255
    folders = save_samples(tmp_path, dict.fromkeys("abcde", mask))
    found = read_samples(*folders)
    assert [s.labels.max() for s in found.samples.values()] == [2] * 5
    (note,) = found.notes
    assert note.startswith("a.tif, b.tif, c.tif and 2 more: ")
    assert "10 objects" in note


def test_an_id_in_two_pieces_is_no_mask_where_others_have_several(
    tmp_path: Path,
) -> None:
    parts = np.zeros_like(IDS)
    parts[1, 1] = parts[8, 8] = 1
    found = read_samples(*save_samples(tmp_path, {"a": parts, "b": IDS}))
    first, _ = found.samples.values()
    assert first.labels.tolist() == parts.tolist()
    assert not found.notes


def test_a_region_is_one_object_though_labels_beside_it_are_masks(
    tmp_path: Path,
) -> None:
    mask = (IDS > 0).astype(np.uint8) * 255
    images, labels = save_samples(tmp_path, {"a": mask, "b": mask})
    corners = np.array([[2, 2], [6, 2], [6, 6], [2, 6]])
    (labels / "b.tif").unlink()
    roifile.ImagejRoi.frompoints(corners).tofile(labels / "b.roi")
    a, b = read_samples(images, labels).samples.values()
    assert (a.labels.max(), b.labels.max()) == (2, 1)


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int32", "float32", "uint64"])
def test_masks_of_what_is_verified(tmp_path: Path, dtype: str) -> None:
    images, labels = save_samples(tmp_path, {"a": IDS})
    (tmp_path / "masks").mkdir()
    mask = np.arange(IDS.size).reshape(IDS.shape) % 2
    tifffile.imwrite(tmp_path / "masks" / "a.tif", mask.astype(dtype))
    found = read_samples(images, labels, verified=tmp_path / "masks")
    (sample,) = found.samples.values()
    assert sample.verified is not None
    assert sample.verified.dtype == bool
    assert sample.verified.tolist() == (mask > 0).tolist()


def test_what_is_made_of_masks_and_labels_is_told_with_their_names(
    tmp_path: Path,
) -> None:
    images, labels = save_samples(tmp_path, {"a": np.where(IDS > 0, IDS, -1.0)})
    (tmp_path / "masks").mkdir()
    tifffile.imwrite(tmp_path / "masks" / "a.tif", IDS.astype(np.int16) - 1)
    notes = read_samples(images, labels, verified=tmp_path / "masks").notes
    assert [note.split(":")[0] for note in notes] == ["a.tif", "a.tif"]
    assert "count as 0" in notes[0]
    assert "background" in notes[1]


def test_large_pictures_do_not_warn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    palette().save(tmp_path / "a.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert read_ids(tmp_path / "a.png").tolist() == IDS.tolist()
