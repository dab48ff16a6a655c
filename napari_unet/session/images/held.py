"""One image is open once, however often it is dropped into the window.

Two annotations of one image would both write into one entry of its project, and each
would lose what the other one wrote.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_unet.project.identity import ImageIdentity
from napari_unet.project.resolve import same_file, same_name
from napari_unet.tasks.task import goes_with

if TYPE_CHECKING:
    from napari_unet.session.images.image import OpenImage


@dataclass(frozen=True, slots=True)
class Held:
    """All images of which there is an annotation in memory.

    Parameters
    ----------
    open : tuple of OpenImage
        Those that are open.
    closing : tuple of OpenImage
        Those that were closed and are not saved yet.
    keys : frozenset of str
        What they are called in the project of an image that shall be opened: one entry
        belongs to one image.
    """

    open: tuple[OpenImage, ...] = ()
    closing: tuple[OpenImage, ...] = ()
    keys: frozenset[str] = frozenset()

    @property
    def all(self) -> tuple[OpenImage, ...]:
        """Both."""
        return self.open + self.closing

    def same(self, identity: ImageIdentity) -> OpenImage | None:
        """Return the image that is this very one.

        That is the same file with the same pixels, by whatever path; or, where there
        is no file, the same pixels under the same name. An open one is it with other
        axes too: those that the person has chosen hold.
        """
        for image in self.all:
            known = image.identity
            if image in self.closing and not _fits(identity, known):
                continue
            if known.content_hash == identity.content_hash and _together(
                identity, known
            ):
                return image
        return None

    def renamed(self, identity: ImageIdentity) -> OpenImage | None:
        """Return the image with the same pixels whose file is gone.

        It was moved or renamed while it was open.
        """
        for image in self.all:
            path = image.identity.path
            gone = path is not None and not path.exists()
            if gone and _fits(identity, image.identity):
                return image
        return None


NOTHING_HELD = Held()


def _together(one: ImageIdentity, other: ImageIdentity) -> bool:
    if one.path is not None and other.path is not None:
        return same_file(one.path, other.path)
    return one.path is other.path and same_name(one.name, other.name)


def _fits(one: ImageIdentity, other: ImageIdentity) -> bool:
    return (
        one.content_hash == other.content_hash
        and one.labels_shape == other.labels_shape
        and goes_with(one.schema, other.schema)
    )
