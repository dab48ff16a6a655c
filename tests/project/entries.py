"""Looking up what a project has saved."""

from __future__ import annotations

from napari_unet.project.identity import ImageIdentity
from napari_unet.project.manifest import ImageEntry
from napari_unet.project.store import ProjectStore


def entry_of(store: ProjectStore, image: ImageIdentity) -> ImageEntry | None:
    """Return the saves of an image; None if there are none."""
    return store.read()[0].get(store.look_up(image).key)
