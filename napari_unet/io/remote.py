"""Images at an address, such as https:// or s3://, as if they were in a folder.

An address comes from a person alone: metadata of an image never lead to one. Paths of
universal_pathlib stand for files there, so what reads metadata knows no difference.
"""

from __future__ import annotations

import re
from os import PathLike, fspath
from pathlib import Path
from typing import Any, cast

from napari_unet.errors import InputError, how_to_install, reason_of

_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]+://", re.IGNORECASE)
_METADATA = ("zarr.json", ".zattrs", ".zarray", ".zgroup")


def place_of(path: str | PathLike[str]) -> Path:
    """Return a path, or what stands for one where an address is named.

    Raises an InputError if an address needs a package that is missing, cannot be
    reached, or has no zarr.
    """
    text = fspath(path)
    if not is_address(text):
        return Path(text)
    if text.lower().startswith("file://"):
        raise InputError(f"Name {text!r} as a path, without file://.")
    try:
        from upath import UPath  # an extra, which may be missing
    except ImportError as error:
        raise InputError(
            f"To read {text!r}, an address, more packages are needed; "
            f"{how_to_install('remote')}."
        ) from error
    try:
        found = UPath(text)
        reached = any(_is_there(found / name) for name in _METADATA)
    except Exception as error:
        # Each kind of address has its own errors, and tells which package it lacks.
        reason = reason_of(error)
        raise InputError(
            f"The address {text!r} cannot be reached ({reason}); check it, the network "
            "and what is needed to be let in."
        ) from error
    if not reached:
        raise InputError(
            f"There is no zarr at {text!r}; check the address. Other images than zarr "
            "have to be copied to this machine first."
        )
    # Not one of pathlib's, but it has all that is used of these.
    return cast("Path", found)


def is_address(text: str) -> bool:
    """Return whether a person names no path, but an address."""
    return _ADDRESS.match(text) is not None


def is_local(path: Path) -> bool:
    """Return whether a path is one of this machine."""
    return isinstance(path, Path)


def _is_there(path: Any) -> bool:
    try:
        path.read_bytes()
    except FileNotFoundError as error:
        cause = error.__cause__
        if isinstance(cause, OSError) and not isinstance(cause, FileNotFoundError):
            raise cause from error  # a server that does not answer
        return False
    return True
