"""Disks that refuse, and journals that are cut short soon."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch


@contextmanager
def short_journals() -> Iterator[None]:
    """Let segments end soon, and go as soon as they may."""
    name = "napari_unet.project.journal."
    with patch(name + "_LARGEST_SEGMENT", 1500), patch(name + "_KEPT_FOR_UNDO", 3000):
        yield


@contextmanager
def failing_replace(step: int, code: int) -> Iterator[None]:
    """Let the step-th renaming of a file fail, and no other."""
    replace, calls = Path.replace, []

    def fail(self: Path, target: Path) -> Path:
        calls.append(target)
        if len(calls) == step + 1:
            raise OSError(code, os.strerror(code))
        return replace(self, target)

    with patch.object(Path, "replace", fail):
        yield


@contextmanager
def failing_journal(code: int) -> Iterator[None]:
    """Let nothing be written to any journal."""

    def fail(self: object, line: bytes) -> None:
        raise OSError(code, os.strerror(code))

    with patch("napari_unet.project.journal._OpenSegment.write", fail):
        yield
