"""One prediction at a time makes a result: two would write one folder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from napari_unet.core.atomic import told_in_words
from napari_unet.errors import InputError
from napari_unet.project import FileLock


@contextmanager
def claimed(result: Path) -> Iterator[FileLock]:
    """Keep the place of a result for one prediction, until that has ended.

    The lock is to be counted up (`sync`) now and then, so that other machines see it.
    Who was killed keeps nothing. Raises an InputError if another one is under way.
    """
    with told_in_words(result.parent):
        result.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(result.with_name(f".{result.name}.lock"))
    if other := lock.take():
        raise InputError(
            f"Another prediction is making {str(result)!r} right now "
            f"({other.describe()}, process {other.pid}); wait until it has ended, or "
            "choose another --out."
        )
    try:
        yield lock
    finally:
        lock.release()
