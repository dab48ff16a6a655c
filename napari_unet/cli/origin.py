"""What a result is made of and how: whether it is there already, or must be made.

A result that was made of the same image by the same model, settings and version is not
made again. One of another origin is, and so is one that was cut short; but what some
other program has written is left alone.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_unet import __version__, io
from napari_unet.errors import InputError

if TYPE_CHECKING:
    from napari_unet.weights.model import Model


@dataclass(frozen=True, slots=True)
class Recipe:
    """All that decides about results besides the image, as a digest."""

    digest: str

    def mark(self, image: Path) -> str:
        """Return the mark of the result of an image as it is now."""
        found = hashlib.blake2b(self.digest.encode(), digest_size=16)
        for line in _state_of(image):
            found.update(f"{line}\n".encode(errors="surrogateescape"))
        return found.hexdigest()

    def is_done(self, image: Path, result: Path) -> bool:
        """Return whether a result is there, whole and of the same origin.

        Raises
        ------
        InputError
            If something else is in its place.
        """
        if not result.exists():  # as where a link leads nowhere
            return False
        found = io.read_mark(result)
        if found.text is None and not found.blank:
            raise InputError(
                f"{result} was not written by this program, or was changed since, and "
                "was left as it is; move it away, or replace it with --overwrite."
            )
        return found.whole and found.text == self.mark(image)


def recipe_of(model: Model, settings: Mapping[str, Any]) -> Recipe:
    """Return the recipe of a model and the settings of a prediction."""
    found = hashlib.blake2b(digest_size=16)
    how = {"version": __version__, "settings": settings}
    found.update(json.dumps(how, sort_keys=True).encode())
    found.update(model.spec.model_dump_json().encode())
    for name, tensor in model.net.state_dict().items():
        found.update(f"{name} {tensor.dtype} {tuple(tensor.shape)};".encode())
        found.update(tensor.cpu().contiguous().reshape(-1).numpy().data)
    return Recipe(found.hexdigest())


def _state_of(path: Path) -> Iterator[str]:
    """Yield what changes when an image does: its size and time, as `make` looks."""
    if path.is_dir():
        for folder, _, names in sorted(os.walk(path)):
            for name in sorted(names):
                yield from _state_of(Path(folder, name))
        return
    try:
        state = path.stat()
    except OSError:  # told by who reads it
        yield f"{path.name} cannot be reached"
        return
    yield f"{path.name} {state.st_size} {state.st_mtime_ns}"
