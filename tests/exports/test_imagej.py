"""ImageJ itself, which is the core of Fiji, opens what is exported, and corrects it.

It runs where it is installed (Debian: `apt install imagej`).
"""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import tifffile

from napari_unet.io.labels import read_ids
from napari_unet.io.rois import read_regions, read_rois
from tests.exports.conftest import awkward, result_of, write

IMAGEJ = Path("/usr/share/java/ij.jar")
MACRO = Path(__file__).with_name("correct_in_imagej.ijm")
SCREEN = [] if "DISPLAY" in os.environ else ["xvfb-run", "--auto-servernum"]

pytestmark = pytest.mark.skipif(
    not IMAGEJ.is_file() or not all(map(shutil.which, ["java", *SCREEN[:1]])),
    reason=f"ImageJ is not installed here: no {IMAGEJ}, no Java, or no screen",
)


@dataclass(frozen=True)
class Seen:
    """What ImageJ was given, what it told, and the folder with what it saved."""

    labels: np.ndarray
    axes: str
    told: list[list[str]]
    folder: Path


@pytest.fixture(scope="module", params=["YX", "TZYX"])
def seen(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory):
    axes, folder = request.param, tmp_path_factory.mktemp("imagej")
    labels = awkward()
    if axes == "TZYX":
        section = np.where(labels == 7, 8, labels)
        labels = np.stack([[labels, section, labels[::-1]], [section, labels, labels]])
    result = result_of(labels, axes, pixel_size={"Z": 2.0, "Y": 0.5, "X": 0.25})
    files = write(result, "fiji", folder), write(result, "imagej-roi", folder)
    given = "|".join(map(str, (*files, f"{folder}/")))
    command = [*SCREEN, "java", "-jar", str(IMAGEJ), "-batch", str(MACRO), given]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return Seen(
        labels, axes, [line.split() for line in done.stdout.splitlines()], folder
    )


def test_a_label_image_is_one_of_the_right_size_in_colours(seen: Seen) -> None:
    _, shape, calibration, colours = seen.told[:4]
    stack = ["1", "1", "1"] if seen.axes == "YX" else ["1", "3", "2"]
    assert shape == ["16", "30", "20", *stack]
    assert calibration == ["0.25", "0.5", "2", "µm", "0", "300"]
    assert colours[:3] == ["0", "0", "0"]
    assert colours[3] != colours[4]


def test_regions_fill_the_very_pixels(seen: Seen) -> None:
    np.testing.assert_array_equal(
        tifffile.imread(seen.folder / "drawn.tif"), seen.labels
    )


def test_corrected_pixels_come_back(seen: Seen) -> None:
    expected = seen.labels.copy()
    expected[(*[0] * (len(seen.axes) - 2), 19, 29)] = 900
    np.testing.assert_array_equal(read_ids(seen.folder / "corrected.tif"), expected)


def test_corrected_regions_come_back(seen: Seen) -> None:
    expected = seen.labels.copy()
    first = expected if seen.axes == "YX" else expected[0, 0]
    first[first == 2] = 0
    first[10:14, 12:17] = 900
    found = read_rois(seen.folder / "corrected.zip", expected.shape, seen.axes)
    np.testing.assert_array_equal(found, expected)


def test_what_is_drawn_there_lies_on_its_plane(seen: Seen) -> None:
    """ImageJ says the plane in the name alone, of what a person has added."""
    expected = np.zeros_like(seen.labels)
    last = expected.reshape(-1, 20, 30)[-1]
    last[10:14, 12:17], last[1:5, 2:7] = 1, 2
    path = seen.folder / "added.zip"
    found = read_regions(path, expected.shape, seen.axes, channels=1)
    np.testing.assert_array_equal(found.array, expected)
