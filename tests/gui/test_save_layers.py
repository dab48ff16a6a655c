"""*File > Save Selected Layers* in every format, read back by others."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import roifile
import tifffile
from napari.components import ViewerModel
from napari.layers import Labels
from napari.plugins._npe2 import file_extensions_string_for_layers
from npe2 import PluginManager

from napari_unet.errors import NapariUnetError
from napari_unet.exports import FORMATS
from napari_unet.gui import save_layers
from napari_unet.gui.probability import ProbabilityLayer
from tests.gui.conftest import cells
from tests.session.brightness import disks

MINE = "napari-unet-live"


@pytest.fixture
def viewer(qapp):
    PluginManager.instance().discover()
    return ViewerModel()


def lines(path: str) -> list[str]:
    return Path(path).read_text(encoding="utf-8-sig").splitlines()


def of(name: str):
    """Return what napari calls for a format."""
    (found,) = [
        writer
        for writer in PluginManager.instance().iter_compatible_writers(["labels"])
        if writer.command == f"{MINE}.save_{name.replace('-', '_').replace('.', '_')}"
    ]
    return found


def test_all_formats_are_offered_after_napari_s_own(viewer):
    layer = viewer.add_labels(cells())
    words, writers = file_extensions_string_for_layers([layer])
    mine = [each.command.partition(".")[2] for each in writers if MINE in each.command]
    names = {f"save_{f.name.replace('-', '_').replace('.', '_')}" for f in FORMATS}
    assert set(mine) == names
    assert "U-Net GeoJSON for QuPath (*.geojson)" in words
    _, of_both = file_extensions_string_for_layers([layer, viewer.add_image(disks())])
    assert not [each for each in of_both if MINE in each.command]


def test_what_napari_writes_is_still_written_by_napari(viewer, tmp_path):
    layer = viewer.add_labels(cells())
    (path,) = layer.save(str(tmp_path / "a.tif"))
    with tifffile.TiffFile(path) as file:
        assert not file.is_imagej


def test_a_layer_is_read_back_by_others_with_its_pixel_size(viewer, tmp_path):
    layer = viewer.add_labels(cells(), scale=(0.5, 0.25), units="um", name="a")
    (path,) = layer.save(str(tmp_path / "a.fiji.tif"))
    with tifffile.TiffFile(path) as file:
        assert file.imagej_metadata["unit"] == "um"
        assert file.pages[0].tags["XResolution"].value == (4, 1)
        np.testing.assert_array_equal(file.asarray(), cells())
    (path,) = layer.save(str(tmp_path / "a.ome.tif"))
    with tifffile.TiffFile(path) as file:
        assert 'PhysicalSizeX="0.25"' in file.ome_metadata
    (path,) = layer.save(str(tmp_path / "a.zip"))
    assert {roi.name for roi in roifile.roiread(path)} == {"1", "2", "3"}
    (path,) = layer.save(str(tmp_path / "a.csv"))
    header, first, *_ = lines(path)
    assert "area_um2" in header
    assert "18" in first  # 144 pixels


def test_a_name_that_the_window_asked_about_is_replaced_and_no_other(viewer, tmp_path):
    layer = viewer.add_labels(cells())
    data, meta, _ = layer.as_layer_data_tuple()
    exec_ = of("geojson").exec
    asked = tmp_path / "a.geojson"
    asked.write_text("old")
    assert exec_((str(asked), data, meta)) == [str(asked)]
    assert len(json.loads(asked.read_text())["features"]) == 3
    before = asked.read_bytes()
    with pytest.raises(NapariUnetError, match="exists and was left as it is"):
        exec_((str(tmp_path / "a"), data, meta))
    assert exec_((str(tmp_path / "b"), data, meta)) == [str(tmp_path / "b.geojson")]
    assert asked.read_bytes() == before


def test_what_cannot_be_written_is_refused_in_words(viewer, tmp_path):
    layer = viewer.add_labels(np.zeros((2, 8, 9), int))
    with pytest.raises(NapariUnetError, match="stack or a time-lapse"):
        layer.save(str(tmp_path / "a.outlines.png"))
    assert not list(tmp_path.iterdir())


def test_the_map_of_probabilities_is_saved_as_any_image(viewer, tmp_path):
    below = viewer.add_labels(np.zeros((16, 20), int))
    values = np.linspace(0, 1, 320, dtype=np.float32).reshape(16, 20)
    shown = ProbabilityLayer(viewer.layers)
    shown.show(values, (0, 0), below, "map")
    (path,) = shown.layer.save(str(tmp_path / "a.tif"))
    np.testing.assert_array_equal(tifffile.imread(path), values)


def test_what_had_to_be_changed_is_told(viewer, tmp_path, monkeypatch):
    told: list[str] = []
    monkeypatch.setattr(save_layers, "show_warning", told.append)
    viewer.add_labels(-cells()).save(str(tmp_path / "a.csv"))
    assert told == ["a.csv is saved, but negative ids were taken as background."]
    assert len(lines(str(tmp_path / "a.csv"))) == 1
    viewer.add_labels(cells()).save(str(tmp_path / "b.csv"))
    assert len(told) == 1


def test_labels_that_are_kept_are_written_with_all_that_is_known(
    desk, monkeypatch, tmp_path
):
    """As *Results* writes them: with channels of the image, and what is verified."""
    desk.add("TCYX", scale=(1, 1, 0.5, 0.5), units=("s", "pixel", "um", "um"))
    desk.begin()
    monkeypatch.setattr(save_layers, "open_workbench", lambda _: desk)
    labels: Labels = desk.labels
    labels.data_setitem((np.r_[0, 0], np.r_[0, 0], np.r_[1, 1], np.r_[2, 3]), 1)
    (path,) = labels.save(str(tmp_path / "a.csv"))
    header, first = lines(path)
    known = dict(zip(header.split(","), first.split(","), strict=True))
    assert known["verified"].lower() in ("true", "1", "yes")
    assert float(known["area_um2"]) == pytest.approx(0.5)
