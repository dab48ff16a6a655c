"""What the files of a result tell of its image: under which name, and of what size."""

from __future__ import annotations

from pathlib import Path

from napari_unet.io.pairing import stem_of
from napari_unet.io.read import read_header
from napari_unet.project.identity import ImageIdentity


def file_stem(name: str) -> str:
    """Return the name of an image without its suffix, safe in names of files."""
    safe = "".join("-" if c in '/\\:*?"<>|' else c for c in name).strip(" .")
    return stem_of(Path(safe or "image"))[:150].strip(" .") or "image"


def sizes_of(identity: ImageIdentity, known: float | None) -> dict[str, float]:
    """Return how large pixels are, as the file says and a person who knows better."""
    path = identity.path
    sizes = dict(read_header(path).pixel_size) if path else {}
    if known is not None and sizes.get("X") != known:
        sizes |= {"Y": known, "X": known}
    return sizes
