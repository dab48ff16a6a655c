"""Where results go: checked before any work, and never over something else."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from napari_unet import models
from napari_unet.core.atomic import storage_error
from napari_unet.errors import InputError
from napari_unet.io.pairing import name_some
from napari_unet.io.zarr import is_zarr


@contextmanager
def output_folder(folder: Path) -> Iterator[None]:
    """Make a folder and try to write in it; leave no trace if nothing was written."""
    missing = [f for f in (folder, *folder.parents) if not f.exists()]
    try:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder):
                pass
        except (FileExistsError, NotADirectoryError) as error:
            raise InputError(
                f"Cannot write to {str(folder)!r}: it is a file, or lies inside one; "
                "choose another folder with --out."
            ) from error
        except OSError as error:
            raise storage_error(folder, error) from error
        yield
    finally:
        # Where there is something in them, they stay.
        with suppress(OSError):
            for made in missing:
                made.rmdir()


def refuse_unwritable(folder: Path) -> None:
    """Refuse a folder that cannot be written in, or made; nothing is tried."""
    there = next(f for f in (folder, *folder.absolute().parents) if f.exists())
    if not there.is_dir():
        raise InputError(
            f"Cannot write to {str(folder)!r}: {str(there)!r} is a file; choose "
            "another folder with --out."
        )
    if not os.access(there, os.W_OK | os.X_OK):
        raise storage_error(folder, PermissionError(errno.EACCES, "forbidden"))


def refuse_existing(targets: Iterable[Path], other_way: str = "") -> None:
    """Refuse to overwrite files or folders; say a way besides, if there is one."""
    there = [str(path) for path in targets if path.exists() or path.is_symlink()]
    if there:
        verb = "exists" if len(there) == 1 else "exist"
        raise InputError(
            f"{name_some(there)} {verb} and nothing was done; {other_way}choose "
            "another --out, or replace with --overwrite."
        )


def refuse_one_target(targets: Mapping[Path, Path]) -> None:
    """Refuse results of two images, all in one folder, that would be one file.

    Their names differ in capitals alone, which not every disk tells apart.
    """
    seen: dict[str, Path] = {}
    for image, target in targets.items():
        first = seen.setdefault(target.name.casefold(), image)
        if first is not image and not _tells_capitals(target.parent):
            raise InputError(
                f"The results of {str(first)!r} and {str(image)!r} would be one file, "
                "for this disk does not tell capitals from small letters; rename one."
            )


def folders_of(model: str | None) -> list[Path]:
    """Return the place of a model that is given by a path; built-in ones have none."""
    if model is None or models.is_built_in(model):
        return []
    return [Path(model).expanduser()]


def _tells_capitals(folder: Path) -> bool:
    """Return whether the disk keeps two names apart that differ in capitals alone."""
    for there in (folder.absolute(), *folder.absolute().parents):
        other = there.with_name(there.name.swapcase()) if there.name else there
        if there.exists() and other != there:
            return not (other.exists() and other.samefile(there))
    return True


def refuse_replacing_inputs(
    inputs: Iterable[Path],
    targets: Iterable[Path],
    called: str = "the images themselves",
) -> None:
    """Refuse results in the place of what they are made from, also by --overwrite.

    Also a folder that holds an input, and anything inside a zarr of which an input is
    a part. A plain folder of images may hold results beside them.
    """
    # Not `Path.resolve`, which a link to itself defeats.
    sources = {Path(os.path.realpath(path)) for path in inputs}
    above = {folder for source in sources for folder in source.parents} | sources
    zarrs = {folder for folder in above if is_zarr(folder)}
    same, inside = [], []
    for path in targets:
        target = Path(os.path.realpath(path))
        if target in above:
            same.append(str(path))
        elif not zarrs.isdisjoint(target.parents):
            inside.append(str(path))
    if same:
        raise InputError(
            f"The results would replace {called} ({name_some(same)}); choose another "
            "folder with --out."
        )
    if inside:
        raise InputError(
            "The results would be written into the images themselves "
            f"({name_some(inside)}); choose a folder outside with --out."
        )
