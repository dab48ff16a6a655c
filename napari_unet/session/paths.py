"""Where the objects of a time-lapse go, while somebody wants to see it.

How it flows: as long as paths are in sight, every tick looks whether labels, or what is
known of who came from whom, are others than those that are shown; if so, labels are
copied, some milliseconds a tick, and paths are found in the background. What comes in
meanwhile is found afterwards.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass, replace

from psygnal import Signal

from napari_unet import tracking
from napari_unet.annotation.origins import parents_of
from napari_unet.core.jobs import Job
from napari_unet.errors import InputError
from napari_unet.geometry.maps import LabelMap
from napari_unet.session.copying import LabelsCopy
from napari_unet.session.hub import Hub
from napari_unet.session.images.image import OpenImage
from napari_unet.session.images.images import Images
from napari_unet.session.in_time import why_not_show_paths
from napari_unet.session.runner import Handlers, Running
from napari_unet.tracking import Paths

INTERVAL = 0.5
"""The least seconds between two looks: a hand that paints changes labels always."""


@dataclass(frozen=True, slots=True, eq=False)
class ShownPaths:
    """The paths of the objects of an image."""

    image: OpenImage
    paths: Paths


class ObjectPaths:
    """Keeps the paths of the current image up to date while they are in sight.

    Attributes
    ----------
    found : ShownPaths or None
        What is to be shown; None where nothing is.
    changed : Signal()
        It is something else.
    """

    changed = Signal()

    def __init__(self, hub: Hub, images: Images) -> None:
        self._hub = hub
        self._images = images
        self.found: ShownPaths | None = None
        self._image: OpenImage | None = None
        # Of what the paths are: an image, its revision, and what is known of origins.
        self._known: tuple[object, ...] = ()
        self._copy: LabelsCopy | None = None
        self._job: Running | None = None
        self._not_before = 0.0

    def show(self, *, wanted: bool) -> None:
        """Show the paths of the current image from now on, or none any more."""
        why_not = why_not_show_paths(self._hub.state) if wanted else ""
        if why_not:
            self._hub.report("correct", InputError(why_not))
        self._image = self._images.current if wanted and not why_not else None
        self._say()
        if self._image is None:
            self._drop()
        else:
            self._not_before = 0.0
            self.tick()

    def forget(self, image: OpenImage) -> None:
        """Show none of an image that is put away."""
        if image is self._image:
            self.show(wanted=False)

    def tick(self) -> None:
        """Find paths anew if it is time; call it often."""
        image = self._image
        if image is None:
            return
        why_not = why_not_show_paths(self._hub.state)
        if image is not self._images.current or why_not:
            self.show(wanted=False)
        elif self._copy is not None:
            self._go_on(image, self._copy)
        elif self._job is None and self._hub.clock() >= self._not_before:
            self._look(image)

    def _look(self, image: OpenImage) -> None:
        if image.occupied:
            return  # a stroke is under way
        annotation = image.annotation
        known = (image, annotation.revision, annotation.origins)
        if known != self._known:
            self._known = known
            self._copy = LabelsCopy(annotation)
            self._go_on(image, self._copy)

    def _go_on(self, image: OpenImage, copy: LabelsCopy) -> None:
        time = image.annotation.time
        if time is None or not copy.is_done():
            return
        self._copy, known = None, self._known

        def end(paths: Paths | None, error: Exception | None = None) -> None:
            if self._known is not known:
                return  # nobody wants it any more
            self._job = None
            self._not_before = self._hub.clock() + INTERVAL
            if error is not None:
                self._hub.report("correct", error)
            elif paths is not None:
                self.found = ShownPaths(image, paths)
                self.changed.emit()

        parents = parents_of(image.annotation.origins)
        job = self._hub.runner.start(
            FindPaths(copy.labels, time, parents),
            Handlers(result=end, error=lambda error: end(None, error)),
        )
        self._job = job if job.running else None

    def _drop(self) -> None:
        if self._job is not None:
            self._job.cancel()
        self._job = self._copy = None
        self._known = ()
        if self.found is not None:
            self.found = None
            self.changed.emit()

    def _say(self) -> None:
        shown = self._image is not None
        self._hub.show(following=replace(self._hub.state.following, shown=shown))


@dataclass(frozen=True, slots=True, eq=False)
class FindPaths(Job[None, Paths]):
    """Find where objects go; see `napari_unet.tracking.paths_of`."""

    labels: LabelMap
    time: int
    parents: Mapping[int, int]

    def run(self) -> Generator[None, None, Paths]:
        """Find it."""
        yield
        return tracking.paths_of(self.labels, self.time, self.parents)
