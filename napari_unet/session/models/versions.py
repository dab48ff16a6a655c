"""What a person does with the list of versions: give names, delete, undo that."""

from __future__ import annotations

from collections.abc import Callable

from psygnal import Signal

from napari_unet.errors import InputError
from napari_unet.project.manifest import LONGEST_VERSION_NAME
from napari_unet.project.project import Project
from napari_unet.session.hub import Hub
from napari_unet.session.models.timeline import ModelVersion, Timeline


def why_not_rename(version: ModelVersion, home: Project | None) -> str:
    """Return why a version keeps its name, or nothing.

    `home` is the project where models are kept now, if they can be.
    """
    if version.built_in:
        return f"{version.title} is built in and keeps its name."
    return _why_not_change(version, home)


def why_not_delete(
    version: ModelVersion, active: ModelVersion | None, home: Project | None
) -> str:
    """Return why a version cannot be deleted, or nothing."""
    if version.built_in:
        return f"{version.title} is built in and stays: others began with it."
    if active is not None and active.uuid == version.uuid:
        return f"{version.title} predicts now: go to another version first."
    return _why_not_change(version, home)


def _why_not_change(version: ModelVersion, home: Project | None) -> str:
    if version.home in (None, home):
        return ""
    name = version.home.folder.stem
    return f"{version.title} is kept in {name}, which is not the project you work in."


class Versions:
    """Changes the list of versions at a person's wish; all of it can be taken back.

    Attributes
    ----------
    edited : Signal()
        There is something to keep.
    """

    edited = Signal()

    def __init__(
        self, hub: Hub, timeline: Timeline, home: Callable[[], Project | None]
    ) -> None:
        self._hub = hub
        self._timeline = timeline
        self._home = home

    def rename(self, number: int, name: str) -> None:
        """Give a version a name; without one it is called as it was at first."""
        version = self._timeline.get(number)
        shown = "".join(each if each.isprintable() else " " for each in name)
        name = " ".join(shown.split())
        name = name[:LONGEST_VERSION_NAME].rstrip()
        if name in (version.name, version.title):
            return
        if self._refused(why_not_rename(version, self._home())):
            return
        self._timeline.rename(number, "" if name == version.note else name)
        self.edited.emit()

    def delete(self, number: int) -> None:
        """Delete a version; until the session ends it can be brought back."""
        version, active = self._timeline.get(number), self._timeline.active
        if self._refused(why_not_delete(version, active, self._home())):
            return
        self._timeline.delete(number)
        self._hub.say(f"{version.title} is deleted; Undo brings it back.", "version")
        self.edited.emit()

    def bring_back(self) -> None:
        """Bring back the version that was deleted last."""
        version = self._timeline.bring_back()
        if version is not None:
            self._hub.say(f"{version.title} is here again.", "version")
            self.edited.emit()

    def _refused(self, reason: str) -> bool:
        if reason:
            self._hub.report("finetune", InputError(reason))
        else:
            self._hub.clear("finetune")
        return bool(reason)
