"""Marks in results: whether a file is the whole of what was written, and made of what.

The mark is in the file itself, so it goes with it, and is gone where another program
has saved the file anew.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import tifffile

MARK = "napari_unet_mark"
"""Its name among what a TIFF says of its axes."""


@dataclass(frozen=True, slots=True)
class Mark:
    """What `napari_unet.io.write_image` was told of a file, and if all of it is there.

    Attributes
    ----------
    text : str or None
        None where the file has no mark, or is no TIFF.
    """

    text: str | None
    whole: bool


def read_mark(path: str | Path) -> Mark:
    """Read the mark of a file, but no pixel."""
    try:
        with tifffile.TiffFile(path) as file:
            told: dict[str, object] = (file.shaped_metadata or ({},))[0]
            end = max(
                start + count
                for page in file.pages
                if isinstance(page, tifffile.TiffPage)
                for start, count in zip(
                    page.dataoffsets, page.databytecounts, strict=True
                )
            )
            text = told.get(MARK)
            whole = end <= file.filehandle.size
    # A damaged file fails in as many ways as it can be damaged; it is no result.
    except Exception:  # noqa: BLE001
        return Mark(None, whole=False)
    return Mark(text if isinstance(text, str) else None, whole)
