"""What looks again at seams finds objects that are cut, joined, moved or lost."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
import zarr

from napari_unet.core.jobs import drain
from napari_unet.errors import InputError
from napari_unet.large import iter_check_seams
from napari_unet.large.seams import same_partition
from tests.large.scenes import crossing, predicted
from tests.session.brightness import brightness_model, classes_model, values_model


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("seams")
    tifffile.imwrite(folder / "big.tif", crossing((200, 190)))
    return Path(predicted(folder / "big.tif", folder / "out").labels)


def check(path: Path, **options):
    options = {"model": brightness_model(), "samples": 30, "device": "cpu", **options}
    return drain(iter_check_seams(path, **options))


def test_a_good_result_is_good(result: Path) -> None:
    found = check(result)
    assert (found.windows, found.seams, found.blocks) == (17 + 12, 17, 12)
    assert found.differing == ()


def test_where_there_is_no_seam_blocks_are_looked_into(tmp_path: Path) -> None:
    image, other = tmp_path / "small.tif", tmp_path / "other.tif"
    tifffile.imwrite(image, crossing((60, 50)))
    tifffile.imwrite(other, crossing((60, 50))[::-1, ::-1])
    result = Path(predicted(image, tmp_path / "out").labels)
    found = check(result)
    assert (found.windows, found.seams, found.differing) == (1, 0, ())
    assert check(result, image=str(image)).differing == ()
    assert check(result, image=str(other)).differing == ("Y 0:60, X 0:50",)


def test_an_empty_image_has_nothing_to_compare(tmp_path: Path) -> None:
    image = tmp_path / "flat.tif"
    tifffile.imwrite(image, np.zeros((60, 50), np.uint16))
    found = check(Path(predicted(image, tmp_path / "out").labels))
    assert (found.windows, found.differing) == (0, ())


@pytest.mark.parametrize("damage", ["cut", "joined", "lost"])
def test_damage_is_named(result: Path, damage: str) -> None:
    array = zarr.open_array(result / "labels/cells/0", mode="r+")
    good = array[...]
    bad = good.copy()
    if damage == "cut":
        bad[64:, :][good[64:, :] > 0] += 1000
    elif damage == "joined":
        bad[60:70][good[60:70] > 0] = 1
    else:
        bad[64:67] = 0
    array[...] = bad
    found = check(result)
    array[...] = good
    assert any("Y 0:200" in place for place in found.differing)


@pytest.mark.parametrize("model", [classes_model(), values_model("a")])
def test_classes_and_values_are_compared_too(tmp_path: Path, model) -> None:
    tifffile.imwrite(tmp_path / "big.tif", crossing((150, 100)))
    found = predicted(tmp_path / "big.tif", tmp_path / "out", model)
    assert check(Path(found.labels), model=model).differing == ()
    inside = Path(found.labels)
    inside = inside / "labels/cells/0" if (inside / "labels").exists() else inside / "0"
    array = zarr.open_array(inside, mode="r+")
    array[..., 60:70, :] = 7
    assert check(Path(found.labels), model=model).differing


def test_what_is_not_ours_and_other_models_are_refused(
    result: Path, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match="found none"):
        check(tmp_path)
    with pytest.raises(InputError, match="is not any more"):
        check(result, model=brightness_model(0.4))


def test_a_tiff_is_read_as_well(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "big.tif", crossing((130, 100)))
    found = predicted(tmp_path / "big.tif", tmp_path / "out", output_format="tiff")
    assert check(Path(found.labels)).differing == ()


def test_pieces_that_were_seen_cut_may_be_one_object() -> None:
    expected = np.array([[1, 1, 0, 2, 2, 0, 3]])
    found = np.array([[9, 9, 0, 9, 9, 0, 4]])
    none, some = np.zeros(4, bool), np.array([False, True, True, False])
    assert not same_partition(expected, found, none, exact=True)
    assert same_partition(expected, found, some, exact=True)
    assert not same_partition(expected, np.minimum(found, 1), some, exact=True)
