"""The images of which there is an annotation in memory, when another one is opened.

One image is open once, however often it is dropped into the window. Two annotations of
it would both write into one entry of its project, and each would lose what the other
one wrote.
"""

from __future__ import annotations

from dataclasses import dataclass

from napari_unet.project.identity import ImageIdentity
from napari_unet.project.resolve import same_file, same_name


@dataclass(frozen=True, slots=True)
class Held:
    """All images of which there is an annotation in memory.

    Those that are `closing` are not saved yet. The `keys` are those in the project of
    an image that shall be opened: one entry belongs to one image.
    """

    open: tuple[ImageIdentity, ...] = ()
    closing: tuple[ImageIdentity, ...] = ()
    keys: frozenset[str] = frozenset()

    def same(self, identity: ImageIdentity) -> ImageIdentity | None:
        """Return the image that is this very one.

        That is the same file with the same pixels, by whatever path; or, where there
        is no file, the same pixels under the same name. An open one is it with other
        axes too: those that the person has chosen hold.
        """
        closing = (known for known in self.closing if known.same_work(identity))
        for known in (*self.open, *closing):
            alike = known.content_hash == identity.content_hash
            if alike and _together(identity, known):
                return known
        return None

    def renamed(self, identity: ImageIdentity) -> ImageIdentity | None:
        """Return the image with the same pixels whose file is gone.

        It was moved or renamed while it was open.
        """
        for known in (*self.open, *self.closing):
            gone = known.path is not None and not known.path.exists()
            if gone and known.same_work(identity):
                return known
        return None


NOTHING_HELD = Held()


def _together(one: ImageIdentity, other: ImageIdentity) -> bool:
    if one.path is not None and other.path is not None:
        return same_file(one.path, other.path)
    return one.path is other.path and same_name(one.name, other.name)
