"""Sample images that ship with the package, with exact label maps.

They lie in the folder `sample_data`: inside the package when it was installed from a
wheel, at the top of the repository when it runs from a checkout (an editable install
does not see files that the build copies). `index.json` in it lists the samples, and
`NAME/images/NAME_01.tif` has its truth in `NAME/labels/NAME_01.tif`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from napari_unet.errors import InputError, StorageError
from napari_unet.geometry.maps import LabelMap
from napari_unet.io.labels import read_ids
from napari_unet.io.read import read_image
from napari_unet.tasks.sample import Sample

_INDEX = "index.json"
_PACKAGE = Path(__file__).parents[1]


class SampleInfo(BaseModel):
    """A sample in the index: its name, its title in a menu, the axes of its images."""

    model_config = ConfigDict(frozen=True)

    name: str
    title: str
    axes: str


@dataclass(frozen=True, slots=True, eq=False)
class SampleImage:
    """One sample image."""

    image: npt.NDArray[Any]  # camera counts, uint8 or uint16, with these axes
    labels: LabelMap | None  # true objects, with the axes but C; None without truth
    axes: str
    name: str  # stem of its file, such as "phase_01"
    path: Path  # never write beside it: it may belong to an installed package


def list_samples() -> list[SampleInfo]:
    """Return the samples in the order in which a person should meet them."""
    path = sample_folder() / _INDEX
    try:
        return TypeAdapter(list[SampleInfo]).validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise StorageError(
            f"The list of sample images {str(path)!r} cannot be read; "
            "install the package again."
        ) from error


def load_sample(name: str) -> list[SampleImage]:
    """Read all images of a sample, in the order of their names.

    Raises an InputError if there is no such sample, or one of its files is damaged, and
    a StorageError if the sample data are missing.
    """
    samples = {sample.name: sample for sample in list_samples()}
    if name not in samples:
        raise InputError(
            f"There is no sample {name!r}; choose one of: {', '.join(samples)}."
        )
    folder = sample_folder() / name
    images = []
    for path in sorted((folder / "images").glob("*.tif")):
        truth = folder / "labels" / path.name
        labels = read_ids(truth) if truth.is_file() else None
        array, axes = read_image(path).array, samples[name].axes
        images.append(SampleImage(array, labels, axes, path.stem, path))
    return images


def replay_samples(name: str) -> list[Sample]:
    """Return images of the kind that a built-in model knows, so that it forgets less.

    They are for the `replay` of `napari_unet.fit`, and were made for this.

    Parameters
    ----------
    name : str
        The built-in model from which a model descends.

    Returns
    -------
    list of Sample
        Empty where there are none for that name.
    """
    if name not in {sample.name for sample in list_samples()}:
        return []
    return [
        Sample(each.image, each.labels, axes=each.axes)
        for each in load_sample(name)
        if each.labels is not None
    ]


def sample_folder() -> Path:
    """Return the folder of the sample data, in the package or in the checkout.

    Raises a StorageError if neither exists.
    """
    candidates = (_PACKAGE / "sample_data", _PACKAGE.parent / "sample_data")
    for folder in candidates:
        # A folder of this name without our index is somebody else's.
        if (folder / _INDEX).is_file():
            return folder
    raise StorageError(
        f"The sample images are missing: expected them in {str(candidates[0])!r} or "
        f"{str(candidates[1])!r}; install the package again."
    )
