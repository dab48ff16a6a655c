"""A model from a file: a package of BioImage.IO, a zipped model folder, weights.

The command line, the dock and Python bring models in through here.
"""

from __future__ import annotations

import logging
from pathlib import Path

from napari_unet import io, models, weights
from napari_unet.errors import InputError
from napari_unet.exchange.bring_in import Imported, import_package, is_package
from napari_unet.exchange.contents import MOST_FILES
from napari_unet.weights.model import Model

logger = logging.getLogger("napari_unet")

_LARGEST = 2**31


def import_model(file: str | Path, *, like: str | None = None) -> Model:
    """Make a model of a file from elsewhere.

    Nobody's Python is run, and nothing is fetched. What a person should know of the
    model is logged.

    Parameters
    ----------
    file : str or Path
        A package of BioImage.IO or a zipped model folder (.zip), or weights (.pt, .pth,
        .safetensors).
    like : str, optional
        A model, or a file like its model.json, that has the network which the weights
        are of.

    Returns
    -------
    Model
        Ready to predict; `save_model` keeps it.

    Raises
    ------
    InputError
        If there is no such file, or it cannot be read.
    ModelError
        If it is damaged, newer than this program, or holds nothing that can be used.
    """
    file = Path(file)
    imported = import_file(file, file.stem[:100], like)
    for note in imported.notes:
        logger.warning(note)
    return imported.model


def import_file(file: Path, name: str, like: str | None = None) -> Imported:
    """Make a model of a file, which is called `name` from then on; see above."""
    if file.is_dir():
        raise InputError(
            f"{str(file)!r} is a folder; a model folder needs no import, it is opened "
            "as it is (--model on the command line)."
        )
    if not file.is_file():
        raise InputError(f"There is no file {str(file)!r}; check the name.")
    if file.suffix.lower() == ".zip":
        return _of_zip(file, name, like)
    weights.refuse_other_files(file)
    if like is None:
        raise InputError(
            f"{str(file)!r} holds weights at best, and no description of their "
            "network; name a model with the same network with --like."
        )
    try:
        model, note = weights.import_weights(file, models.describe(like), name)
        return Imported(model, (note,) if note else ())
    except OSError as error:
        raise InputError(
            f"Cannot read {str(file)!r}: {error.strerror or error}."
        ) from error


def _of_zip(file: Path, name: str, like: str | None) -> Imported:
    found = io.read_zip(
        file, members=MOST_FILES, member_bytes=_LARGEST, total_bytes=_LARGEST
    )
    if is_package(found):
        spec = models.describe(like) if like is not None else None
        return import_package(found, str(file), name, spec)
    if like is not None:
        raise InputError("The zip file of a model describes itself; leave --like away.")
    model = weights.unpack_model(found, str(file))
    record, training = models.origin_in(found)
    return Imported(model, record=record, training=training)
