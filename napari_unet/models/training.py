"""How a model was trained: from which start, on which images, with which settings.

It lies beside the weights as `training.json`, for whoever wants to do the same again,
and in words in the folder's README (`napari_unet.models.card`).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from pydantic import Field, JsonValue

from napari_unet import __version__
from napari_unet.core.validation import Frozen, read_description

TRAINING_FILE = "training.json"

MOST_IMAGES = 10_000
_LARGEST = 8 * 2**20

_LONGEST = 4096

_Name = Annotated[str, Field(max_length=_LONGEST)]


class TrainingNotes(Frozen):
    """What is known of a training besides the record of the model that it made.

    Parameters
    ----------
    program : str
        Version of napari-unet.
    start : str
        Name of the model, or of the network, that it began with.
    data : str
        Where the images came from, in words.
    images : tuple of str
        Their names, the first of them where there are very many.
    image_count : int
        How many they were.
    replayed : str
        Built-in model whose sample images were mixed in, or nothing.
    settings : dict
        All of a `napari_unet.FitConfig`, by name.
    """

    program: _Name = ""
    start: _Name = ""
    data: _Name = ""
    images: Annotated[tuple[_Name, ...], Field(max_length=MOST_IMAGES)] = ()
    image_count: int = Field(0, ge=0)
    replayed: _Name = ""
    settings: dict[str, JsonValue] = Field(default_factory=dict, max_length=1000)

    @classmethod
    def of(
        cls,
        start: str,
        data: str,
        images: Sequence[str],
        settings: dict[str, JsonValue],
        replayed: str = "",
    ) -> TrainingNotes:
        """Return the notes of a training that this version of the program makes."""
        return cls(
            program=__version__,
            start=start[:_LONGEST],
            data=data[:_LONGEST],
            images=tuple(name[:_LONGEST] for name in images[:MOST_IMAGES]),
            image_count=len(images),
            replayed=replayed,
            settings=settings,
        )


def parse_training(text: bytes) -> TrainingNotes | None:
    """Return what a `training.json` says; None if it is none."""
    try:
        return TrainingNotes.model_validate_json(text[:_LARGEST])
    except ValueError:
        return None


def read_training(folder: Path) -> TrainingNotes | None:
    """Return how the model in a folder was trained; None where that is not written."""
    path = folder / TRAINING_FILE
    if path.is_symlink():
        return None
    return read_description(path, TrainingNotes, most_bytes=_LARGEST)
