"""Models as files of other programs, each whole or not at all."""

from __future__ import annotations

from collections.abc import Callable, Generator
from pathlib import Path
from typing import TypeAlias

from napari_unet.core.atomic import leave_existing, write_atomically
from napari_unet.core.events import Notice
from napari_unet.core.jobs import drain_logged
from napari_unet.errors import InputError
from napari_unet.exchange.credit import Credits
from napari_unet.exchange.formats import (
    ONNX,
    PACKAGE,
    ModelFormat,
    find_model_format,
    model_format_of,
)
from napari_unet.exchange.onnx_file import to_onnx
from napari_unet.exchange.package import iter_package
from napari_unet.weights.model import Model, check_model

Steps: TypeAlias = Generator[Notice | float, None, None]


def _iter_onnx(model: Model, made_by: Credits, path: Path) -> Steps:
    del made_by  # a file of ONNX has no place for them that anybody reads
    yield 0.0
    content = to_onnx(model)
    yield 0.9
    write_atomically(path, lambda file: file.write(content))
    yield 1.0


_WRITERS: dict[ModelFormat, Callable[[Model, Credits, Path], Steps]] = {
    PACKAGE: iter_package,
    ONNX: _iter_onnx,
}
"""What writes a file whole or not at all.

It yields the share that is done, and what a person should know.
"""


def iter_export_model(
    model: Model,
    path: Path,
    format_: ModelFormat,
    made_by: Credits,
    *,
    overwrite: bool = False,
) -> Steps:
    """Write a model in a format, whole or not at all; see `export_model`."""
    if path.suffix.lower() != format_.suffix:
        raise InputError(
            f"Expected a name that ends with {format_.suffix} for {format_.name}, "
            f"found {path.name!r}; give it that ending."
        )
    if not overwrite:
        leave_existing(path)
    yield from _WRITERS[format_](model, made_by, path)


def export_model(
    model: Model,
    path: str | Path,
    format: str | None = None,  # noqa: A002 - what it is
    *,
    authors: tuple[str, ...] = (),
    license: str = "",  # noqa: A002 - what it is
    overwrite: bool = False,
) -> Path:
    """Write a model as a file that other programs run.

    Parameters
    ----------
    model : Model
        From `load_model` or `fit`.
    path : str or Path
        Where to; nothing is ever written in part.
    format : {"bioimageio", "onnx"}, optional
        A package of the BioImage Model Zoo (.zip), or the network alone (.onnx); what
        the name ends with, where it is missing.
    authors : tuple of str
        Who made it, for a package.
    license : str
        Under which licence others may use it, such as "CC-BY-4.0", for a package.
    overwrite : bool
        Whether a file that is there is replaced.

    Returns
    -------
    Path
        Where it is.

    Raises
    ------
    InputError
        If there is no such format or licence, a package is missing, the format has no
        words for the model, or there is a file already.
    ModelError
        If what was exported would compute something else.
    StorageError
        If it cannot be written.
    """
    check_model(model)
    path = Path(path)
    chosen = find_model_format(format) if format else model_format_of(path)
    made_by = Credits(tuple(authors), license)
    drain_logged(iter_export_model(model, path, chosen, made_by, overwrite=overwrite))
    return path
