"""The committed images are what the generator draws, and their truth is sound."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from scipy import ndimage as ndi

from napari_unet.io.labels import read_ids
from napari_unet.io.read import read_image
from training.synthetic.catalogue import SCENES, Scene
from training.synthetic.write import write_index, write_scene

FOLDER = Path(__file__).parents[2] / "sample_data"
LIMIT = 5_000_000

# Fewest and most objects of an image, and their sizes in pixels.
EXPECTED = {
    "nuclei": ((50, 90), (40, 2500)),
    "phase": ((40, 80), (60, 2500)),
    "membranes": ((70, 140), (60, 20_000)),
    "zstack": ((30, 70), (80, 6000)),
    "timelapse": ((20, 45), (20, 700)),
    "two_channels": ((25, 55), (80, 4000)),
}

Array = npt.NDArray[Any]
FILES = [
    pytest.param(scene, index, id=f"{scene.name}_{index:02d}")
    for scene in SCENES
    for index in range(1, scene.count + 1)
]
each_file = pytest.mark.parametrize(("scene", "index"), FILES)
each_scene = pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.name)


def committed(scene: Scene, index: int) -> tuple[Array, Array]:
    name = f"{scene.name}_{index:02d}.tif"
    image = read_image(FOLDER / scene.name / "images" / name)
    return image.array, read_ids(FOLDER / scene.name / "labels" / name)


def planes(scene: Scene, labels: Array) -> list[Array]:
    """Return what is one picture of the objects: a frame, or the whole."""
    return list(labels) if "T" in scene.axes else [labels]


@each_scene
def test_the_generator_draws_the_committed_image_again(scene: Scene) -> None:
    image, labels = committed(scene, scene.count)
    again = scene.picture(scene.count)
    assert again.image.dtype == image.dtype
    # Another processor may round the last bit of a sine differently.
    assert np.mean(again.image != image) < 1e-4
    assert np.mean(again.labels != labels) < 1e-4


def test_other_seeds_draw_other_images() -> None:
    scene = next(s for s in SCENES if s.name == "nuclei")
    first, second = committed(scene, 1)[0], committed(scene, 2)[0]
    assert np.mean(first != second) > 0.5


@each_file
def test_ids_have_no_gaps(scene: Scene, index: int) -> None:
    _, labels = committed(scene, index)
    (fewest, most), _ = EXPECTED[scene.name]
    ids = np.unique(labels)
    assert ids[0] == 0
    assert np.array_equal(ids, np.arange(len(ids)))
    assert fewest <= ids[-1] <= most


@each_file
def test_every_object_is_connected_and_of_a_believable_size(
    scene: Scene, index: int
) -> None:
    _, labels = committed(scene, index)
    _, (smallest, largest) = EXPECTED[scene.name]
    for plane in planes(scene, labels):
        for id_, region in enumerate(ndi.find_objects(plane), start=1):
            if region is not None:
                _, pieces = ndi.label(plane[region] == id_)
                assert pieces == 1, id_
        sizes = np.bincount(plane.ravel())[1:]
        sizes = sizes[sizes > 0]
        assert sizes.min() >= smallest
        assert sizes.max() <= largest


@each_file
def test_objects_touch(scene: Scene, index: int) -> None:
    if scene.name == "membranes":
        pytest.skip("cell profiles are separated by their membranes")
    _, labels = committed(scene, index)
    left, right = labels[..., :-1], labels[..., 1:]
    pairs = {
        tuple(sorted(pair))
        for pair in zip(
            *(a[(left != right)].tolist() for a in (left, right)), strict=True
        )
        if 0 not in pair
    }
    assert len(pairs) >= 5


@each_file
def test_the_camera_is_well_exposed(scene: Scene, index: int) -> None:
    image, labels = committed(scene, index)
    ceiling = 255 if image.dtype == np.uint8 else 4095
    assert np.mean(image >= ceiling) < 1e-3
    assert np.mean(image == 0) < 1e-3
    low, high = np.percentile(image, [1, 99.8])
    assert high - low > 0.1 * ceiling
    spatial = image[0] if "C" in scene.axes else image
    assert spatial.shape == labels.shape


def test_nuclei_divide_and_keep_their_ids() -> None:
    scene = next(s for s in SCENES if s.name == "timelapse")
    _, labels = committed(scene, 1)
    present = [set(np.unique(frame)) - {0} for frame in labels]
    assert present[-1] - present[0], "daughters appear"
    assert present[0] - present[-1], "mothers are gone"
    for before, after, ids in zip(labels, labels[1:], present, strict=False):
        kept = sorted(ids & (set(np.unique(after)) - {0}))
        centres = [
            np.array(ndi.center_of_mass(f > 0, f, kept)) for f in (before, after)
        ]
        assert np.linalg.norm(centres[1] - centres[0], axis=1).max() < 12


def test_what_is_in_git_is_complete_and_small(tmp_path: Path) -> None:
    files = [path for path in FOLDER.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < LIMIT
    tiffs = {path for path in files if path.suffix == ".tif"}
    assert len(tiffs) == 2 * sum(scene.count for scene in SCENES)
    assert not [path for path in files if path.suffix not in {".tif", ".md", ".json"}]
    index = json.loads((FOLDER / "index.json").read_text(encoding="utf-8"))
    assert index == json.loads(write_index(SCENES, tmp_path).read_text("utf-8"))


def test_files_name_their_axes(tmp_path: Path) -> None:
    scene = next(s for s in SCENES if s.name == "two_channels")
    image, labels = (read_image(path) for path in write_scene(scene, tmp_path))
    assert image.axes == "CYX"
    assert labels.axes == "YX"
    assert np.array_equal(image.array, committed(scene, 1)[0])


@each_scene
def test_committed_files_name_their_axes(scene: Scene) -> None:
    image = read_image(FOLDER / scene.name / "images" / f"{scene.name}_01.tif")
    assert image.axes == scene.axes
