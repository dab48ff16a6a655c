"""Whether a zip file holds a model, told by the names in it; torch is not needed."""

from __future__ import annotations

from pathlib import Path

from napari_unet import io
from napari_unet.errors import InputError
from napari_unet.exchange.rdf import find_description
from napari_unet.models.folder import SPEC_FILE

MOST_FILES = 64
"""A model has no more; an archive with more is looked at no further."""


def holds_model(file: Path) -> bool:
    """Whether a zip file holds a package of BioImage.IO, or a model folder."""
    try:
        names = io.names_in_zip(file, members=MOST_FILES)
    except InputError:
        return False
    described = find_description(dict.fromkeys(names, b""))
    return bool(described) or any(
        name.rpartition("/")[2] == SPEC_FILE for name in names
    )
