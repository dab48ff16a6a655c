"""Ids that follow the objects of a time-lapse: found in the background, given at once.

How it flows: a person asks for it. What was touched is settled, and labels are copied,
some milliseconds a tick; a job follows their objects, and decides which ids stay: those
of verified objects, and those of which a person has said who they are. What comes of it
is one edit, which Ctrl+Z takes back. What is verified meanwhile stays, too.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_unet import tracking
from napari_unet.annotation.change import Change
from napari_unet.annotation.edit import Edit
from napari_unet.annotation.origins import Origins, parents_of
from napari_unet.annotation.provenance import ProvenanceMap, is_verified
from napari_unet.annotation.track_edits import GiveIds
from napari_unet.core.events import FramesDone, Notice
from napari_unet.core.jobs import Job
from napari_unet.errors import InputError
from napari_unet.geometry.axes import result_axes, to_canonical
from napari_unet.geometry.maps import LabelMap
from napari_unet.session.copying import LabelsCopy
from napari_unet.session.hub import Hub
from napari_unet.session.images.image import OpenImage
from napari_unet.session.images.images import Images
from napari_unet.session.in_time import why_not_follow
from napari_unet.session.paths import ObjectPaths
from napari_unet.session.runner import Handlers, Running
from napari_unet.session.status import Progress

_STOPPED = "Objects were not followed; all ids are as they were."
_AS_BEFORE = "Ids follow the objects already."


class Following:
    """Follows the objects of the current image, when that is asked.

    `perform` does an edit of an image.

    Attributes
    ----------
    paths : ObjectPaths
        Where objects go, which is shown when they were followed.
    """

    def __init__(
        self,
        hub: Hub,
        images: Images,
        perform: Callable[[OpenImage, Edit], Change | None],
    ) -> None:
        self._hub = hub
        self._images = images
        self._perform = perform
        self.paths = ObjectPaths(hub, images)
        self._copy: tuple[OpenImage, LabelsCopy] | None = None
        self._job: Running | None = None
        self._notes: list[str] = []

    def start(self) -> None:
        """Follow the objects as they are now, or say why that is impossible."""
        image, why_not = self._images.current, why_not_follow(self._hub.state)
        if why_not or image is None:
            self._hub.report("correct", InputError(why_not))
            return
        self._hub.clear("correct")
        self._notes = []
        image.canvas.settle()
        self._copy = image, LabelsCopy(image.annotation, exact=True)
        self._show(Progress())
        self.tick()

    def cancel(self) -> None:
        """Stop; all ids stay as they are."""
        self._copy = None
        if self._job is not None:
            self._job.cancel()
        elif self._hub.state.following.progress is not None:
            self._end(_STOPPED)

    def tick(self) -> None:
        """Go on with the copy, for some milliseconds; call it often."""
        self.paths.tick()
        if self._copy is None:
            return
        image, copy = self._copy
        if image is not self._images.current:
            self.cancel()
            return
        if image.occupied or not copy.is_done():
            return
        self._copy = None
        job = FollowObjects(
            copy.labels,
            copy.provenance,
            image.annotation.origins,
            image.axes,
            image.voxel_size,
        )
        running = self._hub.runner.start(
            job,
            Handlers(
                event=self._on_event,
                result=lambda edit: self._on_done(image, edit),
                error=self._on_error,
                closed=lambda: self._end(_STOPPED),
            ),
        )
        self._job = running if running.running else None

    def _on_event(self, event: FramesDone | Notice) -> None:
        if isinstance(event, Notice):
            self._notes.append(event.message)
        else:
            self._show(Progress(event.done, event.total))

    def _on_done(self, image: OpenImage, edit: GiveIds) -> None:
        if image is not self._images.current or image.occupied:
            self._end(_STOPPED)
            return
        change = self._perform(image, edit)
        divisions = len(set(parents_of(image.annotation.origins).values()))
        found = f"{divisions:,} division{'' if divisions == 1 else 's'}"
        words = f"Ids follow the objects, with {found}. Ctrl+Z takes that back."
        self._end(" ".join([words if change else _AS_BEFORE, *self._notes]))
        self.paths.show(wanted=True)

    def _on_error(self, error: Exception) -> None:
        self._end("")
        self._hub.report("correct", error)

    def _end(self, told: str) -> None:
        self._job = None
        self._show(None)
        if told:
            self._hub.say(told, "image", "labels")

    def _show(self, progress: Progress | None) -> None:
        self._hub.show(following=replace(self._hub.state.following, progress=progress))


@dataclass(frozen=True, slots=True, eq=False)
class FollowObjects(Job[FramesDone | Notice, GiveIds]):
    """Follow the objects of labels, and return the edit that gives them their ids.

    `voxel_size` is how far apart pixels are along Z, Y and X, as far as that is known.
    """

    labels: LabelMap
    provenance: ProvenanceMap
    origins: Origins
    axes: str
    voxel_size: Mapping[str, float]

    def run(self) -> Generator[FramesDone | Notice, None, GiveIds]:
        """Follow them; an InputError says why that is impossible."""
        axes = result_axes(self.axes)
        verified = _frames(is_verified(self.provenance), axes)
        said = {each for each, known in self.origins.items() if known.stated}
        kept = [
            {*np.unique(frame[mine & (frame > 0)]).tolist()}
            | said.intersection(np.unique(frame).tolist())
            for frame, mine in zip(_frames(self.labels, axes), verified, strict=True)
        ]
        followed, tracks = yield from tracking.iter_track(
            self.labels, axes, pixel_size=self._sizes(), whole=kept
        )
        labels, pieces = tracking.cut_off(self.labels, followed)
        found = _frames(followed, axes)
        ids = tracking.keep_ids(_frames(labels, axes), found, tracks, kept)
        return GiveIds(ids.moves, ids.parents, pieces)

    def _sizes(self) -> dict[str, float]:
        """Return them with X: pixels are as wide as they are high."""
        sizes = dict(self.voxel_size)
        return sizes | {"X": sizes["Y"]} if "Y" in sizes else sizes


def _frames(array: npt.NDArray[Any], axes: str) -> npt.NDArray[Any]:
    """Return an array with time first."""
    return to_canonical(array, axes)[:, 0]
