"""How well objects of volumes are found: section by section, from three sides, in 3-D.

``python -m benchmarks.volumes`` predicts the z-stack that comes with the program, and
with ``--data DIR`` volumes with a truth by people, whose models never saw them.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import napari_unet as nu
from napari_unet import io
from napari_unet.geometry.maps import LabelMap
from napari_unet.images.source import ArrayImage
from napari_unet.instances.three_sides import Stacks
from napari_unet.io.samples import sample_folder

SETS = {
    "nuclei_3d/1135_mini": 1.0,
    "nuclei_3d/1136_mini": 1.0,
    "embryo_nuclei_3d/8_cell_stage": None,
    "embryo_nuclei_3d/16_cell_stage": None,
}
"""Volumes, and how many times as far apart sections are as pixels are wide, if that is
known. A third one of `nuclei_3d` shows nothing but noise."""


@dataclass(frozen=True, slots=True, eq=False)
class Volume:
    """A volume (Z, Y, X), its truth, and how far apart its sections are."""

    name: str
    image: ArrayImage
    truth: LabelMap
    anisotropy: float | None


def volumes(data: Path | None) -> Iterator[Volume]:
    """Yield those that there are."""
    yield _read("zstack", sample_folder() / "zstack", "zstack_01", 3.0)
    if data is not None:
        for name, apart in SETS.items():
            folder, stem = name.split("/")
            yield _read(name, data / folder, stem, apart)


def _read(name: str, folder: Path, stem: str, apart: float | None) -> Volume:
    image = io.read_image(folder / "images" / f"{stem}.tif")
    truth = io.read_image(folder / "labels" / f"{stem}.tif").array
    return Volume(name, image, truth, apart)


def measure(volume: Volume, model: str, stacks: Stacks | None) -> str:
    """Return a line of a table."""
    loaded, began = nu.load_model(model), time.perf_counter()
    array, apart = volume.image.array, volume.anisotropy
    found = nu.predict(array, loaded, axes="ZYX", anisotropy=apart, stacks=stacks)
    seconds = (time.perf_counter() - began) / len(array)
    scores = nu.evaluate(volume.truth, found)
    numbers = f"{scores.ap['0.50']:.2f} | {scores.ap['0.75']:.2f} | {scores.dice:.2f}"
    how = stacks or "volumes"
    return f"| {volume.name} | `{model}` | {how} | {numbers} | {seconds:.2f} |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="folder of data sets")
    parser.add_argument("--volumes", default="", help="a model of volumes, as well")
    chosen = parser.parse_args()
    print("| volume | model | seen | AP50 | AP75 | Dice | seconds a section |")
    print("|---|---|---|---|---|---|---|")
    for volume in volumes(chosen.data):
        print(measure(volume, "nuclei", "sections"))
        print(measure(volume, "nuclei", "three-sides"), flush=True)
        if chosen.volumes:
            print(measure(volume, chosen.volumes, None), flush=True)


if __name__ == "__main__":
    main()
